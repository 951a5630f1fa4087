"""Mentions and normalisers: what is found in a text, and what value each rule reads."""

from __future__ import annotations

from typing import Any

import pytest

from interlock.lam.candidates import option_of, read_value, reproduce, typed_candidates
from interlock.lam.mentions import find_mentions
from interlock.lam.normalisers import RULES, first_rule
from interlock.lam.parameters import Parameter, faults, nest, read_parameters
from interlock.lam.protocol import ActionSchema

TODAY = "2026-03-04"  # a Wednesday


def parameter(**schema: Any) -> Parameter:
    """The one parameter, called `x`, of an action with that schema."""
    described = {"description": schema.pop("about", ""), **schema}
    return read_parameters(ActionSchema(name="t", description="", parameters={"properties": {"x": described}}))[0]


@pytest.mark.parametrize(
    ("text", "kind", "expected"),
    [
        ("write to anna.b+x@mail.example.org.", "email", ["anna.b+x@mail.example.org"]),
        ("on 3 March 2026, or March 4th, or 2026-05-06", "date", ["3 March 2026", "March 4th", "2026-05-06"]),
        ("tomorrow, next Friday, in two weeks", "date", ["tomorrow", "next Friday", "in two weeks"]),
        (
            "at 15:30, 3.30pm or half past three in the afternoon",
            "time",
            ["15:30", "3.30pm", "half past three in the afternoon"],
        ),
        ("for an hour and a half or 90 min", "duration", ["an hour and a half", "90 min"]),
        ("€1,250.50 and two hundred and fifty dollars", "number", ["1,250.50", "two hundred and fifty"]),
        ("€1,250.50 and fifty dollars", "currency", ["€", "dollars"]),
        ("invoice INV-2041 and C-88", "id", ["INV-2041", "C-88"]),
        ("say \"it's 5\" or 'yes sir'", "quoted", ["it's 5", "yes sir"]),
        ("15 % off", "percent", ["15 %"]),
        ("5kg at 10m/s and -30\u00b0C, b=-3, 3/4, 6.02e23", "number", ["5", "10", "-30", "-3", "3/4", "6.02e23"]),
        (
            "half a million, 5k, $1.2 million, twelve dozen",
            "number",
            ["half a million", "5k", "1.2 million", "twelve dozen"],
        ),
        ("1,3,4,6 and 1,250,000; 192.168.1.1", "number", ["1", "3", "4", "6", "1,250,000"]),
        ("from 10-20 people in 2020-2021", "number", ["10", "20", "2020", "2021"]),
        ("of [1, 2.5], (3, 4) and [[1,2],[3,4]]", "vector", ["[1, 2.5]", "(3, 4)", "[[1,2],[3,4]]"]),
        ("scored 20 points, 30 points and 40 points", "series", ["20 points, 30 points and 40"]),
        ("rates of 1%, 2% and 3%", "series", ["1%, 2% and 3%"]),
        ("a flat in Portland, Oregon for Ann Lee", "place", ["Portland, Oregon"]),
        ("Find Ann Lee of Paris", "name", ["Ann Lee of Paris"]),
        ("call +44 20 7946 0958 or (415) 555-2671", "phone", ["+44 20 7946 0958", "(415) 555-2671"]),
        ("of f(x) = 3x^2 + 2x - 1 at 4", "expression", ["3x^2 + 2x - 1"]),
        ("the 5th and the third", "ordinal", ["5th", "third"]),
        ("40 km or 3 miles", "unit", ["km", "miles"]),
    ],
)
def test_mentions_are_found_where_they_stand(text: str, kind: str, expected: list[str]) -> None:
    """Each kind of mention is found with its exact characters."""
    assert [text[m.start : m.end] for m in find_mentions(text) if m.kind == kind] == expected


def test_a_number_inside_a_date_time_or_address_is_no_number() -> None:
    """Parts of other mentions are not offered as numbers."""
    text = "at 15:30 on 3 March 2026 to a1@b2.org about INV-77"
    assert [m for m in find_mentions(text) if m.kind == "number"] == []


