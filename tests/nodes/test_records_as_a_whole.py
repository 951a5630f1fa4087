"""The label of a look-up's whole result while a run goes on, where it holds nothing but records, and elsewhere."""

from __future__ import annotations

from typing import Any, cast

import pytest

from interlock.nodes.services import Services
from interlock.nodes.wrote import result_of
from interlock.store.tables import Effect
from interlock.tools.action import Action, ActionContext, Arguments, Result, action


class Nothing(Arguments):
    pass


class Found(Result):
    entries: list[int]
    note: str


class Drawer:
    def __init__(self, *records: str) -> None:
        @action("house.find", effect="read", records=records)
        def find(arguments: Nothing, context: ActionContext) -> Found:
            """Find something."""
            return Found(entries=[], note="")

        self.find: Action = find

    def action(self, name: str) -> Action:
        return self.find


def effect(**labels: str) -> Effect:
    values: dict[str, Any] = {"id": "r/s/1/0", "run_id": "r", "step": "s", "visit": 1, "slot": 0, "state": "executed"}
    return Effect(**values, action="house.find", arguments={}, missing=[], labels=labels, evidence={}, model={})


@pytest.mark.parametrize(
    ("records", "labels", "whole"),
    [
        (["entries", "note"], {"key": "user"}, "record"),
        (["entries", "note"], {"key": "model"}, "model"),
        (["entries"], {"key": "user"}, "untrusted"),
    ],
)
def test_a_whole_result_is_what_its_worst_part_is(records: list[str], labels: dict[str, str], whole: str) -> None:
    """All records: as trusted as what they were looked up by; one field of free text: untrusted."""
    found = result_of(effect(**labels), cast(Services, Drawer(*records)))
    assert found.at()[0] == whole
    assert found.at(["entries"])[0] == ("model" if labels["key"] == "model" else "record")
