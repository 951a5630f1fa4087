"""`python -m interlock.lam.generator`: read examples of the mixture, count them, and check what they repeat."""

from __future__ import annotations

import argparse
import json
import sys
from pathlib import Path

from interlock.errors import InterlockError
from interlock.lam.generator.clashes import clashes, fingerprints
from interlock.lam.generator.counts import counted
from interlock.lam.generator.mixture import Mixture
from interlock.lam.generator.show import shown


def main(arguments: list[str] | None = None) -> int:
    """Run the command; 1 when something clashes or is wrong."""
    parser = argparse.ArgumentParser(prog="python -m interlock.lam.generator", description=__doc__)
    parser.add_argument("--seed", type=int, default=1)
    parser.add_argument("--data", type=Path, help="folder of the permissive data sets")
    parser.add_argument("--start", type=int, default=0, help="first example")
    parser.add_argument("--source", help="show this source only")
    parser.add_argument("--kind", help="show examples whose template or kind contains this")
    todo = parser.add_mutually_exclusive_group(required=True)
    todo.add_argument("--show", type=int, metavar="N", help="print N examples")
    todo.add_argument("--count", type=int, metavar="N", help="count kinds, schemas and requests over N examples")
    todo.add_argument("--check-against", type=Path, metavar="DIR", help="names and requests that DIR's rows hold too")
    todo.add_argument("--fingerprints", type=Path, metavar="DIR", help="fingerprints of the tool names of DIR's rows")
    parser.add_argument("--examples", type=int, default=20_000, help="examples for --check-against")
    options = parser.parse_args(arguments)
    try:
        return _run(options)
    except InterlockError as error:
        print(error, file=sys.stderr)
        return 1


def _run(options: argparse.Namespace) -> int:
    if options.fingerprints:
        print("\n".join(fingerprints(options.fingerprints)))
        return 0
    mixture = Mixture(options.seed, options.data)
    if options.count:
        rows = (mixture.drawn(index) for index in range(options.start, options.start + options.count))
        print(json.dumps(counted(rows), indent=1))
        return 0
    if options.check_against:
        examples = (mixture.example(index) for index in range(options.start, options.start + options.examples))
        names, requests = clashes(options.check_against, examples)
        print(json.dumps({"examples": options.examples, "tool_names": names, "requests": requests}, indent=1))
        return 1 if names or requests else 0
    left, index = options.show, options.start
    while left:
        source, example = mixture.drawn(index)
        if (not options.source or source == options.source) and (not options.kind or options.kind in example.kind):
            print(shown(example, f"{index} {source}") + "\n")
            left -= 1
        index += 1
    return 0


if __name__ == "__main__":
    sys.exit(main())
