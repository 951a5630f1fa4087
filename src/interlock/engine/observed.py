"""What is told of a project while it works: a line in the log and a count for each audit entry, and LangSmith's share.

Lines hold who, what and which, never what people or models wrote.
"""

from __future__ import annotations

import logging
import os

from interlock.metrics import EVENTS
from interlock.settings import Settings
from interlock.store.chain import Link

LOG = logging.getLogger("interlock.audit")

_LANGSMITH = ("LANGSMITH_TRACING", "LANGCHAIN_TRACING_V2", "LANGSMITH_TRACING_V2", "LANGCHAIN_TRACING")
_HIDING = ("LANGSMITH_HIDE_INPUTS", "LANGSMITH_HIDE_OUTPUTS")


def tell(entry: Link) -> None:
    """Log and count one audit entry."""
    EVENTS.labels(entry.event).inc()
    LOG.info(entry.event, extra={"actor": entry.actor, "subject": entry.subject, "entry": entry.seq})


def hide_from_langsmith(settings: Settings) -> None:
    """Let LangSmith, where its own variables turn it on, be sent no inputs and outputs unless content is wanted.

    LangChain reads these variables itself, so they are the only place to say so; one that is set is left as it is.
    """
    if settings.trace_content or not any(os.environ.get(name, "").lower() == "true" for name in _LANGSMITH):
        return
    for name in _HIDING:
        os.environ.setdefault(name, "true")
