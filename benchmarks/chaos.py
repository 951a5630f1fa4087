"""Chaos: a fleet that is killed, stopped, cut off and filled up, and a checker: `python -m benchmarks.chaos --json`.

It takes half an hour or more.  ``--kills N`` kills so many workers at least, half of them over SQLite (one worker at a
time) and half over PostgreSQL (four); ``--database sqlite|postgres`` takes one of the two.  The same ``--seed`` chooses
the same faults.  Kills come in rounds, each with a new project, a new database and a check of its own.
"""

from __future__ import annotations

import argparse
import contextlib
import json
import sys
import tempfile
from collections.abc import Callable
from pathlib import Path
from typing import Any

from tests.crash.chaos.place import Server
from tests.crash.chaos.round import WORKERS, Played, play

ROUND = 75
"""Kills in one round."""
COUNTED = ("kills", "lost_runs", "duplicate_effects", "lost_decisions", "in_doubt", "violations", "runs", "effects")


def measure(
    databases: tuple[str, ...] = tuple(WORKERS), kills: int = 1000, seed: str = "1",
    told: Callable[[str, int, Played], None] = lambda database, number, played: None,
) -> dict[str, Any]:  # fmt: skip
    """Kills and what was lost or done twice, in all and for each database."""
    totals = {database: Played() for database in databases}
    with tempfile.TemporaryDirectory(prefix="interlock-chaos-") as folder, contextlib.ExitStack() as stack:
        for database, total in totals.items():
            server = None
            if database == "postgres":
                server = Server()
                stack.callback(server.close)
            number, wanted = 0, -(-kills // len(databases))
            while (left := wanted - total.tally.kills) > 0:
                number += 1
                where = Path(folder) / f"{database}-{number}"
                where.mkdir()
                played = play(where, database, f"{seed}/{database}/{number}", min(left, ROUND), server)
                told(database, number, played)
                total.add(played)
    by_database = {database: total.told() for database, total in totals.items()}
    return {
        **{name: sum(told[name] for told in by_database.values()) for name in COUNTED},
        "seed": seed,
        "databases": by_database,
    }


def main() -> None:
    """Measure, and print."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--json", action="store_true", help="print one JSON object; what else is printed is progress")
    parser.add_argument("--kills", type=int, default=1000, help="workers to kill at least")
    parser.add_argument("--database", choices=list(WORKERS))
    parser.add_argument("--seed", default="1", help="chooses the faults")
    given = parser.parse_args()

    def told(database: str, number: int, played: Played) -> None:
        round_ = {name: value for name, value in played.told().items() if name not in ("boundaries", "faults")}
        print(f"{database}, round {number}: {json.dumps(round_)}", file=sys.stderr, flush=True)
        for line, times in played.tracebacks.most_common():
            print(f"  {times} x {line}", file=sys.stderr, flush=True)

    databases = (given.database,) if given.database else tuple(WORKERS)
    found = measure(databases, given.kills, given.seed, told)
    print(json.dumps(found, indent=None if given.json else 2))
    wrong = ("lost_runs", "duplicate_effects", "lost_decisions", "violations")
    sys.exit(1 if any(found[name] for name in wrong) else 0)


if __name__ == "__main__":
    main()
