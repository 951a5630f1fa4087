"""Texts for every way in which patterns and words can hold together: exact where the patterns are regular.

The patterns run side by side as one machine.  Each set of them that some text fits as a whole, beside
being one of the words or none, is an accepting state of it, and the shortest way there is the text.
"""

from __future__ import annotations

import re
import re._constants as codes  # type: ignore[import-not-found]
import re._parser as parser  # type: ignore[import-not-found]
from collections import deque
from collections.abc import Callable, Iterable, Sequence
from typing import Any

MOST = 4_000
"""States of the machine, and of one pattern, at most."""

_FOREIGN = "éß٣☃\u2003"
"""Beyond ASCII: letters, a digit, something that is neither, and a space."""

_CATEGORIES: dict[Any, Callable[[str], bool]] = {
    codes.CATEGORY_DIGIT: str.isdecimal,
    codes.CATEGORY_NOT_DIGIT: lambda letter: not letter.isdecimal(),
    codes.CATEGORY_WORD: lambda letter: letter.isalnum() or letter == "_",
    codes.CATEGORY_NOT_WORD: lambda letter: not (letter.isalnum() or letter == "_"),
    codes.CATEGORY_SPACE: str.isspace,
    codes.CATEGORY_NOT_SPACE: lambda letter: not letter.isspace(),
}


def cells(patterns: Iterable[str], words: Iterable[str]) -> list[str] | None:
    """A text for each set of patterns that fits it, the words apart; None where they are not all understood.

    Look-around, references back, anchors and flags are not understood, nor what makes too large a machine.
    """
    wanted, known = list(dict.fromkeys(patterns)), set(words)
    try:
        machines = [_Machine(pattern) for pattern in wanted]
        alphabet = _alphabet(machines, known)
        return [*known, *_shortest(machines, alphabet, known)]
    except (_NotUnderstood, re.error, RecursionError):
        return None


class _NotUnderstood(Exception):
    """A part of a pattern that no such machine can run, or too many states."""


class _Machine:
    """One pattern as states; `free` are moves without a letter, `moves` those with one that passes a test."""

    def __init__(self, pattern: str) -> None:
        parsed = parser.parse(pattern)
        if parsed.state.flags & ~re.UNICODE:
            raise _NotUnderstood
        self.free: list[list[int]] = []
        self.moves: list[list[tuple[int, int]]] = []
        self.tests: list[Callable[[str], bool]] = []
        self.marks: set[str] = set()
        """Letters at which some test changes."""
        self.categories = False
        self.end = self._sequence(list(parsed), self._state())
        if self.categories and any(ord(letter) > 126 for letter in self.marks):
            raise _NotUnderstood

    def _state(self) -> int:
        self.free.append([])
        self.moves.append([])
        if len(self.free) > MOST:
            raise _NotUnderstood
        return len(self.free) - 1

    def _sequence(self, items: list[Any], start: int) -> int:
        for code, what in items:
            start = self._item(code, what, start)
        return start

    def _item(self, code: Any, what: Any, start: int) -> int:
        if code is codes.BRANCH:
            end = self._state()
            for branch in what[1]:
                self.free[self._sequence(list(branch), start)].append(end)
            return end
        if code is codes.SUBPATTERN and not what[1] and not what[2]:
            return self._sequence(list(what[-1]), start)
        if code in (codes.MAX_REPEAT, codes.MIN_REPEAT):
            least, most, inner = what
            return self._repeat(least, most, inner, start)
        return self._letter(self._test(code, what), start)

    def _repeat(self, least: int, most: Any, inner: Any, start: int) -> int:
        for _ in range(least):
            start = self._sequence(list(inner), start)
        if most is codes.MAXREPEAT:
            loop = self._state()
            self.free[start].append(loop)
            self.free[self._sequence(list(inner), loop)].append(loop)
            return loop
        end = self._state()
        self.free[start].append(end)
        for _ in range(int(most) - least):
            start = self._sequence(list(inner), start)
            self.free[start].append(end)
        return end

    def _letter(self, test: Callable[[str], bool], start: int) -> int:
        end = self._state()
        self.tests.append(test)
        self.moves[start].append((len(self.tests) - 1, end))
        return end

    def _test(self, code: Any, what: Any) -> Callable[[str], bool]:
        if code is codes.ANY:
            self.marks.add("\n")
            return lambda letter: letter != "\n"
        if code in (codes.LITERAL, codes.NOT_LITERAL):
            self.marks.add(chr(what))
            return lambda letter: (ord(letter) == what) is (code is codes.LITERAL)
        if code is codes.IN:
            wanted = not any(part is codes.NEGATE for part, _ in what)
            parts = [self._part(part, of) for part, of in what if part is not codes.NEGATE]
            return lambda letter: any(part(letter) for part in parts) is wanted
        raise _NotUnderstood

    def _part(self, code: Any, what: Any) -> Callable[[str], bool]:
        if code is codes.LITERAL:
            self.marks.add(chr(what))
            return lambda letter: ord(letter) == what
        if code is codes.RANGE:
            low, high = what
            self.marks |= {chr(low), chr(high)}
            return lambda letter: low <= ord(letter) <= high
        if code is codes.CATEGORY and what in _CATEGORIES:
            self.categories = True
            return _CATEGORIES[what]
        raise _NotUnderstood

    def reached(self, states: Iterable[int]) -> frozenset[int]:
        """The states and all that free moves lead to from them."""
        found = set(states)
        open_ = list(found)
        while open_:
            for state in self.free[open_.pop()]:
                if state not in found:
                    found.add(state)
                    open_.append(state)
        return frozenset(found)

    def after(self, states: frozenset[int], passed: Sequence[bool]) -> frozenset[int]:
        """The states that a letter leads to, which passes these tests."""
        return self.reached(end for state in states for test, end in self.moves[state] if passed[test])


