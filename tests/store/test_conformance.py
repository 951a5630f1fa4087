"""What every database must promise about runs, visits, approvals and spend."""

from __future__ import annotations

from concurrent.futures import ThreadPoolExecutor
from datetime import datetime, timedelta

import pytest
from sqlalchemy.exc import StatementError

from interlock.errors import Conflict, DecisionRefused, LimitExceeded, NotFound, Refused, StepLimitExceeded
from interlock.policies.language import Requirement
from interlock.store.database import Database
from interlock.store.effects import copy
from interlock.store.runs import Child
from tests.store.stores import DIGEST, HOUR, SPEC, Stores


def again(stores: Stores, url: str) -> Stores:
    """The same database as a new process sees it."""
    other = Stores(Database(url))
    other.clock = stores.clock
    return other


def test_an_accepted_run_is_there_for_the_next_process(stores: Stores, url: str) -> None:
    """With its input, requester, spec and times exactly as they were."""
    run = stores.run()
    read, kept = again(stores, url).runs.get(run), stores.runs.get(run)
    assert read.model_dump() == kept.model_dump()
    assert (read.status, read.input, read.requester) == ("created", {"amount": 1}, "requester")
    assert read.created_at == stores.clock()
    assert read.created_at.tzinfo is not None


def test_a_spec_is_pinned_once(stores: Stores) -> None:
    """Two runs of one spec share it, and it reads back canonically."""
    first, second = stores.runs.get(stores.run()), stores.runs.get(stores.run())
    assert first.spec_digest == second.spec_digest
    assert '"graph":"shop"' in stores.runs.spec_body(first.spec_digest)
    assert SPEC["graph"] == "shop"
    with pytest.raises(NotFound):
        stores.runs.spec_body("sha256:none")


def test_runs_are_listed_newest_first(stores: Stores) -> None:
    """By status and up to a limit."""
    made = []
    for _ in range(3):
        made.append(stores.run())
        stores.clock.advance(timedelta(seconds=1))
    stores.runs.end(made[0], "done", outcome="done")
    assert [run.id for run in stores.runs.list()] == made[::-1]
    assert [run.id for run in stores.runs.list(limit=1)] == [made[2]]
    assert [run.id for run in stores.runs.list(status="done")] == [made[0]]


def test_what_is_not_there_is_not_found(stores: Stores) -> None:
    """By name, and with where to look."""
    for look in (stores.runs.get, stores.approvals.get, stores.ledger.get):
        with pytest.raises(NotFound, match="there is no"):
            look("elsewhere")
    assert stores.runs.find("elsewhere") is None


def test_a_run_ends_once(stores: Stores) -> None:
    """The first end stands, with one entry; nothing moves an ended run."""
    run = stores.run()
    stores.runs.end(run, "done", outcome="done", output={"x": 1})
    head = stores.head()
    assert stores.runs.end(run, "failed", outcome="limit", error="late").status == "done"
    assert stores.head() == head
    with pytest.raises(Refused, match="is done; start a new one"):
        stores.runs.status(run, "running")
    with pytest.raises(Refused, match="is done; start a new one"):
        stores.runs.enter(run, "pay", 1, entered_by=0, first=True)


# Position ---------------------------------------------------------------------------------------


def test_a_step_is_entered_where_its_predecessor_left(stores: Stores) -> None:
    """By that edge alone; the same entry found again after a crash is the same visit."""
    run = stores.run()
    first = stores.runs.enter(run, "a", 1, entered_by=0, first=True)
    assert stores.runs.enter(run, "a", 1, entered_by=0, first=True).position == first.position
    with pytest.raises(Refused, match="its position was changed from outside"):
        stores.runs.enter(run, "b", 1, entered_by=1, first=False)
    stores.runs.leave(run, "a", 1, outcome="done", left_by=1)
    second = stores.runs.enter(run, "b", 1, entered_by=1, first=False)
    assert (first.position, second.position) == (1, 2)
    assert [visit.step for visit in stores.runs.visits(run)] == ["a", "b"]
    assert stores.runs.get(run).steps == 2


@pytest.mark.parametrize(
    ("step", "visit", "entered_by", "first"),
    [("b", 1, 2, False), ("b", 2, 1, False), ("b", 0, 1, False), ("b", -1, 1, False), ("b", 1, 1, True),
     ("a", 1, 0, False), ("a", 2, 0, True), ("a", 3, 1, False), ("c", 1, -1, False)],
)  # fmt: skip
def test_a_forged_entry_is_refused(stores: Stores, step: str, visit: int, entered_by: int, first: bool) -> None:
    """Another edge, another count, a second start, a place left behind."""
    run = stores.run()
    stores.runs.enter(run, "a", 1, entered_by=0, first=True)
    stores.runs.leave(run, "a", 1, outcome="done", left_by=1)
    if (step, visit) == ("a", 1):
        stores.runs.enter(run, "b", 1, entered_by=1, first=False)
    before = stores.runs.visits(run)
    with pytest.raises(Refused, match="its position was changed from outside"):
        stores.runs.enter(run, step, visit, entered_by=entered_by, first=first)
    assert len(stores.runs.visits(run)) == len(before)


