"""Whole phrases: a pointer that lands inside a name or a noun phrase is moved to its edge.

Three facts of English writing: a hyphenated word is one word, capitalised words in a row are one name, and a
word between a determiner and a noun belongs to that noun ("the credit rating").
"""

from __future__ import annotations

import re

LONGEST = 60
"""Characters of a span that can be a phrase; longer ones are texts, whose edges are their own."""

_DETERMINER = re.compile(r"\b(?:the|a|an|my|our|your|his|her|its|their|new)\s+(?P<word>[a-z]{3,})\s+$")
_FUNCTION = frozenset(
    """and but for from has had have into not off out over per than that the then this to under until upon was were
    with will would can could shall should may might must does did are been being new next last""".split()  # noqa: SIM905  # a list of words reads best as text
)
_NAME_AT_END = re.compile(r"(?:^|\s)[A-Z][a-z]+$")
_NEXT_NAME = re.compile(r" [A-Z][a-z]+(?![\w-])")
_CALENDAR = re.compile(r" (?:Mon|Tues|Wednes|Thurs|Fri|Satur|Sun)day| (?:Jan|Febr)uary| (?:March|April|May|June|July)"
                       r"| August| (?:Sept|Nov|Dec)ember| October")  # fmt: skip


def phrase(text: str, start: int, end: int) -> tuple[int, int]:
    """Characters `start` to `end` of `text`, widened to whole words, names and noun phrases; never narrowed."""
    if end - start > LONGEST or "\n" in text[start:end]:
        return start, end
    while start > 1 and text[start - 1] == "-" and text[start - 2].isalnum():
        start = _word_start(text, start - 1)
    while end + 1 < len(text) and text[end] == "-" and text[end - 1].isalnum() and text[end + 1].isalnum():
        end = _word_end(text, end + 1)
    while _NAME_AT_END.search(text[start:end]) and not _CALENDAR.match(text, end):
        following = _NEXT_NAME.match(text, end)
        if following is None:
            break
        end = following.end()
    before = _DETERMINER.search(text[:start])
    if before and before["word"] not in _FUNCTION and text[start : start + 1].islower():
        start = before.start("word")
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
