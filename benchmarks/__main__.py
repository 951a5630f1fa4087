"""Run every benchmark and print one JSON object a line: `python -m benchmarks`."""

from __future__ import annotations

import json

from benchmarks import audit, checkpoints, children, decide, drawing, jump_ahead, policies, proofs, routing, spine


def main() -> None:
    """Measure, and print."""
    for name, measure in {
        "audit": audit.measure,
        "checkpoints": checkpoints.measure,
        "children": children.measure,
        "decide": decide.measure,
        "drawing": drawing.measure,
        "jump_ahead": jump_ahead.measure,
        "policies": policies.measure,
        "proofs": proofs.measure,
        "routing": routing.measure,
        "spine": spine.measure,
    }.items():
        print(json.dumps({"benchmark": name} | measure()), flush=True)


if __name__ == "__main__":
    main()
