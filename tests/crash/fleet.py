"""Workers as processes of their own, in a copy of an example, and what they say and leave."""

from __future__ import annotations

import os
import queue
import re
import shutil
import signal
import sqlite3
import subprocess
import sys
import time
from dataclasses import dataclass, field
from functools import cached_property
from pathlib import Path
from threading import Thread
from typing import Any

from dbos import DBOSClient

from interlock.engine.service import Engine
from interlock.store.jobs import APPLICATION
from interlock.store.tables import Run, Worker
from interlock.store.workers import Workers
from tests.crash.harness import PATIENCE, Left, look
from tests.crash.worker import REPOSITORY, open_project


class Process:
    """A command, mostly `interlock work`, in a process of its own."""

    def __init__(self, folder: Path, environment: dict[str, str], point: str, arguments: tuple[str, ...]) -> None:
        self.process = subprocess.Popen(
            [sys.executable, "-m", "tests.crash.worker", point, "--", *arguments],
            cwd=folder, env=environment, text=True, stdin=subprocess.DEVNULL, stdout=subprocess.PIPE,
            stderr=subprocess.STDOUT,
        )  # fmt: skip
        self.said: list[str] = []
        self._lines: queue.Queue[str | None] = queue.Queue()
        self._reader = Thread(target=self._read, daemon=True)
        self._reader.start()

    @cached_property
    def name(self) -> str:
        """Its id, once it takes jobs."""
        return self.hear(r"^Worker (\S+) advances")[1]

    def hear(self, pattern: str) -> re.Match[str]:
        """The next line that it says of this kind."""
        deadline = time.monotonic() + PATIENCE
        while True:
            try:
                line = self._lines.get(timeout=max(0.0, deadline - time.monotonic()))
            except queue.Empty:
                raise AssertionError(f"it did not say {pattern!r} but {self.said}") from None
            assert line is not None, f"it ended without saying {pattern!r}: {self.said}"
            if found := re.search(pattern, line):
                return found

    def signal(self, number: int) -> None:
        """Send it a signal."""
        self.process.send_signal(number)

    def stopped(self) -> None:
        """Wait until it has stopped itself."""
        _, status = os.waitpid(self.process.pid, os.WUNTRACED)
        assert os.WIFSTOPPED(status), self.said

    def ended(self) -> int:
        """Wait until it has ended; its exit code."""
        code = self.process.wait(PATIENCE)
        self._reader.join(PATIENCE)
        return code

    def kill(self) -> None:
        """Kill it, if it still lives."""
        if self.process.poll() is None:
            self.process.kill()
        self.ended()
        assert self.process.stdout is not None
        self.process.stdout.close()

    def _read(self) -> None:
        assert self.process.stdout is not None
        for line in self.process.stdout:
            self.said.append(line)
            self._lines.put(line)
        self._lines.put(None)


@dataclass
class Fleet:
    """A project, its database, and the workers that advance its runs."""

    folder: Path
    url: str | None
    """Of a server's database; None for the file in the home."""
    processes: list[Process] = field(default_factory=list)

    def __post_init__(self) -> None:
        self.project, self.home = self.folder / "project", self.folder / "home"
        shutil.copytree(REPOSITORY / "examples" / "pay_invoice", self.project)
        self.settings: dict[str, Any] = {"database_url": self.url} if self.url else {}

    @cached_property
    def engine(self) -> Engine:
        """The runs, for this process, which drives none."""
        return Engine(open_project(self.home, self.project, **self.settings))

    def begin(self, point: str = "-", *options: str) -> Process:
        """Start a worker that does something at a boundary; it may not take jobs yet."""
        return self.command(point, "work", "--poll", "0.05", *(options or ("--dead-after", "1")))

    def command(self, point: str, *arguments: str) -> Process:
        """Start a command that does something at a boundary."""
        clean = {name: value for name, value in os.environ.items() if not name.startswith("INTERLOCK_")}
        mine = {"INTERLOCK_HOME": str(self.home), "NO_COLOR": "1", "PYTHONUNBUFFERED": "1"}
        mine["PYTHONPATH"] = os.pathsep.join([str(REPOSITORY), *filter(None, [clean.get("PYTHONPATH")])])
        if self.url:
            mine["INTERLOCK_DATABASE_URL"] = self.url
        self.processes.append(Process(self.project, clean | mine, point, arguments))
        return self.processes[-1]

    def work(self, point: str = "-", *options: str) -> Process:
        """Start a worker, and wait until it takes jobs."""
        process = self.begin(point, *options)
        assert process.name
        return process

    def start(self, invoice: str = "1", graph: str = "pay_invoice") -> str:
        """Accept a run that will ask somebody of finance."""
        workflow = self.engine.project.workflow(self.engine.project.graph_file(graph))
        values = {"payee": f"Payee {invoice}", "amount": 480, "invoice": invoice}
        return self.engine.start(workflow, values, "clerk").id

    def decide(self, run: str) -> None:
        """Approve what the run waits for, and drive nothing."""
        [approval] = self.engine.standing(run).waiting
        self.engine.approve(approval.id, "treasurer")

    def run(self, run: str) -> Run:
        """The run's row."""
        return self.engine.services.runs.get(run)

    def row(self, process: Process) -> Worker:
        """The worker's row."""
        [row] = [row for row in Workers(self.engine.services.database).list() if row.id == process.name]
        return row

    def jobs(self) -> list[str]:
        """Every job there ever was, by its run and cause."""
        jobs = self.engine.project.jobs.engine
        client = DBOSClient(system_database_engine=jobs, application_name=APPLICATION)
        return [job.workflow_id.split("/", 1)[1] for job in client.list_workflows()]

    def left(self, run: str) -> Left:
        """What is durable of the run; the audit chain is whole."""
        return look(self.home, run, self.project, **self.settings)

    def payments(self) -> int:
        """How often money was sent, as the bank has it; it has no books before the first time."""
        if not (self.home / "bank.db").exists():
            return 0
        with sqlite3.connect(self.home / "bank.db") as bank:
            [[count]] = bank.execute("SELECT count(*) FROM transactions WHERE kind = 'transfer'").fetchall()
        bank.close()
        return int(count)

    def close(self) -> None:
        """End every process, and let go of the database."""
        for process in self.processes:
            process.kill()
        if "engine" in vars(self):
            self.engine.project.jobs.engine.dispose()
            self.engine.services.database.engine.dispose()

    def end(self, *processes: Process) -> None:
        """Tell workers to end, and check that they end as they should."""
        for process in processes:
            process.signal(signal.SIGTERM)
        for process in processes:
            assert process.ended() == 0, process.said
            assert self.row(process).state == "gone"
