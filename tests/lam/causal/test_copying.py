"""Under `copy_only` nothing can be written that does not stand in the context."""

from __future__ import annotations

import re
from random import Random
from typing import Any

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from interlock.lam.causal.copying import Copied, pieces
from interlock.lam.causal.dialects import DIALECTS
from interlock.lam.causal.grammar import answers
from interlock.lam.causal.tokens import Tokens
from interlock.lam.parameters import faults
from interlock.lam.protocol import ActionSchema, Observation
from tests.lam.causal.conftest import ACTIONS, REQUESTS, Make, action
from tests.lam.causal.test_grammar import accepts, call
from tests.lam.causal.walking import walk

GENERIC = DIALECTS["generic"]
PLAIN = action("say", "Say.", ["text"], text={"type": "string"}, count={"type": "integer"}, share={"type": "number"})
NUMBER_WORDS = {"two": 2, "three": 3, "half": 0.5, "twelve": 12, "one": 1}


@pytest.fixture(scope="module")
def tokens(make: Make) -> Tokens:
    return make().tokens


def seen(request: str, **sources: str) -> Observation:
    return Observation(sources={"request": request, **sources}, today="2026-03-04")


def leaves(value: Any) -> list[Any]:
    if isinstance(value, dict):
        return [leaf for part in value.values() for leaf in leaves(part)]
    if isinstance(value, list):
        return [leaf for part in value for leaf in leaves(part)]
    return [value]


def stands(value: Any, observation: Observation) -> bool:
    """Read without any of the rules: characters of one source, or a number whose digits or word stand there."""
    texts = list(observation.sources.values())
    if isinstance(value, str):
        if value and any(value in text for text in texts):
            return True
        return re.fullmatch(r"[\d:-]+", value) is not None  # days and times are read by rules, which have tests
    digits = {part.replace(",", "") for text in texts for part in re.findall(r"\d[\d.,]*", text)}
    found = {float(part.rstrip(".")) for part in digits if re.fullmatch(r"\d+(\.\d+)?\.?", part)}
    found |= {n for word, n in NUMBER_WORDS.items() if any(word in text.lower() for text in texts)}
    return any(abs(value) in (n, n / 100, n * 60, n * 1000) for n in found)


@pytest.mark.parametrize(
    ("value", "good"),
    [
        ("Foo", True), ("Foo bar", True), ("naïve", True), ("3,400.75", True), ('"hello\\there"', True),
        ("there\"\nFoo", True), ("東京", True), ("nFoo", False), ("oo", False), ("3", False), ("400.75", False),
        ("Foo naïve", False), ("", False), (" ", False), ("Foo ", False), (" Foo", False), ("foo", False),
        ("the other", True), ("nothing", True), ("3,400.75 and the other", False),
    ],
)  # fmt: skip
def test_only_whole_words_of_one_source_can_be_copied(tokens: Tokens, value: str, good: bool) -> None:
    """No part of a word or number, nothing across sources, no space at an edge, no escape taken for a letter."""
    observation = seen(REQUESTS[-1], mail="the other text, nothing")
    grammars = answers([PLAIN], GENERIC, Copied(observation))
    text = GENERIC.write([("say", {"text": value})])
    assert accepts(tokens, grammars.everything, text) is good


@pytest.mark.parametrize(("count", "good"), [(3400.75, False), (12, True), (45, True), (4, False), (5, False)])
def test_only_numbers_of_the_context_can_be_copied(tokens: Tokens, count: float, good: bool) -> None:
    """Digits and number words count, a part of a number does not, and an integer is not a fraction."""
    observation = seen("Twelve lamps for 45 minutes, 3,400.75 in all.")
    grammars = answers([PLAIN], GENERIC, Copied(observation))
    assert accepts(tokens, grammars.everything, call("say", text="lamps", count=count)) is good


def test_options_and_switches_are_closed_lists(tokens: Tokens) -> None:
    """An option or truth value may be chosen although no word says it, declared in the schema or its description."""
    level = {"type": "string", "description": "One of 'low', 'high'."}
    space = [ACTIONS[0], action("set", "Set.", ["level"], level=level)]
    grammar = answers(space, GENERIC, Copied(seen("Give Anna 12."))).everything
    assert accepts(tokens, grammar, call("payments.pay", payee="Anna", amount=12, currency="USD", urgent=True))
    assert not accepts(tokens, grammar, call("payments.pay", payee="Anna", amount=12, currency="GBP"))
    assert accepts(tokens, grammar, call("set", level="high"))
    assert not accepts(tokens, grammar, call("set", level="Anna"))


def test_typed_values_are_those_the_rules_read(tokens: Tokens) -> None:
    """A day, a time, an address and a text with a pattern are offered as they are read, and none besides."""
    space = [
        action(
            "book", "Book.", ["day"], day={"type": "string", "format": "date"},
            at={"type": "string", "format": "time"}, mail={"type": "string", "format": "email"},
            code={"type": "string", "pattern": "^[A-Z]-[0-9]{4}$"},
        )
    ]  # fmt: skip
    grammar = answers(space, GENERIC, Copied(seen("Tomorrow at 3pm, A-1001, to anna@example.org"))).everything
    good = {"day": "2026-03-05", "at": "15:00", "mail": "anna@example.org", "code": "A-1001"}
    assert accepts(tokens, grammar, call("book", **good))
    wrong = {"day": "2026-03-06", "at": "03:00", "mail": "nna@example.org", "code": "A-1002"}
    for name, value in wrong.items():
        assert not accepts(tokens, grammar, call("book", **(good | {name: value})))


