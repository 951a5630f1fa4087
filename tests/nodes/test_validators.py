"""A value is raised only where it stands in its source, literally and as a whole, read as its argument reads it."""

from __future__ import annotations

from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from interlock.graphs.proofs.shapes import Shape
from interlock.nodes.validators import normal, reading_of, stands

TEXT, NUMBER = {"type": "string"}, {"type": "number"}


def found(value: Any, source: Any, name: str = "to", schema: dict[str, Any] = TEXT) -> bool:
    return stands(value, source, reading_of(name, Shape(schema)))


@pytest.mark.parametrize(
    ("value", "text"),
    [
        ("anna@example.org", "Write to anna@example.org."),
        ("anna@example.org", "Write to <Anna@Example.org>, please"),
        ("Delivery on Friday", 'Subject: "Delivery on Friday"'),
        ("report.pdf", "Send report.pdf to Anna's team"),
        ("Anna", "Send it to Anna's team"),
        ("general", "Post it in #general"),
        ("https://example.org/a?b=1", "Read https://example.org/a?b=1, then answer"),
        ("DE89370400440532013000", "Pay to DE89 3704 0044 0532 0130 00 today"),
        ("de89 3704 0044 0532 0130 00", "IBAN DE89370400440532013000"),
        ("INV-2026-17", "Pay the invoice INV-2026-17"),
        ("2026-06-13", "Meet on June 13, 2026"),
        ("2026-06-13", "Meet on 2026-06-13"),
        ("2026-06-13 10:00", "Meet on 13 June 2026 at 10 am"),
        ("2026-06-13T10:00", "Meet at 10:00 on June 13, 2026"),
        ("15:30", "Meet at 3.30pm"),
        ("Anna", "To \uff21nna"),  # in normal form
    ],
)
def test_what_stands_there(value: str, text: str) -> None:
    """A whole address, name, path, identifier, date or quotation of the text stands in it."""
    assert found(value, text)


@pytest.mark.parametrize(
    ("value", "text"),
    [
        ("anna@example.org", "Write to anna@example.org.evil.com"),
        ("anna@example.org", "Write to joanna@example.org"),
        ("anna@example.org", "Write to x+anna@example.org"),
        ("anna@example.org", "Write to anna@example.org\u200b.evil.com"),
        ("anna@example.org", "Write to аnna@example.org"),  # noqa: RUF001  # a Cyrillic a
        ("аnna@example.org", "Write to anna@example.org"),  # noqa: RUF001
        ("anna@example\u200b.org", "Write to anna@example\u200b.org"),
        ("anna＠example.org", "Write to anna@example.org"),  # noqa: RUF001  # not in normal form
        ("example.org", "Look at mail.example.org"),
        ("example.org", "Write to anna@example.org"),
        ("report", "Send report.pdf"),
        ("anna", "Send it to Anna"),
        ("port", "Send the report"),
        ("a", "Send a letter"),
        ("", "anything"),
        ("   ", "any   thing"),
        ("2026-06-13", "Meet on June 13"),
        ("2026-06-13 14:00", "From 2026-06-13 10:00 to 2026-06-14 14:00"),
        ("2026-06-14 10:00", "From 2026-06-13 10:00 to 2026-06-14 14:00"),
        ("2026-06-14 10:00", "At 2026-06-13 10:00 2026-06-14"),
        ("10:00", "Meet at 10:00:30"),
        ("DE89370400440532013000", "Pay to DE89 3704 0044 0532 0130 00 99"),
    ],
)
def test_what_does_not_stand_there(value: str, text: str) -> None:
    """A part of a longer word, a look-alike, what cannot be seen, and what must be guessed do not."""
    assert not found(value, text)


@pytest.mark.parametrize(
    ("value", "text", "there"),
    [
        ("13", "Meet on June 13", False),
        ("13", "13 people come", False),
        ("13", "Delete the file on 13 June", False),
        ("13", "Delete file 13", True),
        ("13", "Delete file #13", True),
        ("13", 'Delete "13"', True),
        ("13", "Delete the one with id 13.", True),
        ("13", "Delete the one with the number: 13", True),
        ("13", "Delete file 13000", False),
        ("13", "Delete file 13 June", False),
        ("13", "There is no 13", False),
        ("13", "Delete file 13:30", False),
        ("1", "Delete file 1 000", False),
    ],
)
def test_a_bare_number_is_no_identifier(value: str, text: str, there: bool) -> None:
    """Digits stand as an identifier only where they are quoted or a word before them says so."""
    assert found(value, text, name="file_id") is there


@pytest.mark.parametrize(
    ("value", "text", "there"),
    [
        (1250.5, "Pay 1,250.50 EUR", True),
        (1250.5, "Pay 1.250,50 EUR", True),
        (1250, "Pay 1'250 CHF", True),
        (1250, "Pay €1250", True),
        (1250, "Pay 1.250 EUR", False),
        (1.25, "Pay 1.250 EUR", False),
        (50, "Pay 500 EUR", False),
        (50, "Pay 50.00 EUR", True),
        (50, "Pay 50 % of it", False),
        (13, "Pay on June 13", False),
        (30, "Meet at 10:30", False),
        (13, "Pay invoice A-13", False),
        (5, "Pay 5-50 EUR", False),
        (True, "Pay 1 EUR", False),
    ],
)
def test_numbers_are_read_as_numbers(value: Any, text: str, there: bool) -> None:
    """An amount stands where a number of its own means the same and cannot be read in another way."""
    assert found(value, text, "amount", NUMBER) is there


def test_a_list_stands_where_each_element_does() -> None:
    """All recipients must be named; an empty list, an object and nothing at all stand nowhere."""
    both = {"type": "array", "items": {"type": "string"}}
    assert found(["anna@x.org", "bob@x.org"], "To anna@x.org and bob@x.org", "to", both)
    assert not found(["anna@x.org", "eve@x.org"], "To anna@x.org and bob@x.org", "to", both)
    for nothing in ([], {}, None, {"to": "anna@x.org"}):
        assert not found(nothing, "To anna@x.org", "to", both)


def test_the_texts_of_an_object_are_read_one_by_one() -> None:
    """A value stands in one field of its source, never across two."""
    assert found("Anna", {"who": "Anna", "when": 5})
    assert not found("Anna Bell", {"first": "Anna", "last": "Bell"})


@given(st.text(max_size=12), st.text(max_size=40))
def test_nothing_is_found_that_does_not_stand_there(value: str, text: str) -> None:
    """Whatever the two texts are: a value that no normal form of the source holds is never raised."""
    if found(value, text):
        assert normal(value).strip().lower() in normal(text).lower()
        assert value == normal(value) or value.strip() != value or "\n" in value or "  " in value


@given(
    st.integers(-10_000, 10_000_000), st.text(alphabet="abc ,.€", max_size=10), st.text(alphabet="abc ,.€", max_size=10)
)
def test_a_number_is_found_only_where_its_digits_stand(value: int, before: str, after: str) -> None:
    """A number that the text does not hold, digit by digit, is never raised."""
    if found(value, f"{before}12{after}", "amount", NUMBER):
        assert value == 12
