"""When a cron expression comes next: on plain days, and where a clock is changed."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta
from zoneinfo import ZoneInfo

import pytest
from croniter import croniter

from interlock.engine.cron import Cron, read_cron
from interlock.errors import InputError

BERLIN = "Europe/Berlin"
MINUTE = timedelta(minutes=1)


def times(expression: str, zone: str, start: str, count: int) -> list[str]:
    """The next so many times after a moment, as the wall clock and its offset show them."""
    cron, moment = read_cron(expression, zone), datetime.fromisoformat(start).astimezone(UTC)
    found = []
    for _ in range(count):
        moment = cron.after(moment)
        found.append(moment.astimezone(cron.zone).isoformat(timespec="minutes"))
    return found


def test_it_is_read_on_the_wall_clock_of_its_zone() -> None:
    """Seven in the morning stays seven in the morning, whatever that is elsewhere; the weekend is left out."""
    assert times("0 7 * * 1-5", BERLIN, "2026-03-26T12:00+01:00", 3) == [
        "2026-03-27T07:00+01:00", "2026-03-30T07:00+02:00", "2026-03-31T07:00+02:00",
    ]  # fmt: skip
    assert times("@weekly", "UTC", "2026-01-05T00:00+00:00", 1) == ["2026-01-11T00:00+00:00"]
    assert times("0 0 29 2 *", "UTC", "2026-01-05T00:00+00:00", 2) == [
        "2028-02-29T00:00+00:00", "2032-02-29T00:00+00:00",
    ]  # fmt: skip


def test_a_time_that_the_clock_leaves_out_comes_as_long_after_midnight_as_ever() -> None:
    """Half past two is half past three on that day, once, also where the expression names both."""
    assert times("30 2 * * *", BERLIN, "2026-03-28T12:00+01:00", 2) == [
        "2026-03-29T03:30+02:00", "2026-03-30T02:30+02:00",
    ]  # fmt: skip
    assert times("30 2,3 * * *", BERLIN, "2026-03-29T00:00+01:00", 2) == [
        "2026-03-29T03:30+02:00", "2026-03-30T02:30+02:00",
    ]  # fmt: skip
    assert times("30 2 29 3 *", BERLIN, "2026-03-29T01:59+01:00", 1) == ["2026-03-29T03:30+02:00"]


def test_a_time_that_comes_twice_counts_the_first_time() -> None:
    """Half past two is once in the night in which there are two of them."""
    assert times("30 2 * * *", BERLIN, "2026-10-24T12:00+02:00", 2) == [
        "2026-10-25T02:30+02:00", "2026-10-26T02:30+01:00",
    ]  # fmt: skip


def test_every_hour_is_every_hour_that_there_is() -> None:
    """23 in spring, 25 in autumn; none of them is made up and none is left out."""
    assert times("0 * * * *", BERLIN, "2026-03-29T00:30+01:00", 2) == [
        "2026-03-29T01:00+01:00",
        "2026-03-29T03:00+02:00",
    ]
    assert times("*/30 * * * *", BERLIN, "2026-10-25T01:30+02:00", 5) == [
        "2026-10-25T02:00+02:00", "2026-10-25T02:30+02:00", "2026-10-25T02:00+01:00", "2026-10-25T02:30+01:00",
        "2026-10-25T03:00+01:00",
    ]  # fmt: skip
    for day, hours in (("2026-03-29", 23), ("2026-10-25", 25), ("2026-05-05", 24)):
        cron, found = read_cron("0 * * * *", BERLIN), 0
        moment = datetime.fromisoformat(day).replace(tzinfo=cron.zone).astimezone(UTC) - MINUTE
        while (moment := cron.after(moment)).astimezone(cron.zone).date().isoformat() == day:
            found += 1
        assert found == hours


def meant(expression: str, zone: ZoneInfo, first: datetime, last: datetime) -> list[datetime]:
    """All times between two moments, from a table of every minute of the wall clock."""
    shown: dict[datetime, list[datetime]] = {}
    moment = first - timedelta(days=3)
    while moment < last + timedelta(days=3):
        shown.setdefault(moment.astimezone(zone).replace(tzinfo=None), []).append(moment)
        moment += MINUTE
    walls, found, every = sorted(shown), set[datetime](), expression.split()[1].startswith("*")
    ticks = croniter(expression, walls[0])
    while (wall := ticks.get_next(datetime)) < walls[-1]:
        seen = shown.get(wall, [])
        if not seen and not every:
            before = next(
                shown[wall - back * MINUTE][-1] + back * MINUTE
                for back in range(1, 2000)
                if wall - back * MINUTE in shown
            )
            found.add(before)
        found.update(seen if every else seen[:1])
    return sorted(each for each in found if first < each <= last)


@pytest.mark.parametrize(
    ("zone", "day"),
    [
        (BERLIN, "2026-03-29"),
        (BERLIN, "2026-10-25"),
        ("Australia/Lord_Howe", "2026-10-04"),  # half an hour
        ("Australia/Lord_Howe", "2026-04-05"),
        ("Pacific/Apia", "2011-12-30"),  # a whole day that never was
        ("America/Sao_Paulo", "2018-11-04"),  # a day that begins at one
    ],
)
@pytest.mark.parametrize("expression", ["*/40 * * * *", "*/20 2-3 * * *", "15 */2 * * *", "5 2,3 * * *", "0 0 * * *"])
def test_no_time_is_lost_or_invented_around_a_change(expression: str, zone: str, day: str) -> None:
    """From wherever one looks, forward and back, the times are those that a table of every minute has."""
    cron = read_cron(expression, zone)
    noon = datetime.fromisoformat(day).replace(hour=12, tzinfo=UTC)
    first, last = noon - timedelta(days=1), noon + timedelta(days=1)
    expected = meant(expression, cron.zone, first, last)
    found, moment = [], first
    while (moment := cron.after(moment)) <= last:
        found.append(moment)
    assert found == expected
    assert [cron.until(each) for each in expected] == expected
    assert [cron.until(each - MINUTE / 2) for each in expected[1:]] == expected[:-1]


@pytest.mark.parametrize(
    ("expression", "because"),
    [
        ("", "has 0 fields"),
        ("0 7 * *", "has 4 fields"),
        ("0 0 7 * * 1", "has 6 fields"),
        ("61 * * * *", "out of range"),
        ("*/0 * * * *", "step '0'"),
        ("0 7 * * mo", "day of the week 'mo'"),
        ("R * * * *", "minute 'R'"),
        ("H * * * *", "minute 'H'"),
        ("\u0663 * * * *", "minute"),
        ("@reboot", "there are @hourly"),
        ("0 0 30 2 *", "never comes"),
    ],
)
def test_what_is_no_expression_is_refused(expression: str, because: str) -> None:
    """With what is wrong: a field too many or of chance, a number out of range, a day that never comes."""
    with pytest.raises(InputError, match=because):
        read_cron(expression, "UTC")


@pytest.mark.parametrize("zone", ["", "Berlin", "europe", "../UTC", "UTC+1", "/etc/localtime"])
def test_what_is_no_time_zone_is_refused(zone: str) -> None:
    """With an example of one."""
    with pytest.raises(InputError, match="no time zone"):
        read_cron("@daily", zone)


def test_an_alias_is_what_it_stands_for() -> None:
    """Whoever lists schedules reads five fields."""
    assert read_cron(" @Daily ", "UTC") == Cron("0 0 * * *", ZoneInfo("UTC"))
