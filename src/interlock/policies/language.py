"""The policy language: typed inputs, single-input comparisons, closed effects.

A policy file::

    policy: payments
    version: 1
    applies_to: [payments.*]
    inputs:
      amount: {type: decimal, unit: EUR}
      payee_known: {type: bool}
    rules:
      - id: small
        when: {amount: {le: 500}, payee_known: true}
        then: auto
        because: small payment to a known payee
      - id: large
        when: {amount: {gt: 500}}
        then: {approve: {count: 2, role: finance}}
        because: two different people agree over 500

Every condition compares ONE declared input with constants, so the language is total and decidable.
"""

from __future__ import annotations

import re
from datetime import timedelta
from decimal import Decimal
from functools import cached_property
from typing import Annotated, Any, Literal, get_args

from pydantic import (
    BeforeValidator,
    Field,
    GetJsonSchemaHandler,
    PlainSerializer,
    WithJsonSchema,
    model_validator,
)
from pydantic.json_schema import JsonSchemaValue

from interlock.policies.calendars import WEEKDAYS as WEEKDAYS
from interlock.policies.calendars import Calendar
from interlock.policies.declared import ACTION_PATTERN, NAME, Declared, Duration, duration_text, named_by
from interlock.policies.derived import Derived

FILE = r"^[A-Za-z0-9_-][A-Za-z0-9_.-]*$"
"""The name of a file, without a folder."""

Provenance = Literal["untrusted", "model", "record", "user"]
PROVENANCE: tuple[str, ...] = get_args(Provenance)
"""Labels of where a value came from, least trusted first."""

EXACT = 2**53 - 1


def _constant(value: Any) -> Any:
    if isinstance(value, int) and abs(value) > EXACT:
        raise ValueError(
            f"a whole number in a rule lies between -{EXACT} and {EXACT}; larger ones are not exact in JSON"
        )
    if isinstance(value, float):
        return Decimal(repr(value))
    if isinstance(value, list):
        return tuple(_constant(item) for item in value)
    return value


def _number(value: Any) -> Any:
    """Decimal constants were written as YAML floats, so a float carries them exactly."""
    return float(value) if isinstance(value, Decimal) else value


_CONSTANT = {"type": ["boolean", "number", "string"]}
Constant = Annotated[
    bool | int | Decimal | str, BeforeValidator(_constant), PlainSerializer(_number), WithJsonSchema(_CONSTANT)
]
Constants = Annotated[tuple[Constant, ...], BeforeValidator(_constant)]


class Comparison(Declared):
    """One input against constants; every given operator must hold."""

    eq: Constant | None = Field(default=None, description="It equals this; the same as the bare constant.")
    ne: Constant | None = Field(default=None, description="It differs from this.")
    lt: Constant | None = Field(default=None, description="It is less than this.")
    le: Constant | None = Field(default=None, description="It is this or less.")
    gt: Constant | None = Field(default=None, description="It is more than this.")
    ge: Constant | None = Field(default=None, description="It is this or more.")
    in_: Constants | None = Field(default=None, alias="in", description="It is one of these.")
    not_in: Constants | None = Field(default=None, description="It is none of these.")
    matches: str | None = Field(
        default=None,
        description="A regular expression that fits the whole text.",
        json_schema_extra={"format": "regex"},
    )
    at_least: Provenance | None = Field(
        default=None,
        description="It was written by this or by somebody trusted more: untrusted < model < record < user.",
    )

    @model_validator(mode="before")
    @classmethod
    def _shorthand(cls, value: Any) -> Any:
        """A bare constant means `eq`."""
        return {"eq": value} if isinstance(value, bool | int | float | str | Decimal) else value

    @model_validator(mode="after")
    def _sound(self) -> Comparison:
        if not self.operators():
            raise ValueError("a comparison needs at least one of eq, ne, lt, le, gt, ge, in, not_in, matches, at_least")
        if self.matches is not None:
            try:
                re.compile(self.matches)
            except re.error as error:
                raise ValueError(f"`matches` is not a regular expression: {error}") from None
        return self

    @classmethod
    def __get_pydantic_json_schema__(cls, schema: Any, handler: GetJsonSchemaHandler) -> JsonSchemaValue:
        """Either form: the bare constant, or the mapping with at least one operator."""
        found = handler.resolve_ref_schema(handler(schema))
        about = found.pop("description", "")
        found.pop("title", None)
        return {"description": about, "anyOf": [_CONSTANT, {**found, "minProperties": 1}]}

    @cached_property
    def _operators(self) -> dict[str, Any]:
        return {name: value for name, value in self.model_dump(by_alias=True).items() if value is not None}

    def operators(self) -> dict[str, Any]:
        """The operators in use, by their YAML names."""
        return self._operators


