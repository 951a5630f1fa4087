"""A few texts that fit a regular expression, for looking whether two of them overlap."""

from __future__ import annotations

import itertools
import re
import re._constants as codes  # type: ignore[import-not-found]
import re._parser as parser  # type: ignore[import-not-found]
from collections.abc import Iterator
from typing import Any

MANY = 200
"""How many texts are made of one pattern."""


def examples(pattern: str) -> list[str]:
    """Up to `MANY` texts that `pattern` fits as a whole; none where it uses what is not understood here."""
    try:
        made = itertools.islice(_all(list(parser.parse(pattern))), 5 * MANY)
        return [text for text in dict.fromkeys(made) if re.fullmatch(pattern, text)][:MANY]
    except (KeyError, re.error, RecursionError):
        return []


def _all(items: list[Any]) -> Iterator[str]:
    if not items:
        yield ""
        return
    rest = list(itertools.islice(_all(items[1:]), MANY))
    for first in itertools.islice(_one(*items[0]), MANY):
        for end in rest:
            yield first + end


def _one(code: Any, what: Any) -> Iterator[str]:
    """The texts of one item of a parsed pattern.

    Raises:
        KeyError: an item that is not understood.
    """
    if code is codes.LITERAL:
        yield chr(what)
    elif code is codes.NOT_LITERAL:
        yield from (letter for letter in "a0 _-" if ord(letter) != what)
    elif code is codes.ANY:
        yield from "a0 "
    elif code is codes.IN:
        yield from _class(what)
    elif code is codes.BRANCH:
        for branch in what[1]:
            yield from _all(list(branch))
    elif code is codes.SUBPATTERN:
        yield from _all(list(what[-1]))
    elif code in (codes.MAX_REPEAT, codes.MIN_REPEAT):
        least, most, inner = what
        for count in range(least, min(most, least + 3) + 1):
            yield from _all(list(inner) * count)
    elif code is codes.AT:
        yield ""
    else:
        raise KeyError(code)


def _class(items: list[Any]) -> Iterator[str]:
    sign, found = True, []
    for code, what in items:
        if code is codes.NEGATE:
            sign = False
        elif code is codes.LITERAL:
            found.append(chr(what))
        elif code is codes.RANGE:
            found += [chr(what[0]), chr(what[1])]
        elif code is codes.CATEGORY:
            found += {codes.CATEGORY_DIGIT: "07", codes.CATEGORY_WORD: "a0_", codes.CATEGORY_SPACE: " "}[what]
    yield from found if sign else (letter for letter in "a0 _-Z" if letter not in found)
