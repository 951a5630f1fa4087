"""Decoding: from hand-made scores to calls, without any network."""

from __future__ import annotations

import math
import random
from collections.abc import Sequence
from typing import Any

import pytest

from interlock.lam.calling import calls_of, decode, several_hint
from interlock.lam.candidates import evidenced, reproduce
from interlock.lam.decoding import Filled, ParameterScores, ToolScores
from interlock.lam.filling import fill, log_absent, log_probability
from interlock.lam.parameters import faults, nest, read_parameters
from tests.lam.made_scores import NUMBER, TEXT, places_of, scores_of, tool_of


def test_each_parameter_gets_the_span_that_is_worth_most_together() -> None:
    """One span serves one parameter, the pair with the greatest total wins."""
    schema = tool_of({"base": NUMBER, "height": NUMBER}, ["base", "height"])
    places = places_of("A triangle of 5 by 10.")
    tool = scores_of(schema, places.context, {"base": [("5", 4), ("10", 3)], "height": [("5", 5), ("10", 2)]})
    assert fill(tool, places).arguments == {"base": 10, "height": 5}


def test_two_parameters_that_the_network_cannot_tell_apart_are_filled_in_reading_order() -> None:
    """Of two equal choices, the one in reading order is taken."""
    schema = tool_of({"a": {"type": "integer"}, "b": {"type": "integer"}}, ["a", "b"])
    places = places_of("The greatest common divisor of 36 and 48, please.")
    spans = [("36", 3.0), ("48", 3.0)]
    assert fill(scores_of(schema, places.context, {"a": spans, "b": spans}), places).arguments == {"a": 36, "b": 48}


@pytest.mark.parametrize(
    ("text", "names", "expected"),
    [
        ("at latitude 35.22 and longitude -80.75", ["long", "lat"], {"long": -80.75, "lat": 35.22}),
        ("with 5 for a, -8 for b and 2 for c", ["c", "b", "a"], {"a": 5, "b": -8, "c": 2}),
        ("a wall with a height of 3 m and a width of 9 m", ["width", "height"], {"width": 9, "height": 3}),
        ("x = 4 and y = 7", ["y", "x"], {"x": 4, "y": 7}),
    ],
)
def test_a_word_of_the_name_beside_a_value_tells_twins_apart(
    text: str, names: list[str], expected: dict[str, float]
) -> None:
    """Where the network sees no difference, labels decide."""
    schema = tool_of(dict.fromkeys(names, NUMBER), names)
    places = places_of(text)
    spans = [(str(value) if value > 0 else str(value)[1:], 2.0) for value in expected.values()]
    tool = scores_of(schema, places.context, dict.fromkeys(names, spans))
    assert fill(tool, places).arguments == expected


def test_a_text_that_cannot_be_what_its_name_says_is_no_value() -> None:
    """A country is no year, however much the network likes it."""
    schema = tool_of({"year": TEXT}, ["year"])
    places = places_of("The holidays of France in 2010")
    tool = scores_of(schema, places.context, {"year": [("France", 2.0), ("2010", 0.5)]})
    assert fill(tool, places).arguments == {"year": "2010"}


def test_a_span_serves_twice_only_where_nothing_else_is_left() -> None:
    """A required parameter may share a span; an optional one is left out."""
    spans = {"one": [("7", 4.0)], "two": [("7", 3.0)]}
    places = places_of("Roll 7 of them")
    for required, expected in ((["one", "two"], {"one": 7, "two": 7}), (["one"], {"one": 7})):
        schema = tool_of({"one": NUMBER, "two": NUMBER}, required)
        assert fill(scores_of(schema, places.context, spans), places).arguments == expected


def test_a_required_argument_without_evidence_is_missing_and_an_optional_one_left_out() -> None:
    """Far below the threshold, nothing is taken; a little below, a required argument still is."""
    schema = tool_of({"city": TEXT, "days": NUMBER, "hour": NUMBER}, ["city", "days"])
    places = places_of("How is the weather in Paris for 3 or 5?")
    found = fill(scores_of(schema, places.context, {"days": [("3", -1.0)], "hour": [("5", -1.0)]}), places)
    assert (found.arguments, found.missing) == ({"days": 3}, ["city"])


