"""Where each key of a workflow's state comes from: the labels that its value has at worst, part by part."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from types import MappingProxyType

from interlock.graphs.bind import Bound, Only, StandsIn, is_path, path_parts, well_formed
from interlock.graphs.prompts import prompt_paths
from interlock.graphs.proofs.shapes import reports_error
from interlock.graphs.spec import (
    ActStep,
    ApproveStep,
    CallStep,
    GraphStep,
    MapStep,
    PythonStep,
    ReasonStep,
    RouteStep,
    Spec,
    Step,
)
from interlock.policies.provenance import EACH, Label, Marks, join, made, through_model
from interlock.tools.action import Action

USER = Marks("user")

Known = Mapping[str, Marks]
"""The marks of each key; one without is `user`."""

Actions = Mapping[str, Action]

UNKNOWN: Actions = MappingProxyType({})
UNMARKED: Known = MappingProxyType({})


def labels(spec: Spec, actions: Actions = UNKNOWN, given: Known = UNMARKED) -> dict[str, Marks]:
    """The least trusted labels each key can have, over every step that may write it.

    Input has the label it declares, `user` if none, and answers of reviewers come from a person; what
    a model writes is `model` at best, what a pure function returns is as trusted as what it read, and
    what a tool returns or an event brings is `untrusted`, records aside.  Labels only fall, so the loop ends.

    Args:
        actions: whose records are known; a field of another result is none.
        given: the marks of inputs, where they are known.
    """
    found = {name: given.get(name, Marks(schema.provenance)) for name, schema in spec.input.items()}
    for edge in spec.edges:
        if edge.writes:
            label: Label = "untrusted" if reports_error(edge) else "user"  # an error repeats what a provider said
            found[edge.writes] = found.get(edge.writes, USER).joined(Marks(label))
    changed = True
    while changed:
        changed = False
        for step in spec.steps.values():
            if step.writes is None:
                continue
            marks = wrote(step, found, actions)
            lower = found[step.writes].joined(marks) if step.writes in found else marks
            if found.get(step.writes) != lower:
                found[step.writes] = lower
                changed = True
    return found


def wrote(step: Step, known: Known, actions: Actions = UNKNOWN) -> Marks:
    """The labels of what `step` writes, when its keys have the marks `known`."""
    match step:
        case ReasonStep(card=card):
            read = [marks_at(known, "$." + path).at() for path in prompt_paths(card.prompt)]
            looked_up = all(actions[name].all_records for name in card.actions if name in actions)
            if card.actions and not (looked_up and all(name in actions for name in card.actions)):
                return Marks("untrusted")
            return Marks(through_model(read))
        case RouteStep():
            return Marks(through_model(known.get(key, USER).at() for key in step.reads))
        case PythonStep():
            return Marks(join(known.get(key, USER).at() for key in step.reads))
        case ApproveStep():
            return USER
        case GraphStep() | MapStep():
            return nested_marks(step, known, actions)
        case ActStep() | CallStep():
            return _result(step, known, actions)
    return Marks("untrusted")


def marks_at(known: Known, path: str) -> Marks:
    """The marks of what stands at `$.key.field`; what is no path is a constant."""
    if not well_formed(path):
        return USER
    key, *rest = path_parts(path)
    return known.get(key, USER).inside(rest)


def bound_marks(value: Bound, known: Known) -> Marks:
    """The marks of what a binding gives, at worst: nobody knows before whether a value stands in its source."""
    match value:
        case StandsIn():
            return marks_at(known, value.value)
        case Only():
            return marks_at(known, value.only).inside([EACH, *([value.field] if value.field else [])])
        case str() if is_path(value):
            return marks_at(known, value)
    return USER


def recorded(action: Action, arguments: Iterable[Label]) -> Marks:
    """The labels of a read action's result: its records are as trusted as what they were looked up by.

    A result of nothing but records is one as a whole, so what is computed from all of it is too.
    """
    found = join(["record", *arguments])
    return made(found if action.all_records else "untrusted", [(part, found) for part in action.record_parts])


def _result(step: ActStep | CallStep, known: Known, actions: Actions) -> Marks:
    """The labels of what an action returns; a value that a model finds for an argument may be the model's own."""
    arguments = [bound_marks(value, known).at() for value in step.bind.values()]
    if isinstance(step, ActStep):
        arguments.append(through_model(known.get(key, USER).at() for key in step.reads))
    found: Marks | None = None
    for name in step.actions:
        marks = recorded(actions[name], arguments) if name in actions else Marks("untrusted")
        found = marks if found is None else found.joined(marks)
    return found or Marks("untrusted")


def nested_marks(step: GraphStep | MapStep, known: Known, actions: Actions = UNKNOWN) -> Marks:
    """The labels of what a nested graph gives back, output by output, its inputs as bound here."""
    inner = labels(step.spec, actions, given_to(step, known))
    outputs = {key: inner.get(key, USER) for key in step.spec.output or inner}
    where: tuple[str, ...] = (EACH, "output") if isinstance(step, MapStep) and not step.reduce else ()
    found = USER
    for key, marks in outputs.items():
        whole = isinstance(step, MapStep) and bool(step.reduce)  # a reducer makes other parts of them
        found = found.joined((Marks(marks.at()) if whole else marks).within((*where, key)))
    return found


def given_to(step: GraphStep | MapStep, known: Known) -> dict[str, Marks]:
    """The marks of each input of a nested graph: what is bound to it here, at most what it declares itself."""
    bound = {name: bound_marks(value, known) for name, value in step.bind.items()}
    if isinstance(step, MapStep):
        bound[step.item] = marks_at(known, step.over).inside([EACH])
    return {name: bound.get(name, USER).joined(Marks(schema.provenance)) for name, schema in step.spec.input.items()}


def bound_spec(step: GraphStep | MapStep, known: Known) -> Spec:
    """The nested spec with each input as trusted as what is bound to it here, taken whole."""
    given = given_to(step, known)
    inputs = {
        name: schema.model_copy(update={"provenance": given[name].at()}) for name, schema in step.spec.input.items()
    }
    return step.spec.model_copy(update={"input": inputs})
