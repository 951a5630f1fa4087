"""Answers in every dialect, given where they count: to the engine and at the terminal, by a person."""

from __future__ import annotations

import json
import os
import subprocess
from typing import Any

import pytest
from langgraph.types import Command

from interlock.errors import DecisionRefused, InterlockError
from interlock.nodes.dialects.question import question_of
from interlock.testing import answers_conformance
from tests.attacks.house import CONSOLE_SCRIPT, House, Run, attempt, ended
from tests.conformance.record import CALL, INTERRUPT, RECORDERS, recorded

RECORDED = [
    (dialect, word)
    for dialect in RECORDERS
    for word in recorded(dialect)["answers"]
    if word in ("approve", "edit", "reject", "approve the unchanged action, to LangChain")
]


def sent(run: Run, dialect: str, word: str) -> Any:
    """A recorded answer, to the request that the run waits for now."""
    text = json.dumps(recorded(dialect)["answers"][word])
    question = question_of(run.asked)
    return json.loads(text.replace(CALL, question.tool_call).replace(INTERRUPT, question.id))


@pytest.mark.parametrize(("dialect", "word"), RECORDED)
def test_what_a_client_sends_is_decided(house: House, dialect: str, word: str) -> None:
    """An approval lets the exact action happen once, a rejection ends it, an edit is a new question for others."""
    run = house.begun("pay")
    first = run.asked.id
    run.engine.answer(first, "bob", sent(run, dialect, word))
    run.drive()
    match word.split()[0].rstrip(","):
        case "approve":
            assert (house.effects, run.outcome) == (["pay 10 anna"], "done")
        case "reject":
            assert (house.effects, run.outcome) == ([], "not_paid")
            assert run.engine.services.approvals.get(first).answer["comment"]  # type: ignore[index]
        case "edit":
            assert (house.effects, run.asked.request["arguments"]) == ([], {"amount": 9, "to": "anna"})
            with pytest.raises(DecisionRefused, match="separation of duties"):
                run.engine.answer(run.asked.id, "bob", {"type": "approve"})
    assert run.whole()


def test_no_unclear_answer_is_taken(house: House) -> None:
    """Each is refused with its reason, leaves the question open for a plain one, and nothing happens."""
    run = house.begun("pay")
    asked = run.asked
    answers_conformance(
        lambda body: run.engine.answer(asked.id, "bob", body),
        question_of(asked),
        lambda: run.asked.revision == asked.revision,
        DecisionRefused,
    )
    assert run.engine.services.approvals.votes(asked.id) == []
    assert house.effects == []
    run.engine.answer(asked.id, "bob", {"type": "approve"})
    run.drive()
    assert house.effects == ["pay 10 anna"]
    assert run.whole()


def test_whoever_answers_is_who_signed_in(house: House) -> None:
    """No field of an answer makes anybody somebody else: the requester stays the requester."""
    run = house.begun("pay")
    for body in ({"type": "approve"}, [{"interruptId": run.asked.id, "status": "resolved",
                                        "payload": {"approved": True}, "metadata": {"by": "bob"}}]):  # fmt: skip
        with pytest.raises(DecisionRefused, match="separation of duties"):
            run.engine.answer(run.asked.id, "requester", body)
    assert run.asked.state == "waiting"


def test_an_answer_counts_for_the_revision_that_was_read(house: House) -> None:
    """A stale revision is refused, beside the answer or in it, and so are two that differ."""
    run = house.begun("pay")
    asked = run.asked
    for body, revision in (
        ({"type": "approve"}, asked.revision + 1),
        ({"decision": "approve", "revision": asked.revision + 1}, None),
        ({"decision": "approve", "revision": asked.revision}, asked.revision + 1),
    ):
        with pytest.raises(DecisionRefused):
            run.engine.answer(asked.id, "bob", body, revision=revision)
    assert run.asked.state == "waiting"
    run.engine.answer(asked.id, "bob", {"decision": "approve", "revision": asked.revision}, revision=asked.revision)
    with pytest.raises(DecisionRefused, match="already approved"):
        run.engine.answer(asked.id, "carol", {"type": "approve"})


def test_an_answer_to_an_edited_action_is_none_to_its_successor(house: House) -> None:
    """The tool call and the interrupt of the old question are not those of the new one."""
    run = house.begun("pay")
    old = [sent(run, "ag-ui", "approve"), sent(run, "pydantic-ai", "approve")]
    run.engine.edit(run.asked.id, "carol", {"amount": 900})
    run.drive()
    for body in old:
        with pytest.raises(DecisionRefused, match="is still open"):
            run.engine.answer(run.asked.id, "bob", body)
    with pytest.raises(DecisionRefused, match="other arguments"):
        run.engine.answer(run.asked.id, "bob", sent(run, "agent-inbox", "approve the unchanged action"))
    assert (run.asked.request["arguments"]["amount"], house.effects) == (900, [])