Conditions = dict[str, Comparison]
"""Comparisons by input name; all must hold.  Empty means always."""


Role = Annotated[str, Field(pattern=NAME)]


def _roles(role: str | list[str] | None) -> frozenset[str]:
    if role is None:
        return frozenset()
    return frozenset([role] if isinstance(role, str) else role)


class Escalation(Declared):
    """Whom to ask as well when the time has come; how many must agree, and until when, stays as it is."""

    after: Duration = Field(description="So long after the question; before the time to decide is over.")
    role: Role | Annotated[list[Role], Field(min_length=1)] = Field(
        description="The role, or all the roles, each of these further people must hold."
    )

    @property
    def roles(self) -> frozenset[str]:
        """The roles that each further approver must hold."""
        return _roles(self.role)


class Requirement(Declared):
    """Who must agree, and until when."""

    count: int = Field(default=1, ge=1, le=20, description="How many different people.")
    role: Role | list[Role] | None = Field(default=None, description="The role, or all the roles, each must hold.")
    within: Duration = Field(default=timedelta(hours=24), description="Decide within; later means refused.")
    execute_within: Duration = Field(default=timedelta(minutes=15), description="Perform within, once agreed.")
    escalate: Escalation | None = Field(
        default=None, description="Whom to ask as well when nobody has decided after some time."
    )

    @model_validator(mode="after")
    def _sound(self) -> Requirement:
        if self.escalate is None:
            return self
        if not self.roles:
            raise ValueError("`escalate` adds people to those of a `role`; without one anybody may agree already")
        if not timedelta(0) < self.escalate.after < self.within:
            raise ValueError(
                f"`after` lies between now and the end of `within`, which is {duration_text(self.within)} from now"
            )
        return self

    @property
    def roles(self) -> frozenset[str]:
        """The roles that each approver must hold."""
        return _roles(self.role)

    def stricter(self, other: Requirement) -> Requirement:
        """The requirement that satisfies both."""
        within = min(self.within, other.within)
        return Requirement(
            count=max(self.count, other.count),
            role=_written(self.roles | other.roles),
            within=within,
            execute_within=min(self.execute_within, other.execute_within),
            escalate=self._escalated_with(other, within),
        )

    def _escalated_with(self, other: Requirement, within: timedelta) -> Escalation | None:
        """Further people who are so by both; a side that names none asks for its own roles from them as well."""
        both = [each.escalate for each in (self, other) if each.escalate is not None]
        after = max((each.after for each in both), default=within)
        if after >= within:
            return None
        wanted = [each.escalate.roles if each.escalate is not None else each.roles for each in (self, other)]
        role = _written(wanted[0] | wanted[1])
        return Escalation(after=after, role=role) if role is not None else None

    def satisfies(self, other: Requirement) -> bool:
        """Whether whoever met this requirement has met `other` too."""
        if self.count < other.count or not self.roles >= other.roles:
            return False
        if self.escalate is None or self.escalate.roles >= other.roles:
            return True
        further = other.escalate
        return further is not None and self.escalate.roles >= further.roles and self.escalate.after >= further.after


def _written(roles: frozenset[str]) -> str | list[str] | None:
    """Roles as a file writes them."""
    return next(iter(roles)) if len(roles) == 1 else sorted(roles) or None


class ThenApprove(Declared):
    """The effect `approve`, with a requirement or the name of one declared under `approvals`."""

    approve: Requirement | str = Field(
        description="Who must agree: written out, or the name of one declared under `approvals` of any policy."
    )


