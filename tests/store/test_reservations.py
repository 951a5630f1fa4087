"""Budgets are reserved with the intent: two actions never share one, on any database."""

from __future__ import annotations

import random
from concurrent.futures import ThreadPoolExecutor
from datetime import timedelta
from decimal import Decimal
from pathlib import Path
from threading import Barrier
from typing import Any

import pytest
from sqlalchemy import event
from sqlmodel import Session, select

from interlock.errors import DecidedStricter, Refused
from interlock.policies.decide import Verdict, decide
from interlock.policies.derived import Listed, Past, Records, Selection, derivations, derive, hold, key_of
from interlock.policies.language import Policy, Requirement
from interlock.store.database import Database
from interlock.store.effects import Ledger
from interlock.store.reservations import Reserved
from interlock.store.tables import Effect, Reservation
from tests.store.stores import DIGEST, Stores

BUDGET = Policy.model_validate(
    {
        "policy": "budget",
        "version": 1,
        "applies_to": ["shop.pay"],
        "inputs": {
            "amount": {"type": "decimal"},
            "day_total": {"type": "decimal", "derived": {"sum": "amount", "over": "1d", "by": "to"}},
        },
        "rules": [
            {"id": "small", "when": {"day_total": {"le": 500}}, "then": "auto", "because": "within the budget"},
            {
                "id": "more",
                "when": {"day_total": {"gt": 500}},
                "then": {"approve": {"count": 1}},
                "because": "over 500",
            },
        ],
    }
)


def decided(stores: Stores) -> Any:
    """How the policy decides an effect once more, on what counts by then."""

    def again(effect: Effect, records: Records) -> Verdict | None:
        wanted = derivations([BUDGET], effect.action)
        found = derive(wanted, effect.action, effect.arguments, records, stores.clock())
        return decide([BUDGET], effect.action, {**effect.arguments, **found}, {})

    return again


def proposal(run: str, amount: str = "300.00", to: str = "anna", step: str = "pay", **more: Any) -> Effect:
    told = {"action": "shop.pay", "arguments": {"amount": amount, "to": to}, "undoes": None} | more
    return Effect(id="", run_id=run, step=step, visit=1, slot=0, state="proposed", missing=[], labels={}, evidence={},
                  model={}, proposed_by=["requester"], **told)  # fmt: skip


def gated(stores: Stores, **more: Any) -> Effect:
    """A payment of a new run that the gate let pass by itself."""
    effect = stores.ledger.propose(proposal(stores.run(), **more))
    verdict: Any = {"effect": "auto", "reasons": []}
    return stores.ledger.gate(effect, digest=DIGEST, verdict=verdict, denied=False)


def begin(stores: Stores, effect: Effect, ledger: Ledger | None = None) -> Effect:
    return (ledger or stores.ledger).intend(effect, DIGEST, again=decided(stores))


def total(stores: Stores, to: str = "anna") -> str:
    """What a payment of nothing would find."""
    with stores.database.read() as session:
        wanted = derivations([BUDGET], "shop.pay")
        found = derive(wanted, "shop.pay", {"amount": "0", "to": to}, Reserved(session, ""), stores.clock())
    return str(found["day_total"])


@pytest.mark.parametrize("order", [(0, 1), (1, 0)])
def test_of_two_that_fit_alone_one_begins(stores: Stores, order: tuple[int, int]) -> None:
    """Both were decided `auto` at 300 of 500; whichever begins first, the other is decided again and refused."""
    both = [gated(stores), gated(stores)]
    first, second = (both[place] for place in order)
    begin(stores, first)
    with pytest.raises(DecidedStricter, match="by now the rules say approve: over 500"):
        begin(stores, second)
    assert stores.ledger.get(second.id).state == "gated"
    assert total(stores) == "300"
    assert stores.whole()


def test_of_many_at_once_only_as_many_begin_as_fit(stores: Stores, url: str) -> None:
    """Eight payments of 120 from eight connections at the same moment: four fit into 500."""
    effects = [gated(stores, amount="120") for _ in range(8)]
    ready = Barrier(len(effects))

    def start(effect: Effect) -> bool:
        own = Stores(Database(url))
        own.clock = stores.clock
        ready.wait()
        try:
            own.ledger.intend(effect, DIGEST, again=decided(stores))
        except Refused:
            return False
        finally:
            own.database.engine.dispose()
        return True

    with ThreadPoolExecutor(len(effects)) as pool:
        assert sum(pool.map(start, effects)) == 4
    assert total(stores) == "480"
    assert sorted(stores.ledger.get(effect.id).state for effect in effects) == ["gated"] * 4 + ["intent"] * 4


