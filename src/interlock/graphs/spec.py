"""The spec: one frozen value per workflow, the only thing that is proven, pinned and run.

A spec holds everything its run needs from the graph file and the node cards, so a waiting run goes
on unchanged when those files change or vanish.
"""

from __future__ import annotations

from typing import Annotated, ClassVar, Literal

from pydantic import Discriminator, Field, Tag

from interlock.digest import digest
from interlock.graphs.bind import Bound, bound_keys, path_parts
from interlock.graphs.cards import ActCard, Limits, PythonCard, ReasonCard, Retry, RouteCard, Schema, StepLimits
from interlock.policies.declared import NAME, Declared, Duration
from interlock.policies.language import Conditions, Requirement

START = "START"
END = "END"
GRAPH = r"^[a-z][a-z0-9_]*([.][a-z][a-z0-9_]*)*$"
"""The name of a graph; with dots it is a branch of one, `graph.fork.branch`."""

OUTCOMES: dict[str, tuple[str, ...]] = {
    "reason": ("done", "failed", "exhausted"),
    "act": ("done", "rejected", "expired", "denied", "abstained", "failed", "exhausted"),
    "call": ("done", "rejected", "expired", "denied", "failed", "exhausted"),
    "compensate": ("done", "rejected", "expired", "denied", "failed", "exhausted"),
    "approve": ("approved", "rejected", "expired", "exhausted"),
    "python": ("done", "failed", "exhausted"),
    "route": ("abstained", "failed", "exhausted"),
    "wait": ("done", "expired", "failed", "exhausted"),
    "graph": ("done", "failed", "exhausted"),
    "map": ("done", "failed", "exhausted"),
    "fork": (),
    "join": ("done", "failed"),
}
"""The outcomes that every step of a kind has; `outcomes` adds those that a step declares itself."""

UNROUTED_ENDS = ("failed", "exhausted")
"""Outcomes that end the run as failed when no edge takes them; all others must be routed."""


class _Step(Declared):
    visits: int | None = Field(default=None, ge=1, le=1000, description="How often a run may enter this step.")


class _Working(_Step):
    retry: Retry = Retry()
    timeout: Duration | None = Field(default=None, description="How long one attempt may take.")


class ReasonStep(_Working):
    kind: Literal["reason"] = "reason"
    card: ReasonCard
    reads: list[str]
    writes: str = Field(pattern=NAME)
    limits: StepLimits = StepLimits()


class RouteStep(_Working):
    """Leaves by the label chosen; `writes` receives the label and who chose it."""

    kind: Literal["route"] = "route"
    card: RouteCard
    reads: list[str] = Field(min_length=1)
    writes: str | None = Field(default=None, pattern=NAME)
    limits: StepLimits = StepLimits()


class PythonStep(_Working):
    kind: Literal["python"] = "python"
    card: PythonCard
    reads: list[str]
    writes: str = Field(pattern=NAME)


class ActStep(_Working):
    kind: Literal["act"] = "act"
    card: ActCard
    reads: list[str] = Field(default_factory=list)
    writes: str | None = Field(default=None, pattern=NAME)
    bind: dict[str, Bound] = Field(default_factory=dict)

    @property
    def actions(self) -> list[str]:
        return self.card.actions


class CallStep(_Working):
    kind: Literal["call"] = "call"
    call: str
    writes: str | None = Field(default=None, pattern=NAME)
    bind: dict[str, Bound] = Field(default_factory=dict)

    @property
    def actions(self) -> list[str]:
        return [self.call]

    @property
    def reads(self) -> list[str]:
        return bound_keys(self.bind.values())


class CompensateStep(_Working):
    """Undoes what another step last performed, by the action that its action names as `compensate`.

    Arguments are taken by their names: from `bind`, else from the result, else from the arguments of
    the effect that is undone.  Where nothing was performed, or it was undone already, the step is done.
    """

    kind: Literal["compensate"] = "compensate"
    compensate: str
    undoing: list[str] = Field(description="The compensating actions, resolved when the spec was made.")
    writes: str | None = Field(default=None, pattern=NAME)
    bind: dict[str, Bound] = Field(default_factory=dict)

    @property
    def actions(self) -> list[str]:
        return self.undoing

    @property
    def reads(self) -> list[str]:
        return bound_keys(self.bind.values())


