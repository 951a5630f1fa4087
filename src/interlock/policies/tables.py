"""A policy made ready for many decisions: for each input, which rules a value rules out.

Rules are bits of a whole number.  The constants of an input cut its values into cells, and a cell's
mask has the bits of the rules that do not hold there, so a decision looks up one mask an input,
however many rules there are.  It says exactly what `holds` says rule by rule; tests hold it to that.
"""

from __future__ import annotations

import weakref
from bisect import bisect_left
from collections.abc import Callable, Iterator, Mapping
from decimal import Decimal
from itertools import pairwise
from typing import Any, NamedTuple

from interlock.policies.comparing import Test, Undecidable, comparer, is_number, typed
from interlock.policies.language import PROVENANCE, Comparison, Input, Policy

Masks = Callable[[Any], int]
"""The rules that a value of the input's type rules out."""


class Column(NamedTuple):
    """One input: how it is declared, the rules that compare it, and which of them a value rules out."""

    name: str
    declared: Input | None
    rules: int
    masks: Masks


class Table:
    """The rules of one policy by their inputs."""

    def __init__(self, policy: Policy) -> None:
        compared: dict[str, dict[int, Comparison]] = {}
        for index, rule in enumerate(policy.rules):
            for name, comparison in rule.when.items():
                compared.setdefault(name, {})[index] = comparison
        self.all = (1 << len(policy.rules)) - 1
        self.columns = [_column(name, policy.inputs.get(name), found) for name, found in compared.items()]

    def holding(self, inputs: Mapping[str, Any]) -> tuple[int, int]:
        """The rules that hold, and those that cannot be evaluated, as bits."""
        live, unknown = self.all, 0
        for name, declared, rules, masks in self.columns:
            if not live & rules:
                continue
            value = inputs.get(name)
            if declared is None or value is None:
                unknown |= rules
                continue
            try:
                live &= ~masks(typed(name, declared, value))
            except Undecidable:
                unknown |= rules
        return live & ~unknown, live & unknown


_TABLES: dict[int, tuple[weakref.ref[Policy], Table]] = {}


def table_of(policy: Policy) -> Table:
    """The table of a policy, made at its first decision and kept as long as the policy."""
    found = _TABLES.get(id(policy))
    if found is not None and found[0]() is policy:
        return found[1]
    key, table = id(policy), Table(policy)
    _TABLES[key] = weakref.ref(policy, lambda gone: _forget(key, gone)), table
    return table


def _forget(key: int, gone: weakref.ref[Policy]) -> None:
    """Drop the table of a policy that is no more, unless another took its place."""
    if key in _TABLES and _TABLES[key][0] is gone:
        del _TABLES[key]


def bits(mask: int) -> Iterator[int]:
    """The places of the bits that are set, lowest first."""
    while mask:
        low = mask & -mask
        yield low.bit_length() - 1
        mask ^= low


def _column(name: str, declared: Input | None, compared: Mapping[int, Comparison]) -> Column:
    rules = sum(1 << index for index in compared)
    if declared is None:
        return Column(name, None, rules, lambda value: 0)
    tests = {1 << index: comparer(comparison, declared.type) for index, comparison in compared.items()}
    return Column(name, declared, rules, _masks(declared.type, compared, tests))


def _masks(kind: str, compared: Mapping[int, Comparison], tests: Mapping[int, Test]) -> Masks:
    if kind in ("int", "decimal"):
        return _of_numbers(compared, tests)
    if kind == "string":
        return _of_texts(compared, tests)
    values: tuple[Any, ...] = PROVENANCE if kind == "provenance" else (True, False)
    known = {value: _ruled_out(tests, value) for value in values}
    return lambda value: known[value] if type(value) in (str, bool) else _ruled_out(tests, value)


def _ruled_out(tests: Mapping[int, Test], value: Any) -> int:
    return sum(bit for bit, test in tests.items() if not test(value))


def _of_numbers(compared: Mapping[int, Comparison], tests: Mapping[int, Test]) -> Masks:
    cuts = sorted({Decimal(str(value)) for value in _constants(compared) if is_number(value)})
    if not cuts:
        always = _ruled_out(tests, Decimal(0))
        return lambda value: always
    cells = [cuts[0] - 1]
    for one, two in pairwise(cuts):
        cells += [one, (one + two) / 2]
    masks = [_ruled_out(tests, value) for value in [*cells, cuts[-1], cuts[-1] + 1]]

    def found(value: Any) -> int:
        place = bisect_left(cuts, value)
        return masks[2 * place + (place < len(cuts) and cuts[place] == value)]

    return found


def _of_texts(compared: Mapping[int, Comparison], tests: Mapping[int, Test]) -> Masks:
    words = [value for value in _constants(compared) if type(value) is str]
    matching = {1 << index: tests[1 << index] for index, found in compared.items() if found.matches is not None}
    listed = {bit: test for bit, test in tests.items() if bit not in matching}
    other = "x"
    while other in words:
        other += "x"
    known, rest = {word: _ruled_out(listed, word) for word in words}, _ruled_out(listed, other)

    def found(value: Any) -> int:
        mask = known.get(value, rest) if type(value) is str else rest
        return mask | _ruled_out(matching, value) if matching else mask

    return found


def _constants(compared: Mapping[int, Comparison]) -> Iterator[Any]:
    for comparison in compared.values():
        for value in comparison.operators().values():
            yield from value if isinstance(value, tuple | list) else (value,)
