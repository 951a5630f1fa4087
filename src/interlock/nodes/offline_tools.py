"""Which bound tool a request names, and the arguments that literally stand in it."""

from __future__ import annotations

import re
from collections.abc import Mapping, Sequence
from typing import Any

from langchain_core.messages import ToolCall

from interlock.nodes.offline_extract import keywords, subject_of
from interlock.nodes.offline_text import Letter

_EMAIL = re.compile(r"[A-Za-z0-9._%+-]+@[A-Za-z0-9-]+(?:\.[A-Za-z0-9-]+)+")
_QUOTED = re.compile('["“]([^"“”]+)["”]')
_NUMBER = re.compile(r"(?<![\w.,-])[0-9]{1,12}(?:\.[0-9]+)?(?![\w])")
_NEVER = r"\b(?:not|never|without|don't|dont|do not)\s+(?:\w+\s+){0,2}"
_SAME_VERB = {"mail": "send", "email": "send", "pay": "transfer", "wire": "transfer", "book": "add", "schedule": "add",
              "find": "search", "look": "search", "cancel": "remove", "delete": "remove", "save": "draft"}  # fmt: skip


def call_of(
    request: str, letter: Letter | None, tools: Sequence[Any], blocks: Mapping[str, str] | None = None
) -> tuple[str, ToolCall | None]:
    """What to say, and the call of the tool whose verb stands in the request; None when there is none to make.

    An argument called like a tag of the prompt takes the line that stands in it (`<order>A-17</order>`).
    A required argument that stands nowhere is never made up: then the text says what is missing.
    """
    functions = [tool.get("function", tool) for tool in tools if isinstance(tool, Mapping)]
    ranked = sorted(
        ((_fit(request, function), at) for at, function in enumerate(functions)), key=lambda f: (-f[0], f[1])
    )
    if not ranked or ranked[0][0] < 2:
        return "I am an offline model of rules, and none of the tools is named in the request.", None
    function = functions[ranked[0][1]]
    parameters = function.get("parameters", {})
    arguments = _arguments(request, letter, parameters.get("properties", {}), blocks or {})
    missing = [name for name in parameters.get("required", []) if name not in arguments]
    if missing:
        return f"I would call {function['name']}, but the request does not say: {', '.join(missing)}.", None
    return "", ToolCall(name=function["name"], args=arguments, id="call-1", type="tool_call")


def _fit(request: str, function: Mapping[str, Any]) -> float:
    """2 and more when the tool's verb is asked for; its subject area and description decide between equals."""
    wanted = re.sub(rf"{_NEVER}\w+", " ", request.lower())
    words = {_SAME_VERB.get(word, word) for word in re.findall(r"[a-z]+", wanted)} | set(re.findall(r"[a-z]+", wanted))
    *area, verb = re.findall(r"[a-z]+", str(function.get("name", "")).lower()) or [""]
    shared = keywords(str(function.get("description", ""))) & keywords(wanted)
    return 2.0 * (verb in words) + 0.5 * bool(words & set(area)) + 0.1 * len(shared)


def _arguments(
    request: str, letter: Letter | None, properties: Mapping[str, Any], blocks: Mapping[str, str]
) -> dict[str, Any]:
    quoted = _QUOTED.findall(request)
    found: dict[str, Any] = {}
    for name, schema in properties.items():
        kinds = [schema, *schema.get("anyOf", [])]
        formats = {kind.get("format") for kind in kinds}
        types = {kind.get("type") for kind in kinds}
        options = [option for kind in kinds for option in kind.get("enum", [])]
        value: Any = None
        if "email" in formats:
            value = next(iter(_EMAIL.findall(request)), None)
        elif options:
            value = next((o for o in options if re.search(rf"\b{re.escape(str(o))}\b", request, re.IGNORECASE)), None)
        elif types & {"number", "integer"}:
            number = _NUMBER.search(request)
            value = None if number is None else float(number[0]) if "." in number[0] else int(number[0])
        elif "string" in types and name in blocks and "\n" not in blocks[name]:
            value = blocks[name]
        elif "string" in types and "subject" in name and letter:
            value = subject_of(letter)
        elif "string" in types and name in ("body", "text", "message", "content") and letter:
            value = letter.text()
        elif "string" in types and not formats & {"date", "time", "date-time", "uri"} and quoted:
            value = quoted.pop(0)
        if value is not None:
            found[name] = value
    return found