def test_the_pointer_may_stop_anywhere_inside_a_typed_mention() -> None:
    """A date has its own edges, wherever in it the network points."""
    schema = tool_of({"day": {"type": "string", "description": "Day, as MM/DD/YYYY."}}, ["day"])
    places = places_of("Book it for March 5th, 2027 please")
    found = fill(scores_of(schema, places.context, {"day": [("5th", 4.0)]}), places)
    assert found.arguments == {"day": "03/05/2027"}
    assert found.chosen["day"].normaliser == "written_date as MM/DD/YYYY"


def test_options_are_named_or_meant_and_say_by_what_rule() -> None:
    """The option that the words name wins over its neighbour; without words the score alone decides, or nothing.

    What is only meant is not proved to come from where the pointer landed.
    """
    schema = tool_of({"unit": {"type": "string", "enum": ["metric", "imperial"]}}, ["unit"])
    named, silent = places_of("in metric units"), places_of("in pounds and feet")
    found = fill(scores_of(schema, named.context, {}, {"unit": [1.0, 1.5]}), named)
    assert (found.arguments["unit"], found.chosen["unit"].normaliser) == ("metric", "option")
    spans = {"unit": [("pounds", 1.0)]}
    found = fill(scores_of(schema, silent.context, spans, {"unit": [-2.0, 1.5]}), silent)
    assert (found.arguments["unit"], found.chosen["unit"].normaliser) == ("imperial", "means imperial")
    evidence = found.chosen["unit"].evidence(silent.context.sources)
    assert reproduce(read_parameters(schema)[0], evidence, silent.context.sources, None) is None
    assert fill(scores_of(schema, silent.context, {}, {"unit": [-2.0, -1.5]}), silent).missing == ["unit"]


def test_a_flag_is_set_by_its_scores_and_the_words_that_name_it() -> None:
    """A negated word makes it false."""
    schema = tool_of({"dividends": {"type": "boolean"}})
    places = places_of("History of the stock without dividends")
    found = fill(scores_of(schema, places.context, {}, {"dividends": [0.4, 0.6]}), places)
    assert found.arguments == {"dividends": False}
    assert fill(scores_of(schema, places.context, {}, {"dividends": [-4.0, -3.0]}), places).arguments == {}


def test_objects_are_filled_by_paths_and_left_out_when_incomplete() -> None:
    """An optional object that lacks a needed part is left out whole."""
    inner = {"type": "object", "properties": {"city": TEXT, "zip": TEXT}, "required": ["city", "zip"]}
    places = places_of("Ship to Berlin, 10115, today")
    for required in ([], ["address"]):
        tool = scores_of(tool_of({"address": inner}, required), places.context, {"address.city": [("Berlin", 4.0)]})
        found = fill(tool, places)
        assert (found.arguments, found.missing) == (
            ({"address.city": "Berlin"}, ["address.zip"]) if required else ({}, [])
        )
    spans = {"address.city": [("Berlin", 4.0)], "address.zip": [("10115", 4.0)]}
    found = fill(scores_of(tool_of({"address": inner}), places.context, spans), places)
    assert nest(found.arguments) == {"address": {"city": "Berlin", "zip": "10115"}}


def test_a_bound_object_is_taken_whole() -> None:
    """What the graph fixes is never chosen, nor are parts of it missing."""
    inner = {"type": "object", "properties": {"city": TEXT, "zip": TEXT}, "required": ["city", "zip"]}
    places = places_of("Ship it to Berlin", {"address": {"city": "Bonn", "zip": "53111"}})
    tool = scores_of(tool_of({"address": inner}, ["address"]), places.context, {"address.city": [("Berlin", 4.0)]})
    found = fill(tool, places)
    assert (found.arguments, found.chosen, found.missing) == (dict(places.observation.bound), {}, [])


def test_a_call_that_breaks_its_schema_names_the_offender() -> None:
    """What single values cannot show is checked on the whole call."""
    schema = tool_of({"tags": {"type": "array", "items": TEXT, "minItems": 2}, "n": NUMBER}, ["tags"])
    places = places_of("Add the tag red", {"n": "many"})
    found = fill(scores_of(schema, places.context, {"tags": [("red", 4.0)]}), places)
    assert (found.arguments, found.missing) == ({"n": "many"}, ["tags", "n"])


def values(found: Sequence[Filled]) -> list[dict[str, Any]]:
    return [filled.arguments for filled in found]


