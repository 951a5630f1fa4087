"""The label of a value when it runs is the one that the check found on the path taken, whatever the tools return."""

from __future__ import annotations

from pathlib import Path
from random import Random
from typing import Any

from interlock.engine.project import Project, Workflow
from interlock.engine.service import Engine
from interlock.graphs.bind import Bound, Only, StandsIn
from interlock.graphs.cards import ReasonCard, Schema
from interlock.graphs.labels import USER, bound_marks, labels, marks_at, wrote
from interlock.graphs.spec import (
    END,
    START,
    ApproveStep,
    CallStep,
    Edge,
    ForkStep,
    GraphStep,
    JoinStep,
    MapStep,
    PythonStep,
    ReasonStep,
    Spec,
    Step,
)
from interlock.policies.provenance import Label, Marks, rank
from interlock.testing import ScriptedChatModel
from tests.attacks.mailroom import Office
from tests.engine.test_random_runs import hurry

RUNS = 10
TEXT = Schema(type="string")
WORDS = ["anna@example.org", "Lunch", "e7"]
TROUBLE = ["rejected", "expired", "denied", "failed"]

ECHO = '''
"""Says again what it is given."""

from typing import Any

from interlock import Result, Values, node


class Text(Values):
    t1: dict[str, Any]


class Echo(Result):
    text: str


@node("echo")
def echo(given: Text) -> Echo:
    """The same text."""
    return Echo(text=str(given.t1.get("text", "")))
'''