def test_a_step_behind_is_not_left_again(stores: Stores) -> None:
    """Whoever comes late cannot change by which edge the run went on."""
    run = stores.run()
    stores.runs.enter(run, "a", 1, entered_by=0, first=True)
    stores.runs.leave(run, "a", 1, outcome="done", left_by=1)
    stores.runs.leave(run, "a", 1, outcome="done", left_by=1)
    stores.runs.enter(run, "b", 1, entered_by=1, first=False)
    with pytest.raises(Refused, match="has moved on from a"):
        stores.runs.leave(run, "a", 1, outcome="rejected", left_by=3)
    with pytest.raises(Refused, match="never entered c"):
        stores.runs.leave(run, "c", 1, outcome="done", left_by=1)
    assert stores.runs.visit(run, "a", 1).left_by == 1
    with pytest.raises(Refused, match="is not at a"):
        stores.runs.require(run, "a", 1)
    stores.runs.require(run, "b", 1)


def test_one_of_two_processes_enters(stores: Stores, url: str) -> None:
    """The same step twice at once is one visit and counts once."""
    run = stores.run()
    others = [again(stores, url) for _ in range(4)]
    with ThreadPoolExecutor(4) as pool:
        found = list(pool.map(lambda other: other.runs.enter(run, "a", 1, entered_by=0, first=True), others))
    assert {visit.position for visit in found} == {1}
    assert (len(stores.runs.visits(run)), stores.runs.get(run).steps) == (1, 1)


# Spend ------------------------------------------------------------------------------------------


def test_counters_stop_at_their_limits_and_survive(stores: Stores, url: str) -> None:
    """Steps, calls and money, counted by whichever process."""
    run = stores.run(limits={"steps": 1, "model_calls": 2, "cost": {"usd": "0.000005"}})
    stores.runs.enter(run, "a", 1, entered_by=0, first=True)
    for _ in range(2):
        again(stores, url).runs.count_call(run, "a", 1)
    with pytest.raises(LimitExceeded, match="has used its 2 model calls"):
        stores.runs.count_call(run, "a", 1)
    stores.runs.count_usage(run, "a", 1, tokens=10, micro_usd=5)
    with pytest.raises(LimitExceeded, match="has spent"):
        again(stores, url).runs.count_usage(run, "a", 1, tokens=10, micro_usd=1)
    with pytest.raises(LimitExceeded, match="has spent"):
        stores.runs.count_call(run, "a", 1)
    stores.runs.leave(run, "a", 1, outcome="done", left_by=0)
    with pytest.raises(LimitExceeded, match="has used its 1 steps"):
        again(stores, url).runs.enter(run, "a", 2, entered_by=0, first=False)
    kept = stores.runs.get(run)
    assert (kept.steps, kept.model_calls, kept.tokens, kept.cost_micro_usd) == (1, 2, 20, 6)
    visit = stores.runs.visit(run, "a", 1)
    assert (visit.model_calls, visit.tokens, visit.cost_micro_usd) == (2, 20, 6)


def test_a_step_has_limits_of_its_own(stores: Stores, url: str) -> None:
    """One visit may use so much, whichever process counts; the next visit starts anew."""
    run = stores.run()
    stores.runs.enter(run, "a", 1, entered_by=0, first=True)
    stores.runs.count_call(run, "a", 1, {"model_calls": 1})
    with pytest.raises(StepLimitExceeded, match="may use 1 model calls in one visit"):
        again(stores, url).runs.count_call(run, "a", 1, {"model_calls": 1})
    with pytest.raises(StepLimitExceeded, match="may use 5 tokens"):
        stores.runs.count_usage(run, "a", 1, tokens=6, micro_usd=0, limits={"tokens": 5})
    assert stores.runs.visit(run, "a", 1).tokens == 6
    stores.runs.leave(run, "a", 1, outcome="done", left_by=0)
    stores.runs.enter(run, "a", 2, entered_by=0, first=False)
    stores.runs.count_call(run, "a", 2, {"model_calls": 1})


