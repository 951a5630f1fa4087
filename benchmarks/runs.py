"""Runs under workers: how many a second, how soon they go on, what waiting costs: `python -m benchmarks.runs --json`.

SQLite has one worker, PostgreSQL four; both wait for the disk as they do in use.  Workers are processes of their own
with the settings that they have by default.  What is timed goes from outside: from the call that accepts or decides,
or from the kill, until a worker says that the run is done, which includes the call that the run is there to make.

- `started_per_second`: runs accepted, one after another, by one program while no worker is at work.
- `finished_per_second`: those runs, one guarded call each, by the workers, from when all of them serve.
- `advanced_to_a_question_per_second`: runs that the workers bring to the question whether to pay.
- `resumed_seconds`, `decision_seconds`: from a person's decision to the first entry in the record that its run goes on,
  and to the end of the run.
- `takeover_seconds`: from kill -9 of a worker in the middle of a payment until another one has finished its run.
- `resume_seconds` (SQLite): after kill -9, until a program that was loaded before has finished the run.
- `restart_seconds` (SQLite): the same for the command `interlock runs resume`, most of which is loading the program.
- `waiting`: a worker's time on the processor in each second, and its memory, without and with so many waiting runs.
"""

from __future__ import annotations

import argparse
import contextlib
import json
import os
import re
import signal
import sqlite3
import statistics
import subprocess
import sys
import tempfile
import time
from collections.abc import Iterator
from datetime import timedelta
from pathlib import Path
from typing import Any

from sqlalchemy import text

from benchmarks.checkpoints import server
from benchmarks.spine import GRAPH, POLICY, TOOL
from benchmarks.waiting import copied
from tests.crash.fleet import Fleet, Process
from tests.crash.worker import REPOSITORY

DEFAULTS = ("--poll", "0.2")
"""Options of a worker that works as one does without options; for tests it is told to look more often."""
WORKERS = {"sqlite": 1, "postgresql": 4}
PATIENCE = 150.0


@contextlib.contextmanager
def house(database: str) -> Iterator[Fleet]:
    """A project with an invoice to pay and lines to write, over a new database."""
    with contextlib.ExitStack() as stack:
        url = None
        if database == "postgresql":
            url = stack.enter_context(server()).replace("postgresql://", "postgresql+psycopg://")
        fleet = Fleet(Path(stack.enter_context(tempfile.TemporaryDirectory())), url)
        stack.callback(fleet.close)
        for drawer, name, content in (
            ("tools", "line.py", TOOL),
            ("policies", "line.yaml", POLICY),
            ("graphs", "one.yaml", GRAPH),
        ):
            (fleet.project / drawer / name).write_text(content)
        yield fleet


def throughput(fleet: Fleet, workers: int, runs: int) -> dict[str, Any]:
    """How many runs are started a second, and come to their end, or to a question, by so many workers."""
    fleet.end(fleet.work("-", *DEFAULTS))  # from here on what is accepted is queued
    paid = {"payee": "Northwind Supplies", "amount": 480}
    asking = [paid | {"invoice": str(number)} for number in range(runs)]
    started, finished = through(fleet, workers, "one", [{"text": "x"}] * runs, "done")
    _, advanced = through(fleet, workers, "pay_invoice", asking, "waiting")
    return {
        "workers": workers,
        "runs": runs,
        "started_per_second": round(started, 1),
        "finished_per_second": round(finished, 1),
        "advanced_to_a_question_per_second": round(advanced, 1),
    }


def through(
    fleet: Fleet, workers: int, graph: str, inputs: list[dict[str, Any]], status: str, *, serving: bool = False
) -> tuple[float, float]:
    """Runs that were accepted a second, and then brought to a status.

    Args:
        serving: the workers serve before the first is accepted, and all of it is timed as one.
    """
    engine = fleet.engine
    workflow = engine.project.workflow(engine.project.graph_file(graph))
    processes = _serving(fleet, workers) if serving else []
    begun = time.perf_counter()
    for each in inputs:
        engine.start(workflow, each, "clerk")
    started = time.perf_counter() - begun
    before = 0
    if not serving:
        processes = _serving(fleet, workers)
        before, begun = _count(fleet, graph, status), time.perf_counter()
    while (there := _count(fleet, graph, status)) < len(inputs):
        assert time.perf_counter() < begun + PATIENCE, f"{there} of {len(inputs)} runs are {status}"
        time.sleep(0.05)
    taken = time.perf_counter() - begun
    fleet.end(*processes)
    return len(inputs) / started, (len(inputs) - before) / taken


