"""The benchmark of `copy_only`: chance invents nothing under it, and the count can fail."""

from __future__ import annotations

import pytest

pytest.importorskip("llguidance", reason="llguidance is not installed: pip install 'interlock[hf]'")

from benchmarks.copy_only import make_writer, measure
from interlock.lam.causal.dialects import DIALECTS
from interlock.lam.causal.model import CausalModel
from interlock.lam.causal.tokens import Tokens
from tests.lam.causal.tiny import make_tokenizer


@pytest.fixture(scope="module")
def model() -> CausalModel:
    tokenizer = make_tokenizer(['[{"name": "find_order", "arguments": {"title": "Ann O\'Neil, 12.5 kg"}}]'] * 9)
    return CausalModel(None, Tokens(tokenizer, 512, [1]), DIALECTS["generic"], model_id="none")


def test_chance_invents_nothing_under_copy_only(model: CausalModel) -> None:
    """Over 200 random requests and functions every value stands in its context, and every act fits its schema."""
    counts = measure(make_writer(model, 1), 200)
    assert (counts["invented_values"], counts["invalid_actions"], counts["errors"]) == (0, 0, 0), counts
    assert min(counts["act"], counts["ask"], counts["abstain"]) > 10
    assert counts["values"] > 100


def test_the_count_finds_what_is_invented(model: CausalModel) -> None:
    """Without the option the same chance invents values, and they are counted."""
    counts = measure(make_writer(model, 1, copy_only=False), 40)
    assert counts["invented_values"] > 10
    assert counts["invalid_actions"] == 0
