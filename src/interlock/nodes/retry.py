"""When a failed attempt is made again: a pure function of what failed, how often, and the step's `retry`."""

from __future__ import annotations

import hashlib
from datetime import timedelta

from interlock.graphs.cards import Retry


def after(kind: str, attempts: int, retry: Retry, seed: str) -> timedelta | None:
    """The pause before the next attempt; None when there is none.

    The pause is `backoff * factor ** (attempts - 1)`, at most `max_backoff`; up to the share `jitter` of it
    is taken off.  How much is read from `seed`, so the same visit pauses the same after a restart, and
    visits that failed together do not all come back together.

    Args:
        kind: why the attempt failed: unavailable, timeout or invalid; any other word is never tried again.
        attempts: how many were made, this one included.
        seed: names what is tried, such as a visit.
    """
    if kind not in retry.on or attempts >= retry.attempts:
        return None
    grown = retry.backoff.total_seconds() * float(retry.factor) ** (attempts - 1)
    pause = min(grown, retry.max_backoff.total_seconds())
    return timedelta(seconds=pause * (1 - retry.jitter * _share(f"{seed}#{attempts}")))


def _share(seed: str) -> float:
    """A number from 0 up to, and without, 1."""
    return int.from_bytes(hashlib.sha256(seed.encode()).digest()[:6]) / 2**48
