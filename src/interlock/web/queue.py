"""The queue as people look at it: what they look for, as the address of the page says it, and what they find."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, fields
from datetime import datetime
from typing import Any, Literal, get_args
from urllib.parse import urlencode

from interlock.engine.objects import left
from interlock.store.queue import COUNTED, Sought
from interlock.store.tables import Approval, Claim
from interlock.web.parts import Parts
from interlock.web.rights import Visitor

AT_ONCE = 50
"""Requests on one page of the queue."""

KINDS = {"action": "action", "question": "something is missing", "doubt": "in doubt", "form": "question"}

STATES = {
    "waiting": "waiting",
    "approved": "approved",
    "consumed": "done",
    "rejected": "rejected",
    "expired": "expired",
    "superseded": "edited or withdrawn",
    "answered": "answered",
}
"""What the queue can be filtered by, and how a page says it."""

Who = Literal["", "may", "free", "mine", "taken"]
Order = Literal["", "due", "newest"]

RISKS = ("high", "medium", "low")

WHO = {
    "": "anybody's", "may": "for me to decide", "mine": "claimed by me", "free": "not claimed",
    "taken": "claimed by others",
}  # fmt: skip
ORDERS = {"": "oldest first", "due": "least time left", "newest": "newest first"}


@dataclass(frozen=True)
class Looking:
    """What somebody looks for; empty means that it does not matter."""

    q: str = ""
    state: str = ""
    """Empty: what waits."""
    risk: str = ""
    graph: str = ""
    action: str = ""
    who: str = ""
    order: str = ""
    after: str = ""

    @classmethod
    def of(cls, said: Mapping[str, str]) -> Looking:
        """What an address says; a word that is none of ours says nothing."""
        known = {"who": get_args(Who), "order": get_args(Order), "risk": RISKS, "state": tuple(STATES)}
        found = {each.name: said.get(each.name, "").strip()[:200] for each in fields(cls)}
        return cls(**{name: value if value in known.get(name, (value,)) else "" for name, value in found.items()})

    @property
    def narrowed(self) -> bool:
        """Whether anything is left out of what waits."""
        return any((self.q, self.state, self.risk, self.graph, self.action, self.who))

    def address(self, path: str, **changes: str) -> str:
        """The address of a page that looks for the same, but for the changes; what is empty is not said."""
        said = {each.name: getattr(self, each.name) for each in fields(self)} | changes
        query = urlencode({name: value for name, value in said.items() if value})
        return f"{path}?{query}" if query else path

    def sought(self, person: str) -> Sought:
        """The same, as the store looks for it."""
        return Sought(
            states=(self.state or "waiting",),
            risk=self.risk or None,
            graph=self.graph or None,
            action=self.action or None,
            text=self.q or None,
            claim=self.who if self.who in ("free", "taken", "mine") else None,  # type: ignore[arg-type]
            claimant=person,
            newest=self.order == "newest" or (bool(self.state) and self.state != "waiting" and not self.order),
            due=self.order == "due",
        )


def found(parts: Parts, who: Visitor, looking: Looking, opened: str = "") -> dict[str, Any]:
    """What a page of the queue shows.

    Args:
        opened: the request that is open beside it.

    Raises:
        UsageError: the page is to begin behind a request that there is not.
    """
    approvals, now = parts.services.approvals, parts.services.clock()
    sought = looking.sought(who.name)
    mine = who.name if looking.who == "may" else None
    page = approvals.page(sought, after=looking.after or None, limit=AT_ONCE, decided_by=mine)
    claims, counts = approvals.claimed(page.rows), approvals.counts(sought)
    batch = who.may("approvals.decide")
    return {
        "rows": [_row(row, now, claims.get(row.id), batch) for row in page.rows],
        "next": page.next,
        "short": mine is not None and page.next is not None and len(page.rows) < AT_ONCE,
        "looking": looking,
        "found": None if mine is not None else _number(counts.found),
        "in_all": _number(counts.in_all),
        "by_risk": [(risk, _number(counts.waiting[risk])) for risk in RISKS if risk in counts.waiting],
        "opened": opened,
        "me": who.name,
    }


def chosen(parts: Parts, looking: Looking) -> dict[str, Any]:
    """What the filters of the queue offer."""
    choices = parts.services.approvals.choices((looking.state or "waiting",))
    return {
        "graphs": sorted({*choices.graphs, *filter(None, [looking.graph])}),
        "actions": sorted({*choices.actions, *filter(None, [looking.action])}),
        "states": STATES,
        "whose": WHO,
        "orders": ORDERS,
    }


def next_of(parts: Parts, who: Visitor, looking: Looking, decided: str) -> str | None:
    """The request that comes after one that was just decided: the next that waits, else the first."""
    approvals, sought = parts.services.approvals, looking.sought(who.name)
    mine = who.name if looking.who == "may" else None
    for after in (decided, None):
        page = approvals.page(sought, after=after, limit=2, decided_by=mine)
        for row in page.rows:
            if row.id != decided and row.state == "waiting":
                return row.id
    return None


def _row(row: Approval, now: datetime, claim: Claim | None, batch: bool) -> dict[str, Any]:
    waiting = row.state == "waiting"
    return {
        "id": row.id,
        "title": row.title or row.request.get("title"),
        "risk": row.risk,
        "kind": KINDS[row.kind],
        "is_action": row.kind == "action",
        "left": left(row.decide_before, now) if waiting and row.kind != "doubt" else None,
        "hurry": waiting and row.kind != "doubt" and (row.decide_before - now).total_seconds() < 3600,
        "state": None if waiting else STATES[row.state],
        "graph": row.graph,
        "run": row.run_id,
        "claim": claim.person if claim else None,
        "pick": batch and waiting and row.kind == "action" and row.risk == "low",
        "revision": row.revision,
    }


def _number(count: int) -> str:
    return f"{COUNTED:,}+" if count > COUNTED else f"{count:,}"