class WaitStep(_Step):
    """A durable timer, a moment found in the state, or an external event with a deadline."""

    kind: Literal["wait"] = "wait"
    duration: Duration | None = None
    until: str | None = Field(default=None, description="Path to an ISO 8601 date-time with its offset.")
    event: str | None = Field(default=None, pattern=NAME)
    within: Duration | None = Field(default=None, description="For an event: how long it may take.")
    payload: dict[str, Schema] = Field(default_factory=dict, description="Fields of the event's data.")
    writes: str | None = Field(default=None, pattern=NAME)

    @property
    def reads(self) -> list[str]:
        return [path_parts(self.until)[0]] if self.until else []


Reducer = Literal["concat", "merge", "sum", "min", "max", "all", "any", "first"]
"""How values that several branches or items wrote under one key become one.

concat: lists, one after the other.  merge: objects; a field that two hold must be equal.  sum, min,
max: numbers.  all, any: booleans.  first: the first in authored order.
"""


class GraphStep(_Step):
    """Another graph as one step: a child run with its own state; leaves by the name of the end it reached."""

    kind: Literal["graph"] = "graph"
    spec: Spec
    bind: dict[str, Bound] = Field(default_factory=dict, description="The inputs of the graph.")
    writes: str | None = Field(default=None, pattern=NAME)

    @property
    def reads(self) -> list[str]:
        return bound_keys(self.bind.values())


class MapStep(_Step):
    """Another graph for each item of a list, each in a child run; `writes` receives a list in the items' order.

    With `reduce` it receives one object instead, each named output reduced over the items.
    """

    kind: Literal["map"] = "map"
    spec: Spec
    over: str = Field(description="Path to the list.")
    item: str = Field(pattern=NAME, description="The input of the graph that receives an item.")
    at_most: int = Field(ge=1, le=1000, description="More items than this fail the step before anything runs.")
    concurrency: int = Field(default=4, ge=1, le=32)
    bind: dict[str, Bound] = Field(default_factory=dict, description="The other inputs of the graph.")
    reduce: dict[str, Reducer] = Field(default_factory=dict)
    writes: str | None = Field(default=None, pattern=NAME)

    @property
    def reads(self) -> list[str]:
        return list(dict.fromkeys([path_parts(self.over)[0], *bound_keys(self.bind.values())]))


class ForkStep(Declared):
    """All branches are taken, each as a child run with its own copy of the state, until the fork's join."""

    kind: Literal["fork"] = "fork"
    visits: ClassVar[None] = None
    writes: ClassVar[None] = None
    reads: ClassVar[list[str]] = []
    fork: list[Annotated[str, Field(pattern=NAME)]] = Field(min_length=2, description="The branches, by name.")
    concurrency: int = Field(default=4, ge=1, le=32)


class JoinStep(Declared):
    """Goes on when every branch of its fork has ended; keys that several branches write need a reducer."""

    kind: Literal["join"] = "join"
    visits: ClassVar[None] = None
    writes: ClassVar[None] = None
    reads: ClassVar[list[str]] = []
    join: str = Field(description="The fork.")
    reduce: dict[str, Reducer] = Field(default_factory=dict)


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
    | Annotated[RouteStep, Tag("route")]
    | Annotated[PythonStep, Tag("python")]
    | Annotated[ActStep, Tag("act")]
    | Annotated[CallStep, Tag("call")]
    | Annotated[CompensateStep, Tag("compensate")]
    | Annotated[ApproveStep, Tag("approve")]
    | Annotated[WaitStep, Tag("wait")]
    | Annotated[GraphStep, Tag("graph")]
    | Annotated[MapStep, Tag("map")]
    | Annotated[ForkStep, Tag("fork")]
    | Annotated[JoinStep, Tag("join")],
    Discriminator("kind"),
]

