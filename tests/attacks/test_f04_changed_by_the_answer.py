"""F4: in plain LangGraph, an answer that carries an update changes what runs after the reviewer has read it."""

from __future__ import annotations

from typing import Any

import pytest
from langgraph.types import Command

from tests.attacks.house import House, attempt

FORGED: dict[str, Any] = {
    "beside the answer": Command(resume="yes", update={"amount": 999, "to": "eve"}),
    "as a decision": Command(resume={"decisions": [{"type": "edit", "edited_action": {"args": {"amount": 999}}}]}),
    "with the position": Command(resume="yes", update={"amount": 999, "_next": "pay.perform", "_edge": 0}),
    "with the visits": Command(resume="yes", update={"amount": 999, "_visits": {"pay": 0}}),
    "with the request": Command(resume="yes", update={"_request": {"interlock": {"id": "ap-other"}}, "amount": 999}),
}


@pytest.mark.parametrize("name", FORGED)
@pytest.mark.parametrize("approved", [False, True])
def test_an_update_beside_the_answer_changes_no_action(house: House, name: str, approved: bool) -> None:
    """The reviewer saw 10 to anna: 10 to anna is what happens, and only once they agree."""
    run = house.begun("pay")
    if approved:
        run.approve()
    attempt(lambda: run.raw().invoke(FORGED[name], run.config))
    assert set(house.effects) <= ({"pay 10 anna"} if approved else set())
    if not approved:
        run.approve()
    run.drive()
    assert (house.effects, run.status) == (["pay 10 anna"], "done")
    assert run.whole()


def test_state_changed_after_an_approval_ahead_is_asked_about_again(house: House) -> None:
    """What an approve step covers is one exact action; with other values the same people are asked anew."""
    run = house.begun("ahead")
    run.approve("fay", "finn")
    run.raw().invoke(Command(resume="yes", update={"amount": 999}), run.config)
    assert house.effects == []
    assert run.asked.request["arguments"] == {"amount": 999, "to": "anna"}
    assert run.asked.requirement["count"] == 2
    assert run.asked.requirement["role"] == "finance"
    run.engine.services.approvals.reject(run.asked.id, "fay", comment="not what I read")
    run.drive()
    assert (house.effects, run.outcome) == ([], "not_shipped")
    assert run.whole()


def test_state_changed_after_an_approval_ahead_does_not_fall_to_the_policy(house: House) -> None:
    """Where a policy would let the changed action pass, the step that a person covers still asks that person."""
    run = house.begun("ahead_of_note")
    run.approve()
    run.raw().invoke(Command(resume="yes", update={"amount": 999}), run.config)
    assert house.effects == []
    assert run.asked.request["arguments"]["amount"] == 999
    run.approve()
    run.drive()
    assert house.effects == ["note 999 anna"]
    assert run.whole()


def test_input_changed_after_it_was_accepted_is_refused(house: House) -> None:
    """An accepted run begins with the input on its record, not with what the caller of the graph brings."""
    engine = house.engine()
    workflow = engine.project.workflow(house.root / "graphs" / "note.yaml")
    run = engine.start(workflow, {"amount": 10}, "requester")
    told = attempt(lambda: house.raw("note").invoke({"amount": 999}, {"configurable": {"thread_id": run.id}}))
    assert "accepted with other input" in str(told)
    assert house.effects == []


def test_an_edit_at_the_terminal_is_a_new_question_for_somebody_else(open_house: House) -> None:
    """`review edit` performs nothing: the new action is gated again, and its editor may not approve it."""
    run = open_house.begun("pay")
    edited = open_house.command("review", "edit", run.asked.id, "--as", "carol", "--set", "amount=900", "--json")
    assert edited.code == 0, edited.err
    assert open_house.effects == []
    asked = edited.json["approvals"][0]
    assert (asked["arguments"]["amount"], asked["id"]) == (900, run.asked.id)
    own = open_house.command("review", "approve", asked["id"], "--as", "Carol")
    assert (own.code, "separation of duties" in own.err) == (1, True)
    assert open_house.effects == []
