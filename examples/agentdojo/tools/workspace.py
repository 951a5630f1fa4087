"""The mailbox, calendar and drive of AgentDojo's workspace suite: its functions as actions, and typed views.

Numbers, times, sizes and e-mail addresses are records.  Subjects, bodies, titles, descriptions, places
and the content of files are free text, since others write them.
"""

import sys
from typing import Any, Literal

from interlock.errors import EffectFailed
from interlock.tools.action import ActionContext, Arguments, Email, Result, about, action


class Nothing(Arguments):
    pass


class Query(Arguments):
    query: str = about("Text to search for.")


class Letters(Arguments):
    query: str = about("Text to search for.")
    sender: str | None = about("E-mail address of the sender.", default=None)


class Contact(Arguments):
    name: str = about("Full name of the contact.", min_length=1)


class Day(Arguments):
    day: str = about("The day, as in 2024-05-15.")


class Titled(Arguments):
    title: str = about("The whole title of the event.", min_length=1)
    day: str | None = about("The day of the event, as in 2024-05-15.", default=None)


class Searched(Arguments):
    query: str = about("Text to search for.")
    day: str | None = about("The day of the event, as in 2024-05-15.", default=None)


class Filename(Arguments):
    filename: str = about("The whole name of the file.", min_length=1)


class Message(Arguments):
    recipients: list[Email] = about("E-mail addresses of the recipients.", min_length=1)
    subject: str = about("Subject of the message.")
    body: str = about("Body of the message.")
    attachments: list[dict[str, Any]] | None = about("What is attached.", default=None)
    cc: list[Email] | None = about("E-mail addresses that get a copy.", default=None)
    bcc: list[Email] | None = about("E-mail addresses that get a copy unseen.", default=None)


class Letter(Arguments):
    email_id: str = about("Number of the message.", min_length=1)


class NewEvent(Arguments):
    title: str = about("Title of the event.", min_length=1)
    start_time: str = about("When it begins, as in 2024-05-15 10:00.")
    end_time: str = about("When it ends, as in 2024-05-15 11:00.")
    description: str = about("Description of the event.", default="")
    participants: list[Email] | None = about("E-mail addresses of those invited.", default=None)
    location: str | None = about("Where it takes place.", default=None)


class Event(Arguments):
    event_id: str = about("Number of the event.", min_length=1)


class Moved(Arguments):
    event_id: str = about("Number of the event.", min_length=1)
    new_start_time: str = about("When it begins, as in 2024-05-15 10:00.")
    new_end_time: str | None = about("When it ends, as in 2024-05-15 11:00.", default=None)


class Invited(Arguments):
    event_id: str = about("Number of the event.", min_length=1)
    participants: list[Email] = about("E-mail addresses of those invited.", min_length=1)


class Addition(Arguments):
    file_id: str = about("Number of the file.", min_length=1)
    content: str = about("What is added.")


class NewFile(Arguments):
    filename: str = about("Name of the file.", min_length=1)
    content: str = about("What the file holds.")


class File(Arguments):
    file_id: str = about("Number of the file.", min_length=1)


class Share(Arguments):
    file_id: str = about("Number of the file.", min_length=1)
    email: Email = about("E-mail address of whom it is shared with.")
    permission: Literal["r", "rw"] = about("To read, or to read and write.")


class Slot(Result):
    event: str
    start: str
    end: str
    participants: list[str]


class Slots(Result):
    events: list[Slot]


class Today(Result):
    day: str


class Person(Result):
    name: str
    email: str


class People(Result):
    people: list[Person]


class Size(Result):
    file: str
    size: int
    owner: str
    shared_with: list[str]


class Sizes(Result):
    files: list[Size]


class Made(Result):
    id: str


class Text(Result):
    text: str


class Done(Result):
    done: bool = True


def _call(context: ActionContext, function: str, **arguments: Any) -> Any:
    """What the attached environment answers.

    Raises:
        EffectFailed: none is attached, or it refused.
    """
    bridge = sys.modules.get("agentdojo_bridge")
    if bridge is None:
        raise EffectFailed("No AgentDojo environment is attached; run `python -m benchmarks.agentdojo`.")
    return bridge.call(context.run, function, arguments)


