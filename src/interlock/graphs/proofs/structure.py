"""Proofs of structure: outcomes are closed, every step is reached, and END can be reached from each."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Set

from interlock.graphs.endings import possible
from interlock.graphs.fault import Fault
from interlock.graphs.flow import Flow, cycle, failing, reachable, reverse, shown
from interlock.graphs.spec import END, START, UNROUTED_ENDS, Edge, ForkStep, Performing, Spec, Step, outcomes
from interlock.tools.action import Action


def consequential(step: Step, actions: Mapping[str, Action]) -> list[str]:
    """The actions of `step` that change something; an unknown action is taken for one that does."""
    if not isinstance(step, Performing):
        return []
    return [name for name in step.actions if name not in actions or actions[name].consequential]


def required(step: Step, outcome: str, actions: Mapping[str, Action]) -> bool:
    """Whether `outcome` needs an edge; those of `UNROUTED_ENDS` end the run as failed without one."""
    if outcome in UNROUTED_ENDS:
        return False
    if outcome in ("rejected", "expired", "denied") and isinstance(step, Performing):
        return bool(consequential(step, actions))
    return possible(step, outcome)


def closed(spec: Spec, actions: Mapping[str, Action], unsure: Set[str]) -> Iterator[Fault]:
    """Each outcome of each step leaves by exactly one edge, whatever the values are.

    Steps in `unsure` have edges that could not be read; nothing is said about them.
    """
    leaving: dict[tuple[str, str], list[int]] = {}
    for index, edge in enumerate(spec.edges):
        for outcome in edge.on or [""]:
            leaving.setdefault((edge.source, outcome), []).append(index)
    if START not in unsure:
        if (START, "") not in leaving:
            yield Fault("G026", "no edge leaves START", ("edges",), key=True, hint="add `START -> STEP`")
        else:
            yield from _branches(spec, START, "", leaving[START, ""])
    for name, step in spec.steps.items():
        missing = []
        for outcome in outcomes(step):
            indices = leaving.get((name, outcome), [])
            if indices:
                if isinstance(step, ForkStep) and any(conditional(spec.edges[index]) for index in indices):
                    continue  # a branch has no condition at all, which is said there
                yield from _branches(spec, name, outcome, indices)
                if not possible(step, outcome):
                    yield _impossible(name, outcome, indices[0])
            elif name not in unsure and required(step, outcome, actions):
                missing.append(outcome)
        if missing:
            words = ", ".join(f"`{outcome}`" for outcome in missing)
            on = missing[0] if len(missing) == 1 else f"[{', '.join(missing)}]"
            hint = f"add {{from: {name}, on: {on}, to: …}}"
            verb = "goes" if len(missing) == 1 else "go"
            yield Fault("G023", f"{words} of `{name}` {verb} nowhere", ("steps", name), key=True, hint=hint)


def _impossible(name: str, outcome: str, index: int) -> Fault:
    reason = {
        "exhausted": "it has no `visits`",
        "expired": "only an event can fail to come",
        "failed": "only a moment found in the state can be none",
        "done": "its graph names all its ends",
    }.get(outcome, "its card asks a person instead")
    message = f"`{name}` never ends with `{outcome}`: {reason}"
    return Fault("G031", message, ("edges", index, "on"), part=outcome, severity="warning")


def _branches(spec: Spec, source: str, outcome: str, indices: list[int]) -> Iterator[Fault]:
    what = f"`{outcome}` of `{source}`" if outcome else "START"
    conditional = [index for index in indices if spec.edges[index].when is not None]
    otherwise = [index for index in indices if spec.edges[index].otherwise]
    plain = [index for index in indices if index not in conditional and index not in otherwise]
    if len(plain) > 1 and not conditional and not otherwise:
        yield Fault("G024", f"{what} already goes to `{spec.edges[plain[0]].target}`", ("edges", plain[1], "to"))
    elif conditional and plain:
        message = f"{what} has conditional edges, so its last edge must say `else: true`"
        yield Fault("G025", message, ("edges", plain[0]), hint="add `else: true`")
    elif conditional and not otherwise:
        message = f"{what} goes nowhere when no condition holds"
        yield Fault("G025", message, ("edges", conditional[-1], "when"), key=True, hint="add an edge with `else: true`")
    elif len(otherwise) > 1:
        yield Fault("G025", f"{what} has a second `else`", ("edges", otherwise[1], "else"), key=True)
    elif otherwise and not conditional:
        yield Fault("G025", f"{what} has an `else` but no condition", ("edges", otherwise[0], "else"), key=True)


def conditional(edge: Edge) -> bool:
    """Whether an edge is taken by what the state holds."""
    return edge.when is not None or edge.otherwise


def connected(spec: Spec, flow: Flow) -> Iterator[Fault]:
    """Every step is reached from START, and from every reached step END can be reached."""
    successors = _drawn(spec, flow)
    reached = reachable(successors, [START])
    ending = reachable(reverse(successors), [END])
    for index, edge in enumerate(spec.edges):
        if edge.source in flow.blocks.joins and "failed" in edge.on and not flow.leaving[failing(edge.source)]:
            message = f"`{edge.source}` never ends with `failed`: no failure ends a branch"
            yield Fault("G031", message, ("edges", index, "on"), part="failed", severity="warning")
    for name in spec.steps:
        if name not in reached:
            yield Fault("G027", f"the step `{name}` cannot be reached from START", ("steps", name), key=True)
        elif name not in ending:
            stuck = [node for node in successors if node in reached and node not in ending]
            path = shown(cycle(successors, stuck) or (name,))
            message = f"END cannot be reached from `{path[0]}`"
            yield Fault("G028", message, ("steps", path[0]), key=True, path=path)
            return  # the others that cannot end lie on the same or a following dead end


def _drawn(spec: Spec, flow: Flow) -> dict[str, list[str]]:
    """What follows each step by its possible outcomes.

    A join follows each branch by itself: one that cannot end is one fault, not one for every step beside it.
    """
    found: dict[str, list[str]] = {name: [] for name in (START, *spec.steps, END)}
    for edge in spec.edges:
        step = spec.steps.get(edge.source)
        failing_only = edge.source in flow.blocks.joins and edge.on == ["failed"]
        if failing_only and not flow.leaving[failing(edge.source)]:
            continue
        if step is None or any(possible(step, outcome) for outcome in edge.on):
            found[edge.source].append(edge.target)
    return found
