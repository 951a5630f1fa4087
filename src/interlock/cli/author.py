"""The author's verbs: `interlock check` and `interlock init`.

To be registered with a typer app: ``app.command()(author.check)``, ``app.command()(author.init)``.
"""

from __future__ import annotations

import importlib.resources
import json
import os
from collections.abc import Iterable, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any

import typer

if TYPE_CHECKING:
    from interlock.graphs.bounds import Bounds
    from interlock.source import Document, Finding

DRAWERS = ("graphs", "nodes", "tools", "policies")
FIELDS = ("steps", "model_calls", "actions", "approvals", "cost")

# What a fault in one drawer makes look wrong in a graph, though the graph may be right.
_AFTER_CARDS = frozenset({"G010"})
_AFTER_TOOLS = frozenset({"G011", "G023", "G029", "G201", "G202"})
_AFTER_POLICIES = frozenset({"G012", "G201", "G204"})


@dataclass(frozen=True)
class Report:
    """What checking some graph files found, with the bounds of each that is right."""

    findings: list[Finding]
    graphs: dict[str, Bounds | None]
    documents: list[Document] = field(default_factory=list, repr=False)

    @property
    def ok(self) -> bool:
        return not any(finding.fatal for finding in self.findings)

    def json(self) -> dict[str, Any]:
        """The object that `interlock check --json` prints; `graphs` is there when there are several files."""
        bounds = {file: None if found is None else _plain(found) for file, found in self.graphs.items()}
        known = [found for found in bounds.values() if found is not None]
        most = {name: _most([found[name] for found in known]) for name in FIELDS} if known else None
        shown = [finding.model_dump(exclude={"length"}) for finding in self.findings]
        report: dict[str, Any] = {"ok": self.ok, "findings": shown, "bounds": most}
        if len(bounds) > 1:
            report["graphs"] = [{"file": file, "bounds": found} for file, found in bounds.items()]
        return report

    def text(self) -> str:
        """The findings with their source lines, then one line a graph."""
        from interlock.source import render

        blocks = [render(self.findings, self.documents)] if self.findings else []
        files = {finding.file for finding in self.findings if finding.fatal}
        blocks += [
            "\n".join(
                f"{file}: {'has errors' if file in files else _sentence(bounds)}"
                for file, bounds in self.graphs.items()
            )
        ]
        errors = sum(finding.fatal for finding in self.findings)
        if self.findings:
            blocks.append(f"{_count(errors, 'error')}, {_count(len(self.findings) - errors, 'warning')}")
        if self.ok and self.graphs:
            blocks.append(f"Next: interlock run {next(iter(self.graphs))} -i KEY=VALUE ...")
        return "\n\n".join(blocks)


def check(
    paths: Annotated[
        list[Path] | None, typer.Argument(help="Graph files or folders of them; default is this project's graphs/.")
    ] = None,
    form: Annotated[str, typer.Option("--format", help="text or json")] = "text",
    as_json: Annotated[bool, typer.Option("--json", help="The same as --format json.")] = False,
) -> None:
    """Check graph files, and the cards, tools and policies they use, before anything runs."""
    if form not in ("text", "json"):
        raise typer.BadParameter("--format is text or json")
    try:
        report = check_paths(paths or [Path("graphs") if Path("graphs").is_dir() else Path(".")])
    except FileNotFoundError as error:
        raise typer.BadParameter(str(error)) from None
    if as_json or form == "json":
        typer.echo(json.dumps(report.json(), ensure_ascii=False))
    else:
        typer.echo(report.text())
    if not report.ok:
        raise typer.Exit(1)


def check_paths(paths: Iterable[Path]) -> Report:
    """Check graph files and folders of them, each against the drawers of its project.

    Raises:
        FileNotFoundError: a path does not exist, or a folder holds no graph file.
    """
    from interlock.graphs.bounds import bounds
    from interlock.graphs.loader import load_spec

    projects: dict[Path, _Drawers] = {}
    findings: list[Finding] = []
    graphs: dict[str, Bounds | None] = {}
    documents: list[Document] = []
    for path in _files(paths):
        root = project_of(path)
        if root not in projects:
            projects[root] = drawers = _Drawers.read(root)
            findings += drawers.findings
            documents += drawers.documents
        drawers = projects[root]
        loaded = load_spec(path, drawers.cards, drawers.actions, drawers.policies)
        findings += [finding for finding in loaded.findings if finding.code not in drawers.hidden]
        documents += loaded.documents
        graphs[str(path)] = bounds(loaded.spec, drawers.actions) if loaded.spec is not None else None
    return Report(findings, graphs, documents)


def project_of(path: Path) -> Path:
    """The project whose drawers a graph file uses: the nearest folder above it that has drawers.

    A file outside any project is checked with the drawers of the current folder's project.
    """
    for start in (path.resolve().parent, Path.cwd()):
        for folder in (start, *start.parents):
            if (folder / "nodes").is_dir() and sum((folder / name).is_dir() for name in DRAWERS) > 1:
                return folder
    return path.resolve().parent


