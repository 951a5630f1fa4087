"""The tools of an MCP server as actions.

::

    mcp: notes
    server: {command: [python, notes_server.py], env: {NOTES_TOKEN: secret://notes_token}}
    tools:
      search: {effect: read}
      add: {effect: keyed, key_argument: request_id, risk: medium, title: "{text}"}
      wipe: {}                       # undeclared: something may change, nobody can look, high risk

Only the tools that stand here are actions, and only as they were pinned: with the name, description and schemas
that people looked at (`interlock tools pin notes`).
"""

from __future__ import annotations

import os
import sys
from collections.abc import Mapping
from pathlib import Path
from typing import TYPE_CHECKING, Any

from pydantic import Field

from interlock.digest import Json, digest
from interlock.errors import EffectFailed, EffectNotDone, ProjectError
from interlock.source import Document, Finding, validate
from interlock.tools.action import Action, ActionContext, Arguments, Result
from interlock.tools.connect.http import AnswerUnknown
from interlock.tools.connect.mcp import McpServer, Offer
from interlock.tools.connect.place import place_of
from interlock.tools.secret import NAME as SECRET
from interlock.tools.toolsets.declared import NAME, Declared, Fault, ToolFields, words
from interlock.tools.toolsets.lock import lock_file, read_lock
from interlock.tools.toolsets.schemas import Schema, Unfit, settled
from interlock.tools.toolsets.shapes import Reading, Shape, Slot, reading_of, shape_of

if TYPE_CHECKING:
    from mcp.types import CallToolResult

MOST_TEXT = 100_000
"""Characters of text that an answer without a declared form may have."""


class ServerFields(Declared):
    """How the server is reached: a program to start, or an address."""

    command: list[str] | None = Field(
        default=None,
        min_length=1,
        description="The program and its arguments; `python` is the one that runs Interlock.",
    )
    env: dict[str, str] = Field(
        default={}, description="Variables of the program; a value may be `secret://name`. It gets few others."
    )
    url: str | None = Field(default=None, description="Address of a server that speaks streamable HTTP.")
    private: bool = Field(default=False, description="Whether it stands on this machine or in a private network.")
    bearer: str | None = Field(
        default=None, pattern=f"^{SECRET.pattern}$", description="The token to send, as `secret://name`."
    )
    headers: dict[str, str] = Field(default={}, description="Headers to send; a value may be `secret://name`.")


class McpTool(ToolFields):
    """What is declared of one tool of the server."""

    tool: str | None = Field(default=None, min_length=1, description="The server's name for it, where that is another.")
    key_argument: str | None = Field(
        default=None, description="For `keyed`: the argument that carries the effect's key; nobody else fills it."
    )
    key_ttl: float | None = Field(
        default=None, gt=0, description="For `keyed`: seconds that the server remembers a key."
    )
    error_means: str = Field(
        default="unknown",
        pattern="^(not_done|unknown)$",
        description="Whether an error of the tool proves that nothing was done (`not_done`), or not (`unknown`).",
    )


class McpFields(Declared):
    """The tools of an MCP server."""

    mcp: str = Field(pattern=NAME, description="Family of the actions, and what the server is called here.")
    description: str = Field(default="", description="What the server is for.")
    server: ServerFields = Field(description="How the server is reached.")
    seconds: float = Field(default=30, gt=0, le=600, description="How long one call may take, its start included.")
    most: int = Field(default=1_000_000, ge=1000, le=50_000_000, description="Bytes that are read of one call.")
    tools: dict[str, McpTool] = Field(min_length=1, description="The tools that are actions, by their name here.")


def read(document: Document, path: Path) -> tuple[list[Action], list[Finding]]:
    """The actions of a file, and what is wrong with it."""
    fields, findings = validate(McpFields, document, "C")
    if fields is None or findings:
        return [], findings
    try:
        server = server_of(fields, path)
        pins = read_lock(lock_file(path), fields.mcp)
    except ProjectError as error:
        return [], [document.finding("C004", error.message.rstrip("."), ("mcp",), hint=_again(fields))]
    except Fault as fault:
        return [], [document.finding("C006", str(fault), fault.at)]
    if pins is None:
        message = f"nobody has looked at the tools of `{fields.mcp}` yet, so none of them is an action"
        return [], [document.finding("C004", message, ("mcp",), hint=f"look at them: interlock tools pin {fields.mcp}")]
    actions = []
    for name, tool in fields.tools.items():
        pin = pins.get(tool.tool or name)
        try:
            if pin is None:
                raise ProjectError(f"the server's tool `{tool.tool or name}` has not been pinned")
            actions.append(_action(name, tool, fields, server, pin))
        except ProjectError as error:
            findings.append(document.finding("C004", error.message, ("tools", name), key=True, hint=_again(fields)))
        except Unfit as fault:
            findings.append(document.finding("C005", f"`{name}`: {fault}", ("tools", name), key=True))
        except Fault as fault:
            findings.append(document.finding("C006", str(fault), ("tools", name, *fault.at)))
    return actions, findings


def _again(fields: McpFields) -> str:
    return f"pin what the server offers now: interlock tools pin {fields.mcp}"


