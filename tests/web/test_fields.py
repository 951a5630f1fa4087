"""Arguments as fields of a form, and back: nothing is lost on the way, and only what was typed over is changed."""

from __future__ import annotations

from collections.abc import Mapping
from datetime import date
from decimal import Decimal
from typing import Any, Literal

import pytest
from pydantic import BaseModel

from interlock.digest import plain
from interlock.tools.action import Action, ActionContext, Amount, Arguments, Result, about, action
from interlock.web.drafts import Draft, proposal
from interlock.web.fields import Change, Field, differences


class Part(BaseModel):
    sku: str
    pieces: int = about("How many.", ge=1, le=9)


class Order(Arguments):
    number: str = about("Its number.", pattern="^[0-9]+$")
    amount: Amount = about("Money.")
    kind: Literal["new", "old"] = about("Which.", default="new")
    day: date = about("When.")
    urgent: bool = about("At once.", default=False)
    note: str | None = about("More.", default=None, max_length=20)
    parts: list[Part] = about("What.", max_length=3)
    tags: list[str] = about("Words.", default=[])
    rate: float = about("Share.", default=0.5)
    extra: dict[str, int] = about("Anything.", default={})


class Done(Result):
    line: str


@action("shop.order", effect="keyed", risk="low")
def order(arguments: Order, context: ActionContext) -> Done:
    """Order."""
    return Done(line="")


BEFORE: dict[str, Any] = {
    "number": "8812", "amount": "240.00", "kind": "new", "day": "2026-01-07", "urgent": False, "note": None,
    "parts": [{"sku": "a", "pieces": 2}, {"sku": "b", "pieces": 1}], "tags": ["x\r\ny", "\u202ez"], "rate": 0.5,
    "extra": {"k": 1},
}  # fmt: skip


def leaves(typed: Mapping[str, str] | None = None) -> dict[str, Field]:
    found = proposal(order, BEFORE, Draft(typed or {})).fields
    return {part.name: part for each in found for part in each.every() if not part.fields and part.kind != "list"}


def test_each_schema_has_its_field() -> None:
    """Types, enums, formats, nested objects, lists; what no field can hold is JSON."""
    assert {name: field.kind for name, field in leaves().items()} == {
        "change.number": "line", "change.amount": "number", "change.kind": "choice", "change.day": "line",
        "change.urgent": "flag", "change.note": "line", "change.parts.0.sku": "line", "change.parts.0.pieces": "number",
        "change.parts.1.sku": "line", "change.parts.1.pieces": "number", "change.tags.0": "text",
        "change.tags.1": "line", "change.rate": "number", "change.extra": "json",
    }  # fmt: skip
    found = leaves()
    assert found["change.day"].input == "date"
    assert found["change.kind"].choices == ["new", "old"]
    assert found["change.parts.0.pieces"].bounds == "a whole number; at least 1; at most 9"
    assert found["change.note"].attributes == {"maxlength": 20}
    assert found["change.tags.1"].hidden
    assert not found["change.note"].required


def test_what_a_browser_sends_back_unchanged_changes_nothing() -> None:
    """Every field as it stood, line ends as forms have them; and a form that sends no field at all."""
    typed = {name: field.text.replace("\r\n", "\n") for name, field in leaves().items()}
    found = proposal(order, BEFORE, Draft(typed))
    assert (found.changes, found.faulty, found.arguments) == ({}, False, BEFORE)
    assert proposal(order, BEFORE).changes == {}


CHANGES: list[tuple[dict[str, str], dict[str, Any]]] = [
    ({"change.amount": "120.00"}, {"amount": "120.00"}),
    ({"change.rate": "0.25"}, {"rate": 0.25}),
    ({"change.rate": "1"}, {"rate": 1}),
    ({"change.urgent": "true"}, {"urgent": True}),
    ({"change.kind": "old"}, {"kind": "old"}),
    ({"change.note": "call first"}, {"note": "call first"}),
    ({"change.extra": '{"k": 2}'}, {"extra": {"k": 2}}),
    ({"change.parts.1.pieces": "4"}, {"parts": [{"sku": "a", "pieces": 2}, {"sku": "b", "pieces": 4}]}),
    ({"drop.parts.0": "yes"}, {"parts": [{"sku": "b", "pieces": 1}]}),
    (
        {"change.parts.2.sku": "c", "change.parts.2.pieces": "9"},
        {"parts": [*BEFORE["parts"], {"sku": "c", "pieces": 9}]},
    ),
    ({"change.tags.2": "new"}, {"tags": ["x\r\ny", "\u202ez", "new"]}),
    ({"drop.tags.0": "yes", "drop.tags.1": "yes"}, {"tags": []}),
]


