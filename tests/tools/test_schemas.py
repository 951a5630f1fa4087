"""Schemas that others wrote: what is read of them, what is refused by name, and that nothing outside is opened."""

from __future__ import annotations

from typing import Any

import pytest

from interlock.tools.toolsets.schemas import Unfit, fits, settled
from interlock.tools.toolsets.shapes import Slot, name_here, reading_of, shape_of

ORDER = {"type": "object", "properties": {"id": {"type": "integer"}}, "required": ["id"]}


@pytest.mark.parametrize(
    ("schema", "says"),
    [
        ({"$ref": "https://schemas.example.org/a.json"}, "leads outside the document"),
        ({"$ref": "file:///etc/passwd"}, "leads outside the document"),
        ({"$ref": "other.json#/x"}, "leads outside the document"),
        ({"$ref": "http://169.254.169.254/latest/meta-data"}, "leads outside the document"),
        ({"$ref": "#/definitions/nothing"}, "names nothing"),
        ({"$ref": "#/definitions/loop"}, "refers to itself"),
        ({"$ref": "#/definitions/order", "minProperties": 1}, "beside a reference"),
        ({"$dynamicRef": "#x"}, r"`\$dynamicRef` cannot be expressed"),
        ({"if": {"type": "string"}}, "`if` cannot be expressed"),
        ({"patternProperties": {".*": {}}}, "`patternProperties` cannot be expressed"),
        ({"type": "string", "pattern": "(a)\\1"}, "looks around or back"),
        ({"type": "string", "pattern": "(?=a)b"}, "looks around or back"),
        ({"description": "fine \u202e text"}, "not seen"),
        ({"properties": {"a": False}}, "no schema that a value can fit"),
        ({"allOf": [{"type": "string"}, {"type": "integer"}]}, "says two things of `type`"),
        ({"definitions": "no", "$ref": "#/definitions/bomb0"}, "unfolds to more than"),
    ],
)
def test_what_cannot_be_checked_here_is_refused_by_name(schema: dict[str, Any], says: str) -> None:
    """No reference is fetched, no keyword skipped, no pattern taken that could search for ever."""
    bomb = {
        f"bomb{n}": {"type": "array", "items": {"anyOf": [{"$ref": f"#/definitions/bomb{n + 1}"}] * 8}}
        for n in range(9)
    }
    root = {"definitions": {"order": ORDER, "loop": {"items": {"$ref": "#/definitions/loop"}}, **bomb, "bomb9": {}}}
    with pytest.raises(Unfit, match=says):
        settled(schema, root)


def test_a_schema_stands_alone_and_is_closed() -> None:
    """References are written out, objects closed, older forms read, and remarks left out."""
    root = {"definitions": {"order": ORDER | {"title": "Order", "x-internal": True}}}
    found = settled(
        {
            "type": "object",
            "properties": {
                "order": {"$ref": "#/definitions/order", "description": "Which."},
                "note": {"type": "string", "nullable": True},
                "made": {"type": "string", "readOnly": True},
                "sum": {"type": "number", "minimum": 0, "exclusiveMinimum": True},
            },
            "required": ["order", "made"],
        },
        root,
    )
    closed = ORDER | {"description": "Which.", "additionalProperties": False}
    assert found == {
        "type": "object",
        "properties": {
            "order": closed,
            "note": {"anyOf": [{"type": "string"}, {"type": "null"}]},
            "sum": {"type": "number", "exclusiveMinimum": 0},
        },
        "required": ["order"],
        "additionalProperties": False,
    }


def test_parts_that_hold_together_are_one_closed_object() -> None:
    """`allOf` becomes one object, whose parts do not refuse what the others ask for."""
    found = settled({"allOf": [ORDER, {"type": "object", "properties": {"sum": {"type": "number"}}}]}, {})
    fits({"id": 1, "sum": 2.5}, found)
    for wrong in ({"id": 1, "more": 2}, {"sum": 1}):
        with pytest.raises(ValueError, match=r"more|id"):
            fits(wrong, found)


@pytest.mark.parametrize(
    ("schema", "fine", "wrong"),
    [
        ({"type": "string", "pattern": "^[A-Z]-[0-9]+$"}, "T-12", "x\nT-12 y"),
        ({"type": "string", "format": "date"}, "2026-02-28", "2026-02-30"),
        ({"type": "string", "format": "email"}, "anna@example.org", "anna"),
        ({"type": "integer"}, 7, True),
        ({"type": "integer"}, 7, 2**60),
        ({"type": "array", "items": {"enum": ["a", "b"]}, "maxItems": 2}, ["a"], ["a", "b", "a"]),
    ],
)
def test_a_value_is_held_to_its_schema(schema: dict[str, Any], fine: Any, wrong: Any) -> None:
    """As the provider would, and with no number that changes on the way."""
    fits(fine, settled(schema, {}))
    with pytest.raises(ValueError, match=r".+"):
        fits(wrong, settled(schema, {}))


def test_a_pattern_that_would_search_for_ever_is_over_at_once() -> None:
    """Matching takes linear time, whoever wrote the expression."""
    with pytest.raises(ValueError, match="does not match"):
        fits("a" * 5000 + "!", settled({"type": "string", "pattern": "^(a+)+$"}, {}))


@pytest.mark.parametrize(
    ("wire", "name"),
    [("page-size", "page_size"), ("X-Request-Id", "x_request_id"), ("from", "from_"), ("json", "json_"),
     ("model_id", "model_id_"), ("orderId", "orderId"), ("2fa", "n2fa"), ("filter[name]", "filter_name")],
)  # fmt: skip
def test_a_name_outside_has_a_name_here(wire: str, name: str) -> None:
    """It can be bound in a graph, and shadows nothing of ours."""
    assert name_here(wire) == name


def test_what_was_left_out_is_not_sent_as_null() -> None:
    """An argument that may be left out is null here and nothing outside; its default is shown and sent."""
    whole = settled(
        {"type": "object", "properties": {"n": {"type": "integer", "default": 5}, "tag-name": {"type": "string"}}}, {}
    )
    shape = shape_of("x", [Slot(wire, part, False) for wire, part in whole["properties"].items()])
    assert shape.sent(shape.model()) == {"n": 5}
    assert shape.sent(shape.model.model_validate({"tag_name": "a", "n": 1})) == {"n": 1, "tag-name": "a"}
    again = shape.model.model_validate(shape.model().model_dump())
    assert shape.sent(again) == {"n": 5}


def test_two_names_that_become_one_are_refused() -> None:
    """Which of them was meant could not be told."""
    with pytest.raises(Unfit, match="a-b and a_b would both be called a_b"):
        shape_of("x", [Slot("a-b", {}), Slot("a_b", {})])


def test_an_answer_is_read_as_declared() -> None:
    """Objects by their fields, anything else as a value; what was not declared is left out, also deep inside."""
    orders = settled({"type": "object", "properties": {"orders": {"type": "array", "items": ORDER}}}, {}, sent=False)
    reading = reading_of("orders", orders)
    read = reading.read({"orders": [{"id": 1, "secret": "x"}], "more": 1})
    assert read.model_dump() == {"orders": [{"id": 1}]}
    assert reading_of("n", {"type": "integer"}).read(7).model_dump() == {"value": 7}
    with pytest.raises(ValueError, match=r"orders\.0: 'id' is a required property"):
        reading.read({"orders": [{}]})
