"""The YAML reader: what is typed, what is refused, and where things stand."""

from __future__ import annotations

import json
import tempfile
from collections.abc import Iterator
from pathlib import Path
from typing import Annotated

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from pydantic import BaseModel, ConfigDict, Discriminator, Tag

from interlock.graphs.cards import ReasonCard, RouteCard
from interlock.graphs.catalogue.codes import CODES
from interlock.policies.language import Policy
from interlock.source import (
    MAX_BYTES,
    Document,
    Finding,
    Loc,
    Mark,
    SourceError,
    parse_document,
    read_document,
    render,
    validate,
)
from interlock.source.reader import MAX_LEVELS
from interlock.source.rendering import FORBIDDEN


def data(text: str) -> object:
    return parse_document(text, "f.yaml").data


def read(source: str | Path) -> tuple[Document | None, list[Finding]]:
    """The document, or why there is none; any other failure is one of the reader."""
    try:
        return (parse_document(source, "f.yaml") if isinstance(source, str) else read_document(source)), []
    except SourceError as error:
        return None, error.findings


def test_only_plain_scalars_are_typed() -> None:
    """Whole and decimal numbers, true, false and null are typed; all else stays the text that was written."""
    text = "{a: 1, b: -2.50, c: true, d: false, e: null, f: , g: '1', h: \"true\"}"
    assert data(text) == {"a": 1, "b": -2.5, "c": True, "d": False, "e": None, "f": None, "g": "1", "h": "true"}


@pytest.mark.parametrize(
    "word", ["on", "off", "yes", "no", "True", "NULL", "~", "12:30", "1_000", "0x1F", "007", "+1", "1e3", ".inf",
             "2024-01-01", "=", "1.", ".5"],
)  # fmt: skip
def test_other_words_stay_text(word: str) -> None:
    """YAML 1.1's surprises are not read."""
    assert data(f"a: {word}") == {"a": word}


def test_such_words_stay_text_as_keys_too() -> None:
    """`on` is the key of an edge, not the value true."""
    assert data("{on: 1, off: 2, yes: 3, no: 4, 12:30: 5, 'true': 6}") == {
        "on": 1, "off": 2, "yes": 3, "no": 4, "12:30": 5, "true": 6,
    }  # fmt: skip


def test_the_limits_are_where_they_are_said_to_be(tmp_path: Path) -> None:
    """50 levels and 1,000,000 bytes are read; one more is refused."""
    assert data("a: " + "[" * (MAX_LEVELS - 1) + "]" * (MAX_LEVELS - 1))
    with pytest.raises(SourceError, match="Y014"):
        data("a: " + "[" * MAX_LEVELS + "]" * MAX_LEVELS)
    (tmp_path / "full.yaml").write_text("a: " + "x" * (MAX_BYTES - 3))
    assert read_document(tmp_path / "full.yaml").data["a"].startswith("xx")
    (tmp_path / "full.yaml").write_text("a: " + "x" * (MAX_BYTES - 2))
    with pytest.raises(SourceError, match="Y002"):
        read_document(tmp_path / "full.yaml")


@pytest.mark.parametrize(
    ("text", "code", "line", "column"),
    [
        ("a: 1\nb: 2\na: 3\n", "Y009", 3, 1),
        ("a: {b: 1, b: 2}\n", "Y009", 1, 11),
        ("a: &x 1\n", "Y010", 1, 4),
        ("a: *x\n", "Y010", 1, 4),
        ("a: !!str 1\n", "Y011", 1, 4),
        ("a: !!python/object:os.system {}\n", "Y011", 1, 4),
        ("a:\n  <<: {b: 1}\n", "Y012", 2, 3),
        ("1: a\n", "Y013", 1, 1),
        ("true: a\n", "Y013", 1, 1),
        ("? [a]\n: 1\n", "Y013", 1, 3),
        ("a: 1\n---\nb: 1\n", "Y007", 2, 1),
        ("", "Y006", 1, 1),
        ("# nothing\n", "Y006", 1, 1),
        ("- a\n", "Y008", 1, 1),
        ("word\n", "Y008", 1, 1),
        ("a: " + "[" * 60 + "]" * 60, "Y014", 1, 53),
        ("a: 1234567890123456\n", "Y015", 1, 4),
        ("a: x\x00\n", "Y004", 1, 5),
        ('a: "\\0"\n', "Y004", 1, 4),
        ("a: \u202e\n", "Y004", 1, 4),
        ("a: [1\nb: 2\n", "Y005", 2, 2),
        ("a:\n\tb: 1\n", "Y005", 2, 1),
    ],
)
def test_what_two_readers_could_read_differently_is_refused(text: str, code: str, line: int, column: int) -> None:
    """Each refusal has its code and place."""
    with pytest.raises(SourceError) as refused:
        data(text)
    finding = refused.value.findings[0]
    assert (finding.code, finding.line, finding.column) == (code, line, column)


