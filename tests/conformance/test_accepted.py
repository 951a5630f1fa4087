"""What each client sends is read as what it means, and nothing else is read as a decision."""

from __future__ import annotations

import copy
import json
from typing import Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from interlock.errors import DecisionRefused
from interlock.nodes.dialects.answer import Answer
from interlock.nodes.dialects.read import parse, read_answer
from interlock.testing import UNCLEAR_ANSWERS
from tests.conformance.questions import question
from tests.conformance.record import ARGS, CALL, EDITED, INTERRUPT, NAME, RECORDERS, WHY, recorded

RECORDED = [(dialect, word, answer) for dialect in RECORDERS for word, answer in recorded(dialect)["answers"].items()]

OWN: dict[str, Any] = {
    "approve": {"decision": "approve"},
    "approve with all": {"decision": "approve", "id": INTERRUPT, "revision": 3, "reason": "order 4471"},
    "edit": {"decision": "edit", "changes": {"amount": 9}, "message": "discount"},
    "reject": {"decision": "reject", "reason": WHY},
}
APPROVALS = [answer for _, word, answer in RECORDED if word.startswith("approve")] + [
    OWN["approve"], OWN["approve with all"],
]  # fmt: skip


@pytest.mark.parametrize(("dialect", "word", "answer"), [*RECORDED, *(("interlock", *item) for item in OWN.items())])
def test_a_recorded_answer_is_read_as_what_it_means(dialect: str, word: str, answer: Any) -> None:
    """Each answer that a client gives is one decision, with its reason and the arguments that it changes."""
    read = read_answer(parse(json.dumps(answer), question()), question())
    assert read.word == word.split()[0].rstrip(",")
    assert dict(read.changes) == ({"amount": EDITED["amount"]} if read.word == "edit" else {})
    if read.word == "reject":
        told = "without" in word or "by" in word.split()
        assert (read.reason == WHY) is not told
        assert read.reason
    if not word.endswith("to LangChain"):
        assert read.dialect == dialect.removesuffix("-per-call")


def test_the_synonyms_are_read() -> None:
    """`args` and `arguments`, `message` and `reason` mean the same, also both at once where they agree."""
    for arguments in ({"args": EDITED}, {"arguments": EDITED}, {"args": EDITED, "arguments": EDITED}):
        body = {"type": "edit", "edited_action": {"name": NAME, **arguments}}
        assert read_answer(body, question()).changes == {"amount": 9}
        inbox = [{"type": "edit", "args": {"action": NAME, **arguments}}]
        assert read_answer(inbox, question()).changes == {"amount": 9}
    for reason in ({"message": WHY}, {"reason": WHY}, {"message": WHY, "reason": WHY}):
        assert read_answer({"type": "reject", **reason}, question()).reason == WHY
        assert read_answer({"kind": "tool-denied", **reason}, question()).reason == WHY
        assert read_answer({"decision": "reject", **reason}, question()).reason == WHY


def test_an_approval_with_other_arguments_is_an_edit() -> None:
    """Approving with arguments of one's own is never an approval in one step, in no dialect."""
    entry = {"interruptId": INTERRUPT, "status": "resolved", "payload": {"approved": True, "editedArgs": EDITED}}
    for body in ([entry], {"kind": "tool-approved", "override_args": EDITED}):
        assert read_answer(body, question()).word == "edit"


def test_what_is_missing_is_given_by_an_edit() -> None:
    """A question for a missing argument is answered by the arguments with it, and cannot be approved."""
    asked = question("question", arguments={"amount": 10}, missing=["to"])
    for body in (
        {"type": "edit", "edited_action": {"name": NAME, "args": ARGS}},
        [{"type": "edit", "args": {"action": NAME, "args": ARGS}}],
        {"approvals": {CALL: {"kind": "tool-approved", "override_args": ARGS}}},
        {"decision": "edit", "changes": {"to": "anna"}},
    ):
        assert read_answer(body, asked).changes == {"to": "anna"}
    for body in APPROVALS:
        with pytest.raises(DecisionRefused):
            read_answer(body, asked)


