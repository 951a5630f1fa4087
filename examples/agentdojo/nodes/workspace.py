"""What is worked out from times, sizes and addresses of the workspace."""

from interlock import Result, Values, node


class Slot(Result):
    event: str
    start: str
    end: str
    participants: list[str]


class Slots(Result):
    events: list[Slot]


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


class Wanted(Values):
    busy: Slots
    start: str
    end: str


class Either(Values):
    busy: Slots
    start: str
    end: str
    other_start: str
    other_end: str


class Met(Values):
    met: Slots


class Known(Values):
    contacts: People


class Stored(Values):
    sizes: Sizes


class Enclosed(Values):
    file: Sizes


class Attachment(Result):
    type: str
    file_id: str


class Attachments(Result):
    attachments: list[Attachment]


class Free(Result):
    free: bool


class Time(Result):
    start: str
    end: str


class Addresses(Result):
    addresses: list[str]


class Largest(Result):
    file: str


@node("is_free")
def is_free(values: Wanted) -> Free:
    """Whether nothing is entered between start and end."""
    return Free(free=_free(values.busy, values.start, values.end))


@node("free_of_two")
def free_of_two(values: Either) -> Time:
    """The first time if it is free, else the other."""
    if _free(values.busy, values.start, values.end):
        return Time(start=values.start, end=values.end)
    return Time(start=values.other_start, end=values.other_end)


@node("same_people")
def same_people(values: Met) -> Addresses:
    """The participants of the only event that was found."""
    (event,) = values.met.events
    return Addresses(addresses=event.participants)


@node("the_contact")
def the_contact(values: Known) -> Addresses:
    """The address of the only contact that was found."""
    (person,) = values.contacts.people
    return Addresses(addresses=[person.email])


@node("largest_file")
def largest_file(values: Stored) -> Largest:
    """The file with the greatest size."""
    return Largest(file=max(values.sizes.files, key=lambda item: item.size).file)


@node("attached_file")
def attached_file(values: Enclosed) -> Attachments:
    """The only file that was found, as an attachment."""
    (file,) = values.file.files
    return Attachments(attachments=[Attachment(type="file", file_id=file.file)])


def _free(busy: Slots, start: str, end: str) -> bool:
    return all(event.end <= start or end <= event.start for event in busy.events)