def test_a_child_counts_for_every_run_above_it(stores: Stores, url: str) -> None:
    """Each run's own limit holds for all that happens below it; an error says whose limit it was."""
    parent = stores.runs.get(stores.run(limits={"model_calls": 2}))
    stores.runs.enter(parent.id, "each", 1, entered_by=0, first=True)
    spec = {"graph": "inner", "version": 1, "limits": {"model_calls": 5}}
    made = [
        Child(id=f"{parent.id}.each.1.{place}", spec=spec, spec_digest="sha256:inner", input={}) for place in (0, 1)
    ]
    rows = stores.runs.create_children(parent, "each", 1, made, "me")
    assert [row.id for row in again(stores, url).runs.create_children(parent, "each", 1, made[:1], "me")] == [
        row.id for row in rows
    ]
    for row in rows:
        stores.runs.enter(row.id, "a", 1, entered_by=0, first=True)
        stores.runs.count_call(row.id, "a", 1)
    with pytest.raises(LimitExceeded, match="has used its 2 model calls") as refused:
        again(stores, url).runs.count_call(rows[0].id, "a", 1)
    assert refused.value.run == parent.id
    assert (stores.runs.get(parent.id).steps, stores.runs.get(rows[0].id).model_calls) == (3, 1)
    assert [run.id for run in stores.runs.family(parent.id)] == [parent.id, *(row.id for row in rows)]
    assert stores.runs.root(rows[1].id).id == parent.id
    assert [run.id for run in stores.runs.list()] == [parent.id]


def test_attempts_of_a_visit_are_counted(stores: Stores, url: str) -> None:
    """One more for each, in any process."""
    run = stores.run()
    stores.runs.enter(run, "a", 1, entered_by=0, first=True)
    assert [again(stores, url).runs.attempt(run, "a", 1) for _ in range(3)] == [1, 2, 3]
    with pytest.raises(Refused):
        stores.runs.attempt(run, "b", 1)


def test_counting_at_once_loses_nothing(stores: Stores, url: str) -> None:
    """Many threads, each with a connection of its own."""
    run = stores.run()
    stores.runs.enter(run, "a", 1, entered_by=0, first=True)
    others = [again(stores, url) for _ in range(4)]
    with ThreadPoolExecutor(4) as pool:
        list(pool.map(lambda other: [other.runs.count_call(run, "a", 1) for _ in range(5)], others))
    assert stores.runs.get(run).model_calls == 20


# Approvals --------------------------------------------------------------------------------------


def test_a_request_reads_back_as_it_was_filed(stores: Stores, url: str) -> None:
    """For the next process, with both clocks and everybody who may not decide."""
    asked = stores.asked(stores.run())
    read = again(stores, url).approvals.get(asked.id)
    assert read.model_dump() == stores.approvals.get(asked.id).model_dump()
    assert read.excluded == ["requester"]
    assert read.decide_before == stores.clock() + timedelta(hours=1)
    assert [row.id for row in stores.approvals.waiting()] == [asked.id]


def test_an_action_is_asked_about_once(stores: Stores) -> None:
    """A second request for the same row is a conflict and leaves none behind."""
    run = stores.run()
    asked = stores.asked(run)
    effect = stores.ledger.get(asked.effect_id or "")
    with pytest.raises(Conflict):
        stores.approvals.file(
            run_id=run, step="pay", visit=1, kind="action", request={}, requirement=HOUR, excluded=[],
            effect=effect, digest=DIGEST,
        )  # fmt: skip
    assert len(stores.approvals.of_run(run)) == 1


def test_a_vote_counts_for_its_request_alone(stores: Stores) -> None:
    """One vote each, however the name is written, and only of the role."""
    asked = stores.asked(stores.run(), HOUR.model_copy(update={"count": 2, "role": "finance"}))
    stores.approvals.approve(asked.id, "Fay")
    for refused, why in (("fay", "already voted"), ("bob", "does not hold the role"), ("requester", "separation")):
        with pytest.raises(DecisionRefused, match=why):
            stores.approvals.approve(asked.id, refused)
    assert stores.approvals.get(asked.id).state == "waiting"
    assert stores.approvals.approve(asked.id, "FINN").state == "approved"
    assert [vote.person for vote in stores.approvals.votes(asked.id)] == ["fay", "finn"]
    assert stores.whole()


def test_a_refused_decision_leaves_no_trace(stores: Stores) -> None:
    """No vote, no entry, no new revision."""
    asked = stores.asked(stores.run())
    head = stores.head()
    for decide in (
        lambda: stores.approvals.approve(asked.id, "requester"),
        lambda: stores.approvals.approve(asked.id, "fay", revision=3),
        lambda: stores.approvals.reject(asked.id, "fay", comment=""),
        lambda: stores.approvals.respond(asked.id, "fay", happened=True),
    ):
        with pytest.raises(DecisionRefused):
            decide()
    assert (stores.head(), stores.approvals.votes(asked.id)) == (head, [])
    assert stores.approvals.get(asked.id).revision == 0


