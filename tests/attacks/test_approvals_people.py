"""Who may decide, on what they read: separation of duties, roles, one vote each, revisions, edits gated again."""

from __future__ import annotations

from typing import Any

import pytest

from interlock.errors import DecisionRefused
from tests.attacks.house import House


@pytest.mark.parametrize("name", ["requester", "Requester", "REQUESTER", "\uff52equester"])
def test_whoever_asks_does_not_decide(house: House, name: str) -> None:
    """Separation of duties, however the name is written."""
    run = house.begun("pay")
    with pytest.raises(DecisionRefused, match="separation of duties"):
        run.approve(name)
    assert run.asked.state == "waiting"


@pytest.mark.parametrize("name", ["", " ", "a b", "bob\n", "../x", "x" * 65, "bob'; --", "\u202ebob"])
def test_a_name_that_is_none_decides_nothing(house: House, name: str) -> None:
    """A decision needs a person's name."""
    run = house.begun("pay")
    with pytest.raises(DecisionRefused, match="is no person's name"):
        run.approve(name)
    with pytest.raises(DecisionRefused, match="is no person's name"):
        run.engine.start(run.engine.project.workflow(house.root / "graphs/pay.yaml"), {"amount": 1}, name)
    assert house.effects == []


def test_two_different_people_of_the_role_must_agree(house: House) -> None:
    """One vote each, of that role; the same person in other letters is the same person."""
    run = house.begun("pay", amount=2000)
    with pytest.raises(DecisionRefused, match=r"does not hold the role finance. Who does: fay, finn"):
        run.approve("bob")
    run.approve("fay")
    assert run.asked.state == "waiting"
    for name in ("fay", "FAY", "\uff46ay"):
        with pytest.raises(DecisionRefused, match="one vote each"):
            run.approve(name)
    run.drive()
    assert house.effects == []
    run.approve("finn")
    run.drive()
    assert house.effects == ["pay 2000 anna"]
    assert run.whole()


def test_one_rejection_outweighs_a_vote(house: House) -> None:
    """Of two who must agree, one who refuses is enough."""
    run = house.begun("pay", amount=2000)
    run.approve("fay")
    run.engine.services.approvals.reject(run.asked.id, "finn", comment="no")
    run.drive()
    assert (house.effects, run.outcome) == ([], "not_paid")


def test_a_stale_revision_decides_nothing(house: House) -> None:
    """A decision carries the revision it was read at; another changes nothing, at the terminal as well."""
    run = house.begun("pay")
    for decide in (
        lambda: run.approve("bob", revision=7),
        lambda: run.engine.services.approvals.reject(run.asked.id, "bob", comment="no", revision=7),
        lambda: run.engine.edit(run.asked.id, "bob", {"amount": 5}, revision=7),
    ):
        with pytest.raises(DecisionRefused, match="changed while you were reading"):
            decide()
    assert (run.asked.state, run.asked.revision, house.effects) == ("waiting", 0, [])


def test_a_stale_revision_at_the_terminal_exits_with_the_reason(open_house: House) -> None:
    """`--revision` of a page read long ago."""
    run = open_house.begun("pay")
    told = open_house.command("review", "approve", run.asked.id, "--as", "bob", "--revision", "7")
    assert (told.code, "changed while you were reading" in told.err) == (1, True)
    assert (run.asked.state, open_house.effects) == ("waiting", [])


def test_an_edit_is_gated_again_by_all_layers(house: House) -> None:
    """An edit over the limit of one approver needs two, and one beyond every rule is denied."""
    run = house.begun("pay")
    run.engine.edit(run.asked.id, "carol", {"amount": 2000})
    run.drive()
    assert (run.asked.requirement["count"], run.asked.requirement["role"]) == (2, "finance")
    beyond = house.begun("pay")
    beyond.engine.edit(beyond.asked.id, "carol", {"amount": 100_000})
    beyond.drive()
    assert (house.effects, beyond.outcome, beyond.effect.state) == ([], "not_paid", "denied")


def test_whoever_edits_does_not_decide(house: House) -> None:
    """The editor becomes a co-requester, for every later edit too."""
    run = house.begun("pay")
    for editor, amount in (("carol", 20), ("dave", 30)):
        run.engine.edit(run.asked.id, editor, {"amount": amount})
        run.drive()
    for name in ("carol", "Dave", "requester"):
        with pytest.raises(DecisionRefused, match="separation of duties"):
            run.approve(name)
    run.approve("bob")
    run.drive()
    assert house.effects == ["pay 30 anna"]
    assert run.whole()


def test_edits_are_bounded(house: House) -> None:
    """After ten edits the question is approved or rejected, not changed again."""
    run = house.begun("pay")
    for amount in range(11, 21):
        run.engine.edit(run.asked.id, "carol", {"amount": amount})
        run.drive()
    with pytest.raises(DecisionRefused, match="was edited 10 times"):
        run.engine.edit(run.asked.id, "carol", {"amount": 99})
    run.approve("bob")
    run.drive()
    assert house.effects == ["pay 20 anna"]


@pytest.mark.parametrize(
    "changes",
    [
        {"amount": "much"},
        {"amount": None},
        {"amount": 1.5},
        {"to": 7},
        {"elsewhere": 1},
        {"_next": "x"},
        {"amount": 10},
    ],
)
def test_an_edit_that_does_not_fit_leaves_the_question_open(house: House, changes: dict[str, Any]) -> None:
    """Wrong type, unknown argument or no change at all: refused with a reason, and the old question stands."""
    run = house.begun("pay")
    before = run.asked
    with pytest.raises(DecisionRefused):
        run.engine.edit(before.id, "carol", changes)
    assert (run.asked.id, run.asked.revision, run.effect.slot) == (before.id, 0, 0)
    run.approve("bob")
    run.drive()
    assert house.effects == ["pay 10 anna"]


def test_a_decision_of_the_wrong_kind_is_refused(house: House) -> None:
    """A form is not edited, an action is no doubt, a rejection needs its reason."""
    form, action = house.begun("form", amount=500), house.begun("pay")
    with pytest.raises(DecisionRefused, match="holds no action to edit"):
        form.engine.edit(form.asked.id, "bob", {"amount": 1})
    with pytest.raises(DecisionRefused, match="is no doubt"):
        action.engine.services.approvals.respond(action.asked.id, "bob", happened=True)
    with pytest.raises(DecisionRefused, match="needs a reason"):
        action.engine.services.approvals.reject(action.asked.id, "bob", comment=" ")
    with pytest.raises(DecisionRefused, match="has no form"):
        action.approve("bob", answer={"amount": 900})
    assert house.effects == []
