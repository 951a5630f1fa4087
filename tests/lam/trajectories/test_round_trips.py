"""What is written is read back the same, and other formats keep what they can hold."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from interlock.errors import InputError
from interlock.lam.protocol import Evidence, Observation
from interlock.lam.trajectories.exporting import export_rows
from interlock.lam.trajectories.files import document_of, read_trajectories, write_lines
from interlock.lam.trajectories.importing import Source, import_rows
from interlock.lam.trajectories.redaction import REDACTED, redact
from interlock.lam.trajectories.trajectory import FunctionCall, Lam, Message, ToolCall, Trajectory
from tests.lam.trajectories.strategies import trajectories

several = settings(max_examples=60, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture])


@several
@given(st.lists(trajectories(), max_size=3, unique_by=lambda each: each.unique_trajectory_id))
def test_a_written_trajectory_is_read_back_the_same(tmp_path: Path, found: list[Trajectory]) -> None:
    """Our own reader and the importer of the unified format give back exactly what was written."""
    path = tmp_path / "all.jsonl"
    assert write_lines((document_of(each) for each in found), path) == len(found)
    assert list(read_trajectories(path)) == found
    again = [
        each.model_copy(update={"licence": before.licence, "source": before.source})
        for each, before in zip(import_rows(Source(path), "unified"), found, strict=True)
    ]
    assert again == found


@several
@given(trajectories())
def test_messages_keep_their_calls_over_the_openai_format(tmp_path: Path, trajectory: Trajectory) -> None:
    """What was learnt from comes back with the same names and arguments, edits in the place of proposals."""
    rows = list(export_rows([trajectory], "openai"))
    assert len(rows) <= 1
    for row in rows:
        path = tmp_path / "rows.jsonl"
        write_lines(rows, path)
        (read,) = import_rows(Source(path), "openai")
        steps = [message for message in trajectory.conversation if message.role == "assistant"]
        told = [message for message in read.conversation if message.role == "assistant"]
        for before, after in zip(steps, told, strict=False):
            assert after.calls == before.right_calls
        made = {call.id for message in told for call in message.tool_calls}
        assert {message["tool_call_id"] for message in row["messages"] if "tool_call_id" in message} <= made
        assert [tool.name for tool in read.tools] == [tool.name for tool in trajectory.tools]
        assert all(
            isinstance(c["function"]["arguments"], str) for m in row["messages"] for c in m.get("tool_calls", [])
        )


@several
@given(trajectories())
def test_what_a_person_refused_is_never_a_target(trajectory: Trajectory) -> None:
    """No row has a rejected or failed step as its target; an edit is the target in place of the proposal."""
    for row in export_rows([trajectory], "actionstudio"):
        place = int(row["id"].rsplit("---", 1)[1]) - 1
        message = trajectory.conversation[place]
        assert message.verdict not in ("rejected", "executed_error")
        calls = [{"name": call.name, "arguments": call.arguments} for call in message.right_calls]
        if calls:
            assert json.loads(row["chosen"]) == json.loads(json.dumps(calls))
        assert ("reject" in row) == (message.verdict == "edited")
        asked = [message for message in row["messages"] if message["role"] == "assistant"]
        before = [each for each in trajectory.conversation[:place] if each.role == "assistant"]
        assert len(asked) == len(before)
    for row in export_rows([trajectory], "dpo"):
        message = trajectory.conversation[int(row["id"].rsplit("---", 1)[1]) - 1]
        assert message.verdict in ("edited", "rejected")
        assert row["chosen"] != row["rejected"]


XLAM = {
    "id": 7,
    "query": "Where can I find live giveaways for beta access and games?",
    "tools": json.dumps(
        [
            {
                "name": "live_giveaways_by_type",
                "description": "Retrieve live giveaways.",
                "parameters": {
                    "type": {"description": "The type of giveaways.", "type": "str", "default": "game"},
                    "tags": {"description": "Tags.", "type": "List[str], optional"},
                    "count": {"description": "How many.", "type": "int"},
                },
            }
        ]
    ),
    "answers": json.dumps([{"name": "live_giveaways_by_type", "arguments": {"type": "beta"}}]),
}


def write(path: Path, *rows: Any) -> Path:
    path.write_text(
        "".join((row if isinstance(row, str) else json.dumps(row)) + "\n" for row in rows), encoding="utf-8"
    )
    return path


def test_xlam_rows_hold_their_tools_and_answers_as_texts(tmp_path: Path) -> None:
    """Bare parameters become a JSON Schema: `List[str], optional` an array that may be left out."""
    (found,) = import_rows(Source(write(tmp_path / "x.jsonl", XLAM), "CC-BY-4.0"), "xlam")
    assert found.unique_trajectory_id == "xlam-7"
    assert found.licence == "CC-BY-4.0"
    parameters = found.tools[0].parameters
    assert parameters["required"] == ["count"]
    assert {name: part["type"] for name, part in parameters["properties"].items()} == {
        "type": "string", "tags": "array", "count": "integer",
    }  # fmt: skip
    assert found.conversation[1].calls == [FunctionCall(name="live_giveaways_by_type", arguments={"type": "beta"})]


def test_a_json_list_of_rows_is_read_too(tmp_path: Path) -> None:
    """ActionStudio's files are one list; its rows are counted in errors."""
    row = {
        "unique_trajectory_id": "t1",
        "task_instruction": "Help.",
        "few_shot_examples": [],
        "tools": [{"name": "go", "description": "Go."}],
        "conversation": [
            {"role": "user", "content": "Go to Bonn."},
            {
                "role": "assistant",
                "content": None,
                "tool_calls": [{"function": {"name": "go", "arguments": {"to": "Bonn"}}}],
            },
            {"role": "tool", "content": {"ok": True}, "name": "go"},
        ],
    }
    path = tmp_path / "train.json"
    path.write_text(json.dumps([row, row | {"unique_trajectory_id": "t2"}], indent=1), encoding="utf-8")
    found = list(import_rows(Source(path), "unified"))
    assert [each.unique_trajectory_id for each in found] == ["t1", "t2"]
    assert found[0].conversation[1].calls == [FunctionCall(name="go", arguments={"to": "Bonn"})]
    assert found[0].conversation[2].content == '{"ok": true}'
    path.write_text(json.dumps([row, row]), encoding="utf-8")
    with pytest.raises(InputError, match="row 2: the id t1 is there twice"):
        list(import_rows(Source(path), "unified"))


