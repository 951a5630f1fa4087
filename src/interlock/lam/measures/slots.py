"""Micro-averaged F1 of tools and of arguments: how much of the right calls is found, beside whether all of it is."""

from __future__ import annotations

from collections import Counter
from collections.abc import Sequence
from typing import Any

from interlock.lam.functions import named
from interlock.lam.measures.ast_match import accepts
from interlock.lam.measures.cases import GoldCall
from interlock.lam.measures.outcomes import Outcome
from interlock.lam.measures.report import percent


def _f1(hit: int, made: int, wanted: int) -> dict[str, Any]:
    return {"precision": percent(hit, made), "recall": percent(hit, wanted), "f1": percent(2 * hit, made + wanted)}


def tool_scores(outcomes: Sequence[Outcome]) -> dict[str, Any]:
    """Precision, recall and F1 in percent of the names of the calls; an `ask` counts with the call it began."""
    hit = made = wanted = 0
    for outcome in outcomes:
        got = Counter(action.name for action in outcome.decision.actions)
        gold = Counter(call.name for call in outcome.case.gold)
        hit, made, wanted = hit + (got & gold).total(), made + got.total(), wanted + gold.total()
    return _f1(hit, made, wanted)


def argument_scores(outcomes: Sequence[Outcome]) -> dict[str, Any]:
    """Precision, recall and F1 in percent of (tool, argument, value); an argument of a wrong tool is wrong."""
    hit = made = wanted = 0
    for outcome in outcomes:
        gold = list(outcome.case.gold)
        wanted += sum("" not in answers for call in gold for answers in call.arguments.values())
        for action in outcome.decision.actions:
            made += len(action.arguments)
            schema = named(outcome.case.space, action.name)
            known = (schema.parameters.get("properties") or {}) if schema else {}

            def matches(
                call: GoldCall, arguments: dict[str, Any] = action.arguments, known: dict[str, Any] = known
            ) -> int:
                return sum(
                    name in call.arguments and accepts(call.arguments[name], value, known.get(name) or {})
                    for name, value in arguments.items()
                )

            same = [call for call in gold if call.name == action.name]
            if same:
                best = max(same, key=matches)
                hit += matches(best)
                gold.remove(best)
    return _f1(hit, made, wanted)
