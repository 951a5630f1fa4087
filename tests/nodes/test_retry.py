"""When a failed attempt is made again."""

from __future__ import annotations

from datetime import timedelta

from hypothesis import assume, given
from hypothesis import strategies as st

from interlock.graphs.cards import Retry
from interlock.nodes.retry import after

SECONDS = st.integers(0, 3600).map(lambda seconds: timedelta(seconds=seconds))
KINDS = st.sampled_from(["unavailable", "timeout", "invalid", "refused", "limit"])
RETRIES = st.builds(
    Retry,
    attempts=st.integers(1, 20),
    on=st.lists(st.sampled_from(["unavailable", "timeout", "invalid"]), min_size=1, unique=True),
    backoff=SECONDS,
    factor=st.floats(1, 10) | st.integers(1, 10),
    max_backoff=SECONDS,
    jitter=st.floats(0, 1),
)


@given(RETRIES, KINDS, st.integers(1, 30))
def test_a_retry_happens_exactly_as_declared(retry: Retry, kind: str, attempts: int) -> None:
    """There is a pause when the kind is listed and an attempt is left, and none otherwise."""
    pause = after(kind, attempts, retry, "run/step/1")
    assert (pause is not None) == (kind in retry.on and attempts < retry.attempts)


@given(RETRIES, st.integers(1, 19), st.text(max_size=20))
def test_a_pause_lies_between_its_bounds(retry: Retry, attempts: int, seed: str) -> None:
    """It is never longer than the grown backoff or `max_backoff`, and jitter takes off its share at most."""
    kind = retry.on[0]
    assume(attempts < retry.attempts)
    pause = after(kind, attempts, retry, seed)
    assert pause is not None
    whole = min(
        retry.backoff.total_seconds() * float(retry.factor) ** (attempts - 1), retry.max_backoff.total_seconds()
    )
    slack = 1e-5 + whole * 1e-9
    assert whole * (1 - retry.jitter) - slack <= pause.total_seconds() <= whole + slack


@given(RETRIES, st.integers(1, 19), st.text(max_size=20))
def test_the_same_visit_pauses_the_same(retry: Retry, attempts: int, seed: str) -> None:
    """Chance comes from the seed alone, so a restart does not change it."""
    assert after("timeout", attempts, retry, seed) == after("timeout", attempts, retry, seed)


@given(RETRIES)
def test_pauses_never_shrink_without_jitter(retry: Retry) -> None:
    """Each pause is at least as long as the one before."""
    steady = retry.model_copy(update={"jitter": 0, "on": ["timeout"]})
    pauses = [after("timeout", attempts, steady, "x") for attempts in range(1, steady.attempts)]
    assert pauses == sorted(pause for pause in pauses if pause is not None)


def test_jitter_keeps_visits_apart() -> None:
    """A hundred visits that fail together come back at a hundred moments, spread over the share."""
    retry = Retry(attempts=2, backoff=timedelta(seconds=100), jitter=0.5)
    pauses = [after("unavailable", 1, retry, f"run/step/{visit}") for visit in range(100)]
    seconds = sorted(pause.total_seconds() for pause in pauses if pause is not None)
    assert len(set(seconds)) == 100
    assert 50 < seconds[0] < 60
    assert 90 < seconds[-1] <= 100


def test_the_default_grows_twofold() -> None:
    """One second, two, four, and so on up to five minutes."""
    retry = Retry(attempts=20)
    pauses = [after("unavailable", attempts, retry, "x") for attempts in range(1, 12)]
    assert [pause.total_seconds() for pause in pauses if pause] == [1, 2, 4, 8, 16, 32, 64, 128, 256, 300, 300]
