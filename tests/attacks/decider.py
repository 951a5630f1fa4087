"""One of several people, or clocks, that go for the same request at the same moment: a thread, or a process of its own.

Called as `python -m tests.attacks.decider URL`: it says `ready`, then takes lines `SECONDS WHAT ID PERSON…`, does WHAT
that many seconds after the beginning, and says what came of it.
"""

from __future__ import annotations

import sys
from datetime import timedelta

from interlock.errors import Conflict, DecisionRefused
from interlock.store.approvals import Approvals
from interlock.store.database import Database
from interlock.testing import FakeClock
from tests.store.stores import Stores

PEOPLE = {
    "requester": ["finance"],
    "fay": ["finance"],
    "finn": ["finance"],
    "dora": ["finance"],
    "dan": ["intern"],
    "mia": ["managers"],
}
"""Who there is in these races."""


def office(url: str) -> Stores:
    """The stores of one process or thread, with these people."""
    database = Database(url)
    stores = Stores(database)
    stores.approvals = Approvals(database, stores.audit, stores.ledger, stores.clock, PEOPLE)
    return stores


def act(stores: Stores, line: str) -> str:
    """Do what a line says: `ok`, or the reason for which it was refused."""
    seconds, what, approval_id, *people = line.split()
    stores.clock.now = FakeClock().now + timedelta(seconds=int(seconds))
    approvals, person, behalf = stores.approvals, people[0] if people else "", people[1] if people[1:] else None
    try:
        match what:
            case "approve":
                approvals.approve(approval_id, person, revision=0, on_behalf_of=behalf)
            case "reject":
                approvals.reject(approval_id, person, comment="no", revision=0, on_behalf_of=behalf)
            case "edit":
                approvals.edit(approval_id, person, {"arguments": {"amount": 2}}, revision=0)
            case "claim":
                approvals.claim(approval_id, person)
            case "expire":
                approvals.expire()
    except (DecisionRefused, Conflict) as error:
        return error.message
    return "ok"


def main(url: str) -> None:
    stores = office(url)
    print("ready", flush=True)
    for line in sys.stdin:
        print(act(stores, line), flush=True)


if __name__ == "__main__":
    main(*sys.argv[1:])
