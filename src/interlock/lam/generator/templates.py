"""Templates of requests: `(a|b|)` alternatives, `[...]` optional pieces, `{slot}` and `{slot#2}` values."""

from __future__ import annotations

import re
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from random import Random

_HOLE = re.compile(r"\{([\w.$&-]+)(?:#(\d+))?\}")


@dataclass(frozen=True)
class Hole:
    """Where a value is written; `number` tells which call it belongs to, 0 for all of them."""

    path: str
    number: int = 0


@dataclass(frozen=True)
class Choice:
    """One of several sequences."""

    options: tuple[tuple[Node, ...], ...]


@dataclass(frozen=True)
class Maybe:
    """A sequence that may be left out."""

    inside: tuple[Node, ...]
    holes: frozenset[str]


Node = str | Hole | Choice | Maybe


@dataclass(frozen=True)
class Template:
    """A parsed template."""

    text: str
    nodes: tuple[Node, ...]
    holes: frozenset[Hole]

    @property
    def paths(self) -> frozenset[str]:
        return frozenset(hole.path for hole in self.holes)

    @property
    def calls(self) -> int:
        """How many calls the template asks for."""
        return max(1, *(hole.number for hole in self.holes)) if self.holes else 1

    def pieces(self, random: Random, keep: Callable[[frozenset[str]], bool]) -> list[str | Hole]:
        """One way to say it.

        Args:
            keep: whether an optional piece with these slots is said.
        """
        made: list[str | Hole] = []
        _expand(self.nodes, random, keep, made)
        return made


def _expand(
    nodes: tuple[Node, ...], random: Random, keep: Callable[[frozenset[str]], bool], made: list[str | Hole]
) -> None:
    for node in nodes:
        if isinstance(node, Choice):
            _expand(random.choice(node.options), random, keep, made)
        elif isinstance(node, Maybe):
            if keep(node.holes):
                _expand(node.inside, random, keep, made)
        else:
            made.append(node)


def parse(text: str) -> Template:
    """A template as a tree.

    Raises:
        ValueError: brackets do not match; the message says which.
    """
    nodes, end = _sequence(text, 0, "")
    if end != len(text):
        raise ValueError(f"there is a {text[end]!r} too many in {text!r}")
    return Template(text, nodes, frozenset(_holes(nodes)))


def _holes(nodes: tuple[Node, ...]) -> Iterator[Hole]:
    for node in nodes:
        if isinstance(node, Hole):
            yield node
        elif isinstance(node, Choice):
            for option in node.options:
                yield from _holes(option)
        elif isinstance(node, Maybe):
            yield from _holes(node.inside)


def _sequence(text: str, place: int, closing: str) -> tuple[tuple[Node, ...], int]:
    nodes: list[Node] = []
    plain = ""
    while place < len(text):
        sign = text[place]
        if sign in closing or (sign in ")]" and not closing):
            break
        if sign == "{" and (match := _HOLE.match(text, place)):
            if plain:
                nodes.append(plain)
            plain = ""
            nodes.append(Hole(match[1], int(match[2] or 0)))
            place = match.end()
        elif sign in "([":
            if plain:
                nodes.append(plain)
            plain = ""
            made, place = _group(text, place)
            nodes += made
        else:
            plain += sign
            place += 1
    if plain:
        nodes.append(plain)
    return tuple(nodes), place


def _group(text: str, place: int) -> tuple[list[Node], int]:
    opened, begun = text[place], place
    closing = ")" if opened == "(" else "]"
    options: list[tuple[Node, ...]] = []
    while True:
        nodes, place = _sequence(text, place + 1, closing + ("|" if opened == "(" else ""))
        options.append(nodes)
        if place >= len(text):
            raise ValueError(f"the {opened!r} at {begun + 1} is not closed in {text!r}")
        if text[place] == closing:
            break
    if opened == "[":
        return [Maybe(options[0], frozenset(hole.path for hole in _holes(options[0])))], place + 1
    if len(options) == 1:  # parentheses that are meant
        return ["(", *options[0], ")"], place + 1
    return [Choice(tuple(options))], place + 1
