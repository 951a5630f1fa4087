"""What goes wrong, and when: a pure function of a seed, so that the same faults can be chosen again.

When exactly a fault strikes still depends on the machine; which ones come, in which order, and after how many
seconds or passes does not.
"""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from itertools import cycle
from random import Random
from typing import Literal

from tests.crash.points import DECIDING, MAILDIR, RECOVERING, STARTING, WORKING

Fault = Literal["kill", "die", "stop", "full", "drain"]
"""How a worker's life goes: it is killed at an instant or dies at a boundary, is stopped and continued, works on a full
disk, or is told to end."""
Trouble = Literal["cut", "cut all", "restart"]
"""What befalls a server: one connection is ended, or all; it is shut down at once and started anew."""

OF_PEOPLE = (
    "before the run is accepted", "after the run is accepted", "before the vote", "while voting", "after approval",
    "while answering", "after answering",
)  # fmt: skip
"""Boundaries that whoever starts and decides passes; a worker never does."""
OF_WORKERS = tuple(
    name for name in {**STARTING, **DECIDING, **MAILDIR, **RECOVERING, **WORKING} if name not in OF_PEOPLE
)
"""Boundaries that workers pass."""
SKEW = 600.0
"""Seconds by which the clock of a worker may be wrong."""
LONGEST = 5.0
"""Seconds after which a worker is killed although it has not come to its boundary."""


@dataclass(frozen=True)
class Life:
    """What is to befall one worker."""

    fault: Fault
    seconds: float
    """From when it takes jobs to the fault; where it is to die or stop at a boundary, the longest."""
    point: str = ""
    """The boundary at which it dies or stops."""
    passes: int = 1
    """How often it comes there until it does."""
    skew: float = 0.0
    """Seconds that its clock is ahead."""
    length: float = 0.0
    """Seconds for which it is stopped, or the disk is full; it is killed as long after that."""
    early: bool = False
    """Whether the seconds count from the start of the process, before it takes jobs."""
    whole_disk: bool = False
    """Whether the disk is full for everybody, or only the worker's own files cannot grow."""


def lives(seed: str, server: bool) -> Iterator[Life]:
    """The workers of one place, one after another.

    Args:
        server: whether there is a server; where the database is a file, a stopped process stops everybody.
    """
    chance = Random(seed)
    points = cycle(chance.sample(OF_WORKERS, len(OF_WORKERS)))
    while True:
        skew = chance.choice((-1, 1)) * chance.uniform(1, SKEW) if chance.random() < 0.15 else 0.0
        match chance.random():
            case dice if dice < 0.45:
                passes = chance.choice((1, 1, 1, 2, 4))
                yield Life("die", LONGEST, next(points), passes, skew)
            case dice if dice < 0.85:
                early = dice < 0.52
                yield Life("kill", chance.uniform(0.0, 0.6 if early else 3.0), skew=skew, early=early)
            case dice if dice < 0.90:
                yield Life("drain", chance.uniform(0.0, 3.0), skew=skew)
            case dice if server:
                point = next(points) if dice < 0.95 else ""
                yield Life("stop", chance.uniform(0.5, 3.0), point, skew=skew, length=chance.uniform(5.0, 7.0))
            case dice:
                length = chance.uniform(0.3, 1.5)
                yield Life("full", chance.uniform(0.2, 2.0), skew=skew, length=length, whole_disk=dice < 0.95)


def people(seed: str) -> Iterator[Life]:
    """The processes of whoever starts runs and decides, one after another."""
    chance = Random(seed)
    while True:
        yield Life("die", chance.uniform(10.0, 30.0), chance.choice(OF_PEOPLE), chance.choice((1, 3, 9)))


def troubles(seed: str) -> Iterator[tuple[float, Trouble]]:
    """What befalls the server, each after some seconds of peace."""
    chance = Random(seed)
    while True:
        trouble: Trouble = chance.choices(("cut", "cut all", "restart"), (6, 2, 2))[0]
        yield chance.uniform(3.0, 15.0), trouble
