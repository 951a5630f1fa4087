"""Faults to plant into a right graph file: each class changes the file's data in every place that it fits."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping
from copy import deepcopy
from dataclasses import dataclass, replace
from typing import Any

from interlock.graphs.bind import is_path, path_parts
from interlock.graphs.cards import Card, ReasonCard, Schema
from interlock.graphs.flow import flow, reachable
from interlock.graphs.proofs.shapes import argument_shapes
from interlock.graphs.proofs.structure import consequential
from interlock.graphs.spec import (
    START,
    ActStep,
    ApproveStep,
    CompensateStep,
    ForkStep,
    GraphStep,
    JoinStep,
    MapStep,
    Performing,
    ReasonStep,
    Spec,
)
from interlock.policies.autonomy import may_auto
from interlock.policies.drawer import PolicyDrawer
from interlock.tools.action import Action

Data = dict[str, Any]

PROBE = ReasonCard(node="probe", kind="reason", goal="Think.", prompt="Think.", output={"text": Schema(type="string")})
"""A card of no project, for steps that are planted."""


@dataclass(frozen=True)
class Planted:
    """A graph file's data and what it is read with."""

    data: Data
    actions: Mapping[str, Action]
    policies: PolicyDrawer
    spec: Spec
    """The spec of the file as it was before anything was planted."""

    def changed(self) -> Data:
        return deepcopy(self.data)

    def decided(self, name: str) -> bool:
        """Whether a policy decides every consequential action of a step."""
        return all(self.policies.covering(action) for action in consequential(self.spec.steps[name], self.actions))

    def risky(self) -> list[str]:
        return [name for name, step in self.spec.steps.items() if consequential(step, self.actions)]


Planting = Callable[[Planted], Iterator[Planted]]


def cards_with_probe(cards: Mapping[str, Card]) -> dict[str, Card]:
    return {**cards, "probe": PROBE}


def normal(data: Data) -> Data:
    """The same file with each edge written as a mapping and its outcomes as a list."""
    found = deepcopy(data)
    edges = []
    for edge in found["edges"]:
        if isinstance(edge, str):
            source, target = (end.strip() for end in edge.split("->"))
            edge = {"from": source, "to": target}
        if isinstance(edge.get("on"), str):
            edge["on"] = [edge["on"]]
        edges.append(edge)
    found["edges"] = edges
    return found


def approval_dropped(graph: Planted) -> Iterator[Planted]:
    """An edge into an action that no policy decides loses its approval; without policies, any edge into one.

    A graph in which another is nested keeps its policies: without them the nested one is refused first.
    """
    bare_of_all = replace(graph.policies, policies=[_names_only(p) for p in graph.policies.policies])
    nests = any(isinstance(step, GraphStep | MapStep) for step in graph.spec.steps.values())
    for policies in (graph.policies,) if nests else (graph.policies, bare_of_all):
        bare = replace(graph, policies=policies)
        for index, edge in enumerate(graph.data["edges"]):
            target = edge["to"]
            if target not in graph.risky() or bare.decided(target) or _covered(graph.spec, target):
                continue
            data = graph.changed()
            data["edges"][index].pop("approval", None)
            data["edges"][index].pop("writes", None)
            yield replace(bare, data=data)


def _names_only(policy: Any) -> Any:
    """A policy that decides nothing and still declares its approvals."""
    return policy.model_copy(update={"applies_to": []})


def _covered(spec: Spec, name: str) -> bool:
    return any(isinstance(step, ApproveStep) and step.covers == name for step in spec.steps.values())


def argument_rewritten(graph: Planted) -> Iterator[Planted]:
    """Between the approval of an exact action and the action, a step writes a key that it binds."""
    for name in graph.risky():
        step = graph.spec.steps[name]
        assert isinstance(step, Performing)
        if isinstance(step, CompensateStep) or len(step.actions) != 1 or graph.decided(name):
            continue
        if name in flow(graph.spec).blocks.home:
            continue  # a question that is turned down could not lead to END from there
        if any(argument not in step.bind for argument in argument_shapes(graph.actions[step.actions[0]])[1]):
            continue
        keys = [path_parts(value)[0] for value in step.bind.values() if isinstance(value, str) and is_path(value)]
        for key in dict.fromkeys(keys):
            data = graph.changed()
            data["steps"]["ask_probe"] = {"approve": "Do it?", "covers": name}
            data["steps"]["probe"] = {"node": "probe", "reads": [], "writes": key, "visits": 3}
            for edge in data["edges"]:
                if edge["to"] == name:
                    edge["to"] = "ask_probe"
                    edge.pop("approval", None)
                    edge.pop("writes", None)
            data["edges"] += [
                {"from": "ask_probe", "to": "probe"},
                {"from": "ask_probe", "on": ["rejected", "expired"], "to": "END"},
                {"from": "probe", "to": name},
            ]
            yield replace(graph, data=data)


