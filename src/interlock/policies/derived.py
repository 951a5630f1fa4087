"""Derived inputs: what a policy may compare beside the action itself, computed from what happened before.

::

    inputs:
      day_total:   {type: decimal, derived: {sum: amount, over: 1d, by: payee}}
      count_1h:    {type: int, derived: {count: true, over: 1h}}
      payee_known: {type: bool, derived: {seen: payee, over: 365d}}
      in_office:   {type: bool, derived: {calendar: office}}

`sum` and `count` take in the action that is decided and every earlier effect of the same actions that counts:

======================  ==============  ======  ====================================================
state                   sum and count   seen    why
======================  ==============  ======  ====================================================
proposed to approved    no              no      nothing was sent yet
intent, in_doubt        yes, however    no      it may have happened, and may be tried again
                        old
executed, verified      in the window   yes     it stands
compensating            yes, however    no      nobody knows yet whether it is undone
                        old
compensated             no              no      it was undone
failed                  no              no      it certainly did not happen
denied, rejected, ...   no              no      it never began
======================  ==============  ======  ====================================================

An effect is in the window while less than `over` has passed since its newest attempt began; several
attempts at one effect are one effect.  What cannot be computed is missing, and what is missing denies.
"""

from __future__ import annotations

import re
from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from datetime import datetime, timedelta
from decimal import Context, Decimal, Inexact
from typing import TYPE_CHECKING, Annotated, Any, Literal, Protocol

from pydantic import BeforeValidator, Field, model_validator

from interlock.digest import Json, digest, plain
from interlock.policies.calendars import Calendar
from interlock.policies.declared import ACTION_PATTERN, NAME, Declared, Duration, duration_text, named_by

if TYPE_CHECKING:
    from interlock.policies.language import Input, Policy

Argument = Annotated[str, Field(pattern=NAME)]


def _true(value: Any) -> Any:
    if value is not True and value is not None:  # a literal `True` takes 1 for it
        raise ValueError("write `count: true`")
    return value


KINDS = ("sum", "count", "seen", "calendar")


class Derived(Declared):
    """How an input is computed: exactly one of `sum`, `count`, `seen` and `calendar`."""

    sum: Argument | None = Field(default=None, description="The sum of this argument, a number; this action included.")
    count: Annotated[Literal[True] | None, BeforeValidator(_true)] = Field(
        default=None, description="How many there are; this action included."
    )
    seen: Argument | None = Field(
        default=None, description="Whether an earlier effect that stands had the same value of this argument."
    )
    calendar: Argument | None = Field(default=None, description="Whether now is inside this calendar.")
    over: Duration | None = Field(default=None, description="How far it looks back: what is as old no longer counts.")
    by: Argument | None = Field(
        default=None, description="Only effects with the same value of this argument as the action that is decided."
    )
    of: Annotated[
        tuple[Annotated[str, Field(pattern=ACTION_PATTERN)], ...] | None,
        BeforeValidator(lambda value: tuple(value) if isinstance(value, list) else value),
    ] = Field(default=None, description="The actions that count; default: those that the policy applies to.")

    @model_validator(mode="after")
    def _sound(self) -> Derived:
        given = [kind for kind in KINDS if getattr(self, kind) is not None]
        if len(given) != 1:
            raise ValueError(f"a derived input has exactly one of {', '.join(KINDS)}")
        if self.calendar is not None:
            if self.over is not None or self.by is not None or self.of is not None:
                raise ValueError("a calendar has no `over`, `by` or `of`")
        elif self.over is None or self.over <= timedelta(0):
            raise ValueError(f"`{given[0]}` needs `over`, a time that it looks back, such as 1d")
        if self.seen is not None and self.by is not None:
            raise ValueError("`seen` looks for its own argument; leave out `by`")
        if self.of == ():
            raise ValueError("`of` names at least one action")
        return self

    @property
    def kind(self) -> str:
        """`sum`, `count`, `seen` or `calendar`."""
        return next(kind for kind in KINDS if getattr(self, kind) is not None)

    @property
    def arguments(self) -> dict[str, str]:
        """The arguments it looks at, by the key that names each."""
        named = {"sum": self.sum, "seen": self.seen, "by": self.by}
        return {key: name for key, name in named.items() if name is not None}


TYPES = {"sum": ("decimal", "int"), "count": ("int",), "seen": ("bool",), "calendar": ("bool",)}
"""The types of input that each kind gives."""


@dataclass(frozen=True)
class Selection:
    """Which earlier effects are meant."""

    actions: tuple[str, ...]
    """`family.action` and `family.*`."""
    since: datetime
    """Their newest attempt began after this instant."""
    argument: str | None = None
    """Only those whose argument of this name has the value of `key`."""
    key: str | None = None


class Records(Protocol):
    """Earlier effects, without the one that is decided."""

    def total(self, selection: Selection, argument: str) -> Decimal | None:
        """The exact sum of an argument; None where one of them is no plain number."""

    def count(self, selection: Selection) -> int:
        """How many count."""

    def seen(self, selection: Selection) -> bool:
        """Whether one of them stands."""


Hold = Literal["open", "stands"]
"""How an effect counts: `open` while nobody knows whether it stands, then `stands`."""


def hold(state: str) -> Hold | None:
    """How an effect of that state counts; None where it does not."""
    if state in ("intent", "in_doubt", "compensating"):
        return "open"
    return "stands" if state in ("executed", "verified") else None


