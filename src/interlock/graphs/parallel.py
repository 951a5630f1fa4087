"""The proof that forks and joins are blocks, and the blocks themselves.

A block is a fork, its branches and its join.  Each branch runs as a child run, so nothing may lead
into it or out of it but the edge from the fork and edges to the join.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field

from interlock.graphs.fault import Fault
from interlock.graphs.spec import END, START, ForkStep, JoinStep, Spec
from interlock.source import hint_for

FAILING = "!"
"""Ends the name of the second node of a join: the one that is left by `failed`."""

Inside = tuple[str, str]
"""A branch: the fork and the branch's name."""


@dataclass(frozen=True)
class Block:
    """A fork with its join; `branches` holds every step of each branch, those of inner blocks included."""

    fork: str
    join: str
    branches: Mapping[str, tuple[str, ...]]


@dataclass(frozen=True)
class Blocks:
    """The well-formed blocks of a spec, by their fork, and the innermost branch that each step lies in."""

    of: Mapping[str, Block] = field(default_factory=dict)
    home: Mapping[str, Inside] = field(default_factory=dict)
    joins: Mapping[str, str] = field(default_factory=dict)
    """The fork of each join."""

    def around(self, name: str) -> Iterator[Inside]:
        """The branches that a step lies in, innermost first."""
        at = self.home.get(name)
        while at is not None:
            yield at
            at = self.home.get(at[0])

    def inner_first(self) -> list[str]:
        """The forks, each after those that lie in its branches."""
        return sorted(self.of, key=self.depth, reverse=True)

    def depth(self, name: str) -> int:
        """How many branches a step lies in."""
        return sum(1 for _ in self.around(name))


def blocks(spec: Spec) -> tuple[Blocks, list[Fault]]:
    """The blocks of `spec`, and what keeps forks and joins from being blocks; with a fault there are none."""
    faults = list(_unpaired(spec))
    if faults or not any(isinstance(step, ForkStep) for step in spec.steps.values()):
        return Blocks(), faults
    leaving: dict[str, list[int]] = {}
    entering: dict[str, list[int]] = {}
    for index, edge in enumerate(spec.edges):
        leaving.setdefault(edge.source, []).append(index)
        entering.setdefault(edge.target, []).append(index)
    edges = _Edges(spec, leaving, entering, {name: place for place, name in enumerate(spec.steps)})
    found: dict[str, Block] = {}
    for name, step in spec.steps.items():
        if isinstance(step, JoinStep):
            block, fault = edges.block(step.join, name)
            if fault is not None:
                faults.append(fault)
            elif block is not None:
                found[step.join] = block
    if not faults:
        faults += _crossed(spec, found)
    if faults:
        return Blocks(), faults
    home: dict[str, Inside] = {}
    for block in sorted(found.values(), key=lambda one: -sum(map(len, one.branches.values()))):
        for branch, names in block.branches.items():  # inner blocks come later and overwrite
            home |= dict.fromkeys(names, (block.fork, branch))
    home |= {block.join + FAILING: home[block.join] for block in found.values() if block.join in home}
    return Blocks(found, home, {block.join: fork for fork, block in found.items()}), []


def _unpaired(spec: Spec) -> Iterator[Fault]:
    """Forks without exactly one join, joins without a fork, and branches that are not one plain edge to a step."""
    joined: dict[str, str] = {}
    forks = {name: step for name, step in spec.steps.items() if isinstance(step, ForkStep)}
    for name, step in spec.steps.items():
        if not isinstance(step, JoinStep):
            continue
        if step.join not in forks:
            message = f"`{step.join}` is no fork"
            yield Fault("G211", message, ("steps", name, "join"), hint=hint_for(step.join, forks))
        elif step.join in joined:
            yield Fault("G211", f"`{step.join}` is already joined by `{joined[step.join]}`", ("steps", name, "join"))
        else:
            joined[step.join] = name
    for fork in forks:
        if fork not in joined:
            hint = f"add a step with `join: {fork}`"
            yield Fault("G211", f"no step joins the branches of `{fork}`", ("steps", fork), key=True, hint=hint)
    for index, edge in enumerate(spec.edges):
        if edge.source not in forks:
            continue
        if edge.when is not None or edge.otherwise:
            message = "every branch of a fork is taken, so its edge has no condition"
            key = "when" if edge.when is not None else "else"
            yield Fault("G211", message, ("edges", index, key), key=True)
        elif edge.target in (END, edge.source, joined.get(edge.source)):
            message = f"the branch `{edge.on[0]}` of `{edge.source}` holds no step"
            yield Fault("G211", message, ("edges", index, "to"), hint="lead it to a step")
        elif len(edge.on) > 1:
            message = f"`{edge.on[0]}` and `{edge.on[1]}` lead to the same step; each branch needs steps of its own"
            yield Fault("G211", message, ("edges", index, "on"), part=edge.on[1])


