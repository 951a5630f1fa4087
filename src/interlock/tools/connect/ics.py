"""A calendar: one .ics file per appointment in `calendar/` of the home.

Times are floating: ten o'clock wherever the reader is.  A cancelled appointment moves to
`calendar/cancelled/`, so that repeating an old request never brings it back.  Each file remembers the
keys of the requests that made it what it is, in its X-INTERLOCK-APPLIED properties.  Files put there by
other programs are listed; those with several events are never changed, unreadable ones are passed over,
and recurrences are not expanded.
"""

from __future__ import annotations

import logging
import os
import unicodedata
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from datetime import date, datetime, time, timedelta
from pathlib import Path

from icalendar import Calendar, Event

from interlock.digest import Json, digest
from interlock.errors import EffectFailed, EffectNotDone
from interlock.tools.action import ActionContext
from interlock.tools.connect import files
from interlock.tools.connect.keys import key_clash, name_of

APPLIED = "X-INTERLOCK-APPLIED"
logger = logging.getLogger(__name__)


@dataclass(frozen=True)
class Entry:
    """One appointment, in wall-clock time."""

    uid: str
    title: str
    day: date
    start: time
    minutes: int
    place: str | None

    def __str__(self) -> str:
        return f"{self.title} on {self.day} at {self.start:%H:%M}"


@dataclass
class _File:
    path: Path
    calendar: Calendar
    event: Event
    alone: bool
    """Whether the event is the only one in its file."""

    @property
    def entry(self) -> Entry:
        return _entry(self.event)


def add(context: ActionContext, *, title: str, day: date, start: time, minutes: int, place: str | None) -> Entry:
    """Add an appointment.  A repeat with the same key returns the first one and adds nothing.

    The point of no return is the rename of the finished file into the folder.

    Raises:
        EffectNotDone: the folder is in use or cannot be written; nothing was changed.
        EffectFailed: the values have no iCalendar form, or the key stands for another request.
    """
    begin = _floating(day, start)
    for text in (title, place or ""):
        if any(unicodedata.category(letter) in {"Cc", "Cs", "Zl", "Zp"} for letter in text):
            raise EffectFailed("Title and place are one plain line each; take out line breaks and control characters.")
    title, place = title.strip(), place.strip() if place is not None else None
    entry = Entry(f"{name_of(context.key)}@interlock", title, day, begin.time(), minutes, place)
    mark = _mark(context.key, ["add", title, day, start, minutes, place])
    folder = context.home / "calendar"
    with files.held(folder):
        if _applied(_read(folder), context.key, mark) is not None:
            return entry
        calendar, event = Calendar(), Event()
        calendar.add("prodid", "-//Interlock//calendar//EN")
        calendar.add("version", "2.0")
        event.add("uid", entry.uid)
        event.add("dtstamp", context.now)
        event.add("summary", title)
        event.add("dtstart", begin)
        event.add("dtend", begin + timedelta(minutes=minutes))
        if place is not None:
            event.add("location", place)
        event.add(APPLIED, mark)
        calendar.add_component(event)
        _write(folder / f"{name_of(context.key)}.ics", calendar, entry)
    return entry


def move(context: ActionContext, *, title: str, day: date, start: time) -> Entry:
    """Give the one appointment of this title another date and time; its length stays.

    Doing it again changes nothing, and a repeat with the same key never undoes a later move.  The point of
    no return is the rename of the finished file.

    Raises:
        EffectNotDone: the folder is in use or cannot be written; nothing was changed.
        EffectFailed: no appointment or several have this title; the message names them.
    """
    begin = _floating(day, start)
    mark = _mark(context.key, ["move", title, day, start])
    folder = context.home / "calendar"
    with files.held(folder):
        found = _read(folder)
        file = _applied(found, context.key, mark)
        if file is not None:
            old = file.entry
            return Entry(old.uid, old.title, day, begin.time(), old.minutes, old.place)
        file = _only(found, title, None)
        old = file.entry
        entry = Entry(old.uid, old.title, day, begin.time(), old.minutes, old.place)
        if entry == old:
            return entry
        zone = getattr(file.event.decoded("dtstart"), "tzinfo", None)
        begin = begin.replace(tzinfo=zone)
        for name in ("dtstart", "dtend", "duration"):
            file.event.pop(name, None)
        file.event.add("dtstart", begin)
        file.event.add("dtend", begin + timedelta(minutes=old.minutes))
        _revise(file, context, mark)
        _write(file.path, file.calendar, entry)
    return entry


def remove(context: ActionContext, *, title: str, day: date) -> Entry:
    """Cancel the one appointment of this title on this day and return it as it was.

    Doing it again changes nothing.  The point of no return is the rename of the file that says
    CANCELLED; from then on it is not listed.

    Raises:
        EffectNotDone: the folder is in use or cannot be written; nothing was changed.
        EffectFailed: no appointment or several have this title on that day; the message names them.
    """
    mark = _mark(context.key, ["remove", title, day])
    folder = context.home / "calendar"
    with files.held(folder):
        found = _read(folder)
        file = _applied(found, context.key, mark)
        if file is None:
            live = [each for each in found if _fits(each, title, day) and not _is_cancelled(each)]
            gone = [each for each in found if _fits(each, title, day) and _is_cancelled(each)]
            if not live and gone:
                return gone[-1].entry
            file = _only(found, title, day)
            file.event.pop("status", None)
            file.event.add("status", "CANCELLED")
            _revise(file, context, mark)
            _write(file.path, file.calendar, file.entry)
        _tidy(folder, file)
        return file.entry


