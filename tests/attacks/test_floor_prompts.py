"""Security floor, prompts: `$name` substitution only, no attribute access, no template language in data."""

from __future__ import annotations

import json
from typing import Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from interlock.errors import ProjectError
from interlock.graphs.cards import ReasonCard
from interlock.nodes.reason import fill
from interlock.source import SourceError
from interlock.testing import ScriptedChatModel
from tests.attacks.house import THINK, House

TEMPLATES = [
    "{to}",
    "{to.__class__.__mro__}",
    "{0.__globals__}",
    "{to!r:>100}",
    "%(to)s",
    "%s %n",
    "{{ 7 * 7 }}",
    "{{ to.__class__.__init__.__globals__ }}",
    "{% for x in ().__class__.__base__.__subclasses__() %}{{ x }}{% endfor %}",
    "#{7 * 7}",
    "<%= 7 * 7 %>",
    "`whoami`",
    "$(whoami)",
    "f'{7 * 7}'",
    "\\x41\\u0041",
]
"""What some template language would replace."""

SECRET = "the secret of the house"


def card(prompt: str) -> ReasonCard:
    return ReasonCard.model_validate(
        {"node": "ask", "kind": "reason", "goal": "Ask.", "prompt": prompt, "output": {"text": {"type": "string"}}}
    )


@pytest.mark.parametrize("text", TEMPLATES)
def test_a_prompt_is_no_template(text: str) -> None:
    """In a prompt itself, no other form than `$name` is replaced: it reaches the model as it was written."""
    assert fill(card(f"Say {text} of $to."), {"to": "anna", "key": SECRET})[1] == f"Say {text} of anna."


@pytest.mark.parametrize("text", [*TEMPLATES, "$key", "${key}", "$key.hidden", "$$key", "$to", "$to$to"])
def test_data_is_no_template(text: str) -> None:
    """In a value nothing is replaced, not even a name that the prompt has: it is inserted and not read again."""
    values: dict[str, Any] = {"to": text, "key": SECRET, "deep": {"to": [text]}}
    assert fill(card("<to>$to</to>"), values)[1] == f"<to>{text}</to>"
    assert fill(card("$deep"), values)[1] == json.dumps({"to": [text]}, ensure_ascii=False)
    assert SECRET not in fill(card("<to>$to</to> $deep"), values)[1]


@given(st.text(max_size=60), st.text(max_size=60))
@settings(max_examples=200, deadline=None)
def test_any_two_values_stand_as_they_are(one: str, other: str) -> None:
    """Whatever two values hold, each stands once, where its name stood, and neither reaches into the other."""
    filled = fill(card("1: $one 2: $other 3"), {"one": one, "other": other})[1]
    assert filled == f"1: {one} 2: {other} 3"


@pytest.mark.parametrize(
    "path",
    ["$to.__class__", "$to.__class__.__mro__", "$to.__init__.__globals__", "$to.upper", "$to.0", "$names.append"],
)
def test_a_path_walks_data_and_no_object(path: str) -> None:
    """`$name.field` is a field of JSON data: no attribute, method or item of any Python object is ever reached."""
    assert fill(card(f"<a>{path}</a>"), {"to": "anna", "names": ["anna"]})[1] == "<a>null</a>"


@pytest.mark.parametrize("form", ["${to}", "$To", "$_to", "$__class__", "${to.__class__}", "$TO"])
def test_another_form_of_a_dollar_is_refused(house: House, form: str) -> None:
    """What looks like a name and is none is a fault of the card, before anything runs, and where it is filled."""
    house.write("nodes/think.yaml", THINK.replace("Who is $to?", f"Who is {form} $to?"))
    with pytest.raises(SourceError, match=r"nodes/think\.yaml"):
        house.engine().project.workflow(house.root / "graphs" / "think.yaml")
    with pytest.raises(ProjectError, match=r"write \$name or \$name\.field in small letters"):
        fill(card(f"Who is {form}?"), {"to": "anna"})


def test_a_prompt_reads_what_its_step_declares_and_no_more(house: House) -> None:
    """A name that the step does not read is a fault of the file, so no prompt looks around in the state."""
    house.write("nodes/think.yaml", THINK.replace("$to", "$amount"))
    with pytest.raises(SourceError, match="amount"):
        house.engine().project.workflow(house.root / "graphs" / "think.yaml")


@pytest.mark.parametrize("text", ["{amount.__class__}", "$amount", "{{ 7 * 7 }}", "%(amount)s"])
def test_a_hostile_value_reaches_the_model_and_the_reviewer_as_it_is(house: House, text: str) -> None:
    """From the input to the prompt, and to the headline that a reviewer reads: the same text, replaced by nothing."""
    model = ScriptedChatModel([{"text": "somebody"}], loop=True)
    house.begun("think", house.engine(chat=model), to=text)
    assert f"Who is {text}?" in model.received[0][-1].text
    run = house.begun("pay", to=text)
    assert run.asked.request["title"].endswith(f"10 to {text}")
    assert run.asked.request["arguments"]["to"] == text
