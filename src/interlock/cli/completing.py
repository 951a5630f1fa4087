"""What the shell offers after TAB.  It answers while somebody types, so it reads names of files and nothing else."""

from __future__ import annotations

from pathlib import Path


def graphs(incomplete: str) -> list[str]:
    """The graphs of the project around the current folder whose names begin so."""
    here = Path.cwd()
    for folder in (here, *here.parents):
        if (folder / "graphs").is_dir():
            return [
                name
                for path in sorted((folder / "graphs").glob("*.yaml"))
                if (name := path.stem).startswith(incomplete)
            ]
    return []
