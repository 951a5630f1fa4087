"""The author's verb `interlock init`."""

from __future__ import annotations

import importlib.resources
from pathlib import Path
from typing import Annotated

import typer

from interlock.cli.checking import DRAWERS
from interlock.cli.schema import FOLDER, schema_files


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
    typer.echo(f"Made {folder}: graphs/, nodes/, tools/, policies/, tests/, docs/schema/ (for editors), README.md.")
    typer.echo(f"Next: cd {folder} && interlock check graphs")
    typer.echo(
        "then: interlock run polish_and_send -i to=anna@example.org -i request='Polish my email.' -i draft=@FILE"
    )


def make_project(folder: Path) -> list[Path]:
    """Write the starter's files under `folder` and return those that were there already and stay as they are."""
    kept = []
    schemas = {(FOLDER / name).as_posix(): text for name, text in schema_files().items()}
    for name, text in {**_starter(), **schemas, **_OWN_FILES}.items():
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
- `nodes/`: one card a file, for a step in which a model reasons, routes or acts; and pure functions in Python.
- `tools/`: typed actions; each declares its effect and risk.
- `policies/`: who may do what, who must agree; `people.yaml` says who holds which role.
- `docs/schema/`: what editors complete and judge these files by; `interlock schema -o docs/schema` writes it anew.

```
interlock check graphs           # prove the workflows before anything runs
interlock run polish_and_send -i to=anna@example.org -i request="Polish my email." -i draft=@draft.txt
interlock draw polish_and_send --format text
interlock review list            # what waits for a person
interlock runs resume --due      # go on with what waited for a time or an event
interlock explain                # what each finding of `check` means
python -m pytest tests
```

State lives in `.interlock/`; settings are read from the environment and `.env`.
""",
    "tests/test_workflows.py": '''"""Every workflow of this project passes its checks."""

from pathlib import Path

import pytest

from interlock.cli.checking import check_paths

GRAPHS = sorted((Path(__file__).parents[1] / "graphs").glob("*.yaml"))


@pytest.mark.parametrize("graph", GRAPHS, ids=lambda path: path.stem)
def test_the_workflow_passes_its_checks(graph: Path) -> None:
    """No path of the workflow reaches an action undecided, and every run ends."""
    report = check_paths([graph])
    assert report.ok, report.text()
''',
}
