"""Several calls in one request: told apart by the form of what comes round, and by clauses that are whole."""

from __future__ import annotations

from typing import Any

import pytest

from interlock.lam.calling import calls_of
from tests.lam.made_scores import NUMBER, TEXT, places_of, scores_of, tool_of

LOAN = tool_of({"loan": NUMBER, "rate": NUMBER, "years": {"type": "integer"}}, ["loan", "rate", "years"])
LISTED = {"type": "array", "items": NUMBER}


def arguments(text: str, schema: Any, spans: dict[str, list[tuple[str, float]]]) -> list[dict[str, Any]]:
    """The calls that a request makes of one function, for a network that points to those spans."""
    places = places_of(text)
    return [filled.arguments for filled in calls_of(scores_of(schema, places.context, spans), places)]


def test_what_comes_round_is_a_call_each_time_though_the_network_saw_it_once() -> None:
    """Amount, rate and years three times over: the network points to the first of each only."""
    text = "Payments for $350,000 at 3.5% over 30 years, $500,000 at 4% over 20 years and $75,000 at 2.5% over 15 years"
    spans = {"loan": [("350,000", 4.0)], "rate": [("3.5%", 4.0)], "years": [("30", 4.0)]}
    assert arguments(text, LOAN, spans) == [
        {"loan": 350000, "rate": 0.035, "years": 30},
        {"loan": 500000, "rate": 0.04, "years": 20},
        {"loan": 75000, "rate": 0.025, "years": 15},
    ]


def test_rows_one_after_the_other_belong_together_by_their_places() -> None:
    """`A, B and C at x, y and z`: the first with the first."""
    text = "What do $5000, $2000 and $1000 make at 5%, 7% and 9% respectively?"
    schema = tool_of({"sum": NUMBER, "rate": NUMBER}, ["sum", "rate"])
    spans = {"sum": [("5000", 3.0)], "rate": [("5%", 3.0)]}
    found = [(row["sum"], row["rate"]) for row in arguments(text, schema, spans)]
    assert found == [(5000, 0.05), (2000, 0.07), (1000, 0.09)]


def test_twins_keep_one_order_in_all_calls() -> None:
    """Where one pair is read the wrong way round, the others outvote it."""
    text = "Add 35 and 45, 72 and 108, 120 and 180"
    schema = tool_of({"a": NUMBER, "b": NUMBER}, ["a", "b"])
    spans = {
        "a": [("35", 1.0), ("45", 2.0), ("72", 3.0), ("120", 3.0)],
        "b": [("35", 2.0), ("45", 1.0), ("108", 3.0), ("180", 3.0)],
    }
    pairs = [(row["a"], row["b"]) for row in arguments(text, schema, spans)]
    assert pairs == [(35, 45), (72, 108), (120, 180)]


def test_free_texts_go_with_the_values_around_them() -> None:
    """The thing ordered stands in no form, but between the values of its own call."""
    text = "Order 10 burgers at $5 each, 7 sundaes at $2 each and 3 pizzas at $8 each"
    schema = tool_of({"item": TEXT, "quantity": {"type": "integer"}, "price": NUMBER}, ["item", "quantity", "price"])
    spans = {
        "item": [("burgers", 2.0), ("sundaes", -2.0), ("pizzas", -1.0)],
        "quantity": [("10", 2.0)],
        "price": [("5", 2.0)],
    }
    found = [(row["item"], row["quantity"], row["price"]) for row in arguments(text, schema, spans)]
    assert found == [("burgers", 10, 5), ("sundaes", 7, 2), ("pizzas", 3, 8)]


def test_several_lists_for_the_one_list_of_a_function_are_several_calls() -> None:
    text = "The mean of 23, 34 and 45 years, then of [1, 2, 3], then of [4, 5]"
    schema = tool_of({"numbers": LISTED}, ["numbers"])
    found = arguments(text.replace("23, 34 and 45 years", "[23, 34, 45]"), schema, {"numbers": [("[1", 3.0)]})
    assert [row["numbers"] for row in found] == [[23, 34, 45], [1, 2, 3], [4, 5]]


@pytest.mark.parametrize(
    ("text", "spans"),
    [
        ("A loan of $900 at 4% over 10 years; I already owe $200.", {"loan": "900", "rate": "4%", "years": "10"}),
        ("A loan of $900 at 4% over 10 years, last year it was 3%.", {"loan": "900", "rate": "4%", "years": "10"}),
    ],
)
def test_a_further_value_of_one_form_alone_makes_no_call(text: str, spans: dict[str, str]) -> None:
    """Only where everything that has a form comes round, it is said again."""
    assert len(arguments(text, LOAN, {name: [(piece, 4.0)] for name, piece in spans.items()})) == 1


def test_a_clause_that_holds_all_that_is_needed_is_a_call() -> None:
    """Each sentence has its city; what a sentence says besides stays with its own call."""
    text = "How is the weather in Oslo for 3 days? Also tell me about Rome. There, I stay 5 days."
    schema = tool_of({"city": TEXT, "days": NUMBER}, ["city"])
    spans = {"city": [("Oslo", 4.0), ("Rome", -0.5)], "days": [("3", 3.0), ("5", 3.0)]}
    assert arguments(text, schema, spans) == [{"city": "Oslo", "days": 3}, {"city": "Rome", "days": 5}]


def test_a_clause_that_lacks_something_makes_no_call() -> None:
    """Nor does one whose values the network does not believe in."""
    schema = tool_of({"city": TEXT, "days": NUMBER}, ["city", "days"])
    text = "The weather in Oslo for 3 days, please. My sister lives in Rome."
    spans = {"city": [("Oslo", 4.0), ("Rome", -0.5)], "days": [("3", 3.0)]}
    assert arguments(text, schema, spans) == [{"city": "Oslo", "days": 3}]
    text = "The weather in Oslo for 3 days, please. My sister lives in Rome since 5 years."
    spans = {"city": [("Oslo", 4.0), ("Rome", -2.0)], "days": [("3", 3.0), ("5", -2.5)]}
    assert arguments(text, schema, spans) == [{"city": "Oslo", "days": 3}]


@pytest.mark.parametrize(("later", "calls"), [(-1.0, 2), (-4.0, 1)])
def test_what_the_network_is_sure_of_is_left_to_it(later: float, calls: int) -> None:
    """Two pairs may be of one call: a trailer and its driver, an order and its client."""
    text = "enter that trailer 613 leaves with Noah Brandt and order 7041 with Raj Malhotra"
    schema = tool_of({"ref": NUMBER, "party": TEXT}, ["ref", "party"])
    spans = {"ref": [("613", 3.0), ("7041", later)], "party": [("Noah Brandt", 3.0), ("Raj Malhotra", later)]}
    assert len(arguments(text, schema, spans)) == calls


@pytest.mark.parametrize(
    "joint", ["? And in ", ". Do the same for ", ", then in ", ". Same question for ", "? What about ", "; how about "]
)
def test_what_the_same_is_asked_of_is_a_further_call(joint: str) -> None:
    """A cue that repeats the question speaks for a value that the network took for nothing."""
    text = f"How many people lived there in 1950{joint}1980?"
    schema = tool_of({"year": {"type": "integer"}}, ["year"])
    found = [row["year"] for row in arguments(text, schema, {"year": [("1950", 3.0), ("1980", -2.0)]})]
    assert found == [1950, 1980]