class Input(Declared):
    """A typed policy input: an argument of the action, a fact, or a derived value."""

    type: Literal["decimal", "int", "bool", "string", "provenance"] = Field(
        description="What it holds; `provenance` is who wrote an argument, declared as `ARGUMENT_from`."
    )
    unit: str | None = Field(default=None, description="What it is counted in, for the reader.")
    min: int | None = Field(default=None, description="No value is smaller.")
    max: int | None = Field(default=None, description="No value is larger.")
    enum: tuple[str, ...] | None = Field(default=None, description="All the values there are.")
    derived: Derived | None = Field(
        default=None, description="What it is computed from: earlier effects, or a calendar; nothing may give another."
    )

    @model_validator(mode="before")
    @classmethod
    def _tuples(cls, value: Any) -> Any:
        if isinstance(value, dict) and isinstance(value.get("enum"), list):
            return {**value, "enum": tuple(value["enum"])}
        return value


class Rule(Declared):
    """One rule: when all conditions hold, then this effect, because of this."""

    id: str = Field(pattern=r"^[A-Za-z][A-Za-z0-9_-]*$", description="Its name, which decisions and the record tell.")
    when: Conditions = Field(
        default_factory=dict, description="Comparisons by the name of an input; all must hold.  Empty means always."
    )
    then: Literal["auto", "deny"] | ThenApprove = Field(
        description="`auto`, `deny`, or `{approve: …}`; of all rules that hold, the strictest wins."
    )
    because: str = Field(min_length=1, description="The reason, as a reviewer reads it.")


class Never(Declared):
    """An assertion: where all conditions hold, the decision is never this.  It decides nothing itself."""

    effect: Literal["auto", "approve", "deny"] = Field(description="What must not be decided.")
    when: Conditions = Field(
        default_factory=dict, description="Comparisons by the name of an input; all must hold.  Empty means always."
    )
    because: str = Field(default="", description="Why it must not be, in a sentence.")


class Policy(Declared):
    """One policy file."""

    policy: str = Field(pattern=NAME, description="The name of this policy.")
    version: int = Field(ge=1, description="Raise it when the rules change; decisions carry it.")
    applies_to: list[Annotated[str, Field(pattern=ACTION_PATTERN)]] = Field(
        default_factory=list,
        description="The actions it decides: `family.action`, or `family.*` for all of a family.",
        json_schema_extra={"examples": [["email.send"], ["payments.*"]]},
    )
    description: str = Field(default="", description="What it is for, in a sentence.")
    inputs: dict[Annotated[str, Field(pattern=NAME)], Input] = Field(
        default_factory=dict,
        description="What rules may compare: arguments of the actions, facts about them, `action`, `hour`, `weekday`.",
    )
    calendars: dict[Annotated[str, Field(pattern=NAME)], Calendar] = Field(
        default_factory=dict, description="Opening times by name, for inputs that are derived from one."
    )
    approvals: dict[Annotated[str, Field(pattern=NAME)], Requirement] = Field(
        default_factory=dict, description="Named requirements, for rules and for approval edges of graphs."
    )
    engine: str | None = Field(
        default=None,
        pattern=NAME,
        description="Another policy engine that decides in place of rules, such as `cedar`; of all policies the "
        "strictest wins.",
    )
    source: str | None = Field(
        default=None, pattern=FILE, description="The file beside this one that holds the text of the engine."
    )
    text: str | None = Field(
        default=None, max_length=1_000_000, description="The text of the engine, in place of a file."
    )
    rules: list[Rule] = Field(default_factory=list, description="What no rule decides is denied.")
    never: list[Never] = Field(
        default_factory=list, description="What must not be decided, proven of the rules when they are read."
    )

    @model_validator(mode="after")
    def _one_voice(self) -> Policy:
        if self.engine is None and (self.source is not None or self.text is not None):
            raise ValueError("`source` and `text` are for an engine; name it with `engine`")
        if self.engine is not None and (self.source is None) == (self.text is None):
            raise ValueError("an engine needs its text: either `source`, a file beside this one, or `text`")
        if self.engine is not None and (self.rules or self.never):
            raise ValueError("an engine decides in place of rules; write rules in a policy of their own")
        return self

    def covers(self, action: str) -> bool:
        """Whether `applies_to` names `action`."""
        return named_by(self.applies_to, action)


class People(Declared):
    """The file `policies/people.yaml`: who holds which roles."""

    people: dict[str, list[Annotated[str, Field(pattern=NAME)]]] = Field(
        description="The roles of each person, by name."
    )