def test_an_approval_that_covers_what_is_asked_by_now_is_enough(stores: Stores) -> None:
    """Over the budget, one that people agreed to begins; the budget asks for no second approval of the same kind."""
    begin(stores, gated(stores))
    asked = stores.asked(stores.run(), Requirement(within=timedelta(hours=1), execute_within=timedelta(minutes=5)))
    assert asked.effect_id is not None
    with stores.database.write() as session:
        row = session.get(Effect, asked.effect_id)
        assert row is not None
        row.arguments = {"amount": "300.00", "to": "anna"}
    stores.approvals.approve(asked.id, "bob")
    assert begin(stores, stores.ledger.get(asked.effect_id)).state == "intent"
    assert total(stores) == "600"


def test_a_killed_process_leaves_its_reservation(stores: Stores, url: str) -> None:
    """Between intent and outcome nobody knows, so the next process counts it, a year later as well."""
    begin(stores, gated(stores))
    other = Stores(Database(url))
    other.clock.advance(timedelta(days=365))
    with pytest.raises(DecidedStricter):
        begin(other, gated(other))
    assert begin(other, gated(other, to="bob")).state == "intent"
    other.database.engine.dispose()


STATES: list[tuple[list[str], str, bool]] = [
    ([], "300", False),
    (["in_doubt"], "300", False),
    (["failed"], "0", False),
    (["in_doubt", "failed"], "0", False),
    (["executed"], "300", True),
    (["in_doubt", "executed"], "300", True),
    (["executed", "verified"], "300", True),
    (["executed", "compensating"], "300", False),
    (["executed", "compensating", "compensated"], "0", False),
    (["executed", "compensating", "executed"], "300", True),
]


@pytest.mark.parametrize(("states", "counted", "stands"), STATES, ids=lambda value: "-".join(value) or "intent"
                         if isinstance(value, list) else "")  # fmt: skip
def test_each_state_counts_as_its_page_says(stores: Stores, states: list[str], counted: str, stands: bool) -> None:
    """What may have happened counts, what certainly did not counts no more, and only what stands was seen."""
    effect = begin(stores, gated(stores))
    for state in states:
        with stores.database.write() as session:
            effect = stores.ledger.move(session, effect, state, actor="test")
    assert total(stores) == counted
    with stores.database.read() as session:
        seen = Selection(("shop.pay",), stores.clock() - timedelta(days=1), "to", key_of("anna"))
        assert Reserved(session, "").seen(seen) is stands
    stores.clock.advance(timedelta(days=1))
    known = effect.state in ("executed", "verified") or counted == "0"
    assert total(stores) == ("0" if known else "300")


def test_several_attempts_count_once(stores: Stores) -> None:
    """A retry takes the place of the attempt before it, at its own time, and is decided again."""
    effect = begin(stores, gated(stores))
    effect = stores.ledger.failed(effect, "the till is closed", retryable=True)
    stores.clock.advance(timedelta(hours=23))
    effect = stores.ledger.executed(begin(stores, effect), {})
    assert total(stores) == "300"
    stores.clock.advance(timedelta(hours=23))
    assert total(stores) == "300"
    other = stores.ledger.failed(begin(stores, gated(stores, amount="200")), "closed", retryable=True)
    begin(stores, gated(stores, amount="150"))
    with pytest.raises(DecidedStricter):
        begin(stores, other)


def test_a_retry_in_doubt_keeps_the_place_it_has(stores: Stores) -> None:
    """What came later was decided with it in the sum, so it is tried again without a second question."""
    effect = stores.ledger.doubt(begin(stores, gated(stores)), "the answer was lost")
    asked = gated(stores)
    stores.ledger.intend(asked, DIGEST)  # let through by somebody who may
    assert total(stores) == "600"
    assert begin(stores, effect).state == "intent"
    assert total(stores) == "600"


def test_a_policy_of_today_counts_what_happened_before_it(stores: Stores) -> None:
    """Reservations say nothing of policies: without a policy an intent counts all the same."""
    stores.ledger.executed(stores.ledger.intend(gated(stores), DIGEST), {})
    with pytest.raises(DecidedStricter):
        begin(stores, gated(stores))


