"""Texts for every way in which patterns can hold together, against all short texts."""

from __future__ import annotations

import re
from itertools import product

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from interlock.policies.automata import cells

PARTS = st.sampled_from(
    ["a", "b?", "[ab]+", "[^a]", "(ab|c)", "a{2}", "c*", ".", "a|c", "\\d", "(?:b){1,2}", "\\w", ".*"]
)
PATTERN = st.lists(PARTS, min_size=1, max_size=4).map("".join)
SHORT = ["".join(letters) for length in range(5) for letters in product("abc1-\n", repeat=length)]


@settings(max_examples=60, deadline=None)
@given(st.lists(PATTERN, min_size=1, max_size=3, unique=True), st.lists(st.sampled_from(SHORT), max_size=3))
def test_every_way_of_fitting_has_a_text(patterns: list[str], words: list[str]) -> None:
    """What some short text that is no word fits, one of the texts that were made fits alike; each word is there."""
    made = cells(patterns, words)
    assert made is not None
    assert set(words) <= set(made)
    tests = [re.compile(pattern) for pattern in patterns]
    ways = {tuple(test.fullmatch(text) is not None for test in tests) for text in made if text not in words}
    assert {tuple(test.fullmatch(text) is not None for test in tests) for text in SHORT if text not in words} <= ways
    assert len(ways) == len([text for text in made if text not in words])


def test_patterns_that_exclude_each_other_are_known_to() -> None:
    """No text fits two disjoint patterns, and the machine says so, which no examples can."""
    made = cells([".*@example[.]org", ".*@evil[.]example"], [])
    assert made is not None
    fits = {tuple(bool(re.fullmatch(one, text)) for one in (".*@example[.]org", ".*@evil[.]example")) for text in made}
    assert fits == {(False, False), (True, False), (False, True)}


@pytest.mark.parametrize("pattern", ["(?=a)a", "(a)\\1", "^a", "a$", "(?i)a", "(", "a{3000}b{3000}", "\\d[é-ü]"])
def test_what_is_not_understood_is_not_guessed(pattern: str) -> None:
    """The caller is told, and tries examples."""
    assert cells([pattern], []) is None
