"""Who may decide a request: people of its roles and of those it was escalated to, in person or through a delegate.

Whoever asked for the action or edited it may not, and neither may whoever votes on their behalf at the
time: separation of duties is not a matter of who holds the pen.
"""

from __future__ import annotations

from collections.abc import Collection, Mapping, Sequence
from datetime import datetime
from typing import NamedTuple

from sqlmodel import Session, col, select

from interlock.errors import DecisionRefused
from interlock.policies.language import Requirement
from interlock.store.delegations import Delegations, in_force, standing
from interlock.store.escalations import escalated_at, is_escalated
from interlock.store.people import Roster, known_as, roles_text
from interlock.store.tables import Approval, Delegation, Vote


class Voter(NamedTuple):
    """Who decides, and whose vote it is."""

    person: str
    on_behalf_of: str | None = None

    @property
    def represents(self) -> str:
        """The person whose one vote this is."""
        return self.on_behalf_of or self.person


def voter(person: str, on_behalf_of: str | None = None) -> Voter:
    """The voter of these names.

    Raises:
        DecisionRefused: one of them is no name, or both are the same.
    """
    name = known_as(person)
    represented = known_as(on_behalf_of) if on_behalf_of is not None else None
    if name == represented:
        raise DecisionRefused(f"{name} votes for themselves without a delegation.")
    return Voter(name, represented)


