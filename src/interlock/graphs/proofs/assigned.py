"""The proof that every key is written before it is read, on all paths.

A forward must-analysis over sets of keys, as bits.  A step's own key counts only after its success;
the key of an approval edge only after the step it leads to was rejected by a reviewer.
"""

from __future__ import annotations

from collections import deque
from collections.abc import Iterator, Mapping
from dataclasses import dataclass

from interlock.graphs.bind import path_parts, sources, well_formed
from interlock.graphs.fault import Fault
from interlock.graphs.flow import Arc, Flow, failing, shortest
from interlock.graphs.parallel import FAILING, Blocks, Inside
from interlock.graphs.proofs.shapes import reports_error
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
    outcomes,
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
        for argument, value in step.bind.items():
            for part, path in sources(value).items():
                at: Loc = ("steps", name, "bind", argument)
                if well_formed(path):
                    yield Read(name, path_parts(path)[0], (*at, part) if part else at)
    if isinstance(step, ApproveStep) and step.covers in spec.steps:
        covered = spec.steps[step.covers]
        for key in dict.fromkeys(key for keys in bound_keys(covered).values() for key in keys):
            yield Read(name, key, ("steps", name, "covers"))


def bound_keys(step: Step) -> dict[str, tuple[str, ...]]:
    """The state keys behind each argument that is bound to what stands in the state."""
    if not isinstance(step, Binding):
        return {}
    return {
        argument: tuple(dict.fromkeys(path_parts(path)[0] for path in sources(value).values()))
        for argument, value in step.bind.items()
        if sources(value) and all(well_formed(path) for path in sources(value).values())
    }


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
    """Sets of keys as bits: one for a written key, one for a review that is still to be answered.

    In a branch they are the keys written since its fork; what was there at the fork is there as well.
    """

    def __init__(self, spec: Spec, blocks: Blocks) -> None:
        self.spec = spec
        self.blocks = blocks
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
        edge = self.spec.edges[arc.edge] if arc.edge is not None else None
        if edge is None or not edge.writes:
            return keys
        return keys | (self.bit[edge.writes] if reports_error(edge) else self.pending(edge.writes))


@dataclass(frozen=True)
class Surely:
    """The keys surely written when each reached node is entered, and at the end of each branch."""

    keys: Keys
    entered: Mapping[str, int]
    ended: Mapping[Inside, int]

    def at(self, name: str) -> int:
        """All keys surely there when `name` is entered, those from before the fork included."""
        found = self.entered[name]
        for fork, _ in self.keys.blocks.around(name):
            found |= self.entered[fork] & self.keys.written
        return found

    def lacking(self, fork: str, key: str) -> list[str]:
        """The branches of `fork` that may end without having written `key`."""
        bit = self.keys.bit.get(key, 0)
        branches = self.keys.blocks.of[fork].branches
        return [branch for branch in branches if not self.ended.get((fork, branch), 0) & bit]


def solve(keys: Keys, flow: Flow) -> Surely:
    """The keys surely written when each reached node is entered."""
    found: dict[str, int] = {START: keys.start}
    ended: dict[Inside, int] = {}
    waiting = deque([START])
    queued = {START}

    def arrive(node: str, now: int) -> None:
        before = found.get(node)
        if before is not None:
            now &= before
        if now != before:
            found[node] = now
            if node not in queued and node != END:
                queued.add(node)
                waiting.append(node)

    def join(fork: str) -> None:
        """After a join there is what was there at the fork, and what any of the branches has surely written."""
        block = flow.blocks.of[fork]
        branches = [(fork, branch) for branch in block.branches]
        if all(branch in ended for branch in branches):
            now = found[fork] & keys.written
            for branch in branches:
                now |= ended[branch]
            arrive(block.join, now)

    while waiting:
        name = waiting.popleft()
        queued.discard(name)
        if name in flow.blocks.of:
            join(name)
            if failing(flow.blocks.of[name].join) in found:
                arrive(failing(flow.blocks.of[name].join), found[name] & keys.written)
        for arc in flow.leaving.get(name, ()):
            if name in flow.blocks.of:
                arrive(arc.target, keys.after(arc, 0))
            elif arc.target in flow.blocks.joins:
                inside = flow.blocks.home[name]
                now = keys.after(arc, found[name]) & keys.written
                if ended.get(inside) != (now := now & ended.get(inside, now)):
                    ended[inside] = now
                    join(inside[0])
            elif arc.target.endswith(FAILING):
                # which of the branches' writes there are is not known, so only those before the fork count
                fork = flow.blocks.joins[arc.target.removesuffix(FAILING)]
                arrive(arc.target, found[fork] & keys.written)
            else:
                arrive(arc.target, keys.after(arc, found[name]))
    return Surely(keys, found, ended)


