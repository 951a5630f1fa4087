"""What stands in a row of a checkpoint, closed for its own place: sealed with a ring of keys, in clear without one.

A value is bound to its thread, namespace, channel and version, and tells the version that it goes on from; a
pending write to its thread, namespace, checkpoint, task and channel, and tells its number.  A content that
stands apart is bound to its address, which whatever refers to it tells.  The manifest of a checkpoint, bound to
its id, says what the checkpoint consists of: its metadata, its parent, the versions of its channels, and which
of them have values.  So a value or a row that was moved, changed, added or left out is refused.  What stays
readable in the database: ids, times, sizes, the names of channels, tasks and nodes, and which contents of one
thread are the same.  In clear, only a content that is not what its address says is noticed.
"""

from __future__ import annotations

import hashlib
from typing import Any, NamedTuple

import ormsgpack

from interlock.errors import Refused
from interlock.store.pieces import SMALL, Piece
from interlock.store.plain import PlainSerializer
from interlock.store.sealing import ADDRESS, VERSION, Ring, changed

APART = b"piece\0"
"""What a row begins with that is more than a whole value."""


class Row(NamedTuple):
    """What a row says of a value."""

    content: bytes | None
    """The serializer's type, a zero byte, and the bytes; None where they stand apart."""
    address: bytes | None = None
    after: str | None = None
    number: int | None = None
    """The place of a pending write among those of its task."""

    def packed(self) -> bytes:
        """The row as bytes; a whole value as earlier releases have it."""
        if self.content is not None and self.after is None and self.number is None:
            return self.content
        return APART + ormsgpack.packb([self.content, self.address, self.after, self.number])

    @classmethod
    def unpacked(cls, data: bytes) -> Row:
        """A row from its bytes.

        Raises:
            ValueError, TypeError: they are none.
        """
        if not data.startswith(APART):
            return cls(data)
        content, address, after, number = ormsgpack.unpackb(data[len(APART) :])
        if not isinstance(content, bytes) and not isinstance(address, bytes):
            raise ValueError("a row without a value")
        return cls(content, address, after, number)


class Envelope:
    """Closes and opens what one thread keeps in one namespace."""

    def __init__(self, serializer: PlainSerializer, ring: Ring | None, thread: str, space: str) -> None:
        self.thread, self.space = thread, space
        self._serializer, self._ring = serializer, ring

    def close(self, content: bytes, *place: str) -> bytes:
        """`content` as it may stand at `place`."""
        return content if self._ring is None else self._ring.seal(content, (self.thread, self.space, *place))

    def open(self, kept: object, *place: str) -> bytes:
        """What was closed for `place`.

        Raises:
            Refused: it was sealed and there is no key, or what the ring says of it.
        """
        if self._ring is not None:
            return self._ring.open(kept, (self.thread, self.space, *place))
        if not isinstance(kept, bytes):
            raise changed(self.thread)
        if kept[:1] == VERSION:
            raise Refused(
                f"the checkpoints of {self.thread} are sealed; nothing was done. "
                "Set INTERLOCK_CHECKPOINT_KEY to their key."
            )
        return kept

    def dumps(self, value: Any) -> bytes:
        """A value as it is closed."""
        kind, data = self._serializer.dumps_typed(value)
        return kind.encode() + b"\0" + data

    def loads(self, content: bytes) -> Any:
        """A value from what was opened.

        Raises:
            Refused: it is of a type that is not read, or of none.
        """
        return self.value(*typed(content))

    def value(self, kind: str, data: bytes) -> Any:
        """A value from the serializer's type and bytes.

        Raises:
            Refused: as above.
        """
        try:
            return self._serializer.loads_typed((kind, data))
        except ValueError:
            raise changed(self.thread) from None

    def row(self, piece: Piece, number: int | None = None) -> tuple[Row, bytes | None]:
        """What a row says of a piece, and the content that stands apart from it."""
        content = piece.kind.encode() + b"\0" + piece.data
        if len(content) < SMALL:
            return Row(content, None, piece.after, number), None
        return Row(None, self.address(content), piece.after, number), content

    def address(self, content: bytes) -> bytes:
        """What a content of the thread is found by."""
        if self._ring is None:
            return hashlib.blake2b(content, digest_size=ADDRESS).digest()
        return self._ring.address(content, self.thread)

    def close_content(self, content: bytes, address: bytes) -> bytes:
        """A content as it stands under its address, for the whole thread."""
        return content if self._ring is None else self._ring.seal(content, (self.thread, "content", address.hex()))

    def open_content(self, kept: object, address: bytes) -> bytes:
        """The content that stands under an address.

        Raises:
            Refused: it is another one.
        """
        if self._ring is not None:
            return self._ring.open(kept, (self.thread, "content", address.hex()))
        content = self.open(kept)
        if self.address(content) != address:
            raise changed(self.thread)
        return content


def typed(content: bytes) -> tuple[str, bytes]:
    """The serializer's type and bytes, from what was opened."""
    kind, _, data = content.partition(b"\0")
    return kind.decode("ascii", "replace"), data
