"""Holds functions of `nodes/` to their purity."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import TYPE_CHECKING, Any

from interlock.digest import digest

if TYPE_CHECKING:
    from interlock.nodes.function import Function


def check_pure(function: Function, examples: Sequence[Mapping[str, Any]], *, times: int = 3) -> list[dict[str, Any]]:
    """Call a function of `nodes/` again and again with each example; its results, for further checks.

    Each call must give the same, leave the values that it was given as they were, and fit what the function
    declares.  What only differs between two processes is not found.

    Raises:
        AssertionError: one line per broken promise.
    """
    faults: list[str] = []
    results: list[dict[str, Any]] = []
    for number, example in enumerate(examples):
        found: set[str] = set()
        for _ in range(times):
            given = function.read(example)
            before = digest(given)
            result = function.written(function.run(given))
            found.add(digest(result))
            if digest(given) != before:
                faults.append(f"example {number}: {function.name} changed its values")
                break
        if len(found) > 1:
            faults.append(f"example {number}: {function.name} gave {len(found)} different results")
        results.append(result)
    if faults:
        raise AssertionError("\n".join(faults))
    return results
