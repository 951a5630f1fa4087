"""A desk in the shop whose step looks things up before it answers."""

from __future__ import annotations

import json
from collections.abc import Callable, Sequence
from dataclasses import dataclass, field, replace
from typing import Any

from interlock.engine.project import Project
from interlock.engine.service import Engine, Standing
from interlock.store.tables import Effect, Visit
from interlock.testing import Reply, ScriptedChatModel, calls
from tests.attacks.house import House

GRAPH = """
graph: desk
version: 1
input: {request: {type: string, default: Where is it?}}
steps:
  think: {node: lookup, reads: [request], writes: reply}
edges:
  - START -> think
  - {from: think, to: END, outcome: answered}
  - {from: think, on: failed, to: END, outcome: unanswered, writes: error}
output: [reply, error]
"""

CARD = """
node: lookup
kind: reason
goal: Answer the question.
prompt: |
  Answer this.

  <request>
  $request
  </request>
output: {text: {type: string}}
actions: [shop.look]
turns: 4
repairs: 1
"""

ANSWER = {"text": "It is on its way."}
ENOUGH = "I have enough."


def look(what: Any) -> Any:
    """A message that calls the lookup."""
    return calls("shop.look", {"what": what})


@dataclass
class Desk:
    """The shop with the desk in it; each drive is a new process as far as the stores can tell."""

    house: House
    step: dict[str, Any] = field(default_factory=dict)
    look: Callable[..., Any] | None = None
    """In place of what the tool does."""
    facts: Callable[..., Any] | None = None
    """What the tool knows for the rules."""
    settings: dict[str, Any] = field(default_factory=dict)
    sleep: Callable[[float], None] | None = None
    run: str = ""

    def __post_init__(self) -> None:
        self.house.write("nodes/lookup.yaml", CARD)
        own = "".join(f", {name}: {json.dumps(value)}" for name, value in self.step.items())
        self.house.write("graphs/desk.yaml", GRAPH.replace("writes: reply}", f"writes: reply{own}}}"))

    def engine(self, model: Any) -> Engine:
        project: Project = self.house.project(chat=model, sleep=self.sleep, **self.settings)
        if self.look is not None or self.facts is not None:
            tool = project.actions["shop.look"]
            tool = replace(tool, run=self.look or tool.run, facts=self.facts, fact_names=("secret",))
            project.__dict__["actions"] = {**project.actions, "shop.look": tool}
        return Engine(project)

    def begin(self, **values: Any) -> None:
        """Accept a run, without driving it."""
        engine = self.engine(ScriptedChatModel([]))
        workflow = engine.project.workflow(self.house.root / "graphs/desk.yaml")
        self.run = engine.start(workflow, values, "requester").id

    def drive(self, model: Any) -> Standing:
        """Go on with the run in a new process."""
        if not self.run:
            self.begin()
        return self.engine(model).drive(self.run)

    def play(self, *replies: Reply, loop: bool = False) -> ScriptedChatModel:
        """Drive with a script; the model, to see what it was asked."""
        model = ScriptedChatModel(replies, loop=loop)
        self.drive(model)
        return model

    @property
    def visit(self) -> Visit:
        return self.engine(ScriptedChatModel([])).services.runs.visits(self.run)[-1]

    @property
    def rows(self) -> Sequence[Effect]:
        return sorted(self.engine(ScriptedChatModel([])).services.ledger.of_run(self.run), key=lambda row: row.slot)

    @property
    def states(self) -> list[tuple[int, str]]:
        return [(row.slot, row.state) for row in self.rows]

    @property
    def ended(self) -> Any:
        return self.engine(ScriptedChatModel([])).services.runs.get(self.run)

    @property
    def whole(self) -> bool:
        """Whether the audit chain verifies."""
        return self.engine(ScriptedChatModel([])).audit_fault(None) is None
