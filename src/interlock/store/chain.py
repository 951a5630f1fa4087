"""The chain of the audit, as values: what each link seals, and the first link that does not fit.

Each link's MAC covers its content and the MAC before it (HMAC, RFC 2104, with SHA-256, over RFC 8785
JSON), so an edit, a deletion, a swap or an insertion breaks the chain.  A chain that was cut, or
rewritten by somebody who holds the key, is whole in itself: only a head that was kept elsewhere tells.
"""

from __future__ import annotations

import hmac
import json
from collections.abc import Iterable, Mapping
from datetime import UTC, datetime
from typing import Any, NamedTuple

from interlock.digest import canonical

GENESIS = "0" * 64
"""What the first link names in place of a MAC before it."""


class Head(NamedTuple):
    """How long the chain is, and its last MAC."""

    entries: int
    mac: str


class Fault(NamedTuple):
    """The first entry that does not fit."""

    seq: int
    because: str


class Link(NamedTuple):
    """One entry as it is sealed."""

    seq: int
    at: datetime
    actor: str
    event: str
    subject: str
    data: Any
    previous: str
    mac: str
    quick: bool = False
    """Whether `data` is known to hold no fraction and no number that JSON cannot hold exactly."""


FIELDS = Link._fields[:-1]
"""What an entry holds; `quick` only says how it was read."""


def seal(key: bytes, link: Link) -> str:
    """The MAC of a link.

    Raises:
        ValueError, TypeError: it holds what has no faithful JSON form.
    """
    moment = link.at.astimezone(UTC).isoformat()
    body = [link.seq, moment, link.actor, link.event, link.subject, link.data, link.previous]
    return hmac.digest(key, canonical_json(body, quick=link.quick), "sha256").hex()


def first_fault(
    key: bytes, links: Iterable[Link], heads: Iterable[Head] = (), *, start: Head | None = None
) -> tuple[Fault | None, Head]:
    """The first fault of a chain, or None, and its head as far as it is whole.

    Args:
        heads: those that were kept elsewhere; the chain must reach and hold each.
        start: the head that `links` follow, where they are not the whole chain.
    """
    kept: Mapping[int, set[str]] = _by_length(heads)
    head = start or Head(0, GENESIS)
    for link in links:
        because = _unfit(key, link, head)
        if because is None and kept.get(link.seq, {link.mac}) != {link.mac}:
            because = "it is not the entry that the exported head names"
        if because is not None:
            return Fault(head.entries + 1, because), head
        head = Head(link.seq, link.mac)
    longest = max(kept, default=0)
    if longest > head.entries:
        because = f"the exported head counts {longest} entries, the chain has {head.entries}"
        return Fault(head.entries + 1, because), head
    return None, head


def _unfit(key: bytes, link: Link, head: Head) -> str | None:
    """Why a link does not follow the chain so far."""
    if link.seq != head.entries + 1:
        return f"entry {head.entries + 1} is missing"
    if link.previous != head.mac:
        return "it does not follow the entry before it"
    try:
        sealed = hmac.compare_digest(link.mac, seal(key, link))
    except (ValueError, TypeError, AttributeError, OverflowError):  # what was put there is no entry's content
        sealed = False
    return None if sealed else "its content was changed"


def _by_length(heads: Iterable[Head]) -> dict[int, set[str]]:
    found: dict[int, set[str]] = {}
    for head in heads:
        if head.entries > 0:
            found.setdefault(head.entries, set()).add(head.mac)
    return found


_ENCODE = json.JSONEncoder(ensure_ascii=False, sort_keys=True, separators=(",", ":"), allow_nan=False).encode


def canonical_json(value: Any, *, quick: bool) -> bytes:
    """Canonical JSON (RFC 8785), by the standard encoder where that writes the same.

    It writes fractions otherwise, and orders keys by code points instead of UTF-16 units, which is the
    same below U+10000.

    Args:
        quick: `value` holds no fraction and no large number, as `read_json` tells.
    """
    if quick:
        text = _ENCODE(value)
        if text.isascii() or len(text.encode("utf-16-le")) == 2 * len(text):
            return text.encode()
    return canonical(value)


class _Inexact(ValueError):
    """A number whose canonical form takes more care."""


def _inexact(text: str) -> Any:
    raise _Inexact(text)


def _whole(text: str) -> int:
    return int(text) if len(text) < 16 else _inexact(text)


_DECODE = json.JSONDecoder(parse_float=_inexact, parse_int=_whole, parse_constant=_inexact).decode


def read_json(text: str) -> tuple[Any, bool]:
    """JSON text as a value, and whether it holds none but small whole numbers.

    Raises:
        ValueError: it is no JSON.
    """
    try:
        return _DECODE(text), True
    except _Inexact:
        return json.loads(text), False
