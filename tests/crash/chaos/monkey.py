"""What breaks the fleet: it carries out the plan, one loop over all processes, until enough workers were killed."""

from __future__ import annotations

import heapq
import itertools
import signal
import time
from collections import Counter
from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass, field
from multiprocessing.connection import wait
from random import Random

from tests.crash.chaos.hand import Control, Hand
from tests.crash.chaos.person import Memory, Person
from tests.crash.chaos.place import Site
from tests.crash.chaos.plan import Life, Trouble, lives, people, troubles

RUNS = {1: 8, 4: 12}
"""Runs under way at most, by the number of workers at a time."""
AFTERWARDS = 4.0
"""Seconds that a worker which was stopped has to find out that others gave it up."""
PATIENCE = 60.0
"""Seconds that a worker may take to begin, or to end when it is told to."""
GLANCE = 0.05
"""Seconds between two looks whether a worker takes jobs."""
CALM = Life("drain", float("inf"))
"""A worker that nothing befalls."""


@dataclass
class Tally:
    """What was done to the fleet."""

    kills: int = 0
    faults: Counter[str] = field(default_factory=Counter)
    """How lives ended and what befell them."""
    boundaries: Counter[str] = field(default_factory=Counter)
    """Where workers died that were to die at a boundary."""
    strange: list[str] = field(default_factory=list)
    """What no worker may do, whatever befalls it."""
    ahead: float = 0.0
    """How far ahead the clock of any worker was, in seconds."""


@dataclass(order=True)
class _Due:
    moment: float
    number: int
    act: Callable[[], None] = field(compare=False)


