"""Random policies over inputs of every type, and values that stand on each side of their constants."""

from __future__ import annotations

from decimal import Decimal
from typing import Any

from hypothesis import strategies as st

from interlock.policies.language import PROVENANCE, Policy

ACTION = "house.pay"
INPUTS: dict[str, dict[str, Any]] = {
    "amount": {"type": "decimal"},
    "count": {"type": "int", "min": 0, "max": 3},
    "known": {"type": "bool"},
    "kind": {"type": "string", "enum": ["new", "old"]},
    "note": {"type": "string"},
    "payee_from": {"type": "provenance"},
}
VALUES: dict[str, list[Any]] = {
    "amount": [Decimal(value) / 2 for value in range(-1, 8)],
    "count": list(range(4)),
    "known": [True, False],
    "kind": ["new", "old"],
    "note": ["", "a", "b", "ab", "ac", "cb", "other"],
    "payee_from": list(PROVENANCE),
}
"""A value out of each cell that the constants below cut."""

LABELS = st.sampled_from(PROVENANCE)
BOUND = st.integers(0, 3)
WORD = st.sampled_from(["a", "b", "ab"])


def comparisons(name: str, matching: bool = True) -> st.SearchStrategy[dict[str, Any]]:
    """A comparison that fits the type of an input; with `matching` also patterns."""
    kinds: dict[str, list[st.SearchStrategy[dict[str, Any]]]] = {
        "known": [st.fixed_dictionaries({word: st.booleans()}) for word in ("eq", "ne")],
        "kind": [st.fixed_dictionaries({word: st.sampled_from(["new", "old"])}) for word in ("eq", "ne")],
        "note": [
            st.fixed_dictionaries({"eq": WORD}),
            st.fixed_dictionaries({"not_in": st.lists(WORD, min_size=1, max_size=2)}),
            *([st.fixed_dictionaries({"matches": st.sampled_from(["a.*", "[a-b]", ".*b"])})] if matching else []),
        ],
        "payee_from": [
            st.fixed_dictionaries({"at_least": LABELS}),
            st.fixed_dictionaries({"in": st.lists(LABELS, min_size=1, max_size=3)}),
            st.fixed_dictionaries({"ne": LABELS}),
        ],
    }
    numbers = [
        st.fixed_dictionaries({"le": BOUND}),
        st.fixed_dictionaries({"gt": BOUND}),
        st.fixed_dictionaries({"ge": BOUND, "lt": BOUND}),
        st.fixed_dictionaries({"not_in": st.lists(BOUND, min_size=1, max_size=2)}),
        st.fixed_dictionaries({"eq": BOUND}),
    ]
    return st.one_of(kinds.get(name, numbers))


EFFECTS = st.one_of(
    st.sampled_from(["auto", "deny"]),
    st.just("auto"),
    st.fixed_dictionaries(
        {
            "approve": st.fixed_dictionaries(
                {"count": st.integers(1, 2)},
                optional={"role": st.sampled_from(["finance", "legal"]), "within": st.sampled_from(["1h", "2h"])},
            )
        }
    ),
)


@st.composite
def policies(
    draw: st.DrawFn, name: str = "made", most: int = 5, matching: bool = True, inputs: tuple[str, ...] = tuple(INPUTS)
) -> Policy:
    """Up to `most` rules, each with up to three conditions."""
    rules = []
    for number in range(draw(st.integers(1, most))):
        compared = draw(st.lists(st.sampled_from(inputs), max_size=3, unique=True))
        when = {one: draw(comparisons(one, matching)) for one in compared}
        rules.append({"id": f"r{number}", "when": when, "then": draw(EFFECTS), "because": "so"})
    return Policy.model_validate(
        {"policy": name, "version": 1, "applies_to": ["house.*"], "inputs": INPUTS, "rules": rules}
    )


def values() -> st.SearchStrategy[dict[str, Any]]:
    """One value for each input."""
    return st.fixed_dictionaries({name: st.sampled_from(found) for name, found in VALUES.items()})