def assigned(spec: Spec, flow: Flow) -> Iterator[Fault]:
    """Every read of a key that may not be written yet, each key of a step once, with the shortest path to it."""
    keys = Keys(spec, flow.blocks)
    surely = solve(keys, flow)
    seen: set[tuple[str, str]] = set()
    for read in _reads(spec):
        node = read.step
        if node in flow.blocks.joins and read.outcome == "failed":
            node += FAILING
        if node not in surely.entered:
            continue
        if read.key not in keys.bit:
            if read.at[-1] != "covers":  # the covered step says so itself
                hint = hint_for(read.key, sorted(keys.bit))
                yield Fault("G101", f"nothing writes the key `{read.key}`", read.at, part=read.key, hint=hint)
            continue
        now = surely.at(node)
        if read.outcome is not None:
            now = keys.left(read.step, read.outcome, now)
        if now & keys.bit[read.key] or (read.step, read.key) in seen:
            continue
        seen.add((read.step, read.key))
        # A key that is written on one path and under review on the other is there on both; sets of bits
        # cannot say "or", so the search over single paths has the last word.
        if path := _without(flow, surely, read, node):
            message = f"`{read.key}` may not be written yet when `{read.step}` reads it"
            yield Fault("G102", message, read.at, part=read.key, path=path)


def _reads(spec: Spec) -> Iterator[Read]:
    for name in spec.steps:
        yield from reads_of(spec, name)
    for index, edge in enumerate(spec.edges):
        for path in edge.when or ():
            if well_formed(path):
                for outcome in edge.on or [""]:
                    yield Read(edge.source, path_parts(path)[0], ("edges", index, "when", path), outcome)


Missing = tuple[int, bool]
"""How deep a key is missing, and whether a review will write it.

The depth counts the branches around a step.  A key missing at depth 2 has not been written at all; one
missing at depth 1 was written since the inner fork, but not before it; at -1 it was there from the start.
"""


def _without(flow: Flow, surely: Surely, read: Read, node: str) -> tuple[str, ...]:
    """The shortest walk to `read` on which its key has not been written."""
    keys, blocks = surely.keys, flow.blocks
    wanted = keys.bit[read.key] | keys.pending(read.key)
    depths: dict[str, int] = {}

    def depth(name: str) -> int:
        if name not in depths:
            depths[name] = blocks.depth(name.removesuffix(FAILING))
        return depths[name]

    def left(arc: Arc, state: Missing, here: int) -> Missing:
        """The state once the source has ended."""
        held = (0 if state[0] == here else keys.bit[read.key]) | (keys.pending(read.key) if state[1] else 0)
        written = keys.left(arc.source, arc.outcome, held) & wanted
        return (here - 1 if written and state[0] == here else state[0]), False

    def after(arc: Arc, state: Missing) -> Missing:
        here = depth(arc.source)
        missing, _ = left(arc, state, here)
        edge = keys.spec.edges[arc.edge] if arc.edge is not None else None
        pending = False
        if edge is not None and edge.writes == read.key:
            pending = not reports_error(edge)
            missing = min(missing, here - 1) if not pending else missing
        if arc.source in blocks.of:
            missing += missing == here
        elif arc.target in blocks.joins:
            fork, branch = blocks.home[arc.source]
            others = [other for other in blocks.of[fork].branches if other != branch]
            if missing == here and set(others) <= set(surely.lacking(fork, read.key)):
                missing = here - 1
            else:
                missing = min(missing, here - 2)
        elif arc.target.endswith(FAILING):
            missing = min(missing, here - 1)
        return missing, pending

    def lacks(arc: Arc, state: Missing) -> bool:
        if read.outcome is None:
            return arc.target == node and after(arc, state)[0] == depth(node)
        return arc.source == node and arc.outcome == read.outcome and left(arc, state, depth(node))[0] == depth(node)

    start = (-1 if keys.start & keys.bit[read.key] else 0, False)
    found = shortest(flow, start, after, lacks)
    return tuple(found[0] if read.outcome is None else found[0][:-1]) if found else ()
