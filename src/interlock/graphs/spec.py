"""The spec: one frozen value per workflow, the only thing that is proven, pinned and run.

A spec holds everything its run needs from the graph file and the node cards, so a waiting run goes
on unchanged when those files change or vanish.
"""

from __future__ import annotations

import re
from collections.abc import Mapping
from datetime import timedelta
from decimal import Decimal
from typing import Annotated, Any, Literal

from pydantic import Discriminator, Field, Tag

from interlock.digest import digest
from interlock.policies.language import NAME, Conditions, Declared, Duration, Requirement

START = "START"
END = "END"
PATH = r"^\$\.[a-z][a-z0-9_]*(\.[A-Za-z0-9_]+)*$"

OUTCOMES: dict[str, tuple[str, ...]] = {
    "reason": ("done", "failed", "exhausted"),
    "act": ("done", "rejected", "expired", "denied", "abstained", "failed", "exhausted"),
    "call": ("done", "rejected", "expired", "denied", "failed", "exhausted"),
    "approve": ("approved", "rejected", "expired", "exhausted"),
}
"""The closed outcomes of each kind of step; the first is the one a plain edge means."""

UNROUTED_ENDS = ("failed", "exhausted")
"""Outcomes that end the run as failed when no edge takes them; all others must be routed."""


class Schema(Declared):
    """The type of one value: a closed subset of JSON Schema, written in snake_case."""

    type: Literal["string", "integer", "number", "boolean", "array", "object"]
    description: str = ""
    format: Literal["email", "date", "time", "date-time", "uri"] | None = None
    enum: list[str] | None = None
    min_length: int | None = Field(default=None, ge=0)
    max_length: int | None = Field(default=None, ge=0)
    minimum: int | float | None = None
    maximum: int | float | None = None
    items: Schema | None = None
    properties: dict[str, Schema] | None = None
    optional: bool = False
    default: str | int | float | bool | None = Field(default=None, description="For input: used when none is given.")

    def json_schema(self) -> dict[str, Any]:
        """This type as JSON Schema."""
        names = {"min_length": "minLength", "max_length": "maxLength"}
        found: dict[str, Any] = {
            names.get(key, key): value
            for key, value in self.model_dump(exclude={"items", "properties", "optional", "default"}).items()
            if value not in (None, "")
        }
        if self.items is not None:
            found["items"] = self.items.json_schema()
        if self.properties is not None:
            found |= object_schema(self.properties)
        return found


def object_schema(fields: dict[str, Schema]) -> dict[str, Any]:
    """JSON Schema of a closed object with these fields."""
    return {
        "type": "object",
        "properties": {name: schema.json_schema() for name, schema in fields.items()},
        "required": [name for name, schema in fields.items() if not schema.optional],
        "additionalProperties": False,
    }


class Retry(Declared):
    """How often a retryable error is tried again; attempts are counted in the database."""

    attempts: int = Field(default=1, ge=1, le=20, description="Attempts in all.")
    backoff: Duration = Field(default=timedelta(seconds=1), description="Pause before the second; doubles.")


class ReasonCard(Declared):
    """A node card of kind `reason`: one structured answer of a chat model."""

    node: str = Field(pattern=NAME)
    kind: Literal["reason"]
    goal: str = Field(min_length=1)
    prompt: str = Field(min_length=1, description="The question; `$name` stands for a value the step reads.")
    output: dict[str, Schema] = Field(min_length=1)
    model: str = Field(default="default", description="`default` or a provider string.")
    repairs: int = Field(default=2, ge=0, le=5, description="How often an invalid answer is sent back.")


class ActCard(Declared):
    """A node card of kind `act`: one call of a closed action space, proposed by an action model."""

    node: str = Field(pattern=NAME)
    kind: Literal["act"]
    goal: str = Field(min_length=1)
    actions: list[str] = Field(min_length=1)
    model: str = Field(default="default", description="`default` (the embedded action model).")
    on_abstain: Literal["ask", "edge"] = Field(default="edge", description="Ask a person, or leave by `abstained`.")


Card = ReasonCard | ActCard

Bound = bool | int | float | str
"""A binding: a constant, or a path `$.key.field` into the state."""


def is_path(value: object) -> bool:
    """Whether a binding is a path into the state."""
    return isinstance(value, str) and value.startswith("$.")