class Electorate:
    """Judges voters by the roster and the delegations in force."""

    def __init__(self, roster: Roster, delegations: Delegations) -> None:
        self._roster = roster
        self._delegations = delegations

    def barred(self, session: Session, excluded: Collection[str], now: datetime) -> dict[str, str]:
        """Who is kept from deciding by separation of duties, each with the reason."""
        found = {name: f"{name} asked for or edited this action" for name in excluded}
        for row in self._delegations.current(session, now, of=excluded):
            found.setdefault(
                row.delegate, f"{row.delegate} is a delegate of {row.delegator}, who asked for or edited this action"
            )
        return found

    def require(self, session: Session, approval: Approval, who: Voter, now: datetime, *, editing: bool) -> None:
        """Let `who` decide this request now.

        Args:
            editing: they change the action, after which they do not decide it anyway.

        Raises:
            DecisionRefused: they may not.
        """
        if not editing:
            barred = self.barred(session, approval.excluded, now)
            for name in (who.person, who.represents):
                if name in barred:
                    raise DecisionRefused(f"{barred[name]}; somebody else decides it (separation of duties).")
        circles = self.circles(session, approval)
        if who.on_behalf_of is not None:
            self._require_delegated(session, circles, who.person, who.on_behalf_of, now)
        elif not self._holds(who.person, circles):
            raise DecisionRefused(self._outside(session, circles, who.person, now))

    def circles(self, session: Session, approval: Approval) -> list[frozenset[str]]:
        """The sets of roles of which an approver must hold one whole: the requirement's, and the further ones."""
        requirement = Requirement.model_validate(approval.requirement)
        further = requirement.escalate
        reached = further is not None and is_escalated(session, approval.id)
        return [requirement.roles, *([further.roles] if further is not None and reached else [])]

    def remaining(
        self, session: Session, requirement: Requirement, excluded: Collection[str], now: datetime, *, escalated: bool
    ) -> list[str]:
        """The known people who may decide such a request: of its roles, and not kept from it."""
        further = requirement.escalate
        circles = [requirement.roles, *([further.roles] if further is not None and escalated else [])]
        barred = self.barred(session, excluded, now)
        return sorted({name for circle in circles for name in self._roster.holders(circle)} - barred.keys())

    def shortage(
        self, session: Session, requirement: Requirement, excluded: Collection[str], now: datetime, *, escalated: bool
    ) -> str | None:
        """Why this can never get enough votes as people and roles are now, or None; without a role it always can."""
        if not requirement.roles:
            return None
        left = self.remaining(session, requirement, excluded, now, escalated=escalated)
        if len(left) >= requirement.count:
            return None
        names = f": {', '.join(left)}" if left else ""
        without = f" without {' and '.join(sorted(excluded))}" if excluded else ""
        return (
            f"{requirement.count} must agree, but{without} only {len(left)} "
            f"may decide{names}; give the role {roles_text(requirement.roles)} to more people, or cancel the run"
        )

    def may_decide(self, session: Session, approval: Approval, now: datetime) -> list[str] | None:
        """The people whose vote still counts; None when no role is asked for and anybody else may decide."""
        requirement = Requirement.model_validate(approval.requirement)
        if not requirement.roles:
            return None
        escalated = is_escalated(session, approval.id)
        votes = session.exec(select(Vote).where(Vote.approval_id == approval.id)).all()
        done = {vote.person for vote in votes} | {vote.represents for vote in votes}
        left = self.remaining(session, requirement, approval.excluded, now, escalated=escalated)
        return [name for name in left if name not in done]

    def decidable(self, session: Session, approvals: Sequence[Approval], person: str, now: datetime) -> list[Approval]:
        """Those of these requests that a person may decide now, in their own name or on behalf of somebody."""
        given, escalated = self._delegations.current(session, now), escalated_at(session, approvals)
        done: dict[str, set[str]] = {row.id: set() for row in approvals}
        for vote in session.exec(select(Vote).where(col(Vote.approval_id).in_(done))):
            done[vote.approval_id] |= {vote.person, vote.represents}
        found = []
        for row in approvals:
            out = done[row.id] | set(row.excluded) | {each.delegate for each in given if each.delegator in row.excluded}
            if row.state != "waiting" or person in out:
                continue
            requirement = Requirement.model_validate(row.requirement)
            further = requirement.escalate if row.id in escalated else None
            circles = [requirement.roles, *([further.roles] if further is not None else [])]
            mine = [each for each in given if each.delegate == person and each.delegator not in out]
            if self._holds(person, circles) or any(self._delegated([each], circles) for each in mine):
                found.append(row)
        return found

    def deputies(self, session: Session, approval: Approval, now: datetime) -> Mapping[str, list[str]]:
        """Who may vote on behalf of whom on this request now, by the name of the delegate."""
        circles, found = self.circles(session, approval), dict[str, list[str]]()
        barred = self.barred(session, approval.excluded, now)
        votes = session.exec(select(Vote).where(Vote.approval_id == approval.id)).all()
        done = {vote.person for vote in votes} | {vote.represents for vote in votes}
        for row in self._delegations.current(session, now):
            if {row.delegator, row.delegate} & (barred.keys() | done):
                continue
            if self._delegated([row], circles) and row.delegator not in found.setdefault(row.delegate, []):
                found[row.delegate].append(row.delegator)
        return {name: delegators for name, delegators in found.items() if delegators}

    def _holds(self, name: str, circles: list[frozenset[str]]) -> bool:
        return any(self._roster.roles(name) >= circle for circle in circles)

    def _delegated(self, rows: Collection[Delegation], circles: list[frozenset[str]]) -> bool:
        """Whether these delegations of one person hand on enough of what that person holds."""
        if not rows:
            return False
        held = self._roster.roles(next(iter(rows)).delegator)
        named = {row.role for row in rows}
        passed = held if None in named else held & {role for role in named if role is not None}
        return any(passed >= circle for circle in circles)

    def _require_delegated(
        self, session: Session, circles: list[frozenset[str]], delegate: str, delegator: str, now: datetime
    ) -> None:
        rows = self._delegations.between(session, delegator, delegate)
        current = [row for row in rows if in_force(row, now)]
        if not rows:
            raise DecisionRefused(f"{delegator} has not delegated to {delegate}; see `interlock review delegations`.")
        if not current:
            raise DecisionRefused(f"{standing(rows[-1], now)}; {delegate} does not vote on behalf of {delegator}.")
        if not self._holds(delegator, circles):
            raise DecisionRefused(f"{delegator} does not hold the role {_wanted(circles)}, so nobody votes for them.")
        if not self._delegated(current, circles):
            raise DecisionRefused(f"{standing(current[-1], now)}, but this asks for the role {_wanted(circles)}.")

    def _outside(self, session: Session, circles: list[frozenset[str]], person: str, now: datetime) -> str:
        """Why somebody without the role may not decide, and what they could do."""
        known = sorted({name for circle in circles for name in self._roster.holders(circle)})
        who = ", ".join(known) or "nobody; add people to policies/people.yaml"
        said = f"{person} does not hold the role {_wanted(circles)}. Who does: {who}."
        for name in known:
            rows = self._delegations.between(session, name, person)
            if rows and self._delegated([row for row in rows if in_force(row, now)], circles):
                return f"{said} {person} may vote on behalf of {name}: add --on-behalf-of {name}."
            if rows:
                said = f"{said} And {standing(rows[-1], now)}."
        return said


def _wanted(circles: list[frozenset[str]]) -> str:
    """The roles asked for: `finance`, or `finance, or legal and risk`."""
    return ", or ".join(roles_text(circle) for circle in circles)
