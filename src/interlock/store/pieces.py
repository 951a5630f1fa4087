"""How a value stands in rows: all of it, or only what a list grew by since a version that is kept already.

A list is kept as MessagePack writes it: a header with the number of items, and behind it the items.  So a list
whose bytes begin with those of an earlier one is that one and the items behind it, and put together again it
is, byte for byte, what it was.  Nothing is taken on trust: the items in front are compared each time, by their
bytes, or as the very same objects where they are of types that cannot change.
"""

from __future__ import annotations

import threading
from collections import OrderedDict
from collections.abc import Sequence
from operator import is_
from typing import Any, NamedTuple

from interlock.store.plain import PlainSerializer

SMALL = 512
"""Bytes below which a value stands in its row, and a list is kept whole."""

MOST_REMEMBERED = 64_000_000
"""Bytes of lists that one process remembers; a list that it does not remember is kept whole once."""

UNCHANGING = frozenset({str, int, float, bool, type(None)})
TEXT = frozenset({str})

FIX, FIX_MOST, SHORT, LONG = 0x90, 15, 0xDC, 0xDD

Place = tuple[str, str, str]
"""A thread, a namespace and a channel."""


class Piece(NamedTuple):
    """What is kept of one value."""

    kind: str
    """The type that the serializer gave it."""
    data: bytes
    after: str | None = None
    """The version of its channel whose items come before these; None for a whole value."""


class Known(NamedTuple):
    """A list as the database has it under a version."""

    version: str
    piece: Piece
    """What stands under it."""
    length: int
    """How many items."""
    size: int
    """Bytes of the whole list."""
    items: list[Any] | None
    """The items, where none of them can change."""
    body: bytes | None
    """The bytes of the items otherwise."""
    texts: bool
    """Whether all items are texts, which are the same where they are equal."""

    def bytes_of_items(self, serializer: PlainSerializer) -> bytes:
        """What the bytes of a list that goes on from this one begin with, behind its header."""
        if self.body is not None:
            return self.body
        _, data = serializer.dumps_typed(self.items)
        return data[header(data)[1] :]


class Cut(NamedTuple):
    """A value as it is to be kept under a new version, and what is known of it once it is."""

    piece: Piece
    length: int = 0
    size: int = 0
    items: list[Any] | None = None
    body: bytes | None = None
    texts: bool = False

    def known(self, version: str) -> Known | None:
        """What is known when the piece stands under `version`; None for what is kept whole each time anyway."""
        if self.size < SMALL:
            return None
        return Known(version, self.piece, self.length, self.size, self.items, self.body, self.texts)


def cut(serializer: PlainSerializer, value: Any, known: Known | None) -> Cut:
    """`value` as a piece: behind `known` where it is a list that goes on from it, else whole."""
    if type(value) is not list:
        return Cut(Piece(*serializer.dumps_typed(value)))
    before = known if known is not None and known.length <= len(value) else None
    if before is not None and before.items is not None:
        items = list(value)
        tail = items[before.length :]
        del items[before.length :]
        kinds = set(map(type, tail))
        same = items == before.items if before.texts else all(map(is_, before.items, items))
        if same and kinds <= UNCHANGING:
            items += tail
            kind, data = serializer.dumps_typed(tail)
            piece = _behind(before, kind, data, tail)
            return Cut(piece, len(items), before.size + len(data), items, texts=before.texts and kinds <= TEXT)
    kind, data = serializer.dumps_typed(value)
    count, start = header(data)
    whole = _whole(value, data, start)
    if before is not None:
        front = before.bytes_of_items(serializer)
        if data.startswith(front, start):
            more = array(count - before.length, data[start + len(front) :])
            return Cut(_behind(before, kind, more, count - before.length), count, len(data), *whole)
    return Cut(Piece(kind, data), count, len(data), *whole)


def _whole(value: list[Any], data: bytes, start: int) -> tuple[list[Any] | None, bytes | None, bool]:
    """What is remembered of a list: its items or their bytes, and whether all are texts."""
    kinds = set(map(type, value))
    return (list(value), None, kinds <= TEXT) if kinds <= UNCHANGING else (None, data[start:], False)


def _behind(before: Known, kind: str, data: bytes, more: object) -> Piece:
    """The piece of a list that goes on from another; of one that is the same, what is kept of that one."""
    return Piece(kind, data, before.version) if more else before.piece


def joined(pieces: Sequence[Piece]) -> tuple[str, bytes]:
    """The type and bytes of a value, from its pieces in order.

    Raises:
        ValueError: one that goes on, or is gone on from, is no list.
    """
    first, *more = pieces
    if not more:
        return first.kind, first.data
    total, bodies = 0, []
    for piece in pieces:
        if piece.kind != "msgpack":
            raise ValueError(f"a piece of the type {piece.kind!r} in a list")
        count, start = header(piece.data)
        total += count
        bodies.append(memoryview(piece.data)[start:])
    return "msgpack", array(total, *bodies)


def header(data: bytes) -> tuple[int, int]:
    """The number of items of a list in MessagePack, and where they begin.

    Raises:
        ValueError: it is no list.
    """
    first = data[0] if data else 0
    if FIX <= first <= FIX + FIX_MOST:
        return first - FIX, 1
    if first == SHORT and len(data) >= 3:
        return int.from_bytes(data[1:3], "big"), 3
    if first == LONG and len(data) >= 5:
        return int.from_bytes(data[1:5], "big"), 5
    raise ValueError("no list in MessagePack")


def array(count: int, *bodies: bytes | memoryview) -> bytes:
    """A list in MessagePack, from the bytes of its items."""
    if count <= FIX_MOST:
        head = bytes([FIX + count])
    elif count < 1 << 16:
        head = bytes([SHORT]) + count.to_bytes(2, "big")
    else:
        head = bytes([LONG]) + count.to_bytes(4, "big")
    return b"".join((head, *bodies))


class Memory:
    """The lists that a process knows to be in the database, the least used forgotten first."""

    def __init__(self, most: int = MOST_REMEMBERED) -> None:
        self._most = most
        self._known: OrderedDict[Place, Known] = OrderedDict()
        self._size = 0
        self._lock = threading.Lock()

    def get(self, place: Place) -> Known | None:
        """The list that a channel was last known to hold."""
        with self._lock:
            found = self._known.get(place)
            if found is not None:
                self._known.move_to_end(place)
            return found

    def put(self, place: Place, known: Known | None) -> None:
        """Remember what a channel holds; None forgets it."""
        with self._lock:
            before = self._known.pop(place, None)
            self._size -= before.size if before else 0
            if known is None or known.size > self._most:
                return
            self._known[place] = known
            self._size += known.size
            while self._size > self._most:
                self._size -= self._known.popitem(last=False)[1].size


def known_of(version: str, pieces: Sequence[Piece], value: Any) -> Known | None:
    """What is known of a value that was put together from these pieces; None for what is kept whole each time."""
    if type(value) is not list or pieces[0].kind != "msgpack":
        return None
    _, data = joined(pieces)
    count, start = header(data)
    return Cut(pieces[-1], count, len(data), *_whole(value, data, start)).known(version)
