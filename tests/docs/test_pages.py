"""Every block of the README and the pages is executed or checked, and the lists in them are whole."""

from __future__ import annotations

import re
import sys
from collections.abc import Iterator
from pathlib import Path

import pytest
from pages import NOT_RUN, ROOT, WEIGHTS, blocks, play, said
from typer.main import get_command

from interlock.cli.app import app
from interlock.graphs.cards import ActCard, Limits, ReasonCard, Schema
from interlock.graphs.fields import (
    ActFields,
    ApproveFields,
    CallFields,
    EdgeFields,
    GraphFields,
    ReasonFields,
)
from interlock.graphs.spec import OUTCOMES
from interlock.nodes.models import PROVIDERS
from interlock.policies.language import PROVENANCE, Comparison, Input, Policy, Requirement, Rule
from interlock.settings import Settings
from interlock.store.effects import ARROWS
from interlock.web.rights import RIGHTS

ELSEWHERE = ("action-model",)
"""Pages whose blocks other tests hold to the truth; their links are followed here."""

FOLDERS = (ROOT / "docs", ROOT / "docs" / "guides", ROOT / "docs" / "reference")
PAGES = [
    ROOT / "README.md",
    *(path for folder in FOLDERS for path in sorted(folder.glob("*.md")) if path.stem not in ELSEWHERE),
]
LINKED = [
    *PAGES,
    *(ROOT / "docs" / f"{name}.md" for name in ELSEWHERE),
    *sorted((ROOT / "examples").glob("*/README.md")),
]


def page(name: str) -> str:
    return (ROOT / "docs" / f"{name}.md").read_text(encoding="utf-8")


def rows(text: str) -> dict[str, list[str]]:
    """The rows of all tables whose first cell is one `word`, by that word."""
    found = {}
    for line in text.splitlines():
        cells = [cell.strip() for cell in re.split(r"(?<!\\)\|", line.strip().strip("|"))]
        if line.startswith("| `") and re.fullmatch(r"`[^`]+`", cells[0]):
            found[cells[0].strip("`")] = cells[1:]
    return found


@pytest.mark.parametrize("path", PAGES, ids=lambda path: path.stem)
def test_a_page_does_what_it_says(path: Path, tmp_path: Path) -> None:
    """Typed as they stand, the page's commands print what it shows, its Python runs and its YAML passes its checks."""
    if said(path, "needs") == "action model" and not WEIGHTS:
        pytest.skip("the embedded action model's weights are not there")
    for block, wanted in play(path, tmp_path):
        if block.language == "console":
            assert wanted == block.text, f"{block.place}: run `python tests/docs/pages.py {path.relative_to(ROOT)}`"


@pytest.mark.parametrize("path", PAGES, ids=lambda path: path.stem)
def test_no_block_is_passed_over_in_silence(path: Path) -> None:
    """A block that is not tried says why, with one of the few reasons there are."""
    for block in blocks(path):
        assert block.language, f"{block.place}: a block without a language is read by nothing"
        assert block.word != "not run" or block.value in NOT_RUN, block.place
        assert block.language != "json" or block.word in ("json", "model json", "file"), block.place


@pytest.mark.parametrize("path", LINKED, ids=lambda path: f"{path.parent.name}-{path.stem}")
def test_links_lead_somewhere(path: Path) -> None:
    """Every relative link names a file that exists, and every anchor a heading of it."""
    for target in re.findall(r"\]\(([^)\s]+)\)", path.read_text(encoding="utf-8")):
        if target.startswith("http"):
            continue
        name, _, anchor = target.partition("#")
        file = (path.parent / name).resolve() if name else path
        assert file.exists(), f"{path.name}: {target}"
        headings = re.findall(r"^#+ (.*)$", file.read_text(encoding="utf-8"), re.MULTILINE) if anchor else []
        slugs = {re.sub(r"[^a-z0-9 -]", "", heading.lower()).replace(" ", "-") for heading in headings}
        assert not anchor or anchor in slugs, f"{path.name}: {target}"


def test_the_settings_are_listed_with_their_defaults() -> None:
    """The page of settings lists every variable that is read, and the default it has."""
    listed = {name: cells[0] for name, cells in rows(page("settings")).items() if name.startswith("INTERLOCK_")}
    fields = {f"INTERLOCK_{name.upper()}": field.default for name, field in Settings.model_fields.items()}
    assert listed == {name: "" if value is None else f"`{value}`" for name, value in fields.items()}


def test_the_providers_are_listed() -> None:
    """The page of settings names every kind of chat model."""
    assert {name.split(":")[0] for name in rows(page("settings")) if not name.startswith("INTERLOCK_")} == set(
        PROVIDERS
    )


def test_the_rights_of_each_role_are_listed() -> None:
    """The page of identity says of every right which roles have it."""
    roles = ("author", "operator", "reviewer", "admin")
    listed = {name: cells[1:] for name, cells in rows(page("identity")).items() if name in RIGHTS}
    assert listed == {right: ["yes" if role in held else "" for role in roles] for right, held in RIGHTS.items()}


def test_the_effect_diagram_has_exactly_the_arrows_there_are() -> None:
    """The diagram of an effect's states has the ledger's arrows, each with a verb."""
    drawn = re.findall(r"^    (\w+) --> (\w+): \S+", page("concepts"), re.MULTILINE)
    assert set(drawn) == {(state, after) for state, following in ARROWS.items() for after in following}