def on_day(day: date, home: Path) -> list[Entry]:
    """The appointments of one day, by start time.

    Raises:
        EffectNotDone: the folder cannot be read.
    """
    entries = [each.entry for each in _read(home / "calendar") if not _is_cancelled(each)]
    return sorted((entry for entry in entries if entry.day == day), key=lambda entry: (entry.start, entry.uid))


def _read(folder: Path) -> list[_File]:
    """Every event of every readable file, cancelled ones too, ordered by file name."""
    try:
        paths = sorted(folder.glob("*.ics")) + sorted((folder / "cancelled").glob("*.ics"))
        return [file for path in paths for file in _events(path, path.read_bytes())]
    except OSError as error:
        raise EffectNotDone(f"{folder} cannot be read ({error.strerror}); nothing was changed.") from None


def _events(path: Path, data: bytes) -> Iterator[_File]:
    try:
        calendar = Calendar.from_ical(data)
        events = [event for event in calendar.walk("VEVENT") if isinstance(event, Event)]
        found = [_File(path, calendar, event, len(events) == 1) for event in events]
        for file in found:
            _entry(file.event)
    except (ValueError, KeyError, AttributeError, TypeError, IndexError) as error:
        logger.warning("%s is passed over: it is no readable calendar (%s).", path.name, type(error).__name__)
        return
    yield from found


def _entry(event: Event) -> Entry:
    begin = event.decoded("dtstart")
    whole_day = not isinstance(begin, datetime)
    if "duration" in event:
        length = event.decoded("duration")
    elif "dtend" in event:
        length = event.decoded("dtend") - begin
    else:
        length = timedelta(days=1) if whole_day else timedelta()
    place = event.get("location")
    return Entry(
        uid=str(event.get("uid", "")),
        title=str(event.get("summary", "")),
        day=begin if whole_day else begin.date(),
        start=time() if whole_day else begin.time(),
        minutes=int(length.total_seconds() // 60),
        place=str(place) if place is not None else None,
    )


def _write(path: Path, calendar: Calendar, entry: Entry) -> None:
    """Replace the file, once its text reads back as `entry`."""
    refusal = EffectFailed(f"{entry.title!r} cannot be written as a calendar entry; use plain text.")
    try:
        data = calendar.to_ical()
        back = [file.entry for file in _events(path, data)]
    except (ValueError, OverflowError):
        raise refusal from None
    if back != [entry]:
        raise refusal
    staged = path.with_suffix(".part")
    files.stage(staged, data)
    files.publish(staged, path)


def _revise(file: _File, context: ActionContext, mark: str) -> None:
    sequence = int(file.event.get("sequence", 0)) + 1
    for name in ("sequence", "last-modified"):
        file.event.pop(name, None)
    file.event.add("sequence", sequence)
    file.event.add("last-modified", context.now)
    file.event.add(APPLIED, mark)


def _tidy(folder: Path, file: _File) -> None:
    """Put a cancelled appointment out of the way; that this fails does no harm."""
    if file.path.parent != folder:
        return
    try:
        files.make(folder / "cancelled")
        os.replace(file.path, folder / "cancelled" / file.path.name)
    except (OSError, EffectNotDone):
        logger.warning("%s stays in the calendar folder, marked as cancelled.", file.path.name)


def _only(found: Sequence[_File], title: str, day: date | None) -> _File:
    """The one live appointment of this title (and day)."""
    live = [each for each in found if not _is_cancelled(each)]
    fitting = [each for each in live if _fits(each, title, day)]
    wanted = title if day is None else f"{title} on {day}"
    if not fitting:
        there = "; ".join(sorted({str(each.entry) for each in live})[:10]) or "nothing"
        raise EffectFailed(f"There is no appointment {wanted}; nothing was changed. The calendar holds: {there}.")
    if len(fitting) > 1:
        ordered = sorted((each.entry for each in fitting), key=lambda entry: (entry.day, entry.start))
        names = "; ".join(str(entry) for entry in ordered[:10])
        raise EffectFailed(f"Several appointments are called {wanted}; nothing was changed: {names}. Rename one.")
    if not fitting[0].alone:
        raise EffectFailed(
            f"{fitting[0].path.name} holds several events and came from another program; nothing was changed. "
            "Change it there."
        )
    return fitting[0]


def _fits(file: _File, title: str, day: date | None) -> bool:
    entry = file.entry
    return _plain(entry.title) == _plain(title) and (day is None or entry.day == day)


def _plain(title: str) -> str:
    return " ".join(title.casefold().split())


def _is_cancelled(file: _File) -> bool:
    return str(file.event.get("status", "")).upper() == "CANCELLED"


def _applied(found: Sequence[_File], key: str, mark: str) -> _File | None:
    """The appointment this key was already applied to."""
    for file in found:
        value = file.event.get(APPLIED, [])
        for each in value if isinstance(value, list) else [value]:
            if str(each) == mark:
                return file
            if str(each).partition(" ")[0] == name_of(key):
                raise key_clash(key, str(file.entry))
    return None


def _mark(key: str, request: list[Json | date | time]) -> str:
    """What a file remembers of a request: its key's name and its digest."""
    return f"{name_of(key)} {digest(request)}"


def _floating(day: date, start: time) -> datetime:
    if start.tzinfo is not None:
        raise EffectFailed("The start carries a time zone; give the local time of the appointment instead.")
    return datetime.combine(day, start.replace(second=0, microsecond=0))
