"""The fields of a read action's result that are records, checked where they are declared."""

from __future__ import annotations

from typing import Any

import pytest

from interlock.errors import ProjectError
from interlock.tools.action import Action, ActionContext, Arguments, Result, action
from interlock.tools.records import record_part


class Nothing(Arguments):
    pass


class Guest(Result):
    id: str
    name: str


class Event(Result):
    id: str
    guests: list[Guest] | None = None


class Found(Result):
    total: int
    events: list[Event]
    tags: list[str]


def declared(effect: Any = "read", **more: Any) -> Action:
    @action("house.find", effect=effect, **more)
    def find(arguments: Nothing, context: ActionContext) -> Found:
        """Find something."""
        return Found(total=0, events=[], tags=[])

    return find


def test_lists_are_looked_through() -> None:
    """A record of each element is named by the fields alone, however deep the lists lie."""
    assert record_part(Found, "total") == ("total",)
    assert record_part(Found, "events.guests.id") == ("events", "*", "guests", "*", "id")
    assert record_part(Found, "tags") == ("tags",)


@pytest.mark.parametrize(
    ("records", "told"),
    [
        (["sum"], "Found has no field `sum`; it has total, events, tags"),
        (["events.name"], "Event has no field `name`"),
        (["total.id"], "`total` has no fields"),
        ("total", "write the records as a list"),
    ],
)
def test_a_record_that_the_result_does_not_have_is_refused(records: Any, told: str) -> None:
    """The declaration says which field is missing, and what there is."""
    with pytest.raises(ProjectError, match="house") as refused:
        declared(records=records)
    assert told in refused.value.message


def test_only_a_read_has_records() -> None:
    """What an effect returns is no lookup."""
    with pytest.raises(ProjectError, match="only an action with effect `read` has records"):
        declared("keyed", records=["total"])


def test_records_are_part_of_what_an_approval_is_bound_to() -> None:
    """Declaring more records changes the digest of the schema; declaring none leaves it as it always was."""
    assert declared().schema_digest() == declared(records=[]).schema_digest()
    assert declared(records=["total"]).schema_digest() != declared().schema_digest()


def test_all_fields_or_some() -> None:
    """Only a result of which every leaf is named holds no free text."""
    assert not declared().all_records
    assert not declared(records=["total", "events.id", "tags"]).all_records
    assert declared(records=["total", "events.id", "events.guests.id", "events.guests.name", "tags"]).all_records
    assert declared(records=["total", "events", "tags"]).all_records
