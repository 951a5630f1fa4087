"""The crash matrix, whole: real kills at every boundary of an effect, `python -m benchmarks.crash_matrix --json`.

It takes minutes.  `--database sqlite|postgresql` takes one of the two; `--kills N` begins the matrix again until
so many processes were killed.
"""

from __future__ import annotations

import argparse
import json
import sys
import tempfile
from collections import Counter
from collections.abc import Callable, Iterator
from concurrent.futures import ThreadPoolExecutor
from contextlib import contextmanager
from dataclasses import replace
from itertools import count
from pathlib import Path
from typing import Any

from tests.crash.harness import Child, Spawn
from tests.crash.matrix import DATABASES, Cell, Played, cells, play
from tests.crash.worker import Job

AT_ONCE = 2
"""Cells that are played at once."""


def measure(
    databases: tuple[str, ...] = DATABASES, kills: int = 300, told: Callable[[Played], None] = lambda played: None
) -> dict[str, Any]:
    """Kills and violations over the whole matrix, and what plain LangGraph does under one such kill."""
    played: list[Played] = []
    with tempfile.TemporaryDirectory(prefix="interlock-crash-") as folder:
        number = count()

        def one(cell: Cell) -> Played:
            with _spawning() as spawn:
                found = play(cell, Path(folder) / str(next(number)), spawn)
            told(found)
            return found

        while sum(each.kills for each in played) < kills:
            with ThreadPoolExecutor(AT_ONCE) as pool:
                played += pool.map(one, cells(databases))
        plain = _plain(Path(folder))
    by: dict[str, Counter[str]] = {name: Counter() for name in ("database", "killed", "recovering", "boundary", "tool")}
    for each in played:
        cell = each.cell
        by["database"][cell.database] += each.kills
        by["killed"][("once", "twice")[cell.times - 1]] += each.kills
        by["recovering"][str(cell.workers)] += each.kills
        by["boundary"][cell.boundary] += each.kills
        by["tool"][cell.tool] += each.kills
    return {
        "cells": len({each.cell for each in played}),
        "runs": len(played),
        "kills": sum(each.kills for each in played),
        "violations": sum(len(each.violations) for each in played),
        "asked": sum(each.asked for each in played),
        "kills_by": by,
        "violated": [{"cell": str(each.cell), "violations": each.violations} for each in played if each.violations],
        "plain_langgraph_effects": plain,
    }


def _plain(folder: Path) -> int:
    """How often a plain LangGraph node acts that is killed once after its effect."""
    job = Job("plain", folder, die="after the effect")
    with _spawning() as spawn:
        spawn(job).died()
        assert spawn(replace(job, die=None)).told()["status"] == "done"
    return len((folder / "sent.txt").read_text(encoding="utf-8").splitlines())


@contextmanager
def _spawning() -> Iterator[Spawn]:
    children: list[Child] = []

    def start(job: Job) -> Child:
        children.append(Child(job))
        return children[-1]

    try:
        yield start
    finally:
        for child in children:
            child.end()


def main() -> None:
    """Measure, and print."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--json", action="store_true", help="print one JSON object; what else is printed is progress")
    parser.add_argument("--database", choices=DATABASES)
    parser.add_argument("--kills", type=int, default=300, help="processes to kill at least")
    given = parser.parse_args()

    def told(played: Played) -> None:
        state = "; ".join(played.violations) or "ok"
        print(f"{played.cell}: {played.kills} kills, {state}", file=sys.stderr, flush=True)

    found = measure((given.database,) if given.database else DATABASES, given.kills, told)
    print(json.dumps(found, indent=None if given.json else 2))
    sys.exit(1 if found["violations"] else 0)


if __name__ == "__main__":
    main()
