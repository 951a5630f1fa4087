"""Looking through the whole audit beside the server: from where the last look ended, once somebody asks for it."""

from __future__ import annotations

import logging
from dataclasses import dataclass, field
from datetime import datetime
from threading import Lock, Thread

from interlock.nodes.services import Services
from interlock.store.chain import GENESIS, Fault, Head

LOG = logging.getLogger("interlock.web")

NEWEST = 200
"""So many of the newest entries are looked at whenever the page is."""


@dataclass
class Verifying:
    """What this server knows of the record since it was started."""

    services: Services
    whole: Head = field(default_factory=lambda: Head(0, GENESIS))
    """As far as it was read and is whole."""
    fault: Fault | None = None
    at: datetime | None = None
    """When the last look ended."""
    by: str = ""
    busy: bool = False
    _lock: Lock = field(default_factory=Lock, repr=False)

    def begin(self, person: str) -> Thread | None:
        """Look through what was not looked through yet, in a thread; None while somebody's look is under way."""
        with self._lock:
            if self.busy:
                return None
            self.busy = True
        thread = Thread(target=self._look, args=(person,), name="interlock-verify", daemon=True)
        thread.start()
        return thread

    def _look(self, person: str) -> None:
        try:
            audit = self.services.audit
            # A fault stays one, and what comes after it tells nothing more: it is looked at again from there.
            with self.services.database.read() as session:
                fault, whole = audit.verify_from(session, self.whole)
            self.fault, self.whole, self.at, self.by = fault, whole, self.services.clock(), person
        except Exception:
            LOG.exception("the audit could not be looked through")
        finally:
            with self._lock:
                self.busy = False

    def newest(self) -> tuple[Fault | None, Head]:
        """The first fault in the newest entries, and the head of the record."""
        with self.services.database.read() as session:
            audit = self.services.audit
            fault, _ = audit.verify_from(session, audit.before_last(session, NEWEST))
            return fault, audit.head(session)