def test_an_edit_is_checked_like_any_other(house: House) -> None:
    """An argument that does not exist or does not fit is refused, also where a client sends it."""
    run = house.begun("pay")
    for arguments in ({"amount": "much", "to": "anna"}, {"amount": 10, "to": "anna", "more": 1}, {"amount": 2**53}):
        with pytest.raises(DecisionRefused):
            run.engine.answer(run.asked.id, "bob", {"kind": "tool-approved", "override_args": arguments})
    assert (run.asked.state, house.effects) == ("waiting", [])


def test_a_doubt_is_answered(house: House) -> None:
    """Whether the action happened is taken as any client says it, and nothing is tried again."""
    run = house.begun("edged")
    house.home.mkdir(exist_ok=True)
    run.engine.answer(run.asked.id, "bob", {"decisions": [{"type": "approve"}]})
    house.trouble("lost")
    run.drive()
    assert run.asked.kind == "doubt"
    with pytest.raises(DecisionRefused):
        run.engine.answer(run.asked.id, "bob", {"type": "approve"})
    run.engine.answer(run.asked.id, "bob", {"type": "respond", "message": "happened"})
    run.drive()
    assert (house.effects, run.status) == (["ship 10 anna"], "done")


def test_a_form_is_answered(house: House) -> None:
    """A question without an action takes our own form and AG-UI's."""
    for body in ({"decision": "approve"}, [{"interruptId": "", "status": "resolved", "payload": {"approved": True}}]):
        run = house.begun("form", amount=500)
        given = [body[0] | {"interruptId": run.asked.id}] if isinstance(body, list) else body
        with pytest.raises(DecisionRefused):
            run.engine.answer(run.asked.id, "bob", {"decisions": [{"type": "approve"}]})
        run.engine.answer(run.asked.id, "bob", given)
        run.drive()
        assert run.status == "done"


@pytest.mark.parametrize("dialect", RECORDERS)
def test_through_the_raw_graph_no_dialect_decides_anything(house: House, dialect: str) -> None:
    """A resume has no identity, so it is only a wake-up: the question stays open whatever it carries."""
    run = house.begun("pay")
    graph = run.raw()
    [interrupt] = graph.get_state(run.config).tasks[0].interrupts
    for word in recorded(dialect)["answers"]:
        body = sent(run, dialect, word)
        for resume in (body, {interrupt.id: body}):
            attempt(lambda resume=resume: graph.invoke(Command(resume=resume), run.config))
    assert (house.effects, house.tries, run.asked.state) == ([], 0, "waiting")
    assert run.engine.services.approvals.votes(run.asked.id) == []
    [again] = graph.get_state(run.config).tasks[0].interrupts
    assert again.value["interlock"]["id"] == run.asked.id
    run.engine.answer(run.asked.id, "bob", {"type": "approve"})
    run.drive()
    assert house.effects == ["pay 10 anna"]


def test_an_answer_at_the_terminal(open_house: House) -> None:
    """`review show --dialect` prints what a client reads, `review answer` takes what it sends, by file or pipe."""
    run = open_house.begun("pay")
    asked = run.asked
    path = open_house.root / "answer.json"
    path.write_text('{"decisions": [{"type": "approve"}, {"type": "approve"}]}')
    commands = [
        ("review", "show", asked.id, "--dialect", "agent-inbox"),
        ("review", "answer", asked.id, "--as", "bob", "--file", str(path)),
    ]
    shown, refused = [ended(process) for process in [open_house.cli(*command) for command in commands]]
    assert shown.json["action_request"] == {"action": "shop.pay", "args": {"amount": 10, "to": "anna"}}, shown.err
    assert (refused.code, "2 entries, and there is one question" in refused.err) == (1, True), refused
    assert (f"{asked.id} is still open" in refused.err, run.asked.state) == (True, "waiting")

    command = [CONSOLE_SCRIPT, "review", "answer", asked.id, "--as", "bob", "--file", "-", "--json"]
    environment = {name: value for name, value in os.environ.items() if not name.startswith("INTERLOCK_")}
    accept = '[{"type": "accept", "args": null}]'
    taken = subprocess.run(command, cwd=open_house.root, env=environment, input=accept, capture_output=True, text=True)
    assert taken.returncode == 0, taken.stderr
    assert json.loads(taken.stdout.splitlines()[-1])["approval"]["answer"]["by"] == "bob"
    assert open_house.effects == ["pay 10 anna"]


def test_a_request_that_is_none_is_not_answered(house: House) -> None:
    """An answer to an id that nobody asked under says so."""
    with pytest.raises(InterlockError, match="there is no request ap-0"):
        house.engine().answer("ap-0", "bob", {"type": "approve"})
