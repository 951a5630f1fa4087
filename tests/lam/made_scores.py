"""Scores of a network made by hand, for tests of decoding."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any

from interlock.lam.context import Context, read_context
from interlock.lam.decoding import ParameterScores, ToolScores
from interlock.lam.offers import Places
from interlock.lam.parameters import read_parameters
from interlock.lam.protocol import ActionSchema, Observation

NUMBER, TEXT = {"type": "number"}, {"type": "string"}


def tool_of(properties: dict[str, Any], required: Sequence[str] = (), name: str = "t") -> ActionSchema:
    """A function with those parameters."""
    parameters = {"type": "object", "properties": properties, "required": list(required)}
    return ActionSchema(name=name, description="", parameters=parameters)


def places_of(text: str, bound: dict[str, Any] | None = None, **sources: str) -> Places:
    """A request, further sources, and what is bound."""
    observation = Observation(sources={"request": text, **sources}, bound=bound or {}, today="2026-03-04")
    return Places(read_context(observation), observation)


def scores_of(
    schema: ActionSchema,
    context: Context,
    spans: Mapping[str, Sequence[tuple[str, float]]],
    declared: Mapping[str, Sequence[float]] | None = None,
    fits: float = 3.0,
) -> ToolScores:
    """Scores of a network that points to those pieces of the request, with those logits; all others are -9."""
    text, length = context.sources["request"], len(context.ids)
    rows: list[ParameterScores] = []
    lasts: list[dict[int, int]] = []
    for parameter in read_parameters(schema):
        start, last = [-9.0] * length, dict[int, int]()
        for piece, logit in spans.get(parameter.name, ()):
            at = text.find(piece)
            assert at >= 0, piece
            tokens = context.tokens_of("request", at, at + len(piece))
            assert tokens is not None
            start[tokens[0]], last[tokens[0]] = logit, tokens[1]
        own = (declared or {}).get(parameter.name, ())
        options = own if parameter.kind == "option" else ()
        rows.append(ParameterScores(0.0, start, options, own if parameter.kind == "flag" else ()))
        lasts.append(last)

    def ends(number: int, firsts: Sequence[int]) -> list[list[float]]:
        return [[0.0 if t == lasts[number].get(first, first) else -8.0 for t in range(length)] for first in firsts]

    return ToolScores(schema, fits, rows, ends)
