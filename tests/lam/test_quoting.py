"""Where a value stands that a model wrote."""

from __future__ import annotations

from time import process_time
from typing import Any

import pytest

from interlock.lam.candidates import reproduce
from interlock.lam.parameters import Parameter, read_parameters
from interlock.lam.protocol import ActionSchema, Observation
from interlock.lam.quoting import invented, quote, stands_nowhere

SCHEMA = ActionSchema(
    name="deliver",
    description="",
    parameters={
        "type": "object",
        "properties": {
            "to": {"type": "string", "format": "email"},
            "when": {"type": "string"},
            "day": {"type": "string", "format": "date"},
            "count": {"type": "integer", "default": 12},
            "tags": {"type": "array", "items": {"type": "string"}},
            "tone": {"type": "string", "enum": ["warm", "cold"]},
            "urgent": {"type": "boolean"},
            "address": {"type": "object", "properties": {"city": {"type": "string"}}},
            "rows": {"type": "array", "items": {"type": "object", "properties": {"name": {"type": "string"}}}},
            "free": {"type": "object"},
        },
    },
)
SEEN = Observation(
    sources={
        "note": "anna@x.example likes figs; Rome",
        "request": "Write to anna@x.example on 4 March 2026: twenty-five apples, pears and figs, to Rome or 東京へ, "
        "1,250.50 warm, points 3 4.5 15.5, wrap 'A. Smith & Co.' twice.",
    },
    today="2026-01-01",
)


def parameter(name: str) -> Parameter:
    return next(one for one in read_parameters(SCHEMA) if one.name == name)


@pytest.mark.parametrize(
    ("name", "value", "text", "rule"),
    [
        ("to", "anna@x.example", "anna@x.example", "verbatim"),
        ("when", "4 March 2026", "4 March 2026", "verbatim"),
        ("when", "2026-03-04", "4 March 2026", "written_date"),
        ("when", "A. Smith & Co.", "A. Smith & Co.", "verbatim"),
        ("day", "2026-03-04", "4 March 2026", "written_date"),
        ("count", 25, "twenty-five", "number_words"),
        ("tags", ["apples", "pears", "figs"], "apples, pears and figs", "list"),
        ("rows[].name", ["apples", "pears", "figs"], "apples, pears and figs", "list"),
        ("tone", "warm", "warm", "option"),
        ("address.city", "東京", "東京", "verbatim"),
    ],
)
def test_a_value_is_found_where_it_stands(name: str, value: Any, text: str, rule: str) -> None:
    """A literal copy, or characters that a named rule reads as the value; the request comes before other texts."""
    evidence = quote(parameter(name), value, SEEN)
    assert evidence is not None
    assert (evidence.source, evidence.text, evidence.normaliser) == ("request", text, rule)
    assert reproduce(parameter(name), evidence, SEEN.sources, SEEN.today) == value
    assert not invented(parameter(name), value, SEEN)


@pytest.mark.parametrize(
    ("name", "value"),
    [
        ("to", "nna@x.example"),  # part of a word
        ("to", "bob@x.example"),
        ("when", "Rom"),
        ("when", "5.5"),  # part of a number
        ("when", "4 march 2026"),  # other letters
        ("when", ""),
        ("day", "2026-03-05"),
        ("count", 26),
        ("count", 250),  # part of 1,250.50
        ("tags", ["apples", "kiwis"]),
        ("address.city", "Paris"),
        ("free", {"city": "Paris"}),
        ("free", {"kiwis": "Rome"}),
        ("free", [["Rome", {"figs": "Paris"}]]),
    ],
)
def test_a_value_that_stands_nowhere_is_invented(name: str, value: Any) -> None:
    """One wrong letter, a piece of a word or of a number, or one part of a list or an object are enough."""
    assert quote(parameter(name), value, SEEN) is None
    assert invented(parameter(name), value, SEEN)


@pytest.mark.parametrize(
    ("name", "value"),
    [
        ("tone", "cold"),
        ("urgent", True),
        ("count", 12),
        ("tags", ["figs", "apples"]),
        ("free", {"figs": ["Rome", 3, 4.5]}),
        ("tags", []),
        ("when", None),
    ],
)
def test_what_is_chosen_or_put_together_is_not_invented(name: str, value: Any) -> None:
    """Options, truth values and defaults come from the schema; parts may stand apart from one another."""
    assert quote(parameter(name), value, SEEN) is None
    assert not invented(parameter(name), value, SEEN)


def test_what_a_schema_lists_deep_inside_is_listed_there_only() -> None:
    """An option of a part of an object in a list is no invention; in another part, or not listed, it is."""
    part = {
        "type": "object",
        "properties": {"unit": {"type": "string", "enum": ["kg", "lb"]}, "of": {"type": "string"}},
    }
    rows = Parameter("rows", "", "unsupported", required=True, schema={"type": "array", "items": part})
    assert not invented(rows, [{"unit": "kg", "of": "figs"}, {"unit": "lb"}], SEEN)
    assert invented(rows, [{"unit": "oz"}], SEEN)
    assert invented(rows, [{"of": "kg"}], SEEN)


def test_parts_without_a_parameter_are_looked_for_as_texts_and_numbers() -> None:
    """What no parameter describes is still held to the context."""
    assert not stands_nowhere("Rome", SEEN)
    assert not stands_nowhere(25, SEEN)
    assert stands_nowhere("Paris", SEEN)
    assert stands_nowhere(26, SEEN)


def test_a_very_long_text_is_searched_in_a_moment() -> None:
    """A megabyte is searched for a literal copy to its end; rules look at its beginning only."""
    long = Observation(sources={"request": "Pay 12.50 to anna, bob and anna on 4 March. " * 25_000 + "Say zebra."})
    begun = process_time()
    found = quote(parameter("when"), "zebra", long)
    assert found is not None
    assert found.text == "zebra"
    assert quote(parameter("count"), 77, long) is None
    assert quote(parameter("tags"), ["anna", "kiwi"], long) is None
    assert process_time() - begun < 5
