"""Whether calls are right: the value rules of the Berkeley Function Calling Leaderboard's AST check.

A call is right when it names the right function, has every required argument and no unknown one, and each
value is among the accepted ones.  Texts are compared without case, spaces and `,./-_*^`; an int is taken for
a float and not the reverse; lists and objects are compared element by element.
"""

from __future__ import annotations

import re
from collections.abc import Iterable, Sequence
from typing import Any

from interlock.lam.functions import named
from interlock.lam.measures.cases import GoldCall
from interlock.lam.protocol import ActionSchema, Decision

_IGNORED = re.compile(r"[ ,./\-_*^]")
_PYTHON = {"string": str, "integer": int, "number": float, "boolean": bool, "array": list, "object": dict}


def standard_text(text: str) -> str:
    """A text as it is compared."""
    return _IGNORED.sub("", text).lower().replace("'", '"')


def accepts(answers: Sequence[Any], value: Any, schema: dict[str, Any]) -> bool:
    """Whether `value` is one of the accepted `answers` of an argument declared by `schema`."""
    return _typed(answers, value, schema) and any(_same(answer, value, schema) for answer in answers)


def _typed(answers: Sequence[Any], value: Any, schema: dict[str, Any]) -> bool:
    declared = _PYTHON.get(str(schema.get("type")))
    if declared is None or type(value) is declared or (declared is float and type(value) is int):
        return True
    # an answer in another type than the declared one, such as the name of a variable, is met in its own type
    example = next((answer for answer in answers if answer != ""), None)
    return type(value) is type(example)


def _same(answer: Any, value: Any, schema: dict[str, Any]) -> bool:
    if isinstance(answer, str) and isinstance(value, str):
        return standard_text(answer) == standard_text(value)
    if isinstance(answer, list) and isinstance(value, list):
        part = schema.get("items")
        part = part if isinstance(part, dict) else {}
        return len(answer) == len(value) and all(
            accepts([one], other, part) for one, other in zip(answer, value, strict=True)
        )
    if isinstance(answer, dict) and isinstance(value, dict):
        return _same_object(answer, value, schema)
    if isinstance(answer, bool) or isinstance(value, bool):
        return answer is value
    if type(answer) is int and type(value) is float and schema.get("type") != "number":
        return False
    return bool(type(answer) in (int, float, type(value)) and answer == value)


def _same_object(answer: dict[str, Any], value: dict[str, Any], schema: dict[str, Any]) -> bool:
    """In an accepted object each key has the list of its own accepted values."""
    known = schema.get("properties") or {}
    parts = {key: part if isinstance(part, list) else [part] for key, part in answer.items()}
    return all(
        key in parts and accepts(parts[key], part, known[key] if isinstance(known.get(key), dict) else {})
        for key, part in value.items()
    ) and all(key in value or "" in part for key, part in parts.items())


def call_fault(gold: GoldCall, name: str, arguments: dict[str, Any], schema: ActionSchema | None) -> str | None:
    """What is wrong with a call, in words; `None` when it is right."""
    if name != gold.name:
        return f"calls {name}, not {gold.name}"
    if schema is None:
        return f"{name} is not among the functions"
    known = schema.parameters.get("properties") or {}
    for needed in schema.parameters.get("required") or ():
        if needed not in arguments:
            return f"{needed} is missing"
    for argument, value in arguments.items():
        if argument not in gold.arguments or argument not in known:
            return f"{argument} is not asked for"
        part = known[argument]
        if not accepts(gold.arguments[argument], value, part if isinstance(part, dict) else {}):
            return f"{argument} has another value"
    for argument, answers in gold.arguments.items():
        if argument not in arguments and "" not in answers:
            return f"{argument} is missing"
    return None


def decision_fault(gold: Sequence[GoldCall], decision: Decision, space: Iterable[ActionSchema]) -> str | None:
    """What is wrong with a decision, in words; `None` when its calls are exactly the right ones, in any order.

    `ask` and `abstain` make no call.  Calls are paired as the leaderboard pairs them: each right call, in
    turn, with the first call left that fits it.
    """
    made = list(decision.actions) if decision.kind == "act" else []
    if not gold:
        return f"makes a call ({made[0].name}) where none is right" if made else None
    if not made:
        return {"ask": "asks: " + ", ".join(decision.missing), "abstain": "abstains"}.get(decision.kind, "no call")
    if len(made) != len(gold):
        return f"makes {len(made)} calls, not {len(gold)}"
    known = list(space)
    for right in gold:
        faults = [call_fault(right, a.name, a.arguments, named(known, a.name)) for a in made]
        if None not in faults:
            near = [fault for action, fault in zip(made, faults, strict=True) if action.name == right.name]
            return str((near or faults)[0])
        del made[faults.index(None)]
    return None
