"""Conditions on edges and branching nodes: each as the other."""

from __future__ import annotations

import re
from collections.abc import Mapping
from typing import Any

from interlock.graphs.agent_spec.paths import Path, Paths
from interlock.graphs.agent_spec.reader import Node
from interlock.graphs.agent_spec.vocabulary import DEFAULT
from interlock.graphs.bind import path_parts
from interlock.graphs.spec import Edge
from interlock.policies.language import Comparison


def words(asked: list[Edge]) -> tuple[Path, dict[str, int]] | None:
    """The one path that all conditions compare with words, and the edge for each word; None for other conditions."""
    found: dict[str, int] = {}
    paths = set()
    for index, edge in enumerate(asked):
        if len(edge.when or {}) != 1:
            return None
        (path, test), *_ = (edge.when or {}).items()
        paths.add(path)
        operators = test.operators()
        compared = {"eq": [operators.get("eq")], "in": operators.get("in")}.get("".join(operators))
        if not compared or not all(isinstance(word, str) for word in compared):
            return None
        for word in compared:
            if found.setdefault(str(word), index) != index:
                return None
    return (path_parts(paths.pop()), found) if len(paths) == 1 else None


def rule(path: str, test: Comparison) -> str:
    """A condition in words, for whoever writes the tool that decides it."""
    return " and ".join(f"{path} {operator} {value}" for operator, value in test.operators().items())


def leaves(
    paths: Paths, target: str, conditions: Mapping[str, Any] | None = None, within: tuple[str, ...] = ()
) -> list[tuple[dict[str, Any], str]]:
    """Where a branching node leads, each with the conditions on the way; the default comes last."""
    known = dict(conditions or {})
    node = paths.flow.nodes[target]
    if node.kind != "BranchingNode":
        return [(known, target)]
    path = paths.value(node.id, node.inputs[0]["title"]) if node.inputs else None
    mapping = node.data.get("mapping")
    if path is None or not isinstance(mapping, dict) or target in within:
        why = "it leads back to itself" if target in within else "its input is not fed, or it has no mapping"
        paths.faults.append(f"  {node.said}: {why}")
        return []
    key = f"$.{'.'.join(path)}"
    if key in known:
        paths.faults.append(f"  {node.said} compares `{key}`, which a branching node before it compares too")
    constants = {word: _constant(paths, node, str(word)) for word in mapping}
    found = []
    for way in dict.fromkeys(str(way) for way in mapping.values()):
        if way == DEFAULT:
            continue
        those = [constants[word] for word, leads in mapping.items() if leads == way]
        test = those[0] if len(those) == 1 else {"in": those}
        found += leaves(paths, paths.flow.control[node.id, way], {**known, key: test}, (*within, target))
    others = [constants[word] for word, leads in mapping.items() if leads != DEFAULT]
    rest = {"ne": others[0]} if len(others) == 1 else {"not_in": others}
    return found + leaves(paths, paths.flow.control[node.id, DEFAULT], {**known, key: rest}, (*within, target))


def _constant(paths: Paths, node: Node, word: str) -> Any:
    """A word of a mapping as a constant of the compared value's type."""
    sources = paths.flow.data.get((node.id, node.inputs[0]["title"]), [])
    kinds = {
        str(output.get("type", "string"))
        for source, title in sources
        for output in paths.flow.nodes[source].outputs
        if output["title"] == title
    }
    if kinds == {"boolean"} and word in ("true", "false"):
        return word == "true"
    if kinds == {"integer"} and re.fullmatch(r"-?[0-9]{1,15}", word):
        return int(word)
    if kinds != {"string"}:
        paths.faults.append(f"  {node.said} compares a value of type {' or '.join(sorted(kinds))} with `{word}`")
    return word
