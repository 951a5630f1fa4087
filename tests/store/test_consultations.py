"""What every database must keep of the questions to an action model."""

from __future__ import annotations

from dataclasses import replace
from datetime import timedelta

import pytest
from sqlalchemy import text

from interlock.errors import Refused
from interlock.store.consultations import Consultations, Consulted
from interlock.store.database import Database
from interlock.store.sealing import Ring
from tests.store.stores import Stores

ASKED = Consulted(
    step="act", visit=1, slot=0, observation={"sources": {"request": "Zahle 5 € an \ud800 Müller"}}, risk=0.5,
    tools=[{"name": "pay"}], decision={"kind": "act"},
)  # fmt: skip
RING = Ring([b"k" * 32])


def opened(stores: Stores, ring: Ring | None = None, url: str | None = None) -> Consultations:
    return Consultations(Database(url) if url else stores.database, ring, stores.clock)


@pytest.mark.parametrize("ring", [None, RING])
def test_what_was_asked_is_read_back_in_order(stores: Stores, url: str, ring: Ring | None) -> None:
    """By another process too, oldest first, sealed or not; other runs' rows are not among them."""
    run, other = stores.run(), stores.run()
    kept = opened(stores, ring)
    second = replace(ASKED, step="before", visit=2)
    kept.record(run, ASKED)
    stores.clock.advance(timedelta(seconds=1))
    kept.record(run, second)
    kept.record(other, ASKED)
    assert list(opened(stores, ring, url).of_run(run)) == [ASKED, second]


def test_a_question_that_is_asked_again_takes_the_place_of_the_first(stores: Stores) -> None:
    """A process that died before the proposal stood asks anew: one row, the newer one."""
    run, kept = stores.run(), opened(stores)
    kept.record(run, ASKED)
    kept.record(run, replace(ASKED, decision={"kind": "abstain"}))
    assert [each.decision for each in kept.of_run(run)] == [{"kind": "abstain"}]


def test_a_sealed_row_tells_nothing_without_the_key_and_cannot_be_moved(stores: Stores) -> None:
    """Nothing of the texts stands in the database; without the key, changed, or at another place it is refused."""
    run, other = stores.run(), stores.run()
    kept = opened(stores, RING)
    kept.record(run, ASKED)
    kept.record(other, ASKED)
    with stores.database.read() as session:
        body = session.execute(text("SELECT body FROM consultations WHERE run_id = :run"), {"run": run}).scalar_one()
    assert "Zahle" not in body
    with pytest.raises(Refused, match="INTERLOCK_CHECKPOINT_KEY"):
        opened(stores).of_run(run)
    with stores.database.write() as session:
        session.execute(text("UPDATE consultations SET body = :body WHERE run_id = :run"), {"body": body, "run": other})
    with pytest.raises(Refused):
        kept.of_run(other)
    with stores.database.write() as session:
        session.execute(text("UPDATE consultations SET body = 'AAAA' WHERE run_id = :run"), {"run": run})
    with pytest.raises(Refused):
        kept.of_run(run)
