"""The audit: append-only entries in an HMAC chain whose key lives outside the database."""

from __future__ import annotations

import hashlib
import hmac
from collections.abc import Callable, Iterable, Iterator, Sequence
from datetime import UTC, datetime
from typing import Any

from sqlalchemy import String, Text, and_, cast, insert, type_coerce
from sqlalchemy import select as sql_select
from sqlmodel import Session, col, select

from interlock.digest import Json
from interlock.errors import SettingsError
from interlock.store.chain import FIELDS, GENESIS, Fault, Head, Link, first_fault, read_json, seal
from interlock.store.tables import Entry, Meta, Row
from interlock.store.witness import Witness

Clock = Callable[[], datetime]
Heard = Callable[[Session, Link], None]

KEY_MARK = "audit_key"
"""Name of the row that tells by which key the chain is sealed, without telling the key."""

BATCH = 2_000
"""So many entries are read at once, however long the chain is."""


class Audit:
    """Appends in the caller's transaction: an entry is kept exactly when the change it tells of is."""

    def __init__(self, key: bytes, clock: Clock, heard: Heard | None = None, witness: Witness | None = None) -> None:
        """`heard` is told of every entry in its own transaction, `witness` of the last one once that is committed."""
        self._key = key
        self._clock = clock
        self._heard = heard
        self._witness = witness
        self._owned = False

    def append(self, session: Session, actor: str, event: str, subject: str, data: dict[str, Json]) -> None:
        """Add one entry; `session` must hold the write lock.

        Raises:
            SettingsError: the chain is sealed with another key, so an entry of ours would break it.
        """
        self._own(session)
        last = session.exec(select(Entry.seq, Entry.mac).order_by(col(Entry.seq).desc()).limit(1)).first()
        seq, previous = (last[0] + 1, last[1]) if last else (1, GENESIS)
        link = Link(seq, self._clock(), actor, event, subject, data, previous, "")
        link = link._replace(mac=seal(self._key, link))
        session.connection().execute(insert(Row.metadata.tables["audit"]), dict(zip(FIELDS, link, strict=False)))
        if self._heard is not None:
            self._heard(session, link)
        if self._witness is not None:
            self._witness.tell(session, Head(seq, link.mac))

    def key_for(self, purpose: str) -> bytes:
        """A key of 32 bytes for something else of this home, from which nobody finds the key of the chain."""
        return hmac.new(self._key, f"interlock {purpose}".encode(), hashlib.sha256).digest()

    def head(self, session: Session) -> Head:
        """The chain's head, to be kept somewhere else."""
        last = session.exec(select(Entry.seq, Entry.mac).order_by(col(Entry.seq).desc()).limit(1)).first()
        return Head(*last) if last else Head(0, GENESIS)

    def last(self, session: Session) -> int:
        """The number of the last entry; 0 of an empty chain."""
        return session.exec(select(Entry.seq).order_by(col(Entry.seq).desc()).limit(1)).first() or 0

    def news(self, session: Session, after: int, limit: int) -> Sequence[tuple[int, str, str]]:
        """Number, event and subject of at most so many entries behind one, in order."""
        query = select(Entry.seq, Entry.event, Entry.subject).where(Entry.seq > after)
        return session.exec(query.order_by(col(Entry.seq)).limit(limit)).all()

    def verify(self, session: Session, heads: Iterable[Head] = ()) -> Fault | None:
        """The first fault of the chain, or None; with heads that were kept elsewhere, a cut or rewritten one shows."""
        witnessed = self._witness.heads() if self._witness is not None else ()
        return first_fault(self._key, self.links(session), [*witnessed, *heads])[0]

    def verify_from(self, session: Session, start: Head) -> tuple[Fault | None, Head]:
        """The first fault after an entry that is known to be whole, or None, and how far the chain is whole.

        Whoever verified a chain before goes on where they ended, instead of reading all of it again.
        """
        return first_fault(self._key, self.links(session, after=start.entries), start=start)

    def before_last(self, session: Session, count: int) -> Head:
        """The entry that the newest `count` entries follow."""
        newest = self.head(session)
        place = max(newest.entries - count, 0)
        mac = session.exec(select(Entry.mac).where(Entry.seq == place)).first()
        return Head(place, mac) if mac is not None else Head(0, GENESIS)

    def links(self, session: Session, *, after: int = 0) -> Iterator[Link]:
        """The entries as they lie in the database, in order; what cannot be read as one is a link that fits nowhere."""
        row = Row.metadata.tables["audit"].c
        at = type_coerce(row.at, String)  # as SQLite holds it: whatever was written there must not stop us
        query = sql_select(
            row.seq, at, row.actor, row.event, row.subject, cast(row.data, Text), row.previous, row.mac
        ).order_by(row.seq)
        if after:
            query = query.where(row.seq > after)
        found = session.connection().execute(query, execution_options={"yield_per": BATCH})
        for seq, at, actor, event, subject, text, previous, mac in found:
            try:
                data, quick = read_json(text)
                yield Link(seq, _moment(at), actor, event, subject, data, previous, mac, quick)
            except (ValueError, TypeError):
                yield Link(seq, datetime.min, actor, event, subject, None, previous, mac)

    def seals(self, session: Session) -> bool:
        """Whether the chain was begun with this key; True of an empty chain.

        The first entry tells: later ones may come from whoever reaches the database with a key of their own.
        """
        first = session.exec(select(Entry).order_by(col(Entry.seq)).limit(1)).first()
        if first is None:
            return True
        sealed = Link(
            first.seq, first.at, first.actor, first.event, first.subject, first.data, first.previous, first.mac
        )
        return hmac.compare_digest(first.mac, seal(self._key, sealed))

    def _own(self, session: Session) -> None:
        if self._owned:
            return
        mark = hmac.new(self._key, b"interlock audit key", hashlib.sha256).hexdigest()
        row = session.get(Meta, KEY_MARK)
        if row is None and self.seals(session):
            session.add(Meta(name=KEY_MARK, value=mark))
        elif row is None or not hmac.compare_digest(row.value, mark):
            raise SettingsError(
                "audit.key in this home is not the key that the database's audit is sealed with; nothing was done. "
                "Copy it from the home that made the database."
            )
        else:
            self._owned = True

    def page(self, session: Session, after: int, limit: int, *, newest: bool = False) -> list[Entry]:
        """The entries after that number, or, the newest first, before it; 0 begins at the end that is asked for."""
        query = select(Entry)
        if after:
            query = query.where(Entry.seq < after if newest else Entry.seq > after)
        order = col(Entry.seq).desc() if newest else col(Entry.seq)
        return list(session.exec(query.order_by(order).limit(limit)))

    def of_subject(self, session: Session, subject: str) -> list[Entry]:
        """Every entry about one thing, in order."""
        return list(session.exec(select(Entry).where(Entry.subject == subject).order_by(col(Entry.seq))))

    def about(
        self, session: Session, run_id: str, subjects: set[str], newest: int | None = None
    ) -> list[dict[str, Any]]:
        """Entries about a run, its child runs, anything whose id begins with theirs, or one of `subjects`.

        Args:
            newest: only so many of the newest.
        """
        row = Row.metadata.tables["audit"].c
        least, most = ("~>=~", "~<~") if session.get_bind().dialect.name == "postgresql" else (">=", "<")
        below = and_(row.subject.op(least)(f"{run_id}."), row.subject.op(most)(f"{run_id}0"))  # `.` and `/` follow it
        found: dict[int, Entry] = {}
        for wanted in (row.subject == run_id, below, row.subject.in_(subjects)):  # each by the index of subjects
            query = select(Entry).where(wanted).order_by(col(Entry.seq).desc()).limit(newest)
            found |= {entry.seq: entry for entry in session.exec(query)}
        return [
            {"seq": e.seq, "at": e.at, "actor": e.actor, "event": e.event, "subject": e.subject, "data": e.data}
            for _, e in sorted(found.items())[-(newest or len(found)) :]
        ]


def _moment(stored: Any) -> datetime:
    """An instant as the database holds it: SQLite as text in UTC, PostgreSQL as one."""
    moment = datetime.fromisoformat(stored) if isinstance(stored, str) else stored
    return moment.replace(tzinfo=UTC) if moment.tzinfo is None else moment.astimezone(UTC)
