"""Every graph in this folder is drawn and run: it ends as its first lines say, and stays on its picture."""

from __future__ import annotations

import json
import re
import xml.etree.ElementTree as ElementTree
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from datetime import timedelta
from pathlib import Path
from typing import Any

import pytest

from interlock.engine.compiler import EDGE, VISITS
from interlock.engine.forking import fork
from interlock.engine.outlook import config_of
from interlock.engine.position import agrees
from interlock.engine.project import Project
from interlock.engine.service import Engine, Standing
from interlock.engine.settling import settle
from interlock.engine.states import States
from interlock.errors import Refused
from interlock.graphs.pictures.depiction import depicted
from interlock.graphs.pictures.drawing import drawn
from interlock.graphs.spec import ForkStep, GraphStep, MapStep, Spec, keys_of
from interlock.lam.protocol import Action as ProposedAction
from interlock.lam.protocol import ActionSchema, Decision, Observation
from interlock.settings import load_settings
from interlock.store.forks import COUNTERS
from interlock.testing import FakeClock, ScriptedActionModel, ScriptedChatModel, calls, certificates_for
from tests.drawn import off_the_drawing

FOLDER = Path(__file__).parent
GRAPHS = {path.stem: path for path in sorted(FOLDER.glob("*.yaml"))}
SPANS = {"h": "hours", "d": "days"}


@dataclass
class Script:
    """What the first lines of a graph say: its input, what models and people answer, and how it ends."""

    run: dict[str, Any]
    ends: str
    path: str
    says: list[Any] = field(default_factory=list)
    proposes: list[str] = field(default_factory=list)
    decides: list[str] = field(default_factory=list)
    answers: dict[str, Any] = field(default_factory=dict)
    sends: dict[str, Any] = field(default_factory=dict)
    advances: timedelta | None = None

    @classmethod
    def of(cls, path: Path) -> Script:
        lines = dict(re.findall(r"^# (\w+): ?(.*)$", path.read_text(), re.MULTILINE))
        told = {name: lines[name] for name in ("ends", "path")}
        read = {
            name: json.loads(lines[name]) for name in lines if name in cls.__dataclass_fields__ and name not in told
        }
        if "advances" in read:
            read["advances"] = _span(read["advances"])
        return cls(**told, **read)


def _span(text: str) -> timedelta:
    return timedelta(**{SPANS[text[-1]]: int(text[:-1])})


def _chat(script: Script) -> ScriptedChatModel:
    replies = [
        calls(reply["call"], reply["arguments"]) if isinstance(reply, dict) and "call" in reply else reply
        for reply in script.says
    ]
    return ScriptedChatModel(replies)


def _lam(script: Script) -> ScriptedActionModel:
    """Proposes what the script names, surely, or abstains."""
    words = iter(script.proposes)

    def decide(observation: Observation, space: list[ActionSchema]) -> Decision:
        word = next(words)
        facts: dict[str, Any] = {"backend": "scripted", "model_id": "scripted"}
        if word == "abstain":
            return Decision(kind="abstain", actions=[], p_null=0.9, **facts)
        chosen = ProposedAction(name=word, arguments={}, confidence=0.99)
        return Decision(kind="act", actions=[chosen], p_null=0.01, **facts)

    return ScriptedActionModel(decide, certificates=certificates_for("scripted", 0.9))


def _go_on(engine: Engine, clock: FakeClock, script: Script, standing: Standing) -> None:
    """Do what the run waits for: decide, send the event, or let time pass."""
    if standing.waiting:
        row = standing.waiting[0]
        word = script.decides.pop(0) if script.decides else "approve"
        person = ["first", "second"][len(engine.services.approvals.votes(row.id))]
        if word == "reject":
            engine.services.approvals.reject(row.id, person, comment="no")
        else:
            engine.approve(row.id, person, answer=script.answers if row.kind == "form" else None)
    elif script.sends:
        event = next(iter(script.sends))
        engine.send(standing.run.id, event, script.sends.pop(event), "outside")
    else:
        assert script.advances is not None, f"the run waits for nothing that {script} has"
        clock.advance(script.advances)


