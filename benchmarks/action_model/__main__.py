"""Measure the embedded action model: `python -m benchmarks.action_model --data FOLDER --json --svg FOLDER`.

`--data` is a folder with any of `bfcl_dev/`, `snips/`, `seal_tools/` and `clinc/`; what is not there is left out.
"""

from __future__ import annotations

import argparse
import json
import sys
from collections.abc import Sequence
from pathlib import Path
from typing import Any

from benchmarks.action_model import speed
from benchmarks.action_model.table import draw, markdown
from interlock.lam.load import load_action_model
from interlock.lam.measures.outcomes import Outcome, run
from interlock.lam.measures.sets import SETS, report

FOLDERS = {"bfcl": ("bfcl_dev", "bfcl"), "snips": ("snips",), "seal_tools": ("seal_tools",), "clinc": ("clinc",)}


def measure_sets(
    data: Path | None, model: Path | None, limit: int | None
) -> tuple[dict[str, Any], dict[str, Sequence[Outcome]]]:
    """The figures of each set that is there, and its outcomes."""
    figures: dict[str, Any] = {}
    outcomes: dict[str, Sequence[Outcome]] = {}
    loaded = load_action_model(model, threads=1)
    for name, folders in FOLDERS.items():
        folder = next((data / folder for folder in folders if (data / folder).is_dir()), None) if data else None
        if folder is not None:
            cases = SETS[name].read(folder, [], limit)
            print(f"{name}: {len(cases)} requests", file=sys.stderr, flush=True)
            outcomes[name] = run(loaded, cases)
            figures[name] = report(name, outcomes[name], loaded.certificates.thresholds)
    return figures, outcomes


def main(arguments: Sequence[str] | None = None) -> None:
    """Measure, print, and draw where asked to."""
    parser = argparse.ArgumentParser(prog="python -m benchmarks.action_model", description=__doc__)
    parser.add_argument("--data", type=Path, help="folder of the public sets; without it only speed is measured")
    parser.add_argument("--model", type=Path, help="folder of trained weights; the packaged ones if omitted")
    parser.add_argument("--limit", type=int, help="at most so many rows of each set or column")
    parser.add_argument("--json", action="store_true", help="print one JSON object instead of Markdown tables")
    parser.add_argument("--svg", type=Path, help="folder to draw the pictures into")
    chosen = parser.parse_args(arguments)
    sets, outcomes = measure_sets(chosen.data, chosen.model, chosen.limit)
    figures = {"sets": sets, "speed": speed.measure(chosen.model)}
    if chosen.svg is not None:
        draw(chosen.svg, figures, outcomes)
    print(json.dumps(figures) if chosen.json else markdown(figures), flush=True)


if __name__ == "__main__":
    main()
