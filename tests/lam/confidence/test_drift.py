"""Drift: few false alarms, true ones found, and a suspended certificate asks until verdicts make another."""

from __future__ import annotations

from pathlib import Path
from random import Random

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from interlock.errors import SettingsError
from interlock.lam.confidence.drift import BETS, FEWEST, KEPT, LEVEL, differ, drift, sample_of, stakes
from interlock.lam.confidence.suspension import FILE, Suspension, lift, suspend, suspensions, why_suspended
from interlock.testing import certificates_for

ALPHA = 0.10
TIMES = 120


def errors(random: Random, rate: float, count: int) -> list[bool]:
    return [random.random() < rate for _ in range(count)]


def test_the_bet_seldom_raises_a_false_alarm() -> None:
    """Watched after every one of 400 decisions whose risk is exactly alpha, it alarms in few of 120 repeats."""
    alarms = sum(
        drift(errors(Random(f"calm:{seed}"), ALPHA, 400), ALPHA, {}, {}, level=0.1).errors for seed in range(TIMES)
    )
    assert alarms / TIMES <= 0.05 + 4 * (0.05 * 0.95 / TIMES) ** 0.5


def test_the_bet_finds_a_risk_that_has_grown() -> None:
    """Three times alpha is found within 200 decisions nearly always, at the strict standard level."""
    found = sum(drift(errors(Random(f"worse:{seed}"), 3 * ALPHA, 200), ALPHA, {}, {}).errors for seed in range(100))
    assert found >= 95


def test_a_sudden_change_is_found_after_it() -> None:
    """After 100 calm decisions, half of them wrong is found within the next 80."""
    random = Random("sudden")
    said = drift(errors(random, ALPHA / 2, 100) + errors(random, 0.5, 80), ALPHA, {}, {})
    assert said.alarm_at is not None
    assert 100 < said.alarm_at <= 180
    assert "which the certificate does not allow" in said.because


@settings(deadline=None)
@given(st.lists(st.booleans(), max_size=60))
def test_the_stake_is_fair(wrong: list[bool]) -> None:
    """It stays positive, and its mean over the next decision at risk alpha is what it is now."""
    values = stakes(wrong, ALPHA)
    assert all(value > 0 for value in values)
    now = values[-1] if values else 1.0
    after = ALPHA * stakes([*wrong, True], ALPHA)[-1] + (1 - ALPHA) * stakes([*wrong, False], ALPHA)[-1]
    assert after == pytest.approx(now, rel=1e-9)
    assert len(BETS) > 1


def looks(random: Random, count: int, shift: float = 0.0) -> dict[str, list[float]]:
    return {
        "confidence": [random.betavariate(5 - 3 * shift, 1) for _ in range(count)],
        "p_null": [random.random() ** 2 for _ in range(count)],
        "arguments": [float(random.randint(1, 4)) for _ in range(count)],
        "tools": [float(random.choice([1, 3, 13])) for _ in range(count)],
    }


def test_like_decisions_seldom_look_different() -> None:
    """Two samples of one kind differ in few of 120 repeats, all four numbers together, counts included."""
    alarms = 0
    for seed in range(TIMES):
        random = Random(f"alike:{seed}")
        reference = {name: sample_of(values) for name, values in looks(random, 600).items()}
        alarms += bool(drift([], ALPHA, reference, looks(random, 60), level=0.1).looks)
    assert alarms / TIMES <= 0.05 + 4 * (0.05 * 0.95 / TIMES) ** 0.5


def test_other_decisions_look_different() -> None:
    """A changed number is found and named, the others are not."""
    random = Random("other")
    reference = {name: sample_of(values) for name, values in looks(random, 600).items()}
    said = drift([], ALPHA, reference, looks(random, 200, shift=1.0))
    assert said.looks == ["confidence"]
    assert said.drifted
    assert "in confidence" in said.because
    assert drift([], ALPHA, reference, looks(random, FEWEST - 1, shift=1.0)).p_values == {}


def test_the_distance_of_samples() -> None:
    """Equal samples are alike, separate ones are not, and an empty one says nothing."""
    assert differ([1, 2, 3] * 20, [1, 2, 3] * 30) == 1.0
    assert differ([0.1] * 50, [0.9] * 50) < 1e-9
    assert differ([], [1]) == 1.0
    assert differ([n / 100 for n in range(100)], [n / 100 + 0.5 for n in range(100)]) < LEVEL


@settings(deadline=None)
@given(st.lists(st.floats(0, 1), min_size=1, max_size=1000))
def test_a_kept_sample_is_like_the_whole(values: list[float]) -> None:
    """No more than 200 values are kept, and they are alike with the ones they stand for."""
    kept = sample_of(values)
    assert len(kept) == min(len(values), KEPT)
    assert differ(kept, values) > 0.9


FACTS = {**certificates_for("m-1").held[0].facts(), "data": "generated"}
DRIFTED = Suspension(
    model_id="m-1", group="*", risk_class="read", since="2026-02-01T00:00:00+00:00", because="decisions differ"
)


def test_a_suspended_certificate_says_since_when_and_why(tmp_path: Path) -> None:
    """It is about one model, group and risk class, and holds until a person lifts it."""
    assert why_suspended(tmp_path, FACTS) is None
    suspend(tmp_path, DRIFTED)
    suspend(tmp_path, DRIFTED.model_copy(update={"since": "2026-03-01T00:00:00+00:00"}))
    assert suspensions(tmp_path) == [DRIFTED]
    assert why_suspended(tmp_path, FACTS) == f"suspended since {DRIFTED.since}: decisions differ"
    for other in ({"model_id": "m-2"}, {"group": "email"}, {"risk_class": "reversible"}):
        assert why_suspended(tmp_path, FACTS | other) is None
    assert lift(tmp_path, "m-2", "*") == []
    assert lift(tmp_path, "m-1", "*") == [DRIFTED]
    assert why_suspended(tmp_path, FACTS) is None


def test_only_newer_verdicts_lift_a_suspension(tmp_path: Path) -> None:
    """More generated requests say nothing about the ones that drifted, and neither do older verdicts."""
    suspend(tmp_path, DRIFTED)
    later, earlier = {"made": "2026-03-01T00:00:00+00:00"}, {"made": "2026-01-01T00:00:00+00:00"}
    assert why_suspended(tmp_path, FACTS | later | {"data": "generated"})
    assert why_suspended(tmp_path, FACTS | earlier | {"data": "verdicts"})
    assert why_suspended(tmp_path, FACTS | later | {"data": "verdicts"}) is None


@pytest.mark.parametrize("text", ["", "{", "{}", '[{"model_id": 1}]', '"x"', "[1]", "\xff"])
def test_an_unreadable_list_suspends_everything(tmp_path: Path, text: str) -> None:
    """The gate asks, and nothing is written over what cannot be read."""
    (tmp_path / FILE).write_bytes(text.encode("latin-1"))
    said = why_suspended(tmp_path, FACTS)
    assert said is not None
    assert FILE in said
    with pytest.raises(SettingsError):
        suspend(tmp_path, DRIFTED)
