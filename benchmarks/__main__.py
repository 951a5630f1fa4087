"""Run every benchmark and print one JSON object a line: `python -m benchmarks --out FOLDER`, which is `make bench`.

The folder gets the same objects as `NAME.json`, and the pictures as SVG.
"""

from __future__ import annotations

import argparse
import json
from pathlib import Path

from benchmarks import (
    audit,
    checkpoints,
    children,
    decide,
    drawing,
    growth,
    jump_ahead,
    overhead,
    policies,
    proofs,
    queues,
    routing,
    runs,
    spine,
)


def main() -> None:
    """Measure, print, and write down where asked to."""
    parser = argparse.ArgumentParser(description=(__doc__ or "").partition("\n")[0])
    parser.add_argument("--out", type=Path, help="folder for the JSON and the pictures")
    out = parser.parse_args().out
    if out is not None:
        out.mkdir(parents=True, exist_ok=True)
    for name, measure in {
        "audit": audit.measure,
        "checkpoints": lambda: checkpoints.measure(growth=5000),
        "children": children.measure,
        "decide": decide.measure,
        "drawing": drawing.measure,
        "growth": lambda: growth.measure(svg=out),
        "jump_ahead": jump_ahead.measure,
        "overhead": overhead.measure,
        "policies": policies.measure,
        "proofs": proofs.measure,
        "queues": queues.measure,
        "routing": routing.measure,
        "runs": runs.measure,
        "spine": spine.measure,
    }.items():
        line = json.dumps({"benchmark": name} | measure())
        print(line, flush=True)
        if out is not None:
            (out / f"{name}.json").write_text(line + "\n", encoding="utf-8")


if __name__ == "__main__":
    main()
