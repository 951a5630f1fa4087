"""The audit as a file: one entry a line, in canonical JSON, so that it can be kept and verified elsewhere."""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from datetime import datetime

from interlock.store.chain import FIELDS, Link, canonical_json, read_json


def written(links: Iterable[Link]) -> Iterator[bytes]:
    """The lines of an export."""
    for link in links:
        yield _line(link) + b"\n"


def read(lines: Iterable[bytes]) -> Iterator[Link]:
    """The links in the lines of an export; a line that is not written as an export writes it is no link of a chain.

    A line's bytes count, not only what they mean: nobody can hide a second reading in the first.
    """
    for number, line in enumerate(lines, 1):
        yield _link(line) or Link(number, datetime.min, "", "", "", None, "", "")


def _line(link: Link) -> bytes:
    entry = {**dict(zip(FIELDS, link, strict=False)), "at": link.at.isoformat()}
    return canonical_json(entry, quick=link.quick)


def _link(line: bytes) -> Link | None:
    try:
        found, quick = read_json(line.decode())
        link = Link(**{**found, "at": datetime.fromisoformat(found["at"])}, quick=quick)
        return link if _line(link) + b"\n" == line else None
    except (ValueError, TypeError, KeyError, OverflowError, RecursionError):
        return None
