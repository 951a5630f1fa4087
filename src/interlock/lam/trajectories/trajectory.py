"""The trajectory: a superset of ActionStudio's unified format 2.0, one JSON object a line.

A message of the assistant is one step.  Beside the calls that it makes it can carry `lam` (what the model knew and
decided), a `verdict` and, where a person or a later step corrected the call, the `edited_action`.
"""

from __future__ import annotations

from typing import Any, Literal

from pydantic import BaseModel, ConfigDict, Field, model_validator

from interlock.lam.protocol import ActionSchema, Evidence, Observation

Verdict = Literal["approved", "edited", "rejected", "executed_ok", "executed_error"]
"""approved, edited, rejected: a person's word.  executed_ok, executed_error: nobody was asked, and it went so."""

Split = Literal["train", "dev", "test"]

GRAPH = "graph"
"""Backend of a call that no model chose: the graph bound it.  It is context, never a target of training."""


class _Frozen(BaseModel):
    model_config = ConfigDict(frozen=True, extra="forbid")


class FunctionCall(_Frozen):
    """One call."""

    name: str = Field(min_length=1)
    arguments: dict[str, Any] = Field(default_factory=dict)


class ToolCall(_Frozen):
    """One call of a message, with the id that its answer names."""

    id: str | None = None
    function: FunctionCall


class Lam(_Frozen):
    """What the model that chose a step knew, and how sure it was."""

    backend: str
    model_id: str
    decision: Literal["act", "ask", "abstain"]
    confidence: float | None = Field(default=None, ge=0, le=1, description="Of the call; none for an abstention.")
    evidence: dict[str, Evidence] = Field(default_factory=dict, description="By path of the argument.")
    p_null: float | None = Field(default=None, ge=0, le=1, description="Probability that none of the tools fits.")
    missing: list[str] = Field(default_factory=list, description="Required arguments without evidence.")
    offered: list[str] = Field(default_factory=list, description="Names of the tools it chose from; all when empty.")
    observation: Observation | None = Field(default=None, description="What it read; evidence points into it.")


class Message(_Frozen):
    """One message of the conversation."""

    role: Literal["system", "user", "assistant", "tool"]
    content: str = ""
    tool_calls: list[ToolCall] = Field(default_factory=list)
    tool_call_id: str | None = Field(default=None, description="The call that a tool's message answers.")
    name: str | None = None
    lam: Lam | None = None
    verdict: Verdict | None = None
    edited_action: FunctionCall | None = Field(default=None, description="The call that should have been made.")

    @model_validator(mode="after")
    def _belongs(self) -> Message:
        if self.role != "assistant" and (self.tool_calls or self.lam or self.verdict or self.edited_action):
            raise ValueError(
                f"only a message of the assistant has calls, lam, a verdict or an edit, not one of {self.role}"
            )
        if self.role != "tool" and self.tool_call_id is not None:
            raise ValueError(f"only a message of a tool answers a call, not one of {self.role}")
        if self.verdict == "edited" and self.edited_action is None:
            raise ValueError("the verdict edited needs the edited_action")
        if self.edited_action is not None and self.verdict not in ("edited", "executed_error"):
            raise ValueError("an edited_action needs the verdict edited, or executed_error where the edit failed")
        return self

    @property
    def calls(self) -> list[FunctionCall]:
        """The calls as the model made them."""
        return [call.function for call in self.tool_calls]

    @property
    def right_calls(self) -> list[FunctionCall]:
        """The calls as they should be: an edit in place of the call that was proposed."""
        return self.calls if self.edited_action is None else [self.edited_action]

    @property
    def chosen_by_model(self) -> bool:
        """Whether a model chose it: a message of the assistant that the graph did not bind."""
        return self.role == "assistant" and (self.lam is None or self.lam.backend != GRAPH)


class Redaction(_Frozen):
    """What was taken out."""

    fields: list[str] = Field(description="Names of the arguments whose values were taken out, sorted.")
    values: int = Field(default=0, ge=0, description="How many values were taken out of the conversation.")


class Trajectory(_Frozen):
    """One task from its request to its end."""

    unique_trajectory_id: str = Field(min_length=1)
    task_instruction: str = ""
    tools: list[ActionSchema] = Field(default_factory=list)
    conversation: list[Message] = Field(min_length=1)
    split: Split | None = None
    licence: str | None = Field(default=None, description="Of the data: an SPDX name, or words.")
    source: str | None = Field(default=None, description="Where it comes from: run, or the format it was read from.")
    redaction: Redaction | None = None

    @model_validator(mode="after")
    def _whole(self) -> Trajectory:
        names = [tool.name for tool in self.tools]
        for name in names:
            if names.count(name) > 1:
                raise ValueError(f"the tool {name} is listed twice")
        open_calls: set[str] = set()
        for number, message in enumerate(self.conversation, 1):
            open_calls |= {call.id for call in message.tool_calls if call.id is not None}
            if message.tool_call_id is not None and message.tool_call_id not in open_calls:
                raise ValueError(f"message {number} answers {message.tool_call_id}, which no call before it has")
        return self

    def steps(self) -> list[tuple[int, Message]]:
        """The messages that a model chose, with their places in the conversation."""
        return [(place, message) for place, message in enumerate(self.conversation) if message.chosen_by_model]

    def offered(self, message: Message) -> list[ActionSchema]:
        """The tools that a step chose from."""
        if message.lam is None or not message.lam.offered:
            return list(self.tools)
        return [tool for tool in self.tools if tool.name in message.lam.offered]
