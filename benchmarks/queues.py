"""The same jobs by Interlock, by DBOS alone and by Celery: `python -m benchmarks.queues --json`.

A job appends a line to a file.  One worker with four threads, one machine, no server: Interlock over SQLite, DBOS over
SQLite as Interlock sets it (a write-ahead log, `synchronous=NORMAL`), Celery over its filesystem broker.  Timed is from
the first job that is queued until the last line is there, with the worker up.

They do not do the same.  Interlock's job is a run: it is recorded, asks the policy, has its intent on the disk before
the line is written, and is told in a sealed record.  DBOS has each job and its outcome in a database.  Celery over
files forgets a job as it hands it out.  Celery is no dependency: `--celery PYTHON` names a Python that has it.
"""

from __future__ import annotations

import argparse
import json
import os
import subprocess
import sys
import tempfile
import time
from pathlib import Path
from typing import Any

from benchmarks.runs import house, through

DBOS_JOBS = """
import json, sys, time
from pathlib import Path
from dbos import DBOS
from sqlalchemy import create_engine, event

folder, jobs = Path(sys.argv[1]), int(sys.argv[2])
engine = create_engine(f"sqlite:///{folder}/dbos.db", connect_args={"timeout": 30.0})

@event.listens_for(engine, "connect")
def configure(connection, record):
    connection.execute("PRAGMA journal_mode=WAL")
    connection.execute("PRAGMA synchronous=NORMAL")

DBOS(config={"name": "bench", "system_database_engine": engine, "log_level": "ERROR", "use_listen_notify": False})

@DBOS.step()
def line(text):
    with (folder / "lines.txt").open("a") as file:
        file.write(text)

@DBOS.workflow()
def job(text):
    line(text)

DBOS.launch()
DBOS.register_queue("jobs", worker_concurrency=4, polling_interval_sec=0.2)
begun = time.perf_counter()
handles = [DBOS.enqueue_workflow("jobs", job, "x") for _ in range(jobs)]
for handle in handles:
    handle.get_result(polling_interval_sec=0.02)
print(json.dumps(time.perf_counter() - begun))
DBOS.destroy()
"""
CELERY_APP = """
from pathlib import Path
from celery import Celery

folder = Path(__file__).parent
app = Celery("jobs", broker="filesystem://")
app.conf.broker_transport_options = {
    "data_folder_in": str(folder / "queue"), "data_folder_out": str(folder / "queue"),
    "control_folder": str(folder / "control"), "polling_interval": 0.05,
}
app.conf.worker_prefetch_multiplier = 1

@app.task
def line(text):
    with (folder / "lines.txt").open("a") as file:
        file.write(text)
"""
PATIENCE = 120.0


def interlock(jobs: int) -> float:
    """Jobs a second."""
    with house("sqlite") as fleet:
        fleet.end(fleet.work("-", "--poll", "0.2"))
        _, finished = through(fleet, 1, "one", [{"text": "x"}] * jobs, "done", serving=True)
        assert len((fleet.home / "lines.txt").read_text()) == jobs
    return finished


def dbos(jobs: int) -> float:
    """Jobs a second."""
    with tempfile.TemporaryDirectory() as folder:
        done = subprocess.run(
            [sys.executable, "-c", DBOS_JOBS, folder, str(jobs)], capture_output=True, text=True, check=True
        )
        assert len(Path(folder, "lines.txt").read_text()) == jobs
    return jobs / float(done.stdout.strip().splitlines()[-1])


def celery(python: str, jobs: int) -> float:
    """Jobs a second."""
    with tempfile.TemporaryDirectory() as name:
        folder = Path(name)
        (folder / "jobs.py").write_text(CELERY_APP)
        for made in ("queue", "control"):
            (folder / made).mkdir()
        worker = subprocess.Popen(
            [python, "-m", "celery", "-A", "jobs", "worker", "-P", "threads", "-c", "4", "--without-gossip",
             "--without-mingle"],
            cwd=folder, stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL, env=os.environ | {"PYTHONPATH": ""},
        )  # fmt: skip
        try:
            _send(python, folder, 1)  # it is up when it has done this one
            _wait(folder, 1)
            begun = time.perf_counter()
            _send(python, folder, jobs)
            _wait(folder, jobs + 1)
            return jobs / (time.perf_counter() - begun)
        finally:
            worker.terminate()
            worker.wait()


def _send(python: str, folder: Path, jobs: int) -> None:
    code = f"import jobs\nfor _ in range({jobs}): jobs.line.delay('x')"
    subprocess.run([python, "-c", code], cwd=folder, check=True, env=os.environ | {"PYTHONPATH": ""})


def _wait(folder: Path, count: int) -> None:
    deadline, file = time.monotonic() + PATIENCE, folder / "lines.txt"
    while not file.exists() or len(file.read_text()) < count:
        assert time.monotonic() < deadline, "the worker does not get on"
        time.sleep(0.01)


def measure(jobs: int = 100, python: str | None = None) -> dict[str, Any]:
    """Jobs a second of each."""
    found: dict[str, Any] = {
        "jobs": jobs,
        "interlock_per_second": round(interlock(jobs), 1),
        "dbos_per_second": round(dbos(jobs), 1),
    }
    if python is None:
        return found | {"celery": "not measured: install it apart, and name its Python by --celery"}
    return found | {"celery_per_second": round(celery(python, jobs), 1)}


def main() -> None:
    """Measure, and print."""
    parser = argparse.ArgumentParser(description=(__doc__ or "").partition("\n")[0])
    parser.add_argument("--jobs", type=int, default=100)
    parser.add_argument("--celery", metavar="PYTHON", help="a Python that has Celery")
    parser.add_argument("--json", action="store_true", help="one object; it is printed so in any case")
    asked = parser.parse_args()
    print(json.dumps(measure(asked.jobs, asked.celery)))


if __name__ == "__main__":
    main()