def server_of(fields: McpFields, path: Path) -> McpServer:
    """The server that a file declares.

    Raises:
        Fault: it is declared in two ways, or in none.
        ProjectError: its address cannot be used.
    """
    declared = fields.server
    if (declared.command is None) == (declared.url is None):
        raise Fault("a server has either a `command` or a `url`", "server")
    for part, values in (("env", declared.env), ("headers", declared.headers)):
        for name, value in values.items():
            if value.startswith("secret:") and not SECRET.fullmatch(value):
                raise Fault("name a secret as secret://name", "server", part, name)
    common = {"name": fields.mcp, "seconds": fields.seconds, "most": fields.most}
    if declared.command is not None:
        if declared.bearer or declared.headers or declared.private:
            raise Fault("`bearer`, `headers` and `private` are for a server with a `url`", "server")
        first, *rest = declared.command
        command = (sys.executable if first == "python" else first, *rest)
        folder = Path(os.path.abspath(path.parent.parent))
        return McpServer(command=command, environment=dict(declared.env), folder=folder, **common)  # type: ignore[arg-type]
    if declared.env:
        raise Fault("`env` is for a server with a `command`", "server", "env")
    assert declared.url is not None
    place = place_of(declared.url, private=declared.private)
    return McpServer(place=place, headers=dict(declared.headers), bearer=declared.bearer, **common)  # type: ignore[arg-type]


def _action(name: str, tool: McpTool, fields: McpFields, server: McpServer, pin: Mapping[str, Any]) -> Action:
    at = f"its pin of `{pin['name']}`"
    taken = settled(pin["input"], pin["input"], "the arguments")
    if taken.get("type") != "object":
        raise Unfit("the arguments are no object")
    if tool.effect == "keyed" and tool.key_argument is None:
        raise Fault("a keyed effect needs `key_argument`, the argument that carries the key", "effect")
    if tool.effect != "keyed" and (tool.key_argument or tool.key_ttl):
        raise Fault("`key_argument` and `key_ttl` are for a keyed effect", "effect")
    properties = taken.get("properties", {})
    if tool.key_argument is not None and properties.get(tool.key_argument, {}).get("type") != "string":
        raise Fault(f"the tool takes no text `{tool.key_argument}`", "key_argument")
    about = tool.description or str(pin.get("description") or "").strip().partition("\n")[0]
    if not about:
        raise Fault("neither the server nor this file says what the tool does; add a `description`")
    settled({"description": about}, {}, at)
    needed = set(taken.get("required", []))
    shape = shape_of(
        f"{fields.mcp} {name}",
        [Slot(wire, part, wire in needed) for wire, part in properties.items() if wire != tool.key_argument],
    )
    reading = _reading(f"{fields.mcp} {name} answer", pin.get("output"))
    result = reading.model if reading is not None else Said
    return Action(
        name=f"{fields.mcp}.{name}",
        description=about,
        arguments=shape.model,
        result=result,
        run=_Call(server, tool, str(pin["name"]), str(pin["digest"]), shape, reading),
        declared_as=digest({"server": _identity(fields), "pin": str(pin["digest"]), "key": tool.key_argument}),
        **words(tool, shape.model, result, key_ttl=tool.key_ttl),
    )


def _identity(fields: McpFields) -> dict[str, Json]:
    """Which server it is: an approval holds for that one alone."""
    return {"command": list(fields.server.command or []), "url": fields.server.url}


class Said(Result):
    """What a tool without a declared form answered: text that anybody may have written."""

    text: str


def _reading(title: str, schema: Schema | None) -> Reading | None:
    return reading_of(title, settled(schema, schema, "the answer", sent=False)) if schema is not None else None


class _Call:
    """The call of one pinned tool."""

    def __init__(
        self, server: McpServer, tool: McpTool, name: str, pin: str, shape: Shape, reading: Reading | None
    ) -> None:
        self._server = server
        self._tool = tool
        self._name = name
        self._pin = pin
        self._shape = shape
        self._reading = reading

    def __call__(self, arguments: Arguments, context: ActionContext) -> Result:
        """Call the tool.

        Raises:
            EffectNotDone: nothing was called.
            EffectFailed: the tool is not what was pinned, or refused.
            AnswerUnknown: it was called, and what became of it is not known.
        """
        sent = self._shape.sent(arguments)
        if self._tool.key_argument is not None:
            sent[self._tool.key_argument] = context.key
        try:
            answer = self._server.call(context, self._name, self._pin, sent)
            return self._read(answer)
        except AnswerUnknown as error:
            if self._tool.effect == "read":
                raise EffectNotDone(str(error)) from None
            raise

    def _read(self, answer: CallToolResult) -> Result:
        text = _text(answer)
        if answer.isError:
            said = f"{self._server.name}.{self._name} answered with an error: {_short(text)}"
            if self._tool.effect == "read" or self._tool.error_means == "not_done":
                raise EffectFailed(f"{said}; it was not done.")
            raise AnswerUnknown(f"{said}; whether anything was done is not known.")
        try:
            if self._reading is not None:
                return self._reading.read(answer.structuredContent)
            if len(text) > MOST_TEXT:
                raise ValueError(f"it has {len(text):,} characters; at most {MOST_TEXT:,} are read")
            return Said(text=text)
        except ValueError as error:
            said = f"the answer of {self._server.name}.{self._name} is not as declared: {error}"
            if self._tool.effect == "read":
                raise EffectFailed(f"{said}.") from None
            raise AnswerUnknown(f"{said}; it was called all the same.") from None


def _text(answer: CallToolResult) -> str:
    """The texts of an answer; of anything else only that it was there."""
    parts = [getattr(part, "text", None) or f"[{part.type}, not read]" for part in answer.content]
    return "\n".join(parts)


def _short(text: str) -> str:
    return " ".join("".join(letter if letter.isprintable() else " " for letter in text[:1000]).split())[:200]


def offers(fields: McpFields, path: Path, context: ActionContext) -> dict[str, Offer]:
    """What the server offers now.

    Raises:
        EffectNotDone: it cannot be reached now.
        EffectFailed: it may not be reached.
        ProjectError: the file cannot be used.
    """
    try:
        return server_of(fields, path).offers(context)
    except Fault as fault:
        raise ProjectError(f"{path.name}: {fault}.") from None
