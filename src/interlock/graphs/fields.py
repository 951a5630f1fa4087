"""The fields of a graph file as an author writes them; the loader resolves them into a spec."""

from __future__ import annotations

from typing import Annotated, Any, Literal

from pydantic import ConfigDict, Discriminator, Field, Tag, WithJsonSchema

from interlock.graphs.bind import PATH, Only, Path, StandsIn
from interlock.graphs.cards import Limits, Retry, Schema, StepLimits
from interlock.graphs.spec import Reducer
from interlock.policies.declared import NAME, Declared, Duration
from interlock.policies.language import Comparison, Requirement

Name = Annotated[str, Field(pattern=NAME)]
BINDING = rf"^(?!\$)|{PATH}"
_CONSTANT = WithJsonSchema({"type": ["boolean", "number", "string"], "pattern": BINDING})


def _form_of_binding(value: Any) -> str:
    if isinstance(value, dict):
        return "only" if "only" in value else "stands_in"
    if isinstance(value, StandsIn):
        return "stands_in"
    return "only" if isinstance(value, Only) else "constant"


Binding = Annotated[
    Annotated[bool | int | float | str, _CONSTANT, Tag("constant")]
    | Annotated[StandsIn, Tag("stands_in")]
    | Annotated[Only, Tag("only")],
    Discriminator(_form_of_binding),
]
Bind = Annotated[
    dict[str, Binding],
    Field(
        description="By argument: a constant, `$.key.field` of the state, `{value: $.…, stands_in: $.…}`, "
        "or `{only: $.…, field: …}`."
    ),
]
Reads = Annotated[list[str], Field(description="The keys of the state that it sees, and no others.")]
Writes = Annotated[Name, Field(description="The key of the state that receives the result.")]
Node = Annotated[str, Field(description="The card or function of `nodes/` that says what it does.")]
_VISIT = "Bounds of one visit of this step; reaching one ends it as failed."


class GraphFields(Declared):
    """The top of a graph file; inputs, steps and edges are read one by one, so one fault hides no other."""

    graph: Name = Field(description="The name of this workflow.")
    version: int = Field(ge=1, description="Raise it when the workflow changes; runs go on under theirs.")
    description: str = Field(default="", description="What the workflow does, in a sentence.")
    input: dict[str, Any] = Field(default_factory=dict, description="What a run is given: keys, each with its type.")
    steps: dict[str, Any] = Field(min_length=1, description="The steps, by name.")
    edges: list[Any] = Field(min_length=1, description="Where a run goes from where: `A -> B`, or `{from: A, to: B}`.")
    limits: Limits = Field(default=Limits(), description="The most that one run may take; more ends it as failed.")
    output: list[str] = Field(default_factory=list, description="The keys of the state that a run hands back.")


class _StepFields(Declared):
    visits: int | None = Field(default=None, ge=1, le=1000, description="How often a run may enter this step.")


class _WorkingFields(_StepFields):
    retry: Retry = Field(default=Retry(), description="How often and when a failed attempt is made again.")
    timeout: Duration | None = Field(default=None, description="How long one attempt may take.")


class ReasonFields(_WorkingFields):
    """A step whose card is of kind `reason`."""

    node: Node
    reads: Reads
    writes: Writes
    limits: StepLimits = Field(default=StepLimits(), description=_VISIT)


class RouteFields(_WorkingFields):
    """A step whose card is of kind `route`; each label is an outcome."""

    node: Node
    reads: Reads = Field(min_length=1)
    writes: Writes | None = None
    limits: StepLimits = Field(default=StepLimits(), description=_VISIT)


class PythonFields(_WorkingFields):
    """A step whose node is a pure function of `nodes/*.py`."""

    node: Node
    reads: Reads
    writes: Writes


class ActFields(_WorkingFields):
    """A step whose card is of kind `act`."""

    node: Node
    reads: Reads = Field(default_factory=list)
    writes: Writes | None = None
    bind: Bind = Field(default_factory=dict)


class CallFields(_WorkingFields):
    """A step that calls an action without a model."""

    call: str = Field(description="The action: `family.action` of `tools/`.")
    bind: Bind = Field(default_factory=dict)
    writes: Writes | None = None


class CompensateFields(_WorkingFields):
    """A step that undoes what another step performed."""

    compensate: str = Field(description="The step whose effect is undone, by the action that its action names.")
    bind: Bind = Field(default_factory=dict)
    writes: Writes | None = None


