"""What an action is: a typed call with a declared effect and risk.

A tool author writes::

    class Send(Arguments):
        to: EmailStr = about("Recipient's address.")
        subject: str = about("Subject line.", max_length=200)

    class Sent(Result):
        message_id: str

    @action("email.send", effect="queryable", risk="high", targets=["to"], probe=find_in_outbox)
    def send(arguments: Send, context: ActionContext) -> Sent:
        "Send an e-mail message."
        ...

The decorated name is an `Action`.  Nothing can call it but the monitor in `interlock.nodes.perform`,
which alone makes an `ActionContext`.
"""

from __future__ import annotations

import inspect
import re
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field
from datetime import datetime
from decimal import ROUND_HALF_EVEN, Decimal, InvalidOperation
from pathlib import Path
from typing import Annotated, Any, Literal, TypeVar, get_args, get_type_hints

from pydantic import BaseModel, BeforeValidator, ConfigDict, EmailStr, Field, WithJsonSchema

from interlock.digest import Json, digest, plain
from interlock.errors import ProjectError
from interlock.settings import Settings
from interlock.source import did_you_mean
from interlock.tools.records import only_records, record_part
from interlock.tools.secret import NamesSecret, Secrets

EffectClass = Literal["read", "idempotent", "keyed", "queryable", "blind"]
"""What is known after the process dies during a call.

read: nothing happens, repeat freely.  idempotent: repeating changes nothing more.  keyed: the provider
drops a repeat that carries the same key (until `key_ttl`).  queryable: `probe` can tell whether it
happened.  blind: nobody can know; a person is asked.
"""

Risk = Literal["low", "medium", "high"]


class Arguments(BaseModel):
    """Base of an action's arguments: strict, closed, and without NaN or infinity."""

    model_config = ConfigDict(extra="forbid", frozen=True, allow_inf_nan=False, str_strip_whitespace=False)


class Result(BaseModel):
    """Base of an action's result; it must have a JSON form."""

    model_config = ConfigDict(extra="forbid", frozen=True)


def about(description: str, **constraints: Any) -> Any:
    """A required (or, with `default=`, optional) argument and what it means, in one sentence."""
    return Field(description=description, **constraints)


def _amount(value: Any) -> Decimal:
    text = repr(value) if isinstance(value, int | float) and not isinstance(value, bool) else value
    if isinstance(text, Decimal):
        text = format(text, "f")
    if not isinstance(text, str) or not re.fullmatch(r"-?[0-9]{1,12}([.][0-9]+)?", text):
        raise ValueError("an amount is a plain decimal number such as 49.90, without exponent or separators")
    try:
        exact = Decimal(text)
        rounded = exact.quantize(Decimal("0.01"), rounding=ROUND_HALF_EVEN)
    except InvalidOperation:
        raise ValueError("an amount is a plain decimal number such as 49.90") from None
    if rounded != exact:
        raise ValueError("an amount has at most two decimals")
    return rounded


Amount = Annotated[
    Decimal,
    BeforeValidator(_amount),
    Field(gt=0),
    WithJsonSchema({"type": "number", "exclusiveMinimum": 0}),
]
"""Money: a positive decimal with two places; booleans, NaN and exponents are not numbers."""

Email = EmailStr
"""An e-mail address."""


@dataclass(frozen=True)
class ActionContext:
    """What the monitor hands to an action while its intent stands in the ledger."""

    key: str
    """The effect's key, the same for every attempt: give it to the provider as idempotency key."""

    run: str
    settings: Settings
    now: datetime
    secrets: Secrets = field(init=False, repr=False, compare=False)
    """What this call asked for; all of it is taken out of what is written down about the call."""

    def __post_init__(self) -> None:
        object.__setattr__(self, "secrets", Secrets(self.settings))

    def secret(self, name: str) -> str:
        """The value of `secret://name`; it may go to the provider, and nowhere else.

        Raises:
            EffectNotDone: there is no such secret.
        """
        return self.secrets.get(name)

    @property
    def home(self) -> Path:
        """Folder under which embedded tools keep their files."""
        return self.settings.home


@dataclass(frozen=True)
class Probe:
    """What a probe found out about an earlier attempt."""

    answer: Literal["happened", "did_not_happen", "unknown"]
    result: Result | None = None
    because: str = ""


Call = Callable[[Any, ActionContext], Result]
Finder = Callable[[Any, ActionContext], Probe]
Facts = Callable[[Any, ActionContext], Mapping[str, Json]]


