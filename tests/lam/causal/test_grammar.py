"""The grammar of an answer: what it lets through is valid, and what it cannot follow is refused by name."""

from __future__ import annotations

import json
from random import Random
from typing import Any

import pytest
from llguidance import LLMatcher

from interlock.errors import ModelError
from interlock.lam.causal.dialects import DIALECTS
from interlock.lam.causal.grammar import MOST_CALLS, answers
from interlock.lam.causal.leaves import Free
from interlock.lam.causal.tokens import Tokens
from interlock.lam.functions import shipped_space
from interlock.lam.parameters import faults
from interlock.lam.protocol import ActionSchema
from tests.lam.causal.conftest import ACTIONS, Make, action
from tests.lam.causal.walking import walk


@pytest.fixture(scope="module")
def tokens(make: Make) -> Tokens:
    return make().tokens


def accepts(tokens: Tokens, grammar: str, text: str) -> bool:
    matcher: LLMatcher = tokens.matcher(grammar)
    ids = tokens.constraint.tokenize_str(text)
    return matcher.try_consume_tokens(ids) == len(ids) and matcher.is_accepting()


def call(name: str, **arguments: Any) -> str:
    return json.dumps([{"name": name, "arguments": arguments}])


@pytest.mark.parametrize("dialect", DIALECTS.values(), ids=lambda dialect: dialect.name)
def test_every_random_answer_is_a_list_of_valid_calls(tokens: Tokens, dialect: Any) -> None:
    """Whatever is chosen under the grammar, the answer can be read and each call fits its JSON Schema."""
    space = [*ACTIONS, *shipped_space()]
    grammars = answers(space, dialect, Free(), tokens.special)
    schemas = {schema.name: schema for schema in space}
    seen = set()
    for seed in range(60):
        calls = dialect.read(walk(tokens, grammars, dialect, Random(seed)))
        assert 1 <= len(calls) <= MOST_CALLS
        for written in calls:
            assert faults(schemas[written.name], written.arguments) == [], written
            seen.add(written.name)
    assert len(seen) > 10


def test_the_way_out_is_there(tokens: Tokens) -> None:
    """The answer that calls nothing is in the grammar of everything, and not in that of calls."""
    for dialect in DIALECTS.values():
        grammars = answers(ACTIONS, dialect, Free())
        assert accepts(tokens, grammars.everything, dialect.nothing)
        assert not accepts(tokens, grammars.calls, dialect.nothing)


@pytest.mark.parametrize(
    ("text", "good"),
    [
        (call("payments.pay", payee="Anna", amount=12.5), True),
        (call("payments.pay", payee="Anna", amount=12.5, currency="EUR", urgent=True), True),
        (call("payments.pay", payee="Anna", amount=12.5, urgent=True), True),
        (call("stop_all"), True),
        (call("payments.pay", payee="Anna"), False),
        (call("payments.pay", payee="Anna", amount="12"), False),
        (call("payments.pay", payee="Anna", amount=-1), False),
        (call("payments.pay", payee="Anna", amount=12.5, currency="GBP"), False),
        (call("payments.pay", payee="Anna", amount=12.5, color="red"), False),
        (call("payments.pay", payee="x" * 31, amount=12.5), False),
        (call("nothing_known"), False),
        (call("calendar_add", title="a", day="2028-02-29"), True),
        (call("calendar_add", title="a", day="2027-02-29"), False),
        (call("calendar_add", title="a", day="2027-04-31"), False),
        (call("calendar_add", title="a", day="2027-04-30", start="15:00"), True),
        (call("calendar_add", title="a", day="2027-04-30", start="25:00"), False),
        (call("shipIt", items=["lamp"], to={"city": "Graz"}), True),
        (call("shipIt", items=[], to={"city": "Graz"}), False),
        (call("shipIt", items=["a", "b", "c", "d"], to={"city": "Graz"}), False),
        (call("shipIt", items=["lamp"], to={"zip": 8010}), False),
        (call("shipIt", items=["lamp"], to={"city": "Graz", "street": "x"}), False),
        (call("shipIt", items=["lamp"], to={"city": "Graz", "zip": 8010}, note=None), True),
    ],
)
def test_exactly_the_valid_calls_are_accepted(tokens: Tokens, text: str, good: bool) -> None:
    """Types, bounds, formats, options, required and unknown members are all in the grammar."""
    assert accepts(tokens, answers(ACTIONS, DIALECTS["generic"], Free()).everything, text) is good


