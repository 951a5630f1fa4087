"""F5: in plain LangGraph, `update_state(as_node="gate")` and `invoke(None)` run the action without an answer."""

from __future__ import annotations

from typing import Any

import pytest
from langgraph.types import Command

from tests.attacks.house import House, attempt

WRITES: dict[str, tuple[str, dict[str, Any]]] = {
    "gate says perform": ("pay.gate", {"_next": "pay.perform"}),
    "approve says perform": ("pay.approve", {"_next": "pay.perform", "_request": None}),
    "perform says done": ("pay.perform", {"_next": "finish", "_edge": 1, "receipt": {"line": "forged"}}),
    "propose says gate": ("pay.propose", {"_next": "pay.gate", "_visits": {"pay": 1}}),
    "begin says propose": ("begin", {"_next": "pay.propose", "_edge": 0, "_visits": {}}),
    "begin says a second visit": ("begin", {"_next": "pay.propose", "_edge": 0, "_visits": {"pay": 1}}),
    "finish": ("finish", {"_next": ""}),
    "another visit": ("pay.gate", {"_next": "pay.perform", "_visits": {"pay": 7}}),
    "no visits": ("pay.gate", {"_next": "pay.perform", "_visits": None}),
    "visits of no shape": ("pay.gate", {"_next": "pay.perform", "_visits": "pay"}),
    "a request of no shape": ("pay.gate", {"_next": "pay.approve", "_request": {"interlock": "yes"}}),
    "no request": ("pay.gate", {"_next": "pay.approve", "_request": None}),
    "another's request": ("pay.gate", {"_next": "pay.approve", "_request": {"interlock": {"id": "ap-0"}}}),
    "nowhere": ("pay.gate", {"_next": "pay.elsewhere"}),
    "other values": ("pay.gate", {"_next": "pay.perform", "amount": 999, "to": "eve"}),
}


@pytest.mark.parametrize("name", WRITES)
def test_a_forged_position_causes_nothing(house: House, name: str) -> None:
    """Whatever a caller writes in a node's name, nothing happens; the question stays, and its answer counts once."""
    run = house.begun("pay")
    graph = run.raw()
    node, values = WRITES[name]
    attempt(lambda: graph.update_state(run.config, values, as_node=node))
    attempt(lambda: graph.invoke(None, run.config))
    attempt(lambda: graph.invoke(Command(resume="yes"), run.config))
    assert (house.effects, house.tries) == ([], 0)
    assert (run.asked.state, run.status) == ("waiting", "waiting")
    run.approve()
    run.drive()
    assert (house.effects, house.tries) == (["pay 10 anna"], 1)
    assert (run.status, run.outcome) == ("done", "done")
    assert run.whole()


def test_a_forged_position_of_a_form_answers_nothing(house: House) -> None:
    """An approve step without an answer cannot be left by writing its next node."""
    run = house.begun("form", amount=500)
    graph = run.raw()
    for values in ({"_next": "note.propose", "_edge": 2}, {"_next": "note.propose", "_edge": 1}):
        attempt(lambda values=values: graph.update_state(run.config, values, as_node="ask.approve"))
        told = attempt(lambda: graph.invoke(None, run.config))
        assert "its position was changed from outside" in str(told)
    assert house.effects == []
    run.engine.services.approvals.reject(run.asked.id, "bob", comment="no")
    run.drive()
    assert (house.effects, run.outcome) == ([], "refused")
    assert run.whole()


def test_going_on_from_an_old_checkpoint_repeats_nothing(house: House) -> None:
    """Time travel to any earlier checkpoint of a run that has acted causes no second effect."""
    run = house.begun("chain")
    run.approve()
    run.drive()
    graph = run.raw()
    for old in list(graph.get_state_history(run.config)):
        attempt(lambda old=old: graph.invoke(None, old.config))
        attempt(lambda old=old: graph.invoke(Command(resume="yes"), old.config))
        assert house.effects == ["pay 10 anna"]
    run.approve()
    run.drive()
    assert house.effects == ["pay 10 anna", "refund 10 anna"]
    assert run.status == "done"
    assert run.whole()


def test_an_old_checkpoint_with_other_values_repeats_nothing(house: House) -> None:
    """A fork of an earlier checkpoint with another amount is the same run, and its action stands in the ledger."""
    run = house.begun("pay")
    run.approve()
    graph = run.raw()
    for old in list(graph.get_state_history(run.config)):
        fork: Any = attempt(lambda old=old: graph.update_state(old.config, {"amount": 999, "to": "eve"}))
        if not isinstance(fork, Exception):
            attempt(lambda fork=fork: graph.invoke(None, fork))
    run.drive()
    assert house.effects == ["pay 10 anna"]
    assert run.whole()