@dataclass
class _Edges:
    spec: Spec
    leaving: Mapping[str, list[int]]
    entering: Mapping[str, list[int]]
    order: Mapping[str, int]

    def block(self, fork: str, join: str) -> tuple[Block | None, Fault | None]:
        """The block between `fork` and `join`, or what keeps it from being one; neither where an edge is missing."""
        step = self.spec.steps[fork]
        assert isinstance(step, ForkStep)
        owner: dict[str, str] = {}
        members: dict[str, list[str]] = {branch: [] for branch in step.fork}
        for branch in step.fork:
            entries = [index for index in self.leaving.get(fork, ()) if branch in self.spec.edges[index].on]
            if len(entries) != 1:
                return None, None  # the outcome goes nowhere or twice, which is said elsewhere
            waiting = [entries[0]]
            while waiting:
                index = waiting.pop()
                target = self.spec.edges[index].target
                if target in (END, fork) or owner.get(target, branch) != branch:
                    return None, self._leaving(fork, join)
                if target == join or target in owner:
                    continue
                owner[target] = branch
                members[branch].append(target)
                waiting += self.leaving.get(target, ())
        for name, branch in owner.items():
            for index in self.entering.get(name, ()):
                edge = self.spec.edges[index]
                if owner.get(edge.source) != branch and not (edge.source == fork and branch in edge.on):
                    return None, _entering(index, name, fork, branch)
        for index in self.entering.get(join, ()):
            if self.spec.edges[index].source not in owner:
                message = f"`{join}` joins the branches of `{fork}`; only steps of these may lead to it"
                return None, Fault("G211", message, ("edges", index, "to"))
        found = {branch: tuple(sorted(names, key=self.order.__getitem__)) for branch, names in members.items()}
        return Block(fork, join, found), None

    def _leaving(self, fork: str, join: str) -> Fault:
        """The first edge that leaves a branch for somewhere else than the join.

        A step belongs to the branch when it can be reached only through the branch's own edge.
        """
        step = self.spec.steps[fork]
        assert isinstance(step, ForkStep)
        owner: dict[str, str] = {}
        for branch in step.fork:
            entry = next(index for index in self.leaving[fork] if branch in self.spec.edges[index].on)
            without = self._reached([START], without=entry)
            inside = self._reached([self.spec.edges[entry].target], stop=join)
            owner |= {name: branch for name in inside if name not in without and name != END}
        for index, edge in enumerate(self.spec.edges):
            branch = owner.get(edge.source, "")
            if edge.source == fork:
                for word in edge.on:
                    if owner.get(edge.target) != word:
                        for other in self.entering.get(edge.target, ()):
                            source = self.spec.edges[other].source
                            if source != fork and owner.get(source) != word:
                                return _entering(other, edge.target, fork, word)
                        return _entering_twice(index, edge.target, fork, word)
            elif branch and owner.get(edge.target) != branch and edge.target != join:
                if END not in self._reached([edge.target], stop=join):
                    # everything from there comes to the join, so the step is of a branch and entered from elsewhere
                    for other in self.entering.get(edge.target, ()):
                        if self.spec.edges[other].source not in owner:
                            return _entering(other, edge.target, fork, branch)
                where = edge.target if edge.target != END else "END"
                message = f"the branch `{branch}` of `{fork}` is left for `{where}`; it can only end at `{join}`"
                return Fault("G211", message, ("edges", index, "to"), hint=f"lead it to `{join}`")
        message = f"the branches of `{fork}` do not all end at `{join}`"
        return Fault("G211", message, ("steps", fork), key=True)

    def _reached(self, start: list[str], without: int = -1, stop: str = "") -> set[str]:
        found = set(start)
        waiting = list(found)
        while waiting:
            name = waiting.pop()
            for index in self.leaving.get(name, ()) if name != stop else ():
                target = self.spec.edges[index].target
                if index != without and target not in found:
                    found.add(target)
                    waiting.append(target)
        return found - {stop}


def _entering(index: int, name: str, fork: str, branch: str) -> Fault:
    message = f"`{name}` lies in the branch `{branch}` of `{fork}`, which is entered only from `{fork}`"
    return Fault("G211", message, ("edges", index, "to"))


def _entering_twice(index: int, name: str, fork: str, branch: str) -> Fault:
    message = f"the branch `{branch}` of `{fork}` leads to `{name}`, which can also be reached without it"
    return Fault("G211", message, ("edges", index, "to"), hint="give the branch steps of its own")


def _crossed(spec: Spec, found: Mapping[str, Block]) -> Iterator[Fault]:
    """Blocks that overlap without one lying in a branch of the other."""
    for block in found.values():
        for branch, names in block.branches.items():
            inside = set(names)
            for name in names:
                step = spec.steps[name]
                pair = step.join if isinstance(step, JoinStep) else found[name].join if name in found else name
                if pair not in inside:
                    message = f"`{name}` lies in the branch `{branch}` of `{block.fork}`, but `{pair}` does not"
                    yield Fault("G211", message, ("steps", name), key=True)
