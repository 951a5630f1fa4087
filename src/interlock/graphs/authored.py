"""A spec as the files that an author would have written: the graph, its cards, and the graphs it runs.

Reading the files again, in a project with the same tools and policies, gives a spec of the same digest.
"""

from __future__ import annotations

from collections.abc import Iterator
from decimal import Decimal
from typing import Any

import yaml

from interlock.errors import ProjectError
from interlock.graphs.cards import PythonCard
from interlock.graphs.loader import REVIEW_KEY
from interlock.graphs.spec import (
    ActStep,
    ApproveStep,
    CompensateStep,
    Edge,
    GraphStep,
    MapStep,
    PythonStep,
    ReasonStep,
    RouteStep,
    Spec,
    Step,
    WaitStep,
    plain_outcome,
)


def files(spec: Spec) -> dict[str, str]:
    """The graph, its cards and the graphs it runs, by their path in a project.

    Functions of `nodes/*.py` are not among them: a spec holds their digest, not their text.

    Raises:
        ProjectError: two graphs, or two cards, of one name differ.
    """
    found: dict[str, str] = {}
    for path, text in _files(spec):
        if found.setdefault(path, text) != text:
            raise ProjectError(f"{path} would have to hold two different texts; rename one of the two in {spec.graph}.")
    return dict(sorted(found.items()))


def _files(spec: Spec) -> Iterator[tuple[str, str]]:
    yield f"graphs/{spec.graph}.yaml", modeline("graph") + written(graph_fields(spec))
    for step in spec.steps.values():
        if isinstance(step, ReasonStep | RouteStep | ActStep):
            yield f"nodes/{step.card.node}.yaml", modeline("node") + written(_short(step.card))
        elif isinstance(step, GraphStep | MapStep):
            yield from _files(step.spec)


def functions(spec: Spec) -> dict[str, PythonCard]:
    """The pure functions that the spec and the graphs it runs use, by name."""
    found = {step.card.node: step.card for step in spec.steps.values() if isinstance(step, PythonStep)}
    for step in spec.steps.values():
        if isinstance(step, GraphStep | MapStep):
            found |= functions(step.spec)
    return found


def graph_fields(spec: Spec) -> dict[str, Any]:
    """The mapping that a graph file holds."""
    fields: dict[str, Any] = {"graph": spec.graph, "version": spec.version}
    if spec.description:
        fields["description"] = spec.description
    if spec.input:
        fields["input"] = {name: _short(schema) for name, schema in spec.input.items()}
    fields["steps"] = {name: _step(step) for name, step in spec.steps.items()}
    fields["edges"] = [_edge(edge, spec) for edge in spec.edges]
    if limits := _short(spec.limits):
        fields["limits"] = limits
    if spec.output:
        fields["output"] = list(spec.output)
    return fields


def _short(value: Any) -> dict[str, Any]:
    """What an author has to write of a declared value."""
    found: dict[str, Any] = value.model_dump(mode="python", by_alias=True, exclude_defaults=True)
    kept = value.model_dump(mode="json", by_alias=True, exclude_defaults=True)
    return {key: _exact(kept[key], found[key]) for key in kept} | (
        {"kind": value.kind} if hasattr(value, "kind") and "kind" in type(value).model_fields else {}
    )


def _exact(shown: Any, value: Any) -> Any:
    """`shown` with decimals as numbers, which JSON mode shows as text."""
    if isinstance(value, Decimal):
        return float(value)
    if isinstance(shown, dict) and isinstance(value, dict):
        return {key: _exact(shown[key], value[key]) for key in shown}
    return shown


_FIRST = ("reads", "writes", "bind")
"""Keys that stand right after what says the kind of a step."""


