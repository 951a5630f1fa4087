"""Opening times: which instants of which days of one time zone lie inside.

::

    calendars:
      office: {timezone: Europe/Berlin, days: [mon, tue, wed, thu, fri], from: "08:00", to: "18:00"}
      quiet:  {timezone: Europe/Berlin, from: "22:00", to: "06:00", closed: ["2026-12-31"]}

What counts is the clock on the wall in that zone, so an hour that is skipped or repeated when the clocks
change is inside exactly when its reading is.
"""

from __future__ import annotations

import re
from datetime import UTC, date, datetime, timedelta
from typing import Annotated, Any, Literal
from zoneinfo import ZoneInfo

from pydantic import AfterValidator, BeforeValidator, Field, model_validator

from interlock.policies.declared import Declared

Weekday = Literal["mon", "tue", "wed", "thu", "fri", "sat", "sun"]
WEEKDAYS: tuple[Weekday, ...] = ("mon", "tue", "wed", "thu", "fri", "sat", "sun")
"""The values of the input `weekday`, as the days of a calendar are named."""

CLOCK = r"^(([01][0-9]|2[0-3]):[0-5][0-9]|24:00)$"
DAY = r"^[0-9]{4}-[0-9]{2}-[0-9]{2}$"


def _zone(value: str) -> str:
    try:
        ZoneInfo(value)
    except Exception:  # the name of a missing file, of a folder, or no name at all: each raises another error
        raise ValueError("write a time zone such as Europe/Berlin or UTC") from None
    return value


def _day(value: str) -> str:
    try:
        date.fromisoformat(value)
    except ValueError:
        raise ValueError("there is no such day") from None
    return value


def _tuple(value: Any) -> Any:
    return tuple(value) if isinstance(value, list) else value


Clock = Annotated[str, Field(pattern=CLOCK)]
"""A reading of a clock: 00:00 to 24:00."""


class Calendar(Declared):
    """Opening times.  `to` itself is outside; where it is before `from`, the span goes on past midnight."""

    timezone: Annotated[str, AfterValidator(_zone)] = Field(
        description="The time zone whose clock counts.", json_schema_extra={"examples": ["Europe/Berlin", "UTC"]}
    )
    days: Annotated[tuple[Weekday, ...], BeforeValidator(_tuple), Field(min_length=1)] = Field(
        default=WEEKDAYS, description="The days on which a span begins."
    )
    from_: Clock = Field(default="00:00", alias="from", description="When it begins.")
    to: Clock = Field(default="24:00", description="When it ends; this minute is outside.")
    closed: Annotated[tuple[Annotated[str, Field(pattern=DAY), AfterValidator(_day)], ...], BeforeValidator(_tuple)] = (
        Field(default=(), description="Dates on which no span begins, such as holidays.")
    )

    @model_validator(mode="after")
    def _sound(self) -> Calendar:
        if self.from_ == self.to or self.from_ == "24:00":
            raise ValueError(f"no time lies from {self.from_} to {self.to}; a whole day is 00:00 to 24:00")
        return self

    def open_at(self, now: datetime) -> bool:
        """Whether `now` lies inside.  A span over midnight belongs to the day on which it began.

        Raises:
            ValueError: `now` has no time zone.
        """
        if now.tzinfo is None:
            raise ValueError("an instant needs a time zone")
        here = now.astimezone(UTC).astimezone(ZoneInfo(self.timezone))
        reading = here.hour * 60 + here.minute
        begins, ends = _minutes(self.from_), _minutes(self.to)
        if begins < ends:
            return self._opens(here.date()) and begins <= reading < ends
        yesterday = here.date() - timedelta(days=1)
        return (self._opens(here.date()) and reading >= begins) or (self._opens(yesterday) and reading < ends)

    def _opens(self, day: date) -> bool:
        return WEEKDAYS[day.weekday()] in self.days and day.isoformat() not in self.closed


def _minutes(clock: str) -> int:
    hours, minutes = re.split(":", clock)
    return int(hours) * 60 + int(minutes)
