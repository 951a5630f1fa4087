"""The schema and the check, held to each other on files that were changed at random.

Whatever the schema refuses, the check refuses; and a fault of form that the check finds, the schema finds,
but for what one file cannot tell: those exceptions are written out in `seen`.
"""

from __future__ import annotations

import copy
import random
import shutil
from pathlib import Path
from typing import Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from interlock.graphs.schema import Kind, schema
from tests.schema.judged import FORM, ROOT, Project, check_faults, data_of, kind_of, schema_faults

PROJECTS = {"shipped": ROOT, "accepted": ROOT / "tests" / "accepted"}
DRAWERS = {name: Project(root) for name, root in PROJECTS.items()}
FILES = [
    (name, path)
    for name, root in PROJECTS.items()
    for folder in ("graphs", "nodes", "policies", ".")
    for path in sorted((root / folder).glob("*.yaml"))
]

VALUES: list[Any] = [
    "x", "Not a name", "", "$.request", "$x", "A -> B", "2h", "2 h", "email.send", "email.*", "polish", "START",
    "done", "string", "auto", "reason", "until", 0, 1, 3, -1, 99999, 2.5, True, False, [], {}, ["x"], ["x", "y"],
    [1], ["done"], {"x": "$.request"}, {"eq": 1}, {"lq": 1}, {"until": "$.request"}, {"event": "e", "within": "2h"},
    {"type": "string"}, {"type": "strin"}, {"from": "START", "to": "END"}, {"approve": {"count": 2}},
]  # fmt: skip
"""What values are replaced by; `null` is left out, which the schema takes for a key nobody finished."""

MERGED = set(schema("graph")["definitions"]["step_node"]["properties"])
"""The keys of a `node` step of whatever kind."""


def _keys(kind: Kind) -> list[str]:
    """Every key that some object of this kind of file may have, and a misspelt one."""
    found: set[str] = {"raeds"}

    def walk(node: Any) -> None:
        if isinstance(node, dict):
            inner = node.get("properties")
            if isinstance(inner, dict):
                found.update(inner)
            for value in node.values():
                walk(value)
        elif isinstance(node, list):
            for value in node:
                walk(value)

    walk(schema(kind))
    return sorted(found)


KEYS = {kind: _keys(kind) for kind in ("graph", "node", "policy", "people")}


def changed(data: Any, kind: Kind, dice: random.Random) -> Any:
    """A copy with one thing changed: a value replaced or removed, a key renamed or added."""
    data = copy.deepcopy(data)
    places: list[tuple[Any, Any]] = []

    def walk(node: Any) -> None:
        for key, value in list(node.items()) if isinstance(node, dict) else list(enumerate(node)):
            places.append((node, key))
            if isinstance(value, dict | list):
                walk(value)

    walk(data)
    holder, key = dice.choice(places)
    match dice.choice(("replace", "remove", "rename", "add")):
        case "replace":
            holder[key] = copy.deepcopy(dice.choice(VALUES))
        case "remove":
            del holder[key]
        case "rename" if isinstance(holder, dict):
            holder[dice.choice([*KEYS[kind], "No name"])] = holder.pop(key)
        case _ if isinstance(holder, dict):
            holder[dice.choice([*KEYS[kind], "No name"])] = copy.deepcopy(dice.choice(VALUES))
        case _:
            holder.append(copy.deepcopy(dice.choice(VALUES)))
    return data


def seen(code: str, at: tuple[str | int, ...], data: Any) -> bool:
    """Whether a schema can see this fault of form."""
    if code == "G003" and at[-1:] == ("default",):
        return False  # a value against the type beside it
    step = data["steps"].get(at[1]) if at[:1] == ("steps",) and len(at) > 1 else None
    if not isinstance(step, dict) or "node" not in step:
        return True
    # Which keys a step with a node has, the kind of its card decides, in another file.
    by_card = (code == "G001" and len(at) == 3 and at[2] in MERGED) or (code == "G002" and len(at) == 2)
    return not (by_card or (code == "G003" and at[2:] == ("reads",) and step["reads"] == []))


@pytest.fixture(scope="module")
def folder(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Drawers for changed files: graphs stand beside the graphs that they use."""
    found = tmp_path_factory.mktemp("changed")
    for name, root in PROJECTS.items():
        graphs = root / "graphs" if name == "shipped" else root
        for path in graphs.glob("*.yaml"):
            (found / name).mkdir(exist_ok=True)
            shutil.copy(path, found / name / path.name)
    return found


@settings(max_examples=400, deadline=None)
@given(st.sampled_from(FILES), st.integers(min_value=0, max_value=2**32), st.integers(min_value=1, max_value=3))
def test_schema_and_check_agree(folder: Path, file: tuple[str, Path], seed: int, times: int) -> None:
    """No false alarm: what the schema refuses is refused; no silence: a fault of form is seen where it can be."""
    name, path = file
    kind = kind_of(path)
    dice = random.Random(seed)
    data = data_of(path)
    for _ in range(times):
        data = changed(data, kind, dice) if data else data
    if not data:
        return
    where = folder / name / "changed.yaml" if kind == "graph" else folder / kind / path.parent.name / path.name
    where.parent.mkdir(parents=True, exist_ok=True)
    for other in where.parent.iterdir() if kind != "graph" else ():
        other.unlink()
    faults = check_faults(kind, data, where, DRAWERS[name])
    alarms = schema_faults(kind, data)
    if alarms:
        assert faults, (alarms, data)
    visible = [fault for fault in faults if fault[0] in FORM and seen(fault[0], fault[1], data)]
    if visible:
        assert alarms, (visible, data)