def _files(paths: Iterable[Path]) -> list[Path]:
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
        from interlock.tools.drawer import inspect_actions

        shown = Path(os.path.relpath(root)) if root.is_relative_to(Path.cwd()) else root
        actions, tools = inspect_actions(shown / "tools")
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
        documents = [*cards.documents.values(), *policies.documents.values()]
        return cls(cards, actions, policies, [*tools, *nodes, *rules], documents, hidden)


def _plain(bounds: Bounds) -> dict[str, Any]:
    found = bounds.model_dump()
    return found | {"cost": None if bounds.cost is None else float(bounds.cost)}


def _most(values: Sequence[float | None]) -> float | None:
    """The largest; None, which means without limit, is larger than any."""
    known = [value for value in values if value is not None]
    return max(known) if len(known) == len(values) else None


def _sentence(bounds: Bounds | None) -> str:
    if bounds is None:
        return "not checked, because of the errors above"
    parts = [
        _count(bounds.steps, "step"),
        _count(bounds.model_calls, "chat-model call"),
        _count(bounds.actions, "action"),
        _count(bounds.approvals, "question to people", "questions to people"),
    ]
    if bounds.cost is not None:
        parts.append(f"{bounds.cost} USD")
    return f"ok; a run takes at most {', '.join(parts)}"


def _count(number: int | None, noun: str, plural: str | None = None) -> str:
    if number is None:
        return f"any number of {plural or noun + 's'}"
    return f"{number} {noun if number == 1 else plural or noun + 's'}"


def init(
    folder: Annotated[Path, typer.Argument(help="The folder of the new project.")],
    force: Annotated[
        bool, typer.Option("--force", help="Also into a folder that is not empty; its files stay.")
    ] = False,
) -> None:
    """Make a new project: the four drawers with a working example, a README and a test."""
    if folder.exists() and (not folder.is_dir() or (any(folder.iterdir()) and not force)):
        typer.echo(f"{folder} is not an empty folder. Choose another, or add --force; existing files stay.", err=True)
        raise typer.Exit(2)
    kept = make_project(folder)
    for path in kept:
        typer.echo(f"kept {path}", err=True)
    typer.echo(f"Made {folder}: graphs/, nodes/, tools/, policies/, tests/, README.md.")
    typer.echo(f"Next: cd {folder} && interlock check graphs")
    typer.echo(
        "then: interlock run polish_and_send -i to=anna@example.org -i request='Polish my email.' -i draft=@FILE"
    )


def make_project(folder: Path) -> list[Path]:
    """Write the starter's files under `folder` and return those that were there already and stay as they are."""
    kept = []
    for name, text in {**_starter(), **_OWN_FILES}.items():
        path = folder / name
        path.parent.mkdir(parents=True, exist_ok=True)
        if path.exists():
            kept.append(path)
        else:
            path.write_text(text, encoding="utf-8")
    return kept


def _starter() -> dict[str, str]:
    """The files of the starter's drawers by their path in a project."""
    packaged = importlib.resources.files("interlock") / "starter"
    # An editable install has no packaged starter: there the repository's own drawers are it.
    source = packaged if packaged.is_dir() else Path(__file__).resolve().parents[3]
    found = {}
    for drawer in DRAWERS:
        for entry in (source / drawer).iterdir():
            if entry.name.endswith((".yaml", ".py")):
                found[f"{drawer}/{entry.name}"] = entry.read_text(encoding="utf-8")
    return found


_OWN_FILES = {
    ".gitignore": ".interlock/\n.env\n__pycache__/\n",
    "README.md": """# Workflows

Models propose, rules and people decide, and every action happens once.

- `graphs/`: one workflow a file.
- `nodes/`: one card a file, for a step that reasons or acts.
- `tools/`: typed actions; each declares its effect and risk.
- `policies/`: who may do what, who must agree; `people.yaml` says who holds which role.

```
interlock check graphs           # prove the workflows before anything runs
interlock run polish_and_send -i to=anna@example.org -i request="Polish my email." -i draft=@draft.txt
interlock review list            # what waits for a person
python -m pytest tests
```

State lives in `.interlock/`; settings are read from the environment and `.env`.
""",
    "tests/test_workflows.py": '''"""Every workflow of this project passes its checks."""

from pathlib import Path

import pytest

from interlock.cli.author import check_paths

GRAPHS = sorted((Path(__file__).parents[1] / "graphs").glob("*.yaml"))


@pytest.mark.parametrize("graph", GRAPHS, ids=lambda path: path.stem)
def test_the_workflow_passes_its_checks(graph: Path) -> None:
    """No path of the workflow reaches an action undecided, and every run ends."""
    report = check_paths([graph])
    assert report.ok, report.text()
''',
}
