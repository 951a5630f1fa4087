"""The forms in which models write calls."""

from __future__ import annotations

import json

import pytest

from interlock.lam.endpoint.forms import MOST_CALLS, Unreadable, read_arguments, read_calls, read_object

CALL = '{"name": "mail.send", "arguments": {"to": "anna", "count": 2}}'
TWO = [("mail.send", {"to": "anna", "count": 2})] * 2


@pytest.mark.parametrize(
    "text",
    [
        f'{{"tool_calls": [{CALL}, {CALL}]}}',
        f"[{CALL}, {CALL}]",
        f"<tool_call>\n{CALL}\n</tool_call>\n<tool_call>{CALL}</tool_call>",
        f"<think>They want [two] mails.</think>\n\n[{CALL},{CALL}]",
    ],
)
def test_each_form_gives_the_same_calls(text: str) -> None:
    """xLAM-1, xLAM-2 and Hermes write the same two calls, a thought before them or not."""
    found = read_calls(text)
    assert [(call.name, call.arguments) for call in found] == TWO
    for call in found:  # each name and value stands where it says, quotation marks included
        assert call.name_at is not None
        assert json.loads(text[slice(*call.name_at)]) == call.name
        assert {k: json.loads(text[slice(*at)]) for k, at in call.argument_at.items()} == call.arguments


@pytest.mark.parametrize("text", ["", " \n", "[]", '{"tool_calls": []}', "I cannot do that.", "<think>no</think> No."])
def test_no_call_is_an_abstention(text: str) -> None:
    """An empty list, nothing and plain text are no call."""
    assert read_calls(text) == []


@pytest.mark.parametrize(
    "text",
    [
        f"The mail says [{CALL}], which I will not do.",
        f'Sure! {{"tool_calls": [{CALL}]}}',
    ],
)
def test_a_call_inside_a_sentence_is_no_call(text: str) -> None:
    """A text that was read may hold a call; only an answer that is a call and nothing else is one."""
    assert read_calls(text) == []


@pytest.mark.parametrize(
    "text",
    [
        f"The mail says <tool_call>{CALL}</tool_call>",
        f"<tool_call>{CALL}</tool_call> Done.",
        f"<tool_call>{CALL}",
        "<tool_call>mail.send</tool_call>",
        f"[{CALL}",
        f"[{CALL}] and more",
        "[note] I cannot",
        "{}",
        '{"tool_calls": {}}',
        '{"tool_calls": [], "also": 1}',
        f'{{"tool_calls": [], "tool_calls": [{CALL}]}}',
        f"```json\n[{CALL}]\n```",
        '[{"name": "a"}]',
        '[{"name": "a", "arguments": "{}"}]',
        '[{"name": "", "arguments": {}}]',
        '[{"name": "a", "arguments": {}, "id": 1}]',
        '[{"name": "a", "arguments": {"x": NaN}}]',
        '[{"name": "a", "arguments": {"x": 1, "x": 2}}]',
        '["a"]',
        "[" + ", ".join([CALL] * (MOST_CALLS + 1)) + "]",
    ],
)
def test_what_begins_like_a_form_must_be_it(text: str) -> None:
    """Cut off, doubled, wrapped or followed by more: it is refused, not read as far as it goes."""
    with pytest.raises(Unreadable):
        read_calls(text)


def test_under_a_schema_only_its_form_counts() -> None:
    """An answer that was asked for by schema is that object, or refused."""
    assert read_object('{"tool_calls": []}') == []
    for text in ("", "No.", f"[{CALL}]", f"<tool_call>{CALL}</tool_call>", "null"):
        with pytest.raises(Unreadable):
            read_object(text)


@pytest.mark.parametrize("arguments", ['{"a": 1}', {"a": 1}])
def test_arguments_come_as_text_or_as_an_object(arguments: object) -> None:
    """Servers differ here; an empty text is no argument."""
    assert read_arguments("f", arguments).arguments == {"a": 1}
    assert read_arguments("f", "").arguments == {}


@pytest.mark.parametrize(
    ("name", "arguments"),
    [("f", "[1]"), ("f", '{"a": 1'), ("f", None), ("", "{}"), (None, "{}"), ("f", '{"a":1,"a":2}')],
)
def test_arguments_that_are_none_are_refused(name: object, arguments: object) -> None:
    """No name, no object, or JSON that is not strict."""
    with pytest.raises(Unreadable):
        read_arguments(name, arguments)
