"""How the runs of each graph are handed to workers: how many at a time, how many begun in a while, and whose first.

Kept beside the runs, so that it is the same for every worker and outlives them.
"""

from __future__ import annotations

import json
from collections.abc import Sequence
from typing import Any

from sqlmodel import Session, col, select

from interlock.errors import NotFound
from interlock.store.audit import Audit
from interlock.store.database import Database
from interlock.store.spend import lineage
from interlock.store.tables import Meta, QueueSettings, Run

APPLIED = "queue settings"
"""Name of the row that tells which settings the queues of the workers have."""


class Queues:
    """The settings of one database."""

    def __init__(self, database: Database, audit: Audit) -> None:
        self._database = database
        self._audit = audit

    def list(self) -> Sequence[QueueSettings]:
        """The settings that somebody made, by graph."""
        with self._database.read() as session:
            return session.exec(select(QueueSettings).order_by(col(QueueSettings.graph))).all()

    def set(self, graph: str, person: str, **changes: Any) -> QueueSettings:
        """Change some of the settings of a graph; the others stay as they are."""
        with self._database.write() as session:
            row = session.get(QueueSettings, graph) or QueueSettings(graph=graph)
            for name, value in changes.items():
                setattr(row, name, value)
            session.add(row)
            session.flush()
            self._audit.append(session, person, "queue.set", graph, changes)
            return row

    def clear(self, graph: str, person: str) -> None:
        """Take every setting of a graph back.

        Raises:
            NotFound: it has none.
        """
        with self._database.write() as session:
            row = session.get(QueueSettings, graph)
            if row is None:
                raise NotFound(f"nothing is set for {graph}; `interlock queue list` shows what is.")
            session.delete(row)
            self._audit.append(session, person, "queue.cleared", graph, {})

    def priority(self, run_id: str) -> int:
        """The priority of a run: that of the graph of the run that stands above it."""
        with self._database.read() as session:
            run = session.get(Run, run_id)
            if run is None:
                return 0
            *_, root = lineage(session, run)
            row = session.get(QueueSettings, root.graph)
            return row.priority if row is not None else 0

    # What workers were told -------------------------------------------------------------------------

    def applied(self, settings: Sequence[QueueSettings]) -> bool:
        """Whether the queues of the workers have these settings."""
        with self._database.read() as session:
            known = session.get(Meta, APPLIED)
            return (known.value if known else _text(())) == _text(settings)

    def apply(self, settings: Sequence[QueueSettings] | None) -> None:
        """Note that the queues have these settings; None: that nobody knows which they have."""
        with self._database.write() as session:
            value = "" if settings is None else _text(settings)
            session.merge(Meta(name=APPLIED, value=value))


def rated(session: Session, graph: str) -> bool:
    """Whether the runs of a graph may only be begun at a rate."""
    row = session.get(QueueSettings, graph)
    return row is not None and row.rate is not None


def _text(settings: Sequence[QueueSettings]) -> str:
    return json.dumps([row.model_dump() for row in settings], sort_keys=True)
