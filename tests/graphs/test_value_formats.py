"""The formats of a schema are checked wherever a value comes in."""

from __future__ import annotations

import pytest

from interlock.errors import InputError
from interlock.graphs.cards import ReasonCard, Schema
from interlock.graphs.formats import FORMATS, LIKE
from interlock.graphs.spec import END, START, Edge, ReasonStep, Spec
from interlock.nodes.inputs import check_input

WRONG = {
    "email": ["zzz", "a@", "anna@nowhere"],
    "date": ["31.1.2026", "2026-02-30", "20260131"],
    "time": ["half past two", "25:00"],
    "date-time": ["2026-01-31", "2026-01-31T14:30:00", "2026-01-31 14:30:00+01:00"],
    "uri": ["example", "https://a b"],
}


def _spec(form: str) -> Spec:
    card = ReasonCard(
        node="think", kind="reason", goal="Think.", prompt="Think.", output={"text": Schema(type="string")}
    )
    return Spec(
        graph="one",
        version=1,
        input={"value": Schema.model_validate({"type": "string", "format": form})},
        steps={"think": ReasonStep(card=card, reads=[], writes="draft")},
        edges=[Edge(source=START, target="think"), Edge(source="think", target=END, on=["done"])],
    )


@pytest.mark.parametrize("form", LIKE)
def test_the_example_of_a_format_is_accepted(form: str) -> None:
    """What a message tells people to write is accepted."""
    assert FORMATS.conforms(LIKE[form], form)
    check_input(_spec(form), {"value": LIKE[form]})


@pytest.mark.parametrize(("form", "value"), [(form, value) for form, values in WRONG.items() for value in values])
def test_a_value_of_another_form_is_refused(form: str, value: str) -> None:
    """An input that is not of its format is refused before a run begins, with an example to follow."""
    with pytest.raises(InputError, match=f"input value is not a valid {form}: .*; write it like "):
        check_input(_spec(form), {"value": value})


def test_a_misspelt_input_is_named() -> None:
    """A key close to one that is missing is taken for it in the message."""
    with pytest.raises(InputError, match="one has no input valeu; did you mean value"):
        check_input(_spec("date"), {"valeu": "2026-01-31"})
