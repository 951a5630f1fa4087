"""A small project in a temporary folder, with scripted models and a clock that tests move."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import pytest

from interlock.engine.project import Project
from interlock.engine.service import Engine
from interlock.settings import load_settings
from interlock.testing import FakeClock, ScriptedActionModel, ScriptedChatModel
from tests import postgres
from tests.drawn import Watch
from tests.engine.forked import GRAPHS, PUT, PUT_POLICY, THINK_WHY

TOOLS = '''
"""A counter in a file, and a look at it."""

from interlock.tools.action import ActionContext, Arguments, Result, about, action


class Add(Arguments):
    amount: int = about("How much to add.")
    note: str = about("Why.", default="")


class Look(Arguments):
    pass


class Total(Result):
    total: int


def _lines(context: ActionContext) -> list[str]:
    path = context.home / "counter.txt"
    return path.read_text().splitlines() if path.exists() else []


@action("counter.add", effect="keyed", risk="medium", title="{amount}")
def add(arguments: Add, context: ActionContext) -> Total:
    """Add to the counter."""
    if not any(line.startswith(context.key) for line in _lines(context)):
        with (context.home / "counter.txt").open("a") as file:
            file.write(f"{context.key} {arguments.amount} {arguments.note}\\n")
    return Total(total=sum(int(line.split()[1]) for line in _lines(context)))


@action("counter.look", effect="read")
def look(arguments: Look, context: ActionContext) -> Total:
    """Look at the counter."""
    return Total(total=sum(int(line.split()[1]) for line in _lines(context)))
'''

POLICY = """
policy: counter
version: 1
applies_to: [counter.add]
approvals:
  two: {count: 2, within: 1h, execute_within: 5m}
inputs: {amount: {type: int}}
rules:
  - {id: small, when: {amount: {le: 10}}, then: auto, because: small}
  - {id: large, when: {amount: {gt: 10, le: 100}}, then: {approve: {count: 1, within: 1h}}, because: large}
"""

THINK = """
node: think
kind: reason
goal: Decide.
prompt: "What about $question?"
output:
  verdict: {type: string, enum: [go, stop]}
  amount: {type: integer}
repairs: 1
"""

Make = Callable[..., Project]


@pytest.fixture(autouse=True)
def _every_run_stays_on_its_picture(monkeypatch: pytest.MonkeyPatch) -> Iterator[None]:
    """What is drawn is what ran, in each test."""
    watch = Watch()
    monkeypatch.setattr(Engine, "__init__", lambda *args, **named: watch.begin(*args, **named))
    yield
    assert watch.off() == []


@pytest.fixture
def clock() -> FakeClock:
    """A clock that stands still until it is moved."""
    return FakeClock()


@pytest.fixture
def make(tmp_path: Path, clock: FakeClock) -> Make:
    """A project with these graph files; made again on the same folder it is the same project after a restart."""

    def build(graphs: dict[str, str] | None = None, *, chat: Any = None, act: Any = None, **files: str) -> Project:
        root = tmp_path / "project"
        for folder in ("graphs", "nodes", "tools", "policies"):
            (root / folder).mkdir(parents=True, exist_ok=True)
        (root / "tools" / "counter.py").write_text(TOOLS)
        (root / "policies" / "counter.yaml").write_text(POLICY)
        (root / "nodes" / "think.yaml").write_text(THINK)
        for name, text in (graphs or {}).items():
            (root / "graphs" / f"{name}.yaml").write_text(text)
        for name, text in files.items():
            folder, _, stem = name.partition("_")
            (root / folder / f"{stem}.yaml").write_text(text)
        return Project(
            root=root,
            settings=load_settings(home=tmp_path / "home", busy_timeout=5.0),
            clock=clock,
            sleep=lambda seconds: None,
            make_chat_model=lambda provider: chat if chat is not None else ScriptedChatModel([]),
            action_model=lambda: act if act is not None else ScriptedActionModel([]),
        )

    return build


@pytest.fixture(params=["sqlite", pytest.param("postgresql", marks=pytest.mark.slow)])  # a server takes its time
def house(request: pytest.FixtureRequest, make: Make) -> Iterator[Project]:
    """The project on a file, and on a server."""
    chat = ScriptedChatModel([{"text": "so"}] * 30)
    project = make(GRAPHS, nodes_think=THINK_WHY, policies_put=PUT_POLICY, chat=chat)
    (project.root / "tools" / "put.py").write_text(PUT)
    if request.param == "sqlite":
        yield project
        return
    with postgres.database() as url:
        project.settings = project.settings.model_copy(update={"database_url": url})
        yield project
        project.database.engine.dispose()


def start(project: Project, graph: str, **values: Any) -> tuple[Engine, str]:
    """Accept a run of a graph and drive it to its first wait or its end."""
    engine = Engine(project)
    workflow = project.workflow(project.root / "graphs" / f"{graph}.yaml")
    run = engine.start(workflow, values, "requester")
    engine.drive(run.id)
    return engine, run.id


def counted(project: Project) -> list[int]:
    """What the counter's file holds: one number an effect."""
    path = project.settings.home / "counter.txt"
    return [int(line.split()[1]) for line in path.read_text().splitlines()] if path.exists() else []
