"""Two people, or a person and a clock, at the same moment: exactly one decision stands, the other is told why not."""

from __future__ import annotations

import re
import subprocess
import sys
import threading
from collections.abc import Callable, Iterator
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass
from datetime import timedelta

import pytest

from interlock.policies.language import Escalation, Requirement
from interlock.store.tables import Approval
from tests.attacks.decider import act, office
from tests.attacks.house import REPOSITORY
from tests.store.stores import Stores

HOUR = timedelta(hours=1)
ONE = Requirement(role="finance", within=HOUR)
TWO = ONE.model_copy(update={"count": 2})
ESCALATING = ONE.model_copy(update={"escalate": Escalation(after=HOUR / 2, role="managers")})
CLOSING = ("approval.approved", "approval.rejected", "approval.expired", "approval.superseded")
OVER = "is already (approved|rejected|expired|superseded); your decision changed nothing"


@dataclass(frozen=True)
class Race:
    """Two lines for two deciders; `ID` stands for the request."""

    first: str
    second: str
    event: str = ""
    """What happened exactly once, beside a close."""
    closes: int = 1
    loses: str = OVER
    """What the other is told."""
    both: bool = False
    """Whether neither has to be refused: nobody's decision is lost by the other."""
    requirement: Requirement = ONE


RACES = {
    "two approve": Race("0 approve ID fay", "0 approve ID finn"),
    "one approves, one rejects": Race("0 approve ID fay", "0 reject ID finn"),
    "one edits, one approves": Race("0 edit ID fay", "0 approve ID finn"),
    "two edit": Race("0 edit ID fay", "0 edit ID finn"),
    "one rejects, the clock expires it": Race(
        "3600 reject ID fay", "3601 expire ID", loses=f"{OVER}|had to be decided by", both=True
    ),
    "one approves in the last moment, the clock expires it": Race(
        "3600 approve ID fay", "3601 expire ID", loses=f"{OVER}|had to be decided by", both=True
    ),
    "one answer is sent twice": Race("0 approve ID fay", "0 approve ID fay"),
    "one answer of two is sent twice": Race(
        "0 approve ID fay", "0 approve ID fay", event="approval.vote", closes=0, loses="already voted", requirement=TWO
    ),
    "a delegate and the delegator": Race(
        "0 approve ID fay", "0 approve ID dan fay", event="approval.vote", closes=0, loses="fay has already voted",
        requirement=TWO,
    ),
    "a delegate, for two": Race(
        "0 approve ID dan fay", "0 approve ID dan finn", event="approval.vote", closes=0, loses="dan has already voted",
        requirement=TWO,
    ),
    "two claim": Race("0 claim ID fay", "0 claim ID finn", event="approval.claimed", closes=0, loses="is claimed by"),
    "two clocks escalate": Race(
        "1800 expire ID", "1800 expire ID", event="approval.escalated", closes=0, both=True, requirement=ESCALATING
    ),
}  # fmt: skip


@pytest.fixture
def stores(url: str) -> Iterator[Stores]:
    """A database where dan votes on behalf of fay and of finn."""
    stores = office(url)
    for delegator in ("fay", "finn"):
        stores.approvals.delegations.give(
            delegator, "dan", begins_at=stores.clock(), ends_at=stores.clock() + timedelta(days=1)
        )
    yield stores
    stores.database.engine.dispose()


def judge(stores: Stores, asked: Approval, race: Race, said: list[str]) -> None:
    """Exactly one stands, in the row, in the action and in the record."""
    with stores.database.read() as session:
        events = [entry["event"] for entry in stores.audit.about(session, "", {asked.id})]
    assert sum(event in CLOSING for event in events) == race.closes, (said, events)
    assert not race.event or events.count(race.event) == 1, (said, events)
    refused = [word for word in said if word != "ok"]
    assert len(refused) <= 1, said
    assert race.both or len(refused) == 1, said
    assert all(re.search(race.loses, word) for word in refused), said
    row = stores.approvals.get(asked.id)
    assert row.state == "waiting" if not race.closes else f"approval.{row.state}" in events
    state = stores.ledger.get(asked.effect_id or "").state
    assert state == ("gated" if row.state == "waiting" else row.state)
    assert len(stores.approvals.votes(asked.id)) == events.count("approval.vote")
    assert stores.whole()


def lines(race: Race, asked: Approval) -> list[str]:
    return [line.replace("ID", asked.id) for line in (race.first, race.second)]


@pytest.mark.parametrize("name", RACES)
def test_of_two_threads_one_decides(stores: Stores, url: str, name: str) -> None:
    """Each on a connection of its own, let go together."""
    race, others = RACES[name], [office(url), office(url)]
    start = threading.Barrier(2)

    def go(other: Stores, line: str) -> str:
        start.wait()
        return act(other, line)

    with ThreadPoolExecutor(2) as pool:
        for _ in range(3):
            asked = stores.asked(stores.run(), race.requirement)
            judge(stores, asked, race, list(pool.map(go, others, lines(race, asked))))
    for other in others:
        other.database.engine.dispose()


@pytest.fixture
def deciders(url: str, stores: Stores) -> Iterator[list[Callable[[str], subprocess.Popen[str]]]]:
    """Two real processes that are ready to decide."""
    started = [
        subprocess.Popen(
            [sys.executable, "-m", "tests.attacks.decider", url], cwd=REPOSITORY, text=True,
            stdin=subprocess.PIPE, stdout=subprocess.PIPE,
        )
        for _ in range(2)
    ]  # fmt: skip
    for process in started:
        assert process.stdout is not None
        assert process.stdout.readline() == "ready\n"
    yield [lambda line, process=process: told(process, line) for process in started]  # type: ignore[misc]
    for process in started:
        assert process.stdin is not None
        process.stdin.close()
        assert process.wait(30) == 0


def told(process: subprocess.Popen[str], line: str) -> subprocess.Popen[str]:
    """The process, under way with this line."""
    assert process.stdin is not None
    process.stdin.write(line + "\n")
    process.stdin.flush()
    return process


@pytest.mark.slow  # two real processes for each database
def test_of_two_processes_one_decides(stores: Stores, deciders: list[Callable[[str], subprocess.Popen[str]]]) -> None:
    """Every race between real processes, either of them first in line."""
    for race in RACES.values():
        for order in (deciders, deciders[::-1]):
            asked = stores.asked(stores.run(), race.requirement)
            under_way = [tell(line) for tell, line in zip(order, lines(race, asked), strict=True)]
            said = [process.stdout.readline().strip() for process in under_way if process.stdout is not None]
            judge(stores, asked, race, said)