def test_equal_numbers_of_values_make_calls_in_reading_order() -> None:
    """Interleaved and block-wise values are zipped, one value for all is shared."""
    schema = tool_of({"city": TEXT, "days": {"type": "integer"}, "unit": TEXT}, ["city", "days"])
    spans: dict[str, list[tuple[str, float]]] = {
        "city": [("Paris", 5.0), ("Rome", 4.0)], "days": [("3", 4.0), ("5", 5.0)], "unit": [("celsius", 4.0)],
    }  # fmt: skip
    expected = [{"city": "Paris", "days": 3, "unit": "celsius"}, {"city": "Rome", "days": 5, "unit": "celsius"}]
    for text in (
        "Forecast for Paris for 3 days and for Rome for 5 days in celsius",
        "Forecast for Paris and Rome for 3 and 5 days respectively, in celsius",
    ):
        places = places_of(text)
        assert values(calls_of(scores_of(schema, places.context, spans), places)) == expected


def test_values_of_twin_parameters_are_paired_in_turn() -> None:
    """Four numbers for two parameters that look alike are two pairs, not four calls."""
    schema = tool_of({"a": {"type": "integer"}, "b": {"type": "integer"}}, ["a", "b"])
    places = places_of("The divisors of 36 and 48, then of 20 and 55.")
    spans = [(piece, 4.0) for piece in ("36", "48", "20", "55")]
    found = calls_of(scores_of(schema, places.context, {"a": spans, "b": spans}), places)
    assert values(found) == [{"a": 36, "b": 48}, {"a": 20, "b": 55}]


def test_fewer_values_go_to_the_nearest_call_and_lists_stay_lists() -> None:
    """An uneven parameter is given by place; a row of numbers is one value."""
    schema = tool_of({"city": TEXT, "days": NUMBER}, ["city"])
    places = places_of("Weather in Paris for 3 days, in Rome, and in Oslo for 9 days")
    spans = {"city": [("Paris", 4.0), ("Rome", 4.0), ("Oslo", 4.0)], "days": [("3", 4.0), ("9", 4.0)]}
    found = calls_of(scores_of(schema, places.context, spans), places)
    assert [call["city"] for call in values(found)] == ["Paris", "Rome", "Oslo"]
    assert values(found)[2]["days"] == 9
    mean = tool_of({"numbers": {"type": "array", "items": NUMBER}}, ["numbers"])
    places = places_of("The mean of 1, 2 and 3")
    found = calls_of(scores_of(mean, places.context, {"numbers": [("1", 4.0), ("2", 4.0), ("3", 4.0)]}), places)
    assert values(found) == [{"numbers": [1, 2, 3]}]
    places = places_of("The mean of [1, 2] and the mean of [5, 6]")
    found = calls_of(scores_of(mean, places.context, {"numbers": [("1", 4.0), ("5", 4.0)]}), places)
    assert values(found) == [{"numbers": [1, 2]}, {"numbers": [5, 6]}]


@pytest.mark.parametrize(
    ("text", "expected"),
    [
        ("Weather in Paris and Rome in celsius", ["celsius", "celsius"]),
        ("Weather in Paris in celsius, then the weather in Rome", ["celsius", None]),
        ("Weather in Paris. Weather in Rome, in celsius", [None, "celsius"]),
        ("In celsius please. Weather in Paris; also weather in Rome", ["celsius", "celsius"]),
        ("Weather in Paris; also in Rome. Make it celsius for both", ["celsius", "celsius"]),
    ],
)
def test_a_single_optional_value_belongs_to_the_calls_of_its_clause(text: str, expected: list[str | None]) -> None:
    """It is shared where the calls share its clause, or where it stands before or speaks of them all."""
    schema = tool_of({"city": TEXT, "unit": TEXT}, ["city"])
    places = places_of(text)
    spans = {"city": [("Paris", 4.0), ("Rome", 4.0)], "unit": [("celsius", 4.0)]}
    found = calls_of(scores_of(schema, places.context, spans), places)
    assert [call.get("unit") for call in values(found)] == expected


