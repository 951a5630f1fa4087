"""One round of chaos: a new project, a fleet, faults until enough workers were killed, calm, and the check."""

from __future__ import annotations

import time
from collections import Counter
from collections.abc import Callable, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

from interlock.engine.project import Project
from interlock.engine.service import Engine
from interlock.settings import load_settings
from tests.crash.chaos.checker import Found, check, misplaced
from tests.crash.chaos.hand import Control
from tests.crash.chaos.monkey import Monkey, Tally
from tests.crash.chaos.person import MANY, Memory
from tests.crash.chaos.place import Place, Server, site
from tests.crash.chaos.plan import Life
from tests.crash.chaos.project import Outside

WORKERS = {"sqlite": 1, "postgres": 4}
"""Worker processes at a time, by database."""
STILL = 45.0
"""Seconds of calm without a change after which nobody waits any longer for runs that are not where they belong."""
LOOK = 1.0
"""Seconds between two looks whether they have."""

Look = Callable[[Project, Outside, Memory], None]


@dataclass
class Played:
    """What was done in one round, or several, and what came of it."""

    tally: Tally = field(default_factory=Tally)
    found: Found = field(default_factory=Found)
    seconds: float = 0.0
    tracebacks: Counter[str] = field(default_factory=Counter)
    """Errors that workers only wrote down, by their last line."""

    def told(self) -> dict[str, Any]:
        """As one JSON object."""
        tally, found = self.tally, self.found
        lists = ("lost_runs", "duplicate_effects", "lost_decisions")
        return {
            "kills": tally.kills,
            **{name: len(getattr(found, name)) for name in lists},
            "in_doubt": found.in_doubt,
            "violations": len(found.other) + len(tally.strange),
            "runs": found.runs,
            "effects": found.effects,
            "seconds": round(self.seconds),
            "faults": dict(sorted((+tally.faults).items())),
            "boundaries": dict(sorted(tally.boundaries.items())),
            "wrong": [line for name in (*lists, "other") for line in getattr(found, name)] + tally.strange,
        }

    def add(self, other: Played) -> None:
        """Take another round in."""
        self.tally.kills += other.tally.kills
        self.tally.faults += other.tally.faults
        self.tally.boundaries += other.tally.boundaries
        self.tally.strange += other.tally.strange
        self.seconds += other.seconds
        self.tracebacks += other.tracebacks
        for name in vars(other.found):
            setattr(self.found, name, getattr(self.found, name) + getattr(other.found, name))


def play(
    folder: Path, database: str, seed: str, kills: int, server: Server | None = None, *, key: str = "key",
    control: Control = "", planned: Sequence[Life] | None = None, look: Look = lambda project, outside, memory: None,
) -> Played:  # fmt: skip
    """Play one round.

    Args:
        server: where the database is made, if it is a server's.
        key: see `tests.crash.chaos.project.build`.
        control: what a negative control takes away from the workers.
        planned: what befalls the workers in the place of what the seed chooses.
        look: is called when all has been checked, before it is thrown away.
    """
    begun = time.monotonic()
    with site(folder, server if database == "postgres" else None, WORKERS[database], key=key) as made:
        monkey = Monkey(made, seed, kills, control, planned)
        try:
            monkey.rage()
            project = opened(made.desk)
            _settle(monkey, project)
            monkey.end()
            memory = monkey.remembered()
            found = check(project, made.outside, memory)
            look(project, made.outside, memory)
            project.database.engine.dispose()
        finally:
            monkey.close()
        return Played(monkey.tally, found, time.monotonic() - begun, _tracebacks(folder))


def opened(place: Place) -> Project:
    """The project, for whoever looks at what is left."""
    settings = load_settings(home=place.home, _env_file=None, **({"database_url": place.url} if place.url else {}))
    return Project(root=place.project, settings=settings)


def _settle(monkey: Monkey, project: Project) -> None:
    """Wait until every run is where it belongs, as long as anything changes; the check tells which is not."""
    engine = Engine(project)
    head, changed = engine.audit_head(), time.monotonic()
    while time.monotonic() < changed + STILL:
        monkey.tend(LOOK)
        if not any(misplaced(engine, run) for run in engine.services.runs.list(limit=MANY)):
            return
        if (now := engine.audit_head()) != head:
            head, changed = now, time.monotonic()


def _tracebacks(folder: Path) -> Counter[str]:
    found: Counter[str] = Counter()
    for log in folder.glob("worker-*.log"):
        lines = log.read_text(errors="replace").splitlines()
        for place, line in enumerate(lines):
            if line.startswith("Traceback"):
                ends = (each for each in lines[place + 1 :] if each and not each.startswith((" ", "\t")))
                found[next(ends, "cut short")[:200]] += 1
    return found
