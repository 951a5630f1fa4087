"""Rows of public formats as trajectories: ActionStudio's unified 2.0, xLAM function calling, OpenAI messages, BFCL."""

from __future__ import annotations

import json
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from interlock.errors import InputError, UsageError
from interlock.lam.functions import read_functions, standard_schema
from interlock.lam.jsonl import read_objects, text_in
from interlock.lam.measures.bfcl import ANSWERS, read_gold
from interlock.lam.measures.cases import GoldCall
from interlock.lam.protocol import ActionSchema
from interlock.lam.trajectories.files import read_documents, trajectory_of
from interlock.lam.trajectories.trajectory import Trajectory

_OURS = ("lam", "verdict", "edited_action")


@dataclass(frozen=True)
class Source:
    """A file of rows, and what is true of all of them."""

    path: Path
    licence: str | None = None
    answers: Path | None = None
    """For BFCL: the file of right calls; beside the rows if omitted."""


def import_rows(source: Source, form: str) -> Iterator[Trajectory]:
    """The rows of a file as trajectories.

    Raises:
        UsageError: there is no such file or format.
        InputError: a row is malformed; the message names file and line.
    """
    if form not in FORMS:
        raise UsageError(f"--format is one of {', '.join(FORMS)}, not {form!r}.")
    yield from FORMS[form](source)


def _rows(source: Source, form: str, read: Callable[[dict[str, Any], str], dict[str, Any]]) -> Iterator[Trajectory]:
    seen: set[str] = set()
    for number, (where, row) in enumerate(read_documents(source.path), 1):
        document = {"licence": source.licence, "source": form, **read(row, where)}
        document.setdefault("unique_trajectory_id", f"{source.path.stem}-{number}")
        trajectory = trajectory_of(document, where)
        if trajectory.unique_trajectory_id in seen:
            raise InputError(f"{where}: the id {trajectory.unique_trajectory_id} is there twice.")
        seen.add(trajectory.unique_trajectory_id)
        yield trajectory


def _decoded(value: Any, name: str, where: str) -> Any:
    """A value that may be JSON in a text."""
    if not isinstance(value, str):
        return value
    try:
        return json.loads(value)
    except (json.JSONDecodeError, RecursionError) as error:
        raise InputError(f'{where}: "{name}" is a text that is not JSON ({error}).') from error


def _tools(value: Any, where: str) -> list[dict[str, Any]]:
    tools = _decoded(value, "tools", where)
    return [tool.model_dump() for tool in read_functions([] if tools is None else tools, where)]


def _call(value: Any, where: str) -> dict[str, Any]:
    """A call as `{"name", "arguments"}`, whichever of the common ways it is written in."""
    if isinstance(value, dict) and isinstance(value.get("function"), dict):
        value = value["function"]
    if not isinstance(value, dict) or not isinstance(value.get("name"), str):
        raise InputError(f"{where}: a call is an object with a name and arguments.")
    arguments = _decoded(value.get("arguments", {}), "arguments", where)
    if not isinstance(arguments, dict):
        raise InputError(f"{where}: the arguments of {value['name']} are no object.")
    return {"name": value["name"], "arguments": arguments}


def _content(value: Any, where: str) -> str:
    if value is None or isinstance(value, str):
        return value or ""
    if isinstance(value, list):  # parts of a message; what is no text is left out
        return "\n".join(str(part["text"]) for part in value if isinstance(part, dict) and "text" in part)
    if isinstance(value, dict):  # a tool's answer that was left as an object
        return json.dumps(value, ensure_ascii=False)
    raise InputError(f'{where}: "content" is neither a text nor a list of parts.')


def _messages(value: Any, name: str, where: str) -> list[dict[str, Any]]:
    if not isinstance(value, list) or not value or not all(isinstance(message, dict) for message in value):
        raise InputError(f'{where}: "{name}" must be a list of messages.')
    known: set[Any] = set()
    found = []
    for message in value:
        role = {"human": "user", "gpt": "assistant", "function": "tool"}.get(message.get("role"), message.get("role"))
        made: dict[str, Any] = {"role": role, "content": _content(message.get("content"), where)}
        calls = message.get("tool_calls") or ([message["function_call"]] if message.get("function_call") else [])
        if not isinstance(calls, list):
            raise InputError(f'{where}: "tool_calls" must be a list.')
        if calls:
            made["tool_calls"] = [
                {"id": call.get("id") if isinstance(call, dict) else None, "function": _call(call, where)}
                for call in calls
            ]
            known |= {call["id"] for call in made["tool_calls"]}
        answered = message.get("tool_call_id")
        if role == "tool" and answered in known:
            made["tool_call_id"] = answered
        if isinstance(message.get("name"), str):
            made["name"] = message["name"]
        found.append(made | {key: message[key] for key in _OURS if message.get(key) is not None})
    return found


# -- the formats ----------------------------------------------------------------------------------------


def _unified(row: dict[str, Any], where: str) -> dict[str, Any]:
    """ActionStudio's unified 2.0, and our own superset of it."""
    made: dict[str, Any] = {
        "unique_trajectory_id": text_in(row, "unique_trajectory_id", where),
        "task_instruction": str(row.get("task_instruction") or ""),
        "tools": _tools(row.get("tools"), where),
        "conversation": _messages(row.get("conversation"), "conversation", where),
    }
    return made | {k: row[k] for k in ("split", "licence", "source", "redaction") if row.get(k) is not None}


