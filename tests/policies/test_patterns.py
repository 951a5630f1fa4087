"""Texts made from regular expressions, and what they find."""

from __future__ import annotations

import re

import pytest
from hypothesis import given
from hypothesis import strategies as st

from interlock.policies.patterns import examples

PARTS = st.sampled_from(["a", "b?", "[a-c]+", "[^x]", "(ab|c)", "\\d{2}", "\\w*", ".", "x|y", "\\s", "(?:q){1,2}"])


@given(st.lists(PARTS, min_size=1, max_size=5))
def test_every_example_fits_its_pattern(parts: list[str]) -> None:
    """What is made of a pattern matches it as a whole, and there is something."""
    pattern = "".join(parts)
    made = examples(pattern)
    assert made
    assert all(re.fullmatch(pattern, text) for text in made)


@pytest.mark.parametrize(
    ("one", "other", "overlap"),
    [
        ("who is .*", ".* is .*", True),
        ("pay [a-z]+", "refund [a-z]+", False),
        ("[0-9]{4}", "\\d+", True),
        ("a+", "b+", False),
        ("(yes|no)", "(no|maybe)", True),
    ],
)
def test_an_overlap_is_found_among_the_examples(one: str, other: str, overlap: bool) -> None:
    """Some text made of one of two overlapping patterns fits both."""
    texts = [*examples(one), *examples(other)]
    assert any(re.fullmatch(one, text) and re.fullmatch(other, text) for text in texts) == overlap


def test_a_pattern_that_is_not_understood_makes_nothing() -> None:
    """Look-ahead and references back give no example, and no error."""
    assert examples("(?=a)a") == []
    assert examples("(a)\\1") == []
    assert examples("(") == []
