"""A strict reader of YAML that keeps the place of every value.

YAML is read as its plain core only.  Aliases, anchors, tags, merge keys, duplicate keys and several
documents are refused, because each has let two readers see two different files.  Of the plain scalars
only whole numbers, decimal numbers, `true`, `false` and `null` are typed; all others (`on`, `no`,
`12:30`, `0x1F`, `1_000`, `1e3`) stay the text that was written.
"""

from __future__ import annotations

import re
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import yaml

from interlock.digest import Json
from interlock.source.document import Document, SourceError, Span
from interlock.source.finding import Loc, Mark
from interlock.source.rendering import FORBIDDEN

MAX_BYTES = 1_000_000
MAX_LEVELS = 50
MAX_DIGITS = 15
"""A number with more significant digits would change on its way through JSON."""


_INT = re.compile(r"-?(0|[1-9][0-9]*)")
_FLOAT = re.compile(r"-?(0|[1-9][0-9]*)\.[0-9]+")
_WORDS: dict[str, Json] = {"true": True, "false": False, "null": None, "": None}
_PARSER = getattr(yaml, "CSafeLoader", yaml.SafeLoader)


def read_document(path: Path) -> Document:
    """Read one YAML file.

    Raises:
        SourceError: the file cannot be read or is not the plain YAML described above (codes Y001 to Y015).
    """
    try:
        size = path.stat().st_size
        raw = path.read_bytes() if size <= MAX_BYTES else b" " * (MAX_BYTES + 1)
    except OSError as error:
        raise _refuse(str(path), "", "Y001", f"the file cannot be read: {error.strerror}") from None
    if len(raw) > MAX_BYTES:
        raise _refuse(str(path), "", "Y002", f"the file is larger than {MAX_BYTES:,} bytes")
    try:
        text = raw.decode("utf-8-sig")
    except UnicodeDecodeError as error:
        line = raw[: error.start].count(b"\n") + 1
        column = len(raw[: error.start].rpartition(b"\n")[2].decode("utf-8", "replace")) + 1
        raise _refuse(str(path), "", "Y003", "the file is not UTF-8", Mark(line, column, 1)) from None
    return parse_document(text, str(path))


def parse_document(text: str, file: str) -> Document:
    """Read YAML text; `file` is the name that findings carry.

    Raises:
        SourceError: the text is not the plain YAML described above.
    """
    if len(text.encode("utf-8", "replace")) > MAX_BYTES:
        raise _refuse(file, "", "Y002", f"the file is larger than {MAX_BYTES:,} bytes")
    text = text.replace("\r\n", "\n").replace("\r", "\n")
    if bad := FORBIDDEN.search(text):
        raise _refuse(file, text, "Y004", _character(bad[0]), _offset(text, bad.start()))
    reader = _Reader(file, text)
    data = reader.read()
    return Document(file, text, data, reader.spans)


def _refuse(
    file: str, text: str, code: str, message: str, mark: Mark | None = None, hint: str | None = None
) -> SourceError:
    document = Document(file, text, {})
    return SourceError([document.finding(code, message, mark or (), hint=hint)], [document])


def _character(found: str) -> str:
    return f"the character U+{ord(found):04X} may not stand in a file, nor in an escape"


def _offset(text: str, start: int) -> Mark:
    return Mark(text.count("\n", 0, start) + 1, start - text.rfind("\n", 0, start), 1)


@dataclass
class _Open:
    """A collection whose end has not been read yet."""

    value: dict[str, Any] | list[Any]
    loc: Loc
    start: Mark
    key: str | None = None
    key_mark: Mark | None = None
    own_key: Mark | None = None


