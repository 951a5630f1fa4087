"""Trajectories as rows that other programs train on: ActionStudio, OpenAI fine-tuning, preference pairs (DPO).

A step becomes a target by what was said of it.  approved or executed_ok: its calls.  edited: the edit.  rejected,
executed_error, or nothing said of what a model of ours chose: no target.  What was proposed and then edited or
rejected is the worse half of a pair.
"""

from __future__ import annotations

import json
from collections.abc import Callable, Iterable, Iterator, Sequence
from typing import Any

from interlock.lam.protocol import ActionSchema
from interlock.lam.trajectories.files import document_of
from interlock.lam.trajectories.trajectory import FunctionCall, Message, Trajectory

NO_CALL = "None of these tools fits."
"""What an assistant that makes no call says where it has to say something."""

Rows = Iterator[dict[str, Any]]


def export_rows(trajectories: Iterable[Trajectory], form: str) -> Rows:
    """The rows of all trajectories in a format of `FORMS`."""
    for trajectory in trajectories:
        yield from FORMS[form](trajectory)


def is_positive(message: Message) -> bool:
    """Whether a step may be learnt from as it stands, or as it was edited.

    A step of public data is right as it is.  One that a model of ours made is right once somebody or its success
    said so: while it is open, or was denied by a rule, nobody knows.
    """
    if message.verdict is None:
        return message.lam is None
    return message.verdict in ("approved", "edited", "executed_ok")


def _unified(trajectory: Trajectory) -> Rows:
    yield document_of(trajectory)


# -- messages as others write them ------------------------------------------------------------------------


def _plain_call(call: FunctionCall) -> dict[str, Any]:
    return {"name": call.name, "arguments": call.arguments}


def _message(message: Message, *, texts: bool) -> dict[str, Any]:
    """A message without what is ours, its calls corrected.

    Args:
        texts: whether arguments are JSON in a text, as chat APIs have them.
    """
    made: dict[str, Any] = {"role": message.role, "content": message.content}
    calls = message.right_calls
    if message.role == "assistant" and calls:
        ids = [call.id for call in message.tool_calls]
        made["tool_calls"] = []
        for number, call in enumerate(calls):
            arguments: Any = json.dumps(call.arguments, ensure_ascii=False) if texts else call.arguments
            known = ids[number] if number < len(ids) else None
            entry: dict[str, Any] = {"type": "function", "function": {"name": call.name, "arguments": arguments}}
            made["tool_calls"].append({"id": known or f"call-{number + 1}", **entry} if known or texts else entry)
    if message.role == "assistant" and texts and not calls and not message.content:
        made["content"] = NO_CALL  # chat APIs take no message without words or calls
    if message.tool_call_id is not None:
        made["tool_call_id"] = message.tool_call_id
    if message.name is not None:
        made["name"] = message.name
    return made


def _history(trajectory: Trajectory, place: int, *, texts: bool) -> list[dict[str, Any]]:
    """What stood before a step, the task's instruction first."""
    system = [{"role": "system", "content": trajectory.task_instruction}] if trajectory.task_instruction else []
    return system + _told(trajectory.conversation[:place], texts=texts)


def _told(conversation: Sequence[Message], *, texts: bool) -> list[dict[str, Any]]:
    """Messages without answers to calls that an edit took away."""
    made: list[dict[str, Any]] = []
    known: set[str] = set()
    for message in conversation:
        if message.tool_call_id is not None and message.tool_call_id not in known:
            continue
        made.append(_message(message, texts=texts))
        known |= {call["id"] for call in made[-1].get("tool_calls", []) if "id" in call}
    return made


def _tool(schema: ActionSchema) -> dict[str, Any]:
    return {"type": "function", "function": schema.model_dump()}


def _said(calls: list[FunctionCall], content: str) -> str:
    """An answer as text: a JSON list of calls, or the words where there is none."""
    return json.dumps([_plain_call(call) for call in calls], ensure_ascii=False) if calls else content or "[]"


# -- the formats ----------------------------------------------------------------------------------------


def _actionstudio(trajectory: Trajectory) -> Rows:
    """A row for each step that may be learnt from: `{id, messages, tools, chosen, reject, output_message}`.

    `chosen` and `reject` are JSON lists of calls in a text; `reject` is there where an edit replaced a proposal.
    """
    for place, message in trajectory.steps():
        if not is_positive(message):
            continue
        row: dict[str, Any] = {
            "id": f"{trajectory.unique_trajectory_id}---{place + 1}",
            "messages": _history(trajectory, place, texts=False),
            "tools": [schema.model_dump() for schema in trajectory.offered(message)],
            "chosen": _said(message.right_calls, message.content),
        }
        if message.edited_action is not None:
            row["reject"] = _said(message.calls, message.content)
        yield row | {"output_message": _message(message, texts=False)}


def _openai(trajectory: Trajectory) -> Rows:
    """One row `{messages, tools}`; of a trajectory with a step that may not be learnt from, what stands before it."""
    system = [{"role": "system", "content": trajectory.task_instruction}] if trajectory.task_instruction else []
    kept = 0
    for place, message in enumerate(trajectory.conversation):
        if message.chosen_by_model:
            if not is_positive(message):
                break
            kept = place + 1
    while 0 < kept < len(trajectory.conversation) and trajectory.conversation[kept].role == "tool":
        kept += 1
    if kept:
        messages = _told(trajectory.conversation[:kept], texts=True)
        yield {"messages": [*system, *messages], "tools": [_tool(schema) for schema in trajectory.tools]}


def _dpo(trajectory: Trajectory) -> Rows:
    """A pair for each step whose right call is known beside a wrong one: `{prompt, chosen, rejected, tools}`.

    edited: the edit against the proposal.  rejected without an edit: no call against the proposal.
    """
    for place, message in trajectory.steps():
        if message.verdict == "edited" and message.calls:
            better = [_plain_call(call) for call in message.right_calls]
        elif message.verdict == "rejected" and message.calls:
            better = []
        else:
            continue
        worse = [_plain_call(call) for call in message.calls]
        if better != worse:
            yield {
                "id": f"{trajectory.unique_trajectory_id}---{place + 1}",
                "prompt": _history(trajectory, place, texts=True),
                "chosen": [{"role": "assistant", "content": json.dumps(better, ensure_ascii=False)}],
                "rejected": [{"role": "assistant", "content": json.dumps(worse, ensure_ascii=False)}],
                "tools": [_tool(schema) for schema in trajectory.offered(message)],
            }


FORMS: dict[str, Callable[[Trajectory], Rows]] = {
    "unified": _unified,
    "actionstudio": _actionstudio,
    "openai": _openai,
    "dpo": _dpo,
}
"""The formats that can be written."""
