"""Calendars: opening times, quiet hours, closed dates, and the two days a year on which clocks change."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta, timezone
from typing import Any
from zoneinfo import ZoneInfo

import pytest
from hypothesis import given
from hypothesis import strategies as st
from pydantic import ValidationError

from interlock.policies.calendars import WEEKDAYS, Calendar

BERLIN = ZoneInfo("Europe/Berlin")


def calendar(**told: Any) -> Calendar:
    """A calendar in Berlin."""
    return Calendar.model_validate({"timezone": "Europe/Berlin"} | told)


OFFICE = calendar(days=["mon", "tue", "wed", "thu", "fri"], closed=["2026-12-25"], **{"from": "08:00", "to": "18:00"})
QUIET = calendar(days=["fri"], closed=["2026-03-13"], **{"from": "22:00", "to": "06:00"})


@pytest.mark.parametrize(
    ("at", "inside"),
    [
        ("2026-03-02T08:00:00", True),
        ("2026-03-02T07:59:59.999999", False),
        ("2026-03-02T17:59:59.999999", True),
        ("2026-03-02T18:00:00", False),
        ("2026-03-07T12:00:00", False),
        ("2026-12-25T12:00:00", False),
        ("2026-12-24T12:00:00", True),
    ],
)
def test_opening_times_end_exactly(at: str, inside: bool) -> None:
    """From the first moment of `from` to the last before `to`, on working days that are not closed."""
    assert OFFICE.open_at(datetime.fromisoformat(at).replace(tzinfo=BERLIN)) is inside


@pytest.mark.parametrize(
    ("at", "inside"),
    [
        ("2026-03-06T21:59:59", False),
        ("2026-03-06T22:00:00", True),
        ("2026-03-07T00:00:00", True),
        ("2026-03-07T05:59:59", True),
        ("2026-03-07T06:00:00", False),
        ("2026-03-07T23:00:00", False),
        ("2026-03-06T03:00:00", False),
        ("2026-03-13T23:00:00", False),
        ("2026-03-14T03:00:00", False),
    ],
)
def test_a_span_over_midnight_belongs_to_the_day_it_began(at: str, inside: bool) -> None:
    """The night of a Friday goes on into Saturday; on a closed Friday it does not begin at all."""
    assert QUIET.open_at(datetime.fromisoformat(at).replace(tzinfo=BERLIN)) is inside


def test_when_clocks_go_back_both_hours_read_alike() -> None:
    """On 25 October 2026 half past two comes twice in Berlin, and is inside twice."""
    night = calendar(**{"from": "02:00", "to": "03:00"})
    first, second = (datetime(2026, 10, 25, hour, 30, tzinfo=UTC) for hour in (0, 1))
    assert [night.open_at(at) for at in (first, second)] == [True, True]
    assert [night.open_at(at + timedelta(minutes=30 * step)) for at, step in ((first, -2), (second, 1))] == [
        False,
        False,
    ]


def test_when_clocks_go_forward_a_skipped_hour_never_comes() -> None:
    """On 29 March 2026 no clock in Berlin reads between two and three."""
    night = calendar(**{"from": "02:00", "to": "03:00"})
    start = datetime(2026, 3, 29, tzinfo=UTC)
    assert not any(night.open_at(start + timedelta(minutes=minute)) for minute in range(180))


minutes = st.integers(0, 24 * 60 - 1).map(lambda minute: f"{minute // 60:02}:{minute % 60:02}")
instants = st.datetimes(datetime(2000, 1, 1), datetime(2037, 12, 31)).map(lambda at: at.replace(tzinfo=UTC))
zones = st.sampled_from(
    ["UTC", "Europe/Berlin", "America/New_York", "Asia/Kolkata", "Australia/Lord_Howe", "Pacific/Apia", "Africa/Cairo"]
)


@given(instants, zones, minutes, minutes)
def test_a_span_and_its_rest_part_every_instant(at: datetime, zone: str, one: str, two: str) -> None:
    """Whatever the clocks do: an instant is in `one` to `two` or in `two` to `one`, never in both or neither."""
    if one == two:
        return
    spans = [Calendar.model_validate({"timezone": zone, "from": a, "to": b}) for a, b in ((one, two), (two, one))]
    assert spans[0].open_at(at) is not spans[1].open_at(at)


@given(instants, zones, minutes, minutes, st.integers(-14 * 60, 14 * 60))
def test_an_instant_is_the_same_in_every_zone(at: datetime, zone: str, one: str, two: str, offset: int) -> None:
    """How the clock that asks writes the instant makes no difference."""
    if one == two:
        return
    span = Calendar.model_validate({"timezone": zone, "from": one, "to": two})
    assert span.open_at(at.astimezone(timezone(timedelta(minutes=offset)))) is span.open_at(at)


@given(instants, zones, minutes, minutes, st.sets(st.sampled_from(WEEKDAYS), min_size=1), st.booleans())
def test_the_reading_of_the_wall_clock_decides(
    at: datetime, zone: str, one: str, two: str, days: set[str], closed: bool
) -> None:
    """Equal to looking through the days around the instant for a span that holds its reading."""
    if one == two:
        return
    reading = at.astimezone(ZoneInfo(zone)).replace(tzinfo=None)
    shut = [reading.date().isoformat()] if closed else []
    told = {"timezone": zone, "from": one, "to": two, "days": sorted(days), "closed": shut}
    inside = False
    for back in (0, 1):
        day = reading.date() - timedelta(days=back)
        if day.isoformat() in shut or WEEKDAYS[day.weekday()] not in days:
            continue
        begin, end = (datetime.fromisoformat(f"{day.isoformat()}T{clock}") for clock in (one, two))
        inside |= begin <= reading < (end if begin < end else end + timedelta(days=1))
    assert Calendar.model_validate(told).open_at(at) is inside


def test_a_whole_day_is_from_midnight_to_midnight() -> None:
    """By default; weekends are a calendar of two days."""
    weekend = calendar(days=["sat", "sun"])
    found = [weekend.open_at(datetime(2026, 3, day, 12, tzinfo=UTC)) for day in range(2, 9)]
    assert found == [False, False, False, False, False, True, True]


def test_an_instant_without_a_zone_is_refused() -> None:
    """No clock is ever guessed."""
    with pytest.raises(ValueError, match="time zone"):
        OFFICE.open_at(datetime(2026, 3, 2, 12))


@pytest.mark.parametrize(
    "told",
    [
        {"timezone": "Berlin"},
        {"timezone": "../../etc/passwd"},
        {"timezone": ""},
        {"timezone": "UTC", "days": []},
        {"timezone": "UTC", "days": ["monday"]},
        {"timezone": "UTC", "from": "8:00"},
        {"timezone": "UTC", "from": "24:00"},
        {"timezone": "UTC", "from": "08:00", "to": "08:00"},
        {"timezone": "UTC", "to": "24:01"},
        {"timezone": "UTC", "from": 800},
        {"timezone": "UTC", "closed": ["2026-02-30"]},
        {"timezone": "UTC", "closed": ["25.12.2026"]},
        {"timezone": "UTC", "holidays": ["2026-12-25"]},
        {},
    ],
)
def test_a_calendar_that_means_nothing_is_refused(told: dict[str, Any]) -> None:
    """Unknown zones, days, readings and dates, and spans that hold no time."""
    with pytest.raises(ValidationError):
        Calendar.model_validate(told)