def test_large_and_foreign_files_are_refused(tmp_path: Path) -> None:
    """A file is at most 1 MB of UTF-8, and it is there."""
    (tmp_path / "big.yaml").write_text("a: " + "x" * MAX_BYTES)
    (tmp_path / "latin.yaml").write_bytes("a: 1\nb: grün\n".encode("latin-1"))
    (tmp_path / "marked.yaml").write_bytes(b"\xef\xbb\xbfa: 1\r\nb: 2\r\n")
    codes = []
    for name in ("big", "latin", "missing"):
        with pytest.raises(SourceError) as refused:
            read_document(tmp_path / f"{name}.yaml")
        codes.append(tuple(refused.value.findings[0].model_dump(include={"code", "line", "column"}).values()))
    assert codes == [("Y002", 1, 1), ("Y003", 2, 6), ("Y001", 1, 1)]
    assert read_document(tmp_path / "marked.yaml").data == {"a": 1, "b": 2}


PIECES = st.sampled_from(
    ["a", "on", "1", ": ", ":", "- ", "-", "\n", "\n  ", "  ", "[", "]", "{", "}", ", ", "&a ", "*a", "!t ", "!!str ",
     "|", ">", "|2-", "'", '"', "#", " #", "? ", "<<", "---", "...", "%YAML 1.1", "\t",
     "\\", "\\x0a", "é", "漢", "\U0001f600",
     "\r", "\r\n", "\x00", "\x85", "\u2028", "\ufeff", "@", "`", "$.a", "null", "12345678901234567", "= ", "~"]
)  # fmt: skip


@given(st.text(max_size=200) | st.lists(PIECES, max_size=40).map("".join))
@settings(max_examples=1500, deadline=None)
def test_any_text_is_read_or_refused(text: str) -> None:
    """No text makes the reader fail in another way, and every place lies in the file."""
    lines = text.replace("\r\n", "\n").replace("\r", "\n").split("\n")
    document, findings = read(text)
    spans = document.spans.values() if document else ()
    marks = [mark for span in spans for mark in (span.value, span.key or span.value)]
    for finding in findings:
        assert finding.code in CODES
        marks.append(Mark(finding.line, finding.column, finding.length))
    assert marks
    for mark in marks:
        assert 1 <= mark.line <= len(lines)
        assert 1 <= mark.column <= len(lines[mark.line - 1]) + 1
        assert mark.length >= 1


@given(st.binary(max_size=200))
@settings(deadline=None)
def test_any_bytes_are_read_or_refused(raw: bytes) -> None:
    """A file of any bytes is read or refused, whatever it is."""
    with tempfile.TemporaryDirectory() as folder:
        path = Path(folder) / "f.yaml"
        path.write_bytes(raw)
        document, findings = read(path)
    assert [finding.code[0] for finding in findings] == ([] if document else ["Y"])


BOMBS = {
    "laughs": "a: &a [x]\n" + "".join(f"b{n}: &b{n} [*a, *a, *a, *a]\n" for n in range(2000)),
    "lists": "a: " + "[" * 900_000,
    "closed lists": "a: " + "[" * 450_000 + "]" * 450_000,
    "braces": "a: " + "{" * 900_000,
    "dashes": "a:\n  " + "- " * 450_000,
    "questions": "? " * 450_000,
    "mappings": "".join("  " * n + "a:\n" for n in range(900)),
    "keys": "".join(f"k{n}: {n}\n" for n in range(60_000)),
    "same keys": "k: 1\n" * 150_000,
    "long key": "k" * 900_000 + ": 1\n",
    "long word": "k: " + "w" * 900_000,
    "quote": 'k: "' + "\\" * 900_000,
    "escapes": 'k: "' + "\\n" * 400_000 + '"',
    "lines": "\n" * 900_000 + "k: 1",
    "folded": "k: >\n" + "  w\n\n" * 190_000,
    "comments": "#" * 900_000 + "\nk: 1",
    "anchors": "k: " + "&a " * 300_000,
    "tags": "k: " + "!" * 900_000,
    "directives": "%YAML 1.1\n" * 80_000 + "--- {}",
    "documents": "---\n" * 200_000,
    "commas": "k: [" + "," * 900_000,
    "items": "k: [" + "1, " * 290_000 + "1]",
    "digits": "k: " + "9" * 900_000,
    "wide": "k: " + "漢" * 300_000,
}


