"""Moves of runs between specs, as the store keeps them: whole, once, and only of what was looked at."""

from __future__ import annotations

from typing import Any

import pytest

from interlock.digest import digest
from interlock.errors import Conflict, Refused
from interlock.store.runs import Child
from interlock.store.tables import Effect, PinnedSpec
from interlock.store.upgrades import Change, Upgrades
from tests.store.stores import HOUR, SPEC, Stores

OLD = digest(SPEC)
NEW = {"graph": "shop", "version": 2, "steps": {"spend": {}}, "limits": {"steps": 9}}


@pytest.fixture
def upgrades(stores: Stores) -> Upgrades:
    return Upgrades(stores.database, stores.audit, stores.clock, stores.ledger, stores.approvals)


def proposed(stores: Stores, run: str) -> Effect:
    """A payment that was asked about."""
    row = Effect(
        id="", run_id=run, step="pay", visit=1, slot=0, state="proposed", action="shop.pay", arguments={}, missing=[],
        labels={}, evidence={}, model={}, proposed_by=["requester"],
    )  # fmt: skip
    effect = stores.ledger.gate(stores.ledger.propose(row), digest="d", verdict={"effect": "approve"}, denied=False)
    stores.approvals.file(
        run_id=run, step="pay", visit=1, kind="action", request={}, requirement=HOUR, excluded=[], effect=effect,
        digest="d",
    )  # fmt: skip
    return stores.ledger.get(effect.id)


def change(run: str, **other: Any) -> Change:
    told: dict[str, Any] = {
        "run_id": run, "old": OLD, "new": digest(NEW), "spec": NEW, "mapping": {"steps": {"pay": "spend"}},
        "input": {"amount": 2}, "steps": {"pay": "spend"}, "edges": {("pay", 1): (4, None)},
        "keys": {"amount": "amount"}, "given": {}, "at": ("pay", 1, None), "source": "begin", "state": {"amount": 2},
    }  # fmt: skip
    return Change(**(told | other))


def begun(stores: Stores) -> str:
    """A run that is at its payment."""
    run = stores.run("run-1")
    stores.runs.enter(run, "pay", 1, entered_by=0, first=True)
    return run


def test_a_move_rewrites_rows_and_withdraws_what_was_decided(stores: Stores, upgrades: Upgrades) -> None:
    """Spec, input, limits, names and edges are the new ones; the effect keeps its id, the request is closed."""
    run = begun(stores)
    effect = proposed(stores, run)
    move = upgrades.move(change(run), "ann", voiding=True)
    row = stores.runs.get(run)
    assert (row.spec_digest, row.input, row.limits) == (digest(NEW), {"amount": 2}, {"steps": 9})
    [visit] = stores.runs.visits(run)
    assert (visit.step, visit.entered_by, visit.left_by) == ("spend", 4, None)
    after = stores.ledger.get(effect.id)
    assert (after.id, after.step, after.state) == (effect.id, "spend", "superseded")
    [approval] = stores.approvals.of_run(run)
    assert (approval.state, approval.step) == ("superseded", "spend")
    assert (approval.answer or {})["by"] == "ann"
    found = upgrades.unsettled(run)
    assert found is not None
    assert (found.ordinal, found.state) == (1, {"amount": 2})
    upgrades.settle(move)
    assert upgrades.unsettled(run) is None
    with stores.database.read() as session:
        assert stores.audit.verify(session) is None


@pytest.mark.parametrize(
    ("other", "why"),
    [
        ({"at": ("pay", 2, None)}, "has gone on since"),
        ({"at": ("pay", 1, "done")}, "has gone on since"),
        ({"at": None}, "has gone on since"),
        ({"old": digest(NEW)}, "was moved by somebody else"),
        ({"run_id": "run-2"}, "has ended or was moved"),
    ],
)
def test_what_was_not_looked_at_is_not_moved(
    stores: Stores, upgrades: Upgrades, other: dict[str, Any], why: str
) -> None:
    """A run that has gone on, ended or been moved since the plan stays as it is."""
    run = begun(stores)
    proposed(stores, run)
    with pytest.raises(Conflict, match=why):
        upgrades.move(change(run, **other), "ann", voiding=True)
    assert (stores.runs.get(run).spec_digest, upgrades.of_run(run)) == (OLD, [])
    assert [row.state for row in stores.approvals.of_run(run)] == ["waiting"]


def test_a_request_is_not_withdrawn_unasked(stores: Stores, upgrades: Upgrades) -> None:
    """Without the word for it the whole move is refused."""
    run = begun(stores)
    effect = proposed(stores, run)
    with pytest.raises(Refused, match="add --void-approvals"):
        upgrades.move(change(run), "ann", voiding=False)
    assert (stores.runs.get(run).spec_digest, stores.ledger.get(effect.id).state) == (OLD, "gated")


def test_an_effect_that_began_keeps_its_run(stores: Stores, upgrades: Upgrades) -> None:
    """Between intent and outcome nothing is moved, whatever the plan saw."""
    run = begun(stores)
    effect = proposed(stores, run)
    stores.approvals.approve(effect.approval_id or "", "fay")
    stores.ledger.intend(stores.ledger.get(effect.id), "d")
    with pytest.raises(Conflict, match=f"effect {effect.id} is intent"):
        upgrades.move(change(run), "ann", voiding=True)
    assert stores.runs.get(run).spec_digest == OLD


def test_a_run_with_children_stays(stores: Stores, upgrades: Upgrades) -> None:
    """Child runs have specs of their own."""
    run = begun(stores)
    spec = {"graph": "inner", "version": 1}
    child = Child(id="run-1.pay.1", spec=spec, spec_digest=digest(spec), input={})
    stores.runs.create_children(stores.runs.get(run), "pay", 1, [child], "requester")
    with pytest.raises(Conflict, match="has child runs, or is one"):
        upgrades.move(change(run), "ann", voiding=True)
    stores.runs.end("run-1.pay.1", "done", outcome="done")
    assert upgrades.move(change(run), "ann", voiding=True).new == digest(NEW)
    assert [each.parent_step for each in stores.runs.children(run)] == ["spend"]


def test_a_run_is_not_moved_to_a_damaged_spec(stores: Stores, upgrades: Upgrades) -> None:
    """What stands under the new digest is not what it is the digest of."""
    run = begun(stores)
    other = stores.runs.create(spec=NEW, spec_digest=digest(NEW), input={}, requester="requester")
    with stores.database.write() as session:
        pinned = session.get(PinnedSpec, other.spec_digest)
        assert pinned is not None
        pinned.body = pinned.body.replace("spend", "spent")
        session.add(pinned)
    with pytest.raises(Refused, match="was changed or damaged"):
        upgrades.move(change(run), "ann", voiding=True)
    assert stores.runs.get(run).spec_digest == OLD
