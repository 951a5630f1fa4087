"""Learn then Test: its promise holds by simulation, and stricter demands never give looser thresholds."""

from __future__ import annotations

from math import comb
from random import Random

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from interlock.lam.confidence.learn_then_test import ALPHA, DELTA, LEAST, certify, p_value, sequence
from interlock.lam.confidence.risk_coverage import at

TIMES = 300


def drawn(random: Random, count: int, hard: float) -> tuple[list[float], list[bool]]:
    """Decisions whose confidence is no probability: how often one is right grows with it, to a limit below 1."""
    confidence = [random.random() for _ in range(count)]
    return confidence, [random.random() > hard * (1.05 - value) for value in confidence]


def risk_above(threshold: float, hard: float) -> float:
    """The true share of wrong decisions at or above a threshold, of decisions drawn so."""
    return hard * (1.05 - (1 + threshold) / 2)


@pytest.mark.parametrize(
    ("hard", "alpha", "often"), [(0.35, 0.10, 0.5), (0.15, 0.05, 0.2), (0.05, 0.02, 0.1), (0.58, 0.10, 0.01)]
)
def test_a_certified_risk_is_above_alpha_in_at_most_delta_of_repeats(hard: float, alpha: float, often: float) -> None:
    """Over 300 calibrations the threshold promises too much no oftener than delta, four standard errors added."""
    broken = found = 0
    for seed in range(TIMES):
        random = Random(f"{seed}:{hard}:{alpha}")
        thresholds = sequence(drawn(random, 200, hard)[0], 800, alpha)
        tested = certify(thresholds, *drawn(random, 800, hard), alpha)
        if tested.threshold is not None:
            found += 1
            broken += risk_above(tested.threshold, hard) > alpha
    allowed = DELTA + 4 * (DELTA * (1 - DELTA) / TIMES) ** 0.5
    assert broken / TIMES <= allowed
    assert found > often * TIMES, "the test would hold of a procedure that certifies nothing"


def test_choosing_the_best_threshold_in_hindsight_breaks_the_promise() -> None:
    """What the sequence is for: the loosest threshold whose observed risk is at most alpha promises too much."""
    broken = 0
    for seed in range(TIMES):
        confidence, right = drawn(Random(f"hindsight:{seed}"), 800, 0.9)
        held = [value for value in sorted(confidence) if at(confidence, right, value).risk <= 0.10]
        broken += risk_above(held[0], 0.9) > 0.10 if held else 0
    assert broken / TIMES > 2 * DELTA


def test_the_p_value_is_the_binomial_tail() -> None:
    """It is the sum over all counts up to the one seen, here with exact coefficients."""
    for n, wrong, alpha in ((10, 0, 0.1), (114, 0, 0.02), (250, 4, 0.02), (300, 22, 0.1), (40, 39, 0.5)):
        exact = sum(comb(n, k) * alpha**k * (1 - alpha) ** (n - k) for k in range(wrong + 1))
        assert p_value(n, wrong, alpha) == pytest.approx(exact, rel=1e-9)
    assert p_value(0, 0, 0.1) == p_value(5, 5, 0.1) == 1.0


counts = st.integers(1, 2000).flatmap(lambda n: st.tuples(st.just(n), st.integers(0, n - 1)))


@settings(deadline=None)
@given(counts, st.sampled_from([0.01, 0.02, 0.05, 0.1]))
def test_more_wrong_ones_never_show_more(pair: tuple[int, int], alpha: float) -> None:
    """The p-value grows with the wrong decisions, and falls with more right ones and with a larger alpha."""
    n, wrong = pair
    p = p_value(n, wrong, alpha)
    assert 0 <= p <= 1
    assert p <= p_value(n, wrong + 1, alpha) + 1e-12
    assert p_value(n + 1, wrong, alpha) <= p + 1e-12
    assert p_value(n, wrong, 2 * alpha) <= p + 1e-12


@settings(max_examples=40, deadline=None)
@given(st.integers(0, 10_000), st.sampled_from([0.2, 0.5, 0.9]))
def test_a_stricter_demand_never_gives_a_looser_threshold(seed: int, hard: float) -> None:
    """On one sequence, a smaller alpha or delta certifies the same threshold, a stricter one, or none."""
    random = Random(seed)
    thresholds = sequence(drawn(random, 100, hard)[0], 400, 0.05)
    confidence, right = drawn(random, 400, hard)
    loose = certify(thresholds, confidence, right, 0.10).threshold
    for stricter in (
        certify(thresholds, confidence, right, 0.05).threshold,
        certify(thresholds, confidence, right, 0.10, delta=0.01).threshold,
    ):
        assert stricter is None or (loose is not None and stricter >= loose)


def test_a_sequence_runs_from_strict_to_loose() -> None:
    """The strictest threshold lets as many pass as would hold four wrong ones at alpha; the loosest lets all pass."""
    planning = [number / 1000 for number in range(1, 1001)]
    thresholds = sequence(planning, 500, 0.10)
    assert thresholds == sorted(thresholds, reverse=True)
    assert sum(value >= thresholds[0] for value in planning) == 80
    assert sum(value >= sequence(planning, 400, 0.02)[0] for value in planning) == 500
    assert thresholds[-1] == min(planning)
    assert sequence([], 500, 0.1) == sequence(planning, 0, 0.1) == []
    assert sequence([0.4, 0.4], 500, 0.1) == [0.4]


def test_nothing_is_certified_without_enough_decisions() -> None:
    """Below 200 decisions, or with too many wrong ones at the strictest threshold, the answer is none and says why."""
    few = certify([0.5], [0.9] * (LEAST - 1), [True] * (LEAST - 1), ALPHA["read"])
    assert (few.threshold, few.because) == (None, "199 decisions, 200 are needed")
    wrong = certify([0.9, 0.5], [0.95] * 100 + [0.6] * 200, [False] * 20 + [True] * 280, ALPHA["read"])
    assert wrong.threshold is None
    assert "20 of 100 wrong at 0.900" in wrong.because
    assert certify([], [0.9] * 300, [True] * 300, ALPHA["read"]).threshold is None


def test_the_first_failure_ends_a_walk() -> None:
    """A looser threshold that would hold by itself is not taken once stricter ones have failed in both walks."""
    confidence = [0.9] * 100 + [0.5] * 2000
    right = [False] * 30 + [True] * 2070
    assert certify([0.5], confidence, right, 0.10).threshold == 0.5
    assert certify([0.9 - n / 1000 for n in range(9)] + [0.5], confidence, right, 0.10).threshold is None


def test_the_second_walk_begins_past_a_strict_failure() -> None:
    """A few wrong decisions among the very surest do not end everything."""
    confidence, right = [0.99] * 50 + [0.9] * 1000, [False] * 10 + [True] * 1040
    thresholds = [0.99, 0.98, 0.9, 0.89, 0.88, 0.87, 0.86, 0.85, 0.84, 0.83]
    assert certify(thresholds, confidence, right, 0.10).threshold == 0.83
