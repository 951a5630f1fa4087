"""The same request three ways: a chat model alone, an agentic loop, and the guarded workflow.

All three run in a home of their own that is thrown away: mail goes to its outbox, money moves on its
ledger, nothing leaves the machine.  The loop's calls go through the same monitor as the workflow's.
"""

from __future__ import annotations

import tempfile
import time
from collections.abc import Mapping
from dataclasses import dataclass, field, replace
from pathlib import Path
from typing import Any, Literal

from langchain_core.messages import HumanMessage
from langchain_core.messages.ai import UsageMetadata

from interlock.digest import plain
from interlock.engine.project import Project, Workflow
from interlock.engine.service import Engine
from interlock.errors import InterlockError
from interlock.graphs.cards import ActCard
from interlock.graphs.spec import END, START, ActStep, Edge, Spec
from interlock.nodes.act import normal_arguments, required, schema_of
from interlock.nodes.agent import Answer, Transcript, react
from interlock.nodes.approve import gate
from interlock.nodes.inputs import complete
from interlock.nodes.models import chat_model, model_name, provider_errors
from interlock.nodes.moves import Leave
from interlock.nodes.perform import perform
from interlock.nodes.services import Place, Services
from interlock.store.effects import BEGUN
from interlock.store.tables import Effect

Way = Literal["chat", "agent", "guarded"]

LOOP = "agent"


@dataclass
class Column:
    """What one way did."""

    way: Way
    model: str
    text: str = ""
    """What it said, or for the workflow what it wrote."""
    calls: list[dict[str, Any]] = field(default_factory=list)
    """Each proposed action: name, arguments, what became of it, and why."""
    effects: list[str] = field(default_factory=list)
    """Headlines of what really happened, from the ledger."""
    ended: str = ""
    stopped_by: str = ""
    """The rule, bound or person that kept something from happening; empty where nothing did."""
    model_calls: int = 0
    seconds: float = 0.0

    def json(self) -> dict[str, Any]:
        return dict(vars(self))


def compare(
    workflow: Workflow, values: Mapping[str, Any], *, agent: str | None = None, approver: str | None = None
) -> list[Column]:
    """Run `values` through the three ways.

    Args:
        agent: provider string of the loop's model; default is the project's.
        approver: a person who approves whatever waits, in the comparison's home only.

    Raises:
        InputError: the input does not fit the graph.
    """
    whole = complete(workflow.spec, values)
    with tempfile.TemporaryDirectory(prefix="interlock-compare-") as folder:
        project = workflow.project
        chat = _timed(_chat, project, whole)
        loop = _timed(_agent, _apart(project, Path(folder) / "agent"), whole, agent, approver)
        guarded = _timed(_guarded, workflow.spec, _apart(project, Path(folder) / "guarded"), whole, approver)
    return [chat, loop, guarded]


def _timed(way: Any, *arguments: Any) -> Column:
    started = time.perf_counter()
    column: Column = way(*arguments)
    column.seconds = round(time.perf_counter() - started, 3)
    return column


def _apart(project: Project, home: Path) -> Project:
    """The same project in another home, without an SMTP server."""
    settings = project.settings.model_copy(update={"home": home, "database_url": None, "smtp_host": None})
    return replace(project, settings=settings)


def _request_text(values: Mapping[str, Any]) -> str:
    """The request as one message: the sentence, short inputs as lines, texts between tags."""
    parts = [str(values["request"])] if "request" in values else []
    for name, value in values.items():
        text = str(plain(value))
        if name != "request":
            parts.append(f"<{name}>\n{text}\n</{name}>" if "\n" in text else f"{name}: {text}")
    return "\n\n".join(parts)


def _chat(project: Project, values: Mapping[str, Any]) -> Column:
    model = (project.make_chat_model or (lambda name: chat_model(name, project.settings)))(project.settings.model)
    with provider_errors(model_name(model)):
        said = model.invoke([HumanMessage(_request_text(values))])
    return Column("chat", project.settings.model, text=said.text, ended="answered", model_calls=1)


@dataclass
class _Count:
    """Counts the loop's calls; its bound is the number of turns."""

    calls: int = 0

    def call(self) -> None:
        self.calls += 1

    def usage(self, metadata: UsageMetadata | None) -> None:
        """Token use is not compared."""


def _agent(project: Project, values: Mapping[str, Any], agent: str | None, approver: str | None) -> Column:
    provider = agent or project.settings.model
    services = project.services
    column = Column("agent", provider)
    loop = _Loop(services, _loop_spec(services), approver, column)
    loop.begin(values)
    count = _Count()
    space = [schema_of(action) for action in services.actions.values()]
    try:
        ended: Transcript = react(services.chat_model(provider), _request_text(values), space, loop.act, meter=count)
    except InterlockError as error:
        column.ended, column.stopped_by = "failed", error.message
    else:
        column.ended, column.text = ended.ended, ended.text
        if ended.ended == "identical_call":
            column.stopped_by = "the loop's bound: the same call again"
        elif ended.ended == "turns":
            column.stopped_by = "the loop's bound on turns"
    column.model_calls = count.calls
    column.effects = _effects(services, loop.run)
    return column


