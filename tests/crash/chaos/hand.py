"""A worker as a process of its own: `interlock work`, forked from a server that has loaded the program.

What it lacks against one that was started from a shell is the time it takes to load.  It runs the same command, takes
the same signals, and dies of the same SIGKILL.  What breaks it (a boundary, a wrong clock, the missing ledger of a
negative control) is put into that process alone.
"""

from __future__ import annotations

import dataclasses
import importlib
import itertools
import os
import signal
import sys
import threading
import time
from collections.abc import Callable
from datetime import timedelta
from multiprocessing.context import ForkServerProcess
from pathlib import Path
from typing import Any

from typer.main import get_command

from interlock.cli import app
from interlock.store.effects import Ledger
from interlock.store.tables import Effect
from interlock.store.workers import Workers
from tests.crash.chaos.place import Place
from tests.crash.chaos.plan import Life
from tests.crash.harness import _context
from tests.crash.points import at

OPTIONS = ("--at-once", "3", "--grace", "4", "--poll", "0.3", "--dead-after")
"""How these workers work: quickly, and given up soon."""
DEAD_AFTER = {"file": "2", "server": "3"}
"""Seconds of silence after which they are given up."""
UNFENCED = ("provider.book", "provider.send")
"""Actions that nobody can keep from happening late: their provider knows no key."""

COMMAND = get_command(app.app)
"""The command line, put together once, in the server that workers are forked from."""

Control = str
"""What a negative control takes away from the workers; nothing where it is empty."""


def _repeated(effect: Effect, _action: Any, _services: Any) -> tuple[Effect, None]:
    """Whatever is in doubt is simply done again."""
    return effect, None


def _without_ledger() -> None:
    perform: Any = importlib.import_module("interlock.nodes.perform")
    perform._settle = _repeated


CONTROLS: dict[Control, Callable[[], None]] = {"": lambda: None, "doubts are repeated": _without_ledger}


class Hand:
    """A worker at work."""

    def __init__(self, place: Place, life: Life, log: Path, control: Control = "") -> None:
        self.life, self.log = life, log
        self._acting = log.with_suffix(".acting")
        self._acting.write_bytes(b"0")
        self.process: ForkServerProcess = _context.Process(target=serve, args=(place, life, log, control), daemon=True)
        self.process.start()

    @property
    def ready(self) -> bool:
        """Whether it takes jobs."""
        return self.log.exists() and b" advances " in self.log.read_bytes()

    @property
    def stopped(self) -> bool:
        """Whether it is stopped, not dead."""
        try:
            state = Path(f"/proc/{self.process.pid}/stat").read_text().rpartition(")")[2].split()[0]
        except OSError:
            return False
        return state in "Tt"

    @property
    def acting(self) -> bool:
        """Whether it has begun something that nobody can keep from happening late; known once it is stopped."""
        return self._acting.read_bytes() != b"0"

    def signal(self, number: int) -> None:
        """Send it a signal, if it still lives."""
        if self.process.is_alive():
            assert self.process.pid is not None
            os.kill(self.process.pid, number)

    def end(self) -> None:
        """Kill it, if it still lives."""
        self.signal(signal.SIGKILL)
        self.process.join()


def serve(place: Place, life: Life, log: Path, control: Control) -> None:
    """What the process does."""
    settle_in(place, log)
    CONTROLS[control]()
    if life.point:
        breaks(life)
    if life.skew:
        _be_ahead(life.skew)
    if life.fault == "stop":
        _tell_of_acts(log.with_suffix(".acting"))
    sys.argv = ["interlock", "work", *OPTIONS, DEAD_AFTER["server" if place.url else "file"]]
    app.app = COMMAND  # type: ignore[assignment]
    app.main()


def settle_in(place: Place, log: Path) -> None:
    """Take the place's settings and no others, stand in its project, and write to a log."""
    for name in [name for name in os.environ if name.startswith("INTERLOCK_")]:
        del os.environ[name]
    os.environ |= {"INTERLOCK_HOME": str(place.home), "NO_COLOR": "1"}
    if place.url:
        os.environ["INTERLOCK_DATABASE_URL"] = place.url
    os.chdir(place.project)
    file = os.open(log, os.O_WRONLY | os.O_CREAT | os.O_APPEND, 0o600)
    os.dup2(file, 1)
    os.dup2(file, 2)
    sys.stdout, sys.stderr = (open(number, "w", buffering=1, closefd=False) for number in (1, 2))  # noqa: SIM115  # for good


def breaks(life: Life) -> None:
    """Die, or stop, when the boundary is passed for the n-th time."""
    number = signal.SIGSTOP if life.fault == "stop" else signal.SIGKILL
    passes = itertools.count(1)

    def there() -> None:
        if next(passes) == life.passes:
            print(f"{time.time():.3f} {number.name} {life.point}", flush=True)
            os.kill(os.getpid(), number)

    at(life.point, there)


def _be_ahead(seconds: float) -> None:
    """Let this process's clock be wrong: the one that the project is given, and the one that the queue reads."""
    from interlock.engine import project

    true, stamp = project.now, time.time
    real = project.Project.__init__

    def ahead(*args: Any, **kwargs: Any) -> None:
        real(*args, **{"clock": lambda: true() + timedelta(seconds=seconds), **kwargs})

    project.Project.__init__ = ahead  # type: ignore[method-assign]
    time.time = lambda: stamp() + seconds
    moment = Workers._now
    Workers._now = lambda self, connection: moment(self, connection) + _here(self, seconds)  # type: ignore[method-assign]


def _here(workers: Workers, seconds: float) -> timedelta:
    """What the machine's clock adds to the signs of life; those of a server have the server's clock."""
    return timedelta(seconds=0 if workers._database.shared else seconds)


def _tell_of_acts(file: Path) -> None:
    """Keep in a file how many acts without a key are under way, from before their intent to their end."""
    lock, count = threading.Lock(), 0
    descriptor = os.open(file, os.O_WRONLY)
    intend = Ledger.intend

    def more(by: int) -> None:
        nonlocal count
        with lock:
            count += by
            os.pwrite(descriptor, b"0" if not count else b"1", 0)

    def intended(self: Ledger, effect: Effect, *args: Any, **kwargs: Any) -> Effect:
        if effect.action not in UNFENCED:
            return intend(self, effect, *args, **kwargs)
        more(1)
        try:
            return intend(self, effect, *args, **kwargs)
        except BaseException:
            more(-1)
            raise

    project: Any = importlib.import_module("interlock.engine.project")
    read = project.read_actions

    def known(folder: Path) -> Any:
        actions = read(folder)
        for name in UNFENCED:
            actions[name] = dataclasses.replace(actions[name], run=_done(actions[name].run, lambda: more(-1)))
        return actions

    Ledger.intend = intended  # type: ignore[method-assign]
    project.read_actions = known


def _done(act: Callable[..., Any], then: Callable[[], None]) -> Callable[..., Any]:
    def done(*args: Any) -> Any:
        try:
            return act(*args)
        finally:
            then()

    return done