@pytest.mark.timeout(30)
@pytest.mark.parametrize("name", BOMBS)
def test_a_bomb_is_read_or_refused_at_once(name: str) -> None:
    """Files made to exhaust a reader, each just below 1 MB, are over in seconds; nothing unfolds."""
    assert len(BOMBS[name].encode()) < MAX_BYTES
    document, findings = read(BOMBS[name])
    assert all(finding.code in CODES for finding in findings)
    assert len(render(findings)) < 1000
    if document is not None:
        assert len(json.dumps(document.data, ensure_ascii=False).encode()) < 2 * MAX_BYTES


WORDS = st.text(st.characters(exclude_categories=("Cs",)), max_size=20).filter(lambda text: not FORBIDDEN.search(text))
VALUES = st.recursive(
    st.none() | st.booleans() | st.integers(-(10**15) + 1, 10**15 - 1) | WORDS,
    lambda inner: st.lists(inner, max_size=4) | st.dictionaries(WORDS, inner, max_size=4),
    max_leaves=15,
)


def leaves(value: object, at: Loc = ()) -> Iterator[tuple[Loc, object]]:
    if isinstance(value, dict):
        for key, inner in value.items():
            yield from leaves(inner, (*at, key))
    elif isinstance(value, list):
        for index, inner in enumerate(value):
            yield from leaves(inner, (*at, index))
    else:
        yield at, value


@given(st.dictionaries(WORDS, VALUES, min_size=1, max_size=4), st.sampled_from([None, 2]))
@settings(deadline=None)
def test_json_is_read_as_what_it_is(data: dict[str, object], indent: int | None) -> None:
    """JSON text without fractions reads as the same data, and every value stands where its mark says."""
    document = parse_document(json.dumps(data, ensure_ascii=False, indent=indent), "f.yaml")
    assert document.data == data
    for loc, value in leaves(data):
        line, column, length = document.mark(loc)
        written = json.dumps(value, ensure_ascii=False)
        assert document.lines[line - 1][column - 1 : column - 1 + length] == written


TEXT = """name: START -> polish
list: [one, 'two three', "four"]
block: |
  first $line
    second $word
empty:
"""


def test_marks_point_at_values_keys_and_parts() -> None:
    """Positions count characters from 1; what does not exist is placed at its nearest parent."""
    document = parse_document(TEXT, "f.yaml")
    assert document.mark(("name",)) == Mark(1, 7, 15)
    assert document.mark(("name",), key=True) == Mark(1, 1, 4)
    assert document.mark(("list", 1)) == Mark(2, 13, 11)
    assert document.mark(("list", 9)) == Mark(2, 1, 4)
    assert document.mark(("name", "eq")) == Mark(1, 7, 15)
    assert document.within(("name",), 9, 6) == Mark(1, 16, 6)
    assert document.within(("list", 1), 4, 5) == Mark(2, 18, 5)
    start = str(document.data["block"]).index("$word")
    assert document.within(("block",), start, 5) == Mark(5, 12, 5)


def test_rendered_findings_show_the_place() -> None:
    """File, line and column, the source line, carets under the span, the hint, and the path."""
    document = parse_document(TEXT, "graphs/f.yaml")
    finding = document.finding(
        "G020",
        "edge goes to unknown step `polish`",
        document.within(("name",), 9, 6),
        hint="did you mean `polished`?",
        path=["START", "polish"],
    )
    assert render([finding], [document]).splitlines() == [
        "error[G020]: edge goes to unknown step `polish`",
        "  --> graphs/f.yaml:1:16",
        "  |",
        "1 | name: START -> polish",
        "  |                ^^^^^^ did you mean `polished`?",
        "  = path: START -> polish",
    ]


def test_rendering_shows_no_control_characters() -> None:
    """A refused character is shown as a mark: a terminal must not obey it."""
    with pytest.raises(SourceError) as refused:
        data("a: x\x1b[2Jy\n")
    assert "\x1b" not in refused.value.message
    assert "1 | a: x\ufffd[2Jy" in refused.value.message


