"""The calibrator: it learns which signals mean wrong, and its diagram shows how far it can be believed."""

from __future__ import annotations

import math
import xml.etree.ElementTree as ElementTree
from random import Random

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from interlock.lam.candidates import MEANS, Candidate
from interlock.lam.confidence.calibrator import UNCALIBRATED, Calibration, fit
from interlock.lam.confidence.reliability import BINS, calibration_error, diagram, reliability
from interlock.lam.confidence.risk_coverage import area, at, best_coverage, selective
from interlock.lam.confidence.signals import MOST, NAMES, Signals, lexical, log_odds, unread


def signals(**known: float) -> Signals:
    return Signals(**{name: known.get(name, 0.0) for name in NAMES})


def drawn(seed: int, count: int) -> tuple[list[Signals], list[bool]]:
    """Decisions whose rightness follows the margin and the number of unread mentions, and nothing else."""
    random = Random(seed)
    rows = [
        signals(margin=random.uniform(-2, 6), unread=random.random() * 2, length=random.random()) for _ in range(count)
    ]
    right = [random.random() < 1 / (1 + math.exp(-(0.8 * row.margin - 1.5 * row.unread))) for row in rows]
    return rows, right


def test_a_fitted_calibrator_means_what_it_says() -> None:
    """On decisions it was not fitted on its error is small, and it finds the two signals that matter."""
    fitted = fit(*drawn(1, 2000))
    rows, right = drawn(2, 2000)
    assert calibration_error([fitted.probability(row) for row in rows], right) < 0.04
    weights = dict(zip(NAMES, fitted.weights, strict=True))
    assert weights["margin"] == pytest.approx(0.8, abs=0.15)
    assert weights["unread"] == pytest.approx(-1.5, abs=0.3)
    assert abs(weights["fits"]) < 1e-6
    assert calibration_error([UNCALIBRATED.probability(row) for row in rows], right) > 0.1


def test_a_separable_split_keeps_its_bounds() -> None:
    """Decisions that are all right, or split cleanly, give no confidence of exactly 0 or 1."""
    sure, unsure = signals(margin=8), signals(margin=-8)
    for right in ([True] * 200, [True] * 100 + [False] * 100):
        fitted = fit([sure] * 100 + [unsure] * 100, right)
        assert 0 < fitted.probability(unsure) <= fitted.probability(sure) < 1


def test_a_calibration_is_read_back_by_the_names_of_its_signals() -> None:
    """One that was fitted on other signals is none."""
    fitted = fit(*drawn(3, 200))
    assert Calibration.read(fitted.document()) == fitted
    other = fitted.document()
    other["weights"]["another"] = other["weights"].pop("margin")
    assert Calibration.read(other) is None
    assert Calibration.read({}) is None
    assert Calibration.read({"weights": [1, 2], "bias": 0}) is None


confidences = st.lists(st.tuples(st.floats(0, 1), st.booleans()), min_size=1, max_size=80)


@settings(deadline=None)
@given(confidences)
def test_every_decision_is_in_one_bin(pairs: list[tuple[float, bool]]) -> None:
    """Counts add up, means lie inside the bins, and the error is a share."""
    confidence, right = [value for value, _ in pairs], [ok for _, ok in pairs]
    bins = reliability(confidence, right)
    assert sum(row.n for row in bins) == len(pairs)
    for row in bins:
        assert row.low - 1e-9 <= row.confidence <= row.high + 1e-9
    assert 0 <= calibration_error(confidence, right) <= 1


def test_the_error_is_the_mean_gap() -> None:
    """Half right at a confidence of a half is no error; all wrong at nearly 1 is nearly all error."""
    assert calibration_error([0.5] * 10, [True] * 5 + [False] * 5) == 0
    assert calibration_error([0.95] * 10, [False] * 10) == pytest.approx(0.95)
    assert calibration_error([], []) == 0


@settings(deadline=None)
@given(confidences)
def test_a_looser_threshold_covers_more(pairs: list[tuple[float, bool]]) -> None:
    """Coverage grows along the points, each of which is what its threshold gives, and the last one is everything."""
    confidence, right = [value for value, _ in pairs], [ok for _, ok in pairs]
    points = selective(confidence, right)
    assert [point.coverage for point in points] == sorted(point.coverage for point in points)
    assert points[-1].coverage == 1
    assert points[-1].risk == pytest.approx(1 - sum(right) / len(right))
    for point in points:
        assert at(confidence, right, point.threshold).risk == pytest.approx(point.risk)
    assert 0 <= area(points) <= 1


def test_hindsight_finds_the_most_coverage() -> None:
    """Of the points whose risk is allowed, the one that covers most; none where no point's is."""
    points = selective([0.9, 0.8, 0.7, 0.6], [True, True, False, True], of=8)
    assert [(point.coverage, point.risk) for point in points[:2]] == [(0.125, 0.0), (0.25, 0.0)]
    best = best_coverage(points, 0.25)
    assert best is not None
    assert (best.coverage, best.risk) == (0.5, 0.25)
    assert best_coverage(selective([0.9], [False]), 0.1) is None
    assert area([]) == 0


def test_the_diagram_is_one_well_formed_picture() -> None:
    """It holds a bar for each bin, a line for each threshold, a text alternative, and no markup of others."""
    confidence = [number / 100 for number in range(100)]
    bins = reliability(confidence, [value > 0.4 for value in confidence])
    drawn_ = diagram(bins, "Reliability of <m> & more", [("email read", 0.8)])
    root = ElementTree.fromstring(drawn_)
    space = "{http://www.w3.org/2000/svg}"
    kinds = [part.get("class") for part in root.iter(f"{space}rect")]
    assert kinds.count("bar") == kinds.count("count") == BINS
    assert [line.get("class") for line in root.iter(f"{space}line")].count("asked") == 1
    assert root.find(f"{space}title") is not None
    assert "0.9 to 1" in (root.findtext(f"{space}desc") or "")
    assert "http" not in drawn_.replace("http://www.w3.org/2000/svg", "")


def test_what_no_argument_uses_is_counted() -> None:
    """A number inside another mention counts once; a value that words only mean uses nothing."""
    text = 'Pay 480 to "Anna" on 3 March 2026.'
    at_ = text.index("480")
    taken = Candidate("request", at_, at_ + 3, "number", 480)
    assert unread(text, [taken]) == unread(text, []) - 1
    meant = Candidate("request", at_, at_ + 3, f"{MEANS}x", "x")
    assert unread(text, [meant]) == unread(text, [])
    assert unread("Hello there, how are you?", []) == 0


def test_lexical_fit_reads_names_of_any_style() -> None:
    """Camel case, dots and endings do not matter."""
    assert lexical("calculateTriangle.areas", "the calculation of the area of a triangle") == 1
    assert lexical("weather_forecast", "the weather tomorrow") == 0.5
    assert lexical("", "x") == 0


@settings(deadline=None)
@given(st.floats(0, 1))
def test_log_odds_stay_within_bounds(probability: float) -> None:
    """No probability, 0 and 1 included, gives a number that outweighs all others."""
    assert -MOST <= log_odds(probability) <= MOST
