"""The dialects of models that call functions: what they are told, and how they write their calls.

| dialect   | prompt                                       | calls                             | no call           |
|-----------|----------------------------------------------|-----------------------------------|-------------------|
| `xlam-1`  | one user turn of four blocks                 | `{"tool_calls": [CALL, CALL]}`    | the list is empty |
| `xlam-2`  | the folder's chat template with `tools=`     | `[CALL, CALL]`                    | any other text    |
| `hermes`  | the folder's chat template with `tools=`     | `<tool_call>` CALL `</tool_call>` | any other text    |
| `generic` | one user turn, in its chat template if any   | `[CALL, CALL]`                    | `[]`              |

CALL is `{"name": NAME, "arguments": {…}}` everywhere.  This module needs neither torch nor a model.
"""

from __future__ import annotations

import json
from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any, Literal

from interlock.errors import ModelError
from interlock.lam.endpoint.forms import Unreadable, Written, read_calls
from interlock.lam.protocol import ActionSchema

Prompt = Literal["blocks", "tools", "told"]
"""How the actions are told: in xLAM's blocks, by the chat template, or in the words of the user turn."""


@dataclass(frozen=True)
class Dialect:
    """How calls are written: `opening` CALL `between` CALL `closing`."""

    name: str
    prompt: Prompt
    opening: str
    between: str
    closing: str
    nothing: str
    """What says that none of the actions fits."""
    prose: bool = False
    """Whether every text that opens no call says so too."""

    def write(self, calls: Sequence[tuple[str, dict[str, Any]]]) -> str:
        """Calls as the model writes them."""
        if not calls:
            return self.nothing
        written = [f'{{"name": {dumps(name)}, "arguments": {dumps(arguments)}}}' for name, arguments in calls]
        return self.opening + self.between.join(written) + self.closing

    def read(self, text: str) -> list[Written]:
        """The calls of an answer; none when it says that no action fits.

        Raises:
            ModelError: it begins like calls, but is no list of them, or is no answer of this dialect.
        """
        if text.strip() == self.nothing.strip():
            return []
        if not self.prose and not text.lstrip().startswith(self.opening[:1]):
            raise ModelError(f"the model wrote neither calls nor {self.nothing}.")
        try:
            return read_calls(text)
        except Unreadable as fault:
            raise ModelError(f"the model wrote calls that cannot be read: {fault}") from None


def dumps(value: Any) -> str:
    """JSON as every dialect writes it."""
    return json.dumps(value, ensure_ascii=False)


DIALECTS = {
    dialect.name: dialect
    for dialect in (
        Dialect("xlam-1", "blocks", '{"tool_calls": [', ", ", "]}", '{"tool_calls": []}'),
        Dialect("xlam-2", "tools", "[", ", ", "]", "[]", prose=True),
        Dialect(
            "hermes", "tools", "<tool_call>\n", "\n</tool_call>\n<tool_call>\n", "\n</tool_call>",
            "None of the functions applies.", prose=True,
        ),
        Dialect("generic", "told", "[", ", ", "]", "[]"),
    )
}  # fmt: skip


def dialect_of(folder_name: str, template: str) -> Dialect:
    """The dialect that a model's folder and its chat template speak of; `generic` if neither does."""
    name = folder_name.lower()
    if "xlam" in name:
        return DIALECTS["xlam-2" if "xlam-2" in name else "xlam-1"]
    return DIALECTS["hermes" if "<tool_call>" in template else "generic"]


# -- prompts ------------------------------------------------------------------------------------------

TASK = (
    "You turn a request into function calls. You are given a question and the functions that are available. "
    "Make one call or several, as the question needs. If none of the functions fits, or a value that a function "
    "needs is not given, make no call."
)
FORMAT = (
    "Answer with nothing but JSON of this form; when no call is to be made, tool_calls is an empty list:\n"
    '{"tool_calls": [{"name": "function_name", "arguments": {"argument": "value"}}]}'
)
TOLD = (
    "Answer with nothing but a JSON list of calls, and [] if none of the functions fits:\n"
    '[{"name": "function_name", "arguments": {"argument": "value"}}]'
)


def function_of(action: ActionSchema) -> dict[str, Any]:
    """The action as chat templates want it under `tools=`."""
    return {"type": "function", "function": action.model_dump()}


def user_turn(dialect: Dialect, question: str, space: Sequence[ActionSchema]) -> str:
    """The text of the one user turn; the question alone where the chat template tells the actions."""
    if dialect.prompt == "tools":
        return question
    if dialect.prompt == "told":
        listed = "\n".join(dumps(action.model_dump()) for action in space)
        return f"{TASK}\n\nFunctions, one a line:\n{listed}\n\n{TOLD}\n\nQuestion:\n{question}"
    tools = [
        {"name": action.name, "description": action.description, "parameters": action.parameters.get("properties", {})}
        for action in space
    ]
    blocks = {
        "TASK INSTRUCTION": TASK,
        "AVAILABLE TOOLS": dumps(tools),
        "FORMAT INSTRUCTION": FORMAT,
        "QUERY": question,
    }
    return "".join(f"[BEGIN OF {name}]\n{text}\n[END OF {name}]\n\n" for name, text in blocks.items())
