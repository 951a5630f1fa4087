"""Checks graph files against the drawers of their projects."""

from __future__ import annotations

import os
from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass
from decimal import Decimal
from pathlib import Path
from typing import TYPE_CHECKING, Any

from interlock.cli.report import Report, counted

if TYPE_CHECKING:
    from interlock.graphs.proofs.bounds import Bounds
    from interlock.source import Document, Finding

DRAWERS = ("graphs", "nodes", "tools", "policies")

# What a fault in one drawer makes look wrong in a graph, though the graph may be right.
_AFTER_CARDS = frozenset({"G010", "G014"})
_AFTER_TOOLS = frozenset(
    {"G011", "G014", "G023", "G029", "G034", "G035", "G037", "G201", "G202", "G207", "G208", "G209", "G212", "G214"}
)
_AFTER_POLICIES = frozenset({"G012", "G014", "G201", "G204", "G212"})


def check_paths(paths: Iterable[Path], allowed: Mapping[str, int | Decimal] | None = None) -> Report:
    """Check graph files and folders of them, each against the drawers of its project.

    Args:
        allowed: the most that a run of any of them may take, by the name of the bound.

    Raises:
        FileNotFoundError: a path does not exist, or a folder holds no graph file.
    """
    from interlock.graphs.loader import load_spec
    from interlock.graphs.proofs.bounds import bounds

    projects: dict[Path, _Drawers] = {}
    findings: list[Finding] = []
    graphs: dict[str, Bounds | None] = {}
    documents: list[Document] = []
    for path in files_of(paths):
        root = project_of(path)
        if root not in projects:
            projects[root] = drawers = _Drawers.read(root)
            findings += drawers.findings
            documents += drawers.documents
        drawers = projects[root]
        loaded = load_spec(path, drawers.cards, drawers.actions, drawers.policies)
        findings += [finding for finding in loaded.findings if finding.code not in drawers.hidden]
        documents += loaded.documents
        found = bounds(loaded.spec, drawers.actions) if loaded.spec is not None else None
        graphs[str(path)] = found
        if found is not None:
            findings += above(found, allowed or {}, loaded.documents[0])
    return Report(_without_echoes(findings), graphs, documents)


def _without_echoes(findings: list[Finding]) -> list[Finding]:
    """Without the graphs that are only wrong because a graph they use is, where that one is reported itself."""
    faulty = {Path(finding.file) for finding in findings if finding.fatal}
    return [
        finding
        for finding in findings
        if finding.code != "G014"
        or not any(file.parent == Path(finding.file).parent and f"`{file.stem}`" in finding.message for file in faulty)
    ]


def above(found: Bounds, allowed: Mapping[str, int | Decimal], document: Document) -> Iterator[Finding]:
    """The bounds of a graph that are above what is allowed, each where the graph could limit it."""
    for name, most in allowed.items():
        value = getattr(found, name, None)
        at = next((at for at in (("limits", name), ("limits",)) if document.at(at) is not None), ("graph",))
        example = f"{{cost: {{usd: {most}}}}}" if name == "cost" else f"{{{name}: {most}}}"
        if value is None:
            message = f"a run may take {counted(name, None)}; at most {most} are allowed"
            hint = f"limit it, as in `limits: {example}`" if name in _LIMITED else None
            yield document.finding("G221", message, at, key=True, hint=hint)
        elif value > most:
            message = f"a run can take {counted(name, value)}; at most {most} are allowed"
            yield document.finding("G220", message, at, key=True)


_LIMITED = ("steps", "model_calls", "cost")
"""Bounds that a graph can limit under `limits`."""


def project_of(path: Path) -> Path:
    """The project whose drawers a graph file uses: the nearest folder above it that has drawers.

    A file outside any project is checked with the drawers of the current folder's project.
    """
    for start in (path.resolve().parent, Path.cwd()):
        for folder in (start, *start.parents):
            if (folder / "nodes").is_dir() and sum((folder / name).is_dir() for name in DRAWERS) > 1:
                return folder
    return path.resolve().parent


def files_of(paths: Iterable[Path]) -> list[Path]:
    """The graph files meant by paths of files and folders, each once.

    Raises:
        FileNotFoundError: a path does not exist, or a folder holds no graph file.
    """
    files: list[Path] = []
    for path in paths:
        if path.is_dir():
            folder = path / "graphs" if (path / "graphs").is_dir() else path
            found = sorted(entry for entry in folder.iterdir() if entry.suffix in (".yaml", ".yml"))
            if not found:
                raise FileNotFoundError(f"{folder} holds no graph file (*.yaml)")
            files += found
        elif path.exists():
            files.append(path)
        else:
            raise FileNotFoundError(f"{path} does not exist")
    return list(dict.fromkeys(files))


@dataclass(frozen=True)
class _Drawers:
    """The drawers of one project, what is wrong with them, and the codes that this makes meaningless in graphs."""

    cards: Any
    actions: Any
    policies: Any
    findings: list[Finding]
    documents: list[Document]
    hidden: frozenset[str]

    @classmethod
    def read(cls, root: Path) -> _Drawers:
        from interlock.nodes.drawer import card_findings, inspect_cards
        from interlock.policies.drawer import inspect_policies, policy_findings
        from interlock.tools.drawer import inspect_tools

        shown = Path(os.path.relpath(root)) if root.is_relative_to(Path.cwd()) else root
        drawer = inspect_tools(shown / "tools")
        actions, tools = drawer.actions, list(drawer.findings)
        cards, nodes = inspect_cards(shown / "nodes")
        policies, rules = inspect_policies(shown / "policies")
        hidden: frozenset[str] = frozenset()
        if tools:
            hidden |= _AFTER_TOOLS
        else:
            unknown = card_findings(cards, actions)
            nodes += unknown
            hidden |= _AFTER_TOOLS if unknown else frozenset()
            rules += policy_findings(policies, actions)
        hidden |= _AFTER_CARDS if any(finding.fatal for finding in nodes) else frozenset()
        hidden |= _AFTER_POLICIES if any(finding.fatal for finding in rules) else frozenset()
        documents = [*drawer.documents, *cards.documents.values(), *policies.documents.values()]
        return cls(cards, actions, policies, [*tools, *nodes, *rules], documents, hidden)
