"""Cedar as a policy engine, by the package `cedarpy` (the extra `cedar`).

A `permit` that holds says auto, or asks for people with `@approve`; a `forbid` that holds, and no permit at
all, deny.  Cedar itself skips a policy that errors, so that a broken `forbid` forbids nothing; here any error
denies.  Of several permits that hold the strictest wins::

    @id("small") @because("up to 500, to somebody the request names")
    permit (principal, action == Action::"payments.transfer", resource)
    when { context.amount.lessThanOrEqual(decimal("500.0")) && context.payee_from == "user" };

    @id("large") @approve("finance:2") @because("over 500 two people of finance agree")
    permit (principal, action in Action::"payments.*", resource)
    when { context.amount.greaterThan(decimal("500.0")) };

    @id("night") @because("nobody looks at the account by night")
    forbid (principal, action, resource) when { context.hour < 6 };

`principal` is always `Interlock::"workflow"`, `resource` the family, such as `Family::"payments"`; `context` has
the declared inputs: a decimal (of at most four decimals, as Cedar has them), a long, a bool or a string each.
"""

from __future__ import annotations

import json
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from decimal import Decimal
from typing import Any

from interlock.policies.adapters import Answer, EngineFault, Request

DECIMALS = 4
LARGEST = Decimal("922337203685477.5807")
LONG = 2**63 - 1
"""The numbers that Cedar has."""


@dataclass(frozen=True)
class _Rule:
    """One policy of the text."""

    name: str
    effect: str
    because: str
    requires: str | None


class Cedar:
    """The engine."""

    def read(self, text: str) -> CedarRuling:
        """Read Cedar policies.

        Raises:
            EngineFault: they cannot be read, or `cedarpy` is not installed.
        """
        try:
            import cedarpy
        except ImportError:
            hint = "install it: pip install 'interlock[cedar]'"
            raise EngineFault("the engine `cedar` needs the package cedarpy, which is not installed", hint) from None
        try:
            found = json.loads(cedarpy.policies_to_json_str(text))
        except ValueError as error:
            raise EngineFault(f"Cedar cannot read it: {error}") from None
        if found["templates"] or found["templateLinks"]:
            raise EngineFault("templates are not taken; write each policy out")
        rules = {key: _rule(key, told) for key, told in found["staticPolicies"].items()}
        if not rules:
            raise EngineFault("it holds no policy, so everything would be denied")
        return CedarRuling(text, rules)


def _rule(key: str, told: Mapping[str, Any]) -> _Rule:
    annotations = told.get("annotations") or {}
    name = annotations.get("id") or key
    requires = annotations.get("approve")
    if "approve" in annotations and told["effect"] != "permit":
        raise EngineFault(f"`{name}` forbids; only a permit can ask with @approve")
    if "approve" in annotations and not requires:
        raise EngineFault(f'`{name}`: write who must agree, such as @approve("finance:2")')
    return _Rule(name, told["effect"], annotations.get("because") or f"the Cedar policy {name}", requires)


@dataclass(frozen=True)
class CedarRuling:
    """A text of Cedar policies."""

    text: str
    rules: Mapping[str, _Rule]

    @property
    def requires(self) -> Sequence[str]:
        """What `@approve` says, in the order of the text."""
        return [rule.requires for rule in self.rules.values() if rule.requires is not None]

    def decide(self, request: Request) -> Sequence[Answer]:
        """What each policy that holds says.

        Raises:
            EngineFault: a policy errors, or an input has no form in Cedar.
        """
        import cedarpy

        context = {name: _value(name, value) for name, value in request.inputs.items()}
        family = request.action.partition(".")[0]
        asked = {
            "principal": 'Interlock::"workflow"',
            "action": f'Action::"{request.action}"',
            "resource": f'Family::"{family}"',
            "context": context,
        }
        whole = {"type": "Action", "id": f"{family}.*"}
        entities: list[dict[str, Any]] = [
            {"uid": {"type": "Action", "id": request.action}, "attrs": {}, "parents": [whole]},
            {"uid": whole, "attrs": {}, "parents": []},
        ]
        said = cedarpy.is_authorized(asked, self.text, entities)
        if said.diagnostics.errors:
            raise EngineFault("; ".join(said.diagnostics.errors))
        if said.decision not in (cedarpy.Decision.Allow, cedarpy.Decision.Deny):
            raise EngineFault("Cedar decided nothing")
        effect = "permit" if said.decision == cedarpy.Decision.Allow else "forbid"
        return [_answer(self.rules[key], effect) for key in said.diagnostics.reasons]


def _answer(rule: _Rule, effect: str) -> Answer:
    if rule.effect != effect:
        raise EngineFault(f"Cedar gives {rule.name} as the reason of a decision that it cannot make")
    if effect == "forbid":
        return Answer("deny", rule.because, rule.name)
    if rule.requires is not None:
        return Answer("approve", rule.because, rule.name, rule.requires)
    return Answer("auto", rule.because, rule.name)


def _value(name: str, value: bool | int | Decimal | str) -> Any:
    """A value as Cedar reads it in JSON.

    Raises:
        EngineFault: Cedar has no such number.
    """
    if isinstance(value, Decimal):
        text = format(value, "f")
        whole, _, places = text.partition(".")
        places = places.rstrip("0")
        if len(places) > DECIMALS or not -LARGEST <= value <= LARGEST:
            raise EngineFault(f"{name} is {text}, and decimals of Cedar end at {LARGEST} and at {DECIMALS} places")
        return {"__extn": {"fn": "decimal", "arg": f"{whole}.{places or '0'}"}}
    if isinstance(value, int) and not isinstance(value, bool) and abs(value) > LONG:
        raise EngineFault(f"{name} is {value}, which is too large for Cedar")
    return value