@pytest.mark.parametrize(
    ("rule", "text", "value"),
    [
        ("number", "49.90", 49.9),
        ("number", "50.00", 50),
        ("thousands", "1,250.50", 1250.5),
        ("thousands", "1.250,50", 1250.5),
        ("thousands", "49,90", 49.9),
        ("number_words", "two hundred and fifty", 250),
        ("number_words", "twenty-five", 25),
        ("number_words", "twelve hundred", 1200),
        ("number_words", "one two", None),
        ("scaled", "2k", 2000),
        ("scaled", "1.5 million", 1_500_000),
        ("percent", "15 %", 15),
        ("number", ".5", 0.5),
        ("number_words", "minus three", -3),
        ("number_words", "two point five", 2.5),
        ("scaled", "half a million", 500_000),
        ("scaled", "3 dozen", 36),
        ("fraction", "3/4", 0.75),
        ("fraction", "1 1/2", 1.5),
        ("fraction", "two and a half", 2.5),
        ("fraction", "three quarters", 0.75),
        ("fraction", "1/0", None),
        ("scientific", "1.6 x 10^-19", 1.6e-19),
        ("scientific", "6.02e23", 6.02e23),
        ("ordinal", "21st", 21),
        ("at_rest", "a standstill", 0),
        ("compass", "74.006\u00b0 W", -74.006),
        ("chance", "one in four", 0.25),
        ("spaced", "- 10", -10),
        ("vector", "[[1, 2], [3, -4.5]]", [[1, 2], [3, -4.5]]),
        ("vector", "[1, two]", None),
        ("moment", "March 4, 2026 at 3:30 pm", "2026-03-04T15:30:00"),
        ("duration_in_months", "a year and six months", 18),
        ("duration_in_years", "30-year", 30),
        ("percent_as_fraction", "15 percent", 0.15),
        ("iso_date", "2026-03-04", "2026-03-04"),
        ("iso_date", "2026-02-30", None),
        ("numeric_date", "04.03.2026", "2026-03-04"),
        ("numeric_date", "25/12/2026", "2026-12-25"),
        ("numeric_date", "03/04/2026", None),
        ("written_date", "the 4th of March 2027", "2027-03-04"),
        ("written_date", "3 March", "2027-03-03"),
        ("written_date", "March 5", "2026-03-05"),
        ("relative_date", "tomorrow", "2026-03-05"),
        ("relative_date", "Friday", "2026-03-06"),
        ("relative_date", "next Friday", "2026-03-13"),
        ("relative_date", "Wednesday", "2026-03-11"),
        ("relative_date", "in two weeks", "2026-03-18"),
        ("clock_time", "3.30pm", "15:30"),
        ("clock_time", "12 am", "00:00"),
        ("clock_time", "noon", "12:00"),
        ("clock_time", "25:00", None),
        ("spoken_time", "half past three in the afternoon", "15:30"),
        ("spoken_time", "quarter to one pm", "12:45"),
        ("spoken_time", "three o'clock", None),
        ("duration_in_minutes", "an hour and a half", 90),
        ("duration_in_minutes", "1,250 minutes", 1250),
        ("duration_in_minutes", "1 hour and 30 minutes", 90),
        ("duration_in_hours", "90 minutes", 1.5),
    ],
)
def test_a_rule_reads_its_form_and_refuses_what_is_ambiguous(rule: str, text: str, value: Any) -> None:
    """Each named normaliser gives exactly this value, or none where two readings are possible."""
    assert RULES[rule](text, TODAY) == value


def test_relative_dates_need_today() -> None:
    """Without a date to count from, `tomorrow` has no value."""
    assert first_rule("tomorrow", ("relative_date", "written_date"), None) is None


def test_a_currency_word_or_symbol_stands_for_its_option() -> None:
    """Options are recognised by their names, plurals and well-known words."""
    options = ("EUR", "USD", "GBP", "CHF")
    assert [option_of(word, options) for word in ("€", "euros", "dollars", "pounds", "yen")] == [
        "EUR",
        "EUR",
        "USD",
        "GBP",
        None,
    ]
    assert option_of("client", ("customer", "order")) == "customer"


def test_a_duration_counts_in_the_unit_the_parameter_names() -> None:
    """`half an hour` is 30 for a parameter in minutes and no value for a plain count."""
    assert read_value(parameter(type="integer", about="Duration in minutes."), "half an hour", None) == (
        "duration_in_minutes",
        30,
    )
    assert read_value(parameter(type="integer", about="How many guests."), "half an hour", None) is None