def _slots(found: Any) -> Slots:
    return Slots(
        events=[
            Slot(
                event=item.id_,
                start=f"{item.start_time:%Y-%m-%d %H:%M}",
                end=f"{item.end_time:%Y-%m-%d %H:%M}",
                participants=list(item.participants),
            )
            for item in found
        ]
    )


def _sizes(found: Any) -> Sizes:
    return Sizes(
        files=[
            Size(file=item.id_, size=item.size, owner=item.owner, shared_with=list(item.shared_with)) for item in found
        ]
    )


def _text(found: Any) -> Text:
    return Text(text="\n".join(item.model_dump_json() for item in found))


def _searched(arguments: Any, context: ActionContext, query: str) -> Any:
    day = {} if arguments.day is None else {"date": arguments.day}
    return _call(context, "search_calendar_events", query=query, **day)


@action("calendar.today", effect="read", records=["day"])
def today(arguments: Nothing, context: ActionContext) -> Today:
    """Tell which day it is."""
    return Today(day=_call(context, "get_current_day"))


@action("calendar.find", effect="read", records=["events"])
def find_event(arguments: Titled, context: ActionContext) -> Slots:
    """Find events by their whole title: their numbers, times and participants."""
    found = _searched(arguments, context, arguments.title)
    return _slots([item for item in found if item.title.lower() == arguments.title.lower()])


@action("calendar.busy", effect="read", records=["events"])
def busy(arguments: Day, context: ActionContext) -> Slots:
    """List the times of a day that are taken."""
    return _slots(_call(context, "get_day_calendar_events", day=arguments.day))


@action("calendar.day", effect="read")
def day(arguments: Day, context: ActionContext) -> Text:
    """Show the events of a day with all that is written about them."""
    return _text(_call(context, "get_day_calendar_events", day=arguments.day))


@action("calendar.search", effect="read")
def search_events(arguments: Searched, context: ActionContext) -> Text:
    """Search events by their title and description, and show all that is written about them."""
    return _text(_searched(arguments, context, arguments.query))


@action("mail.contacts", effect="read", records=["people"])
def contacts(arguments: Contact, context: ActionContext) -> People:
    """Find contacts by their whole name."""
    found = _call(context, "search_contacts_by_name", query=arguments.name)
    return People(
        people=[
            Person(name=item.name, email=item.email) for item in found if item.name.lower() == arguments.name.lower()
        ]
    )


@action("mail.search", effect="read")
def search_mail(arguments: Letters, context: ActionContext) -> Text:
    """Search messages by their subject and body."""
    sender = {} if arguments.sender is None else {"sender": arguments.sender}
    return _text(_call(context, "search_emails", query=arguments.query, **sender))


@action("mail.unread", effect="read")
def unread(arguments: Nothing, context: ActionContext) -> Text:
    """Show the messages that were not read yet."""
    return _text(_call(context, "get_unread_emails"))


@action("drive.find", effect="read", records=["files"])
def find_file(arguments: Filename, context: ActionContext) -> Sizes:
    """Find files by their whole name: their numbers, sizes, and with whom they are shared."""
    found = _call(context, "search_files_by_filename", filename=arguments.filename)
    return _sizes([item for item in found if item.filename == arguments.filename])


@action("drive.sizes", effect="read", records=["files"])
def sizes(arguments: Nothing, context: ActionContext) -> Sizes:
    """List the numbers and sizes of all files, and with whom they are shared."""
    return _sizes(_call(context, "list_files"))


@action("drive.list", effect="read")
def list_files(arguments: Nothing, context: ActionContext) -> Text:
    """List all files with their names."""
    return Text(text="\n".join(f"{item.id_} {item.filename} {item.size}" for item in _call(context, "list_files")))


@action("drive.read", effect="read")
def read_file(arguments: Filename, context: ActionContext) -> Text:
    """Read a file of the drive."""
    return _text(_call(context, "search_files_by_filename", filename=arguments.filename))


@action("drive.search", effect="read")
def search_files(arguments: Query, context: ActionContext) -> Text:
    """Search files by their content, and show it."""
    return _text(_call(context, "search_files", query=arguments.query))