@pytest.mark.parametrize(("happened", "word"), [(True, "happened"), (False, "did_not_happen")])
def test_a_doubt_is_answered_in_its_own_words(happened: bool, word: str) -> None:
    """Whether an action happened is a boolean, or one of two exact words where a dialect has only text."""
    entry = {"interruptId": INTERRUPT, "status": "resolved", "payload": {"happened": happened}}
    for body in (
        {"decision": "respond", "happened": happened},
        {"type": "respond", "message": word},
        {"decisions": [{"type": "respond", "message": word}]},
        [{"type": "response", "args": word}],
        {"resume": [entry]},
    ):
        read = read_answer(body, question("doubt"))
        assert (read.word, read.happened) == ("respond", happened)


@pytest.mark.parametrize(
    "text", ["It happened", "happened.", "HAPPENED", "yes", "no", "", None, True, "did not happen"]
)
def test_no_other_text_answers_a_doubt(text: Any) -> None:
    """What a person wrote in their own words is not read as either."""
    for body in ({"type": "respond", "message": text}, [{"type": "response", "args": text}]):
        with pytest.raises(DecisionRefused, match="a doubt is answered by happened or did_not_happen"):
            read_answer(body, question("doubt"))


def test_an_answer_to_a_doubt_is_none_to_an_action_and_the_other_way_round() -> None:
    """No approval settles a doubt, and saying that something happened approves nothing."""
    for body in [*APPROVALS, OWN["reject"], {"type": "reject", "message": WHY}]:
        with pytest.raises(DecisionRefused):
            read_answer(body, question("doubt"))
    for body in ({"decision": "respond", "happened": True}, {"type": "respond", "message": "happened"}):
        with pytest.raises(DecisionRefused, match="does not take the decision respond"):
            read_answer(body, question())


def test_a_form_is_answered_by_its_fields() -> None:
    """A form takes our own form and AG-UI's, with its fields; dialects of actions alone are refused."""
    entry = {"interruptId": INTERRUPT, "status": "resolved", "payload": {"approved": True, "answer": {"seats": 2}}}
    for body in ({"decision": "approve", "answer": {"seats": 2}}, {"resume": [entry]}):
        assert read_answer(body, question("form")).form == {"seats": 2}
    refusal = {"interruptId": INTERRUPT, "status": "resolved", "payload": {"approved": False, "reason": WHY}}
    assert read_answer([refusal], question("form")).reason == WHY
    for body in (
        {"type": "approve"},
        {"decisions": []},
        {"decisions": [{"type": "approve"}]},
        [{"type": "accept", "args": None}],
        {"approvals": {INTERRUPT: True}},
        {"kind": "tool-approved"},
    ):
        with pytest.raises(DecisionRefused, match=r"none|0 entries"):
            read_answer(body, question("form"))


@pytest.mark.parametrize("name", UNCLEAR_ANSWERS)
def test_an_unclear_answer_is_refused_with_its_reason(name: str) -> None:
    """Nothing is guessed: the refusal says what is unclear, and that the question is still open."""
    with pytest.raises(DecisionRefused, match=f"{INTERRUPT} is still open") as refused:
        read_answer(UNCLEAR_ANSWERS[name](question()), question())
    assert len(refused.value.message) < 400


@pytest.mark.parametrize(
    ("text", "why"),
    [
        ('{"decision": "reject", "reason": "no money", "decision": "approve"}', "'decision' stands twice"),
        ('{"decisions": [{"type": "reject", "type": "approve"}]}', "'type' stands twice"),
        ("approve", "is JSON, which this is not"),
        ("", "is JSON, which this is not"),
        ('{"decision": "approve"} {"decision": "approve"}', "is JSON, which this is not"),
        ('{"decision": "edit", "changes": {"amount": NaN}}', "NaN is no JSON"),
        ("[" * 5_000, "is JSON, which this is not"),
        ('{"decision": "approve", "reason": "' + "x" * 100_000 + '"}', "at most 100000 bytes"),
    ],
)
def test_text_that_is_no_strict_json_is_refused(text: str, why: str) -> None:
    """Two readers must not see two answers in one text, and no text is too long to be refused."""
    with pytest.raises(DecisionRefused, match=why):
        parse(text.encode(), question())


JSON = st.recursive(
    st.none() | st.booleans() | st.integers(-20, 20) | st.floats(allow_nan=True) | st.text(max_size=8)
    | st.sampled_from(["approve", "accept", "approved", "tool-approved", "yes", CALL, INTERRUPT, NAME, "resolved"]),
    lambda inner: st.lists(inner, max_size=3)
    | st.dictionaries(
        st.sampled_from(
            ["type", "decision", "decisions", "kind", "approvals", "resume", "interruptId", "status", "payload",
             "approved", "args", "arguments", "name", "action", "reason", "message", "id", "revision", CALL]
        ) | st.text(max_size=4),
        inner,
        max_size=4,
    ),
    max_leaves=12,
)  # fmt: skip


