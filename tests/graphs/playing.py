"""Every run of a small workflow, played: the branches of a fork each to every end, and then joined.

The proofs look at single facts along arcs; this looks at whole states along runs, so the two have little
in common but the meaning of the words.
"""

from __future__ import annotations

import heapq
from collections.abc import Iterator
from dataclasses import dataclass, field
from itertools import count, product
from typing import Any, Protocol

from interlock.graphs.endings import possible
from interlock.graphs.spec import END, START, UNROUTED_ENDS, Edge, ForkStep, JoinStep, Spec, Step, outcomes

State = Any


class Question(Protocol):
    """What is kept of a run's past, and what is looked for."""

    def begin(self) -> State: ...

    def enter(self, step: str, edge: Edge, state: State, length: int) -> None:
        """The run takes `edge` into `step`; `length` counts the steps of the walk, START and this one included."""

    def leave(self, name: str, step: Step, outcome: str, edge: Edge, state: State) -> list[State]:
        """What may be kept once a step that was entered by `edge` has ended."""

    def take(self, edge: Edge, state: State) -> State: ...

    def fork(self, inside: set[str], state: State) -> State: ...

    def join(self, block: dict[str, set[str]], before: State, ends: dict[str, State], failed: bool) -> list[State]: ...

    def fail(self, name: str, outcome: str, edge: Edge | None, state: State, length: int) -> None:
        """The run ends as failed, over `edge` or because there is none."""


@dataclass
class Play:
    """All runs of one workflow under one question."""

    spec: Spec
    question: Question
    known: dict[Any, tuple[dict[tuple[bool, State], int], list[Any]]] = field(default_factory=dict)

    def run(self) -> None:
        starts = [(1, edge, self.question.begin()) for edge in self.spec.leaving(START)]
        _, said = self._region(starts, None)
        for tell, *rest, length in said:
            getattr(self.question, tell)(*rest, length)

    def _region(
        self, starts: list[tuple[int, Edge, State]], join: str | None
    ) -> tuple[dict[tuple[bool, State], int], list[Any]]:
        """The ends of a region, failed or not, each with the shortest way; and what there is to tell."""
        order = count()
        heap: list[Any] = []
        ends: dict[tuple[bool, State], int] = {}
        said: list[Any] = []
        seen: set[Any] = set()

        def push(length: int, edge: Edge, state: State) -> None:
            state = self.question.take(edge, state)
            if edge.target == join:
                ends[False, state] = min(length, ends.get((False, state), length))
            elif edge.target != END:
                heapq.heappush(heap, (length + 1, next(order), edge, state))

        def end(name: str, outcome: str, length: int, states: list[State]) -> None:
            edges = self.spec.leaving(name, outcome)
            for state in states:
                for edge in edges:
                    if edge.target == END and outcome in UNROUTED_ENDS:
                        said.append(("fail", name, outcome, edge, state, length + 1))
                    push(length, edge, state)
                if not edges and outcome in UNROUTED_ENDS:
                    if join is None:
                        said.append(("fail", name, outcome, None, state, length + 1))
                    else:
                        ends[True, state] = min(length, ends.get((True, state), length))

        for length, edge, state in starts:
            push(length, edge, state)
        while heap:
            length, _, edge, state = heapq.heappop(heap)
            name = edge.target
            if (name, id(edge), state) in seen:
                continue
            seen.add((name, id(edge), state))
            said.append(("enter", name, edge, state, length))
            step = self.spec.steps[name]
            if isinstance(step, ForkStep):
                for failed, after, way in self._fork(name, step, state, length, said):
                    end(self._join_of(name), "failed" if failed else "done", way, after)
                continue
            for outcome in outcomes(step):
                if possible(step, outcome):
                    end(name, outcome, length, self.question.leave(name, step, outcome, edge, state))
        return ends, said

    def _join_of(self, fork: str) -> str:
        return next(name for name, step in self.spec.steps.items() if isinstance(step, JoinStep) and step.join == fork)

    def _inside(self, fork: str, branch: str) -> set[str]:
        join = self._join_of(fork)
        found: set[str] = set()
        waiting = [edge.target for edge in self.spec.leaving(fork, branch)]
        while waiting:
            name = waiting.pop()
            if name not in found and name != join:
                found.add(name)
                waiting += [edge.target for edge in self.spec.leaving(name)]
        return found

    def _fork(
        self, name: str, step: ForkStep, state: State, length: int, said: list[Any]
    ) -> Iterator[tuple[bool, list[State], int]]:
        """Each way in which the branches can end together, with the length of the shortest of them."""
        join = self._join_of(name)
        block = {branch: self._inside(name, branch) for branch in step.fork}
        inside = set().union(*block.values())
        entered = self.question.fork(inside, state)
        results = []
        for branch in step.fork:
            key = (name, branch, entered)
            if key not in self.known:
                starts = [(0, edge, entered) for edge in self.spec.leaving(name, branch)]
                self.known[key] = self._region(starts, join)
            ends, told = self.known[key]
            said += [(*rest, length + inner) for *rest, inner in told]
            results.append(ends)
        shortest: dict[tuple[bool, State], int] = {}
        for together in product(*(ends.items() for ends in results)):
            failed = any(bad for (bad, _), _ in together)
            states = {branch: after for branch, ((_, after), _) in zip(step.fork, together, strict=True)}
            way = length + min(inner for _, inner in together) + 1
            for after in self.question.join(block, state, states, failed):
                shortest[failed, after] = min(way, shortest.get((failed, after), way))
        for (failed, after), way in shortest.items():
            yield failed, [after], way
