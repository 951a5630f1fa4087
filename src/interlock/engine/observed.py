"""What is told of a project while it works: a line in the log and a count for each audit entry.

Lines hold who, what and which, never what people or models wrote.
"""

from __future__ import annotations

import logging

from interlock.metrics import EVENTS
from interlock.store.chain import Link

LOG = logging.getLogger("interlock.audit")


def tell(entry: Link) -> None:
    """Log and count one audit entry."""
    EVENTS.labels(entry.event).inc()
    LOG.info(entry.event, extra={"actor": entry.actor, "subject": entry.subject, "entry": entry.seq})
