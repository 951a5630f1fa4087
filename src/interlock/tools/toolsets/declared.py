"""What every toolset says of a tool: its effect, its risk, whom it affects.

What is not said is taken for the worst: an action whose effect nobody declared may change something, cannot be
looked up, and is of high risk.  What a server says of its own tools is never asked.
"""

from __future__ import annotations

from typing import Any, Literal

from pydantic import BaseModel, ConfigDict, Field

from interlock.tools.action import Arguments, EffectClass, Result, Risk
from interlock.tools.records import record_part

NAME = r"^[a-z][a-z0-9_]*$"


class Declared(BaseModel):
    """Base of everything that a toolset declares: closed, frozen, strict about types."""

    model_config = ConfigDict(frozen=True, extra="forbid", strict=True)


class ToolFields(Declared):
    """What is declared of one tool."""

    effect: Literal["read", "idempotent", "keyed", "blind"] | None = Field(
        default=None,
        description="What can be known after a crash; without it the tool counts as one that changes something, and "
        "nobody can look whether it did.",
    )
    risk: Risk | None = Field(
        default=None, description="Shown to reviewers; without it `low` where the tool only reads, else `high`."
    )
    description: str | None = Field(
        default=None, min_length=1, max_length=500, description="What the tool does, instead of what its server says."
    )
    targets: list[str] = Field(default=[], description="Arguments that say who or what is affected.")
    title: str = Field(default="", max_length=200, description="The effect in one line, over the arguments.")
    compensate: str | None = Field(default=None, description="The action that undoes this one, as `family.name`.")
    records: list[str] = Field(
        default=[], description="For a tool that reads: fields of its answer that are records, not free text."
    )

    @property
    def whole_risk(self) -> Risk:
        """What is declared, else the worst that fits."""
        return self.risk or ("low" if self.effect == "read" else "high")


class Fault(ValueError):
    """A tool cannot be used as it is declared; the message says why."""

    def __init__(self, message: str, *at: str | int) -> None:
        super().__init__(message)
        self.at = at
        """Where in the tool's own declaration."""


def words(
    fields: ToolFields, arguments: type[Arguments], result: type[Result], *, key_ttl: float | None = None
) -> dict[str, Any]:
    """What is declared of a tool, as an action has it.

    Raises:
        Fault: it contradicts the arguments or the answer that the tool has.
    """
    known = ", ".join(arguments.model_fields) or "none"
    for place, target in enumerate(fields.targets):
        if target not in arguments.model_fields:
            raise Fault(f"the target `{target}` is not an argument; there are {known}", "targets", place)
    if fields.records and fields.effect != "read":
        raise Fault("only a tool with effect `read` has records", "records")
    for place, named in enumerate(fields.records):
        try:
            record_part(result, named)
        except ValueError as error:
            raise Fault(f"the record `{named}`: {error}", "records", place) from None
    effect: EffectClass = fields.effect or "blind"
    return {
        "effect": effect,
        "risk": fields.whole_risk,
        "targets": tuple(fields.targets),
        "title": fields.title,
        "compensate": fields.compensate,
        "records": tuple(fields.records),
        "key_ttl": key_ttl,
    }
