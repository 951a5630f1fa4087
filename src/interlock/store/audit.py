"""The audit: append-only entries in an HMAC chain whose key lives outside the database.

Each entry's MAC covers its content and the MAC before it (RFC 2104, SHA-256), so an edit, a deletion
or an insertion breaks the chain; the exported head (count and MAC) shows a truncation.
"""

from __future__ import annotations

import contextlib
import hashlib
import hmac
import os
import secrets
from collections.abc import Callable
from datetime import UTC, datetime
from pathlib import Path
from typing import Any, NamedTuple

from sqlalchemy import func, or_
from sqlmodel import Session, col, select

from interlock.digest import Json, canonical, plain
from interlock.errors import SettingsError, StoreUnavailable
from interlock.store.tables import Entry

Clock = Callable[[], datetime]
Heard = Callable[[Session, Entry], None]

GENESIS = "0" * 64


class Head(NamedTuple):
    """How long the chain is, and its last MAC."""

    entries: int
    mac: str


class Fault(NamedTuple):
    """The first entry that does not fit."""

    seq: int
    because: str


class Audit:
    """Appends in the caller's transaction: an entry is kept exactly when the change it tells of is."""

    def __init__(self, key: bytes, clock: Clock, heard: Heard | None = None) -> None:
        """`heard` is told of every entry in the transaction that appends it."""
        self._key = key
        self._clock = clock
        self._heard = heard

    def append(self, session: Session, actor: str, event: str, subject: str, data: dict[str, Json]) -> None:
        """Add one entry; `session` must hold the write lock."""
        last = session.exec(select(Entry).order_by(col(Entry.seq).desc()).limit(1)).first()
        entry = Entry(
            seq=(last.seq if last else 0) + 1,
            at=self._clock(),
            actor=actor,
            event=event,
            subject=subject,
            data=data,
            previous=last.mac if last else GENESIS,
            mac="",
        )
        entry.mac = self._mac(entry)
        session.add(entry)
        session.flush()
        if self._heard is not None:
            self._heard(session, entry)

    def head(self, session: Session) -> Head:
        """The chain's head, to be kept somewhere else."""
        last = session.exec(select(Entry).order_by(col(Entry.seq).desc()).limit(1)).first()
        count = session.exec(select(func.count()).select_from(Entry)).one()
        return Head(count, last.mac if last else GENESIS)

    def verify(self, session: Session, head: Head | None = None) -> Fault | None:
        """The first fault of the chain, or None; with an exported `head`, truncation shows too."""
        previous, seq = GENESIS, 0
        for entry in session.exec(select(Entry).order_by(col(Entry.seq))):
            seq += 1
            if entry.seq != seq:
                return Fault(seq, f"entry {seq} is missing")
            if entry.previous != previous:
                return Fault(seq, "it does not follow the entry before it")
            if not hmac.compare_digest(entry.mac, self._mac(entry)):
                return Fault(seq, "its content was changed")
            if head and seq == head.entries and entry.mac != head.mac:
                return Fault(seq, "it is not the entry that the exported head names")
            previous = entry.mac
        if head and seq < head.entries:
            return Fault(seq + 1, f"the exported head counts {head.entries} entries, the chain has {seq}")
        return None

    def seals(self, session: Session) -> bool:
        """Whether the newest entry was sealed with this key; True of an empty chain."""
        last = session.exec(select(Entry).order_by(col(Entry.seq).desc()).limit(1)).first()
        return last is None or hmac.compare_digest(last.mac, self._mac(last))

    def about(self, session: Session, run_id: str, subjects: set[str]) -> list[dict[str, Any]]:
        """Entries about a run, its child runs, anything whose id begins with theirs, or one of `subjects`."""
        query = select(Entry).where(
            or_(
                col(Entry.subject) == run_id,
                col(Entry.subject).startswith(run_id + "/", autoescape=True),
                col(Entry.subject).startswith(run_id + ".", autoescape=True),
                col(Entry.subject).in_(subjects),
            )
        )
        return [
            {"seq": e.seq, "at": e.at, "actor": e.actor, "event": e.event, "subject": e.subject, "data": e.data}
            for e in session.exec(query.order_by(col(Entry.seq)))
        ]

    def _mac(self, entry: Entry) -> str:
        body = [
            entry.seq,
            entry.at.astimezone(UTC).isoformat(),
            entry.actor,
            entry.event,
            entry.subject,
            entry.data,
            entry.previous,
        ]
        return hmac.new(self._key, canonical(plain(body)), hashlib.sha256).hexdigest()


def audit_key(home: Path) -> bytes:
    """The chain's key, made on first use; only its owner may read the file.

    Raises:
        StoreUnavailable: the file cannot be read or made.
        SettingsError: the file does not hold a key.
    """
    path = home / "audit.key"
    try:
        if not path.exists():
            _make_key(path)
        text = path.read_text(encoding="ascii").strip()
    except OSError as error:
        raise StoreUnavailable(f"the audit key {path} cannot be used: {error.strerror}.") from None
    if len(text) != 64 or not set(text) <= set("0123456789abcdef"):
        raise SettingsError(f"{path} does not hold an audit key (64 hex digits); restore it from a backup.")
    return bytes.fromhex(text)


def _make_key(path: Path) -> None:
    """Write a whole file first and link it in place, so that no process ever reads half a key."""
    draft = path.with_name(f".audit.key.{os.getpid()}.{secrets.token_hex(4)}")
    descriptor = os.open(draft, os.O_WRONLY | os.O_CREAT | os.O_EXCL, 0o600)
    try:
        with os.fdopen(descriptor, "w", encoding="ascii") as file:
            file.write(secrets.token_hex(32) + "\n")
            file.flush()
            os.fsync(file.fileno())
        with contextlib.suppress(FileExistsError):
            os.link(draft, path)
    finally:
        draft.unlink(missing_ok=True)