def test_what_no_value_fits_is_left_out_and_told(tokens: Tokens) -> None:
    """A required argument without any value of the context is lacking; objects of any shape cannot be copied."""
    space = [
        ACTIONS[1],
        action("set", "Set.", ["place"], place={"type": "object"}, more={"type": "object"}, to=ACTIONS[2].parameters),
    ]
    grammars = answers(space, GENERIC, Copied(seen("Dentist, please.")))
    assert grammars.lacking == {"calendar_add": ["day"], "set": ["place"]}
    assert accepts(tokens, grammars.everything, call("calendar_add", title="Dentist"))
    assert not accepts(tokens, grammars.everything, call("calendar_add", title="Dentist", day="2026-03-05"))
    assert not accepts(tokens, grammars.everything, call("set", more={"a": "Dentist"}))


def test_a_length_that_no_words_have_is_lacking(tokens: Tokens) -> None:
    """Where no span is long or short enough, the argument is left out, not begun and never ended."""
    space = [
        action("short", "Short.", ["text"], text={"type": "string", "maxLength": 3}),
        action("long", "Long.", ["text"], text={"type": "string", "minLength": 30}),
        action("fits", "Fits.", ["text"], text={"type": "string", "minLength": 13, "maxLength": 14}),
    ]
    grammars = answers(space, GENERIC, Copied(seen("Dentist tomorrow please")))
    assert grammars.lacking == {"short": ["text"], "long": ["text"], "fits": ["text"]}
    grammars = answers(space, GENERIC, Copied(seen("Dentist today at 12")))
    assert grammars.lacking == {"short": [], "long": ["text"], "fits": []}
    assert accepts(tokens, grammars.everything, call("fits", text="Dentist today"))
    assert not accepts(tokens, grammars.everything, call("fits", text="today at 12"))


@pytest.mark.parametrize("space", [" ", "\t", "\n", "\x0b", "\x0c", "\x1c", "\x1f", "\x85", "\u00a0", "\u2028"])
def test_no_kind_of_space_is_copied_alone_or_at_an_edge(tokens: Tokens, space: str) -> None:
    """Escaped or not, what Python and the rules take for white space only stands between words."""
    grammars = answers([PLAIN], GENERIC, Copied(seen(f"one{space}two {space} three")))
    written = {value: GENERIC.write([("say", {"text": value})]) for value in (space, f"one{space}", f"{space}two")}
    assert not any(accepts(tokens, grammars.everything, text) for text in written.values())
    assert accepts(tokens, grammars.everything, GENERIC.write([("say", {"text": f"one{space}two"})]))


PARTS = [
    "Pay", "12.50", "EUR", "to", "Anna", "Ship two", "three", "lamps", "Graz,", "8010", "tomorrow", "at 3pm",
    '"quoted"', "\u2028", "\u00a0x", "\x0b", "\x1c",
    "\n", "\\n", "\\", "né", "e\u0301", "東京", "12,345.6", "v1.2", "-5", "a@b.org", "25 %", "\t", "🙂", "P-1001",
]  # fmt: skip
SPACE = [*ACTIONS, PLAIN]
SCHEMAS = {schema.name: schema for schema in SPACE}


@settings(max_examples=150, deadline=None, suppress_health_check=list(HealthCheck))
@given(
    parts=st.lists(st.sampled_from(PARTS) | st.text(max_size=6), max_size=9),
    other=st.text(max_size=20),
    seed=st.integers(0, 10_000),
)
def test_no_random_answer_invents_anything(tokens: Tokens, parts: list[str], other: str, seed: int) -> None:
    """Whatever is chosen under the grammar of a random request stands in it, nested texts and items included."""
    observation = seen(" ".join(parts), mail=other)
    grammars = answers(SPACE, GENERIC, Copied(observation))
    for written in GENERIC.read(walk(tokens, grammars, GENERIC, Random(seed))):
        schema: ActionSchema = SCHEMAS[written.name]
        assert set(faults(schema, written.arguments)) <= {*grammars.lacking[written.name], "to.city"}
        closed = {"currency", "urgent"}
        for name, value in written.arguments.items():
            for leaf in leaves(value):
                if name in closed or leaf is None:
                    continue
                assert stands(leaf, observation), (leaf, observation.sources)


@given(text=st.text(max_size=60))
@settings(max_examples=100, deadline=None)
def test_pieces_are_the_whole_text(text: str) -> None:
    """No character of a source is lost or doubled."""
    assert "".join(pieces(text)) == text


def test_a_number_is_one_piece() -> None:
    """Points and commas inside a number do not end it."""
    assert pieces("pay 12,345.60 now.") == ("pay", " ", "12,345.60", " ", "now", ".")
