"""Files people write: a strict YAML reader that keeps positions, and findings that point into the text.

YAML is read as its plain core only.  Aliases, anchors, tags, merge keys, duplicate keys and several
documents are refused, because each has let two readers see two different files.  Of the plain scalars
only whole numbers, decimal numbers, `true`, `false` and `null` are typed; all others (`on`, `no`,
`12:30`, `0x1F`, `1_000`, `1e3`) stay the text that was written.
"""

from __future__ import annotations

import json
import re
import unicodedata
from collections.abc import Iterable
from dataclasses import dataclass, field
from difflib import get_close_matches
from functools import cached_property
from pathlib import Path
from typing import Any, Literal, NamedTuple, TypeVar

import yaml
from pydantic import BaseModel, ConfigDict, ValidationError

from interlock.digest import Json
from interlock.errors import ProjectError

MAX_BYTES = 1_000_000
MAX_LEVELS = 50
MAX_DIGITS = 15
"""A number with more significant digits would change on its way through JSON."""

Loc = tuple[str | int, ...]
"""Where a value stands in a document: `("steps", "send", "reads", 0)`."""

_FORBIDDEN = re.compile(
    "[^\t\n\r\x20-\x7e\xa0-\ud7ff\ue000-\ufffd\U00010000-\U0010ffff]"
    "|[\u2028\u2029\u202a-\u202e\u2066-\u2069\ufeff]"  # line breaks of YAML 1.1 only; marks that reorder shown text
)
_INT = re.compile(r"-?(0|[1-9][0-9]*)")
_FLOAT = re.compile(r"-?(0|[1-9][0-9]*)\.[0-9]+")
_WORDS: dict[str, Json] = {"true": True, "false": False, "null": None, "": None}
_PARSER = getattr(yaml, "CSafeLoader", yaml.SafeLoader)


class Mark(NamedTuple):
    """A span in one line of a file; line and column count from 1, in characters."""

    line: int
    column: int
    length: int


class Finding(BaseModel):
    """One thing found in a file, with its stable code and place."""

    model_config = ConfigDict(frozen=True)

    code: str
    severity: Literal["error", "warning"] = "error"
    message: str
    file: str
    line: int = 1
    column: int = 1
    length: int = 1
    hint: str | None = None
    path: list[str] = []

    @property
    def fatal(self) -> bool:
        return self.severity == "error"


class SourceError(ProjectError):
    """The project's files have faults; `findings` holds each with its place."""

    def __init__(self, findings: Iterable[Finding], documents: Iterable[Document] = ()) -> None:
        self.findings = list(findings)
        super().__init__(render(self.findings, documents))


@dataclass(frozen=True)
class _Span:
    value: Mark
    key: Mark | None = None
    style: str | None = None


@dataclass(frozen=True)
class Document:
    """One file: its text, its data as JSON types, and where each value stands."""

    file: str
    text: str
    data: dict[str, Any]
    spans: dict[Loc, _Span] = field(repr=False, default_factory=dict)

    @cached_property
    def lines(self) -> list[str]:
        return _lines(self.text)

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
        return Finding(
            code=code, severity=severity, message=message, file=self.file, hint=hint, path=list(path), **mark._asdict()
        )


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
    if bad := _FORBIDDEN.search(text):
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


def _lines(text: str) -> list[str]:
    return text.split("\n")


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
        self.file, self.text, self.lines = file, text, _lines(text)
        self.spans: dict[Loc, _Span] = {}
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
        line = self.lines[start.line] if start.line < len(self.lines) else ""
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
        if bad := _FORBIDDEN.search(event.value):
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
        self.spans[loc] = _Span(mark, key, style)
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
            self.spans[done.loc] = _Span(done.start._replace(length=end.column + 1 - done.start.column), old.key)


def did_you_mean(word: str, known: Iterable[str]) -> str | None:
    """The known word closest to `word`, if one is close."""
    known = list(known)
    if same := [name for name in known if name.lower() == word.lower()]:
        return same[0]
    return next(iter(get_close_matches(word, known, n=1, cutoff=0.6)), None)


def hint_for(word: str, known: Iterable[str]) -> str | None:
    """A hint that names the closest known word, else the few that there are."""
    known = list(known)
    close = did_you_mean(word, known)
    if close:
        return f"did you mean `{close}`?"
    return f"one of {', '.join(f'`{name}`' for name in known)}" if 0 < len(known) <= 8 else None


M = TypeVar("M", bound=BaseModel)


def validate(model: type[M], document: Document, family: str, at: Loc = ()) -> tuple[M | None, list[Finding]]:
    """The value at `at` as `model`, or findings: `<family>001` unknown key, `002` missing key, `003` wrong value.

    Strict: the data goes through JSON, so text is no number and a number no text.
    """
    try:
        return model.model_validate_json(json.dumps(document.at(at))), []
    except ValidationError as error:
        return None, _findings(model, error, document, family, at)


