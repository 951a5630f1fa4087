"""Laws of the reducers: what is declared for a join gives one value whatever came first, or says why it cannot."""

from __future__ import annotations

import itertools
from decimal import Decimal
from typing import Any, get_args

import pytest
from hypothesis import given
from hypothesis import strategies as st

from interlock.digest import canonical
from interlock.graphs.spec import Reducer
from interlock.nodes.reducers import LARGEST, CannotReduce, reduced

WHOLE = st.integers(-1000, 1000)
CENTS = st.integers(-(10**9), 10**9).map(lambda cents: cents / 100)
NUMBERS = WHOLE | CENTS
LEAVES = st.none() | st.booleans() | st.integers() | st.floats() | st.text(max_size=3)
JSON: st.SearchStrategy[Any] = st.recursive(
    LEAVES,
    lambda each: st.lists(each, max_size=3) | st.dictionaries(st.text(max_size=2), each, max_size=3),
    max_leaves=6,
)
OBJECTS = st.lists(st.dictionaries(st.sampled_from("abc"), st.sampled_from([1, 2, [1], "x"]), max_size=3), min_size=1)


def value(how: Reducer, values: list[Any]) -> Any:
    """What a reducer gives, or the word for that it cannot."""
    try:
        return reduced(how, values)
    except CannotReduce:
        return "cannot"


@given(st.sampled_from(["sum", "min", "max"]), st.lists(NUMBERS, min_size=1, max_size=5), st.randoms())
def test_numbers_give_the_same_in_any_order(how: Reducer, numbers: list[Any], random: Any) -> None:
    """Sum, least and greatest do not depend on which branch is named first."""
    shuffled = random.sample(numbers, len(numbers))
    assert reduced(how, numbers) == reduced(how, shuffled)


@given(st.sampled_from(["all", "any"]), st.lists(st.booleans(), min_size=1, max_size=5), st.randoms())
def test_booleans_give_the_same_in_any_order(how: Reducer, booleans: list[bool], random: Any) -> None:
    """All and any do not depend on the order either."""
    assert reduced(how, booleans) is reduced(how, random.sample(booleans, len(booleans)))


@given(OBJECTS.filter(lambda objects: len(objects) <= 4))
def test_objects_merge_the_same_in_any_order(objects: list[Any]) -> None:
    """A merge gives one object in every order, or is refused in every order."""
    outcomes = [value("merge", list(order)) for order in itertools.permutations(objects)]
    assert all(outcome == outcomes[0] for outcome in outcomes)
    if outcomes[0] != "cannot":
        assert all(outcomes[0][name] == item for each in objects for name, item in each.items())


@given(st.sampled_from(["min", "max", "all", "any", "merge", "concat", "first"]), st.data())
def test_two_steps_give_what_one_gives(how: Reducer, data: st.DataObject) -> None:
    """Reduced in groups, as joins within branches do, the value is the one of all at once."""
    kinds: dict[str, st.SearchStrategy[Any]] = {
        "min": NUMBERS, "max": NUMBERS, "all": st.booleans(), "any": st.booleans(), "first": JSON,
        "merge": st.dictionaries(st.sampled_from("abc"), st.just(1), max_size=3), "concat": st.lists(WHOLE, max_size=3),
    }  # fmt: skip
    values = data.draw(st.lists(kinds[how], min_size=2, max_size=6))
    cut = data.draw(st.integers(1, len(values) - 1))
    grouped = reduced(how, [reduced(how, values[:cut]), reduced(how, values[cut:])])
    assert canonical_or_text(grouped) == canonical_or_text(reduced(how, values))


def canonical_or_text(found: Any) -> Any:
    try:
        return canonical(found)
    except (ValueError, TypeError):
        return repr(found)


@given(st.lists(st.integers(-LARGEST // 10, LARGEST // 10), min_size=1, max_size=9))
def test_whole_numbers_sum_exactly(numbers: list[int]) -> None:
    """As Python adds them; a total that JSON cannot keep exactly is refused instead of rounded."""
    assert reduced("sum", numbers) == sum(numbers)
    with pytest.raises(CannotReduce, match="too large to be kept exactly"):
        reduced("sum", [LARGEST, 1])


@given(st.lists(CENTS, min_size=1, max_size=30))
def test_decimals_sum_as_they_are_written(numbers: list[float]) -> None:
    """Thirty sums of money have exactly the total that a person adds up."""
    assert Decimal(repr(reduced("sum", numbers))) == sum(Decimal(repr(number)) for number in numbers)


def test_a_small_sum_beside_a_very_large_one_is_not_lost_on_the_way() -> None:
    """What is rounded is the total alone, never what comes before it."""
    assert reduced("sum", [1e30, 0.1, -1e30]) == 0.1
    assert reduced("sum", [0.1] * 10) == 1.0


@given(st.sampled_from(get_args(Reducer)), st.lists(JSON, max_size=4))
def test_whatever_comes_it_is_reduced_or_refused(how: Reducer, values: list[Any]) -> None:
    """No JSON makes a reducer fail in another way, and no values are no value."""
    assert reduced(how, []) is None
    value(how, values)


@pytest.mark.parametrize("odd", [float("nan"), float("inf"), -float("inf"), True, "1", None, [], {}])
@pytest.mark.parametrize("how", ["sum", "min", "max"])
def test_what_is_no_number_is_not_counted_as_one(how: Reducer, odd: Any) -> None:
    """True is not 1, text is not read, and nothing is greater than everything."""
    with pytest.raises(CannotReduce, match="is not a number"):
        reduced(how, [1, odd])


def test_a_total_past_every_number_is_refused() -> None:
    """Two of the largest floats have no sum that JSON can hold."""
    with pytest.raises(CannotReduce, match="too large"):
        reduced("sum", [1.7e308, 1.7e308])
    assert reduced("max", [10**400, 1.5]) == 10**400
    with pytest.raises(CannotReduce, match="cannot be compared"):
        reduced("merge", [{"a": 10**5000}, {"a": 1}])
