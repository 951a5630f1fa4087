"""Approving several requests in one go: alike, of low risk, each on the revision that was read and each by itself."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING, NamedTuple

from interlock.errors import DecisionRefused, InterlockError
from interlock.store.tables import Approval

if TYPE_CHECKING:
    from interlock.engine.service import Engine

MOST = 100
"""Requests of one batch; more than that nobody has read."""


class Seen(NamedTuple):
    """A request, and the revision of it that was read."""

    id: str
    revision: int


@dataclass(frozen=True)
class Taken:
    """What became of one request of a batch: how it stands now, and why the decision was refused, if it was."""

    approval: Approval
    refused: str | None = None


def approve_batch(
    engine: Engine, items: Sequence[Seen], person: str, *, comment: str = "", on_behalf_of: str | None = None
) -> list[Taken]:
    """Approve each of `items` in a transaction of its own; one that is refused keeps none of the others back.

    Raises:
        NotFound: there is no such request; nothing was decided.
        DecisionRefused: they are not all waiting actions of one tool, of low risk and with one requirement;
            nothing was decided.
    """
    engine.services.approvals.expire()
    _alike(engine, items)
    taken = []
    for item in items:
        try:
            row = engine.approve(item.id, person, comment=comment, revision=item.revision, on_behalf_of=on_behalf_of)
            taken.append(Taken(row))
        except InterlockError as error:
            taken.append(Taken(engine.services.approvals.get(item.id), error.message))
    return taken


def _alike(engine: Engine, items: Sequence[Seen]) -> None:
    """Refuse what must be looked at one by one."""
    if not 0 < len(items) <= MOST or len({item.id for item in items}) != len(items):
        raise DecisionRefused(f"a batch holds each request once, and at most {MOST}; nothing was decided.")
    rows = [engine.services.approvals.get(item.id) for item in items]
    first = rows[0]
    for row in rows:
        name = row.request.get("action")
        if row.kind != "action" or name is None:
            raise DecisionRefused(f"{row.id} is no action to approve; decide it by itself. Nothing was decided.")
        if row.request.get("risk") != "low" or engine.services.action(name).risk != "low":
            raise DecisionRefused(f"{row.id} is not of low risk; decide it by itself. Nothing was decided.")
        if name != first.request.get("action"):
            raise DecisionRefused(
                f"{row.id} is {name} and {first.id} is {first.request.get('action')}; a batch holds one kind of "
                "action. Nothing was decided."
            )
        if row.requirement != first.requirement:
            raise DecisionRefused(f"{row.id} and {first.id} ask for different approvals; nothing was decided.")