def _findings(
    model: type[BaseModel], error: ValidationError, document: Document, family: str, at: Loc
) -> list[Finding]:
    kept: dict[Loc, Any] = {}
    for item in error.errors(include_url=False):
        loc = _walk(document, at, item["loc"])
        kept.setdefault((*loc, item["loc"][-1]) if item["type"] == "missing" else loc, item)
    # Of the branches of a union each reports; the one that got furthest into the value is the one meant.
    locs = [loc for loc in kept if not any(other[: len(loc)] == loc and other != loc for other in kept)]
    unknown = {loc: _known(model, kept[loc]["loc"]) for loc in locs if kept[loc]["type"] == "extra_forbidden"}
    meant = {(*loc[:-1], did_you_mean(str(loc[-1]), known)) for loc, known in unknown.items()}
    found = []
    for loc in locs:
        item = kept[loc]
        if item["type"] == "extra_forbidden":
            name = str(loc[-1])
            found.append(
                document.finding(
                    f"{family}001", f"unknown key `{name}`", loc, key=True, hint=hint_for(name, unknown[loc])
                )
            )
        elif item["type"] == "missing":
            if loc not in meant:
                found.append(document.finding(f"{family}002", f"the key `{loc[-1]}` is missing", loc[:-1], key=True))
        else:
            found.append(document.finding(f"{family}003", _sentence(item, loc), loc))
    return sorted(found, key=lambda finding: (finding.line, finding.column))


def _walk(document: Document, at: Loc, parts: tuple[str | int, ...]) -> Loc:
    """`parts` without the tags that pydantic adds for unions and functions: what the document has."""
    loc = at
    for part in parts:
        here = document.at(loc)
        if (isinstance(here, dict) and part in here) or (isinstance(here, list) and part in range(len(here))):
            loc = (*loc, part)
    return loc


def _known(model: type[BaseModel], parts: tuple[str | int, ...]) -> list[str]:
    """The keys that the object holding the unknown key may have."""
    schema: dict[str, Any] = model.model_json_schema()
    definitions = schema.get("$defs", {})

    def options(node: dict[str, Any]) -> list[dict[str, Any]]:
        if "$ref" in node:
            return options(definitions[node["$ref"].rsplit("/", 1)[-1]])
        nested = [option for key in ("anyOf", "oneOf", "allOf") for option in node.get(key, [])]
        return [node, *(found for option in nested for found in options(option))]

    here = options(schema)
    for part in parts[:-1]:
        nearer: list[dict[str, Any]] = []
        for node in here:
            inner = (
                node.get("items")
                if isinstance(part, int)
                else node.get("properties", {}).get(part, node.get("additionalProperties"))
            )
            if isinstance(inner, dict):
                nearer += options(inner)
        here = nearer or here
    return sorted({name for node in here for name in node.get("properties", {})})


def _sentence(item: Any, loc: Loc) -> str:
    named = [str(part) for part in loc if isinstance(part, str)]
    message = str(item["msg"]).removeprefix("Value error, ").replace("Input should be", "should be")
    message = re.sub(r"^String should", "the text should", message)
    if message.startswith("should"):
        message = (f"`{named[-1]}` " if named else "it ") + message
    return message[:1].lower() + message[1:]


def render(findings: Iterable[Finding], documents: Iterable[Document] = ()) -> str:
    """The findings as text, each with its source line and a caret under the place."""
    texts = {document.file: document.lines for document in documents}
    return "\n\n".join(_block(finding, texts) for finding in findings)


def _block(finding: Finding, texts: dict[str, list[str]]) -> str:
    if finding.file not in texts:
        try:
            texts[finding.file] = _lines(Path(finding.file).read_text("utf-8", "replace"))
        except OSError:
            texts[finding.file] = []
    lines = texts[finding.file]
    shown = [
        _shown(f"{finding.severity}[{finding.code}]: {' '.join(finding.message.split())}"),
        f"  --> {finding.file}:{finding.line}:{finding.column}",
    ]
    gutter = " " * len(str(finding.line))
    hint = f" {finding.hint}" if finding.hint else ""
    if 0 < finding.line <= len(lines) and lines[finding.line - 1].strip():
        line, start = _shown(lines[finding.line - 1].replace("\t", " ")), finding.column - 1
        left = max(0, start - 80)
        width = max(1, min(finding.length, len(line) - start, 60))
        visible = line[left : start + max(width, 100)]
        pad = sum(2 if unicodedata.east_asian_width(char) in "WF" else 1 for char in line[left:start])
        shown += [f"{gutter} |", f"{finding.line} | {visible}", f"{gutter} | {' ' * pad}{'^' * width}{hint}"]
    elif finding.hint:
        shown.append(f"{gutter} = hint: {finding.hint}")
    if finding.path:
        shown.append(f"{gutter} = path: {' -> '.join(finding.path)}")
    return "\n".join(shown)


def _shown(line: str) -> str:
    """Without what a terminal would obey instead of show."""
    return _FORBIDDEN.sub("\ufffd", line)
