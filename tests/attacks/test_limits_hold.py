"""Invariant 6: bounds on steps, calls and money hold during the run, over restarts and through the raw graph."""

from __future__ import annotations

from decimal import Decimal
from typing import Any

import pytest
from langchain_core.messages import AIMessage
from langgraph.types import Command

from interlock.errors import LimitExceeded, ModelUnavailable
from interlock.settings import Price
from interlock.testing import ScriptedChatModel
from tests.attacks.house import GRAPHS, House, Run, attempt

LOOP = """
graph: loop
version: 1
input: {amount: {type: integer}, to: {type: string, default: anna}}
steps:
  think: {node: think, reads: [to], writes: thought, visits: 50}
edges:
  - START -> think
  - {from: think, to: think, when: {$.amount: {gt: 0}}}
  - {from: think, to: END, else: true}
  - {from: think, on: exhausted, to: END}
limits: {steps: 3}
"""

PRICED = {"model": "priced:one", "prices": {"priced:one": Price(input=Decimal(1000), output=Decimal(1000))}}
ANSWER = {"text": "somebody"}


def accepted(house: House, graph: str, **settings: Any) -> Run:
    engine = house.engine(**settings)
    workflow = engine.project.workflow(house.root / "graphs" / f"{graph}.yaml")
    return Run(house, engine, engine.start(workflow, {"amount": 10}, "requester").id)


def used(run: Run) -> tuple[int, int, int]:
    row = run.house.engine().services.runs.get(run.id)
    return row.steps, row.model_calls, row.cost_micro_usd


def test_a_loop_ends_at_its_steps(house: House) -> None:
    """The fourth step of three is not entered, and the run fails with that reason."""
    house.write("graphs/loop.yaml", LOOP)
    model = ScriptedChatModel([ANSWER], loop=True)
    run = house.begun("loop", house.engine(chat=model))
    assert (run.status, run.outcome, used(run)[0], len(model.received)) == ("failed", "limit", 3, 3)
    run.drive()
    attempt(lambda: run.raw().invoke(None, run.config))
    attempt(lambda: run.raw().invoke(Command(goto="think", update={"_visits": {}, "_edge": 0}), run.config))
    assert used(run)[0] == 3
    assert run.whole()


def test_the_raw_graph_cannot_pass_the_steps(house: House) -> None:
    """Driven only through the compiled graph, the limit is raised at each attempt and no step is entered."""
    house.write("graphs/loop.yaml", LOOP)
    graph = house.raw("loop")
    config: Any = {"configurable": {"thread_id": "raw"}}
    with pytest.raises(LimitExceeded, match="has used its 3 steps"):
        graph.invoke({"amount": 10}, config)
    for feed in (None, Command(goto="think"), Command(goto="think", update={"_visits": {"think": 3}, "_edge": 1})):
        attempt(lambda feed=feed: graph.invoke(feed, config))
    assert house.engine().services.runs.get("raw").steps == 3


def test_a_visit_limit_cannot_be_forged_away(house: House) -> None:
    """The store counts the visits; a lower number in the checkpoint is not believed."""
    house.write("graphs/loop.yaml", LOOP.replace("visits: 50", "visits: 2").replace("steps: 3", "steps: 9"))
    run = house.begun("loop")
    assert run.position() == [("think", "done"), ("think", "done"), ("think", "exhausted")]
    graph = run.raw()
    for visits in ({}, {"think": 0}, {"think": 1}, {"think": -5}):
        attempt(lambda visits=visits: graph.update_state(run.config, {"_visits": visits, "_edge": 1}, as_node="think"))
        attempt(lambda: graph.invoke(None, run.config))
    assert len(run.position()) == 3


def test_calls_are_counted_before_they_are_made_and_over_restarts(house: House) -> None:
    """A call that never came back counts; the third of two is not made, in any process."""
    model = ScriptedChatModel([ModelUnavailable("away")], loop=True)
    run = accepted(house, "think", chat=model)

    def dies(seconds: float) -> None:
        raise KeyboardInterrupt

    for made in (1, 2):
        with pytest.raises(KeyboardInterrupt):
            Run(house, house.engine(chat=model, sleep=dies), run.id).drive()
        assert (used(run)[1], len(model.received)) == (made, made)
    ended = Run(house, house.engine(chat=model, sleep=dies), run.id)
    ended.drive()
    assert (ended.status, ended.outcome, len(model.received)) == ("failed", "limit", 2)
    assert run.whole()


def test_money_is_counted_and_the_run_ends_when_it_is_spent(house: House) -> None:
    """A call over the limit is on record, and no call follows it."""
    model = ScriptedChatModel([ANSWER], loop=True)
    run = accepted(house, "think", chat=model, **PRICED)
    run.drive()
    assert (run.status, run.outcome) == ("failed", "limit")
    assert used(run)[2] > 1000
    assert house.effects == []
    assert "USD" in (run.engine.services.runs.get(run.id).error or "")


def test_the_raw_graph_cannot_spend_on(house: House) -> None:
    """Each attempt to go on after the money is spent is refused before the call, not after it."""
    house.write("graphs/think.yaml", GRAPHS["think"].replace("model_calls: 2", "model_calls: 100"))
    model = ScriptedChatModel([ANSWER], loop=True)
    project = house.project(chat=model, **PRICED)
    graph = project.workflow(house.root / "graphs/think.yaml").compile(project.checkpoints)
    config: Any = {"configurable": {"thread_id": "raw"}}
    with pytest.raises(LimitExceeded, match=r"limits\.cost\.usd"):
        graph.invoke({"amount": 10}, config)
    for _ in range(3):
        with pytest.raises(LimitExceeded, match=r"limits\.cost\.usd"):
            graph.invoke(None, config)
    assert len(model.received) == 1


def test_a_model_that_hides_its_use_is_not_free(house: House) -> None:
    """Where money is limited, an answer without a token count ends the run instead of counting as nothing."""

    class Silent(ScriptedChatModel):
        def _generate(self, *arguments: Any, **named: Any) -> Any:
            result = super()._generate(*arguments, **named)
            for generation in result.generations:
                assert isinstance(generation.message, AIMessage)
                generation.message.usage_metadata = None
            return result

    run = accepted(house, "think", chat=Silent([ANSWER], loop=True), **PRICED)
    run.drive()
    assert (run.status, run.outcome) == ("failed", "limit")
    assert "did not say how many tokens" in (run.engine.services.runs.get(run.id).error or "")
    free = accepted(house, "think", chat=Silent([ANSWER], loop=True))
    free.drive()
    assert free.status == "done"


def test_a_model_of_unknown_price_is_not_asked(house: House) -> None:
    """A limit on money that cannot be enforced is an error that names the setting, before any call."""
    model = ScriptedChatModel([ANSWER], loop=True)
    run = accepted(house, "think", chat=model, model="priced:two")
    assert "set INTERLOCK_PRICES" in str(attempt(run.drive))
    assert model.received == []


def test_parts_of_a_millionth_are_rounded_up(house: House) -> None:
    """Many calls that each cost less than the smallest unit do not cost nothing."""
    cheap = {"model": "priced:one", "prices": {"priced:one": Price(input=Decimal("0.0001"), output=Decimal(0))}}
    run = accepted(house, "think", **cheap)
    run.drive()
    assert used(run)[2] == 1
