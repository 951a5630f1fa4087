"""The values that each input of some policies may have, one out of each cell that their constants cut."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from decimal import Decimal
from functools import lru_cache
from typing import Any

from interlock.policies.automata import cells
from interlock.policies.cells import Range, constants, numbers, texts
from interlock.policies.language import PROVENANCE, WEEKDAYS, Comparison, Conditions, Input, Policy
from interlock.tools.action import Action

Domains = dict[str, tuple[Any, ...]]
"""The values that each compared input may still have; None alone where there is never a value."""

HOURS = tuple(range(24))


@dataclass(frozen=True)
class Shape:
    """What an action's schema lets an argument be."""

    within: Range = field(default_factory=Range)
    words: tuple[Any, ...] | None = None
    least: int = 0
    most: int | None = None


@dataclass(frozen=True)
class Setting:
    """What is decided about: an action, and what is known of its inputs.

    Without `names` every input that a policy declares may have a value.  `labels` are those of arguments.
    """

    action: str
    names: frozenset[str] | None = None
    shapes: Mapping[str, Shape] = field(default_factory=dict)
    labels: Mapping[str, str] = field(default_factory=dict)

    def has(self, name: str, declared: Input) -> bool:
        """Whether the action can have this input at all."""
        always = declared.derived is not None or name in ("action", "hour", "weekday")
        return always or self.names is None or name in self.names


def setting_of(action: Action, shaped: bool = True) -> Setting:
    """The inputs that the gate has for an action: arguments, where each came from, facts.

    Args:
        shaped: whether values have to fit the shapes that the schema gives the arguments.
    """
    schema = action.parameters()
    arguments = schema.get("properties", {})
    names = {*arguments, *(f"{name}_from" for name in arguments), *action.fact_names}
    shapes = {name: _shape(found, schema) for name, found in arguments.items()}
    return Setting(action.name, frozenset(names), shapes if shaped else {})


def _shape(schema: Mapping[str, Any], root: Mapping[str, Any]) -> Shape:
    """The bounds that stand in a schema itself; of several options none is taken."""
    while "$ref" in schema:
        schema = root["$defs"][schema["$ref"].rsplit("/", 1)[-1]]
    ends = [schema.get(key) for key in ("minimum", "maximum", "exclusiveMinimum", "exclusiveMaximum")]
    words = schema.get("enum") or ([schema["const"]] if "const" in schema else None)
    return Shape(
        Range(*(None if end is None or isinstance(end, bool) else Decimal(str(end)) for end in ends)),
        None if words is None else tuple(words),
        schema.get("minLength", 0),
        schema.get("maxLength"),
    )


def domains(policies: Sequence[Policy], setting: Setting, asked: Iterable[tuple[Policy, Conditions]] = ()) -> Domains:
    """The values of every input that the rules, and the conditions of `asked`, compare."""
    compared: dict[str, list[Comparison]] = {}
    declared: dict[str, list[Input]] = {}
    for policy in policies:
        for name, kind in policy.inputs.items():
            declared.setdefault(name, []).append(kind)
        for rule in policy.rules:
            _collect(rule.when, compared)
    for _, when in asked:
        _collect(when, compared)
    return {
        name: tuple(dict.fromkeys(_values(name, declared.get(name, []), comparisons, setting))) or (None,)
        for name, comparisons in compared.items()
    }


def _collect(when: Conditions, compared: dict[str, list[Comparison]]) -> None:
    for name, comparison in when.items():
        compared.setdefault(name, []).append(comparison)


def _values(name: str, kinds: Sequence[Input], comparisons: Sequence[Comparison], setting: Setting) -> Iterator[Any]:
    """Values of each way in which the input is declared; none where the action does not have it."""
    if name == "action":
        yield setting.action
        return
    found: list[Any] = []
    for kind in kinds:
        if setting.has(name, kind):
            found += _of_kind(name, kind, comparisons, setting)
    yield from found
    if {"decimal", "string"} <= {kind.type for kind in kinds}:  # a text such as `7.50` may be read as either
        yield from (format(value, "f") for value in found if isinstance(value, Decimal))


def _of_kind(name: str, kind: Input, comparisons: Sequence[Comparison], setting: Setting) -> Iterator[Any]:
    shape = setting.shapes.get(name, Shape())
    cuts = constants(comparisons)
    match kind.type:
        case "bool":
            yield from (True, False)
        case "provenance":
            known = setting.labels.get(name.removesuffix("_from"))
            yield from PROVENANCE if known is None else (known,)
        case "int" if name == "hour":
            yield from HOURS
        case "int" | "decimal":
            for number in numbers(cuts, kind.type == "int", _bounds(kind, shape)):
                if shape.within.holds(Decimal(number)):
                    yield number
        case "string" if name == "weekday":
            yield from WEEKDAYS
        case "string":
            words = kind.enum or shape.words
            for text in words if words is not None else _texts(comparisons, cuts, shape):
                if isinstance(text, str) and (shape.words is None or text in shape.words):
                    yield text


def _texts(comparisons: Sequence[Comparison], cuts: Sequence[Any], shape: Shape) -> Iterator[str]:
    """A text for each way in which the patterns can fit; where one is not understood, examples."""
    patterns = _patterns(comparisons)
    exact = _cells(patterns, tuple(cut for cut in cuts if isinstance(cut, str))) if patterns else None
    if exact is None:
        yield from texts(cuts, patterns, shape.least, shape.most)
        return
    for text in exact:
        if len(text) >= shape.least and (shape.most is None or len(text) <= shape.most):
            yield text


def _patterns(comparisons: Iterable[Comparison]) -> tuple[str, ...]:
    return tuple(dict.fromkeys(wish.matches for wish in comparisons if wish.matches is not None))


@lru_cache(maxsize=256)
def _cells(patterns: tuple[str, ...], words: tuple[str, ...]) -> tuple[str, ...] | None:
    found = cells(patterns, words)
    return None if found is None else tuple(found)


def on_examples(policies: Sequence[Policy], asked: Iterable[tuple[Policy, Conditions]] = ()) -> list[str]:
    """The inputs whose patterns are not understood together, so that their texts are examples only."""
    compared: dict[str, list[Comparison]] = {}
    for when in (*(rule.when for policy in policies for rule in policy.rules), *(when for _, when in asked)):
        _collect(when, compared)
    return [
        name
        for name, found in compared.items()
        if (patterns := _patterns(found))
        and _cells(patterns, tuple(cut for cut in constants(found) if isinstance(cut, str))) is None
    ]


def _bounds(kind: Input, shape: Shape) -> Range:
    """The declared range, cut as well where the schema has its ends."""
    least = [Decimal(kind.min)] if kind.min is not None else []
    most = [Decimal(kind.max)] if kind.max is not None else []
    schema = shape.within
    least += [schema.least] if schema.least is not None else []
    most += [schema.most] if schema.most is not None else []
    return Range(max(least, default=None), min(most, default=None), schema.above, schema.below)
