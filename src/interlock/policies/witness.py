"""Values that show what rules do, as people read them: `amount 500.01, payee_known true, hour 6`."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from decimal import Decimal
from typing import Any

from interlock.policies.decide import Reason, Verdict


def in_words(witness: Mapping[str, Any], names: Iterable[str] = ()) -> str:
    """The values by name, those of `names` first; the action is told apart, and what has no value is left out."""
    ordered = dict.fromkeys([name for name in names if name in witness] + list(witness))
    told = [f"{name} {_value(witness[name])}" for name in ordered if name != "action" and witness[name] is not None]
    return ", ".join(told)


def case(action: str, witness: Mapping[str, Any], names: Iterable[str] = ()) -> str:
    """An action with its values: `payments.transfer with amount 0.01, hour 6`."""
    told = in_words(witness, names)
    return f"{action} with {told}" if told else action


def plain_value(value: Any) -> Any:
    """A value as JSON has it; an amount is text, as the gate hands it to policies."""
    return _number(value) if isinstance(value, Decimal) else value


def rules_of(verdict: Verdict, own: str = "") -> str:
    """The rules that decided: `small`, or `house/small` of another policy than `own`; `no rule` where none did."""
    return named_rules([reason for reason in verdict.reasons if reason.effect == verdict.effect], own)


def named_rules(reasons: Iterable[Reason], own: str = "") -> str:
    """The rules that gave some reasons, three at most."""
    found = [f"`{reason.rule.removeprefix(f'{own}/')}`" for reason in reasons if not reason.rule.endswith("/-")]
    return " and ".join(found[:3]) or "no rule"


def _value(value: Any) -> str:
    match value:
        case bool():
            return "true" if value else "false"
        case Decimal():
            return _number(value)
        case str() if not value.replace("_", "").replace("-", "").isalnum():
            return f'"{value}"'
    return str(value)


def _number(value: Decimal) -> str:
    text = format(value, "f")
    return text.rstrip("0").rstrip(".") if "." in text else text
