"""An Open Agent Spec document as the files of a project.

What one of our own exports kept is restored whole, if the flow still says the same.  Any other flow is
translated: nothing is guessed about what its tools do, so each call waits for a person until the action
is declared and a policy decides about it.
"""

from __future__ import annotations

import json
from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any

from pydantic import ValidationError

from interlock.errors import ProjectError
from interlock.graphs.agent_spec.exporting import FORMAT, export_with
from interlock.graphs.agent_spec.graph import GraphMaker, Needed
from interlock.graphs.agent_spec.parts import shown_tools
from interlock.graphs.agent_spec.paths import slug, unique
from interlock.graphs.agent_spec.reader import Flow, components, outline, read_flow
from interlock.graphs.agent_spec.vocabulary import OURS
from interlock.graphs.authored import files, functions, modeline, written
from interlock.graphs.spec import ActStep, CallStep, CompensateStep, GraphStep, MapStep, ReasonStep, Spec
from interlock.policies.language import Requirement
from interlock.source import Document


@dataclass(frozen=True)
class KnownAction:
    """What a translation asks about an action that the project has."""

    consequential: bool
    covered: bool
    """Whether a policy decides about it."""


@dataclass
class Imported:
    """The files of a document, and what is still to be done."""

    graph: str
    restored: bool
    """Whether it was restored from what our own export kept."""
    files: dict[str, str] = field(default_factory=dict)
    needed: list[Needed] = field(default_factory=list)
    """Actions, functions and approvals that the project does not have."""
    notes: list[str] = field(default_factory=list)


def import_document(
    document: Document, actions: Mapping[str, KnownAction], approvals: Mapping[str, object], *, plain: bool = False
) -> Imported:
    """The files that a document makes.

    Args:
        actions: the actions of the project that it is imported into.
        approvals: the named requirements of its policies.
        plain: leave aside what our own export kept, and translate the flow as it stands.

    Raises:
        ProjectError: it holds what cannot be imported, or what our export kept does not fit the flow.
    """
    about = document.data.get("metadata")
    kept = about.get(OURS) if isinstance(about, dict) else None
    if kept is not None and not plain:
        return _restored(document, kept, actions, approvals)
    return _translated(document, actions)


_NO_GRAPH = (ValueError, TypeError, AttributeError, LookupError, AssertionError, StopIteration, RecursionError)
"""What a spec that was never checked can end in: its fields are right, but not what they say of each other."""


def _restored(
    document: Document, kept: Any, actions: Mapping[str, KnownAction], approvals: Mapping[str, object]
) -> Imported:
    advice = "Import it with --plain to take the flow as it stands, without what Interlock kept of it."
    if not isinstance(kept, dict) or kept.get("format") != FORMAT:
        raise ProjectError(f"{document.file}: metadata.{OURS} is not of a form that is known here. {advice}")
    try:
        spec = Spec.model_validate_json(json.dumps(kept.get("spec")))
        again = export_with(spec, shown_tools(components(document.data))).document
    except _NO_GRAPH as error:
        first = error.errors()[0]["msg"] if isinstance(error, ValidationError) else str(error)
        raise ProjectError(f"{document.file}: metadata.{OURS} holds no graph: {first}. {advice}") from None
    theirs, ours = outline(document.data), outline(again)
    if theirs != ours:
        odd = sorted(id_ for id_ in theirs.keys() | ours.keys() if theirs.get(id_) != ours.get(id_))
        raise ProjectError(
            f"{document.file}: the flow and what metadata.{OURS} kept of it differ, first at `{odd[0]}`: one of them "
            f"was changed. {advice}"
        )
    made = Imported(spec.graph, True, files(spec))
    for name in sorted(_actions(spec) - actions.keys()):
        shown = shown_tools(components(document.data)).get(name)
        inputs = [dict(item) for item in shown.inputs] if shown is not None else []
        made.needed.append(Needed("action", name, "the graph calls it", inputs))
    for name, card in sorted(functions(spec).items()):
        made.needed.append(Needed("function", name, f"a pure function of nodes/*.py: {card.goal}", []))
    for name, requirement in sorted(_approvals(spec).items()):
        if name not in approvals:
            words = requirement.model_dump(mode="json", exclude_none=True)
            made.needed.append(Needed("approval", name, f"where the graph was made it meant {json.dumps(words)}", []))
    return made


def _specs(spec: Spec) -> list[Spec]:
    inner = [step.spec for step in spec.steps.values() if isinstance(step, GraphStep | MapStep)]
    return [spec, *(found for one in inner for found in _specs(one))]


def _actions(spec: Spec) -> set[str]:
    steps = [step for one in _specs(spec) for step in one.steps.values()]
    found = {name for step in steps if isinstance(step, ActStep | CallStep | CompensateStep) for name in step.actions}
    return found | {name for step in steps if isinstance(step, ReasonStep) for name in step.card.actions}


def _approvals(spec: Spec) -> dict[str, Requirement]:
    edges = [edge for one in _specs(spec) for edge in one.edges]
    return {edge.approval: edge.requires or Requirement() for edge in edges if edge.approval is not None}


def _translated(document: Document, actions: Mapping[str, KnownAction]) -> Imported:
    flow = read_flow(document)
    made = Imported(slug(flow.name, "flow"), False)
    makers: dict[str, GraphMaker] = {}
    _make(flow, made, makers, actions)
    faults = [fault for maker in makers.values() for fault in maker.faults]
    if faults:
        raise ProjectError("\n".join([f"{document.file} cannot be imported:", *dict.fromkeys(faults)]))
    needed: dict[tuple[str, str], Needed] = {}
    for maker in makers.values():
        for item in maker.needed:
            needed.setdefault((item.what, item.name), item)
        made.notes += maker.notes
        made.files[f"graphs/{maker.name}.yaml"] = modeline("graph") + written(maker.fields)
        for name, card in maker.cards.items():
            made.files[f"nodes/{name}.yaml"] = modeline("node") + written(card)
    made.needed = list(needed.values())
    made.notes = list(dict.fromkeys(made.notes))
    made.files = dict(sorted(made.files.items()))
    return made


def _make(flow: Flow, made: Imported, makers: dict[str, GraphMaker], actions: Mapping[str, KnownAction]) -> GraphMaker:
    """The graph of a flow, after those of the flows in it; a flow used twice is made once."""
    if flow.id in makers:
        return makers[flow.id]
    inner = {
        node.id: tuple(_make(subflow, made, makers, actions) for subflow in node.subflows)
        for node in flow.nodes.values()
        if node.subflows
    }
    name = unique(slug(flow.name, "flow"), {maker.name: maker for maker in makers.values()})
    decided = {action: known.covered for action, known in actions.items() if known.consequential}
    harmless = {action for action, known in actions.items() if not known.consequential}
    maker = GraphMaker(flow, name, inner, decided, harmless)
    makers[flow.id] = maker
    maker.make()
    if flow.name and slug(flow.name, "flow") == made.graph:
        made.graph = name
    return maker
