"""A run that was cancelled, or whose time is over, does nothing more, whoever holds it."""

from __future__ import annotations

from collections.abc import Callable
from datetime import timedelta

import pytest

from interlock.digest import digest
from interlock.errors import InterlockError, LimitExceeded, Refused, RunCancelled
from interlock.store.forks import Branching, Forks
from interlock.store.runs import Child
from interlock.store.stranded import stranded
from tests.store.stores import DIGEST, SPEC, Stores

TIME = {"time": "2h"}
BELOW = SPEC | {"graph": "below"}


def cancelled(stores: Stores, run: str) -> type[InterlockError]:
    """Cancel the run."""
    stores.runs.cancel(run, "boss")
    return RunCancelled


def overdue(stores: Stores, run: str) -> type[InterlockError]:
    """Let the run's time pass."""
    stores.clock.advance(timedelta(hours=2))
    return LimitExceeded


ENDINGS = [cancelled, overdue]
Ending = Callable[[Stores, str], type[InterlockError]]


def entered(stores: Stores) -> str:
    """A run in its first step, which has two hours."""
    run = stores.run(limits=TIME)
    stores.runs.enter(run, "pay", 1, entered_by=0, first=True)
    stores.runs.status(run, "running")
    return run


def child_of(stores: Stores, run: str) -> str:
    """A child run of that step, which has all the time there is."""
    child = Child(f"{run}.pay.1", BELOW, digest(BELOW), {})
    [made] = stores.runs.create_children(stores.runs.get(run), "pay", 1, [child], "requester")
    return made.id


@pytest.mark.parametrize("ending", ENDINGS)
@pytest.mark.parametrize("below", [False, True])
def test_no_node_begins_and_no_model_is_asked(stores: Stores, ending: Ending, below: bool) -> None:
    """Neither of the run nor of one below it: no step is entered, gone on with or parked at, and nothing is done."""
    run = entered(stores)
    at = child_of(stores, run) if below else run
    if below:
        stores.runs.enter(at, "pay", 1, entered_by=0, first=True)
    error = ending(stores, run)
    stores.runs.leave(at, "pay", 1, outcome="done", left_by=1)  # what was begun is still recorded
    for act in (
        lambda: stores.runs.enter(at, "pay", 2, entered_by=1, first=False),
        lambda: stores.runs.require(at, "pay", 1),
        lambda: stores.runs.going(at),
        lambda: stores.runs.status(at, "waiting"),
        lambda: stores.runs.count_call(at, "pay", 1),
        lambda: stores.runs.end(at, "done", outcome="done", by_itself=True),
    ):
        with pytest.raises(error):
            act()
    assert [visit.visit for visit in stores.runs.visits(at)] == [1]
    assert (stores.runs.get(at).status, stores.runs.get(at).model_calls) != ("done", 1)


@pytest.mark.parametrize("ending", ENDINGS)
def test_no_intent_is_written(stores: Stores, ending: Ending) -> None:
    """Not even with an approval that was given before; the approval stays unused."""
    run = entered(stores)
    approval = stores.asked(run)
    stores.approvals.approve(approval.id, "fay")
    effect = stores.ledger.latest(run, "pay", 1)
    assert effect is not None
    error = ending(stores, run)
    with pytest.raises(error):
        stores.ledger.intend(effect, DIGEST)
    assert stores.ledger.get(effect.id).state == "approved"
    assert stores.approvals.get(approval.id).state == "approved"


def test_an_intent_before_the_cancellation_is_followed_by_its_outcome(stores: Stores) -> None:
    """What was begun is recorded to its end, and the run can then be ended."""
    run = entered(stores)
    stores.approvals.approve(stores.asked(run).id, "fay")
    effect = stores.ledger.latest(run, "pay", 1)
    assert effect is not None
    begun = stores.ledger.intend(effect, DIGEST)
    stores.runs.cancel(run, "boss")
    assert stores.ledger.executed(begun, {}).state == "executed"
    assert stores.runs.end(run, "cancelled", outcome="cancelled").status == "cancelled"


def test_the_first_who_cancels_is_on_record_once(stores: Stores) -> None:
    """A second one changes nothing, and a run that has ended cannot be cancelled."""
    run = entered(stores)
    assert stores.runs.cancel(run, "boss").cancelled_by == "boss"
    assert stores.runs.cancel(run, "other").cancelled_by == "boss"
    with stores.database.read() as session:
        told = [(entry["event"], entry["actor"]) for entry in stores.audit.about(session, run, set())]
    assert told.count(("run.cancelling", "boss")) == 1
    assert ("run.cancelling", "other") not in told
    stores.runs.end(run, "cancelled", outcome="cancelled", actor="boss")
    with pytest.raises(Refused, match="cancelled already"):
        stores.runs.cancel(run, "boss")
    assert stores.whole()


def test_time_is_counted_from_the_moment_of_acceptance(stores: Stores) -> None:
    """A run is not overdue a moment before, and one without a limit never is."""
    free, run = stores.run(), stores.run(limits=TIME)
    assert stores.runs.get(run).due_at == stores.clock() + timedelta(hours=2)
    stores.clock.advance(timedelta(hours=2) - timedelta(microseconds=1))
    stores.runs.going(run)
    assert stores.runs.overdue() == []
    stores.clock.advance(timedelta(microseconds=1))
    assert stores.runs.overdue() == [run]
    stores.clock.advance(timedelta(days=1000))
    stores.runs.going(free)


def test_a_fork_has_the_time_of_a_run_that_was_accepted_when_it_was(stores: Stores) -> None:
    """What its origin took, and that its origin's time is over, is not its own."""
    run = stores.runs.get(stores.run(limits=TIME))
    stores.clock.advance(timedelta(hours=3))
    forks = Forks(stores.database, stores.audit, stores.clock, None)
    made = forks.make(Branching(run.id, run.spec_digest, "0", run.input, seen=[]), "fay")
    assert stores.runs.overdue() == [run.id]
    stores.clock.advance(timedelta(hours=2))
    assert stores.runs.overdue() == [run.id, made.id]


@pytest.mark.parametrize("ending", ENDINGS)
def test_a_run_that_is_to_end_and_waits_is_found(stores: Stores, ending: Ending) -> None:
    """The sweep sees it after a while, and no more once it has ended."""
    run = entered(stores)
    stores.runs.status(run, "waiting")
    assert stranded(stores.database, stores.clock() + timedelta(seconds=1)) == []
    ending(stores, run)
    assert stores.runs.overdue() == [run]
    assert stranded(stores.database, stores.clock() + timedelta(seconds=1)) == [run]
    stores.runs.end(run, "cancelled", outcome="cancelled")
    assert stranded(stores.database, stores.clock() + timedelta(seconds=1)) == []
    assert stores.runs.overdue() == []
