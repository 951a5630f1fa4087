"""The proof that every key is written before it is read, on all paths.

A forward must-analysis over sets of keys, as bits.  A step's own key counts only after its success;
the key of an approval edge only after the step it leads to was rejected by a reviewer.
"""

from __future__ import annotations

from collections import deque
from collections.abc import Iterator
from dataclasses import dataclass

from interlock.graphs.fault import Fault
from interlock.graphs.flow import Arc, Flow, shortest
from interlock.graphs.spec import (
    END,
    START,
    ActStep,
    ApproveStep,
    CallStep,
    CompensateStep,
    GraphStep,
    MapStep,
    RouteStep,
    Spec,
    Step,
    WaitStep,
    is_path,
    outcomes,
    path_parts,
)
from interlock.source import Loc, hint_for

Binding = ActStep | CallStep | CompensateStep | GraphStep | MapStep
"""Steps that bind arguments or inputs by name."""


@dataclass(frozen=True)
class Read:
    """A place where a step reads a key; an empty `outcome` means on entering, else on leaving."""

    step: str
    key: str
    at: Loc
    outcome: str | None = None


def reads_of(spec: Spec, name: str) -> Iterator[Read]:
    """Every key that a step reads on entering: declared reads, bindings, and those of the step it covers."""
    step = spec.steps[name]
    if isinstance(step, WaitStep) and step.until:
        yield Read(name, path_parts(step.until)[0], ("steps", name, "wait", "until"))
    if isinstance(step, MapStep):
        yield Read(name, path_parts(step.over)[0], ("steps", name, "map", "over"))
    if not isinstance(step, Binding | WaitStep) or isinstance(step, ActStep):
        for index, key in enumerate(step.reads):
            yield Read(name, key, ("steps", name, "reads", index))
    if isinstance(step, Binding):
        for argument, key in bound_keys(step).items():
            yield Read(name, key, ("steps", name, "bind", argument))
    if isinstance(step, ApproveStep) and step.covers in spec.steps:
        covered = spec.steps[step.covers]
        for key in dict.fromkeys(bound_keys(covered).values()):
            yield Read(name, key, ("steps", name, "covers"))


def bound_keys(step: Step) -> dict[str, str]:
    """The state key behind each argument that is bound to a path."""
    if not isinstance(step, Binding):
        return {}
    return {
        argument: path_parts(value)[0]
        for argument, value in step.bind.items()
        if isinstance(value, str) and is_path(value) and _well_formed(value)
    }


def _well_formed(path: str) -> bool:
    try:
        return bool(path_parts(path))
    except ValueError:
        return False


def writers(spec: Spec) -> set[str]:
    """Every key that the input, a step or an approval edge writes."""
    written = set(spec.input) | {step.writes for step in spec.steps.values() if step.writes}
    return written | {edge.writes for edge in spec.edges if edge.writes}


ANSWERED = ("rejected", "expired", "denied")
"""Outcomes of a step after which the review keys of the edges into it may have been written."""


def writing(step: Step) -> tuple[str, ...]:
    """The outcomes after which the key that the step writes is surely there.

    A rejection without a form is as full an answer as an approval; with one, its fields are missing,
    and with `covers` a rule may have rejected instead of a person.
    """
    plain = isinstance(step, ApproveStep) and not step.form and step.covers is None
    if isinstance(step, GraphStep):
        return tuple(outcome for outcome in outcomes(step) if outcome not in ("failed", "exhausted"))
    if isinstance(step, RouteStep):
        return tuple(step.card.labels)
    return outcomes(step)[: 2 if plain else 1]


class Keys:
    """Sets of keys as bits: one for a written key, one for a review that is still to be answered."""

    def __init__(self, spec: Spec) -> None:
        self.spec = spec
        self.bit = {key: 1 << place for place, key in enumerate(sorted(writers(spec)))}
        self.all = (1 << 2 * len(self.bit)) - 1
        self.written = (1 << len(self.bit)) - 1

    def pending(self, key: str) -> int:
        return self.bit[key] << len(self.bit)

    @property
    def start(self) -> int:
        return sum(self.bit[key] for key in self.spec.input)

    def left(self, source: str, outcome: str, keys: int) -> int:
        """The keys once `source`, entered with `keys`, has ended with `outcome`."""
        step = self.spec.steps.get(source)
        if step is None:
            return keys & self.written
        if step.writes and outcome in writing(step):
            keys |= self.bit[step.writes]
        if outcome == "rejected":
            keys |= keys >> len(self.bit)
        return keys & self.written

    def after(self, arc: Arc, keys: int) -> int:
        """The keys on entering the target of `arc`, whose source was entered with `keys`."""
        keys = self.left(arc.source, arc.outcome, keys)
        writes = self.spec.edges[arc.edge].writes
        return keys | self.pending(writes) if writes else keys


def solve(keys: Keys, flow: Flow) -> dict[str, int]:
    """The keys surely written when each reached step is entered."""
    found: dict[str, int] = {START: keys.start}
    waiting = deque([START])
    queued = {START}
    while waiting:
        name = waiting.popleft()
        queued.discard(name)
        for arc in flow.leaving.get(name, ()):
            before = found.get(arc.target)
            now = keys.after(arc, found[name]) & (keys.all if before is None else before)
            if now != before:
                found[arc.target] = now
                if arc.target not in queued and arc.target != END:
                    queued.add(arc.target)
                    waiting.append(arc.target)
    return found


def assigned(spec: Spec, flow: Flow) -> Iterator[Fault]:
    """Every read of a key that may not be written yet, each key of a step once, with the shortest path to it."""
    keys = Keys(spec)
    surely = solve(keys, flow)
    seen: set[tuple[str, str]] = set()
    for read in _reads(spec):
        if read.step not in surely:
            continue
        if read.key not in keys.bit:
            hint = hint_for(read.key, sorted(keys.bit))
            yield Fault("G101", f"nothing writes the key `{read.key}`", read.at, part=read.key, hint=hint)
            continue
        now = surely[read.step] if read.outcome is None else keys.left(read.step, read.outcome, surely[read.step])
        if now & keys.bit[read.key] or (read.step, read.key) in seen:
            continue
        seen.add((read.step, read.key))
        # A key that is written on one path and under review on the other is there on both; sets of bits
        # cannot say "or", so the search over single paths has the last word.
        if path := _without(spec, flow, keys, read):
            message = f"`{read.key}` may not be written yet when `{read.step}` reads it"
            yield Fault("G102", message, read.at, part=read.key, path=path)


def _reads(spec: Spec) -> Iterator[Read]:
    for name in spec.steps:
        yield from reads_of(spec, name)
    for index, edge in enumerate(spec.edges):
        for path in edge.when or ():
            if _well_formed(path):
                for outcome in edge.on or [""]:
                    yield Read(edge.source, path_parts(path)[0], ("edges", index, "when", path), outcome)


def _without(spec: Spec, flow: Flow, keys: Keys, read: Read) -> tuple[str, ...]:
    """The shortest walk to `read` on which its key has not been written."""
    wanted = keys.bit[read.key] | keys.pending(read.key)
    bit = keys.bit[read.key]

    def missing(arc: Arc, state: int) -> bool:
        if read.outcome is None:
            return arc.target == read.step and not keys.after(arc, state) & bit
        return (
            arc.source == read.step
            and arc.outcome == read.outcome
            and not keys.left(arc.source, arc.outcome, state) & bit
        )

    found = shortest(flow, keys.start & wanted, lambda arc, state: keys.after(arc, state) & wanted, missing)
    return tuple(found[0] if read.outcome is None else found[0][:-1]) if found else ()
