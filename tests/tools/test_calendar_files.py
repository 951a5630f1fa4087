"""Appointments as .ics files: each request applies once, and no other program's file is harmed."""

from __future__ import annotations

from collections.abc import Callable
from datetime import UTC, date, time
from pathlib import Path

import pytest
from icalendar import Calendar

from interlock.errors import EffectFailed, EffectNotDone
from interlock.tools.action import Action, ActionContext
from interlock.tools.connect import files, ics

Contexts = Callable[..., ActionContext]
MONDAY, TUESDAY = date(2026, 3, 2), date(2026, 3, 3)


def add(context: ActionContext, title: str = "Team meeting", day: date = MONDAY, place: str | None = None) -> ics.Entry:
    return ics.add(context, title=title, day=day, start=time(10, 30), minutes=45, place=place)


def event_in(path: Path) -> dict[str, object]:
    (event,) = Calendar.from_ical(path.read_bytes()).walk("VEVENT")
    return dict(event.items())


@pytest.mark.parametrize("title", ["Team meeting", "Käse; Brot, c:\\new\\n", "🎉 " + "long " * 39, "{0} %s $HOME"])
def test_an_appointment_survives_the_round_trip(context: Contexts, home: Path, title: str) -> None:
    """One file holds one event that reads back with the same title, time, length and place."""
    entry = add(context(), title, place="Room 1; left, second door")
    (path,) = (home / "calendar").glob("*.ics")
    event = event_in(path)
    assert str(event["SUMMARY"]) == title.strip()
    assert event["DTSTART"].to_ical() == b"20260302T103000"  # type: ignore[attr-defined]  # a floating time
    assert ics.on_day(MONDAY, home) == [entry]
    assert (entry.minutes, entry.place) == (45, "Room 1; left, second door")


def test_adding_again_adds_nothing(context: Contexts, home: Path) -> None:
    """The same key returns the first appointment; with other values it is refused by name."""
    assert add(context()) == add(context())
    with pytest.raises(EffectFailed, match="Key key was already used"):
        add(context(), day=TUESDAY)
    assert len(ics.on_day(MONDAY, home)) == 1
    assert ics.on_day(TUESDAY, home) == []


def test_a_repeated_add_never_brings_a_removed_one_back(context: Contexts, home: Path) -> None:
    """After the removal the old key still returns its first answer, and the day stays free."""
    first = add(context("add"))
    ics.remove(context("remove"), title="Team meeting", day=MONDAY)
    assert add(context("add")) == first
    assert ics.on_day(MONDAY, home) == []


def test_moving_keeps_length_and_place(context: Contexts, home: Path) -> None:
    """The title may differ in case and spacing; only date and time change, and the revision counts up."""
    add(context("add"), place="Room 1")
    moved = ics.move(context("move"), title="  team  MEETING ", day=TUESDAY, start=time(9))
    assert (moved.day, moved.start, moved.minutes, moved.place) == (TUESDAY, time(9), 45, "Room 1")
    assert (ics.on_day(MONDAY, home), ics.on_day(TUESDAY, home)) == ([], [moved])
    (path,) = (home / "calendar").glob("*.ics")
    assert event_in(path)["SEQUENCE"] == 1


def test_a_repeated_move_never_undoes_a_later_one(context: Contexts, home: Path) -> None:
    """The first move's key, used again after a second move, changes nothing."""
    add(context("add"))
    first = ics.move(context("first"), title="Team meeting", day=TUESDAY, start=time(9))
    second = ics.move(context("second"), title="Team meeting", day=MONDAY, start=time(16))
    assert ics.move(context("first"), title="Team meeting", day=TUESDAY, start=time(9)) == first
    assert ics.on_day(MONDAY, home) == [second]
    with pytest.raises(EffectFailed, match="Key first was already used"):
        ics.move(context("first"), title="Team meeting", day=MONDAY, start=time(9))


def test_removing_again_changes_nothing(context: Contexts, home: Path) -> None:
    """A repeat, with the same key or another, returns the cancelled appointment, even if a new one came."""
    add(context("add"))
    gone = ics.remove(context("remove"), title="Team meeting", day=MONDAY)
    assert ics.remove(context("other"), title="Team meeting", day=MONDAY) == gone
    add(context("again"))
    assert ics.remove(context("remove"), title="Team meeting", day=MONDAY) == gone
    assert len(ics.on_day(MONDAY, home)) == 1
    assert len(list((home / "calendar" / "cancelled").glob("*.ics"))) == 1


def test_a_missing_title_names_what_there_is(context: Contexts) -> None:
    """Moving or removing what does not exist is final and lists the calendar."""
    add(context("add"))
    with pytest.raises(EffectFailed, match=r"no appointment Dentist.*Team meeting on 2026-03-02 at 10:30"):
        ics.move(context("move"), title="Dentist", day=TUESDAY, start=time(9))
    with pytest.raises(EffectFailed, match="no appointment Team meeting on 2026-03-03"):
        ics.remove(context("remove"), title="Team meeting", day=TUESDAY)