class ApproveFields(_StepFields):
    """A step that a person answers."""

    model_config = ConfigDict(json_schema_extra={"not": {"required": ["form", "covers"]}})

    approve: str = Field(min_length=1, description="The question, as the reviewer reads it.")
    reads: list[str] = Field(default_factory=list, description="The keys of the state that the reviewer sees.")
    form: dict[Name, Schema] = Field(default_factory=dict, description="The fields of the answer, each with its type.")
    requires: Requirement | str = Field(
        default=Requirement(), description="Who must agree: written out, or the name of an approval of `policies/`."
    )
    covers: str | None = Field(
        default=None, description="A later step whose exact, fully bound action the answer authorises."
    )
    writes: Writes | None = None


class WaitUntil(Declared):
    """Wait until a moment that stands in the state."""

    until: Path = Field(description="`$.key.field` of an ISO 8601 date-time with its offset.")


class WaitEvent(Declared):
    """Wait for an event from outside, which `interlock runs send` delivers."""

    event: Name = Field(description="The name under which it is sent.")
    within: Duration = Field(description="Later the step leaves by `expired`.")
    payload: dict[Name, Schema] = Field(default_factory=dict, description="Fields of the event's data.")


def _way_of_waiting(value: Any) -> str:
    if isinstance(value, dict):
        return "until" if "until" in value else "event"
    if isinstance(value, WaitUntil):
        return "until"
    return "event" if isinstance(value, WaitEvent) else "span"


class WaitFields(_StepFields):
    """A step that waits: for a span of time, until a moment, or for an event."""

    wait: Annotated[
        Annotated[Duration, Tag("span")] | Annotated[WaitUntil, Tag("until")] | Annotated[WaitEvent, Tag("event")],
        Discriminator(_way_of_waiting),
    ] = Field(description="A span such as `2h`, `{until: $.path}`, or `{event: name, within: 3d}`.")
    writes: Writes | None = None


class NestedFields(_StepFields):
    """A step that runs another graph of this folder."""

    graph: str = Field(description="The graph to run: a file of this folder, without `.yaml`.")
    bind: Bind = Field(default_factory=dict, description="The inputs of that graph.")
    writes: Writes | None = None


class MapOver(Declared):
    """For each item of a list, the graph to run."""

    over: Path = Field(description="`$.key.field` of the list.")
    item: Name = Field(alias="as", description="The input of the graph that receives an item.")
    graph: str = Field(description="The graph to run for each item: a file of this folder, without `.yaml`.")
    at_most: int = Field(ge=1, le=1000, description="More items than this fail the step before anything runs.")
    concurrency: int = Field(default=4, ge=1, le=32, description="How many run at the same time.")


class MapFields(_StepFields):
    """A step that runs another graph once for each item of a list."""

    map: MapOver = Field(description="The list, and the graph to run for each of its items.")
    bind: Bind = Field(default_factory=dict, description="The other inputs of that graph.")
    reduce: dict[Name, Reducer] = Field(default_factory=dict, description="How each output of the items becomes one.")
    writes: Writes | None = None


class ForkFields(Declared):
    """Branches that are all taken; each leaves by its own name and ends at the fork's join."""

    fork: list[Name] = Field(min_length=2, description="The branches, by name: each is an outcome of this step.")
    concurrency: int = Field(default=4, ge=1, le=32, description="How many run at the same time.")


class JoinFields(Declared):
    """Goes on when every branch of the fork has come here."""

    join: str = Field(description="The fork whose branches end here.")
    reduce: dict[Name, Reducer] = Field(default_factory=dict, description="For keys that several branches write.")


class EdgeFields(Declared):
    """An edge written as a mapping."""

    model_config = ConfigDict(populate_by_name=False)

    source: str = Field(alias="from", description="The step it comes from, or START.")
    target: str = Field(alias="to", description="The step it goes to, or END.")
    on: str | list[str] | None = Field(
        default=None, description="The outcomes of `from` that take it; without it, the one that means success."
    )
    when: dict[Path, Comparison] | None = Field(
        default=None, min_length=1, description="Comparisons by `$.key.field` of the state; all must hold."
    )
    otherwise: Literal[True] | None = Field(
        default=None, alias="else", description="Taken when `when` of no other edge from there holds."
    )
    approval: str | None = Field(
        default=None, description="The approval of `policies/` that the action of `to` needs before it is performed."
    )
    writes: Name | None = Field(
        default=None, description="The key that receives the reviewer's answer, or on an edge of failure the error."
    )
    outcome: Name | None = Field(default=None, description="For END: the name of this end.")
    keeps: list[str] = Field(default_factory=list, description="Steps whose effects stay when the run fails here.")
