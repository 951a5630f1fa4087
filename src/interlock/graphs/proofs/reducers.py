"""The proof that what several branches write becomes one value: each such key has a fitting reducer."""

from __future__ import annotations

from collections.abc import Iterator, Mapping

from interlock.graphs.fault import Fault
from interlock.graphs.parallel import Blocks
from interlock.graphs.proofs.shapes import Shape, written_shapes
from interlock.graphs.spec import JoinStep, Reducer, Spec
from interlock.tools.action import Action

TAKEN: dict[Reducer, frozenset[str]] = {
    "concat": frozenset({"array"}),
    "merge": frozenset({"object"}),
    "sum": frozenset({"number", "integer"}),
    "min": frozenset({"number", "integer"}),
    "max": frozenset({"number", "integer"}),
    "all": frozenset({"boolean"}),
    "any": frozenset({"boolean"}),
}
"""The JSON types that each reducer takes; `first` takes any."""


def unreducible(reducer: Reducer, shapes: list[Shape]) -> str:
    """The types that values of these shapes may have and that the reducer cannot take; empty when it fits."""
    odd: set[str] = set()
    for shape in shapes if reducer in TAKEN else ():
        odd |= shape.kinds - TAKEN[reducer]
    return " or ".join(sorted(odd))


def reduced(spec: Spec, known: Blocks, actions: Mapping[str, Action]) -> Iterator[Fault]:
    """Keys that several branches write have a reducer that takes them, and no other key has one."""
    all_written = writers(spec, known)
    for block in known.of.values():
        joint = spec.steps[block.join]
        assert isinstance(joint, JoinStep)
        written = all_written[block.fork]
        for key, branches in written.items():
            if len(branches) > 1 and key not in joint.reduce:
                words = " and ".join(f"`{branch}`" for branch in branches)
                message = f"{words} both write `{key}`, and `{block.join}` does not say how the two become one"
                hint = f"add `reduce: {{{key}: …}}`, or let them write different keys"
                yield Fault("G210", message, ("steps", block.join, "join"), hint=hint)
        for key, reducer in joint.reduce.items():
            at = ("steps", block.join, "reduce", key)
            if len(written.get(key, ())) < 2:
                message = f"fewer than two branches of `{block.fork}` write `{key}`, so nothing is reduced"
                yield Fault("G213", message, at, key=True, severity="warning")
                continue
            inside = [spec.steps[name] for names in block.branches.values() for name in names]
            shapes = [shape for step in inside if step.writes == key for shape in written_shapes(step, actions)]
            if odd := unreducible(reducer, shapes):
                yield Fault("G210", f"`{reducer}` does not go with `{key}`, which is {odd}", at)


def writers(spec: Spec, known: Blocks) -> dict[str, dict[str, list[str]]]:
    """For each fork, the branches that may write each key."""
    found: dict[str, dict[str, list[str]]] = {fork: {} for fork in known.of}
    writes = [(name, step.writes) for name, step in spec.steps.items() if step.writes is not None]
    for edge in spec.edges:
        if edge.writes is not None:  # it lies in the branch of the end that lies deeper
            writes += [(name, edge.writes) for name in (edge.source, edge.target) if name in known.home]
    for name, key in writes:
        for fork, branch in known.around(name):
            branches = found[fork].setdefault(key, [])
            if branch not in branches:
                branches.append(branch)
    return found