class _Reader:
    """Builds the data from parser events with a stack of its own, so deep nesting cannot exhaust Python's."""

    def __init__(self, file: str, text: str) -> None:
        self.file, self.text, self.lines = file, text, text.split("\n")
        self.spans: dict[Loc, Span] = {}
        self.stack: list[_Open] = []
        self.root: Any = None
        self.documents = 0

    def read(self) -> dict[str, Any]:
        parser = _PARSER(self.text)
        try:
            while parser.check_event():
                self._event(parser.get_event())
        except yaml.MarkedYAMLError as error:
            where = error.problem_mark or error.context_mark
            if where and error.context_mark and where.line >= len(self.text.rstrip().split("\n")):
                where = error.context_mark  # past the end: what was opened and not closed says more
            mark = Mark(where.line + 1, where.column + 1, 1) if where else Mark(1, 1, 1)
            mark = mark if mark.line <= len(self.lines) else Mark(len(self.lines), 1, 1)
            raise self._refuse("Y005", f"not YAML: {error.problem or error.context}", mark) from None
        except yaml.YAMLError as error:
            raise self._refuse("Y005", f"not YAML: {error}", Mark(1, 1, 1)) from None
        finally:
            parser.dispose()
        if self.documents == 0 or (self.root is None and () in self.spans):
            raise self._refuse("Y006", "the file is empty", Mark(1, 1, 1))
        if not isinstance(self.root, dict):
            raise self._refuse("Y008", "the file must hold a mapping of keys to values", self.spans[()].value)
        return self.root

    def _refuse(self, code: str, message: str, mark: Mark, hint: str | None = None) -> SourceError:
        return _refuse(self.file, self.text, code, message, mark, hint)

    def _mark(self, event: Any) -> Mark:
        start, end = event.start_mark, event.end_mark
        if start.line >= len(self.lines):  # a value left out at the end of the file
            return Mark(len(self.lines), len(self.lines[-1]) + 1, 1)
        line = self.lines[start.line]
        stop = end.column if end.line == start.line and end.column > start.column else len(line.rstrip())
        return Mark(start.line + 1, start.column + 1, max(stop - start.column, 1))

    def _event(self, event: Any) -> None:
        match event:
            case yaml.DocumentStartEvent():
                self.documents += 1
                if self.documents > 1:
                    raise self._refuse("Y007", "a file holds one document; this starts a second", self._mark(event))
            case yaml.AliasEvent():
                raise self._refuse("Y010", f"aliases such as `*{event.anchor}` are not read", self._mark(event))
            case yaml.ScalarEvent():
                self._plain(event)
                self._scalar(event)
            case yaml.CollectionStartEvent():
                self._plain(event)
                self._open(event)
            case yaml.CollectionEndEvent():
                self._close(event)

    def _plain(self, event: Any) -> None:
        if event.anchor is not None:
            raise self._refuse("Y010", f"anchors such as `&{event.anchor}` are not read", self._mark(event))
        if event.tag is not None:
            raise self._refuse("Y011", f"tags such as `{event.tag}` are not read", self._mark(event))

    def _scalar(self, event: Any) -> None:
        mark = self._mark(event)
        if bad := FORBIDDEN.search(event.value):
            raise self._refuse("Y004", _character(bad[0]), mark)
        plain = not event.style
        value = self._typed(event.value, mark) if plain else event.value
        top = self.stack[-1] if self.stack else None
        if top is not None and isinstance(top.value, dict) and top.key is None:
            if plain and event.value == "<<":
                raise self._refuse("Y012", "merge keys are not read", mark)
            if not isinstance(value, str):
                raise self._refuse("Y013", f"the key `{event.value}` is not text", mark, "put it in quotes")
            if value in top.value:
                first = self.spans[(*top.loc, value)].key
                raise self._refuse(
                    "Y009", f"the key `{value}` stands twice", mark, f"first on line {first.line}" if first else None
                )
            top.key, top.key_mark = value, mark
            return
        self._put(value, mark, event.style or None)

    def _typed(self, text: str, mark: Mark) -> Json:
        if text in _WORDS:
            return _WORDS[text]
        whole, decimal = _INT.fullmatch(text), _FLOAT.fullmatch(text)
        if not whole and not decimal:
            return text
        if len(text.lstrip("-").replace(".", "").lstrip("0")) > MAX_DIGITS:
            raise self._refuse(
                "Y015", f"a number has at most {MAX_DIGITS} digits", mark, "put it in quotes if it is text"
            )
        return int(text) if whole else float(text)

    def _put(self, value: Any, mark: Mark, style: str | None = None) -> Loc:
        """Place a value under the open collection and return its loc."""
        loc: Loc
        if not self.stack:
            self.root, loc, key = value, (), None
        else:
            top = self.stack[-1]
            if isinstance(top.value, list):
                loc, key = (*top.loc, len(top.value)), None
                top.value.append(value)
            else:
                assert top.key is not None
                loc, key = (*top.loc, top.key), top.key_mark
                top.value[top.key] = value
                top.key = None
        self.spans[loc] = Span(mark, key, style)
        return loc

    def _open(self, event: Any) -> None:
        mark = self._mark(event)
        if self.stack and isinstance(self.stack[-1].value, dict) and self.stack[-1].key is None:
            raise self._refuse("Y013", "a key is text, not a list or a mapping", mark)
        if len(self.stack) >= MAX_LEVELS:
            raise self._refuse("Y014", f"nested deeper than {MAX_LEVELS} levels", mark)
        value: dict[str, Any] | list[Any] = {} if isinstance(event, yaml.MappingStartEvent) else []
        loc = self._put(value, mark)
        self.stack.append(_Open(value, loc, mark))

    def _close(self, event: Any) -> None:
        done, end = self.stack.pop(), event.end_mark
        if end.line + 1 == done.start.line and end.column >= done.start.column:
            old = self.spans[done.loc]
            self.spans[done.loc] = Span(done.start._replace(length=end.column + 1 - done.start.column), old.key)
