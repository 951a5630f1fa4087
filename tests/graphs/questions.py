"""What the oracle asks of every run: the meaning of the proofs, in whole states."""

from __future__ import annotations

from dataclasses import dataclass, field
from itertools import product
from typing import Any

from interlock.graphs.spec import (
    ApproveStep,
    CallStep,
    CompensateStep,
    Edge,
    PythonStep,
    ReasonStep,
    RouteStep,
    Spec,
    Step,
)

FAILURES = {"failed", "exhausted", "expired", "denied", "abstained"}
ORDER = ("user", "record", "model", "untrusted")


def is_error(edge: Edge) -> bool:
    """Whether the edge writes what went wrong."""
    return edge.approval is None and bool(edge.on) and set(edge.on) <= FAILURES


def key_of(step: Step) -> str | None:
    """The key that the step's only argument is bound to."""
    return str(step.bind["payee"])[2:] if isinstance(step, CallStep) else None


def changes(step: Step) -> bool:
    """Whether the step performs something that stands."""
    return isinstance(step, CallStep) and step.call != "house.look"


def surely_writes(step: Step, outcome: str) -> bool:
    """Whether the step's key is surely there after this outcome."""
    match step:
        case RouteStep():
            return outcome in step.card.labels
        case ApproveStep():
            return outcome == "approved" or (outcome == "rejected" and step.covers is None and not step.form)
    return outcome == "done"


@dataclass
class Asking:
    """The question of nothing: every method keeps the state as it is."""

    spec: Spec

    def begin(self) -> Any:
        return frozenset()

    def enter(self, step: str, edge: Edge, state: Any, length: int) -> None: ...

    def leave(self, name: str, step: Step, outcome: str, edge: Edge, state: Any) -> list[Any]:
        return [state]

    def take(self, edge: Edge, state: Any) -> Any:
        return state

    def fork(self, inside: set[str], state: Any) -> Any:
        return state

    def join(self, block: dict[str, set[str]], before: Any, ends: dict[str, Any], failed: bool) -> list[Any]:
        return [before]

    def fail(self, name: str, outcome: str, edge: Edge | None, state: Any, length: int) -> None: ...


@dataclass
class Approved(Asking):
    """Kept: the steps whose action, as it is now, a person has approved and nobody has performed since."""

    wrong: dict[str, int] = field(default_factory=dict)

    def enter(self, step: str, edge: Edge, state: Any, length: int) -> None:
        found = self.spec.steps[step]
        if (changes(found) or isinstance(found, CompensateStep)) and edge.approval is None and step not in state:
            self.wrong.setdefault(step, length)
            self.wrong[step] = min(length, self.wrong[step])

    def _without(self, state: Any, key: str | None) -> Any:
        return frozenset(name for name in state if key is None or key_of(self.spec.steps[name]) != key)

    def leave(self, name: str, step: Step, outcome: str, edge: Edge, state: Any) -> list[Any]:
        if outcome != "exhausted":
            state -= {name}
        if isinstance(step, ApproveStep) and outcome == "approved" and step.covers:
            state |= {step.covers}
        if outcome == "done":
            state = frozenset(
                other
                for other in state
                if not isinstance(undo := self.spec.steps[other], CompensateStep) or undo.compensate != name
            )
        may = isinstance(step, ApproveStep) and outcome != "exhausted"
        if step.writes and (may or surely_writes(step, outcome)):
            state = self._without(state, step.writes)
        if edge.approval and edge.writes and outcome in ("rejected", "expired", "denied"):
            state = self._without(state, edge.writes)
        return [state]

    def take(self, edge: Edge, state: Any) -> Any:
        return self._without(state, edge.writes) if edge.writes and is_error(edge) else state

    def fork(self, inside: set[str], state: Any) -> Any:
        return state - inside

    def join(self, block: dict[str, set[str]], before: Any, ends: dict[str, Any], failed: bool) -> list[Any]:
        inside = set().union(*block.values())
        return [frozenset.intersection(before, *ends.values()) - inside]


@dataclass
class Assigned(Asking):
    """Kept: the keys that are there."""

    missing: dict[tuple[str, str], int] = field(default_factory=dict)

    def begin(self) -> Any:
        return frozenset(self.spec.input)

    def enter(self, step: str, edge: Edge, state: Any, length: int) -> None:
        found = self.spec.steps[step]
        reads = {*found.reads, *([key_of(found)] if key_of(found) else [])}
        if isinstance(found, ApproveStep) and found.covers:
            reads |= {key_of(self.spec.steps[found.covers])}
        for key in reads - state:
            place = (step, str(key))
            self.missing[place] = min(length, self.missing.get(place, length))

    def leave(self, name: str, step: Step, outcome: str, edge: Edge, state: Any) -> list[Any]:
        if step.writes and surely_writes(step, outcome):
            state |= {step.writes}
        if edge.approval and edge.writes and outcome == "rejected":
            state |= {edge.writes}
        return [state]

    def take(self, edge: Edge, state: Any) -> Any:
        return state | {edge.writes} if edge.writes and is_error(edge) else state

    def join(self, block: dict[str, set[str]], before: Any, ends: dict[str, Any], failed: bool) -> list[Any]:
        return [before if failed else before.union(*ends.values())]


