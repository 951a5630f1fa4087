"""What an action model is: context and a closed action space in, one structured decision out.

An action model is useful without any graph: `decide` maps an observation and a list of actions to a
call with its evidence, or says that a required argument is missing (`ask`), or that none of these
actions fits (`abstain`).
"""

from __future__ import annotations

from typing import Any, Literal, Protocol, runtime_checkable

from pydantic import BaseModel, ConfigDict, Field


class _Frozen(BaseModel):
    model_config = ConfigDict(frozen=True, extra="forbid")


class ActionSchema(_Frozen):
    """One action of the space, as a JSON-Schema function."""

    name: str
    description: str
    parameters: dict[str, Any] = Field(
        default_factory=lambda: {"type": "object", "properties": {}},
        description="JSON Schema of the arguments: `type: object` with `properties` and `required`.",
    )


class Observation(_Frozen):
    """What an action model may read.  `sources` are the only places a value may come from."""

    sources: dict[str, str] = Field(
        description="Named texts in reading order; the request itself is the source named `request`."
    )
    bound: dict[str, Any] = Field(
        default_factory=dict,
        description="Arguments fixed by the graph: never missing, never chosen by the model.",
    )
    today: str | None = Field(default=None, description="ISO date that relative dates count from.")


class Evidence(_Frozen):
    """Where an argument's value stands: characters `start` to `end` (exclusive) of one source."""

    source: str
    start: int
    end: int
    text: str
    normaliser: str | None = Field(default=None, description="The rule that turned `text` into the value.")


class Action(_Frozen):
    """One proposed call."""

    name: str
    arguments: dict[str, Any]
    confidence: float = Field(ge=0, le=1)
    argument_confidence: dict[str, float] = Field(default_factory=dict)
    evidence: dict[str, Evidence] = Field(default_factory=dict)


class Decision(_Frozen):
    """A model's answer.  `ask` still carries the incomplete call, `abstain` carries none."""

    kind: Literal["act", "ask", "abstain"]
    actions: list[Action] = Field(default_factory=list)
    missing: list[str] = Field(default_factory=list, description="Required arguments without evidence.")
    p_null: float = Field(ge=0, le=1, description="Probability that none of the actions fits.")
    backend: str
    model_id: str


@runtime_checkable
class ActionModel(Protocol):
    """Any backend: the embedded model, a causal LM, an endpoint, a script in a test."""

    def decide(self, observation: Observation, action_space: list[ActionSchema], *, risk: float) -> Decision:
        """Choose one call of `action_space`, or ask, or abstain.

        Args:
            risk: how wrong an `act` may be, 0 to 1; a lower risk abstains more readily.

        Raises:
            ModelError: the model gave no usable answer.
        """

    def score(self, observation: Observation, action_space: list[ActionSchema], action: Action) -> float:
        """The natural-log probability of `action`, `-inf` when it cannot be produced."""