def test_bfcl_rows_come_with_the_first_accepted_values(tmp_path: Path) -> None:
    """Arguments that may be left out are left out; objects are made of their parts; no answers mean no call."""
    function = {"name": "f", "description": "F.", "parameters": {"type": "dict", "properties": {"a": {"type": "dict"}}}}
    row = {"id": "r0", "question": [[{"role": "user", "content": "Do."}]], "function": [function]}
    path = write(tmp_path / "simple.jsonl", row)
    write(
        tmp_path / "simple.answers.jsonl",
        {"id": "r0", "ground_truth": [{"f": {"a": [{"x": [1, 2], "y": ["", 3]}], "b": ["", "z"], "c": [[4, 5]]}}]},
    )
    (found,) = import_rows(Source(path), "bfcl")
    assert found.conversation[-1].calls == [FunctionCall(name="f", arguments={"a": {"x": 1}, "c": [4, 5]})]
    (found,) = import_rows(Source(write(tmp_path / "irrelevance.jsonl", row)), "bfcl")
    assert found.conversation[-1].calls == []


@pytest.mark.parametrize(
    ("form", "row", "message"),
    [
        ("unified", "{", "line 2: not JSON"),
        ("unified", {"conversation": []}, 'line 2: the row needs a text under "unique_trajectory_id"'),
        ("unified", {"unique_trajectory_id": "a"}, 'line 2: "conversation" must be a list of messages'),
        (
            "unified",
            {"unique_trajectory_id": "a", "conversation": [{"role": "judge"}]},
            "line 2: conversation.0.role: Input should be",
        ),
        (
            "unified",
            {"unique_trajectory_id": "a", "conversation": [{"role": "user", "verdict": "approved"}]},
            "line 2: conversation.0: Value error, only a message of the assistant",
        ),
        ("xlam", {"query": "x", "tools": "[", "answers": "[]"}, 'line 2: "tools" is a text that is not JSON'),
        ("xlam", {"query": "x", "tools": "[]", "answers": "{}"}, 'line 2: "answers" must be a list of calls'),
        ("xlam", {"tools": "[]", "answers": "[]"}, 'line 2: the row needs a text under "query"'),
        ("openai", {"messages": [{"role": "assistant", "tool_calls": [{"function": {"name": "f", "arguments": "x"}}]}]},
         'line 2: "arguments" is a text that is not JSON'),
        ("openai", {"messages": [{"role": "assistant", "tool_calls": [3]}]}, "line 2: a call is an object"),
        ("openai", {"messages": [{"role": "user", "content": 3}]}, 'line 2: "content" is neither'),
    ],
)  # fmt: skip
def test_a_malformed_row_is_named_by_file_and_line(tmp_path: Path, form: str, row: Any, message: str) -> None:
    """The error tells file, line and what is wrong there."""
    first = {
        "unified": {"unique_trajectory_id": "ok", "conversation": [{"role": "user", "content": "x"}]},
        "xlam": XLAM,
        "openai": {"messages": [{"role": "user", "content": "x"}]},
    }[form]
    with pytest.raises(InputError) as caught:
        list(import_rows(Source(write(tmp_path / "rows.jsonl", first, row)), form))
    assert "rows.jsonl" in caught.value.message
    assert message in caught.value.message