def test_options_meant_in_two_clauses_are_told_apart_by_what_they_abbreviate() -> None:
    """Each pointed word takes the option that is its abbreviation."""
    schema = tool_of({"unit": {"type": "string", "enum": ["GB", "TB"]}, "size": NUMBER}, ["size", "unit"])
    places = places_of("Convert 20 terabytes, then convert 30 gigabytes")
    spans = {"size": [("20", 4.0), ("30", 4.0)], "unit": [("terabytes", 3.0), ("gigabytes", 3.0)]}
    found = calls_of(scores_of(schema, places.context, spans, {"unit": [3.0, 3.0]}), places)
    assert values(found) == [{"size": 20, "unit": "TB"}, {"size": 30, "unit": "GB"}]


def test_a_value_said_again_is_no_further_call() -> None:
    """A city that is named twice is one city, until something else makes two calls."""
    schema = tool_of({"city": TEXT, "days": NUMBER}, ["city"])
    places = places_of("I love Paris. Weather in Lyon for 3 days and for 5 days, in Lyon")
    first = scores_of(schema, places.context, {"city": [("Lyon", 4.0)]}).scores[0].start
    tokens = [token for token, logit in enumerate(first) if logit > 0]
    last = places.context.tokens_of("request", len("I love Paris. Weather in Lyon for 3 days and for 5 days, in "), 99)
    assert last is not None
    for days, expected in (([], [{"city": "Lyon"}]), ([("3", 4.0), ("5", 4.0)], [3, 5])):
        tool = scores_of(schema, places.context, {"days": days})
        tool.scores[0].start[tokens[0]] = tool.scores[0].start[last[0]] = 4.0  # type: ignore[index]
        found = values(calls_of(tool, places))
        assert (found if not days else [call["days"] for call in found]) == expected
        assert {call["city"] for call in found} == {"Lyon"}


@pytest.mark.parametrize(
    ("text", "schema", "first", "expected"),
    [
        ("The factorials of 5, 7, 10, and 12", NUMBER, "5", [5, 7, 10, 12]),
        ("What do 'lit', 'flex' and 'yolo' mean?", TEXT, "flex", ["lit", "flex", "yolo"]),
        ("Prices for 'GOOG' (Google), 'META' (Meta), and 'NFLX' (Netflix)", TEXT, "GOOG", ["GOOG", "META", "NFLX"]),
        ("Norms of (3, 4), (5, 12) and (8, 15)", {"type": "array", "items": NUMBER}, "(3", [[3, 4], [5, 12], [8, 15]]),
        ("The factorial of 5, please, and 7 sweets", NUMBER, "5", [5]),
    ],
)
def test_where_one_of_a_row_is_a_value_the_others_are_too(
    text: str, schema: dict[str, Any], first: str, expected: list[Any]
) -> None:
    """A parameter of one value that points into a long row makes one call of each member."""
    places = places_of(text)
    tool = scores_of(tool_of({"x": schema}, ["x"]), places.context, {"x": [(first, 3.0)]})
    assert [call["x"] for call in values(calls_of(tool, places))] == expected


def test_a_row_that_several_parameters_share_is_one_call() -> None:
    """The sides of one triangle are no three triangles, and the members of a list no calls."""
    sides = tool_of(dict.fromkeys("abc", NUMBER), "abc")
    places = places_of("A triangle with sides 3, 4 and 5")
    spans = {"a": [("3", 3.0)], "b": [("4", 3.0)], "c": [("5", 3.0)]}
    assert values(calls_of(scores_of(sides, places.context, spans), places)) == [{"a": 3, "b": 4, "c": 5}]
    meeting = tool_of({"host": TEXT, "guests": {"type": "array", "items": TEXT}}, ["host", "guests"])
    places = places_of("Invite Ann, Bob and Carl")
    tool = scores_of(meeting, places.context, {"guests": [("Ann, Bob and Carl", 4.0)], "host": [("Bob", 1.0)]})
    assert len(calls_of(tool, places)) == 1


def test_most_calls_is_a_limit() -> None:
    """One call is made where only one may be."""
    schema = tool_of({"city": TEXT}, ["city"])
    places = places_of("Weather in Paris and Rome")
    tool = scores_of(schema, places.context, {"city": [("Paris", 4.0), ("Rome", 3.0)]})
    assert values(calls_of(tool, places, 1)) == [{"city": "Paris"}]