Performing = ActStep | CallStep | CompensateStep
"""Steps that propose one action, which the gate judges and the monitor performs."""

Nested = GraphStep | MapStep
"""Steps that run another graph."""


def outcomes(step: Step) -> tuple[str, ...]:
    """The closed outcomes of `step`; a plain edge means the first, where `plain_outcome` allows one."""
    known = OUTCOMES[step.kind]
    match step:
        case RouteStep():
            return (*step.card.labels, *known)
        case ForkStep():
            return tuple(step.fork)
        case GraphStep():
            return tuple(dict.fromkeys([known[0], *ends(step.spec), *known[1:]]))
    return known


def plain_outcome(step: Step) -> str | None:
    """The outcome that an edge without `on` means; None where each edge must name its own."""
    return None if isinstance(step, RouteStep | ForkStep) else outcomes(step)[0]


class Edge(Declared):
    """One arrow.  `on` names outcomes of the source, `when` compares values of the state."""

    source: str
    on: list[str] = Field(default_factory=list, description="Outcomes; START has none.")
    target: str
    when: Conditions | None = Field(default=None, description="Comparisons by `$.path`; all must hold.")
    otherwise: bool = Field(default=False, description="Taken when no conditional sibling holds.")
    approval: str | None = Field(default=None, description="Name of the requirement on the target's action.")
    requires: Requirement | None = Field(default=None, description="What that name meant when the spec was made.")
    writes: str | None = Field(
        default=None, description="Key that receives the reviewer's answer, or on an edge of failure the error."
    )
    outcome: str | None = Field(default=None, description="For END: the name of this end.")
    keeps: list[str] = Field(
        default_factory=list, description="For a failed end: the steps whose effects stay as they are."
    )


class Spec(Declared):
    """One workflow, resolved: cards and requirements included, nothing left to look up but the tools."""

    graph: str = Field(pattern=GRAPH)
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

    @property
    def is_branch(self) -> bool:
        """Whether it is a branch of a fork, cut out of another graph."""
        return "." in self.graph

    def leaving(self, step: str, outcome: str | None = None) -> list[Edge]:
        """Edges out of `step`, in authored order, that `outcome` may take."""
        return [edge for edge in self.edges if edge.source == step and (outcome is None or outcome in edge.on)]

    def entering(self, step: str) -> list[Edge]:
        """Edges into `step`, in authored order."""
        return [edge for edge in self.edges if edge.target == step]


def keys_of(spec: Spec) -> list[str]:
    """Every key of the workflow's state, in order of first mention."""
    written = [step.writes for step in spec.steps.values()] + [edge.writes for edge in spec.edges]
    return list(dict.fromkeys([*spec.input, *(key for key in written if key), *spec.output]))


FAILED = ("failed", "exhausted")
"""Outcomes of a last step that end the run as failed."""


def ends(spec: Spec) -> list[str]:
    """The names of the ends a run of `spec` can reach, in authored order; an unnamed one is `done` or `failed`."""
    found = []
    for edge in spec.edges:
        if edge.target == END:
            bad = [word for word in edge.on if word in FAILED]
            names = [edge.outcome] if edge.outcome else ["failed"] * bool(bad) + ["done"] * (len(bad) < len(edge.on))
            found += [name for name in names if name]
    return list(dict.fromkeys(found))


def cards_of(spec: Spec) -> set[str]:
    """The node cards that a spec, and those it runs, were made from."""
    found = set()
    for step in spec.steps.values():
        if isinstance(step, GraphStep | MapStep):
            found |= cards_of(step.spec)
        elif isinstance(step, ReasonStep | RouteStep | ActStep | PythonStep):
            found.add(step.card.node)
    return found


def awaited(spec: Spec) -> list[WaitStep]:
    """The steps of a spec, and of those it runs, that wait for an event."""
    found = []
    for step in spec.steps.values():
        if isinstance(step, WaitStep) and step.event is not None:
            found.append(step)
        elif isinstance(step, GraphStep | MapStep):
            found += awaited(step.spec)
    return found


GraphStep.model_rebuild()
MapStep.model_rebuild()
Spec.model_rebuild()
