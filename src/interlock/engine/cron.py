"""When a cron expression comes next, on the wall clock of a time zone.

Pure: the moment to look from comes in as an argument.  Where the clock is changed, an hour is missing or comes twice.
An expression whose hour is `*` or `*/N` goes by every hour that there is; one that names its hours goes by the wall
clock, as RFC 5545 (section 3.3.5) reads it: a time that is missing is as long after midnight as on any other day, and
one that comes twice counts the first time.
"""

from __future__ import annotations

import re
from collections.abc import Iterator
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from typing import Any
from zoneinfo import ZoneInfo

from interlock.errors import InputError, SettingsError

ALIASES = {
    "@hourly": "0 * * * *",
    "@daily": "0 0 * * *",
    "@midnight": "0 0 * * *",
    "@weekly": "0 0 * * 0",
    "@monthly": "0 0 1 * *",
    "@yearly": "0 0 1 1 *",
    "@annually": "0 0 1 1 *",
}
FIELDS = ("minute", "hour", "day of the month", "month", "day of the week")
FIELD = re.compile(
    r"(?:[0-9*,/?#-]|l|mon|tue|wed|thu|fri|sat|sun|jan|feb|mar|apr|may|jun|jul|aug|sep|oct|nov|dec)+", re.IGNORECASE
)
"""What a field is made of; chance (`R`, `H`) is no part of it, for every worker must come to the same moments."""

NEAR = timedelta(days=2)
"""A change of the clock that is farther away than this moves no time past another one."""
MINUTE = timedelta(minutes=1)


@dataclass(frozen=True)
class Cron:
    """A cron expression of five fields, and the time zone on whose wall clock it is read."""

    expression: str
    zone: ZoneInfo

    def after(self, moment: datetime) -> datetime:
        """The first time after a moment."""
        return self._nearest(moment, forward=True)

    def until(self, moment: datetime) -> datetime:
        """The last time up to a moment, that one included."""
        return self._nearest(moment, forward=False)

    def _nearest(self, moment: datetime, *, forward: bool) -> datetime:
        sign = 1 if forward else -1
        start = _wall(moment, self.zone) - sign * (self._shift(moment) + MINUTE)
        best: datetime | None = None
        found_at = start
        for wall in self._walls(start, forward):
            # Around a change times do not come in the order of the wall clock: one may be moved past another.
            if best is not None and abs(wall - found_at) > self._shift(best):
                return best
            for each in self._moments(wall):
                beyond = each > moment if forward else each <= moment
                if beyond and (best is None or (each - best) * sign < timedelta(0)):
                    best, found_at = each, wall
        if best is not None:
            return best
        raise InputError(f"the cron expression {self.expression!r} never comes.")

    def _walls(self, start: datetime, forward: bool) -> Iterator[datetime]:
        """The times of the wall clock that the expression means, from one on."""
        from croniter import CroniterBadDateError

        found = _croniter(self.expression, start)
        try:
            while True:
                wall: datetime = found.get_next(datetime) if forward else found.get_prev(datetime)
                yield wall
        except CroniterBadDateError:
            return

    def _moments(self, wall: datetime) -> list[datetime]:
        """When it is this time on the wall clock: once; around a change perhaps never, or twice."""
        first, second = (wall.replace(tzinfo=self.zone, fold=fold).astimezone(UTC) for fold in (0, 1))
        every = self.expression.split()[1].startswith("*")
        if _wall(first, self.zone) != wall:
            return [] if every else [first]  # reckoned as if the clock had not been changed yet (PEP 495)
        return [first, second] if every and second != first else [first]

    def _shift(self, moment: datetime) -> timedelta:
        """By how much the clock is changed around a moment."""
        offsets = [(moment + near).astimezone(self.zone).utcoffset() for near in (-NEAR, NEAR)]
        before, behind = (offset or timedelta(0) for offset in offsets)
        return abs(behind - before)


def read_cron(expression: str, timezone: str) -> Cron:
    """A cron expression in a time zone, from text.

    Raises:
        InputError: one of them is none, or no time ever comes; the message says what is wrong.
        SettingsError: croniter is not installed.
    """
    text = " ".join(expression.split())
    text = ALIASES.get(text.lower(), text)
    fields = text.split(" ") if text else []
    if text.startswith("@"):
        raise InputError(f"there is no cron expression {expression!r}; there are {', '.join(ALIASES)}.")
    if len(fields) != len(FIELDS):
        raise InputError(
            f"the cron expression {expression!r} has {len(fields)} fields; it takes five: {', '.join(FIELDS)}, "
            "as in `0 7 * * 1-5`."
        )
    for name, field in zip(FIELDS, fields, strict=True):
        if not FIELD.fullmatch(field):
            raise InputError(f"the {name} {field!r} of the cron expression {expression!r} cannot be read.")
    cron = Cron(text, _zone(timezone))
    try:
        _croniter(text, datetime(2000, 1, 1))
    except ValueError as error:
        raise InputError(f"the cron expression {expression!r} cannot be read: {error}.") from None
    cron.after(datetime(2000, 1, 1, tzinfo=UTC))
    return cron


def _zone(name: str) -> ZoneInfo:
    try:
        return ZoneInfo(name)
    except Exception:  # the name of a missing file, of a folder, or no name at all: each raises another error
        raise InputError(f"there is no time zone {name!r}; write one such as Europe/Berlin or UTC.") from None


def _croniter(expression: str, start: datetime) -> Any:
    try:
        from croniter import croniter
    except ImportError:
        raise SettingsError("schedules need croniter, which is not installed: pip install 'interlock[work]'.") from None
    return croniter(expression, start)


def _wall(moment: datetime, zone: ZoneInfo) -> datetime:
    return moment.astimezone(zone).replace(tzinfo=None)
