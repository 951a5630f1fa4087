"""What differs between two specs of a workflow, in sentences for people."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

from interlock.graphs.spec import Edge, PythonStep, Spec
from interlock.graphs.upgrades.mapping import SpecMapping


def differences(old: Spec, new: Spec, mapping: SpecMapping) -> list[str]:
    """Every difference, the mapping's names taken as the same thing; in the order of the graph files."""
    found = [*_steps(old, new, mapping), *_edges(old, new, mapping)]
    before, after = old.model_dump(mode="json"), new.model_dump(mode="json")
    for part in ("input", "limits", "output"):
        if before[part] != after[part]:
            found.append(f"{part}: {_told(before[part], after[part])}")
    return found


def _steps(old: Spec, new: Spec, mapping: SpecMapping) -> Iterator[str]:
    came: dict[str, str] = {}
    for name in old.steps:
        image = mapping.step(name, new)
        if image is None:
            yield f"step {name} is gone"
            continue
        came[image] = name
        if image != name:
            yield f"step {name} is called {image}"
        before, after = old.steps[name], new.steps[image]
        if before.kind != after.kind:
            yield f"step {image} is of kind {after.kind}, it was {before.kind}"
        elif isinstance(before, PythonStep) and isinstance(after, PythonStep) and _moved(before, after):
            yield f"step {image}: the source of the function {after.card.node} has changed"
        elif changed := changed_in(old, name, new, image):
            yield f"step {image}: {', '.join(changed)} changed"
    for name in new.steps:
        if name not in came:
            yield f"step {name} is new"


def _moved(before: PythonStep, after: PythonStep) -> bool:
    """Whether the function alone has changed, not what the graph says of the step."""
    same = {"source": ""}
    return before.card.source != after.card.source and before.model_copy(
        update={"card": before.card.model_copy(update=same)}
    ) == after.model_copy(update={"card": after.card.model_copy(update=same)})


def changed_in(old: Spec, name: str, new: Spec, image: str) -> list[str]:
    """The fields of a step, and of its card, that differ."""
    before, after = (spec.steps[step].model_dump(mode="json") for spec, step in ((old, name), (new, image)))
    found = []
    for field in dict.fromkeys([*before, *after]):
        one, other = before.get(field), after.get(field)
        if one == other:
            continue
        if field == "card" and isinstance(one, dict) and isinstance(other, dict):
            found += [f"card.{part}" for part in dict.fromkeys([*one, *other]) if one.get(part) != other.get(part)]
        else:
            found.append("the graph it runs" if field == "spec" else field)
    return found


def _edges(old: Spec, new: Spec, mapping: SpecMapping) -> Iterator[str]:
    def arrow(edge: Edge) -> str:
        on = f" on {', '.join(edge.on)}" if edge.on else ""
        return f"{edge.source} -> {edge.target}{on}"

    def told(edge: Edge, renamed: bool) -> dict[str, Any]:
        found = edge.model_dump(mode="json")
        if renamed:
            for end in ("source", "target"):
                found[end] = mapping.steps.get(found[end], found[end])
            found["writes"] = mapping.keys.get(found["writes"], found["writes"])
            found["keeps"] = [mapping.steps.get(step, step) for step in found["keeps"]]
        return found

    before = [told(edge, True) for edge in old.edges]
    after = [told(edge, False) for edge in new.edges]
    for edge, as_new in zip(old.edges, before, strict=True):
        if as_new not in after:
            yield f"edge {arrow(edge)} is gone"
    for edge, as_told in zip(new.edges, after, strict=True):
        if as_told not in before:
            yield f"edge {arrow(edge)} is new"


def _told(before: Any, after: Any) -> str:
    """Two values in a few words."""
    if not isinstance(before, dict) or not isinstance(after, dict):
        return f"{', '.join(before) or 'none'} became {', '.join(after) or 'none'}"
    words = [f"{name} is gone" for name in before if name not in after]
    words += [f"{name} is new" for name in after if name not in before]
    words += [f"{name} changed" for name in before if name in after and before[name] != after[name]]
    return ", ".join(words)
