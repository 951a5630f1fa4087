"""Replay AgentDojo through the guard: `python -m benchmarks.agentdojo --json`."""

from __future__ import annotations

import argparse
import json
import sys


def main() -> int:
    """Replay, and print one object."""
    parser = argparse.ArgumentParser(prog="python -m benchmarks.agentdojo", description=__doc__)
    parser.add_argument("--json", action="store_true", help="one line, for programs")
    parser.add_argument("--suite", action="append", choices=("banking", "slack", "travel", "workspace"))
    parser.add_argument("--limit", type=int, help="so many user tasks of each suite")
    parser.add_argument("--position", action="append", choices=("before", "after"), help="of the injected calls")
    parser.add_argument("--no-substitutions", action="store_true", help="leave the attacks on single arguments out")
    chosen = parser.parse_args()
    try:
        from benchmarks.agentdojo.measure import measure
        from benchmarks.agentdojo.tasks import SUITES
    except ModuleNotFoundError as error:
        if (error.name or "").partition(".")[0] != "agentdojo":
            raise
        print("AgentDojo is not installed: pip install 'interlock[agentdojo]'", file=sys.stderr)
        return 2
    found = measure(
        chosen.suite or SUITES,
        limit=chosen.limit,
        positions=chosen.position or ("before", "after"),
        substitutions=not chosen.no_substitutions,
        progress=sys.stderr.isatty() or not chosen.json,
    )
    print(json.dumps(found, ensure_ascii=False, indent=None if chosen.json else 2))
    return 1 if found["leaked_pairs"] else 0


if __name__ == "__main__":
    sys.exit(main())