def limit_dropped(graph: Planted) -> Iterator[Planted]:
    """A step in a cycle loses its `visits`."""
    successors = flow(graph.spec).successors()
    for name, step in graph.spec.steps.items():
        others = [other for other, one in graph.spec.steps.items() if other != name and one.visits is not None]
        if step.visits is None or others or name not in reachable(successors, successors[name]):
            continue
        data = graph.changed()
        del data["steps"][name]["visits"]
        yield replace(graph, data=data)


def outcome_unrouted(graph: Planted) -> Iterator[Planted]:
    """An outcome that must go somewhere goes nowhere."""
    for index, edge in enumerate(graph.data["edges"]):
        words = edge.get("on", [])
        siblings = [other for other in graph.data["edges"] if other["from"] == edge["from"]]
        for word in words:
            alone = sum(word in other.get("on", []) for other in siblings) == 1
            if word in ("failed", "exhausted", "done", "approved") or not alone:
                continue
            data = graph.changed()
            data["edges"][index]["on"] = [other for other in words if other != word]
            if not data["edges"][index]["on"]:
                del data["edges"][index]
            yield replace(graph, data=data)


def else_dropped(graph: Planted) -> Iterator[Planted]:
    """The edge for when no condition holds is gone."""
    for index, edge in enumerate(graph.data["edges"]):
        if edge.get("else"):
            data = graph.changed()
            del data["edges"][index]
            yield replace(graph, data=data)


def condition_overlapped(graph: Planted) -> Iterator[Planted]:
    """A second edge has the condition of a first."""
    for index, edge in enumerate(graph.data["edges"]):
        if "when" in edge:
            data = graph.changed()
            data["edges"].insert(index + 1, deepcopy(edge))
            yield replace(graph, data=data)


def read_too_early(graph: Planted) -> Iterator[Planted]:
    """The first step of all is a thought that reads what only a later step writes."""
    for name, step in graph.spec.steps.items():
        if step.writes is None or step.writes in graph.spec.input:
            continue
        data = graph.changed()
        data["steps"]["probe"] = {"node": "probe", "reads": [step.writes], "writes": "probed"}
        data["edges"] = [{**edge, "from": "probe"} if edge["from"] == START else edge for edge in data["edges"]]
        data["edges"].insert(0, {"from": START, "to": "probe"})
        assert name != "probe"
        yield replace(graph, data=data)


def type_confused(graph: Planted) -> Iterator[Planted]:
    """A constant of another type is bound to an argument."""
    for name, step in graph.spec.steps.items():
        if not isinstance(step, Performing) or isinstance(step, CompensateStep):
            continue
        for argument in step.bind:
            kinds = [argument_shapes(graph.actions[action])[0].get(argument) for action in step.actions]
            if any(shape is not None and shape.kinds and "boolean" not in shape.kinds for shape in kinds):
                data = graph.changed()
                data["steps"][name]["bind"][argument] = True
                yield replace(graph, data=data)


def failed_after(graph: Planted) -> Iterator[Planted]:
    """After an effect comes a thought whose failure nothing takes."""
    for name in graph.risky():
        if isinstance(graph.spec.steps[name], CompensateStep):
            continue
        if any(name in names for block in flow(graph.spec).blocks.of.values() for names in block.branches.values()):
            continue
        data = graph.changed()
        data["steps"]["probe"] = {"node": "probe", "reads": [], "writes": "probed", "visits": 1}
        planted = False
        for edge in data["edges"]:
            if (
                edge["from"] == name
                and "done" in edge.get("on", ["done"])
                and "when" not in edge
                and "else" not in edge
            ):
                rest = [word for word in edge.get("on", []) if word != "done"]
                data["edges"].append({**edge, "from": "probe", "on": ["done"]})
                if rest:
                    data["edges"].append({**edge, "on": rest})
                edge.clear()
                edge.update({"from": name, "to": "probe"})
                planted = True
                break
        if planted:
            yield replace(graph, data=data)


def _model_writes(step: ActStep, action: Action) -> bool:
    """Whether a model fills in an argument of what cannot be undone: then a person is asked, whatever policies say."""
    return action.risk_class == "irreversible" and any(name not in step.bind for name in argument_shapes(action)[1])


def target_untrusted(graph: Planted) -> Iterator[Planted]:
    """The input that says who is affected comes from outside, where a policy may let the action pass."""
    for name in graph.risky():
        step = graph.spec.steps[name]
        assert isinstance(step, Performing)
        for argument, value in step.bind.items():
            targets = [action for action in step.actions if argument in graph.actions[action].targets]
            if not targets or not is_path(value) or path_parts(str(value))[0] not in graph.spec.input:
                continue
            if any(edge["to"] == name and "approval" in edge for edge in graph.data["edges"]):
                continue
            if isinstance(step, ActStep) and _model_writes(step, graph.actions[targets[0]]):
                continue
            labels = {argument: "untrusted"}
            if len(step.actions) == 1 and may_auto(graph.policies.policies, targets[0], labels):
                data = graph.changed()
                data["input"][path_parts(str(value))[0]]["provenance"] = "untrusted"
                yield replace(graph, data=data)


