"""JSON of others is read in one way or not at all."""

from __future__ import annotations

import json
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from interlock.lam.strict_json import DEEPEST, NotStrict, leaves, read_strictly

TEXTS = st.text(st.characters(exclude_categories=["Cs"]))
NUMBERS = st.integers(-(10**30), 10**30) | st.floats(allow_nan=False, allow_infinity=False)
VALUES = st.recursive(
    st.none() | st.booleans() | NUMBERS | TEXTS,
    lambda inner: st.lists(inner, max_size=4) | st.dictionaries(TEXTS, inner, max_size=4),
    max_leaves=12,
)  # fmt: skip


@given(VALUES, st.sampled_from([None, 1]), st.booleans())
def test_what_json_writes_is_read_as_it_was(value: Any, indent: int | None, ascii_only: bool) -> None:
    """Every value comes back, however it is spaced and escaped, and stands where it says."""
    text = json.dumps(value, indent=indent, ensure_ascii=ascii_only)
    part = read_strictly(f" {text}\n")
    assert part.value == value
    assert (part.start, part.end) == (1, 1 + len(text))


@given(VALUES)
def test_each_part_stands_where_it_says(value: Any) -> None:
    """The characters of a part, read alone, give the same part."""
    text = json.dumps({"a": [value, 1]}, ensure_ascii=False)
    inner = read_strictly(text).parts["a"].items[0]
    assert read_strictly(text[inner.start : inner.end]).value == value


@pytest.mark.parametrize(
    ("text", "said"),
    [
        ("", "ends too early"),
        ("{", "lacks a key"),
        ('{"a": 1', "',' is missing"),
        ('{"a": 1} {', "follows the value"),
        ('{"a": 1, "a": 2}', "'a' stands twice"),
        ('{"a": {"b": 1, "b": 1}}', "'b' stands twice"),
        ('{"a": 1, "\\u0061": 2}', "'a' stands twice"),
        ("NaN", "no JSON value"),
        ("-Infinity", "no JSON value"),
        ("1e999", "not finite"),
        ("01", "no JSON value"),
        ("1.", "no JSON value"),
        (".5", "no JSON value"),
        ("9" * 5000, "no JSON value"),
        ("[1,]", "no JSON value"),
        ('"a\nb"', "must be escaped"),
        ('"\\ud83d"', "no Unicode text"),
        ('"abc', "does not end"),
        ("'a'", "no JSON value"),
        ("１", "no JSON value"),  # noqa: RUF001  # a digit that is none of JSON's
        ("\u00a01", "no JSON value"),
        ("True", "no JSON value"),
        ("[" * (DEEPEST + 2) + "]" * (DEEPEST + 2), "nested deeper"),
        ("[" * 100_000, "nested deeper"),
    ],
)
def test_what_can_be_read_in_two_ways_is_refused(text: str, said: str) -> None:
    """Each refusal says what is wrong."""
    with pytest.raises(NotStrict, match=said):
        read_strictly(text)


def test_leaves_have_dotted_paths() -> None:
    """Names of objects and places in lists make the path."""
    assert dict(leaves({"a": {"b": 1}, "c": [2, {"d": None}], "e": []})) == {"a.b": 1, "c.0": 2, "c.1.d": None}
