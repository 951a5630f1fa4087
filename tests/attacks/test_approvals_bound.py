"""Invariant 1: an approval authorises one exact action, in its run, under its rules, in its time, once."""

from __future__ import annotations

from datetime import timedelta
from typing import Any

import pytest
from langgraph.types import Command
from sqlalchemy import text

from interlock.engine import compiler
from interlock.errors import Conflict, DecisionRefused, Refused
from interlock.graphs.spec import Retry
from interlock.nodes.binding import binding
from interlock.nodes.perform import perform
from interlock.nodes.services import Place
from interlock.policies.language import Requirement
from interlock.store.tables import Approval, Effect
from tests.attacks.house import House, Run, attempt


def tamper(one: Run, statement: str, **values: Any) -> None:
    """Change the database behind the program's back."""
    with one.engine.services.database.write() as session:
        session.connection().execute(text(statement), values)


def place(run: Run, step: str = "pay") -> Place:
    spec = run.engine.project.pinned(run.engine.services.runs.get(run.id).spec_digest).spec
    return Place(run.id, spec, spec.digest(), step, 1)


def test_arguments_changed_in_the_database_are_asked_about(house: House) -> None:
    """The digest is computed from what is about to be sent, so a changed row no longer fits its approval."""
    run = house.begun("pay")
    run.approve()
    tamper(run, "UPDATE effects SET arguments = :new", new='{"amount": 900, "to": "eve"}')
    run.drive()
    assert house.effects == []
    assert run.asked.request["arguments"] == {"amount": 900, "to": "eve"}


def test_arguments_and_digest_changed_in_the_database_are_refused(house: House) -> None:
    """A forger who recomputes the row's digest still meets the approval's."""
    run = house.begun("pay")
    run.approve()
    forged = {"amount": 900, "to": "eve"}
    made = binding("shop.pay", forged, place(run), run.engine.services)
    tamper(run, "UPDATE effects SET arguments = :new, digest = :made", new='{"amount": 900, "to": "eve"}', made=made)
    with pytest.raises(Refused, match="was given for another action"):
        run.drive()
    assert house.effects == []


def test_an_approval_of_one_run_authorises_no_other(house: House) -> None:
    """Two runs propose the same: the yes to one is none to the other, even when a row is made to point at it."""
    first, second = house.begun("pay"), house.begun("pay")
    first.approve()
    assert first.effect.digest != second.effect.digest
    second.drive()
    tamper(
        second,
        "UPDATE effects SET approval_id = :given, state = 'approved' WHERE run_id = :run",
        given=first.effect.approval_id,
        run=second.id,
    )
    with pytest.raises(Refused, match="was given for another action"):
        perform(place(second), Retry(), second.engine.services)
    assert house.effects == []
    first.drive()
    assert house.effects == ["pay 10 anna"]


def test_a_decision_without_its_approval_is_refused(house: House) -> None:
    """A row that only says it is approved holds no authorisation."""
    run = house.begun("pay")
    tamper(run, "UPDATE effects SET state = 'approved'")
    with pytest.raises(Refused, match="is waiting"):
        perform(place(run), Retry(), run.engine.services)
    tamper(run, "UPDATE effects SET state = 'approved', approval_id = NULL")
    with pytest.raises(Refused, match="has no authorisation"):
        perform(place(run), Retry(), run.engine.services)
    tamper(run, "UPDATE effects SET state = 'failed', attempt = 1, retryable = 1")
    with pytest.raises(Refused, match="has no authorisation"):
        perform(place(run), Retry(), run.engine.services)
    run.drive()
    assert house.effects == []


def test_the_monitor_called_directly_refuses(house: House) -> None:
    """Code that holds the services and calls the monitor itself gets no further than the graph does."""
    run = house.begun("pay")
    with pytest.raises(Refused, match="is waiting"):
        perform(place(run), Retry(), run.engine.services)
    with pytest.raises(Refused, match="has proposed nothing"):
        perform(Place(run.id, place(run).spec, place(run).spec_digest, "pay", 2), Retry(), run.engine.services)
    run.approve()
    other = Place(run.id, place(run).spec.model_copy(update={"version": 2}), "sha256:" + "0" * 64, "pay", 1)
    assert perform(other, Retry(), run.engine.services).word == "regate"
    assert house.effects == []


