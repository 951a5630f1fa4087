"""The labels of what a look-up found: its records, and all of it where it has nothing else."""

from __future__ import annotations

from interlock.graphs.labels import recorded
from interlock.tools.action import Action, ActionContext, Arguments, Result, action


class Nothing(Arguments):
    pass


class Entry(Result):
    sender: str
    amount: float


class Found(Result):
    entries: list[Entry]
    note: str


def declared(*records: str) -> Action:
    @action("house.find", effect="read", records=records)
    def find(arguments: Nothing, context: ActionContext) -> Found:
        """Find something."""
        return Found(entries=[], note="")

    return find


def test_a_result_of_records_alone_is_a_record_as_a_whole() -> None:
    """What a pure function computes from all of it is as trusted as the look-up."""
    found = recorded(declared("entries", "note"), ["user"])
    assert found.at() == found.at(["entries"]) == found.at(["entries", "0", "amount"]) == "record"


def test_a_result_with_free_text_is_none_as_a_whole() -> None:
    """One field that others write is enough; the records stay what they are."""
    found = recorded(declared("entries"), ["user"])
    assert (found.at(), found.at(["entries"]), found.at(["note"])) == ("untrusted", "record", "untrusted")


def test_a_look_up_by_a_model_gives_no_record() -> None:
    """Whoever chooses the key chooses what is found."""
    assert recorded(declared("entries", "note"), ["user", "model"]).at() == "model"