def test_a_request_expires_once_and_takes_its_action_along(stores: Stores, url: str) -> None:
    """At the last moment it can still be decided; after it, no."""
    asked, late = stores.asked(stores.run()), stores.asked(stores.run())
    stores.clock.advance(timedelta(hours=1))
    assert stores.approvals.expire() == 0
    stores.approvals.approve(asked.id, "fay")
    stores.clock.advance(timedelta(microseconds=1))
    assert stores.approvals.expire() == 1
    assert stores.approvals.expire() == 0
    assert stores.approvals.get(late.id).state == "expired"
    assert stores.ledger.get(late.effect_id or "").state == "expired"
    assert stores.approvals.get(asked.id).state == "approved"
    assert stores.whole()


def test_an_intent_consumes_its_approval_in_one_transaction(stores: Stores) -> None:
    """Both or neither: a refused intent leaves the approval unused."""
    asked = stores.asked(stores.run())
    stores.approvals.approve(asked.id, "fay")
    effect = stores.ledger.get(asked.effect_id or "")
    with pytest.raises(Refused, match="what would be sent is not what was decided"):
        stores.ledger.intend(effect, "sha256:other")
    assert stores.approvals.get(asked.id).state == "approved"
    stores.ledger.intend(effect, DIGEST)
    assert stores.approvals.get(asked.id).state == "consumed"
    with pytest.raises(Conflict):
        stores.ledger.intend(effect, DIGEST)
    assert stores.whole()


def test_an_ended_run_begins_nothing(stores: Stores) -> None:
    """Approved or not, in time or not."""
    run = stores.run()
    asked = stores.asked(run)
    stores.approvals.approve(asked.id, "fay")
    stores.runs.end(run, "cancelled", outcome="cancelled")
    with pytest.raises(Refused, match="its run has ended"):
        stores.ledger.intend(stores.ledger.get(asked.effect_id or ""), DIGEST)
    assert stores.approvals.get(asked.id).state == "approved"


def test_a_withdrawn_request_is_in_the_audit(stores: Stores) -> None:
    """Whoever had agreed can read why their word no longer counts."""
    run = stores.run()
    asked = stores.asked(run)
    stores.approvals.approve(asked.id, "fay")
    stores.ledger.supersede(stores.ledger.get(asked.effect_id or ""), "the policy changed", repeat=True)
    assert stores.approvals.get(asked.id).state == "superseded"
    with stores.database.read() as session:
        events = [entry["event"] for entry in stores.audit.about(session, run, {asked.id})]
    assert events.count("approval.superseded") == 1
    assert copy(stores.ledger.get(asked.effect_id or "")).approval_id is None


def test_a_doubt_never_expires(stores: Stores) -> None:
    """Not knowing does not turn into no."""
    run = stores.run()
    asked = stores.asked(run)
    stores.approvals.approve(asked.id, "fay")
    effect = stores.ledger.intend(stores.ledger.get(asked.effect_id or ""), DIGEST)
    doubted = stores.ledger.doubt(effect, "nobody knows")
    doubt = stores.approvals.file(
        run_id=run, step="pay", visit=1, kind="doubt", request={}, requirement=Requirement(), excluded=[],
        effect=doubted, digest=DIGEST,
    )  # fmt: skip
    stores.clock.advance(timedelta(days=400))
    assert stores.approvals.expire() == 0
    for decide in (
        lambda: stores.approvals.approve(doubt.id, "fay"),
        lambda: stores.approvals.reject(doubt.id, "fay", comment="no"),
    ):
        with pytest.raises(DecisionRefused, match="asks whether the action happened"):
            decide()
    stores.approvals.respond(doubt.id, "fay", happened=True)
    assert stores.ledger.get(doubted.id).state == "executed"
    assert stores.whole()


def test_one_of_many_decisions_at_once_is_taken(stores: Stores, url: str) -> None:
    """Each on a connection of its own."""
    asked = stores.asked(stores.run())
    others = [again(stores, url) for _ in range(6)]

    def decide(number: int) -> bool:
        try:
            others[number].approvals.approve(asked.id, f"person{number}")
        except (DecisionRefused, Conflict):
            return False
        return True

    with ThreadPoolExecutor(6) as pool:
        assert sum(pool.map(decide, range(6))) == 1
    assert len(stores.approvals.votes(asked.id)) == 1
    assert stores.whole()


def test_a_time_without_a_zone_is_never_stored(stores: Stores) -> None:
    """No clock is guessed."""
    stores.clock.now = datetime(2026, 1, 5, 9, 0)
    with pytest.raises(StatementError, match="time zone"):
        stores.run()