def _xlam(row: dict[str, Any], where: str) -> dict[str, Any]:
    """xLAM function calling: `query`, and `tools` and `answers` as JSON in texts."""
    answers = _decoded(row.get("answers"), "answers", where)
    if not isinstance(answers, list):
        raise InputError(f'{where}: "answers" must be a list of calls.')
    tools = _decoded(row.get("tools"), "tools", where)
    if isinstance(tools, list):
        tools = [_xlam_tool(tool) for tool in tools]
    conversation: list[dict[str, Any]] = [{"role": "user", "content": text_in(row, "query", where)}]
    calls = [{"id": f"call-{number}", "function": _call(call, where)} for number, call in enumerate(answers, 1)]
    conversation.append({"role": "assistant", "tool_calls": calls})
    made = {"tools": _tools(tools, where), "conversation": conversation}
    return made | ({"unique_trajectory_id": f"xlam-{row['id']}"} if row.get("id") is not None else {})


def _xlam_tool(tool: Any) -> Any:
    """Its parameters stand without a schema around them: `{argument: {type, description, default}}`."""
    if not isinstance(tool, dict) or not isinstance(tool.get("parameters"), dict):
        return tool
    parameters = tool["parameters"]
    if isinstance(parameters.get("properties"), dict) or not all(isinstance(p, dict) for p in parameters.values()):
        return tool
    optional = {
        name for name, p in parameters.items() if "default" in p or "optional" in str(p.get("type", "")).lower()
    }
    properties = {name: standard_schema(p | {"type": _xlam_type(p.get("type"))}) for name, p in parameters.items()}
    required = [name for name in parameters if name not in optional]
    return tool | {"parameters": {"type": "object", "properties": properties, "required": required}}


def _xlam_type(written: Any) -> str:
    """`str, optional` and `List[int]` without what JSON Schema does not know."""
    plain = str(written or "any").split(",")[0].strip().lower()
    return "array" if plain.startswith(("list", "tuple", "set")) else "object" if plain.startswith("dict") else plain


def _openai(row: dict[str, Any], where: str) -> dict[str, Any]:
    """Messages with tool calls, as chat APIs take them and as they are given for fine-tuning."""
    made = {
        "tools": _tools(row.get("tools") or row.get("functions"), where),
        "conversation": _messages(row.get("messages"), "messages", where),
    }
    return made | ({"unique_trajectory_id": str(row["id"])} if row.get("id") is not None else {})


def _bfcl(source: Source) -> Iterator[Trajectory]:
    """BFCL rows with their right calls; without any the assistant makes none."""
    beside = source.path.with_name(source.path.name.removesuffix(".jsonl") + ANSWERS)
    path = source.answers or (beside if beside.is_file() else None)
    answers = {}
    if path is not None:
        answers = {text_in(row, "id", where): (where, row.get("ground_truth")) for where, row in read_objects(path)}

    def read(row: dict[str, Any], where: str) -> dict[str, Any]:
        id = text_in(row, "id", where)
        space = read_functions(row.get("function"), where)
        turns = row.get("question")
        if not isinstance(turns, list) or not all(isinstance(turn, list) for turn in turns):
            raise InputError(f'{where}: "question" must be a list of turns.')
        conversation = _messages([message for turn in turns for message in turn], "question", where)
        gold: tuple[GoldCall, ...] = ()
        if path is not None:
            if id not in answers:
                raise InputError(f"{where}: {path} has no answer for {id}.")
            gold = read_gold(answers[id][1], answers[id][0], space)
        calls = [
            {"id": f"call-{number}", "function": {"name": call.name, "arguments": _first_accepted(call)}}
            for number, call in enumerate(gold, 1)
        ]
        conversation.append({"role": "assistant", "tool_calls": calls})
        return {"unique_trajectory_id": id, "tools": _dumped(space), "conversation": conversation}

    yield from _rows(source, "bfcl", read)


def _dumped(space: list[ActionSchema]) -> list[dict[str, Any]]:
    return [schema.model_dump() for schema in space]


def _first_accepted(call: GoldCall) -> dict[str, Any]:
    """The first accepted value of each argument that may not be left out."""
    return {name: _plain(values[0]) for name, values in call.arguments.items() if "" not in values and values}


def _plain(value: Any) -> Any:
    """An accepted value as an argument; in an accepted object each key holds a list of accepted values."""
    if isinstance(value, list):
        return [_plain(part) for part in value]
    if not isinstance(value, dict):
        return value
    return {
        key: _plain(part[0]) if isinstance(part, list) else part
        for key, part in value.items()
        if not isinstance(part, list) or (part and "" not in part)
    }


FORMS: dict[str, Callable[[Source], Iterator[Trajectory]]] = {
    "unified": lambda source: _rows(source, "unified", _unified),
    "xlam": lambda source: _rows(source, "xlam", _xlam),
    "openai": lambda source: _rows(source, "openai", _openai),
    "bfcl": _bfcl,
}
"""The formats that can be read."""
