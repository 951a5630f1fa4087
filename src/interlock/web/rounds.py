"""What a server does by itself from time to time: look at the clocks of requests, and tell people outside.

Where no worker serves the database, it also starts what is scheduled and drives it.
"""

from __future__ import annotations

import logging
from collections.abc import Callable
from threading import Event, Thread

from interlock.engine.service import Engine
from interlock.errors import InterlockError
from interlock.web.driving import Driving

LOG = logging.getLogger("interlock.web")

EVERY = 30.0
"""Seconds between two rounds."""


class Rounds:
    """Makes rounds in a thread of this process until it is closed; what goes wrong is logged, and tried again."""

    def __init__(self, engine: Engine, driving: Driving, every: float = EVERY) -> None:
        self._engine = engine
        self._driving = driving
        self._every = every
        self._over = Event()
        self._thread = Thread(target=self._go, name="interlock-rounds", daemon=True)

    def start(self) -> None:
        """Begin with the first round at once."""
        self._thread.start()

    def close(self) -> None:
        """End once the round under way is made."""
        self._over.set()
        if self._thread.ident is not None:
            self._thread.join()

    def _go(self) -> None:
        while True:
            for act in (self._engine.notify, self._start_due):
                self._try(act)
            if self._over.wait(self._every):
                return

    def _try(self, act: Callable[[], object]) -> None:
        try:
            act()
        except InterlockError as error:
            LOG.error("a round was cut short: %s It is made again in %d seconds.", error.message, self._every)
        except Exception:
            LOG.exception("a round was cut short; it is made again in %d seconds", self._every)

    def _start_due(self) -> None:
        if self._engine.project.jobs.wanted:
            return
        for run in self._engine.start_due():
            self._driving.go_on(run.id)