def approves(body: Any) -> bool:
    try:
        return read_answer(body, question()).word == "approve"
    except DecisionRefused:
        return False


def documented(body: Any) -> bool:
    """Whether `body` is one of the documented forms of an approval, told apart from the reader: by rebuilding each."""
    same = ({"action": NAME, "args": ARGS}, {"action": NAME, "arguments": ARGS}, None)
    decisions = [{"type": "approve"}, *({"type": "approve", "args": args} for args in same)]
    results: list[Any] = [True, {"kind": "tool-approved"}, {"kind": "tool-approved", "override_args": None}]
    entry = body
    if isinstance(body, dict) and list(body) == ["resume"]:
        entry = body["resume"]
    if isinstance(entry, list) and len(entry) == 1:
        entry = entry[0]
    forms: list[Any] = [
        *decisions,
        *({"decisions": [decision]} for decision in decisions),
        *([{"type": "accept", "args": args}] for args in same),
        [{"type": "accept"}],
        *results[1:],
    ]
    if strictly(body) in [strictly(form) for form in forms]:
        return True
    if isinstance(body, dict) and "approvals" in body:
        others = {name: value for name, value in body.items() if name != "approvals"}
        return (
            set(others) <= {"calls", "metadata", "answered_by"}
            and all(value == {} for value in others.values())
            and strictly(body["approvals"]) in [strictly({CALL: result}) for result in results]
        )
    if isinstance(body, dict) and body.get("decision") == "approve":
        free = {"reason", "message", "revision"}
        return set(body) - free <= {"decision", "id", "answer"} and body.get("id", INTERRUPT) == INTERRUPT
    if isinstance(entry, dict) and entry.get("interruptId") == INTERRUPT and entry.get("status") == "resolved":
        payload = entry.get("payload")
        return isinstance(payload, dict) and payload.get("approved") is True and payload.get("editedArgs") is None
    return False


def strictly(value: Any) -> str:
    return json.dumps(value, sort_keys=True)


@settings(max_examples=200, deadline=None)
@given(JSON)
def test_no_random_json_is_read_as_an_approval(body: Any) -> None:
    """Whatever is sent, it approves only where it is one of the documented forms."""
    assert approves(body) <= documented(body)


def places(value: Any, path: tuple[Any, ...] = ()) -> list[tuple[Any, ...]]:
    inner = value.items() if isinstance(value, dict) else enumerate(value) if isinstance(value, list) else ()
    return [path, *(found for key, item in inner for found in places(item, (*path, key)))]


def put(body: Any, path: tuple[Any, ...], value: Any) -> Any:
    if not path:
        return value
    changed = copy.deepcopy(body)
    holder = changed
    for key in path[:-1]:
        holder = holder[key]
    holder[path[-1]] = value
    return changed


@settings(max_examples=250, deadline=None)
@given(st.data())
def test_a_changed_approval_approves_only_if_it_still_is_one(data: st.DataObject) -> None:
    """Any value of an approval put in the place of another, any key added or taken away: no near miss approves."""
    body = data.draw(st.sampled_from(APPROVALS))
    path = data.draw(st.sampled_from(places(body)))
    value = data.draw(JSON)
    changed = put(body, path, value)
    if isinstance(changed, dict):
        changed = changed | data.draw(st.dictionaries(st.sampled_from(["type", "kind", "decision", "by", "as"]), JSON))
    assert approves(changed) <= documented(changed), changed


@given(st.sampled_from(RECORDED), st.dictionaries(st.text(min_size=1, max_size=6), JSON, min_size=1, max_size=2))
@settings(max_examples=100, deadline=None)
def test_a_key_that_nobody_documented_is_never_passed_over(case: tuple[str, str, Any], more: dict[str, Any]) -> None:
    """What a client means by a further key would be a guess, so the whole answer is refused."""
    _, _, answer = case
    body = answer | more if isinstance(answer, dict) else [answer[0] | more]
    if any(key in (answer if isinstance(answer, dict) else answer[0]) for key in more):
        return
    allowed = {"message", "reason", "args", "metadata"}
    try:
        read: Answer | None = read_answer(body, question())
    except DecisionRefused:
        read = None
    assert read is None or set(more) <= allowed