def test_hostile_names_are_only_names(tokens: Tokens) -> None:
    """Marks of JSON and of the grammar in names and options stand for themselves."""
    odd = 'a"b\\c\n| "x" %json {} ünï🙂'
    space = [action(odd, "Odd.", [odd], **{odd: {"enum": [odd, 1, None, 2.5, True, ["x"]]}})]
    grammar = answers(space, DIALECTS["generic"], Free()).everything
    for value in (odd, 1, None, 2.5, True, ["x"]):
        text = json.dumps([{"name": odd, "arguments": {odd: value}}], ensure_ascii=False)
        assert accepts(tokens, grammar, text)
    assert not accepts(tokens, grammar, json.dumps([{"name": odd, "arguments": {odd: "x"}}]))


@pytest.mark.parametrize(
    ("schema", "said"),
    [
        ({"type": "string", "not": {"const": "a"}}, "keyword not"),
        ({"type": "string", "pattern": "(?=a)b"}, "look-around"),
        ({"type": "object", "patternProperties": {"a": {}}}, "patternProperties"),
        ({"type": "object", "properties": {"x": {"if": {}}}}, "field.x"),
        ({"$ref": "#/$defs/Nowhere"}, "leads nowhere"),
        ({"$ref": "https://example.org/schema"}, "leads nowhere"),
        ({"$ref": "#/$defs/Tree"}, "Tree contains itself"),
        ({"allOf": [{"type": "string"}, {"minLength": 2}]}, "allOf"),
        ({"type": "array", "prefixItems": [{}], "minItems": 2}, "prefixItems"),
        (False, "no schema"),
    ],
)
def test_what_no_grammar_follows_is_refused_by_name(schema: Any, said: str) -> None:
    """The error names the action, the argument and the feature, before the model is asked anything."""
    tree = {"type": "object", "properties": {"more": {"$ref": "#/$defs/Tree"}}}
    space = [
        ACTIONS[0],
        ActionSchema(
            name="odd.one", description="", parameters={"properties": {"field": schema}, "$defs": {"Tree": tree}}
        ),
    ]
    with pytest.raises(ModelError, match=r"odd\.one") as caught:
        answers(space, DIALECTS["generic"], Free())
    assert said in caught.value.message
    assert "field" in caught.value.message


def test_alternatives_that_cannot_be_followed_give_way_to_those_that_can(tokens: Tokens) -> None:
    """Of a number or a text with look-around, as amounts are declared, the number is left."""
    amount = {"anyOf": [{"type": "number"}, {"type": "string", "pattern": r"^(?!^[-+.]*$)[+-]?0*\d*\.?\d*$"}]}
    grammar = answers([action("pay", "Pay.", ["amount"], amount=amount)], DIALECTS["generic"], Free()).everything
    assert accepts(tokens, grammar, call("pay", amount=12.5))
    assert not accepts(tokens, grammar, call("pay", amount="12.5"))


def test_references_are_followed(tokens: Tokens) -> None:
    """A definition may be used twice, and what stands beside a reference counts too."""
    place = {"type": "object", "required": ["city"], "properties": {"city": {"type": "string"}}}
    space = [
        ActionSchema(
            name="move", description="",
            parameters={
                "properties": {"start": {"$ref": "#/$defs/Place"}, "end": {"allOf": [{"$ref": "#/$defs/Place"}]}},
                "required": ["start", "end"], "$defs": {"Place": place},
            },
        )
    ]  # fmt: skip
    grammar = answers(space, DIALECTS["generic"], Free()).everything
    assert accepts(tokens, grammar, call("move", start={"city": "a"}, end={"city": "b"}))
    assert not accepts(tokens, grammar, call("move", start={}, end={"city": "b"}))
