"""Approve steps that cover a later action: the yes given ahead is for that exact action, once, and in time."""

from __future__ import annotations

from datetime import timedelta

import pytest
from langgraph.types import Command

from interlock.errors import DecisionRefused
from interlock.policies.language import Requirement
from interlock.store.tables import Approval
from tests.attacks.house import House


def test_an_approval_ahead_authorises_that_action_once(house: House) -> None:
    """The people of the approve step agree, the later step acts without asking again, and the approval is used up."""
    run = house.begun("ahead")
    run.approve("fay", "finn")
    run.drive()
    assert (house.effects, run.status) == (["ship 10 anna"], "done")
    (given,) = run.engine.services.approvals.of_run(run.id)
    assert given.state == "consumed"
    (shipped,) = (row for row in run.engine.services.ledger.of_run(run.id) if row.step == "ship")
    assert shipped.approval_id == given.id
    assert run.whole()


def test_an_approval_ahead_that_came_too_late_is_asked_again(house: House) -> None:
    """Given ahead and not used in its time: the same people are asked at the step itself."""
    run = house.begun("ahead")
    run.approve("fay", "finn")
    house.clock.advance(timedelta(minutes=5, seconds=1))
    run.drive()
    assert (house.effects, run.asked.step, run.asked.requirement["count"]) == ([], "ship", 2)


def test_an_approval_ahead_is_not_adopted_for_an_action_its_voter_edited(house: House) -> None:
    """Whoever agreed ahead and then edits the changed action back has proposed it: somebody else decides."""
    run = house.begun("ahead_of_note")
    run.approve("bob")
    run.raw().invoke(Command(resume="yes", update={"amount": 999}), run.config)
    run.engine.edit(run.asked.id, "bob", {"amount": 10})
    run.drive()
    assert (house.effects, run.asked.request["arguments"]["amount"]) == ([], 10)
    with pytest.raises(DecisionRefused, match="separation of duties"):
        run.approve("bob")
    run.approve("carol")
    run.drive()
    assert house.effects == ["note 10 anna"]


def test_a_question_ahead_is_filed_once(house: House) -> None:
    """Filed again by a second process, it is the same question: no second approval can be adopted later."""
    run = house.begun("ahead")
    services, asked = run.engine.services, run.asked
    with services.database.read() as session:
        same = session.get(Approval, asked.id)
    assert same is not None
    filed = services.approvals.file(
        run_id=run.id, step="ask", visit=1, kind="action", request=asked.request,
        requirement=Requirement(), excluded=[], digest=asked.digest,
    )  # fmt: skip
    assert filed.id == asked.id
    assert len(services.approvals.of_run(run.id)) == 1