def _serving(fleet: Fleet, workers: int) -> list[Process]:
    """So many workers that take jobs."""
    found = [fleet.begin("-", *DEFAULTS) for _ in range(workers)]
    for process in found:
        assert process.name
    return found


def decisions(fleet: Fleet, count: int) -> dict[str, Any]:
    """Seconds from a decision to its run's going on, and to the end of it, by a worker with nothing else to do."""
    worker = fleet.work("-", *DEFAULTS)
    ended, resumed = [], []
    for number in range(count):
        run = _asked(fleet, worker, number)
        ended.append(_decided(fleet, worker, run))
        resumed.append(_resumed(fleet, run))
    fleet.end(worker)
    return {
        "decisions": count,
        "resumed_seconds": {"median": round(statistics.median(resumed), 2), "most": round(max(resumed), 2)},
        "decision_seconds": {"median": round(statistics.median(ended), 2), "most": round(max(ended), 2)},
    }


def takeover(fleet: Fleet) -> float:
    """Seconds until another worker has finished the run of one that was killed."""
    first = fleet.work("hang after the tool", *DEFAULTS)
    run = _asked(fleet, first, 1)
    fleet.decide(run)
    first.hear("^hangs")
    second = fleet.work("-", *DEFAULTS)
    killed = _killed(first)
    second.hear(f"run {run} is done")
    taken = time.perf_counter() - killed
    fleet.end(second)
    return round(taken, 2)


def restart(fleet: Fleet) -> dict[str, float]:
    """Seconds until the run of a killed worker is finished, by this program and by one that is started for it."""
    command = [sys.executable, "-m", "tests.crash.worker", "-", "--", "runs", "resume"]
    path = os.pathsep.join([str(REPOSITORY), os.environ.get("PYTHONPATH", "")])
    environment = os.environ | {"INTERLOCK_HOME": str(fleet.home), "PYTHONPATH": path}
    taken = {}
    for name in ("resume_seconds", "restart_seconds"):
        worker = fleet.work("hang after the tool", *DEFAULTS)
        run = _asked(fleet, worker, 2)
        fleet.decide(run)
        worker.hear("^hangs")
        killed = _killed(worker)
        if name == "resume_seconds":
            fleet.engine.drive(run)
        else:
            subprocess.run([*command, run], cwd=fleet.project, env=environment, check=True, capture_output=True)
        taken[name] = round(time.perf_counter() - killed, 2)
        assert fleet.run(run).status == "done"
    return taken


def waiting(fleet: Fleet, count: int, seconds: float) -> dict[str, Any]:
    """What a worker costs without and with so many waiting runs, and whom a decision among them wakes."""
    worker = fleet.work("-", *DEFAULTS)
    run = _asked(fleet, worker, 3)
    idle, small = _busy(worker, seconds), _memory(worker)
    size = _size(fleet)
    copied(fleet.engine.services.database, run, count)
    bytes_each = (_size(fleet) - size) / count
    worker_busy, large = _busy(worker, seconds), _memory(worker)
    jobs, told = len(fleet.jobs()), len(worker.said)
    taken = _decided(fleet, worker, run)
    woken = fleet.jobs()
    fleet.end(worker)
    return {
        "runs": count,
        "busy_without": round(idle, 4),
        "busy_with": round(worker_busy, 4),
        "megabytes_of_worker_per_1000": round((large - small) / 1e6 / (count / 1000), 3),
        "kilobytes_of_database_per_run": round(bytes_each / 1e3, 2),
        "resumed_seconds": round(_resumed(fleet, run), 2),
        "decision_seconds": round(taken, 2),
        "woken_by_one_decision": len(woken) - jobs,
        "advanced": len({found[1] for line in worker.said[told:] if (found := re.search(r"run (run-\S+) is", line))}),
    }


