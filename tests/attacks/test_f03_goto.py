"""F3: in plain LangGraph, `Command(goto="pay")` sent as graph input jumps past a waiting gate."""

from __future__ import annotations

from typing import Any

import pytest
from langgraph.types import Command, Send

from tests.attacks.house import House, attempt

JUMPS: dict[str, Any] = {
    "perform": Command(goto="pay.perform"),
    "gate": Command(goto="pay.gate"),
    "approve": Command(goto="pay.approve"),
    "propose": Command(goto="pay.propose"),
    "propose with a forged way in": Command(goto="pay.propose", update={"_edge": 0, "_visits": {}}),
    "propose as a second visit": Command(goto="pay.propose", update={"_edge": 0, "_visits": {"pay": 1}}),
    "finish": Command(goto="finish"),
    "finish over the edge of success": Command(goto="finish", update={"_edge": 1}),
    "several": Command(goto=["pay.perform", "finish"]),
    "send": Command(goto=Send("pay.perform", {"amount": 99999, "_visits": {"pay": 1}})),
    "send to a step": Command(goto=Send("pay.propose", {"amount": 99999, "_edge": 0, "_visits": {}})),
    "with an answer": Command(goto="pay.perform", resume="yes"),
    "to nowhere": Command(goto="pay.elsewhere"),
}


@pytest.mark.parametrize("name", JUMPS)
def test_a_jump_past_the_question_causes_nothing(house: House, name: str) -> None:
    """Wherever the caller jumps to, nothing happens; the question stays, and its answer causes one effect."""
    run = house.begun("pay")
    attempt(lambda: run.raw().invoke(JUMPS[name], run.config))
    assert (house.effects, house.tries) == ([], 0)
    assert run.asked.state == "waiting"
    assert run.status == "waiting"
    run.approve()
    run.drive()
    assert (house.effects, house.tries) == (["pay 10 anna"], 1)
    assert (run.status, run.outcome) == ("done", "done")
    assert run.whole()


@pytest.mark.parametrize("goto", ["pay.perform", "pay.propose", "finish", "begin"])
def test_a_jump_on_a_fresh_thread_causes_nothing(house: House, goto: str) -> None:
    """A thread that no run was accepted for has no position to go on from."""
    graph = house.raw("pay")
    update = {"amount": 10, "to": "anna", "_edge": 0, "_visits": {"pay": 1}}
    told = attempt(lambda: graph.invoke(Command(goto=goto, update=update), {"configurable": {"thread_id": "new"}}))
    assert house.effects == []
    assert house.engine().services.approvals.waiting() == [] or goto == "begin", told


@pytest.mark.parametrize("goto", ["pay.perform", "pay.gate", "pay.propose", "pay.approve"])
def test_a_jump_back_after_the_effect_does_not_repeat_it(house: House, goto: str) -> None:
    """A run that has ended stays ended, whoever jumps into it."""
    run = house.begun("pay")
    run.approve()
    run.drive()
    graph = run.raw()
    for update in ({}, {"_edge": 0, "_visits": {}}, {"_edge": 0, "_visits": {"pay": 1}}):
        attempt(lambda update=update: graph.invoke(Command(goto=goto, update=update), run.config))
        attempt(lambda: graph.invoke(None, run.config))
    assert (house.effects, house.tries) == (["pay 10 anna"], 1)
    assert run.status == "done"


def test_a_jump_to_a_step_ahead_is_refused(house: House) -> None:
    """The refund, which comes after the payment, cannot be entered while the payment waits."""
    run = house.begun("chain")
    graph = run.raw()
    for goto in ("refund.propose", "refund.gate", "refund.perform"):
        update = {"_edge": 1, "_visits": {"pay": 1, "refund": 0 if goto.endswith("propose") else 1}}
        told = attempt(lambda goto=goto, update=update: graph.invoke(Command(goto=goto, update=update), run.config))
        assert isinstance(told, Exception)
    assert house.effects == []
    assert [row.step for row in run.engine.services.ledger.of_run(run.id)] == ["pay"]


def test_a_jump_over_an_approve_step_is_refused(house: House) -> None:
    """A step whose policy says auto is still behind the question that the graph draws before it."""
    run = house.begun("form", amount=500)
    for edge in (1, 2):
        update = {"_edge": edge}
        told = attempt(lambda update=update: run.raw().invoke(Command(goto="note.propose", update=update), run.config))
        assert isinstance(told, Exception)
    assert house.effects == []
    run.approve()
    run.drive()
    assert house.effects == ["note 500 anna"]


def test_the_first_edge_is_the_one_that_the_input_takes(house: House) -> None:
    """Before anything was entered, only the input says which START edge is open."""
    engine = house.engine()
    workflow = engine.project.workflow(house.root / "graphs" / "form.yaml")
    run = engine.start(workflow, {"amount": 500}, "requester")
    graph = house.raw("form")
    config: Any = {"configurable": {"thread_id": run.id}}
    update = {"amount": 500, "to": "anna", "_edge": 1, "_visits": {}}
    told = attempt(lambda: graph.invoke(Command(goto="note.propose", update=update), config))
    assert "its position was changed from outside" in str(told)
    assert house.effects == []