class Maker:
    """Makes one workflow: texts in `t1` and `t2`, events in `e1`, a letter in `l1`; the inputs beside them."""

    def __init__(self, random: Random, project: Project) -> None:
        self.random = random
        self.project = project
        self.steps: dict[str, Step] = {}
        self.edges: list[Edge] = []

    def spec(self) -> Spec:
        names = ["START"]
        checked = {"to": StandsIn(value="$.letter", stands_in="$.request")}
        self._add("first", CallStep(call="office.send", bind=dict(checked)), names)
        for number in range(self.random.randint(3, 6)):
            kind = self.random.choice(
                ["think", "think", "find", "read", "form", "send", "send", "cancel", "echo", "below", "each", "fork"]
            )
            getattr(self, f"_{kind}")(f"{kind}{number}", names)
        self._send("last", names)
        for last in names[-1:]:
            self.edges.append(Edge(source=last, on=self._good(last), target=END))
        given = {
            "request": TEXT,
            "letter": Schema(type="string", provenance="untrusted"),
            "known": Schema(type="string", provenance="record"),
        }
        for key in ("t1", "t2", "e1", "l1"):  # until a step writes it
            given[key] = Schema(type="any", provenance=self.random.choice(["user", "record", "model", "untrusted"]))
        return Spec(graph="random", version=1, input=given, steps=self.steps, edges=self.edges)

    def _good(self, name: str) -> list[str]:
        step = self.steps[name]
        return ["approved", "rejected"] if isinstance(step, ApproveStep) else ["done"]

    def _add(self, name: str, step: Step, names: list[str]) -> None:
        """One more step; now and then the one before it is left out when a person says no."""
        self.steps[name] = step
        before = names[-1]
        if before == START:
            self.edges.append(Edge(source=START, target=name))
        elif len(names) > 2 and isinstance(self.steps[names[-2]], ApproveStep) and self.random.random() < 0.7:
            asked = next(edge for edge in self.edges if edge.source == names[-2])
            self.edges.remove(asked)
            self.edges.append(Edge(source=names[-2], on=["approved"], target=before))
            self.edges.append(Edge(source=names[-2], on=["rejected"], target=name))
            self.edges.append(Edge(source=before, on=self._good(before), target=name))
        else:
            self.edges.append(Edge(source=before, on=self._good(before), target=name))
        if isinstance(step, CallStep):
            self.edges.append(Edge(source=name, on=TROUBLE, target=END, outcome="over", keeps=[]))
        names.append(name)

    def _path(self) -> str:
        """The path of some text."""
        return self.random.choice(
            [
                "$.request",
                "$.letter",
                "$.known",
                "$.t1.text",
                "$.t1.text",
                "$.t2.text",
                "$.t2.text",
                "$.l1.body",
                "$.l1.id",
            ]
        )

    def _bound(self) -> Bound:
        match self.random.choice(["path", "checked", "checked", "constant"]):
            case "checked":
                source = self.random.choice(["$.request", "$.known", "$.letter", "$.t2"])
                return StandsIn(value=self._path(), stands_in=source)
            case "constant":
                return self.random.choice(WORDS)
        return self._path()

    def _think(self, name: str, names: list[str]) -> None:
        paths = [self._path() for _ in range(self.random.randint(1, 2))]
        prompt = " and ".join(paths).replace("$.", "$")
        card = ReasonCard(node="think", kind="reason", goal="Think.", prompt=prompt, output={"text": TEXT})
        reads = sorted({path[2:].split(".")[0] for path in paths})
        self._add(name, ReasonStep(card=card, reads=reads, writes=self.random.choice(["t1", "t2"])), names)

    def _find(self, name: str, names: list[str]) -> None:
        self._add(name, CallStep(call="office.find", bind={"title": self._bound()}, writes="e1"), names)

    def _read(self, name: str, names: list[str]) -> None:
        self._add(name, CallStep(call="office.read", bind={"title": self._bound()}, writes="l1"), names)

    def _form(self, name: str, names: list[str]) -> None:
        key = self.random.choice(["t1", "t2"])
        self._add(name, ApproveStep(approve="What?", form={"text": TEXT}, writes=key), names)

    def _send(self, name: str, names: list[str]) -> None:
        self._add(name, CallStep(call="office.send", bind={"to": self._bound(), "text": self._path()}), names)

    def _cancel(self, name: str, names: list[str]) -> None:
        only: Bound = Only(only="$.e1.events", field=self.random.choice(["id", "start", "notes"]))
        self._add(name, CallStep(call="office.cancel", bind={"event_id": only}), names)

    def _echo(self, name: str, names: list[str]) -> None:
        card = self.project.services.functions()["echo"].card()
        self._add(name, PythonStep(card=card, reads=["t1"], writes="t2"), names)

    def _inner(self) -> Spec:
        """A graph that looks something up and says something about it."""
        say = ReasonCard(node="say", kind="reason", goal="Say.", prompt="$title $t1.id", output={"text": TEXT})
        steps: dict[str, Step] = {
            "read": CallStep(call="office.read", bind={"title": "$.title"}, writes="t1"),
            "say": ReasonStep(card=say, reads=["title", "t1"], writes="said"),
        }
        edges = [
            Edge(source=START, target="read"),
            Edge(source="read", on=["done"], target="say"),
            Edge(source="say", on=["done"], target=END),
        ]
        return Spec(
            graph="inner", version=1, input={"title": TEXT}, steps=steps, edges=edges, output=["t1", "said", "title"]
        )

    def _below(self, name: str, names: list[str]) -> None:
        self._add(name, GraphStep(spec=self._inner(), bind={"title": self._path()}, writes="b1"), names)
        field = self.random.choice(["t1.id", "t1.body", "said.text", "title"])
        self._add(f"{name}s", CallStep(call="office.send", bind={"to": f"$.b1.{field}"}), names)

    def _each(self, name: str, names: list[str]) -> None:
        step = MapStep(
            spec=self._inner(), over="$.e1.events", item="title", at_most=5, writes="m1", reduce={"title": "first"}
        )
        inner = step.spec.model_copy(update={"input": {"title": Schema(type="any")}})
        self._add(name, step.model_copy(update={"spec": inner}), names)

    def _fork(self, name: str, names: list[str]) -> None:
        self._add(name, ForkStep(fork=["left", "right"]), names)
        self.edges = [edge for edge in self.edges if edge.source != name]
        for branch, call, key in (("left", "office.find", "e1"), ("right", "office.read", "l1")):
            inside = f"{name}{branch}"
            self.steps[inside] = CallStep(call=call, bind={"title": self._bound()}, writes=key)
            self.edges.append(Edge(source=name, on=[branch], target=inside))
            self.edges.append(Edge(source=inside, on=["done"], target=f"{name}join"))
        self.steps[f"{name}join"] = JoinStep(join=name)
        names.append(f"{name}join")


