"""Waiting after failures, with a clock that tests move."""

from __future__ import annotations

from datetime import timedelta

from interlock.testing import FakeClock
from interlock.web import throttle
from interlock.web.throttle import FORGOTTEN, FREE, LONGEST, Throttle


def test_each_failure_after_the_free_ones_doubles_the_wait() -> None:
    """Five cost nothing, then 1, 2, 4 … seconds, never more than a quarter of an hour."""
    clock = FakeClock()
    slow = Throttle(clock)
    waits = []
    for _ in range(FREE + 14):
        slow.failed("fay")
        waits.append(int(slow.wait("fay").total_seconds()))
        clock.advance(slow.wait("fay"))
    assert waits[:FREE] == [0] * FREE
    assert waits[FREE:] == [1, 2, 4, 8, 16, 32, 64, 128, 256, 512, 900, 900, 900, 900]
    assert slow.wait("fay") == timedelta(0)


def test_the_longest_wait_of_all_counts_and_others_do_not() -> None:
    """A person who failed often waits at a new address too; somebody else there does not."""
    slow = Throttle(FakeClock())
    for _ in range(FREE + 3):
        slow.failed("person fay", "address 1")
    assert slow.wait("person fay", "address 2") == timedelta(seconds=4)
    assert slow.wait("person finn", "address 2") == timedelta(0)
    slow.succeeded("person fay")
    assert slow.wait("person fay", "address 2") == timedelta(0)
    assert slow.wait("person finn", "address 1") == timedelta(seconds=4)


def test_failures_are_forgotten_after_an_hour_of_peace() -> None:
    """Who mistypes once a day never waits."""
    clock = FakeClock()
    slow = Throttle(clock)
    for _ in range(FREE * 3):
        slow.failed("fay")
        clock.advance(FORGOTTEN)
    assert slow.wait("fay") == timedelta(0)
    assert LONGEST < FORGOTTEN


def test_what_is_kept_is_bounded() -> None:
    """A flood of addresses fills no memory."""
    slow = Throttle(FakeClock())
    for number in range(throttle.KNOWN + 50):
        slow.failed(f"address {number}")
    assert len(slow._failures) == throttle.KNOWN
