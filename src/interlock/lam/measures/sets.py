"""The public sets by name: how each is read, and the figures that only it has."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from interlock.lam.measures.bfcl import read_columns
from interlock.lam.measures.cases import Case
from interlock.lam.measures.clinc import clinc_figures, read_clinc
from interlock.lam.measures.outcomes import Outcome
from interlock.lam.measures.report import by_column, overall
from interlock.lam.measures.seal_tools import read_seal_tools, seal_tools_figures
from interlock.lam.measures.snips import read_snips, snips_figures


def _none(outcomes: Sequence[Outcome]) -> dict[str, Any]:
    return {}


@dataclass(frozen=True)
class PublicSet:
    """One set."""

    read: Callable[[Path, Sequence[str], int | None], list[Case]]
    """Its cases, from a folder, the columns wanted, and how many at most."""
    figures: Callable[[Sequence[Outcome]], dict[str, Any]]
    """Figures beside those that every set has."""


SETS: dict[str, PublicSet] = {
    "bfcl": PublicSet(read_columns, _none),
    "snips": PublicSet(lambda folder, _, limit: read_snips(folder, limit), snips_figures),
    "seal_tools": PublicSet(lambda folder, _, limit: read_seal_tools(folder, limit), seal_tools_figures),
    "clinc": PublicSet(lambda folder, _, limit: read_clinc(folder, limit), clinc_figures),
}


def report(name: str, outcomes: Sequence[Outcome], certified: Mapping[str, float | None] | None) -> dict[str, Any]:
    """All figures of a set: `columns`, those over all of them, and those of its own."""
    return {"columns": by_column(outcomes), **overall(outcomes, certified), **SETS[name].figures(outcomes)}
