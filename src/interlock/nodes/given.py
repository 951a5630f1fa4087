"""What the bindings of a step give when it runs: each value, and how far it can be trusted."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any

from interlock.graphs.bind import Bound, Only, StandsIn, is_path
from interlock.graphs.labels import Known, bound_marks, marks_at
from interlock.graphs.proofs.shapes import Shape, argument_shapes
from interlock.graphs.spec import GraphStep, MapStep, Performing
from interlock.nodes.services import Place, Services
from interlock.nodes.validators import reading_of, stands
from interlock.policies.provenance import Label, raised

Values = Mapping[str, Any]


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


def label_of(name: str, bound: Bound, place: Place, values: Values, known: Known, shapes: Sequence[Shape]) -> Label:
    """The label of what a binding gives, raised where a validator finds it in its source.

    Args:
        known: the labels of the state.
        shapes: the shapes of the argument in every action that has it; the value stands there for each or not at all.
    """
    label = bound_marks(bound, known).at()
    if not isinstance(bound, StandsIn):
        return label
    value, source = place.value(bound.value, values), place.value(bound.stands_in, values)
    if all(stands(value, source, reading_of(name, shape)) for shape in shapes or [Shape({})]):
        return raised(label, marks_at(known, bound.stands_in).at())
    return label


def shapes_of(step: Performing | GraphStep | MapStep, name: str, services: Services) -> list[Shape]:
    """The shapes of an argument in the actions of a step, or of an input of its graph."""
    if isinstance(step, GraphStep | MapStep):
        return [Shape(step.spec.input[name].json_schema())] if name in step.spec.input else []
    found = [argument_shapes(services.action(action))[0].get(name) for action in step.actions]
    return [shape for shape in found if shape is not None]
