"""A decision is about what its maker read: another revision, or an action that changed since, is refused whole."""

from __future__ import annotations

from collections.abc import Callable

import pytest
from sqlalchemy import text

from interlock.errors import DecisionRefused
from interlock.store.approvals import Approvals
from interlock.store.tables import Approval
from tests.attacks.house import House
from tests.store.stores import Stores

DECISIONS: dict[str, Callable[[Approvals, Approval], object]] = {
    "approve": lambda approvals, asked: approvals.approve(asked.id, "fay"),
    "reject": lambda approvals, asked: approvals.reject(asked.id, "fay", comment="no"),
    "edit": lambda approvals, asked: approvals.edit(asked.id, "fay", {"arguments": {"amount": 2}}),
}


@pytest.mark.parametrize("decision", DECISIONS)
def test_an_action_that_changed_behind_its_request_is_not_decided(decision: str, stores: Stores) -> None:
    """Whoever makes the row another action than was asked about gets no decision on it; the question stays open."""
    asked = stores.asked(stores.run())
    with stores.database.write() as session:
        session.connection().execute(text("UPDATE effects SET digest = :other"), {"other": "sha256:" + "b" * 64})
    with pytest.raises(DecisionRefused, match=f"the action behind {asked.id} has changed; look at it again"):
        DECISIONS[decision](stores.approvals, asked)
    assert (stores.approvals.get(asked.id).state, list(stores.approvals.votes(asked.id))) == ("waiting", [])
    assert stores.whole()


@pytest.mark.parametrize("revision", [-1, 1, 7])
def test_an_answer_to_another_revision_of_a_doubt_is_refused(revision: int, house: House) -> None:
    """Whether it happened is said of what was read, as with every decision; the doubt stands."""
    run = house.begun("edged")
    run.approve()
    house.trouble("lost")
    run.drive()
    doubt = run.asked
    assert (doubt.kind, doubt.revision) == ("doubt", 0)
    with pytest.raises(DecisionRefused, match=f"you saw revision {revision}, it is 0"):
        run.engine.services.approvals.respond(doubt.id, "bob", happened=True, revision=revision)
    assert run.asked.id == doubt.id
    assert run.effect.state == "in_doubt"
    run.engine.services.approvals.respond(doubt.id, "bob", happened=True, revision=0)
    assert run.drive().run.status == "done"
