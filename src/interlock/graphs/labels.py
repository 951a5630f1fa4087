"""Where each key of a workflow's state comes from: the label its value has at worst."""

from __future__ import annotations

from collections.abc import Iterable, Mapping

from interlock.graphs.proofs.shapes import reports_error
from interlock.graphs.spec import (
    ApproveStep,
    CompensateStep,
    GraphStep,
    MapStep,
    PythonStep,
    ReasonStep,
    RouteStep,
    Spec,
    Step,
    is_path,
    path_parts,
)
from interlock.policies.provenance import Label, join, through_model


def labels(spec: Spec) -> dict[str, Label]:
    """The least trusted label each key can have, over every step that may write it.

    Input has the label it declares, `user` if none, and answers of reviewers come from a person; what
    a model writes is `model` at best, what a pure function returns is as trusted as what it read, and
    what a tool returns or an event brings is `untrusted`.  Labels only fall, so the loop ends.
    """
    found: dict[str, Label] = {name: schema.provenance for name, schema in spec.input.items()}
    for edge in spec.edges:
        if edge.writes:
            label: Label = "untrusted" if reports_error(edge) else "user"  # an error repeats what a provider said
            found[edge.writes] = join([label, found.get(edge.writes, "user")])
    changed = True
    while changed:
        changed = False
        for step in spec.steps.values():
            if step.writes is None:
                continue
            label = wrote(step, found)
            lower = join([label, found[step.writes]]) if step.writes in found else label
            if found.get(step.writes) != lower:
                found[step.writes] = lower
                changed = True
    return found


def wrote(step: Step, found: Mapping[str, Label]) -> Label:
    """The label of what `step` writes, when its keys have the labels `found`; one without is `user`."""
    read: Iterable[Label] = (found.get(key, "user") for key in step.reads)
    match step:
        case ReasonStep(card=card):
            return "untrusted" if card.actions else through_model(read)
        case RouteStep():
            return through_model(read)
        case PythonStep():
            return join(read)
        case ApproveStep():
            return "user"
        case GraphStep() | MapStep():
            return nested_label(step, found)
        case CompensateStep():
            return "untrusted"
    return "untrusted"


def nested_label(step: GraphStep | MapStep, found: Mapping[str, Label]) -> Label:
    """The label of what a nested graph gives back: its outputs joined, its inputs as bound here."""
    inner = labels(bound_spec(step, found))
    return join(inner[key] for key in step.spec.output if key in inner)


def bound_spec(step: GraphStep | MapStep, found: Mapping[str, Label]) -> Spec:
    """The nested spec with each input as trusted as what is bound to it here."""
    sources: dict[str, Label] = {}
    for name, value in step.bind.items():
        if isinstance(value, str) and is_path(value):
            sources[name] = found.get(path_parts(value)[0], "user")
    if isinstance(step, MapStep):
        sources[step.item] = found.get(path_parts(step.over)[0], "user")
    inputs = {
        name: schema.model_copy(update={"provenance": join([schema.provenance, sources.get(name, "user")])})
        for name, schema in step.spec.input.items()
    }
    return step.spec.model_copy(update={"input": inputs})
