"""A file as it was read: its data, and where each value stands in the text."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass, field
from functools import cached_property
from typing import Any, Literal

from interlock.errors import ProjectError
from interlock.source.finding import Finding, Loc, Mark
from interlock.source.rendering import render

MAX_MESSAGE = 400
"""Of a longer message the middle is left out, in characters."""


class SourceError(ProjectError):
    """The project's files have faults; `findings` holds each with its place."""

    def __init__(self, findings: Iterable[Finding], documents: Iterable[Document] = ()) -> None:
        self.findings = list(findings)
        super().__init__(render(self.findings, documents))


@dataclass(frozen=True)
class Span:
    value: Mark
    key: Mark | None = None
    style: str | None = None


@dataclass(frozen=True)
class Document:
    """One file: its text, its data as JSON types, and where each value stands."""

    file: str
    text: str
    data: dict[str, Any]
    spans: dict[Loc, Span] = field(repr=False, default_factory=dict)

    @cached_property
    def lines(self) -> list[str]:
        return self.text.split("\n")

    def mark(self, loc: Loc = (), key: bool = False) -> Mark:
        """The span of the value at `loc` (of its key with `key=True`), else of its nearest parent."""
        while loc not in self.spans and loc:
            loc = loc[:-1]
            key = isinstance(self.at(loc), dict | list)  # a plain value in place of a mapping is meant itself
        span = self.spans.get(loc)
        if span is None:
            return Mark(1, 1, 1)
        return span.key or span.value if key else span.value

    def within(self, loc: Loc, start: int, length: int) -> Mark:
        """The span of `length` characters at offset `start` of the text value at `loc`.

        Falls back to the whole value where the text is folded or escaped in the file.
        """
        span, value = self.spans.get(loc), self.at(loc)
        if span is None or not isinstance(value, str):
            return self.mark(loc)
        line, column = span.value.line, span.value.column - 1
        wanted = value[start : start + length]
        if span.style == "|":
            before = value[:start].split("\n")
            line += len(before)
            source = self.lines[line - 1] if line <= len(self.lines) else ""
            column = len(source) - len(value.split("\n")[len(before) - 1])
            start = len(before[-1])
        elif span.style in ("'", '"'):
            column += 1
        source = self.lines[line - 1] if line <= len(self.lines) else ""
        if column < 0 or source[column + start : column + start + length] != wanted:
            return span.value
        return Mark(line, column + start + 1, max(length, 1))

    def at(self, loc: Loc) -> Any:
        """The value at `loc`, or None."""
        found: Any = self.data
        for part in loc:
            try:
                found = found[part] if type(found) in (dict, list) else None
            except (KeyError, IndexError, TypeError):
                return None
        return found

    def finding(
        self, code: str, message: str, at: Loc | Mark = (), *, key: bool = False, hint: str | None = None,
        severity: Literal["error", "warning"] = "error", path: Iterable[str] = (),
    ) -> Finding:  # fmt: skip
        """A finding about the value at `at`."""
        mark = at if isinstance(at, Mark) else self.mark(at, key)
        if len(message) > MAX_MESSAGE:  # it quotes the file, which may hold a name of any length
            message = f"{message[: MAX_MESSAGE - 41]} … {message[-38:]}"
        return Finding(
            code=code, severity=severity, message=message, file=self.file, hint=hint, path=list(path), **mark._asdict()
        )
