"""Every graph in this folder is right: no errors, no warnings, and bounds that say how long a run can take."""

from __future__ import annotations

import re
from pathlib import Path

import pytest

from interlock.cli.checking import check_paths

REPOSITORY = Path(__file__).parents[2]
GRAPHS = {path.stem: path for path in sorted(Path(__file__).parent.glob("*.yaml"))}
SHIPPED = {path.stem: path for path in sorted((REPOSITORY / "graphs").glob("*.yaml"))}

STEPS = re.compile(r"^# steps: ([0-9]+)$", re.MULTILINE)


@pytest.mark.parametrize("name", GRAPHS)
def test_the_graph_is_accepted(name: str) -> None:
    """Nothing is found in the file, and its worst case is the one worked out by hand."""
    report = check_paths([GRAPHS[name]])
    assert not report.findings, report.text()
    bounds = report.graphs[str(GRAPHS[name])]
    assert bounds is not None
    told = STEPS.search(GRAPHS[name].read_text())
    assert told is not None
    assert bounds.steps == int(told[1])


@pytest.mark.parametrize("name", SHIPPED)
def test_the_shipped_graph_is_accepted(name: str) -> None:
    """The workflows of this repository pass their own checks without a warning."""
    report = check_paths([SHIPPED[name]])
    assert not report.findings, report.text()