def test_an_ambiguous_title_names_the_candidates(context: Contexts, home: Path) -> None:
    """With two appointments of one title neither is moved, and both are named."""
    add(context("one"))
    add(context("two"), day=TUESDAY)
    with pytest.raises(EffectFailed, match=r"Several.*2026-03-02 at 10:30; Team meeting on 2026-03-03"):
        ics.move(context("move"), title="team meeting", day=MONDAY, start=time(9))
    assert ics.remove(context("remove"), title="team meeting", day=TUESDAY).day == TUESDAY
    assert len(ics.on_day(MONDAY, home)) == 1


@pytest.mark.parametrize("title", ["Lunch\r\nBEGIN:VEVENT", "Lunch\x00", "Lunch\u2028"])
def test_a_title_is_one_plain_line(context: Contexts, home: Path, title: str) -> None:
    """Line breaks and control characters are refused before anything is written."""
    with pytest.raises(EffectFailed, match="one plain line"):
        add(context(), title)
    assert not home.exists()


def test_a_start_with_a_time_zone_is_refused(context: Contexts) -> None:
    """Times are local; a time zone would silently shift the appointment."""
    with pytest.raises(EffectFailed, match="time zone"):
        ics.add(context(), title="Lunch", day=MONDAY, start=time(12, tzinfo=UTC), minutes=30, place=None)


def test_other_programs_files_are_left_alone(context: Contexts, home: Path) -> None:
    """Foreign events are listed, broken files are passed over, and a file of several events is not changed."""
    folder = home / "calendar"
    folder.mkdir(parents=True)
    event = "BEGIN:VEVENT\r\nUID:{0}\r\nSUMMARY:{0}\r\nDTSTART{1}\r\nDURATION:PT1H30M\r\nEND:VEVENT\r\n"
    two = event.format("Lunch", ":20260302T110000Z") + event.format("Fair", ";VALUE=DATE:20260302")
    text = f"BEGIN:VCALENDAR\r\nVERSION:2.0\r\nPRODID:x\r\n{two}END:VCALENDAR\r\n"
    (folder / "two.ics").write_text(text, newline="")
    (folder / "broken.ics").write_bytes(b"\xffno calendar")
    listed = {entry.title: (entry.start, entry.minutes) for entry in ics.on_day(MONDAY, home)}
    assert listed == {"Lunch": (time(11), 90), "Fair": (time(0), 90)}
    with pytest.raises(EffectFailed, match=r"two.ics holds several events"):
        ics.remove(context(), title="Lunch", day=MONDAY)
    assert (folder / "two.ics").read_text() == text.replace("\r\n", "\n")


def test_a_calendar_that_cannot_be_written_is_certain(
    context: Contexts, home: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """A file in place of the home, or a folder held by another process, means nothing was changed."""
    monkeypatch.setattr(files, "LOCK_SECONDS", 0.05)
    with files.held(home / "calendar"), pytest.raises(EffectNotDone, match="in use"):
        add(context())
    blocked = home.parent / "file"
    blocked.write_text("")
    with pytest.raises(EffectNotDone, match="cannot be written"):
        add(context(home=blocked))
    assert ics.on_day(MONDAY, home) == []


def test_a_failed_rename_leaves_the_old_appointment(
    context: Contexts, home: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """When the finished file cannot take its place the appointment stands as it was."""
    before = add(context("add"))

    def refuse(*paths: object) -> None:
        raise PermissionError(1, "Operation not permitted")

    with monkeypatch.context() as patch:
        patch.setattr("os.replace", refuse)
        with pytest.raises(EffectNotDone):
            ics.remove(context("remove"), title="Team meeting", day=MONDAY)
    assert ics.on_day(MONDAY, home) == [before]
    ics.remove(context("remove"), title="Team meeting", day=MONDAY)
    assert ics.on_day(MONDAY, home) == []


def test_the_declared_actions_add_move_list_and_remove(context: Contexts, actions: dict[str, Action]) -> None:
    """The four calendar actions work together, and removal undoes the addition."""

    def run(name: str, key: str, **values: object) -> dict[str, object]:
        action = actions[name]
        return action.run(action.validate(values), context(key)).model_dump(mode="json")

    added = run("calendar.add", "a", title="Lunch", day="2026-03-02", start="12:00")
    moved = run("calendar.move", "m", title="lunch", day="2026-03-03", start="13:00")
    assert moved == added | {"day": "2026-03-03", "start": "13:00:00"}
    assert run("calendar.list", "l", day="2026-03-03") == {"appointments": [moved]}
    assert actions["calendar.add"].compensate == "calendar.remove"
    assert run("calendar.remove", "r", title="Lunch", day="2026-03-03") == moved
    assert run("calendar.list", "l", day="2026-03-03") == {"appointments": []}
