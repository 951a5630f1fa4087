"""The grammar of an answer: nothing, or a list of calls of exactly these actions."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any, Protocol

from interlock.lam.causal.dialects import Dialect, dumps
from interlock.lam.causal.rules import Rules, constant, either, fault_of, literal, spelled
from interlock.lam.causal.schemas import Resolver, Unsupported, definitions_of, refuse
from interlock.lam.parameters import Parameter, read_parameters
from interlock.lam.protocol import ActionSchema

_NO_MARKS: Mapping[str, int] = {}
MOST_CALLS, MOST_ITEMS = 8, 32
"""How many calls an answer and how many items a list may have; shorter lists of a schema stay as they are."""


class Leaves(Protocol):
    """What texts, numbers and objects of any shape may be; an expression, or `None` when there is no such value."""

    def text(self, schema: dict[str, Any], parameter: Parameter, rules: Rules) -> str | None: ...
    def number(self, schema: dict[str, Any], parameter: Parameter, rules: Rules) -> str | None: ...
    def anything(self, schema: dict[str, Any], parameter: Parameter, rules: Rules) -> str | None: ...


@dataclass(frozen=True)
class Answers:
    """The grammars of one question, and what no answer can hold."""

    everything: str
    """Calls, or nothing."""
    calls: str
    """Calls only."""
    lacking: dict[str, list[str]]
    """Required arguments of each action that no value of the context fits, so a call leaves them out."""


def answers(
    space: Sequence[ActionSchema], dialect: Dialect, leaves: Leaves, marks: Mapping[str, int] = _NO_MARKS
) -> Answers:
    """The grammars of answers with calls of `space`.

    Args:
        marks: what the tokenizer writes as one token apart from all text, such as `<tool_call>`.

    Raises:
        Unsupported: an action's schema has a feature that no grammar follows; the message names the action.
    """
    rules, lacking = Rules(), dict[str, list[str]]()
    calls = []
    for action in space:
        arguments, lacks = _Arguments(action, leaves, rules).rule()
        head = '{"name": ' + dumps(action.name) + ', "arguments": '
        calls.append(rules.rule(f"{literal(head)} {arguments} {literal('}')}"))
        lacking[action.name] = lacks
    call = rules.rule(either(calls))
    opening, between, closing, nothing = (
        spelled(text, marks) for text in (dialect.opening, dialect.between, dialect.closing, dialect.nothing)
    )
    start = rules.rule(f"{opening} {call} ({between} {call}){{0,{MOST_CALLS - 1}}} {closing}")
    return Answers(rules.text(f"{start} | {nothing}"), rules.text(start), lacking)


class _Arguments:
    """Compiles the arguments of one action."""

    def __init__(self, action: ActionSchema, leaves: Leaves, rules: Rules) -> None:
        self.action, self.leaves, self.rules = action, leaves, rules
        self.resolver = Resolver(action.name, definitions_of(action.parameters))
        self._parameters = {parameter.name: parameter for parameter in read_parameters(action)}

    def rule(self) -> tuple[str, list[str]]:
        """The rule of the arguments object, and the required arguments that it must leave out."""
        schema, seen = self.resolver.plain(self.action.parameters, "")
        required = list(schema.get("required") or [])
        members, lacking = self._members(schema, "", seen)
        undeclared = [name for name in required if name not in (schema.get("properties") or {})]
        if undeclared:
            raise refuse(self.action.name, undeclared[0], "it is required, but the schema does not declare it")
        return self._object(members, [name for name in required if name not in lacking]), lacking

    def _members(self, schema: dict[str, Any], where: str, seen: tuple[str, ...]) -> tuple[dict[str, str], list[str]]:
        members, lacking = dict[str, str](), list[str]()
        for name, part in (schema.get("properties") or {}).items():
            value = self.value(part, f"{where}.{name}" if where else name, seen)
            if value is not None:
                members[name] = value
            elif name in (schema.get("required") or []):
                lacking.append(name)
        return members, lacking

    def _object(self, members: dict[str, str], required: Sequence[str]) -> str:
        """Members in the order of the schema; two rules for each: one is first, or follows another."""
        first, later = "", ""
        for name, value in reversed(members.items()):
            pair = f"{literal(dumps(name) + ': ')} {value}"
            optional = name not in required
            last = not first and not later
            begun = pair if last else f"{pair} {later}"
            follows = f"{literal(', ')} {begun}"
            if optional:
                first = self.rules.rule(f"({begun})?" if last else f"{begun} | {first}")
                later = self.rules.rule(f"({follows})?" if last else f"{follows} | {later}")
            else:
                first, later = self.rules.rule(begun), self.rules.rule(follows)
        return self.rules.rule(f"{literal('{')} {first} {literal('}')}")

    def value(self, schema: Any, where: str, seen: tuple[str, ...] = ()) -> str | None:
        """The expression of a value's JSON; `None` when the leaves have no value for it."""
        plain, seen = self.resolver.plain(schema, where, seen)
        if "const" in plain:
            return constant(plain["const"])
        if plain.get("enum"):
            return either(list(dict.fromkeys(constant(option) for option in plain["enum"])))
        for word in ("anyOf", "oneOf"):
            if word in plain:
                return self._alternatives(plain[word], where, seen)
        kind = plain.get("type")
        if isinstance(kind, list):
            return self._alternatives([plain | {"type": name} for name in kind], where, seen)
        if kind is None:
            kind = "object" if plain.get("properties") else "array" if "items" in plain else None
        if kind == "object" and plain.get("properties"):
            members, lacking = self._members(plain, where, seen)
            return None if lacking else self._object(members, plain.get("required") or [])
        if kind == "array" and ("items" in plain or "prefixItems" in plain):
            return self._array(plain, where, seen)
        if kind == "boolean":
            return f"({literal('true')} | {literal('false')})"
        if kind == "null":
            return literal("null")
        leaf = {"string": self.leaves.text, "number": self.leaves.number, "integer": self.leaves.number}
        found = leaf.get(str(kind), self.leaves.anything)(plain, self._parameter(plain, where), self.rules)
        if found is not None and found.startswith("%json") and (fault := fault_of(found)):
            raise refuse(self.action.name, where, fault)
        return found

    def _parameter(self, schema: dict[str, Any], where: str) -> Parameter:
        """The leaf as the other models read it; an item of a list as the item of its parameter."""
        known = self._parameters.get(where)
        while known is not None and known.kind == "list" and schema.get("type") != "array":
            known = known.item
        if known is not None and known.kind != "unsupported":
            return known
        name = where.rpartition(".")[2].replace("[]", "") or "value"
        alone = ActionSchema(name="value", description="", parameters={"type": "object", "properties": {name: schema}})
        return read_parameters(alone)[0]

    def _alternatives(self, parts: Sequence[Any], where: str, seen: tuple[str, ...]) -> str | None:
        """Those of the parts that can be written; all of them refused is a refusal."""
        found, refused = list[str](), list[Unsupported]()
        for part in parts:
            try:
                value = self.value(part, where, seen)
            except Unsupported as error:
                refused.append(error)
            else:
                found += [value] if value is not None else []
        if not found and refused:
            raise refused[0]
        return either(found) if found else None

    def _array(self, schema: dict[str, Any], where: str, seen: tuple[str, ...]) -> str | None:
        least, most = int(schema.get("minItems") or 0), schema.get("maxItems")
        if "prefixItems" in schema:
            places = [self.value(part, where, seen) for part in schema["prefixItems"]]
            if least > len(places) or (most is not None and most < len(places)):
                raise refuse(self.action.name, where, "prefixItems with items after them is not supported")
            known = [place for place in places if place is not None]
            if len(known) < len(places):
                return None
            comma = f" {literal(', ')} "
            return self.rules.rule(f"{literal('[')} {comma.join(known)} {literal(']')}")
        most = max(least, MOST_ITEMS) if most is None else min(int(most), max(least, MOST_ITEMS))
        inner, _ = self.resolver.plain(schema["items"], where, seen)
        item = self.value(schema["items"], f"{where}[]" if inner.get("properties") else where, seen)
        empty = f"{literal('[')} {literal(']')}"
        if item is None or most == 0:
            return empty if least == 0 else None
        item = self.rules.rule(item)
        several = f"{literal('[')} {item} ({literal(', ')} {item}){{{max(0, least - 1)},{most - 1}}} {literal(']')}"
        return self.rules.rule(several if least else f"{several} | {empty}")
