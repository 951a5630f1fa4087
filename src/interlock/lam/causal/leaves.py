"""Texts and numbers that a model writes itself, held to their schema."""

from __future__ import annotations

from typing import Any

from interlock.lam.causal.rules import Rules, json_of
from interlock.lam.parameters import Parameter

DIGITS = 15
"""Digits before the point of a number without bounds; more would not survive as a 64-bit float."""

_FORMATS = ("uuid", "ipv4", "ipv6", "uri", "hostname", "duration")
"""Formats that the compiler knows and that nothing here reads more strictly."""

_DAY = r"(0[1-9]|1[0-9]|2[0-8])"
_LEAP = r"([12][0-9](0[48]|[2468][048]|[13579][26])|(12|16|20|24|28)00)"
_DATE = rf"([12][0-9]{{3}}-((0[13578]|1[02])-({_DAY}|29|30|31)|(0[469]|11)-({_DAY}|29|30)|02-{_DAY})|{_LEAP}-02-29)"
_TIME = r"([01][0-9]|2[0-3]):[0-5][0-9](:[0-5][0-9])?"
_LABEL = r"[A-Za-z0-9]([A-Za-z0-9-]{0,30}[A-Za-z0-9])?"
PATTERNS = {
    "date": f"^{_DATE}$",
    "time": f"^{_TIME}$",
    "date-time": f"^{_DATE}T{_TIME}(Z|[+-](0[0-9]|1[0-4]):[0-5][0-9])?$",
    "email": rf"^[A-Za-z0-9._%+-]{{1,40}}@{_LABEL}(\.{_LABEL}){{1,4}}$",
}
"""Formats that the last check reads, as expressions of what it takes."""


class Free:
    """Free texts and numbers."""

    def text(self, schema: dict[str, Any], parameter: Parameter, rules: Rules) -> str | None:
        """A JSON string."""
        kept: dict[str, Any] = {key: schema[key] for key in ("minLength", "maxLength", "pattern") if key in schema}
        form = schema.get("format")
        if "pattern" not in kept and form in PATTERNS:
            kept["pattern"] = PATTERNS[form]
        elif "pattern" not in kept and form in _FORMATS:
            kept["format"] = form
        return json_of({"type": "string", **kept})

    def number(self, schema: dict[str, Any], parameter: Parameter, rules: Rules) -> str | None:
        """A JSON number, of at most `DIGITS` digits before the point."""
        words = ("minimum", "maximum", "exclusiveMinimum", "exclusiveMaximum", "multipleOf")
        kept: dict[str, Any] = {key: schema[key] for key in words if key in schema}
        if schema["type"] == "number" and not kept:
            return rules.terminal(rf"/-?(0|[1-9][0-9]{{0,{DIGITS - 1}}})(\.[0-9]{{1,6}})?/")
        if "minimum" not in kept and "exclusiveMinimum" not in kept:
            kept["minimum"] = -(10**DIGITS)
        if "maximum" not in kept and "exclusiveMaximum" not in kept:
            kept["maximum"] = 10**DIGITS
        return json_of({"type": schema["type"], **kept})

    def anything(self, schema: dict[str, Any], parameter: Parameter, rules: Rules) -> str | None:
        """Any JSON, or an object of any names, or a list of anything, as far as the schema says."""
        words = ("type", "additionalProperties", "minItems", "maxItems")
        kept: dict[str, Any] = {key: schema[key] for key in words if key in schema}
        return json_of(kept)