@dataclass(frozen=True)
class Action:
    """A declared action.  Values are what the author declared; nothing here decides."""

    name: str
    description: str
    arguments: type[Arguments]
    result: type[Result]
    effect: EffectClass
    risk: Risk
    run: Call = field(repr=False)
    targets: tuple[str, ...] = ()
    """Arguments that say who or what is affected: payee, recipient, account."""
    title: str = ""
    """`str.format`-like template of the effect in one line, over the argument names."""
    probe: Finder | None = field(default=None, repr=False)
    facts: Facts | None = field(default=None, repr=False)
    """Named facts about the arguments for policies, such as `payee_known`; a read, done at the gate."""
    fact_names: tuple[str, ...] = ()
    compensate: str | None = None
    """Name of the action that undoes this one."""
    key_ttl: float | None = None
    """Seconds for which the provider remembers a key (keyed only)."""
    records: tuple[str, ...] = ()
    """Fields of the result that are records, not free text (read only): `id`, `events.start` of each element."""
    declared_as: str | None = None
    """Digest of what else an approval is bound to, for an action made of a declaration: its server, its pin."""

    @property
    def consequential(self) -> bool:
        """Whether performing it changes anything."""
        return self.effect != "read"

    @property
    def risk_class(self) -> Literal["read", "reversible", "irreversible"]:
        if not self.consequential:
            return "read"
        return "reversible" if self.compensate else "irreversible"

    @property
    def secret_arguments(self) -> list[str]:
        """The arguments that name a secret."""
        fields = self.arguments.model_fields.items()
        return [name for name, info in fields if any(isinstance(mark, NamesSecret) for mark in info.metadata)]

    def parameters(self) -> dict[str, Any]:
        """JSON Schema of the arguments."""
        return self.arguments.model_json_schema(mode="validation")

    def schema_digest(self) -> str:
        """Digest of name, effect, risk, argument schema, records and declaration: an approval is bound to it."""
        declared = {"name": self.name, "effect": self.effect, "risk": self.risk, "parameters": self.parameters()}
        further = {"records": list(self.records) or None, "declared_as": self.declared_as}
        return digest(declared | {name: value for name, value in further.items() if value is not None})

    @property
    def record_parts(self) -> tuple[tuple[str, ...], ...]:
        """The paths of `records` into a result; `*` stands for every element of a list."""
        return tuple(record_part(self.result, field) for field in self.records)

    @property
    def all_records(self) -> bool:
        """Whether nothing of a result is free text."""
        return bool(self.records) and only_records(self.result, self.records)

    def validate(self, values: Mapping[str, Any]) -> Arguments:
        """`values` as this action's arguments.

        Raises:
            ValidationError: pydantic's, with one entry per wrong argument.
        """
        return self.arguments.model_validate(dict(values))

    def headline(self, values: Mapping[str, Any]) -> str:
        """The effect in one line: `email.send: to anna@example.org, "Delivery on Friday"`."""
        if not self.title:
            shown = ", ".join(f"{name} {_short(value)}" for name, value in values.items() if value is not None)
            return f"{self.name}: {shown}" if shown else self.name
        text = self.title
        for name in self.arguments.model_fields:
            text = text.replace("{" + name + "}", _short(values.get(name)))
        return f"{self.name}: {text}"


def _short(value: Any) -> str:
    found = plain(value)
    if isinstance(found, list) and found and all(isinstance(each, str | int | float) for each in found):
        found = ", ".join(map(str, found))
    text = "?" if found is None else " ".join(str(found).split())
    return text if len(text) <= 60 else text[:57] + "..."


def _known(action: str, what: str, word: object, words: Sequence[str]) -> None:
    """Refuse a word that is not one of `words`; a type hint alone would let it through when the drawer is read."""
    if word in words:
        return
    close = did_you_mean(word, words) if isinstance(word, str) else None
    hint = f" Did you mean {close!r}?" if close else ""
    raise ProjectError(f"action {action}: {what} {word!r} is not one of {', '.join(words)}.{hint}")


A = TypeVar("A", bound=Arguments)
R = TypeVar("R", bound=Result)


def action(
    name: str,
    *,
    effect: EffectClass,
    risk: Risk = "low",
    targets: Sequence[str] = (),
    title: str = "",
    probe: Callable[[Any, ActionContext], Probe] | None = None,
    facts: Callable[[Any, ActionContext], Mapping[str, Json]] | None = None,
    fact_names: Sequence[str] = (),
    compensate: str | None = None,
    key_ttl: float | None = None,
    records: Sequence[str] = (),
) -> Callable[[Callable[[A, ActionContext], R]], Action]:
    """Declare the decorated function as an action; see the module's docstring for an example.

    Raises:
        ProjectError: a word is unknown, or the declaration contradicts itself; the message says how.
    """
    _known(name, "effect", effect, get_args(EffectClass))
    _known(name, "risk", risk, get_args(Risk))

    def declare(function: Callable[[A, ActionContext], R]) -> Action:
        hints = get_type_hints(function)
        parameters = list(inspect.signature(function).parameters)
        arguments = hints.get(parameters[0]) if parameters else None
        result = hints.get("return")
        if not (inspect.isclass(arguments) and issubclass(arguments, Arguments)):
            raise ProjectError(f"action {name}: its first parameter must be typed with a subclass of Arguments.")
        if not (inspect.isclass(result) and issubclass(result, Result)):
            raise ProjectError(f"action {name}: its return value must be typed with a subclass of Result.")
        if not function.__doc__:
            raise ProjectError(f"action {name}: write a docstring; models choose the action by it.")
        if effect == "queryable" and probe is None:
            raise ProjectError(f"action {name}: a queryable effect needs `probe=`.")
        for target in targets:
            if target not in arguments.model_fields:
                raise ProjectError(f"action {name}: target {target} is not an argument.")
        if isinstance(records, str):
            raise ProjectError(f'action {name}: write the records as a list, such as records=["{records}"].')
        if records and effect != "read":
            raise ProjectError(f"action {name}: only an action with effect `read` has records.")
        for named in records:
            try:
                record_part(result, named)
            except ValueError as error:
                raise ProjectError(f"action {name}: record {named}: {error}.") from None
        return Action(
            name=name,
            description=inspect.cleandoc(function.__doc__).splitlines()[0],
            arguments=arguments,
            result=result,
            effect=effect,
            risk=risk,
            run=function,
            targets=tuple(targets),
            title=title,
            probe=probe,
            facts=facts,
            fact_names=tuple(fact_names),
            compensate=compensate,
            key_ttl=key_ttl,
            records=tuple(records),
        )

    return declare
