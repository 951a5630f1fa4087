"""A small sample of chaos on both databases, and what shows that its checker can find faults; the whole is a benchmark.

`python -m benchmarks.chaos --json`.
"""

from __future__ import annotations

from collections.abc import Iterator
from functools import partial
from itertools import islice
from pathlib import Path

import pytest

from interlock.engine.project import Project
from tests.crash.chaos.checker import check
from tests.crash.chaos.monkey import PATIENCE
from tests.crash.chaos.person import Memory
from tests.crash.chaos.place import Server
from tests.crash.chaos.plan import OF_WORKERS, Life, lives, people, troubles
from tests.crash.chaos.project import FORGETFUL, Outside
from tests.crash.chaos.round import play

KILLS = {"sqlite": 3, "postgres": 5}


@pytest.fixture(scope="module")
def server() -> Iterator[Server]:
    """A server that may be broken."""
    made = Server()
    try:
        yield made
    finally:
        made.close()


@pytest.mark.slow  # processes are killed and started anew, and the survivors bring every run to its end
@pytest.mark.parametrize("database", KILLS)
def test_nothing_is_lost_or_done_twice(database: str, tmp_path: Path, server: Server) -> None:
    """Whatever dies, every run comes where it belongs, effects happen once, and decisions count."""
    played = play(tmp_path, database, "sample", KILLS[database], server, look=_finds_what_is_wrong)
    told = played.told()
    assert told["wrong"] == []
    assert told["kills"] >= KILLS[database]
    assert told["runs"] > 0
    assert told["effects"] > 0


def _finds_what_is_wrong(project: Project, outside: Outside, memory: Memory) -> None:
    """The checker tells what is lost, done twice or missing, each as what it is, and nothing else."""

    def wrong() -> tuple[int, int, int, int]:
        found = check(project, outside, memory)
        return len(found.lost_runs), len(found.duplicate_effects), len(found.lost_decisions), len(found.other)

    assert wrong() == (0, 0, 0, 0)
    memory.runs["run-0"] = "order-0"
    assert wrong() == (1, 0, 0, 0)
    memory.decided["ap-0"] = "run-0", "approve"
    assert wrong() == (1, 0, 1, 0)
    approval, (run, word) = next(iter(memory.decided.items()))
    memory.decided[approval] = run, "reject" if word == "approve" else "approve"
    assert wrong() == (1, 0, 2, 0)
    booked = next((outside.folder / "desk").iterdir())
    booked.with_name(f"{booked.name}-again").touch()
    assert wrong() == (1, 1, 2, 0)
    for path in (outside.folder / "desk").glob(f"{booked.name}*"):
        path.unlink()
    assert wrong() == (1, 0, 2, 1)


@pytest.mark.slow  # two workers are killed, and the next ones bring the runs to their end
def test_without_a_key_or_a_ledger_the_same_kills_act_twice(tmp_path: Path) -> None:
    """A provider that forgets keys pays again, and a blind action that is repeated in doubt is done again."""
    deaths = [Life("die", PATIENCE, "after the tool"), Life("die", PATIENCE, "after the rename")]
    flawed = partial(play, key=FORGETFUL, control="doubts are repeated")
    played = flawed(tmp_path, "sqlite", "control", len(deaths), planned=deaths)
    told = played.told()
    assert told["boundaries"] == {"after the tool": 1, "after the rename": 1}
    assert told["lost_runs"] == 0
    twice = " ".join(played.found.duplicate_effects)
    assert "payments" in twice
    assert "letters" in twice


def test_a_seed_chooses_the_same_faults() -> None:
    """What befalls workers, people and the server is the same for the same seed, and another for another."""
    for plan in (lambda seed: lives(seed, True), lambda seed: lives(seed, False), people, troubles):
        first, again, other = (list(islice(plan(seed), 30)) for seed in ("1", "1", "2"))
        assert first == again != other


def test_every_boundary_of_a_worker_has_its_turn() -> None:
    """Of the lives of one place each boundary takes its own before one comes again."""
    points = (life.point for life in lives("1", False) if life.point)
    assert sorted(islice(points, len(OF_WORKERS))) == sorted(OF_WORKERS)
    for fault in ("kill", "die", "stop", "full", "drain"):
        assert any(life.fault == fault for server in (True, False) for life in islice(lives("1", server), 99))