@pytest.mark.parametrize(("typed", "changes"), CHANGES, ids=lambda value: next(iter(value)))
def test_only_what_was_typed_over_is_changed(typed: dict[str, str], changes: dict[str, Any]) -> None:
    """Items that were added, left out or changed; what stays keeps its very letters; the types take it."""
    found = proposal(order, BEFORE, Draft(typed))
    assert (found.changes, found.faulty) == (changes, False)
    assert order.validate(found.arguments)


FAULTS = [
    ({"change.amount": "much"}, "change.amount", "plain decimal number"),
    ({"change.amount": "1e3"}, "change.amount", "plain decimal number"),
    ({"change.amount": ""}, "change.amount", "plain decimal number"),
    ({"change.number": "x"}, "change.number", "should match pattern"),
    ({"change.day": "2026-02-30"}, "change.day", "valid date"),
    ({"change.kind": "other"}, "change.kind", "'new' or 'old'"),
    ({"change.urgent": "perhaps"}, "change.urgent", "valid boolean"),
    ({"change.parts.1.pieces": "0"}, "change.parts.1.pieces", "greater than or equal to 1"),
    ({"drop.parts.0": "yes", "change.parts.1.pieces": "0"}, "change.parts.1.pieces", "greater than or equal to 1"),
    ({"change.parts.1.pieces": ""}, "change.parts.1", "required"),
    ({"change.extra": "{"}, "change.extra", "valid dictionary"),
]


@pytest.mark.parametrize(("typed", "name", "said"), FAULTS, ids=lambda value: str(value)[:40])
def test_a_fault_stands_at_its_field(typed: dict[str, str], name: str, said: str) -> None:
    """What was typed stays in the field, and what is wrong with it beside it."""
    found = proposal(order, BEFORE, Draft(typed))
    faulty = {part.name: part.fault for each in found.fields for part in each.every() if part.fault}
    assert list(faulty) in ([name], [f"{name}.pieces"])
    assert said in next(iter(faulty.values()))
    for field, value in typed.items():
        shown = {part.name: part.text for each in found.fields for part in each.every()}
        assert shown.get(field, "yes") == value


def test_a_field_that_there_is_not_is_no_argument() -> None:
    """It is handed on, so that the action refuses it by its name."""
    assert proposal(order, BEFORE, Draft({"change.<b>": "x"})).changes == {"<b>": "x"}


def test_a_list_grows_by_one_empty_item_where_that_is_asked() -> None:
    """The new item is shown, and changes nothing before something stands in it."""
    found = proposal(order, BEFORE, Draft({"more": "parts"}))
    (parts,) = (each for each in found.fields if each.label == "parts")
    assert [each.label for each in parts.fields] == ["0", "1", "2"]
    assert found.changes == {}


def test_deep_and_circular_schemas_end_in_json() -> None:
    """A schema that holds itself makes no endless form."""

    class Tree(BaseModel):
        name: str
        below: list[Tree] = []

    Tree.model_rebuild(_types_namespace={"Tree": Tree})
    schema = {"properties": {"tree": {"$ref": "#/$defs/Tree"}}, **Tree.model_json_schema()}
    loops = {"properties": {"a": {"$ref": "#/$defs/A"}}, "$defs": {"A": {"$ref": "#/$defs/A"}}}
    from interlock.web.fields import fields_of

    (tree,) = fields_of(schema, {"tree": {"name": "a", "below": [{"name": "b", "below": [{"name": "c"}]}]}}, {})
    assert "json" in {part.kind for part in tree.every()}
    assert [each.kind for each in fields_of(loops, {"a": 1}, {})] == ["json"]


def test_differences_are_told_part_by_part() -> None:
    """Nested values by their path; items by their number from one; what was added or left out."""
    before = {"a": {"b": 1, "c": "x"}, "l": [1, 2], "same": [1]}
    after = {"a": {"b": 2, "c": "x"}, "l": [1], "same": [1], "new": "y"}
    assert differences(before, after) == [
        Change("a.b", "1", "2"), Change("l.2", "2", None), Change("new", None, "y"),
    ]  # fmt: skip


def test_money_keeps_every_digit() -> None:
    """An amount is text from the proposal to the action, and never a binary fraction."""
    found = proposal(order, BEFORE | {"amount": plain(Decimal("0.10"))}, Draft({"change.amount": "123456789012.30"}))
    assert found.changes == {"amount": "123456789012.30"}
    assert order.validate(found.arguments).model_dump()["amount"] == Decimal("123456789012.30")


def test_an_action_is_not_needed_to_show_it() -> None:
    """The schema is what the action itself says."""
    assert isinstance(order, Action)
    assert {each.label for each in proposal(order, BEFORE).fields} == set(BEFORE)
