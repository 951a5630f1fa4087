"""What a spec is made of besides its steps: types of values, retries, limits, and the node cards."""

from __future__ import annotations

from datetime import timedelta
from decimal import Decimal
from typing import Annotated, Any, Literal

from pydantic import Field, SerializerFunctionWrapHandler, model_serializer

from interlock.policies.declared import NAME, Declared, Duration
from interlock.policies.language import Provenance


class Schema(Declared):
    """The type of one value: a closed subset of JSON Schema, written in snake_case."""

    type: Literal["string", "integer", "number", "boolean", "array", "object", "any"] = Field(
        description="The kind of the value."
    )
    description: str = Field(default="", description="What it holds, for the model and for people.")
    format: Literal["email", "date", "time", "date-time", "uri"] | None = Field(
        default=None, description="For text: how it is written."
    )
    enum: list[str] | None = Field(default=None, description="For text: all the values there are.")
    min_length: int | None = Field(default=None, ge=0, description="For text: at least so many characters.")
    max_length: int | None = Field(default=None, ge=0, description="For text: at most so many characters.")
    minimum: int | float | None = Field(default=None, description="For a number: this or more.")
    maximum: int | float | None = Field(default=None, description="For a number: this or less.")
    items: Schema | None = Field(default=None, description="For an array: the type of each item.")
    properties: dict[str, Schema] | None = Field(default=None, description="For an object: its fields.")
    optional: bool = Field(default=False, description="It may be left out.")
    default: str | int | float | bool | None = Field(default=None, description="For input: used when none is given.")
    provenance: Provenance = Field(
        default="user", description="For input: who may have written the value; `untrusted` for text from outside."
    )

    def json_schema(self) -> dict[str, Any]:
        """This type as JSON Schema."""
        names = {"min_length": "minLength", "max_length": "maxLength"}
        found: dict[str, Any] = {
            names.get(key, key): value
            for key, value in self.model_dump(
                exclude={"items", "properties", "optional", "default", "provenance"}
            ).items()
            if value not in (None, "", "any")
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


ErrorKind = Literal["unavailable", "timeout", "invalid"]
"""Why an attempt failed.

unavailable: a model or tool could not be reached, or said that it did nothing; it may be tried again.
timeout: the step's own `timeout` passed.  invalid: the model gave no usable answer.
"""


def _passing() -> list[ErrorKind]:
    """The errors that may pass by themselves."""
    return ["unavailable", "timeout"]


class Retry(Declared):
    """How often and when a failed attempt is made again; attempts are counted in the database."""

    attempts: int = Field(default=1, ge=1, le=20, description="Attempts in all.")
    on: list[ErrorKind] = Field(default_factory=_passing, min_length=1, description="The errors that are tried again.")
    backoff: Duration = Field(default=timedelta(seconds=1), description="Pause before the second attempt.")
    factor: int | float = Field(default=2, ge=1, le=10, description="Each further pause is so many times longer.")
    max_backoff: Duration = Field(default=timedelta(minutes=5), description="No pause is longer.")
    jitter: int | float = Field(
        default=0, ge=0, le=1, description="Up to this share of a pause is taken off at random."
    )


class Cost(Declared):
    """Money."""

    usd: Decimal = Field(ge=0, description="US dollars.")


class StepLimits(Declared):
    """Bounds of one visit of a step; enforced across restarts.  Reaching one ends the step as failed."""

    model_calls: int | None = Field(default=None, ge=1, description="Calls of models.")
    tokens: int | None = Field(default=None, ge=1, description="Tokens read and written by models.")
    cost: Cost | None = Field(default=None, description="What the calls of models may cost.")


class Limits(Declared):
    """Bounds of one run, its child runs included; enforced across restarts."""

    steps: int | None = Field(default=None, ge=1, description="Steps entered.")
    model_calls: int | None = Field(default=None, ge=0, description="Calls of models.")
    tokens: int | None = Field(default=None, ge=0, description="Tokens read and written by models.")
    cost: Cost | None = Field(default=None, description="What the calls of models may cost.")
    time: Duration | None = Field(
        default=None, description="How long it may take from when it is accepted, waits included."
    )

    @model_serializer(mode="wrap")
    def _as_before(self, write: SerializerFunctionWrapHandler) -> dict[str, Any]:
        """A graph that does not limit its time keeps the digest that it had before there was such a limit."""
        written: dict[str, Any] = write(self)
        return written if self.time is not None else {key: value for key, value in written.items() if key != "time"}


NodeName = Annotated[str, Field(pattern=NAME, description="The name that steps use.")]
Goal = Annotated[str, Field(min_length=1, description="What it is for, in a sentence.")]
KIND = "`reason`: a chat model answers.  `act`: an action model proposes.  `route`: a model chooses a label."


class ReasonCard(Declared):
    """A node card of kind `reason`: one structured answer of a chat model.

    With `actions` the model may first look things up: a reason-act-observe loop over actions that only
    read, which a call made before, or turns without anything new, end.
    """

    node: NodeName
    kind: Literal["reason"] = Field(description=KIND)
    goal: Goal
    prompt: str = Field(min_length=1, description="The question; `$name` stands for a value the step reads.")
    output: dict[str, Schema] = Field(min_length=1, description="The fields of the answer, each with its type.")
    model: str = Field(default="default", description="`default` or a provider string.")
    repairs: int = Field(default=2, ge=0, le=5, description="How often an invalid answer is sent back.")
    actions: list[str] = Field(default_factory=list, description="Actions that only read, for looking things up.")
    turns: int = Field(default=8, ge=1, le=50, description="How often the model may call one of `actions`.")


class ActCard(Declared):
    """A node card of kind `act`: one call of a closed action space, proposed by a model.

    `model: auto` goes by how sure the action model is: its call where a certified threshold holds, else the
    call of the chat model, else a person.
    """

    node: NodeName
    kind: Literal["act"] = Field(description=KIND)
    goal: Goal
    actions: list[str] = Field(min_length=1, description="The actions it may propose: `family.action`.")
    model: Literal["default", "auto"] = Field(
        default="default",
        description="`default`: the action model.  `auto`: that where it is sure enough, else the chat model.",
    )
    on_abstain: Literal["ask", "edge"] = Field(default="edge", description="Ask a person, or leave by `abstained`.")


class RouteCard(Declared):
    """A node card of kind `route`: a model chooses one of closed labels, which become the step's outcomes."""

    node: NodeName
    kind: Literal["route"] = Field(description=KIND)
    goal: str = Field(min_length=1, description="What is to be decided.")
    labels: dict[Annotated[str, Field(pattern=NAME)], str] = Field(
        min_length=2, description="Each label with the sentence that says when it fits."
    )
    model: str = Field(
        default="auto",
        description="`auto`: the action model, and the chat model where it abstains; `lam`; `default`; a provider.",
    )
    repairs: int = Field(default=1, ge=0, le=5, description="How often an invalid answer is sent back.")


class PythonCard(Declared):
    """A pure function of `nodes/*.py`, as it was declared when the spec was made."""

    node: str = Field(pattern=NAME)
    kind: Literal["python"] = "python"
    goal: str
    reads: dict[str, Any] = Field(description="JSON Schema of the values it takes.")
    output: dict[str, Any] = Field(description="JSON Schema of the value it returns.")
    source: str = Field(description="Digest of its source: a run goes on only with the same.")


Card = ReasonCard | ActCard | RouteCard | PythonCard
