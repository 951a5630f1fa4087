"""Calendar: add, move, remove and list appointments, one .ics file each."""

from datetime import date, time

from interlock.tools.action import ActionContext, Arguments, Result, about, action
from interlock.tools.connect import ics


class Add(Arguments):
    title: str = about("What the appointment is about.", min_length=1, max_length=200)
    day: date = about("Date of the appointment.")
    start: time = about("Start time of the appointment.")
    minutes: int = about("Duration in minutes.", default=60, ge=1, le=1440)
    place: str | None = about("Where it takes place.", default=None, max_length=200)


class Move(Arguments):
    title: str = about("Title of the existing appointment.", min_length=1, max_length=200)
    day: date = about("New date of the appointment.")
    start: time = about("New start time of the appointment.")


class Remove(Arguments):
    title: str = about("Title of the appointment to cancel.", min_length=1, max_length=200)
    day: date = about("Date of the appointment to cancel.")


class Listing(Arguments):
    day: date = about("Date whose appointments are wanted.")


class Appointment(Result):
    uid: str
    title: str
    day: date
    start: time
    minutes: int
    place: str | None = None


class Day(Result):
    appointments: list[Appointment]


def _appointment(entry: ics.Entry) -> Appointment:
    return Appointment(
        uid=entry.uid,
        title=entry.title,
        day=entry.day,
        start=entry.start,
        minutes=entry.minutes,
        place=entry.place,
    )


@action("calendar.add", effect="keyed", risk="low", compensate="calendar.remove", title="{title}, {day} {start}")
def add(arguments: Add, context: ActionContext) -> Appointment:
    """Add an appointment or meeting to the calendar."""
    entry = ics.add(
        context,
        title=arguments.title,
        day=arguments.day,
        start=arguments.start,
        minutes=arguments.minutes,
        place=arguments.place,
    )
    return _appointment(entry)


@action("calendar.move", effect="idempotent", risk="medium", targets=["title"], title="{title} to {day} {start}")
def move(arguments: Move, context: ActionContext) -> Appointment:
    """Reschedule an existing appointment to another date and time."""
    return _appointment(ics.move(context, title=arguments.title, day=arguments.day, start=arguments.start))


@action("calendar.remove", effect="idempotent", risk="medium", targets=["title"], title="{title}, {day}")
def remove(arguments: Remove, context: ActionContext) -> Appointment:
    """Cancel an appointment and remove it from the calendar."""
    return _appointment(ics.remove(context, title=arguments.title, day=arguments.day))


@action("calendar.list", effect="read", title="{day}")
def list_day(arguments: Listing, context: ActionContext) -> Day:
    """List the appointments of one day."""
    return Day(appointments=[_appointment(entry) for entry in ics.on_day(arguments.day, context.home)])
