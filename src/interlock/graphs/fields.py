"""The fields of a graph file as an author writes them; the loader resolves them into a spec."""

from __future__ import annotations

from typing import Annotated, Any, Literal

from pydantic import ConfigDict, Discriminator, Field, Tag

from interlock.graphs.cards import Limits, Retry, Schema, StepLimits
from interlock.graphs.spec import Bound, Reducer
from interlock.policies.language import NAME, Conditions, Declared, Duration, Requirement

Name = Annotated[str, Field(pattern=NAME)]


class GraphFields(Declared):
    """The top of a graph file; inputs, steps and edges are read one by one, so one fault hides no other."""

    graph: Name
    version: int = Field(ge=1)
    description: str = ""
    input: dict[str, Any] = Field(default_factory=dict)
    steps: dict[str, Any] = Field(min_length=1)
    edges: list[Any] = Field(min_length=1)
    limits: Limits = Limits()
    output: list[str] = Field(default_factory=list)


class _StepFields(Declared):
    visits: int | None = Field(default=None, ge=1, le=1000, description="How often a run may enter this step.")


class _WorkingFields(_StepFields):
    retry: Retry = Retry()
    timeout: Duration | None = Field(default=None, description="How long one attempt may take.")


class ReasonFields(_WorkingFields):
    """A step whose card is of kind `reason`."""

    node: str
    reads: list[str]
    writes: Name
    limits: StepLimits = StepLimits()


class RouteFields(_WorkingFields):
    """A step whose card is of kind `route`; each label is an outcome."""

    node: str
    reads: list[str] = Field(min_length=1)
    writes: Name | None = None
    limits: StepLimits = StepLimits()


class PythonFields(_WorkingFields):
    """A step whose node is a pure function of `nodes/*.py`."""

    node: str
    reads: list[str]
    writes: Name


class ActFields(_WorkingFields):
    """A step whose card is of kind `act`."""

    node: str
    reads: list[str] = Field(default_factory=list)
    writes: Name | None = None
    bind: dict[str, Bound] = Field(default_factory=dict)


class CallFields(_WorkingFields):
    """A step that calls an action without a model."""

    call: str
    bind: dict[str, Bound] = Field(default_factory=dict)
    writes: Name | None = None


class CompensateFields(_WorkingFields):
    """A step that undoes what another step performed."""

    compensate: str
    bind: dict[str, Bound] = Field(default_factory=dict)
    writes: Name | None = None


class ApproveFields(_StepFields):
    """A step that a person answers."""

    approve: str = Field(min_length=1)
    reads: list[str] = Field(default_factory=list)
    form: dict[Name, Schema] = Field(default_factory=dict)
    requires: Requirement | str = Requirement()
    covers: str | None = None
    writes: Name | None = None


class WaitUntil(Declared):
    """Wait until a moment that stands in the state."""

    until: str = Field(description="`$.key.field` of an ISO 8601 date-time with its offset.")


class WaitEvent(Declared):
    """Wait for an event from outside, which `interlock runs send` delivers."""

    event: Name
    within: Duration = Field(description="Later the step leaves by `expired`.")
    payload: dict[Name, Schema] = Field(default_factory=dict, description="Fields of the event's data.")


def _way_of_waiting(value: Any) -> str:
    if isinstance(value, dict):
        return "until" if "until" in value else "event"
    return {WaitUntil: "until", WaitEvent: "event"}.get(type(value), "span")


class WaitFields(_StepFields):
    """A step that waits: for a span of time, until a moment, or for an event."""

    wait: Annotated[
        Annotated[Duration, Tag("span")] | Annotated[WaitUntil, Tag("until")] | Annotated[WaitEvent, Tag("event")],
        Discriminator(_way_of_waiting),
    ]
    writes: Name | None = None


class NestedFields(_StepFields):
    """A step that runs another graph of this folder."""

    graph: str
    bind: dict[str, Bound] = Field(default_factory=dict, description="The inputs of that graph.")
    writes: Name | None = None


class MapOver(Declared):
    """For each item of a list, the graph to run."""

    over: str = Field(description="`$.key.field` of the list.")
    item: Name = Field(alias="as", description="The input of the graph that receives an item.")
    graph: str
    at_most: int = Field(ge=1, le=1000, description="More items than this fail the step before anything runs.")
    concurrency: int = Field(default=4, ge=1, le=32)


class MapFields(_StepFields):
    """A step that runs another graph once for each item of a list."""

    map: MapOver
    bind: dict[str, Bound] = Field(default_factory=dict, description="The other inputs of that graph.")
    reduce: dict[Name, Reducer] = Field(default_factory=dict, description="How each output of the items becomes one.")
    writes: Name | None = None


class ForkFields(Declared):
    """Branches that are all taken; each leaves by its own name and ends at the fork's join."""

    fork: list[Name] = Field(min_length=2)
    concurrency: int = Field(default=4, ge=1, le=32)


class JoinFields(Declared):
    """Goes on when every branch of the fork has come here."""

    join: str
    reduce: dict[Name, Reducer] = Field(default_factory=dict, description="For keys that several branches write.")


class EdgeFields(Declared):
    """An edge written as a mapping."""

    model_config = ConfigDict(populate_by_name=False)

    source: str = Field(alias="from")
    target: str = Field(alias="to")
    on: str | list[str] | None = None
    when: Conditions | None = Field(default=None, min_length=1)
    otherwise: Literal[True] | None = Field(default=None, alias="else")
    approval: str | None = None
    writes: Name | None = None
    outcome: Name | None = None
    keeps: list[str] = Field(default_factory=list, description="Steps whose effects stay when the run fails here.")