def path_parts(path: str) -> tuple[str, ...]:
    """`$.polished.body` as `("polished", "body")`; the first part is the state key.

    Raises:
        ValueError: it is not a path.
    """
    if not re.fullmatch(PATH, path):
        raise ValueError(f"{path} is not a path; write $.key or $.key.field")
    return tuple(path[2:].split("."))


def bound_keys(bind: Mapping[str, Bound]) -> list[str]:
    """The state keys that bindings read."""
    return sorted({path_parts(value)[0] for value in bind.values() if isinstance(value, str) and is_path(value)})


class _Step(Declared):
    visits: int | None = Field(default=None, ge=1, le=1000, description="How often a run may enter this step.")


class ReasonStep(_Step):
    kind: Literal["reason"] = "reason"
    card: ReasonCard
    reads: list[str]
    writes: str = Field(pattern=NAME)
    retry: Retry = Retry()


class ActStep(_Step):
    kind: Literal["act"] = "act"
    card: ActCard
    reads: list[str] = Field(default_factory=list)
    writes: str | None = Field(default=None, pattern=NAME)
    bind: dict[str, Bound] = Field(default_factory=dict)
    retry: Retry = Retry()

    @property
    def actions(self) -> list[str]:
        return self.card.actions


class CallStep(_Step):
    kind: Literal["call"] = "call"
    call: str
    writes: str | None = Field(default=None, pattern=NAME)
    bind: dict[str, Bound] = Field(default_factory=dict)
    retry: Retry = Retry()

    @property
    def actions(self) -> list[str]:
        return [self.call]

    @property
    def reads(self) -> list[str]:
        return bound_keys(self.bind)


class ApproveStep(_Step):
    """A person answers a form.  With `covers`, the answer authorises the action of that later step."""

    kind: Literal["approve"] = "approve"
    approve: str = Field(min_length=1, description="The question, as the reviewer reads it.")
    reads: list[str] = Field(default_factory=list, description="The keys shown to the reviewer.")
    form: dict[str, Schema] = Field(default_factory=dict, description="Fields of the answer.")
    requires: Requirement = Requirement()
    covers: str | None = Field(default=None, description="A step whose exact, fully bound action this authorises.")
    writes: str | None = Field(default=None, pattern=NAME)


Step = Annotated[
    Annotated[ReasonStep, Tag("reason")]
    | Annotated[ActStep, Tag("act")]
    | Annotated[CallStep, Tag("call")]
    | Annotated[ApproveStep, Tag("approve")],
    Discriminator("kind"),
]


class Edge(Declared):
    """One arrow.  `on` names outcomes of the source, `when` compares values of the state."""

    source: str
    on: list[str] = Field(default_factory=list, description="Outcomes; START has none.")
    target: str
    when: Conditions | None = Field(default=None, description="Comparisons by `$.path`; all must hold.")
    otherwise: bool = Field(default=False, description="Taken when no conditional sibling holds.")
    approval: str | None = Field(default=None, description="Name of the requirement on the target's action.")
    requires: Requirement | None = Field(default=None, description="What that name meant when the spec was made.")
    writes: str | None = Field(default=None, description="Key that receives the reviewer's answer.")
    outcome: str | None = Field(default=None, description="For END: the name of this end.")


class Cost(Declared):
    usd: Decimal = Field(ge=0)


class Limits(Declared):
    """Bounds of one run; enforced across restarts."""

    steps: int | None = Field(default=None, ge=1)
    model_calls: int | None = Field(default=None, ge=0)
    cost: Cost | None = None


class Spec(Declared):
    """One workflow, resolved: cards and requirements included, nothing left to look up but the tools."""

    graph: str = Field(pattern=NAME)
    version: int = Field(ge=1)
    description: str = ""
    input: dict[str, Schema]
    steps: dict[str, Step]
    edges: list[Edge]
    limits: Limits = Limits()
    output: list[str] = Field(default_factory=list)

    def digest(self) -> str:
        """Digest of the whole spec: what a run is pinned to and an approval is bound to."""
        return digest(self.model_dump(mode="json", by_alias=True))

    def leaving(self, step: str, outcome: str | None = None) -> list[Edge]:
        """Edges out of `step`, in authored order, that `outcome` may take."""
        return [edge for edge in self.edges if edge.source == step and (outcome is None or outcome in edge.on)]

    def entering(self, step: str) -> list[Edge]:
        """Edges into `step`, in authored order."""
        return [edge for edge in self.edges if edge.target == step]