def _loop_spec(services: Services) -> Spec:
    """One act step that may follow itself: the loop's calls are its visits."""
    card = ActCard(node=LOOP, kind="act", goal="Fulfil the request.", actions=sorted(services.actions))
    outcomes = ["done", "rejected", "expired", "denied", "abstained", "failed"]
    edges = [
        Edge(source=START, target=LOOP),
        Edge(source=LOOP, on=outcomes, target=LOOP),
        Edge(source=LOOP, on=["exhausted"], target=END),
    ]
    return Spec(graph=LOOP, version=1, input={}, steps={LOOP: ActStep(card=card, visits=100)}, edges=edges)


class _Loop:
    """The loop's hands: each call is proposed, gated and performed like any other action."""

    def __init__(self, services: Services, spec: Spec, approver: str | None, column: Column) -> None:
        self.services = services
        self.spec = spec
        self.approver = approver
        self.column = column
        self.visits = 0
        self.run = ""

    def begin(self, values: Mapping[str, Any]) -> None:
        """Store the loop as a run of its own."""
        spec = self.spec.model_dump(mode="json", by_alias=True)
        stored = self.services.runs.create(
            spec=spec, spec_digest=self.spec.digest(), input=dict(values), requester="agent"
        )
        self.run = stored.id

    def act(self, name: str, arguments: dict[str, Any]) -> Answer:
        """One call of the model, through the gate and the monitor."""
        self.visits += 1
        entered_by = 0 if self.visits == 1 else 1
        place = Place(self.run, self.spec, self.spec.digest(), LOOP, self.visits)
        self.services.runs.enter(self.run, LOOP, self.visits, entered_by=entered_by, first=self.visits == 1)
        effect = self.services.ledger.propose(self._proposal(name, arguments))
        answer, because = self._settle(place, entered_by, effect)
        self.services.runs.leave(self.run, LOOP, self.visits, outcome="done", left_by=1)
        self.column.calls.append(
            {"action": name, "arguments": plain(arguments), "became": answer.word, "because": because}
        )
        if answer.word in ("waiting", "denied", "invalid"):
            self.column.stopped_by = because
        return answer

    def _settle(self, place: Place, entered_by: int, effect: Effect) -> tuple[Answer, str]:
        move = gate(place, entered_by, self.services)
        row = self.services.ledger.get(effect.id)
        reasons = (row.verdict or {}).get("reasons", [])
        because = f"{reasons[0]['rule']}: {reasons[0]['because']}" if reasons else ""
        if isinstance(move, Leave):
            word: Literal["denied", "invalid"] = "invalid" if because.startswith("schema") else "denied"
            return Answer(word, f"refused, {because}"), because
        if move.node == "approve":
            if row.missing or self.approver is None:
                return Answer("waiting", f"a person must agree first ({because})"), because
            assert row.approval_id is not None
            try:
                self.services.approvals.approve(row.approval_id, self.approver)
            except InterlockError as error:
                return Answer("waiting", error.message), because
        step = self.spec.steps[LOOP]
        assert isinstance(step, ActStep)
        ended = perform(place, step.retry, self.services)
        if ended.word == "done":
            return Answer("done", str(ended.effect.result)), because
        return Answer("denied", f"it failed: {ended.because}"), ended.because

    def _proposal(self, name: str, arguments: dict[str, Any]) -> Effect:
        action = self.services.action(name)
        taken = {key: value for key, value in arguments.items() if key in action.arguments.model_fields}
        try:
            written: dict[str, Any] = normal_arguments(action, arguments)
        except ValueError:
            written = dict(arguments)
        return Effect(
            id="", run_id=self.run, step=LOOP, visit=self.visits, slot=0, state="proposed", action=name,
            arguments=written, missing=[key for key in required(action) if key not in taken],
            labels=dict.fromkeys(written, "model"), evidence={}, model={}, proposed_by=["agent"],
        )  # fmt: skip


def _guarded(spec: Spec, project: Project, values: Mapping[str, Any], approver: str | None) -> Column:
    engine = Engine(project)
    column = Column("guarded", f"{project.settings.model} + action model")
    run = engine.start(Workflow(spec, project), values, "requester")
    standing = engine.drive(run.id)
    rounds = 0
    while approver and standing.waiting and rounds < 10:
        rounds += 1
        before = [approval.id for approval in standing.waiting]
        for approval in standing.waiting:
            try:
                engine.approve(approval.id, approver)
            except InterlockError as error:
                column.stopped_by = error.message
        standing = engine.drive(run.id)
        if [approval.id for approval in standing.waiting] == before:
            break
    for effect in project.services.ledger.of_run(run.id):
        reasons = (effect.verdict or {}).get("reasons", [])
        because = f"{reasons[0]['rule']}: {reasons[0]['because']}" if reasons else ""
        word = "waiting" if effect.state == "gated" else effect.state
        column.calls.append(
            {"action": effect.action, "arguments": effect.arguments, "became": word, "because": because}
        )
        if word in ("waiting", "denied"):
            column.stopped_by = column.stopped_by or because
    column.ended = standing.run.outcome or standing.run.status
    column.text = standing.run.error or "\n".join(f"asks: {item.request['title']}" for item in standing.waiting)
    column.model_calls = standing.run.model_calls
    column.effects = _effects(project.services, run.id)
    return column


def _effects(services: Services, run_id: str) -> list[str]:
    return [
        services.action(effect.action).headline(effect.arguments)
        for effect in services.ledger.of_run(run_id)
        if effect.state in BEGUN and services.action(effect.action).consequential
    ]