def about_message(arguments: Message, context: ActionContext) -> dict[str, Any]:
    """What goes along with the message."""
    return {
        "attaches": bool(arguments.attachments),
        "copies": bool(arguments.cc),
        "copies_unseen": bool(arguments.bcc),
    }


@action(
    "mail.send_email",
    effect="blind",
    risk="high",
    targets=["recipients", "cc", "bcc"],
    title="to {recipients}: {subject}",
    facts=about_message,
    fact_names=["attaches", "copies", "copies_unseen"],
)
def send_email(arguments: Message, context: ActionContext) -> Made:
    """Send a message."""
    return Made(id=_call(context, "send_email", **arguments.model_dump(exclude_none=True)).id_)


@action("mail.delete_email", effect="idempotent", risk="high", targets=["email_id"], title="{email_id}")
def delete_email(arguments: Letter, context: ActionContext) -> Done:
    """Delete a message."""
    _call(context, "delete_email", email_id=arguments.email_id)
    return Done()


def about_event(arguments: NewEvent, context: ActionContext) -> dict[str, Any]:
    """What the new event has besides its title and times."""
    return {
        "describes": bool(arguments.description),
        "invites": bool(arguments.participants),
        "places": bool(arguments.location),
    }


@action(
    "calendar.create_calendar_event",
    effect="blind",
    risk="medium",
    targets=["participants"],
    title="{title}, {start_time}",
    facts=about_event,
    fact_names=["describes", "invites", "places"],
)
def create_calendar_event(arguments: NewEvent, context: ActionContext) -> Made:
    """Create an event and invite its participants."""
    return Made(id=_call(context, "create_calendar_event", **arguments.model_dump(exclude_none=True)).id_)


@action("calendar.cancel_calendar_event", effect="idempotent", risk="high", targets=["event_id"], title="{event_id}")
def cancel_calendar_event(arguments: Event, context: ActionContext) -> Done:
    """Cancel an event and tell its participants."""
    _call(context, "cancel_calendar_event", event_id=arguments.event_id)
    return Done()


def about_move(arguments: Moved, context: ActionContext) -> dict[str, Any]:
    """Whether the new end is given."""
    return {"ends": arguments.new_end_time is not None}


@action(
    "calendar.reschedule_calendar_event",
    effect="idempotent",
    risk="medium",
    targets=["event_id"],
    title="{event_id} to {new_start_time}",
    facts=about_move,
    fact_names=["ends"],
)
def reschedule_calendar_event(arguments: Moved, context: ActionContext) -> Done:
    """Move an event to another time and tell its participants."""
    _call(context, "reschedule_calendar_event", **arguments.model_dump(exclude_none=True))
    return Done()


@action(
    "calendar.add_calendar_event_participants",
    effect="blind",
    risk="medium",
    targets=["event_id", "participants"],
    title="{participants} to {event_id}",
)
def add_calendar_event_participants(arguments: Invited, context: ActionContext) -> Done:
    """Invite more people to an event."""
    _call(context, "add_calendar_event_participants", **arguments.model_dump())
    return Done()


@action("drive.append_to_file", effect="blind", risk="medium", targets=["file_id"], title="to {file_id}")
def append_to_file(arguments: Addition, context: ActionContext) -> Done:
    """Add to a file."""
    _call(context, "append_to_file", **arguments.model_dump())
    return Done()


@action("drive.create_file", effect="blind", risk="low", title="{filename}")
def create_file(arguments: NewFile, context: ActionContext) -> Made:
    """Create a file."""
    return Made(id=_call(context, "create_file", **arguments.model_dump()).id_)


@action("drive.delete_file", effect="idempotent", risk="high", targets=["file_id"], title="{file_id}")
def delete_file(arguments: File, context: ActionContext) -> Done:
    """Delete a file."""
    _call(context, "delete_file", file_id=arguments.file_id)
    return Done()


@action(
    "drive.share_file", effect="idempotent", risk="high", targets=["file_id", "email"], title="{file_id} with {email}"
)
def share_file(arguments: Share, context: ActionContext) -> Done:
    """Share a file with somebody."""
    _call(context, "share_file", **arguments.model_dump())
    return Done()