def _step(step: Step) -> dict[str, Any]:
    fields = _short(step)
    fields = {name: fields[name] for name in _FIRST if name in fields} | fields
    fields.pop("kind")
    for key in ("card", "spec", "undoing", "until", "event", "within", "payload", "duration"):
        fields.pop(key, None)
    match step:
        case ReasonStep() | RouteStep() | ActStep() | PythonStep():
            return {"node": step.card.node} | fields
        case CompensateStep():
            return {"compensate": step.compensate} | fields
        case WaitStep():
            return {"wait": _wait(step)} | fields
        case GraphStep():
            return {"graph": step.spec.graph} | fields
        case MapStep():
            names = {"over": "over", "item": "as", "at_most": "at_most", "concurrency": "concurrency"}
            over = {word: fields.pop(name) for name, word in names.items() if name in fields}
            return {"map": over | {"graph": step.spec.graph}} | fields
        case ApproveStep():
            return {"approve": step.approve} | fields
    return fields


def _wait(step: WaitStep) -> Any:
    shown = step.model_dump(mode="json", by_alias=True, exclude_defaults=True)
    if step.duration is not None:
        return shown["duration"]
    return {name: shown[name] for name in ("until", "event", "within", "payload") if name in shown}


def _edge(edge: Edge, spec: Spec) -> Any:
    plain = [plain_outcome(spec.steps[edge.source])] if edge.source in spec.steps else []
    fields: dict[str, Any] = {"from": edge.source}
    if edge.on != plain:
        fields["on"] = edge.on[0] if len(edge.on) == 1 else list(edge.on)
    fields["to"] = edge.target
    if edge.when:
        fields["when"] = {path: _comparison(comparison) for path, comparison in edge.when.items()}
    if edge.otherwise:
        fields["else"] = True
    if edge.approval is not None:
        fields["approval"] = edge.approval
    if edge.writes and not (edge.approval is not None and edge.writes == REVIEW_KEY):
        fields["writes"] = edge.writes
    if edge.outcome:
        fields["outcome"] = edge.outcome
    if edge.keeps:
        fields["keeps"] = list(edge.keeps)
    return f"{edge.source} -> {edge.target}" if set(fields) == {"from", "to"} else fields


def _comparison(comparison: Any) -> Any:
    found = {name: _constant(value) for name, value in comparison.operators().items()}
    return found["eq"] if set(found) == {"eq"} else found


def _constant(value: Any) -> Any:
    if isinstance(value, tuple | list):
        return [_constant(item) for item in value]
    return float(value) if isinstance(value, Decimal) else value


def modeline(kind: str) -> str:
    """The first line of a file in a drawer, by which editors find its schema."""
    return f"# yaml-language-server: $schema=../docs/schema/{kind}.schema.json\n"


class _Writer(yaml.SafeDumper):
    """Plain YAML: no anchors, decimals without exponents, text of several lines as a block."""

    def ignore_aliases(self, data: Any) -> bool:
        return True


def _text(writer: _Writer, value: str) -> yaml.ScalarNode:
    return writer.represent_scalar("tag:yaml.org,2002:str", value, style="|" if "\n" in value else None)


def _number(writer: _Writer, value: float) -> yaml.ScalarNode:
    return writer.represent_scalar("tag:yaml.org,2002:float", format(Decimal(repr(value)), "f"))


_Writer.add_representer(str, _text)
_Writer.add_representer(float, _number)


class _OwnWriter(_Writer):
    """For our own reader, which leaves the words `on`, `off`, `yes` and `no` text: they need no quotes."""


_OwnWriter.yaml_implicit_resolvers = {
    first: [(tag, pattern) for tag, pattern in found if not (tag.endswith(":bool") and first not in "tTfF")]
    for first, found in yaml.SafeDumper.yaml_implicit_resolvers.items()
}


def written(fields: dict[str, Any]) -> str:
    """`fields` as the YAML text of a file in a drawer, the same for the same fields."""
    return _dumped(fields, _OwnWriter)


def shared(document: dict[str, Any]) -> str:
    """`document` as YAML text that other programs read too."""
    return _dumped(document, _Writer)


def _dumped(fields: dict[str, Any], writer: type[_Writer]) -> str:
    return yaml.dump(fields, Dumper=writer, sort_keys=False, allow_unicode=True, width=110, default_flow_style=None)