def step(**fields: Any) -> Message:
    return Message.model_validate({"role": "assistant"} | fields)


PROPOSAL = FunctionCall(name="pay", arguments={"payee": "Acme", "card": "4111-2222"})
EDIT = FunctionCall(name="pay", arguments={"payee": "Acme Ltd", "card": "4111-2222"})


def paid(**fields: Any) -> Trajectory:
    text = "Pay Acme with 4111-2222."
    evidence = {
        "payee": Evidence(source="request", start=4, end=8, text="Acme", normaliser="verbatim"),
        "card": Evidence(source="request", start=14, end=23, text="4111-2222", normaliser="verbatim"),
    }
    lam = Lam(
        backend="spans", model_id="m", decision="act", confidence=0.9, evidence=evidence,
        observation=Observation(sources={"request": text, "draft": "Dear Acme"}),
    )  # fmt: skip
    return Trajectory(
        unique_trajectory_id="t",
        task_instruction="Pay bills.",
        conversation=[
            Message(role="user", content=text),
            step(tool_calls=[ToolCall(id="c1", function=PROPOSAL)], lam=lam, **fields),
            Message(role="tool", content='{"paid": true}', tool_call_id="c1"),
        ],
    )


def test_a_redacted_field_stands_nowhere_any_more() -> None:
    """It is gone from calls, edits, evidence, observation and every text, and it is written down what was taken out."""
    before = paid(verdict="edited", edited_action=EDIT)
    after = redact(before, ["card"])
    assert "4111-2222" not in after.model_dump_json()
    assert after.conversation[1].calls[0].arguments == {"payee": "Acme", "card": REDACTED}
    assert after.conversation[1].edited_action == FunctionCall(
        name="pay", arguments={"payee": "Acme Ltd", "card": REDACTED}
    )
    assert after.redaction is not None
    assert after.redaction.fields == ["card"]
    assert after.redaction.values == 4
    assert redact(before, []) is before
    assert redact(after, ["card"]).conversation == after.conversation


@several
@given(trajectories(), st.text("abcdefghijklmnop0123456789", min_size=6, max_size=12))
def test_no_redacted_value_is_left_in_any_trajectory(trajectory: Trajectory, secret: str) -> None:
    """Whatever else a trajectory holds, the value of the field is in no text of it."""
    call = ToolCall(id="s", function=FunctionCall(name="x", arguments={"deep": [{"secret_field": secret}]}))
    told = [Message(role="user", content=f"It is {secret}."), step(tool_calls=[call], content=f"<{secret}>")]
    whole = trajectory.model_copy(update={"conversation": [*trajectory.conversation, *told]})
    after = redact(whole, ["secret_field"])
    assert secret not in json.dumps([m.model_dump(mode="json") for m in after.conversation[-2:]])
    assert len(after.conversation) == len(whole.conversation)


def test_an_edit_makes_a_pair_and_a_rejection_a_pair_against_no_call() -> None:
    """DPO: the edit against the proposal; no call against one that was rejected; nothing else is a pair."""
    (row,) = export_rows([paid(verdict="edited", edited_action=EDIT)], "dpo")
    assert json.loads(row["chosen"][0]["content"])[0]["arguments"]["payee"] == "Acme Ltd"
    assert json.loads(row["rejected"][0]["content"])[0]["arguments"]["payee"] == "Acme"
    assert row["prompt"][0] == {"role": "system", "content": "Pay bills."}
    (row,) = export_rows([paid(verdict="rejected")], "dpo")
    assert row["chosen"][0]["content"] == "[]"
    for verdict in ("approved", "executed_ok", "executed_error"):
        assert list(export_rows([paid(verdict=verdict)], "dpo")) == []


def test_calls_that_the_graph_bound_are_context_and_no_targets() -> None:
    """Only what a model chose is learnt from."""
    made = step(
        tool_calls=[ToolCall(id="c1", function=PROPOSAL)], lam=Lam(backend="graph", model_id="", decision="act"),
        verdict="executed_ok",
    )  # fmt: skip
    trajectory = paid().model_copy(update={"conversation": [Message(role="user", content="Pay."), made]})
    assert list(export_rows([trajectory], "actionstudio")) == []
    assert list(export_rows([trajectory], "openai")) == []
