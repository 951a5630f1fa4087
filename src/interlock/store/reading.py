"""What one thread keeps in one namespace, read in one transaction: checkpoints put together from their rows."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from typing import Any

from langgraph.checkpoint.base import PendingWrite

from interlock.store.pieces import Piece, joined
from interlock.store.sealed import Envelope, Row, typed
from interlock.store.sealing import changed
from interlock.store.threads import Transaction

AT_ONCE = 200
"""Rows that are asked for in one query."""

Version = tuple[str, str]
"""A channel and a version of it."""


@dataclass(frozen=True)
class Value:
    """A value, and the pieces that it was put together from."""

    value: Any
    pieces: list[Piece]


class Reading:
    """Reads rows and keeps what it has read, so that checkpoints that share values read them once."""

    def __init__(self, envelope: Envelope) -> None:
        self._envelope = envelope
        self._place = (envelope.thread, envelope.space)
        self._rows: dict[Version, bytes] = {}
        self._opened: dict[Version, Row] = {}
        self._contents: dict[bytes, bytes] = {}
        self._whole: set[str] = set()
        """Channels of which every row was read."""

    def manifest(self, at: str, parent: str | None, data: object) -> dict[str, Any]:
        """What a checkpoint says of itself.

        Raises:
            Refused: it is not what was written for its id and parent.
        """
        found = self._envelope.loads(self._envelope.open(data, "checkpoint", at))
        checkpoint = found.get("checkpoint") if isinstance(found, dict) else None
        if (
            not isinstance(checkpoint, dict)
            or not isinstance(checkpoint.get("channel_values"), list)
            or not isinstance(checkpoint.get("channel_versions"), dict)
            or not isinstance(found.get("metadata"), dict)
            or (found.get("parent") or None, checkpoint.get("id")) != (parent or None, at)
        ):
            raise changed(self._envelope.thread)
        return dict(found)

    def values(self, transaction: Transaction, wanted: Mapping[str, str]) -> dict[str, Value]:
        """The values of channels at these versions.

        Raises:
            Refused: one is missing, or not what was written there.
        """
        self._fetch(transaction, wanted.items())
        chains = {channel: self._chain(transaction, channel, version) for channel, version in wanted.items()}
        self._fetch_contents(transaction, [row for chain in chains.values() for row in chain])
        return {channel: self._joined(chain) for channel, chain in chains.items()}

    def writes(self, transaction: Transaction, at: str) -> list[PendingWrite]:
        """The pending writes of a checkpoint, in the order in which they are applied.

        Raises:
            Refused: one is not what was written there, or not where.
        """
        query = (
            "SELECT task_id, channel, idx, data FROM thread_writes WHERE thread_id = ? AND checkpoint_ns = ?"
            " AND checkpoint_id = ? ORDER BY task_path, task_id, idx"
        )
        found: list[tuple[str, str, list[Row]]] = []
        for task, channel, number, data in transaction.rows(query, *self._place, at):
            row = self._row(self._envelope.open(data, "write", at, task, channel))
            if row.number is None:  # of an earlier release, which kept it with the value
                row = self._earlier(row)
            if row.number != number:  # put in another order, or repeated
                raise changed(self._envelope.thread)
            chain = self._chain(transaction, channel, row.after) if row.after is not None else []
            found.append((task, channel, [*chain, row]))
        self._fetch_contents(transaction, [row for _, _, chain in found for row in chain])
        return [(task, channel, self._joined(chain).value) for task, channel, chain in found]

    def _chain(self, transaction: Transaction, channel: str, version: str) -> list[Row]:
        chain: list[Row] = []
        seen: set[str] = set()
        here: str | None = version
        while here is not None:
            row = self._opened.get((channel, here))
            if row is None:
                row = self._open(transaction, channel, here, going_on=bool(chain))
            if here in seen:
                raise changed(self._envelope.thread)
            seen.add(here)
            chain.append(row)
            here = row.after
        return chain[::-1]

    def _open(self, transaction: Transaction, channel: str, version: str, *, going_on: bool) -> Row:
        if (channel, version) not in self._rows and channel not in self._whole:
            if going_on:  # a list that grew; each of its rows is needed
                self._whole.add(channel)
                query = (
                    "SELECT channel, version, data FROM thread_values"
                    " WHERE thread_id = ? AND checkpoint_ns = ? AND channel = ?"
                )
                self._take(transaction.rows(query, *self._place, channel))
            else:
                self._fetch(transaction, [(channel, version)])
        data = self._rows.get((channel, version))
        if data is None:
            raise changed(self._envelope.thread)
        row = self._row(self._envelope.open(data, "value", channel, version))
        self._opened[channel, version] = row
        return row

    def _fetch(self, transaction: Transaction, wanted: Iterable[Version]) -> None:
        missing = [each for each in wanted if each not in self._rows]
        for some in _some(missing):
            marks = ", ".join("?" * len(some))
            query = (  # a few more than are wanted, by way of the key
                "SELECT channel, version, data FROM thread_values WHERE thread_id = ? AND checkpoint_ns = ?"
                f" AND channel IN ({marks}) AND version IN ({marks})"
            )
            self._take(transaction.rows(query, *self._place, *(each[0] for each in some), *(each[1] for each in some)))

    def _take(self, rows: Iterable[tuple[Any, ...]]) -> None:
        self._rows |= {(channel, version): data for channel, version, data in rows}

    def _fetch_contents(self, transaction: Transaction, rows: Iterable[Row]) -> None:
        wanted = {row.address for row in rows if row.content is None and row.address is not None}
        for some in _some(sorted(wanted - self._contents.keys())):
            query = (
                "SELECT address, data FROM thread_contents WHERE thread_id = ?"
                f" AND address IN ({', '.join('?' * len(some))})"
            )
            for address, data in transaction.rows(query, self._envelope.thread, *some):
                self._contents[address] = self._envelope.open_content(data, address)

    def _joined(self, chain: list[Row]) -> Value:
        contents = [self._contents.get(row.address or b"") if row.content is None else row.content for row in chain]
        if any(content is None for content in contents):
            raise changed(self._envelope.thread)
        pieces = [Piece(*typed(content or b""), after=row.after) for content, row in zip(contents, chain, strict=True)]
        try:
            kind, data = joined(pieces)
        except ValueError:
            raise changed(self._envelope.thread) from None
        return Value(self._envelope.value(kind, data), pieces)

    def _row(self, data: bytes) -> Row:
        try:
            return Row.unpacked(data)
        except (ValueError, TypeError):
            raise changed(self._envelope.thread) from None

    def _earlier(self, row: Row) -> Row:
        kept = self._envelope.loads(row.content or b"")
        if not isinstance(kept, list) or len(kept) != 2 or not isinstance(kept[0], int):
            raise changed(self._envelope.thread)
        return Row(self._envelope.dumps(kept[1]), number=kept[0])


def _some(items: list[Any]) -> Iterable[list[Any]]:
    for start in range(0, len(items), AT_ONCE):
        yield items[start : start + AT_ONCE]