def _asked(fleet: Fleet, worker: Process, number: int) -> str:
    """A run that waits for somebody."""
    run = fleet.start(f"{number}-{time.time_ns()}")
    worker.hear(f"run {run} is waiting")
    return run


def _decided(fleet: Fleet, worker: Process, run: str) -> float:
    begun = time.perf_counter()
    fleet.decide(run)
    worker.hear(f"run {run} is done")
    return time.perf_counter() - begun


def _resumed(fleet: Fleet, run: str) -> float:
    """Seconds from the decision to the next entry in the record of a run."""
    told = fleet.engine.history(run)
    [decided] = [place for place, entry in enumerate(told) if entry["event"] == "approval.approved"]
    after: timedelta = told[decided + 1]["at"] - told[decided]["at"]
    return after.total_seconds()


def _killed(worker: Process) -> float:
    worker.signal(signal.SIGKILL)
    killed = time.perf_counter()
    assert worker.ended() == -signal.SIGKILL
    return killed


def _count(fleet: Fleet, graph: str, status: str) -> int:
    with fleet.engine.services.database.read() as session:
        query = text("SELECT count(*) FROM runs WHERE graph = :graph AND status = :status")
        [[count]] = session.connection().execute(query, {"graph": graph, "status": status}).all()
    return int(count)


def _busy(worker: Process, seconds: float) -> float:
    """Seconds on the processor in each second."""
    before = _ticks(worker)
    time.sleep(seconds)
    return (_ticks(worker) - before) / os.sysconf("SC_CLK_TCK") / seconds


def _ticks(worker: Process) -> int:
    fields = Path(f"/proc/{worker.process.pid}/stat").read_text().rpartition(")")[2].split()
    return int(fields[11]) + int(fields[12])


def _memory(worker: Process) -> int:
    """Bytes that the process holds."""
    return int(Path(f"/proc/{worker.process.pid}/statm").read_text().split()[1]) * os.sysconf("SC_PAGE_SIZE")


def _size(fleet: Fleet) -> int:
    """Bytes of the database."""
    database = fleet.engine.services.database
    if database.file is None:
        with database.apart() as connection:
            [[size]] = connection.execute(text("SELECT pg_database_size(current_database())")).all()
        return int(size)
    with contextlib.closing(sqlite3.connect(database.file)) as file:
        [[pages], [page]] = (file.execute(f"PRAGMA page_{what}").fetchone() for what in ("count", "size"))
    return int(pages) * int(page)


def measure(
    databases: tuple[str, ...] = tuple(WORKERS), runs: int = 60, decided: int = 7, count: int = 10_000,
    seconds: float = 10.0,
) -> dict[str, Any]:  # fmt: skip
    """All of it, for each database."""
    found: dict[str, Any] = {}
    for database in databases:
        with house(database) as fleet:
            one = throughput(fleet, WORKERS[database], runs)
            print(database, one, file=sys.stderr, flush=True)
            one |= decisions(fleet, decided)
            one["takeover_seconds"] = takeover(fleet)
            if database == "sqlite":
                one |= restart(fleet)
            print(database, one, file=sys.stderr, flush=True)
            one["waiting"] = waiting(fleet, count, seconds)
        found[database] = one
    return found


def main() -> None:
    """Measure as the command line asks, and print."""
    parser = argparse.ArgumentParser(description=(__doc__ or "").partition("\n")[0])
    parser.add_argument("--database", choices=[*WORKERS, "both"], default="both")
    parser.add_argument("--runs", type=int, default=60, help="runs that are started and finished")
    parser.add_argument("--waiting", type=int, default=10_000, help="runs that wait")
    parser.add_argument("--json", action="store_true", help="one object; it is printed so in any case")
    asked = parser.parse_args()
    databases = tuple(WORKERS) if asked.database == "both" else (asked.database,)
    print(json.dumps(measure(databases, asked.runs, count=asked.waiting)))


if __name__ == "__main__":
    main()
