"""From a spec to LangGraph's StateGraph.

Every edge is a conditional edge with a closed path map, and every node returns a plain dict of keys it
may write.  A step becomes the nodes that `nodes.kinds` lists for its kind, so that each is a checkpoint
of its own.  The graph only routes: a position is believed when the store recorded it, and an effect
happens when the monitor finds it authorised.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from typing import Any, TypedDict

from langchain_core.runnables import RunnableConfig
from langgraph.checkpoint.base import BaseCheckpointSaver
from langgraph.graph import END as GRAPH_END
from langgraph.graph import START as GRAPH_START
from langgraph.graph import StateGraph
from langgraph.graph.state import CompiledStateGraph
from langgraph.types import interrupt

from interlock.digest import plain
from interlock.engine.beginning import begin
from interlock.engine.durable import Durable
from interlock.errors import InputError, ProjectError, Refused
from interlock.graphs.bind import path_parts
from interlock.graphs.proofs.bounds import bounds
from interlock.graphs.spec import END, FAILED, START, Edge, JoinStep, Spec, keys_of
from interlock.nodes import spans
from interlock.nodes.kinds import Node, may_write, nodes_of
from interlock.nodes.moves import Leave, Onward
from interlock.nodes.services import Place, Services
from interlock.nodes.wrote import recorded_writes
from interlock.policies.comparing import compare
from interlock.store.tables import Visit

State = Mapping[str, Any]
Update = dict[str, Any]

BEGIN, FINISH = "begin", "finish"
VISITS, EDGE, NEXT, REQUEST, WROTE = "_visits", "_edge", "_next", "_request", "_wrote"
INTERNAL = (VISITS, EDGE, NEXT, REQUEST, WROTE)
TROUBLE = ("failed", "exhausted", "rejected", "expired", "denied", "abstained")
"""The outcomes of a last step that its run tells as its error."""

UNROUTED = -1
"""In place of an edge: no edge takes the outcome, so the run ends as failed."""


def compile_spec(
    spec: Spec,
    services: Callable[[], Services],
    checkpointer: BaseCheckpointSaver[str] | None = None,
    *,
    digest: str | None = None,
) -> CompiledStateGraph[Any, Any, Any, Any]:
    """The compiled graph of `spec`.

    Args:
        services: called when a node first needs them, so that compiling opens no database.
        digest: what runs of the spec are pinned to, where that was computed by an earlier release.
    """
    keys = keys_of(spec)
    builder: StateGraph[Any, Any, Any, Any] = StateGraph(
        _schema("State", [*keys, *INTERNAL]),
        input_schema=_schema("Input", list(spec.input)),
        output_schema=_schema("Output", spec.output or keys),
    )
    compiled = _Compiler(spec, digest or spec.digest(), services, builder)
    compiled.add_all()
    graph = Durable.of(builder.compile(checkpointer=checkpointer, name=spec.graph))
    return graph.with_config(recursion_limit=recursion_limit(spec))


def recursion_limit(spec: Spec) -> int:
    """Super-steps that one drive of a run can need: every node of every possible visit, and the two ends.

    Between two waits of a run no node of a visit runs more often than the edits of its action allow.
    """
    return 8 * max(bounds(spec).steps or 1, 1) + 50


def _schema(name: str, keys: list[str]) -> Any:
    return TypedDict(name, dict.fromkeys(keys, Any), total=False)  # type: ignore[operator]  # keys are data


def _condition_keys(edges: list[Edge]) -> set[str]:
    return {path_parts(path)[0] for edge in edges for path in edge.when or {}}


class _Compiler:
    def __init__(
        self, spec: Spec, digest: str, services: Callable[[], Services], builder: StateGraph[Any, Any, Any, Any]
    ) -> None:
        self.spec = spec
        self.digest = digest
        self.services = services
        self.builder = builder
        self.nodes = {name: nodes_of(spec, name) for name in spec.steps}
        self.may_write = {name: may_write(spec, name) for name in spec.steps}
        self.joins = {step.join: name for name, step in spec.steps.items() if isinstance(step, JoinStep)}
        """Each fork with its join, where its branches' child runs come together again."""

    def add_all(self) -> None:
        starts = self.spec.leaving(START)
        self._node(BEGIN, self._begin, [*self.spec.input, *_condition_keys(starts)], self._targets(starts))
        self.builder.add_edge(GRAPH_START, BEGIN)
        for name, nodes in self.nodes.items():
            leaving = self.spec.leaving(name)
            out = self._targets(leaving) | {FINISH}
            if name in self.joins:
                out |= {self._entry(self.joins[name])}
            for place, node in enumerate(nodes):
                reads = [*node.reads, *_condition_keys(leaving)]
                self._step(node, name, reads, out | {other.of(name) for other in nodes[1:]}, first=place == 0)
        self._node(FINISH, self._finish, [*self.spec.output, EDGE, WROTE], set())
        self.builder.add_edge(FINISH, GRAPH_END)

    def _begin(self, state: State, config: RunnableConfig) -> Update:
        services, run_id = self.services(), _run_id(config)
        values = {key: state[key] for key in self.spec.input if key in state}
        whole = begin(run_id, self.spec, self.digest, values, services)
        return whole | self._leave(START, 0, run_id, Leave(""), whole, services) | {VISITS: {}}

    def _finish(self, state: State, config: RunnableConfig) -> Update:
        services, run_id = self.services(), _run_id(config)
        self._own(run_id, services)
        visits = services.runs.visits(run_id)
        last = visits[-1] if visits else None
        if not at_end(self.spec, last, services.runs.get(run_id).input):
            raise Refused(f"run {run_id} is not at its end; its position was changed from outside.")
        left_by = last.left_by if last else choose(self.spec, START, "", services.runs.get(run_id).input)
        edge = self.spec.edges[left_by] if left_by is not None and left_by != UNROUTED else None
        outcome = last.outcome if last else "done"
        failed = edge is None or outcome in FAILED
        wrote = state.get(WROTE) or []
        services.runs.end(
            run_id,
            "failed" if failed else "done",
            outcome=(edge.outcome if edge and edge.outcome else None) or ("failed" if failed else "done"),
            output={
                key: state[key]
                for key in self.spec.output
                if state.get(key) is not None and (key in wrote or not self.spec.is_branch)
            },
            error=(last.note or f"{last.step}: {outcome}") if last and (failed or outcome in TROUBLE) else None,
            by_itself=True,
        )
        return {NEXT: ""}

    def _step(self, node: Node, step: str, reads: list[str], out: set[str], *, first: bool) -> None:
        def run(state: State, config: RunnableConfig) -> Update:
            if node.waits:
                interrupt(state[REQUEST])
            services, run_id = self.services(), _run_id(config)
            self._own(run_id, services)
            visits = dict(state.get(VISITS) or {})
            update: Update = {}
            if first:
                visits[step] = visits.get(step, 0) + 1
                update[VISITS] = visits
                refused = self._enter(step, visits[step], state.get(EDGE), run_id, services)
                if refused is not None:
                    return update | self._leave(step, visits[step], run_id, refused, state, services)
            place = Place(run_id, self.spec, self.digest, step, visits.get(step, 0))
            if not first:
                services.runs.require(place.run, place.step, place.visit)
            with spans.step(place, node.of(step)) as traced:
                move = node.body(place, {key: state.get(key) for key in node.reads}, services)
                traced.left(move)
            if isinstance(move, Onward):
                return update | {NEXT: f"{step}.{move.node}", REQUEST: plain(move.request)}
            if not isinstance(move, Leave):
                raise ProjectError(f"step {step} answered with {type(move).__name__}; only a move may leave a node.")
            return update | self._leave(step, place.visit, run_id, move, state, services)

        self._node(node.of(step), run, [*reads, VISITS, EDGE, WROTE, *([REQUEST] if node.waits else [])], out)

    def _own(self, run_id: str, services: Services) -> None:
        """A run goes on under the spec it started with, whoever compiled another one for its id."""
        if services.runs.get(run_id).spec_digest != self.digest:
            raise Refused(f"run {run_id} was started under another version of its workflow; resume it under that one.")

    def _enter(self, step: str, visit: int, edge: Any, run_id: str, services: Services) -> Leave | None:
        """Enter the step in the store, or say that its visits are used up."""
        limit = self.spec.steps[step].visits
        exhausted = limit is not None and visit > limit
        known = isinstance(edge, int) and 0 <= edge < len(self.spec.edges) and self.spec.edges[edge].target == step
        if known and self.spec.edges[edge].source == START:
            known = edge == choose(self.spec, START, "", services.runs.get(run_id).input)
        if not known:
            raise Refused(f"run {run_id} is not at the way into {step}; its position was changed from outside.")
        services.runs.enter(
            run_id,
            step,
            visit,
            entered_by=edge,
            first=self.spec.edges[edge].source == START,
            counts=not exhausted,
        )
        return Leave("exhausted", note=f"visited {limit} times") if exhausted else None

    def _leave(self, step: str, visit: int, run_id: str, move: Leave, state: State, services: Services) -> Update:
        undeclared = sorted(set(move.writes) - self.may_write.get(step, set()))
        if undeclared:
            raise ProjectError(f"step {step} wrote {', '.join(undeclared)}, which it does not declare.")
        writes = {key: plain(value) for key, value in move.writes.items()}
        index = move.edge if move.edge is not None else choose(self.spec, step, move.outcome, {**state, **writes})
        edge = self.spec.edges[index] if index != UNROUTED else None
        told = edge.writes if edge is not None and edge.approval is None and step != START else None
        errors = {told: plain(_error(step, move))} if told else {}
        writes |= errors
        if step != START:
            place = Place(run_id, self.spec, self.digest, step, visit)
            services.runs.leave(
                run_id,
                step,
                visit,
                outcome=move.outcome,
                left_by=index,
                note=move.note,
                error_kind=move.kind,
                wrote=recorded_writes(place, move, writes, errors.keys(), state, services),
            )
        wrote = sorted({*(state.get(WROTE) or []), *writes})
        return writes | {
            EDGE: index,
            NEXT: self._entry(edge.target) if edge is not None else FINISH,
            REQUEST: None,
            WROTE: wrote,
        }

    def _entry(self, target: str) -> str:
        return FINISH if target == END else self.nodes[target][0].of(target)

    def _targets(self, edges: list[Edge]) -> set[str]:
        return {self._entry(edge.target) for edge in edges}

    def _node(self, name: str, body: Any, reads: list[str], out: set[str]) -> None:
        self.builder.add_node(name, body, input_schema=_schema(f"Reads_{name.replace('.', '_')}", sorted({*reads})))
        if out:
            self.builder.add_conditional_edges(name, _next, {target: target for target in sorted(out)})