def test_sums_are_exact_to_the_last_digit(stores: Stores) -> None:
    """Numbers of eighteen digits on each side of the point, of both signs, add up as written."""
    for amount in ("999999999999999999.999999999999999999", "0.000000000000000001", "-100000000000000000", "0.1"):
        stores.ledger.intend(gated(stores, amount=amount), DIGEST)
    with stores.database.read() as session:
        chosen = Selection(("shop.*",), stores.clock() - timedelta(days=1))
        assert Reserved(session, "").total(chosen, "amount") == Decimal("900000000000000000.1")


def test_the_database_adds_up_as_a_reader_would(stores: Stores) -> None:
    """Over random effects of every state, the answers are those of reading them all one by one."""
    chance = random.Random(7)
    past: list[Past] = []
    for _ in range(25):
        amount = chance.choice(["1", "2.50", "0.000000000000000001", "-3", "999999999999", "nothing"])
        if amount == "nothing" and chance.random() < 0.7:
            amount = "4"
        action, to = chance.choice(["shop.pay", "shop.refund", "bank.pay"]), chance.choice(["anna", "bob"])
        effect = stores.ledger.intend(gated(stores, amount=amount, to=to, action=action), DIGEST)
        at = stores.clock()
        state = chance.choice(["intent", "executed", "failed", "in_doubt"])
        if state != "intent":
            with stores.database.write() as session:
                effect = stores.ledger.move(session, effect, state, actor="test")
        held = hold(effect.state)
        if held:
            past.append(Past(action, effect.arguments, at, held))
        stores.clock.advance(timedelta(minutes=chance.randrange(90)))
    listed = Listed(past)
    with stores.database.read() as session:
        reserved = Reserved(session, "")
        for actions in (("shop.pay",), ("shop.*",), ("shop.pay", "bank.*"), ("none.such",)):
            for argument, key in ((None, None), ("to", key_of("anna")), ("to", key_of("nobody"))):
                for hours in (0, 1, 10, 50, 1000):
                    chosen = Selection(actions, stores.clock() - timedelta(hours=hours), argument, key)
                    assert reserved.count(chosen) == listed.count(chosen)
                    assert reserved.total(chosen, "amount") == listed.total(chosen, "amount")
                    assert reserved.seen(chosen) is listed.seen(chosen)


def test_an_effect_keeps_a_row_for_each_argument_and_no_value(stores: Stores) -> None:
    """A long text, or a list, is kept as its digest only."""
    effect = stores.ledger.intend(gated(stores, arguments={"body": "dear anna" * 1000, "cc": ["a", "b"]}), DIGEST)
    with stores.database.read() as session:
        rows = _rows(session, effect.id)
        assert set(rows) == {"", "body", "cc"}
        assert all(len(row.key or "") < 80 and not row.is_number for row in rows.values())
    stores.ledger.failed(effect, "no", retryable=False)
    with stores.database.read() as session:
        assert _rows(session, effect.id) == {}


def _rows(session: Session, effect_id: str) -> dict[str, Reservation]:
    found = session.exec(select(Reservation).where(Reservation.effect_id == effect_id)).all()
    return {row.argument: row for row in found}


def test_every_question_is_answered_from_an_index(tmp_path: Path) -> None:
    """No look at a budget reads the whole table, however many effects there are."""
    stores = Stores(Database(f"sqlite:///{tmp_path / 'interlock.db'}"))
    asked: list[tuple[str, Any]] = []
    with stores.database.read() as session:
        reserved = Reserved(session, "")
        since = stores.clock() - timedelta(days=1)
        event.listen(stores.database.engine, "before_cursor_execute", lambda *told: asked.append((told[2], told[3])))
        for chosen in (Selection(("shop.pay",), since), Selection(("shop.*",), since, "to", key_of("anna"))):
            reserved.total(chosen, "amount")
            reserved.count(chosen)
            reserved.seen(chosen)
        assert len(asked) == 14
        connection = session.connection()
        for statement, parameters in list(asked):
            plan = connection.exec_driver_sql(f"EXPLAIN QUERY PLAN {statement}", parameters).all()
            looks = [step for *_, step in plan if "reservations" in step]
            assert looks
            for step in looks:
                assert not step.startswith("SCAN"), step
                by_value = "ix_reservations_key (argument=? AND key=? AND hold=?"
                by_family = "ix_reservations_family (argument=? AND family=? AND hold=?"
                assert by_value in step or by_family in step or "(effect_id=? AND argument=?)" in step, step
    stores.database.engine.dispose()
