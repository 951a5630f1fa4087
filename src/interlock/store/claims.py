"""Claims: a lease on one request, so that two people do not work on it at once; it lapses by itself."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from datetime import datetime, timedelta

from sqlmodel import Session, col, select

from interlock.digest import Json
from interlock.errors import DecisionRefused
from interlock.store.audit import Audit
from interlock.store.tables import Approval, Claim

LEASE = timedelta(minutes=30)
"""How long a claim keeps others from deciding, unless another span is asked for."""

LONGEST = timedelta(hours=8)
"""The longest lease that may be asked for at once."""


class Claims:
    """Takes, returns and enforces claims, each in the caller's transaction."""

    def __init__(self, audit: Audit) -> None:
        self._audit = audit

    def take(
        self, session: Session, approval: Approval, person: str, now: datetime, lease: timedelta, *, over: bool
    ) -> Claim:
        """Claim a request, or prolong one's own claim.

        Args:
            over: take it over from whoever holds it.

        Raises:
            DecisionRefused: somebody else holds it, or the lease is none.
        """
        if not timedelta(0) < lease <= LONGEST:
            raise DecisionRefused(f"a claim lasts at most {LONGEST.total_seconds() / 3600:.0f} hours; ask for less.")
        held = session.get(Claim, approval.id)
        if held is not None and not over:
            refuse_claimed(approval.id, held, person, now)
        claim = held or Claim(approval_id=approval.id, person=person, claimed_at=now, until=now)
        told: dict[str, Json] = {"until": (now + lease).isoformat()}
        if held is not None and held.person != person and now <= held.until:
            told["taken_over_from"] = held.person
        claim.person, claim.claimed_at, claim.until = person, now, now + lease
        session.add(claim)
        session.flush()
        self._audit.append(session, person, "approval.claimed", approval.id, told)
        return claim

    def release(self, session: Session, approval: Approval, person: str, now: datetime) -> None:
        """Give a claim back.

        Raises:
            DecisionRefused: this person holds none.
        """
        held = session.get(Claim, approval.id)
        if held is None or held.person != person or held.until < now:
            raise DecisionRefused(f"{person} holds no claim on {approval.id}; there is nothing to release.")
        self.drop(session, approval, person)

    def drop(self, session: Session, approval: Approval, person: str) -> None:
        """End this person's claim, if there is one: they have voted, or give it back."""
        held = session.get(Claim, approval.id)
        if held is not None and held.person == person:
            session.delete(held)
            session.flush()
            self._audit.append(session, person, "approval.released", approval.id, {})

    def check(self, session: Session, approval: Approval, person: str, now: datetime) -> None:
        """Raises:
        DecisionRefused: somebody else has claimed the request and their lease still runs.
        """
        held = session.get(Claim, approval.id)
        if held is not None:
            refuse_claimed(approval.id, held, person, now)


def claims_of(session: Session, approvals: Sequence[Approval], now: datetime) -> Mapping[str, Claim]:
    """The claims on these requests that still run, by id of the request."""
    query = select(Claim).where(col(Claim.approval_id).in_([row.id for row in approvals]), col(Claim.until) >= now)
    return {claim.approval_id: claim for claim in session.exec(query)}


def refuse_claimed(approval_id: str, held: Claim, person: str, now: datetime) -> None:
    """Raises:
    DecisionRefused: `held` is somebody else's and still runs.
    """
    if held.person != person and now <= held.until:
        raise DecisionRefused(
            f"{approval_id} is claimed by {held.person} until {held.until.isoformat(timespec='minutes')}; wait, or "
            f"take it over: `interlock review claim {approval_id} --as {person} --take-over`."
        )