class Replay:
    """The labels that the static rules give along the path that a run took."""

    def __init__(self, spec: Spec, engine: Engine) -> None:
        self.spec = spec
        self.actions = engine.services.actions
        self.worst = labels(spec, self.actions)
        self.engine = engine
        self.compared = self.raised = 0

    def run(self, run_id: str) -> None:
        known = {name: Marks(schema.provenance) for name, schema in self.spec.input.items()}
        for visit in self.engine.services.runs.visits(run_id):
            step = self.spec.steps[visit.step]
            self._bindings(run_id, visit.step, visit.visit, step, known)
            if isinstance(step, ForkStep):
                self._branches(run_id, visit.step, visit.visit, known)
            elif step.writes is not None and visit.outcome in ("done", "approved", "rejected"):
                known[step.writes] = wrote(step, known, self.actions)

    def _branches(self, run_id: str, fork: str, visited: int, known: dict[str, Marks]) -> None:
        before = dict(known)
        for child in self.engine.services.runs.children(run_id, fork, visited):
            for visit in self.engine.services.runs.visits(child.id):
                step = self.spec.steps[visit.step]
                self._bindings(child.id, visit.step, visit.visit, step, before)
                if step.writes is not None and visit.outcome == "done":
                    known[step.writes] = wrote(step, before, self.actions)

    def _bindings(self, run_id: str, name: str, visit: int, step: Step, known: dict[str, Marks]) -> None:
        effect = self.engine.services.ledger.latest(run_id, name, visit)
        if effect is None or not isinstance(step, CallStep):
            return
        for argument, bound in step.bind.items():
            if argument not in effect.labels:
                continue  # nothing stood there
            found, expected = effect.labels[argument], bound_marks(bound, known).at()
            assert rank(found) >= rank(bound_marks(bound, self.worst).at()), (name, argument, found)
            self.compared += 1
            if isinstance(bound, StandsIn) and found != expected:
                by: Label = marks_at(known, bound.stands_in).at()
                assert found == by, (name, argument, found, expected)
                assert rank(by) > rank(expected), (name, argument, found, expected)
                self.raised += 1
            else:
                assert found == expected, (run_id, name, argument, found, expected)


def test_every_label_is_the_one_of_the_path_taken(tmp_path: Path) -> None:
    """Over random workflows and results, a label is what the static rules give, or raised by a validator."""
    office = Office(tmp_path).build()
    office.write("nodes/echo.py", ECHO)
    random, compared, raised = Random(7), 0, 0
    model = ScriptedChatModel([], loop=True)
    project = office.project(chat=model)
    hurry(project)
    engine = Engine(project)
    for _ in range(RUNS):
        spec = Maker(random, project).spec()
        model.replies = [{"text": random.choice(WORDS)} for _ in range(3)]
        titles = [random.choice(WORDS) for _ in range(3)]
        event = {"start": random.choice(WORDS), "notes": ""}
        office.put("events", [{**event, "title": title, "id": f"e{place}"} for place, title in enumerate(titles)])
        office.put("letter", {"id": random.choice(WORDS), "body": random.choice(WORDS)})
        values: dict[str, Any] = {name: random.choice(WORDS) for name in ("request", "letter", "known")}
        values |= {"t1": {"text": random.choice(WORDS)}, "t2": {"text": random.choice(WORDS)}}
        values |= {"l1": {"id": "e7", "body": random.choice(WORDS)}, "e1": {"events": [{"id": "e7", **event}]}}
        run = engine.start(Workflow(spec, project), values, "requester")
        finish(engine, run.id, random)
        replay = Replay(spec, engine)
        replay.run(run.id)
        compared, raised = compared + replay.compared, raised + replay.raised
    assert compared > 2 * RUNS
    assert raised > 1


def finish(engine: Engine, run_id: str, random: Random) -> None:
    """Drive a run on, with people who agree or not, until it ends or asks for what is missing."""
    engine.drive(run_id)
    for _ in range(20):
        waiting = engine.services.approvals.waiting(run_id)
        if not waiting or any(row.kind == "question" for row in waiting):
            return
        for row in waiting:
            answer: dict[str, Any] | None = {"text": random.choice(WORDS)} if row.kind == "form" else None
            if row.kind == "form" and random.random() < 0.4:
                engine.services.approvals.reject(row.id, "bob", comment="no")
            else:
                engine.approve(row.id, "bob", answer=answer)
        engine.drive(run_id)


def test_nothing_is_marked_for_what_is_not_there() -> None:
    """A path to nothing has the best label, for there is no value that it could be of."""
    assert marks_at({}, "$.nothing.at.all") == USER