def test_the_outcomes_and_labels_are_listed() -> None:
    """The concepts name every outcome of every kind of step, and every provenance label, most trusted first."""
    found = rows(page("concepts"))
    for kind, outcomes in OUTCOMES.items():
        line = next(line for line in page("concepts").splitlines() if line.startswith(f"| {kind} |"))
        assert re.findall(r"`(\w+)`", line) == list(outcomes)
    assert [word for word in found if word in PROVENANCE] == list(reversed(PROVENANCE))


@pytest.mark.parametrize(
    ("name", "models"),
    [
        (
            "graphs",
            [GraphFields, ReasonFields, ActFields, ApproveFields, EdgeFields, Schema, ReasonCard, ActCard, Limits],
        ),
        ("policies", [Policy, Rule, Requirement, Input, Comparison]),
    ],
)
def test_every_key_is_explained(name: str, models: list[type]) -> None:
    """Every key that a file may hold stands on the page about it."""
    text = page(name)
    for model in models:
        for field, about in model.model_fields.items():  # type: ignore[attr-defined]
            assert f"`{about.alias or field}`" in text, f"{model.__name__}.{field} is not explained"
    assert set(CallFields.model_fields) - {"call"} <= set(ActFields.model_fields)


def commands() -> Iterator[tuple[str, object]]:
    root = get_command(app)
    for name, command in root.commands.items():  # type: ignore[attr-defined]
        inner = getattr(command, "commands", None)
        yield from ((f"{name} {verb}", one) for verb, one in inner.items()) if inner else [(name, command)]


@pytest.mark.parametrize(
    ("name", "command"), list(commands()), ids=lambda value: value if isinstance(value, str) else ""
)
def test_every_command_and_option_is_on_the_page(name: str, command: object) -> None:
    """The page of the command line names each verb, and each of its options in the verb's own section."""
    sections = re.split(r"^## ", page("cli"), flags=re.MULTILINE)
    section = next((part for part in sections if part.splitlines()[0] in (name, name.split()[0])), "")
    usage = "\n".join(re.findall(rf"`interlock {name}[^`]*`", section)) + section
    assert f"`interlock {name}" in section, f"interlock {name} has no section"
    for parameter in command.params:  # type: ignore[attr-defined]
        for option in parameter.opts:
            if option.startswith("-") and option != "--help":
                assert re.search(rf"(?<![\w-]){re.escape(option)}(?![\w-])", usage), f"interlock {name} {option}"


@pytest.mark.skipif(not WEIGHTS, reason="the embedded action model's weights are not there")
def test_the_picture_of_the_demo_is_what_it_shows(tmp_path: Path) -> None:
    """Every line of the picture stands, in this order, in what the demo prints at a terminal; `…` cuts a line."""
    picture = next(block for block in blocks(ROOT / "README.md") if block.word == "output").text
    shown = at_a_terminal(["sh", "examples/demo.sh"], tmp_path / "home", answers=["a"])
    lines = iter([plain(line, tmp_path / "home") for line in shown.splitlines()])
    for line in [plain(line, tmp_path) for line in picture.splitlines()[1:] if line.strip()]:
        start = line.removesuffix("…").rstrip()
        cut = line.endswith("…")
        assert any(found == start or (cut and found.startswith(start)) for found in lines), f"the demo lacks: {line}"


def plain(line: str, home: Path) -> str:
    """A line without colours, and without what differs from run to run."""
    line = re.sub(r"\x1b\[[0-9;]*[A-Za-z]", "", line).replace(str(home), ".demo")
    line = re.sub(r"\b(run|ap)-[0-9a-f]{10}\b", r"\1-ID", line)
    line = re.sub(r"\b[0-9a-f]{32}\b", "ID", line)
    return re.sub(r"\d+ h \d+ min left", "TIME left", line).rstrip()


def at_a_terminal(command: list[str], home: Path, answers: list[str]) -> str:
    """What a command prints at a terminal of its own, each prompt (a last line that ends in `: `) answered in turn."""
    import os
    import pty
    import select
    import subprocess

    ours, theirs = pty.openpty()
    environment = os.environ | {
        "INTERLOCK_HOME": str(home), "COLUMNS": "200", "TERM": "dumb", "NO_COLOR": "1",
        "PATH": os.pathsep.join([str(Path(sys.executable).parent), os.environ["PATH"]]),
    }  # fmt: skip
    running = subprocess.Popen(
        command, cwd=ROOT, env=environment, stdin=theirs, stdout=theirs, stderr=theirs, start_new_session=True
    )
    os.close(theirs)
    shown, waiting = b"", list(answers)
    try:
        while True:
            ready, _, _ = select.select([ours], [], [], 120)
            assert ready, f"nothing was printed for two minutes after:\n{shown.decode()}"
            try:
                read = os.read(ours, 65536)
            except OSError:  # the other end is closed
                break
            if not read:
                break
            shown += read
            if waiting and shown.endswith(b": "):
                os.write(ours, waiting.pop(0).encode() + b"\n")
        running.wait(30)
    finally:
        running.kill()
        os.close(ours)
    assert running.returncode == 0, shown.decode()
    return shown.decode().replace("\r\n", "\n")