@dataclass(frozen=True)
class Past:
    """One earlier effect that counts."""

    action: str
    arguments: Mapping[str, Any]
    at: datetime
    """When its newest attempt began."""
    hold: Hold = "stands"


@dataclass(frozen=True)
class Listed:
    """Records in memory, read from the first to the last at every question: the meaning of `Records` in plain words."""

    effects: Iterable[Past]

    def total(self, selection: Selection, argument: str) -> Decimal | None:
        numbers = [number(past.arguments.get(argument)) for past in self._chosen(selection)]
        known = [value for value in numbers if value is not None]
        return exact_sum(known) if len(known) == len(numbers) else None

    def count(self, selection: Selection) -> int:
        return len(self._chosen(selection))

    def seen(self, selection: Selection) -> bool:
        return any(past.hold == "stands" for past in self._chosen(selection))

    def _chosen(self, selection: Selection) -> list[Past]:
        return [
            past
            for past in self.effects
            if named_by(selection.actions, past.action)
            and (past.hold == "open" or past.at > selection.since)
            and (selection.argument is None or key_of(past.arguments.get(selection.argument)) == selection.key)
        ]


NUMBER = re.compile(r"-?[0-9]{1,18}([.][0-9]{1,18})?")


def number(value: Any) -> Decimal | None:
    """A plain number as it stands in JSON, exactly; None for anything else.

    A float is read by its shortest digits, which are those that were written.
    """
    if isinstance(value, bool) or not isinstance(value, int | float | str):
        return None
    text = value if isinstance(value, str) else repr(value)
    return Decimal(text) if NUMBER.fullmatch(text) else None


def exact_sum(numbers: Iterable[Decimal]) -> Decimal:
    """The sum, with every digit."""
    context = Context(prec=100, traps=[Inexact])  # 36 digits a number, so no number of them comes near it
    total = Decimal(0)
    for item in numbers:
        total = context.add(total, item)
    return total


def key_of(value: Any) -> str | None:
    """What two equal values of an argument share; None where there is no value."""
    return None if value is None else digest(value)


@dataclass(frozen=True)
class Derivation:
    """A derived input with everything that its meaning depends on: two that are equal give the same value."""

    derived: Derived
    of: tuple[str, ...]
    type: str
    calendar: Calendar | None

    @property
    def text(self) -> str:
        """Its meaning in one line, the same for the same meaning."""
        told = self.derived
        if self.calendar is not None:
            return f"inside a calendar: {plain(self.calendar.model_dump(mode='json', by_alias=True))}"
        what = {"sum": f"sum of {told.sum}", "count": "count", "seen": f"seen {told.seen}"}[told.kind]
        by = f" by {told.by}" if told.by else ""
        return (
            f"{what} over {duration_text(told.over or timedelta(0))}{by} of {', '.join(sorted(self.of))} as {self.type}"
        )

    def value(self, action: str, arguments: Mapping[str, Any], records: Records, now: datetime) -> Json:
        """The value for an action about to begin at `now`; None where it cannot be computed."""
        told = self.derived
        if told.calendar is not None:
            return None if self.calendar is None else self.calendar.open_at(now)
        assert told.over is not None
        argument = told.seen or told.by
        key = key_of(arguments.get(argument)) if argument else None
        if argument and key is None:
            return None
        selection = Selection(self.of, now - told.over, argument, key)
        if told.seen is not None:
            return records.seen(selection)
        this = named_by(self.of, action)
        if told.sum is None:
            return records.count(selection) + this
        own = number(arguments.get(told.sum)) if this else Decimal(0)
        earlier = records.total(selection, told.sum)
        return None if own is None or earlier is None else self._number(exact_sum([earlier, own]))

    def _number(self, total: Decimal) -> Json:
        if self.type == "int":
            return int(total) if total == total.to_integral_value() else None
        text = format(total, "f")
        return text.rstrip("0").rstrip(".") if "." in text else text


def meaning(policy: Policy, declared: Input) -> Derivation | None:
    """What a derived input of a policy means; None for an input that is none."""
    told = declared.derived
    if told is None:
        return None
    of = tuple(sorted(set(told.of or policy.applies_to)))
    calendar = policy.calendars.get(told.calendar) if told.calendar else None
    return Derivation(told, of, declared.type, calendar)


def derivations(policies: Iterable[Policy], action: str) -> dict[str, Derivation | None]:
    """The derived inputs of the policies that cover `action`; None for a name of which two mean different things."""
    found: dict[str, Derivation | None] = {}
    plainly: set[str] = set()
    for policy in policies:
        if not policy.covers(action):
            continue
        for name, declared in policy.inputs.items():
            meant = meaning(policy, declared)
            if meant is None:
                plainly.add(name)
            else:
                found[name] = meant if found.setdefault(name, meant) == meant else None
    return {name: None if name in plainly else meant for name, meant in found.items()}


def derive(
    wanted: Mapping[str, Derivation | None],
    action: str,
    arguments: Mapping[str, Any],
    records: Records,
    now: datetime,
) -> dict[str, Json]:
    """The values by name; None for one that cannot be computed, whatever else has that name."""
    return {
        name: None if meant is None else meant.value(action, arguments, records, now) for name, meant in wanted.items()
    }