def test_an_approval_is_used_once(house: House) -> None:
    """Consumed by the intent; a row put back to `approved` finds it used."""
    run = house.begun("pay")
    run.approve()
    run.drive()
    used = run.effect.approval_id
    assert run.engine.services.approvals.get(used or "").state == "consumed"
    tamper(run, "UPDATE effects SET state = 'approved', attempt = 0")
    tamper(run, "UPDATE runs SET status = 'running'")
    with pytest.raises(Refused, match="is consumed"):
        perform(place(run), Retry(), run.engine.services)
    assert house.effects == ["pay 10 anna"]


def test_a_question_past_its_time_is_refused_and_the_run_goes_on(house: House) -> None:
    """Not deciding means no: a late vote is refused, and the run takes its expired edge."""
    run = house.begun("pay")
    asked = run.asked.id
    house.clock.advance(timedelta(hours=1, seconds=1))
    with pytest.raises(DecisionRefused, match="already expired"):
        run.engine.approve(asked, "bob")
    run.drive()
    assert (house.effects, run.outcome, run.effect.state) == ([], "not_paid", "expired")
    assert run.whole()


def test_an_approval_past_its_time_is_asked_again(house: House) -> None:
    """Agreed in time, driven too late: nothing happens until somebody agrees anew."""
    run = house.begun("pay")
    first = run.asked.id
    run.approve()
    house.clock.advance(timedelta(minutes=5, seconds=1))
    run.drive()
    assert (house.effects, run.asked.id != first) == ([], True)
    assert run.engine.services.approvals.get(first).state == "superseded"
    run.approve()
    run.drive()
    assert house.effects == ["pay 10 anna"]
    assert run.whole()


def test_a_decision_of_the_rules_does_not_outlive_what_it_was_decided_on(house: House, monkeypatch: Any) -> None:
    """An action decided `auto`, found again after the process was away, is decided anew."""

    def dies(*arguments: Any) -> None:
        raise SystemError("the process ends here")

    monkeypatch.setattr(compiler, "perform", dies)
    engine = house.engine()
    workflow = engine.project.workflow(house.root / "graphs" / "note.yaml")
    run = Run(house, engine, engine.start(workflow, {"amount": 10}, "requester").id)
    attempt(run.drive)
    assert run.effect.state == "gated"
    monkeypatch.undo()
    house.clock.advance(timedelta(hours=9))
    run.drive()
    rows = run.engine.services.ledger.of_run(run.id)
    assert [row.state for row in sorted(rows, key=lambda row: row.slot)] == ["superseded", "executed"]
    assert house.effects == ["note 10 anna"]


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


def test_a_cancelled_run_takes_its_questions_and_approvals_with_it(house: House) -> None:
    """After cancelling, no vote counts, no resume acts, and a given approval is withdrawn."""
    open_run, approved = house.begun("pay"), house.begun("pay")
    approved.approve()
    ids = [run.effect.approval_id or "" for run in (open_run, approved)]
    for run in (open_run, approved):
        run.engine.cancel(run.id, "bob")
        with pytest.raises(DecisionRefused, match="superseded"):
            run.engine.approve(ids[0], "bob")
        run.drive()
        for feed in (Command(resume="yes"), Command(goto="pay.perform"), None):
            attempt(lambda run=run, feed=feed: run.raw().invoke(feed, run.config))
        with pytest.raises((Refused, Conflict)):
            perform(place(run), Retry(), run.engine.services)
        assert (run.status, run.effect.state) == ("cancelled", "superseded")
        with pytest.raises(Refused, match="is cancelled already"):
            run.engine.cancel(run.id, "bob")
    assert house.effects == []
    states = [open_run.engine.services.approvals.get(found).state for found in ids]
    assert states == ["superseded", "superseded"]
    assert open_run.whole()


# Given ahead ------------------------------------------------------------------------------------


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


def test_a_second_proposal_of_a_visit_cannot_begin_beside_the_first(house: House) -> None:
    """Even with an approval of its own, a forged second row of the visit finds the first one there."""
    run = house.begun("pay")
    run.approve()
    run.drive()
    services = run.engine.services
    tamper(run, "UPDATE runs SET status = 'running'")
    first = run.effect
    with services.database.write() as session:
        kept = ("run_id", "step", "visit", "action", "arguments", "labels", "evidence", "model", "proposed_by")
        copied = Effect(id="", slot=0, state="proposed", missing=[], **{name: getattr(first, name) for name in kept})
        forged = services.ledger.add(session, copied, actor="run")
    verdict: Any = {"effect": "auto", "reasons": []}
    gated = services.ledger.gate(forged, digest=first.digest or "", verdict=verdict, denied=False)
    with pytest.raises(Refused, match="this visit already acted"):
        services.ledger.intend(gated, first.digest or "")
    assert house.effects == ["pay 10 anna"]