def _alphabet(machines: Sequence[_Machine], words: set[str]) -> list[tuple[str, list[list[bool]]]]:
    """A letter for each set of tests that some letter passes, and those of the words, each with what it passes."""
    marks = {letter for machine in machines for letter in machine.marks}
    near = {
        chr(place) for mark in marks for place in (ord(mark) - 1, ord(mark), ord(mark) + 1) if 0 <= place < 0x110000
    }
    plain = "abcdefghijklmnopqrstuvwxyz0123456789ABCDEFGHIJKLMNOPQRSTUVWXYZ _-.@"
    spelt = {letter for word in words for letter in word}
    found: dict[Any, tuple[str, list[list[bool]]]] = {}
    for letter in dict.fromkeys([*plain, *map(chr, range(32, 127)), *"\n\t", *_FOREIGN, *sorted(near)]):
        passed = [[test(letter) for test in machine.tests] for machine in machines]
        place = (letter,) if letter in spelt else tuple(map(tuple, passed))
        found.setdefault(place, (letter, passed))
    for letter in spelt:
        if (letter,) not in found:
            found[(letter,)] = letter, [[test(letter) for test in machine.tests] for machine in machines]
    return list(found.values())


_Place = tuple[tuple[frozenset[int], ...], str | None]
"""The states of each machine, and the text so far while some word begins with it."""


def _shortest(
    machines: Sequence[_Machine], alphabet: Sequence[tuple[str, list[list[bool]]]], words: set[str]
) -> list[str]:
    """A shortest text for each set of patterns that a text which is no word can fit."""
    beginnings = {word[:length] for word in words for length in range(len(word) + 1)}
    start: _Place = tuple(machine.reached([0]) for machine in machines), ""
    texts = {start: ""}
    found: dict[tuple[bool, ...], str] = {}
    open_ = deque([start])
    while open_:
        states, spelt = state = open_.popleft()
        text = texts[state]
        if text not in words:
            fits = tuple(machine.end in here for machine, here in zip(machines, states, strict=True))
            found.setdefault(fits, text)
        for letter, passed in alphabet:
            after = tuple(
                machine.after(here, tests) for machine, here, tests in zip(machines, states, passed, strict=True)
            )
            # a text that no word begins with is like any other such text
            further: _Place = after, spelt + letter if spelt is not None and spelt + letter in beginnings else None
            if further not in texts:
                if len(texts) > MOST:
                    raise _NotUnderstood
                texts[further] = text + letter
                open_.append(further)
    return list(found.values())
