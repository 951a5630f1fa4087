"""Slowing down who tries tokens: after a few failures each further try has to wait twice as long."""

from __future__ import annotations

from collections import OrderedDict
from collections.abc import Callable
from dataclasses import dataclass
from datetime import datetime, timedelta
from threading import Lock

FREE = 5
"""Failures that cost no waiting: a person mistypes."""

FIRST = timedelta(seconds=1)
LONGEST = timedelta(minutes=15)

FORGOTTEN = timedelta(hours=1)
"""After so long without a failure, whoever it was starts anew."""

KNOWN = 10_000
"""How many are kept in mind at once; of more, the one who failed longest ago is forgotten."""


@dataclass
class _Failures:
    count: int
    until: datetime
    last: datetime


class Throttle:
    """Counts failures by person and by address, in this process; `clock` tells the time."""

    def __init__(self, clock: Callable[[], datetime]) -> None:
        self._clock = clock
        self._failures: OrderedDict[str, _Failures] = OrderedDict()
        self._lock = Lock()

    def wait(self, *who: str) -> timedelta:
        """How long each of these has yet to wait, the longest of them; nothing where none has to."""
        with self._lock:
            now = self._clock()
            until = max((self._failures[each].until for each in who if each in self._failures), default=now)
        return max(until - now, timedelta(0))

    def failed(self, *who: str) -> None:
        """Note that each of these has failed once more."""
        with self._lock:
            now = self._clock()
            for each in who:
                known = self._failures.pop(each, None)
                count = known.count + 1 if known and now - known.last < FORGOTTEN else 1
                self._failures[each] = _Failures(count, now + _pause(count), now)
            while len(self._failures) > KNOWN:
                self._failures.popitem(last=False)

    def succeeded(self, *who: str) -> None:
        """Forget the failures of these."""
        with self._lock:
            for each in who:
                self._failures.pop(each, None)


def _pause(count: int) -> timedelta:
    """The wait after so many failures: none, then a second, then twice as long each time."""
    return min(FIRST * 2 ** min(count - FREE - 1, 20), LONGEST) if count > FREE else timedelta(0)
