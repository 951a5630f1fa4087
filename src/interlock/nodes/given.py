"""What the bindings of a step give when it runs: each value, and how far it can be trusted."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any

from interlock.graphs.bind import Bound, Only, StandsIn, is_path
from interlock.graphs.proofs.shapes import Shape, argument_shapes
from interlock.graphs.spec import GraphStep, MapStep, Performing
from interlock.nodes.services import Place, Services
from interlock.nodes.trace import Trace
from interlock.nodes.validators import reading_of, stands
from interlock.policies.origins import AUTHOR, Origin, Traced, traced, vouched
from interlock.policies.provenance import EACH, rank
from interlock.store.tables import Effect

Values = Mapping[str, Any]


@dataclass(frozen=True)
class Given:
    """Arguments by name, and where each came from."""

    values: dict[str, Any]
    sources: dict[str, Traced]

    def with_(self, name: str, value: Any, source: Traced) -> Given:
        """The same and one more."""
        return Given({**self.values, name: value}, {**self.sources, name: source})

    @property
    def labels(self) -> dict[str, str]:
        return {name: source.at()[0] for name, source in self.sources.items()}

    @property
    def origins(self) -> dict[str, Any]:
        return {name: told(source) for name, source in self.sources.items()}


def value_of(bound: Bound, place: Place, values: Values) -> Any:
    """What a binding gives; None where nothing stands there, or where `only` finds none or several."""
    match bound:
        case StandsIn():
            return place.value(bound.value, values)
        case Only():
            found = place.value(bound.only, values)
            if not isinstance(found, list) or len(found) != 1:
                return None
            if bound.field is None:
                return found[0]
            return found[0].get(bound.field) if isinstance(found[0], Mapping) else None
        case str() if is_path(bound):
            return place.value(bound, values)
    return bound


def source_of(name: str, bound: Bound, place: Place, known: Trace, shapes: Sequence[Shape]) -> Traced:
    """Where what a binding gives came from, raised where a validator finds it in its source.

    Args:
        shapes: the shapes of the argument in every action that has it; the value stands there for each or not at all.
    """
    match bound:
        case StandsIn():
            source = known.path(bound.value)
            value, text = place.value(bound.value, known.values), place.value(bound.stands_in, known.values)
            if not all(stands(value, text, reading_of(name, shape)) for shape in shapes or [Shape({})]):
                return source
            by, _ = known.path(bound.stands_in).at()
            return vouched(source, by, bound.stands_in)
        case Only():
            return known.path(bound.only).inside([EACH, *([bound.field] if bound.field else [])])
        case str() if is_path(bound):
            return known.path(bound)
    return traced("user", AUTHOR)


def told(source: Traced) -> dict[str, Any]:
    """An argument's origin as the ledger keeps it, with the labels of its parts where they differ."""
    _, origin = source.at()
    parts = [[list(part), label] for part, label in source.marks.parts if label != source.marks.whole]
    return origin.as_json() | ({"parts": parts} if parts else {})


def shapes_of(step: Performing | GraphStep | MapStep, name: str, services: Services) -> list[Shape]:
    """The shapes of an argument in the actions of a step, or of an input of its graph."""
    if isinstance(step, GraphStep | MapStep):
        return [Shape(step.spec.input[name].json_schema())] if name in step.spec.input else []
    found = [argument_shapes(services.action(action))[0].get(name) for action in step.actions]
    return [shape for shape in found if shape is not None]


def shown(effect: Effect) -> dict[str, Any]:
    """Where each argument of a proposal came from, as a reviewer reads it; one without is a default of the tool's.

    The argument stands under its name with `label`, `words`, whether it is `trusted` (the user or a record gave
    it), and `parts` where the label is that of a part.
    """
    found = {}
    for name, label in effect.labels.items():
        kept = dict((effect.origins or {}).get(name) or {"kind": "unknown"})
        parts = kept.pop("parts", [])
        words = Origin.model_validate(kept).words()
        said = {"label": label, "words": words, "trusted": rank(label) >= rank("record"), "origin": kept}
        found[name] = said | ({"parts": {".".join(part): mark for part, mark in parts}} if parts else {})
    return found