def _next(state: State) -> str:
    return str(state[NEXT])


def _error(step: str, move: Leave) -> dict[str, str]:
    """What an edge of failure tells the steps after it."""
    return {"step": step, "outcome": move.outcome, "kind": move.kind or move.outcome, "message": move.note or ""}


def _run_id(config: RunnableConfig) -> str:
    run_id = config.get("configurable", {}).get("thread_id")
    if not isinstance(run_id, str):
        raise InputError('a run needs an id: pass config={"configurable": {"thread_id": "run-..."}}.')
    return run_id


def choose(spec: Spec, step: str, outcome: str, values: State) -> int:
    """Index of the edge that leaves `step` by `outcome`: the first whose conditions hold, else its `else`."""
    otherwise = UNROUTED
    for index, edge in enumerate(spec.edges):
        if edge.source != step or (step != START and outcome not in edge.on):
            continue
        if edge.otherwise:
            otherwise = index
        elif all(_holds(path, comparison, values) for path, comparison in (edge.when or {}).items()):
            return index
    return otherwise


def at_end(spec: Spec, last: Visit | None, values: State) -> bool:
    """Whether the run's last recorded move, or its start with these `values`, leads to END."""
    left_by = last.left_by if last else choose(spec, START, "", values)
    return left_by is not None and (left_by == UNROUTED or spec.edges[left_by].target == END)


def _holds(path: str, comparison: Any, values: State) -> bool:
    found: Any = values
    for part in path_parts(path):
        found = found.get(part) if isinstance(found, Mapping) else None
    return found is not None and compare(comparison, found)