class Monkey:
    """One round: a fleet, the faults that are planned for it, and what came of them."""

    def __init__(
        self, site: Site, seed: str, kills: int, control: Control = "", planned: Sequence[Life] | None = None
    ) -> None:
        """`planned` is what befalls the workers of each place in the place of what the seed chooses."""
        self.site, self.kills, self.control = site, kills, control
        self.tally = Tally()
        self.memory = site.folder / "memory.jsonl"
        self.calm = False
        server, places = site.server is not None, range(len(site.places))
        self._lives = [iter(planned or lives(f"{seed}/worker {number}", server)) for number in places]
        self._people = people(f"{seed}/person")
        self._troubles = troubles(f"{seed}/server")
        self._chance = Random(f"{seed}/connections")
        self._hands: dict[int, Hand] = {}
        self._person: Person | None = None
        self._due: list[_Due] = []
        self._numbers = itertools.count()

    def rage(self) -> None:
        """Break the fleet until so many workers were killed; then give every place a worker that nothing befalls."""
        self._meet()
        for number in range(len(self.site.places)):
            self._hire(number)
        if self.site.server is not None:
            self._plan_trouble()
        while not self.calm or any(hand.life.seconds != CALM.seconds for hand in self._hands.values()):
            self._turn()
            if not self.calm and self.tally.kills >= self.kills:
                self.calm = True
                self._meet()

    def tend(self, seconds: float) -> None:
        """Go on without faults for some seconds; who dies now is strange."""
        until = time.monotonic() + seconds
        while time.monotonic() < until:
            self._turn(until)

    def end(self) -> None:
        """Tell the workers to end, see that they do, and let the person go."""
        for hand in self._hands.values():
            hand.signal(signal.SIGTERM)
        for hand in self._hands.values():
            hand.process.join(PATIENCE)
            if hand.process.exitcode != 0:
                self.tally.strange.append(f"told to end, a worker ended with {hand.process.exitcode}: {_last(hand)}")
        self.close()

    def close(self) -> None:
        """Kill whatever still lives."""
        for hand in self._hands.values():
            hand.end()
        if self._person is not None:
            self._person.end()

    def remembered(self) -> Memory:
        """What the person was told."""
        return Memory.read(self.memory)

    # -- one turn -----------------------------------------------------------------------------------------

    def _turn(self, until: float = float("inf")) -> None:
        assert self._person is not None
        next_due = min(self._due[0].moment if self._due else until, until)
        timeout = None if next_due == float("inf") else max(0.0, next_due - time.monotonic())
        wait([self._person.process.sentinel, *(hand.process.sentinel for hand in self._hands.values())], timeout)
        for number, hand in list(self._hands.items()):
            if hand.process.exitcode is not None:
                self._bury(hand)
                self._hire(number)
        if self._person.process.exitcode is not None:
            self.tally.faults[f"person {_how(self._person.process.exitcode)}"] += 1
            self._meet()
        while self._due and self._due[0].moment <= time.monotonic():
            heapq.heappop(self._due).act()

    def _after(self, seconds: float, act: Callable[[], None]) -> None:
        heapq.heappush(self._due, _Due(time.monotonic() + seconds, next(self._numbers), act))

    def _meet(self) -> None:
        """A new process for the person; once it is calm, one that starts nothing and that nothing befalls."""
        if self._person is not None:
            self._person.end()
        life = CALM if self.calm else next(self._people)
        at_once = RUNS[len(self.site.places)] if not self.calm else 0
        person = Person(self.site.desk, self.site.outside, life, self.memory, at_once)
        self._person = person
        if life is not CALM:
            self._after(life.seconds, person.process.kill)

    # -- workers ------------------------------------------------------------------------------------------

    def _hire(self, number: int) -> None:
        life = self._next(self._lives[number])
        log = self.site.folder / f"worker-{number}-{next(self._numbers)}.log"
        hand = Hand(self.site.places[number], life, log, self.control)
        self._hands[number] = hand
        self.tally.ahead = max(self.tally.ahead, life.skew)
        self.tally.faults["wrong clock"] += bool(life.skew) and not self.calm
        if life.seconds == CALM.seconds:
            return
        if life.early:
            self._befall(hand)
        else:
            self._await(hand, time.monotonic() + PATIENCE)

    def _await(self, hand: Hand, deadline: float) -> None:
        """Let a worker's life begin when it takes jobs."""
        if hand.process.exitcode is not None:
            return
        if hand.ready or hand.stopped:
            self._befall(hand)
        elif time.monotonic() > deadline:
            self.tally.strange.append(f"a worker ({hand.life}) took no jobs: {_last(hand)}")
            hand.signal(signal.SIGKILL)
        else:
            self._after(GLANCE, lambda: self._await(hand, deadline))

    def _befall(self, hand: Hand) -> None:
        match hand.life.fault:
            case "die" | "kill":
                self._after(hand.life.seconds, lambda: hand.signal(signal.SIGKILL))
            case "drain":
                self._after(hand.life.seconds, lambda: self._drain(hand))
            case "stop":
                self._after(hand.life.seconds, lambda: self._stop(hand))
            case "full":
                self._after(hand.life.seconds, lambda: self._fill(hand))

    def _next(self, planned: Iterator[Life]) -> Life:
        if not self.calm:
            return next(planned, CALM)
        if self.tally.ahead:  # timers that a clock ahead has begun are over by the clock that they began by
            return Life(CALM.fault, CALM.seconds, skew=self.tally.ahead + 1)
        return CALM

    def _bury(self, hand: Hand) -> None:
        life, code = hand.life, hand.process.exitcode
        if life.fault == "full" and self.site.disk is not None:
            self.site.disk.free(hand.process.pid or 0)
        if code == -signal.SIGKILL:
            self.tally.kills += 1
            at_boundary = life.fault == "die" and f"SIGKILL {life.point}" in hand.log.read_text(errors="replace")
            self.tally.faults["killed at a boundary" if at_boundary else "killed at an instant"] += 1
            if at_boundary:
                self.tally.boundaries[life.point] += 1
        else:
            self.tally.faults[f"{life.fault}, {_how(code)}"] += 1
        allowed = (-signal.SIGKILL, 1, *((0,) if life.fault == "drain" else ()))
        if code not in allowed and not (code == -signal.SIGTERM and not hand.ready):
            self.tally.strange.append(f"a worker ({life}) ended with {code}: {_last(hand)}")

    def _drain(self, hand: Hand) -> None:
        hand.signal(signal.SIGTERM)
        self._after(PATIENCE, lambda: self._overdue(hand))

    def _overdue(self, hand: Hand) -> None:
        if hand.process.exitcode is None:
            self.tally.strange.append(f"told to end, a worker did not: {_last(hand)}")
            hand.signal(signal.SIGKILL)

    def _stop(self, hand: Hand) -> None:
        if not hand.stopped:
            hand.signal(signal.SIGSTOP)
        self._after(hand.life.length, lambda: self._wake(hand))

    def _wake(self, hand: Hand) -> None:
        """Let a stopped worker go on, unless it has begun what nobody could keep from happening twice."""
        if hand.acting:
            self.tally.faults["killed since it could have acted late"] += 1
            hand.signal(signal.SIGKILL)
            return
        self.tally.faults["stopped and continued"] += 1
        hand.signal(signal.SIGCONT)
        self._after(AFTERWARDS, lambda: hand.signal(signal.SIGKILL))

    def _fill(self, hand: Hand) -> None:
        life, disk = hand.life, self.site.disk
        if disk is None or hand.process.exitcode is not None:
            return
        whole = life.whole_disk and disk.own
        self.tally.faults["full disk" if whole else "files that cannot grow"] += 1
        disk.fill(hand.process.pid or 0, whole)
        self._after(life.length, lambda: disk.free(hand.process.pid or 0))
        self._after(life.length * 2 + 1, lambda: hand.signal(signal.SIGKILL))

    # -- the server ---------------------------------------------------------------------------------------

    def _plan_trouble(self) -> None:
        seconds, trouble = next(self._troubles)
        self._after(seconds, lambda: self._trouble(trouble))

    def _trouble(self, trouble: Trouble) -> None:
        server, url = self.site.server, self.site.desk.url
        if self.calm or server is None or url is None:
            return
        match trouble:
            case "restart":
                server.restart()
                self.tally.faults["server restarted"] += 1
            case "cut all":
                self.tally.faults["connections cut"] += server.cut(url, None)
            case "cut":
                self.tally.faults["connections cut"] += bool(server.cut(url, self._chance))
        self._plan_trouble()


def _how(code: int | None) -> str:
    return "killed" if code == -signal.SIGKILL else f"exit {code}"


def _last(hand: Hand) -> str:
    return hand.log.read_text(errors="replace")[-600:]
