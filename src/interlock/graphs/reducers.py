"""The proof that what several branches write becomes one value: each such key has a fitting reducer."""

from __future__ import annotations

from collections.abc import Iterator, Mapping

from interlock.graphs.fault import Fault
from interlock.graphs.parallel import Block, Blocks
from interlock.graphs.shapes import Shape, written_shapes
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
    for block in known.of.values():
        joint = spec.steps[block.join]
        assert isinstance(joint, JoinStep)
        written = writers(spec, block)
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


def writers(spec: Spec, block: Block) -> dict[str, list[str]]:
    """The branches of a block that may write each key."""
    inside = {name: branch for branch, names in block.branches.items() for name in names}
    found: dict[str, list[str]] = {}
    writes = [(spec.steps[name].writes, branch) for name, branch in inside.items()]
    for edge in spec.edges:
        branch = inside.get(edge.source) or inside.get(edge.target)
        if branch is not None:
            writes.append((edge.writes, branch))
    for key, branch in writes:
        if key is not None and branch not in found.setdefault(key, []):
            found[key].append(branch)
    return found
