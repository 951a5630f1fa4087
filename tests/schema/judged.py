"""Two judges of one text: what the check finds in its form, and what the schema of its kind finds."""

from __future__ import annotations

import json
from collections.abc import Iterator, Mapping
from functools import cache
from pathlib import Path
from typing import Any

from jsonschema import Draft7Validator, FormatChecker

from interlock.graphs.cards import Card
from interlock.graphs.loader import load_spec
from interlock.graphs.schema import Kind, file_name
from interlock.nodes.drawer import inspect_cards
from interlock.policies.drawer import inspect_policies
from interlock.source import SourceError, parse_document
from interlock.tools.drawer import inspect_actions

ROOT = Path(__file__).resolve().parents[2]
SCHEMAS = ROOT / "docs" / "schema"

FORM = frozenset(f"{family}00{digit}" for family in "GNPC" for digit in (1, 2, 3)) | {"G004", "G005", "G006", "G111"}
"""The codes of faults of form: what one file says of itself."""


def kind_of(path: Path) -> Kind:
    """The kind of a YAML file, by where it stands."""
    if path.parent.name == "nodes":
        return "node"
    if path.parent.name == "policies":
        return "people" if path.name == "people.yaml" else "policy"
    return "toolset" if path.parent.name == "tools" else "graph"


@cache
def validator(kind: Kind) -> Draft7Validator:
    """The judge of the committed schema."""
    schema = json.loads((SCHEMAS / file_name(kind)).read_text(encoding="utf-8"))
    return Draft7Validator(schema, format_checker=FormatChecker(["regex"]))


def schema_faults(kind: Kind, data: Any) -> list[str]:
    """What the schema says of a file's data, each with its place."""
    return sorted(
        f"{'/'.join(str(part) for part in fault.absolute_path)}: {fault.message}"
        for fault in validator(kind).iter_errors(data)
    )


def data_of(path: Path) -> Any:
    """A file's data as the check reads it; None where it is no YAML that it reads."""
    try:
        return parse_document(path.read_text(encoding="utf-8"), path.name).data
    except (SourceError, UnicodeDecodeError):
        return None


class Project:
    """The drawers that a graph is judged with."""

    def __init__(self, root: Path) -> None:
        self.cards: Mapping[str, Card] = inspect_cards(root / "nodes")[0]
        self.actions = inspect_actions(root / "tools")[0]
        self.policies = inspect_policies(root / "policies")[0]


def check_faults(kind: Kind, data: Any, path: Path, project: Project) -> list[tuple[str, tuple[str | int, ...], str]]:
    """What the check says of a file's data, as code, place and message; the file is written to `path`.

    `path` stands in the drawer of its kind, alone with what the file refers to.
    """
    text = json.dumps(data, indent=1)
    path.write_text(text, encoding="utf-8")
    match kind:
        case "graph":
            findings = load_spec(path, project.cards, project.actions, project.policies).findings
        case "node":
            findings = inspect_cards(path.parent)[1]
        case "policy" | "people":
            findings = inspect_policies(path.parent)[1]
    places = dict(_places(text))
    return [
        (finding.code, places.get((finding.line, finding.column), ()), finding.message)
        for finding in findings
        if finding.fatal
    ]


def _places(text: str) -> Iterator[tuple[tuple[int, int], tuple[str | int, ...]]]:
    for loc, span in parse_document(text, "f.yaml").spans.items():
        yield (span.value.line, span.value.column), loc
        if span.key is not None:
            yield (span.key.line, span.key.column), loc
