"""A model that answers at random meets random functions: nothing invented and nothing invalid gets through."""

from __future__ import annotations

import json
from collections import Counter
from collections.abc import Iterator
from random import Random
from typing import Any

from benchmarks.invented import Maker
from interlock.errors import ModelError
from interlock.lam.endpoint.model import EndpointModel
from interlock.lam.endpoint.options import Options
from interlock.lam.endpoint.wire import Wire
from interlock.lam.invented import invented_values
from interlock.lam.measures.outcomes import invalid_calls
from interlock.lam.protocol import ActionSchema, Decision, Observation
from interlock.lam.strict_json import leaves

NOWHERE = ("Zaphod", "zz@nowhere.example", 987654321, 0.12345, "1999-09-09", "03:33")
"""Values that no request here holds."""


class Hostile(Wire):
    """In place of a server: calls of random actions with random values, some of the context and some of nowhere."""

    def __init__(self, chance: Random) -> None:
        super().__init__(Options("http://127.0.0.1:9/v1", model="hostile", way="tools", copy_only=True))
        self.chance, self.observation, self.space = chance, Observation(sources={}), list[ActionSchema]()

    def ask(self, path: str, body: Any, deadline: float) -> dict[str, Any]:
        calls = [self._call() for _ in range(self.chance.choice((0, 1, 1, 1, 2)))]
        text = json.dumps(calls, ensure_ascii=False) if self.chance.random() < 0.98 else json.dumps(calls)[:-2]
        return {"choices": [{"message": {"content": text}, "finish_reason": "stop"}]}

    def _call(self) -> dict[str, Any]:
        schema = self.chance.choice(self.space)
        properties: dict[str, Any] = schema.parameters.get("properties") or {}
        arguments = {
            name: self._value(part)
            for name, part in properties.items()
            if name not in self.observation.bound and self.chance.random() < 0.8
        }
        if self.chance.random() < 0.03:
            arguments["unheard_of"] = 1
        return {"name": schema.name if self.chance.random() < 0.98 else "rm_rf", "arguments": arguments}

    def _value(self, schema: Any) -> Any:
        chance = self.chance
        parts = schema.get("anyOf") or [schema]
        schema = chance.choice(parts)
        if schema.get("enum") and chance.random() < 0.9:
            return chance.choice(schema["enum"])
        kind = schema.get("type")
        if kind == "object":
            return {name: self._value(part) for name, part in (schema.get("properties") or {}).items()}
        if kind == "array":
            return [self._value(schema.get("items") or {}) for _ in range(chance.randint(0, 3))]
        if kind == "boolean":
            return chance.random() < 0.5
        if chance.random() < 0.4:
            return chance.choice(NOWHERE)
        words = " ".join(self.observation.sources.values()).split() or ["x"]
        word = chance.choice(words).strip(".,?\"'")
        if kind in ("integer", "number"):
            numbers = [w for w in words if w.isdigit()] or ["4"]
            return int(chance.choice(numbers))
        return word


def decided(count: int, seed: int) -> Iterator[tuple[Observation, list[ActionSchema], Decision | None]]:
    """What the model makes of a hostile server's answers; `None` where it refuses them."""
    maker, wire = Maker(Random(seed)), Hostile(Random(seed + 1))
    model = EndpointModel(wire.options, wire)
    for _ in range(count):
        space = maker.space()
        wire.space, wire.observation = space, maker.observation(space)
        try:
            yield wire.observation, space, model.decide(wire.observation, space, risk=1)
        except ModelError:
            yield wire.observation, space, None


def from_nowhere(observation: Observation, space: list[ActionSchema], decision: Decision) -> list[str]:
    """Values of a decision that no evidence gives, no schema lists, and no text holds."""
    options = {schema.name: set(_options(schema.parameters)) for schema in space}
    context = " ".join(observation.sources.values())
    unproven = set(invented_values(observation, space, decision))
    found = []
    for action in decision.actions:
        for path, value in leaves({k: v for k, v in action.arguments.items() if k not in observation.bound}):
            proven = not any(path == one or path.startswith((one + ".", one.split("[")[0] + ".")) for one in unproven)
            listed = value is None or isinstance(value, bool) or value in options[action.name]
            if not proven and not listed and str(value) not in context:
                found.append(f"{action.name}.{path} = {value!r}")
    return found


def _options(schema: Any) -> Iterator[Any]:
    """Everything that a schema lists anywhere as an option."""
    if isinstance(schema, dict):
        yield from schema.get("enum") or []
        for part in schema.values():
            yield from _options(part)
    elif isinstance(schema, list):
        for part in schema:
            yield from _options(part)


def count(requests: int, seed: int = 7) -> Counter[str]:
    """Decisions by kind, and how many values were invented and calls invalid."""
    told = Counter[str]()
    for observation, space, decision in decided(requests, seed):
        if decision is None:
            told["refused"] += 1
            continue
        told[decision.kind] += 1
        told["invented"] += len(from_nowhere(observation, space, decision))
        told["invalid"] += invalid_calls(decision, space)
        told["from nowhere"] += sum(value in NOWHERE for a in decision.actions for _, value in leaves(a.arguments))
    return told


def test_nothing_invented_and_nothing_invalid_gets_through() -> None:
    """Four in ten values stand nowhere; none is in a decision, and every act fits its schema."""
    told = count(300)
    assert (told["invented"], told["invalid"], told["from nowhere"]) == (0, 0, 0)
    assert min(told["act"], told["ask"], told["abstain"], told["refused"]) > 5