@dataclass
class Standing(Asking):
    """Kept: the steps whose effect stands, with a `+` behind the name where several may.

    One is undone by one compensation; of several, nobody counts how many are left.
    """

    wrong: dict[tuple[str, int | None], dict[str, int]] = field(default_factory=dict)
    there: dict[int, set[str]] = field(default_factory=dict)

    def leave(self, name: str, step: Step, outcome: str, edge: Edge, state: Any) -> list[Any]:
        if outcome != "done":
            return [state]
        if isinstance(step, CompensateStep):
            return [state if f"{step.compensate}+" in state else state - {step.compensate}]
        if not changes(step):
            return [state]
        return [state | {name, f"{name}+"} if name in state else state | {name}]

    def join(self, block: dict[str, set[str]], before: Any, ends: dict[str, Any], failed: bool) -> list[Any]:
        told = {branch: names | {f"{name}+" for name in names} for branch, names in block.items()}
        inside = set().union(*told.values())
        return [(before - inside).union(*(ends[branch] & names for branch, names in told.items()))]

    def fail(self, name: str, outcome: str, edge: Edge | None, state: Any, length: int) -> None:
        state = {step for step in state if not step.endswith("+")}
        index = None if edge is None else next(i for i, other in enumerate(self.spec.edges) if other is edge)
        if index is not None:
            self.there.setdefault(index, set()).update(state)
        for step in state - set(edge.keeps if edge is not None else ()):
            found = self.wrong.setdefault((name, index), {})
            found[step] = min(length, found.get(step, length))


@dataclass
class Trusted(Asking):
    """Kept: the label of each key, the keys written in this run, and the actions approved since."""

    auto: frozenset[str] = frozenset()
    wrong: dict[str, int] = field(default_factory=dict)
    keys: tuple[str, ...] = ("a", "b", "c")

    def begin(self) -> Any:
        labels = (self.spec.input[key].provenance if key in self.spec.input else "user" for key in self.keys)
        return tuple(labels), frozenset(), frozenset()

    def enter(self, step: str, edge: Edge, state: Any, length: int) -> None:
        found = self.spec.steps[step]
        labels, _, approved = state
        if not changes(found) or edge.approval is not None or step in approved:
            return
        if labels[self.keys.index(str(key_of(found)))] in self.auto:
            self.wrong[step] = min(length, self.wrong.get(step, length))

    def _write(self, state: Any, key: str | None, label: str) -> Any:
        labels, written, approved = state
        place = self.keys.index(str(key))
        labels = (*labels[:place], label, *labels[place + 1 :])
        approved = frozenset(name for name in approved if key_of(self.spec.steps[name]) != key)
        return labels, written | {key}, approved

    def _label(self, step: Step, labels: Any) -> str:
        read = [labels[self.keys.index(key)] for key in step.reads]
        match step:
            case ReasonStep() | RouteStep():
                read.append("model")
            case PythonStep():
                pass
            case ApproveStep():
                read = []
            case _:
                read.append("untrusted")
        return max(read, key=ORDER.index, default="user")

    def leave(self, name: str, step: Step, outcome: str, edge: Edge, state: Any) -> list[Any]:
        labels, written, approved = state
        if outcome != "exhausted":
            approved -= {name}
        if isinstance(step, ApproveStep) and outcome == "approved" and step.covers:
            approved |= {step.covers}
        state = labels, written, approved
        if step.writes and surely_writes(step, outcome):
            state = self._write(state, step.writes, self._label(step, labels))
        if edge.approval and edge.writes and outcome in ("rejected", "expired", "denied"):
            answered = self._write(state, edge.writes, "user")
            return [answered] if outcome == "rejected" else [state, answered]
        return [state]

    def take(self, edge: Edge, state: Any) -> Any:
        return self._write(state, edge.writes, "untrusted") if edge.writes and is_error(edge) else state

    def fork(self, inside: set[str], state: Any) -> Any:
        labels, _, approved = state
        return labels, frozenset(), approved - inside

    def join(self, block: dict[str, set[str]], before: Any, ends: dict[str, Any], failed: bool) -> list[Any]:
        labels, written, approved = before
        touched = frozenset().union(*(end[1] for end in ends.values()))
        options = []
        for place, key in enumerate(self.keys):
            wrote = [end[0][place] for end in ends.values() if key in end[1]]
            joined = [max(wrote, key=ORDER.index)] if wrote else [labels[place]]
            options.append(sorted({*wrote, *joined, labels[place]}) if failed else joined)
        inside = set().union(*block.values())
        still = frozenset(
            name for name in approved if name not in inside and key_of(self.spec.steps[name]) not in touched
        )
        return [(choice, written | touched, still) for choice in product(*options)]