@pytest.mark.parametrize(
    ("schema", "text", "expected"),
    [
        ({"type": "number", "about": "Annual interest rate, as a decimal."}, "at 5% a year", [0.05]),
        ({"type": "number", "about": "Probability of success."}, "with a 60% chance", [0.6]),
        ({"type": "number", "about": "Discount in percent."}, "with 15% off", [15]),
        ({"type": "integer", "about": "Interest rate."}, "at 5% a year", [5]),
        ({"type": "number", "about": "Mass, in kilograms."}, "a rock of 300 grams", [0.3]),
        ({"type": "number", "about": "Mass, in kilograms."}, "a rock of 3 kg", [3]),
        ({"type": "string", "about": "Day in the format MM/DD/YYYY."}, "on March 5, 2024", ["03/05/2024"]),
        ({"type": "string", "about": "Start, as YYYY-MM-DD HH:MM."}, "on 5 March 2024 at 3 pm", ["2024-03-05 15:00"]),
        ({"type": "string", "about": "From, as DD-MM-YYYY."}, "July 4 to July 9, 2024", ["04-07-2024", "09-07-2024"]),
        ({"type": "string", "about": "ISO currency code."}, "from euros to Yen", ["EUR", "JPY"]),
        ({"type": "string", "about": "Function, as a python lambda."}, "of 3x^2 + 2x at 5", ["lambda x: 3*x**2 + 2*x"]),
        ({"type": "array", "items": {"type": "number"}}, "of 5 kg, 10 kg and 12 kg", [[5, 10, 12]]),
        ({"type": "array", "items": {"type": "number"}}, "[1, 2] then (3, 4)", [[1, 2], [3, 4]]),
        ({"type": "array", "items": {"type": "number"}}, "latitude 45.4 and longitude -75.6", [[45.4, -75.6]]),
        (
            {"type": "array", "items": {"type": "number"}, "about": "Rates, 0 to 1."},
            "1%, 2% and 4%",
            [[0.01, 0.02, 0.04]],
        ),
        (
            {"type": "array", "items": {"type": "array", "items": {"type": "integer"}}},
            "points (1, 2), (3, 4)",
            [[[1, 2], [3, 4]]],
        ),
    ],
)
def test_a_value_is_read_as_its_parameter_describes_it(schema: dict[str, Any], text: str, expected: list[Any]) -> None:
    """Shares, units, forms of dates, codes and lists follow the description, and each is reproduced by its rule."""
    wanted, sources = parameter(**schema), {"request": text}
    found = typed_candidates(wanted, sources, None)
    assert [c.value for c in found] == expected
    assert all(reproduce(wanted, c.evidence(sources), sources, None) == c.value for c in found)


def test_options_that_a_description_declares_are_options_and_examples_are_not() -> None:
    """`one of` closes a list, `e.g.` does not."""
    closed = parameter(type="string", about="Unit, either 'metric' or 'imperial'.")
    assert (closed.kind, closed.options) == ("option", ("metric", "imperial"))
    assert parameter(type="string", about="Allows one of following: 1d|1wk|1mo. Default as 1d").options[0] == "1d"
    assert parameter(type="string", about="Unit, e.g. 'metric' or 'imperial'.").kind == "text"


def test_objects_are_flattened_and_put_together_again() -> None:
    """Parts of objects are parameters by their paths; an error inside names the path."""
    city, name = {"type": "string"}, {"type": "string"}
    properties = {
        "address": {"type": "object", "properties": {"city": city}, "required": ["city"]},
        "items": {"type": "array", "items": {"type": "object", "properties": {"name": name}, "required": ["name"]}},
    }
    schema = ActionSchema(
        name="t", description="", parameters={"type": "object", "properties": properties, "required": ["address"]}
    )
    found = [(p.name, p.kind, p.required, p.needed) for p in read_parameters(schema)]
    assert found == [("address.city", "text", True, True), ("items[].name", "list", False, True)]
    call = nest({"address.city": "Bonn", "items[].name": ["pen", "cup"]})
    assert call == {"address": {"city": "Bonn"}, "items": [{"name": "pen"}, {"name": "cup"}]}
    assert faults(schema, call) == []
    assert faults(schema, {"address": {}, "items": [{"name": 3}]}) == ["address.city", "items[].name"]


def test_a_candidate_that_breaks_its_schema_is_not_offered() -> None:
    """Bounds, formats and patterns filter candidates before the model chooses."""
    positive = parameter(type="number", exclusiveMinimum=0)
    assert [c.value for c in typed_candidates(positive, {"request": "0 or 7 or -3"}, None)] == [7]


def test_neighbouring_addresses_make_a_list() -> None:
    """A list is one span over its items."""
    copies = parameter(type="array", items={"type": "string", "format": "email"})
    found = typed_candidates(copies, {"request": "cc a@x.org, b@x.org and c@x.org"}, None)
    assert ["a@x.org", "b@x.org", "c@x.org"] in [candidate.value for candidate in found]


def test_a_python_type_name_and_a_null_alternative_are_understood() -> None:
    """Optional pydantic fields read as their plain type."""
    optional = parameter(anyOf=[{"type": "string", "maxLength": 3}, {"type": "null"}])
    assert (optional.kind, optional.required, optional.accepts("abcd")) == ("text", False, False)


def test_the_final_check_names_the_faulty_argument() -> None:
    """JSON-Schema validation with formats points at the argument that is wrong."""
    schema = ActionSchema(
        name="t",
        description="",
        parameters={"type": "object", "properties": {"day": {"type": "string", "format": "date"}}, "required": ["day"]},
    )
    assert faults(schema, {"day": "2026-02-30"}) == ["day"]
    assert faults(schema, {}) == ["day"]
    assert faults(schema, {"day": "2026-02-28"}) == []


def test_a_number_of_many_digits_keeps_them_all_in_a_duration() -> None:
    """`1,250 minutes` is no 250 minutes, and `12,5 hours`, which may be twelve and a half, are no five hours."""
    for text, expected in (("for 1,250 minutes", ["1,250 minutes"]), ("for 12,5 hours", [])):
        assert [text[m.start : m.end] for m in find_mentions(text) if m.kind == "duration"] == expected
