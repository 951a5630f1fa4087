"""Whole words: a pointer that lands inside a hyphenated word is moved to its edges; a full stop is left outside."""

from __future__ import annotations

LONGEST = 60
"""Characters of a span whose edges may be moved; longer ones are texts, whose edges are their own."""


def phrase(text: str, start: int, end: int) -> tuple[int, int]:
    """Characters `start` to `end` of `text`, widened to whole words; never narrowed."""
    if end - start > LONGEST or "\n" in text[start:end]:
        return start, end
    while start > 1 and text[start - 1] == "-" and text[start - 2].isalnum():
        start = _word_start(text, start - 1)
    while end + 1 < len(text) and text[end] == "-" and text[end - 1].isalnum() and text[end + 1].isalnum():
        end = _word_end(text, end + 1)
    return start, end


def _word_start(text: str, at: int) -> int:
    while at > 0 and text[at - 1].isalnum():
        at -= 1
    return at


def _word_end(text: str, at: int) -> int:
    while at < len(text) and text[at].isalnum():
        at += 1
    return at


def without_stop(text: str, start: int, end: int) -> int:
    """Where a text value ends: a clause that begins in lower case leaves the sentence's full stop outside."""
    inside = text[start:end]
    clause = (
        inside[:1].islower()
        and inside.endswith(".")
        and not any(mark in inside[:-1] for mark in (". ", "! ", "? ", "\n", ".."))
    )
    return end - 1 if clause and len(inside) > 2 else end