def test_validation_places_each_fault() -> None:
    """Unknown keys point at the key and name the close one; one branch of a union is reported, not all."""
    text = "policy: a\nversion: x\naply_to: []\nrules:\n  - {id: r, then: {approve: {count: 0}}, because: b}\n"
    document = parse_document(text, "p.yaml")
    model, findings = validate(Policy, document, "P")
    assert model is None
    assert [(f.code, f.line, f.column, f.hint) for f in findings] == [
        ("P003", 2, 10, None),
        ("P001", 3, 1, "did you mean `applies_to`?"),
        ("P003", 5, 37, None),
    ]


@pytest.mark.parametrize(
    ("text", "says", "hint"),
    [
        ("policy: a\nversion: x\n", "`version` should be a whole number", None),
        ("policy: a\nversion: 1\ninputs: {n: {type: integer}}\n", "or 'provenance'", "did you mean `int`?"),
        (
            "policy: a\nversion: 1\nrules:\n  - {id: r, then: aprove, because: b}\n",
            "`then` should be 'auto' or 'deny', or a mapping",
            None,
        ),
    ],
)
def test_a_wrong_value_says_what_fits(text: str, says: str, hint: str | None) -> None:
    """A word for a number, a misspelt word, and a word where a mapping may stand too."""
    model, [finding] = validate(Policy, parse_document(text, "p.yaml"), "P")
    assert model is None
    assert finding.message.endswith(says)
    assert finding.hint == hint


def test_a_type_in_the_place_of_a_schema_is_understood() -> None:
    """`{text: string}` where a schema belongs, and too few labels, each with what to write."""
    card = "node: a\nkind: reason\ngoal: b\nprompt: c\noutput: {text: string}\n"
    _, [finding] = validate(ReasonCard, parse_document(card, "c.yaml"), "N")
    assert (finding.line, finding.column, finding.hint) == (5, 16, "write `{type: string}`")
    card = "node: a\nkind: route\ngoal: b\nlabels: {one: c}\n"
    _, [finding] = validate(RouteCard, parse_document(card, "c.yaml"), "N")
    assert finding.message == "`labels` needs at least 2 entries, has 1"


def test_a_misspelt_key_is_not_also_missing() -> None:
    """The required key that was meant is not reported a second time; another missing one is."""
    document = parse_document("polcy: a\n", "p.yaml")
    _, findings = validate(Policy, document, "P")
    assert sorted((f.code, f.message) for f in findings) == [
        ("P001", "unknown key `polcy`"),
        ("P002", "the key `version` is missing"),
    ]


class Tagged(BaseModel):
    """One of two forms; pydantic names the form in the place of an error, and here as one of its keys."""

    model_config = ConfigDict(extra="forbid")
    event: str
    within: int = 1


class Other(BaseModel):
    model_config = ConfigDict(extra="forbid")
    until: str


class Waiting(BaseModel):
    wait: Annotated[
        Annotated[Tagged, Tag("event")] | Annotated[Other, Tag("until")],
        Discriminator(lambda value: "until" if "until" in value else "event"),
    ]


@pytest.mark.parametrize(
    ("text", "found"),
    [
        ("wait: {evnt: paid}", [("G001", 8, "did you mean `event`?")]),
        ("wait: {event: paid, within: soon}", [("G003", 29, None)]),
        ("wait: {event: paid, withn: 3}", [("G001", 21, "did you mean `within`?")]),
        ("wait: {within: 3}", [("G002", 1, None)]),
        ("wait: {event: 3}", [("G003", 15, None)]),
    ],
)
def test_a_form_named_like_a_key_is_no_key(text: str, found: list[tuple[str, int, str | None]]) -> None:
    """Faults inside one form of several stand at the key or value that is meant."""
    _, findings = validate(Waiting, parse_document(text, "f.yaml"), "G")
    assert [(finding.code, finding.column, finding.hint) for finding in findings] == found


class Tree(BaseModel):
    model_config = ConfigDict(extra="forbid")
    a: Tree | None = None
    b: Tree | None = None


@pytest.mark.timeout(30)
def test_a_fault_deep_in_like_names_is_found() -> None:
    """The place of a fault is found however often the keys above it repeat."""
    text = "{a: " * 40 + "{c: 1}" + "}" * 40
    _, findings = validate(Tree, parse_document(text, "f.yaml"), "G")
    assert [(finding.code, finding.column) for finding in findings] == [("G001", 4 * 40 + 2)]
