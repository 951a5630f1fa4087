"""`interlock doctor`: each setting and where it comes from, and whether what a project needs is there."""

from __future__ import annotations

import importlib.util
import os
import sys
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Literal

import typer

from interlock.cli.output import EXIT_FAILED, console, print_json
from interlock.errors import InterlockError

if TYPE_CHECKING:
    from interlock.engine.project import Project
    from interlock.settings import Settings

Word = Literal["ok", "note", "fault"]
"""ok: as it should be.  note: something is not there that not everybody needs.  fault: something does not work."""

EXTRAS = {
    "postgres": "psycopg",
    "work": "dbos",
    "openai": "langchain_openai",
    "hf": "llguidance",
    "mcp": "mcp",
    "browser": "playwright",
    "otel": "opentelemetry.sdk",
    "oidc": "authlib",
    "cedar": "cedarpy",
    "z3": "z3",
}
"""A module of each extra that shows whether it is installed."""


@dataclass(frozen=True)
class Look:
    """What one look showed, and what to do where something is amiss."""

    about: str
    word: Word
    found: str
    next: str = ""


@dataclass(frozen=True)
class Setting:
    """A setting in use, and where it comes from: `environment`, `.env` or `default`."""

    name: str
    value: str
    source: str


def doctor(
    every: Annotated[bool, typer.Option("--all", help="Show settings that have their default, too.")] = False,
    as_json: Annotated[bool, typer.Option("--json", help="Print one JSON object.")] = False,
) -> None:
    """Say where each setting comes from, and whether what this project needs is there; exit code 1 where it is not."""
    from interlock.settings import load_settings

    settings = load_settings()
    known, looks = told(settings), list(looked(settings))
    faults = [look for look in looks if look.word == "fault"]
    if as_json:
        print_json(
            {
                "ok": not faults,
                "settings": [setting.__dict__ for setting in known],
                "looks": [look.__dict__ for look in looks],
            }
        )
    else:
        _show([each for each in known if every or each.source != "default"], looks)
    if faults:
        raise typer.Exit(EXIT_FAILED)


def _show(known: list[Setting], looks: list[Look]) -> None:
    from rich.table import Table

    table = Table("setting", "value", "from", box=None)
    for setting in known:
        table.add_row(setting.name, setting.value, setting.source)
    out = console()
    if known:
        out.print(table)
        out.print()
    for look in looks:
        mark = {"ok": "[green]ok   [/green]", "note": "[yellow]note [/yellow]", "fault": "[red]fault[/red]"}[look.word]
        out.print(f"{mark} {look.about}: ", end="")
        out.print(look.found + (f" {look.next}" if look.next else ""), markup=False)


def told(settings: Settings) -> list[Setting]:
    """Each setting with its value, secrets covered, and where it comes from."""
    from pydantic import SecretStr

    from interlock.store.database import without_password

    written = _written(Path(".env"))
    found = []
    for field, value in settings:
        name = f"INTERLOCK_{field.upper()}"
        source = "environment" if name in _upper(os.environ) else ".env" if name in written else "default"
        shown = ("set" if value.get_secret_value() else "") if isinstance(value, SecretStr) else value
        found.append(Setting(name, "" if shown is None else without_password(str(shown)), source))
    return found


def _upper(names: os._Environ[str]) -> set[str]:
    return {name.upper() for name in names}


def _written(path: Path) -> set[str]:
    """The names that a `.env` file sets."""
    from dotenv import dotenv_values

    return {name.upper() for name in dotenv_values(path)} if path.is_file() else set()


def looked(settings: Settings) -> Iterator[Look]:
    """One look after the other; what cannot be looked at without a project is left out where there is none."""
    from interlock.engine.project import Project

    version = ".".join(map(str, sys.version_info[:3]))
    yield Look("Python", "ok" if sys.version_info >= (3, 11) else "fault", version)
    yield _tried("the action model's encoder", _encoder)
    there = [name for name, module in EXTRAS.items() if _has(module)]
    missing = [name for name in EXTRAS if name not in there]
    yield Look("extras", "ok", ", ".join(there) or "none")
    if missing:
        yield Look("extras not installed", "note", ", ".join(missing), f"pip install 'interlock[{missing[0]}]'")
    try:
        project = Project.at()
    except InterlockError as error:
        yield Look("project", "note", error.message)
        return
    yield Look("project", "ok", str(project.root))
    yield _tried("drawers", lambda: _drawers(project))
    yield _tried(f"chat model {settings.model}", lambda: _chat_model(settings))
    if project.settings.database_url is None and not (project.settings.home / "interlock.db").exists():
        yield Look("home", "ok", f"{project.settings.home}, which the first run makes")
        return
    yield _tried("home", lambda: _home(project))
    yield _tried("database", lambda: _database(project))
    yield _tried("the record", lambda: _record(project))


def _tried(about: str, look: Callable[[], str]) -> Look:
    try:
        return Look(about, "ok", look())
    except InterlockError as error:
        return Look(about, "fault", error.message)


def _has(module: str) -> bool:
    try:
        return importlib.util.find_spec(module) is not None
    except ModuleNotFoundError:
        return False


def _encoder() -> str:
    from interlock.lam.encoder import encoder_folder

    encoder_folder()
    return "installed"


def _drawers(project: Project) -> str:
    graphs = sorted((project.root / "graphs").glob("*.yaml"))
    _ = project.policies
    return f"{len(graphs)} graphs, {len(project.cards.cards)} cards, {len(project.actions)} actions"


def _chat_model(settings: Settings) -> str:
    from interlock.nodes.models import chat_model

    return type(chat_model(settings.model, settings)).__name__


def _home(project: Project) -> str:
    from interlock.errors import StoreUnavailable

    if not os.access(project.home, os.W_OK):
        raise StoreUnavailable(f"{project.home} cannot be written; set INTERLOCK_HOME to a folder that can.")
    return str(project.home)


def _database(project: Project) -> str:
    from interlock.store.health import health

    found = health(project.database)
    size = "" if found.bytes is None else f", {found.bytes / 1e6:.1f} MB"
    return f"{project.database.name}, table version {found.schema}{size}"


def _record(project: Project) -> str:
    from interlock.errors import StoreUnavailable

    services = project.services
    with services.database.read() as session:
        fault, head = services.audit.verify(session), services.audit.head(session)
    if fault is not None:
        raise StoreUnavailable(
            f"the record is broken at entry {fault.seq}: {fault.because}. Look: interlock audit verify"
        )
    return f"{head.entries} entries, whole"