def both_write(graph: Planted) -> Iterator[Planted]:
    """Two branches write one key, and no reducer says how the two become one."""
    for join, joint in graph.spec.steps.items():
        if not isinstance(joint, JoinStep):
            continue
        block = flow(graph.spec).blocks.of[joint.join]
        first, second = (
            [name for name in names if graph.spec.steps[name].writes] for names in list(block.branches.values())[:2]
        )
        if first and second:
            data = graph.changed()
            data["steps"][join].pop("reduce", None)
            data["steps"][second[0]]["writes"] = data["steps"][first[0]]["writes"]
            yield replace(graph, data=data)


def branch_left(graph: Planted) -> Iterator[Planted]:
    """A step of a branch goes to END instead of the join."""
    joins = {name for name, step in graph.spec.steps.items() if isinstance(step, JoinStep)}
    for index, edge in enumerate(graph.data["edges"]):
        if edge["to"] in joins:
            data = graph.changed()
            data["edges"][index]["to"] = "END"
            yield replace(graph, data=data)


def blind_retried(graph: Planted) -> Iterator[Planted]:
    """An action of which nobody can know whether it happened is tried again."""
    for name in graph.risky():
        step = graph.spec.steps[name]
        assert isinstance(step, Performing)
        data = graph.changed()
        data["steps"][name]["retry"] = {"attempts": 3}
        blind = {action: replace(graph.actions[action], effect="blind") for action in step.actions}
        yield replace(graph, data=data, actions={**graph.actions, **blind})


def effect_timed(graph: Planted) -> Iterator[Planted]:
    """An action that changes something is given up after a while."""
    for name in graph.risky():
        data = graph.changed()
        data["steps"][name]["timeout"] = "30s"
        yield replace(graph, data=data)


def not_kept(graph: Planted) -> Iterator[Planted]:
    """A failed end no longer says what it keeps."""
    for index, edge in enumerate(graph.data["edges"]):
        if "keeps" in edge:
            data = graph.changed()
            del data["edges"][index]["keeps"]
            yield replace(graph, data=data)


def cut_off(graph: Planted) -> Iterator[Planted]:
    """No edge leads to a step any more."""
    for name, step in graph.spec.steps.items():
        if isinstance(step, ForkStep | JoinStep) or len(graph.spec.entering(name)) == len(graph.spec.edges):
            continue
        inside = flow(graph.spec).blocks.home.get(name)
        if inside is not None:
            continue
        data = graph.changed()
        data["steps"]["probe"] = {"node": "probe", "reads": [], "writes": "probed"}
        edges = [{k: v for k, v in edge.items() if k in ("from", "on", "when", "else")} for edge in data["edges"]]
        data["edges"] = [
            {**short, "to": "probe"} if edge["to"] == name else edge
            for edge, short in zip(data["edges"], edges, strict=True)
        ]
        data["edges"].append({"from": "probe", "to": "END"})
        yield replace(graph, data=data)


def look_up_changes(graph: Planted) -> Iterator[Planted]:
    """A thinking step may call an action that changes something."""
    changing = [name for name, action in graph.actions.items() if action.consequential]
    for name, step in graph.spec.steps.items():
        if isinstance(step, ReasonStep) and changing:
            data = graph.changed()
            data["steps"][name]["node"] = f"{step.card.node}+{changing[0]}"
            yield replace(graph, data=data)


CLASSES: dict[str, tuple[Planting, frozenset[str]]] = {
    "approval dropped": (approval_dropped, frozenset({"G201"})),
    "argument rewritten": (argument_rewritten, frozenset({"G201"})),
    "limit dropped": (limit_dropped, frozenset({"G203"})),
    "outcome unrouted": (outcome_unrouted, frozenset({"G023"})),
    "else dropped": (else_dropped, frozenset({"G025"})),
    "condition overlapped": (condition_overlapped, frozenset({"G032"})),
    "read too early": (read_too_early, frozenset({"G102"})),
    "type confused": (type_confused, frozenset({"G107"})),
    "failed after": (failed_after, frozenset({"G208", "G209"})),
    "not kept": (not_kept, frozenset({"G208", "G209"})),
    "target untrusted": (target_untrusted, frozenset({"G212"})),
    "both write": (both_write, frozenset({"G210"})),
    "branch left": (branch_left, frozenset({"G211"})),
    "blind retried": (blind_retried, frozenset({"G206"})),
    "effect timed": (effect_timed, frozenset({"G207"})),
    "cut off": (cut_off, frozenset({"G027"})),
    "look-up changes": (look_up_changes, frozenset({"G037"})),
}
"""Each class of fault, with the codes of which one must be reported."""
