"""What a stretch of the mixture holds: kinds, sizes, and how many schemas and requests differ."""

from __future__ import annotations

import time
from collections import Counter
from collections.abc import Iterable
from typing import Any

from interlock.lam.examples import Example
from interlock.lam.generator.names import words_of
from interlock.lam.requests import utterance


def counted(examples: Iterable[tuple[str, Example]]) -> dict[str, Any]:
    """Counts over examples with the names of their sources; shares are percent."""
    begun = time.perf_counter()
    sources, kinds, calls, sizes = Counter[str](), Counter[str](), Counter[str](), Counter[int]()
    requests: set[int] = set()
    schemas: set[int] = set()
    names: set[str] = set()
    turns = rows = 0
    for source, example in examples:
        rows += 1
        sources[source] += 1
        kinds[example.kind] += 1
        sizes[len(example.space)] += 1
        turns += len(example.observation.sources) > 1
        if example.kind == "act":
            different = len({call.name for call in example.calls})
            calls["one" if len(example.calls) == 1 else "parallel" if different == 1 else "parallel multiple"] += 1
        requests.add(hash(utterance(example)))
        for schema in example.space:
            names.add(words_of(schema.name))
            schemas.add(hash(schema.model_dump_json()))

    def shares(counter: Counter[Any]) -> dict[str, float]:
        return {str(name): round(100 * count / max(1, rows), 1) for name, count in sorted(counter.items())}

    return {
        "examples": rows, "distinct_requests": len(requests), "distinct_tool_names": len(names),
        "distinct_schemas": len(schemas), "sources": shares(sources), "kinds": shares(kinds), "calls": shares(calls),
        "tools_in_space": shares(sizes), "with_earlier_turns": round(100 * turns / max(1, rows), 1),
        "milliseconds_each": round(1000 * (time.perf_counter() - begun) / max(1, rows), 2),
    }  # fmt: skip
