"""What every database must promise about an effect and the rows that undo it: they move together, once."""

from __future__ import annotations

from concurrent.futures import ThreadPoolExecutor
from typing import Any

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from interlock.errors import InterlockError, Refused
from interlock.store.audit import Audit
from interlock.store.database import Database
from interlock.store.effects import ARROWS, Ledger, copy
from interlock.store.tables import Effect
from tests.store.stores import DIGEST, Stores

AUTO: Any = {"effect": "auto", "reasons": []}


def gated(stores: Stores, run: str, step: str, undoes: str | None = None) -> Effect:
    """A proposal that the rules let pass."""
    proposal = Effect(
        id="", run_id=run, step=step, visit=1, slot=0, state="proposed", action=f"shop.{step}", arguments={},
        missing=[], labels={}, evidence={}, model={}, proposed_by=["requester"], undoes=undoes,
    )  # fmt: skip
    return stores.ledger.gate(stores.ledger.propose(proposal), digest=DIGEST, verdict=AUTO, denied=False)


def done(stores: Stores, run: str) -> Effect:
    """An effect that stands."""
    return stores.ledger.executed(stores.ledger.intend(gated(stores, run, "pay"), DIGEST), {})


def state(stores: Stores, effect: Effect) -> str:
    return stores.ledger.get(effect.id).state


def test_an_effect_moves_with_the_row_that_undoes_it(stores: Stores) -> None:
    """Compensating with the intent, compensated with the outcome, and nothing after that."""
    run = stores.run()
    original = done(stores, run)
    undoing = gated(stores, run, "refund", original.id)
    assert state(stores, original) == "executed"
    undoing = stores.ledger.intend(undoing, DIGEST)
    assert state(stores, original) == "compensating"
    undoing = stores.ledger.executed(undoing, {})
    assert state(stores, original) == "compensated"
    stores.ledger.verified(undoing)
    assert state(stores, original) == "compensated"
    assert "compensated" not in ARROWS
    assert stores.whole()


def test_an_effect_that_was_certainly_not_undone_stands_again(stores: Stores) -> None:
    """And can be undone by another attempt of the same row, or by another row."""
    run = stores.run()
    original = stores.ledger.verified(done(stores, run))
    undoing = stores.ledger.intend(gated(stores, run, "refund", original.id), DIGEST)
    undoing = stores.ledger.failed(undoing, "closed", retryable=True)
    assert state(stores, original) == "executed"
    undoing = stores.ledger.intend(undoing, DIGEST)
    undoing = stores.ledger.doubt(undoing, "lost")
    assert state(stores, original) == "compensating"
    undoing = stores.ledger.intend(undoing, DIGEST)
    assert state(stores, original) == "compensating"
    stores.ledger.failed(undoing, "gone", retryable=False)
    other = stores.ledger.intend(gated(stores, run, "again", original.id), DIGEST)
    stores.ledger.executed(other, {})
    assert state(stores, original) == "compensated"


@pytest.mark.parametrize("word", ["intent", "executed"])
def test_an_effect_that_is_being_undone_is_not_undone_by_another_row(stores: Stores, word: str) -> None:
    """Refused where it would begin, and nothing of it is kept."""
    run = stores.run()
    original = done(stores, run)
    first, second = (gated(stores, run, step, original.id) for step in ("refund", "again"))
    first = stores.ledger.intend(first, DIGEST)
    if word == "executed":
        stores.ledger.executed(first, {})
    head = stores.head()
    with pytest.raises(Refused, match="nothing is undone twice"):
        stores.ledger.intend(second, DIGEST)
    assert (state(stores, second), stores.head()) == ("gated", head)


def test_what_was_never_performed_is_not_undone(stores: Stores) -> None:
    """A forged reference to a row that has not happened begins nothing."""
    run = stores.run()
    original = gated(stores, run, "pay")
    with pytest.raises(Refused, match="is gated"):
        stores.ledger.intend(gated(stores, run, "refund", original.id), DIGEST)
    assert state(stores, original) == "gated"


def test_an_edited_undoing_undoes_the_same_effect(stores: Stores) -> None:
    """A proposal that takes another's place keeps what it is for."""
    run = stores.run()
    original = done(stores, run)
    assert copy(gated(stores, run, "refund", original.id)).undoes == original.id


def test_of_many_rows_at_once_one_undoes(stores: Stores, url: str) -> None:
    """Each in a thread with a connection of its own."""
    run = stores.run()
    original = done(stores, run)
    rows = [gated(stores, run, f"refund{number}", original.id) for number in range(5)]
    ledgers = [Ledger(Database(url), Audit(b"key", stores.clock), stores.clock) for _ in rows]

    def undo(number: int) -> bool:
        try:
            ledgers[number].intend(rows[number], DIGEST)
        except InterlockError:
            return False
        return True

    with ThreadPoolExecutor(5) as pool:
        assert sum(pool.map(undo, range(5))) == 1
    assert sorted(state(stores, row) for row in rows) == ["gated"] * 4 + ["intent"]
    assert stores.whole()


MOVES = ("intend", "executed", "failed", "doubt")


@settings(max_examples=30, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(st.lists(st.tuples(st.integers(0, 1), st.sampled_from(MOVES)), max_size=12))
def test_an_effect_is_always_where_its_undoing_is(stores: Stores, moves: list[tuple[int, str]]) -> None:
    """Whatever two rows try in whatever order: compensated by one at most, compensating while one is under way."""
    run = stores.run()
    original = done(stores, run)
    rows = [gated(stores, run, step, original.id) for step in ("refund", "again")]
    for which, move in moves:
        row = stores.ledger.get(rows[which].id)
        try:
            match move:
                case "intend":
                    stores.ledger.intend(row, DIGEST)
                case "executed":
                    stores.ledger.executed(row, {})
                case "failed":
                    stores.ledger.failed(row, "no", retryable=True)
                case "doubt":
                    stores.ledger.doubt(row, "lost")
        except InterlockError:
            pass
        states = [state(stores, row) for row in rows]
        here = "compensated" if "executed" in states else "executed"
        under_way = any(word in ("intent", "in_doubt") for word in states)
        assert state(stores, original) == ("compensating" if under_way else here)
        assert states.count("executed") + under_way <= 1