@pytest.fixture
def play(tmp_path: Path) -> Callable[[Path], tuple[Engine, Standing]]:
    """Run a graph of this folder to its end."""

    def run(path: Path) -> tuple[Engine, Standing]:
        script, clock = Script.of(path), FakeClock()
        chat, lam = _chat(script), _lam(script)
        project = Project(
            root=FOLDER,
            settings=load_settings(
                home=tmp_path / "home", _env_file=None, prices={"scripted": {"input": 0, "output": 0}}
            ),
            clock=clock,
            sleep=lambda seconds: None,
            make_chat_model=lambda provider: chat,
            action_model=lambda: lam,
        )
        engine = Engine(project)
        standing = engine.drive(engine.start(project.workflow(path), script.run, "requester").id)
        for _ in range(10):
            if standing.run.status != "waiting":
                break
            _go_on(engine, clock, script, standing)
            standing = engine.drive(standing.run.id)
        assert len(chat.received) == len(chat.replies), "not everything was said"
        return engine, standing

    return run


@pytest.mark.parametrize("name", GRAPHS)
def test_the_graph_runs_as_it_says(name: str, play: Callable[[Path], tuple[Engine, Standing]]) -> None:
    """Its end and its path are those of its first lines, and every move stands on its picture."""
    script = Script.of(GRAPHS[name])
    engine, standing = play(GRAPHS[name])
    visits = engine.services.runs.visits(standing.run.id)
    assert f"{standing.run.status} {standing.run.outcome}" == script.ends, standing.run.error
    assert " ".join(visit.step for visit in visits) == script.path
    assert off_the_drawing(engine.project, standing.run) == []


@pytest.mark.parametrize("name", GRAPHS)
def test_a_fork_at_each_position_stands_where_the_run_stood(
    name: str, play: Callable[[Path], tuple[Engine, Standing]]
) -> None:
    """It begins with the state that the run's own checkpoint held there; only inside child runs it is refused."""
    engine, standing = play(GRAPHS[name])
    project, run, runs = engine.project, standing.run, engine.services.runs
    graph, spec = project.driver.graph(run.spec_digest)
    for position in States(project).positions(run.id):
        visits = runs.visits(run.id)[: position.visits]
        step = spec.steps.get(position.step)
        inside = position.outcome is None and isinstance(step, ForkStep | MapStep | GraphStep)
        if inside or (visits and isinstance(spec.steps[visits[-1].step], ForkStep)):
            with pytest.raises(Refused, match="fork at"):
                fork(project, run.id, position.name, {}, "fay")
            continue
        made = fork(project, run.id, position.name, {}, "fay")
        settle(graph, made.id, engine.services)
        found, own = graph.get_state(config_of(made.id)), runs.visits(made.id)
        assert [(row.step, row.visit, row.outcome) for row in own] == [(v.step, v.visit, v.outcome) for v in visits]
        if len(visits) == len(runs.visits(run.id)):
            assert [getattr(made, name) for name in COUNTERS] == [getattr(run, name) for name in COUNTERS]
        if not visits:
            assert found.created_at is None
            continue
        assert agrees(found, spec, own)
        there = next(
            old.values
            for old in graph.get_state_history(config_of(run.id))
            if (sum((old.values.get(VISITS) or {}).values()), old.values.get(EDGE)) == (len(visits), visits[-1].left_by)
        )
        assert _values(found.values, spec) == _values(there, spec)


def _values(state: Mapping[str, Any], spec: Spec) -> dict[str, Any]:
    return {key: state[key] for key in keys_of(spec) if state.get(key) is not None}


@pytest.mark.parametrize("name", GRAPHS)
def test_the_graph_is_drawn(name: str) -> None:
    """Its picture is one SVG in which every step stands by its name."""
    project = Project(root=FOLDER, settings=load_settings(home=FOLDER / "no-home", _env_file=None))
    spec: Spec = project.workflow(GRAPHS[name]).spec
    picture = ElementTree.fromstring(drawn(depicted(spec)))
    assert picture.tag.endswith("svg")
    shown = {element.get("data-step") for element in picture.iter()}
    assert set(spec.steps) <= shown