def test_calls_of_several_tools_come_in_reading_order_and_keep_to_their_clauses() -> None:
    """What another tool wants much more is no further value of this one."""
    circle = tool_of({"radius": NUMBER}, ["radius"], "circle")
    square = tool_of({"side": NUMBER}, ["side"], "square")
    places = places_of("The area of a square with side 10, then of a circle with radius 5")
    tools = [
        scores_of(circle, places.context, {"radius": [("5", 6.0), ("10", 1.0)]}),
        scores_of(square, places.context, {"side": [("10", 6.0), ("5", 0.7)]}),
    ]
    made = decode(tools, places)
    assert [(call.tool, call.filled.arguments) for call in made] == [(1, {"side": 10}), (0, {"radius": 5})]
    assert several_hint("The area of a square, then of a circle; also its rim.") > several_hint("The area of a square")


def test_probabilities_of_values_and_of_absence_sum_to_one() -> None:
    """The values of a parameter and leaving it out share one probability."""
    schema = tool_of({"n": NUMBER})
    places = places_of("either 3 or 5")
    tool = scores_of(schema, places.context, {"n": [("3", 1.0), ("5", 2.0)]})
    total = sum(math.exp(log_probability(tool, 0, places, value)) for value in (3, 5))
    assert total + math.exp(log_absent(tool, 0, places)) == pytest.approx(1.0)
    assert log_probability(tool, 0, places, 4) == -math.inf


_PIECES = (
    'Paris', "3.5", "[1, 2, 3]", "and", "tomorrow", "at 5 pm", '"a b c"', "50%", "in metric", "not", "-7", "x^2 + 1",
    "Portland, Oregon", "a@b.org", "March 5, 2027", "half a million", "(3, 4)", "two hours", ",", ".", "fast", "5kg",
)  # fmt: skip
_KINDS: tuple[dict[str, Any], ...] = (
    {"type": "string"}, {"type": "number", "maximum": 100}, {"type": "integer", "minimum": 1}, {"type": "boolean"},
    {"type": "string", "enum": ["metric", "fast"]}, {"type": "string", "format": "date"},
    {"type": "array", "items": {"type": "number"}, "minItems": 2}, {"type": "array", "items": {"type": "string"}},
    {"type": "object", "properties": {"a": {"type": "string"}, "b": {"type": "integer"}}, "required": ["a"]},
    {"type": "array", "items": {"type": "object", "properties": {"k": {"type": "string"}, "v": {"type": "number"}}}},
    {"type": "array", "items": {"type": "array", "items": {"type": "number"}}}, {"type": "string", "format": "email"},
)  # fmt: skip


def _random_tool(dice: random.Random, length: int) -> ToolScores:
    names = [f"p{number}" for number in range(dice.randint(1, 5))]
    schema = tool_of({name: dice.choice(_KINDS) for name in names}, [name for name in names if dice.random() < 0.6])
    rows = [
        ParameterScores(
            dice.gauss(0, 2),
            [dice.gauss(-2, 3) for _ in range(length)],
            [dice.gauss(0, 3) for _ in p.options],
            [dice.gauss(0, 3) for _ in range(2)] if p.kind == "flag" else (),
        )
        for p in read_parameters(schema)
    ]
    table = [[dice.gauss(-4, 3) for _ in range(length)] for _ in range(length)]
    return ToolScores(schema, 0.0, rows, lambda number, firsts: [table[first] for first in firsts])


def test_no_scores_make_an_invalid_or_invented_call() -> None:
    """Whatever the network says, each value is a span under a rule or a declared one, and a whole call is valid."""
    for seed in range(150):
        dice = random.Random(seed)
        text = " ".join(dice.choice(_PIECES) for _ in range(dice.randint(1, 14)))
        places = places_of(text)
        tools = [_random_tool(dice, len(places.context.ids)) for _ in range(2)]
        for call in decode(tools, places):
            schema, filled = tools[call.tool].schema, call.filled
            assert filled.missing or faults(schema, nest(filled.arguments)) == []
            assert set(filled.arguments) == set(filled.chosen) == set(filled.confidence)
            parameters = {p.name: p for p in read_parameters(schema)}
            for name, value in filled.arguments.items():
                evidence = filled.chosen[name].evidence(places.context.sources)
                again = evidenced(parameters[name], evidence, places.context.sources, "2026-03-04")
                assert again == value, (seed, text, name, evidence)
                assert 0.0 <= filled.confidence[name] <= 1.0
