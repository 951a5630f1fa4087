"""Invariant 1: an approval authorises one exact action, in its run, under its rules, in its time, once."""

from __future__ import annotations

from datetime import timedelta
from typing import Any

import pytest
from langgraph.types import Command
from sqlalchemy import text

from interlock.errors import Conflict, DecisionRefused, Refused
from interlock.graphs.cards import Retry
from interlock.nodes import kinds
from interlock.nodes.binding import binding
from interlock.nodes.perform import perform
from interlock.nodes.services import Place
from interlock.store.tables import Effect
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

    monkeypatch.setattr(kinds, "perform", dies)
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
