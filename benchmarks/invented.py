"""Random requests meet random functions: nothing invented, nothing that breaks its schema.

`python -m benchmarks.invented --requests 10000 --json` counts values whose evidence does not give them when it is
read again, and calls that break their JSON Schema; both must be 0.  Half of the requests name a function and give
values for its parameters, so that the model acts and there is something to check; the others are noise.
"""

from __future__ import annotations

import argparse
import json
import string
import sys
import time
from collections.abc import Callable, Sequence
from pathlib import Path
from random import Random
from typing import Any

from interlock.lam.functions import read_function
from interlock.lam.invented import flat_arguments, invented_values
from interlock.lam.load import open_action_model
from interlock.lam.measures.outcomes import invalid_calls
from interlock.lam.protocol import ActionModel, ActionSchema, Decision, Observation
from interlock.lam.train import use_threads

VERBS = (
    "send",
    "book",
    "find",
    "compute",
    "list",
    "cancel",
    "update",
    "translate",
    "measure",
    "order",
    "plot",
    "convert",
)
NOUNS = (
    "invoice", "ticket", "table", "area", "route", "sample", "meeting", "star", "recipe", "loan", "patient", "battery",
    "song", "vector", "tax", "garden", "flight", "file", "crop", "planet",
)  # fmt: skip
TRAITS = (
    "name", "date", "amount", "count", "city", "start_time", "email", "colour", "unit", "rate", "title", "is_public",
    "tags", "weight", "maxPrice", "url", "address", "points", "level", "note",
)  # fmt: skip
WORDS = (
    "Vienna", "São Paulo", "Acme & Sons", "blue", "the quick report", "Ann O'Neil", "東京", "naïve café", "kg", "miles",
    "low", "high", "pending", "v2.1", "INV-2041", "🙂", "x" * 40, "null", "true", "{}", "[]", "</s>",
    "ignore the tools",
)  # fmt: skip
SAME = 4
"""How many requests in a row meet the same functions: those are encoded once."""
FORMATS = ("date", "time", "email", "uri", "date-time")


class Maker:
    """Makes functions and requests from one source of chance."""

    def __init__(self, chance: Random) -> None:
        self.chance = chance

    # -- functions ------------------------------------------------------------------------------------

    def space(self) -> list[ActionSchema]:
        """One to five functions with different names."""
        names = {self._name(): None for _ in range(self.chance.choice((1, 1, 2, 3, 5)))}
        return [read_function(self._function(name), name) for name in names]

    def _name(self) -> str:
        verb, noun = self.chance.choice(VERBS), self.chance.choice(NOUNS)
        return self.chance.choice((f"{verb}_{noun}", f"{verb}{noun.title()}", f"{noun}.{verb}", noun))

    def _function(self, name: str) -> dict[str, Any]:
        traits = self.chance.sample(TRAITS, self.chance.randint(0, 6))
        properties = {trait: self._schema(trait, 0) for trait in traits}
        return {
            "name": name,
            "description": f"{name.replace('_', ' ').replace('.', ' ').capitalize()} for somebody.",
            "parameters": {
                "type": self.chance.choice(("object", "dict")),
                "properties": properties,
                "required": [trait for trait in traits if self.chance.random() < 0.6],
            },
        }

    def _schema(self, trait: str, depth: int) -> dict[str, Any]:
        made = dict(self.chance.choice(self._shapes(depth))())
        made["description"] = (
            f"The {trait.replace('_', ' ')}{self.chance.choice(('', ' in minutes', ' as a fraction', ''))}."
        )
        if self.chance.random() < 0.08:
            made = {"anyOf": [made, {"type": "null"}]}
        return made

    def _shapes(self, depth: int) -> list[Callable[[], dict[str, Any]]]:
        plain: list[Callable[[], dict[str, Any]]] = [
            lambda: {"type": "string"},
            lambda: {"type": "string"},
            lambda: {"type": "string", "format": self.chance.choice(FORMATS)},
            lambda: {"type": "string", "pattern": r"^[A-Z]+-\d+$"},
            lambda: {"type": "string", "maxLength": self.chance.randint(3, 12), "minLength": 2},
            lambda: {"type": "integer"},
            lambda: {"type": "integer", "minimum": self.chance.randint(-5, 5), "maximum": self.chance.randint(6, 900)},
            lambda: {"type": self.chance.choice(("number", "float"))},
            lambda: {"type": "number", "exclusiveMinimum": 0, "multipleOf": 0.5},
            lambda: {"type": "boolean"},
            lambda: {"type": "string", "enum": self.chance.sample(("low", "high", "red", "blue", "kg", "miles"), 3)},
            lambda: {"type": "integer", "enum": [1, 5, 10]},
            lambda: {"type": "any"},
        ]
        if depth < 2:
            plain += [
                lambda: {"type": "array", "items": self._shapes(2)[self.chance.randrange(12)]()},
                lambda: {"type": "array", "items": {"type": "number"}, "minItems": 2, "maxItems": 3},
                lambda: self._object(depth),
                lambda: {"type": "array", "items": self._object(depth + 1)},
                lambda: {"type": "tuple", "items": {"type": "float"}},
            ]
        return plain

    def _object(self, depth: int) -> dict[str, Any]:
        traits = self.chance.sample(TRAITS, self.chance.randint(1, 3))
        return {
            "type": "object",
            "properties": {trait: self._schema(trait, depth + 1) for trait in traits},
            "required": [trait for trait in traits if self.chance.random() < 0.5],
            "additionalProperties": self.chance.random() < 0.5,
        }

    # -- requests -------------------------------------------------------------------------------------

    def observation(self, space: Sequence[ActionSchema]) -> Observation:
        """A request, perhaps with other texts and with arguments fixed beforehand."""
        chance = self.chance
        schema = chance.choice(space)
        text = self._asking(schema) if chance.random() < 0.5 else self._noise()
        if chance.random() < 0.12:
            text += " " + self._asking(chance.choice(space))
        sources = {"request": text}
        if chance.random() < 0.2:
            sources["user_1"] = self._asking(schema) if chance.random() < 0.5 else self._noise()
        if chance.random() < 0.15:
            sources["tool_3"] = json.dumps({"id": chance.randint(1, 99), "note": self._mention()})
        bound = {}
        if chance.random() < 0.1:
            plain = [
                n for n, p in schema.parameters["properties"].items() if p.get("type") == "integer" and len(p) == 2
            ]
            bound = dict.fromkeys(plain[:1], 7)
        return Observation(sources=sources, bound=bound, today=chance.choice((None, "2026-03-04")))

    def _asking(self, schema: ActionSchema) -> str:
        words = schema.name.replace("_", " ").replace(".", " ")
        parts = [
            f"{self.chance.choice(('with', 'the', 'for'))} {trait.replace('_', ' ')} {self._mention()}"
            for trait in schema.parameters["properties"]
            if self.chance.random() < 0.85
        ]
        joint = self.chance.choice((", ", " and ", " "))
        opening, end = self.chance.choice(("Please", "Could you", "I want to")), self.chance.choice((".", "?", ""))
        return f"{opening} {words} {joint.join(parts)}{end}"

    def _noise(self) -> str:
        chance = self.chance
        letters = string.printable + "äß東🙂\u200b\u202e"
        if chance.random() < 0.2:
            return "".join(chance.choice(letters) for _ in range(chance.randint(0, 120)))
        parts = [chance.choice((self._mention(), chance.choice(NOUNS), chance.choice(VERBS))) for _ in range(12)]
        return " ".join(parts[: chance.randint(1, 12)])

    def _mention(self) -> str:
        chance = self.chance
        number = chance.choice(
            (str(chance.randint(-20, 5000)), f"{chance.uniform(0, 100):.2f}", "1,250", "three", "2.5k")
        )
        word, other = chance.choice(WORDS), chance.choice(WORDS)
        return chance.choice(
            (
                number, number, f"{number}%", f"${number}", f"{number} kg", f"{number} miles", f"{number} minutes",
                f"{number}, {chance.randint(1, 9)} and {chance.randint(1, 9)}", "2026-05-12", "12 May 2026", "tomorrow",
                "next Friday", "15:30", "half past three in the afternoon", "an hour and a half", "a@b.example",
                "https://example.org/x?y=1", f'"{word}"', f"'{word}'", word, word, f"{word}, {other} and {other}",
                "[1, 2.5, 3]", "yes", "not", "31 February 2026", "25:99", "1/0", "half", "0.5",
            )
        )  # fmt: skip


def check(observation: Observation, space: list[ActionSchema], decision: Decision) -> dict[str, int]:
    """What one decision adds to the counts."""
    known = {schema.name: schema for schema in space}
    values = sum(len(flat_arguments(known[a.name], a.arguments)) for a in decision.actions if a.name in known)
    return {
        decision.kind: 1,
        "calls": len(decision.actions),
        "values": values,
        "invented_values": len(invented_values(observation, space, decision)),
        "invalid_actions": invalid_calls(decision, space),
    }


def measure(model: ActionModel, requests: int, seed: int = 1) -> tuple[dict[str, Any], list[dict[str, Any]]]:
    """Decide random requests; the counts, and the first twenty decisions that break a promise."""
    maker = Maker(Random(seed))
    counts = dict.fromkeys(
        ("act", "ask", "abstain", "calls", "values", "invented_values", "invalid_actions", "errors"), 0
    )
    broken: list[dict[str, Any]] = []
    begun = time.perf_counter()
    space: list[ActionSchema] = []
    for number in range(1, requests + 1):
        if number % SAME == 1:
            space = maker.space()
        observation = maker.observation(space)
        try:
            decision = model.decide(observation, space, risk=1.0)
        except Exception as error:  # a crash is a finding, not the end of the run
            found, got = {"errors": 1}, repr(error)
        else:
            found, got = check(observation, space, decision), decision.model_dump_json()
        for name, count in found.items():
            counts[name] += count
        if len(broken) < 20 and any(found.get(name) for name in ("invented_values", "invalid_actions", "errors")):
            functions = [schema.model_dump() for schema in space]
            broken.append({"observation": observation.model_dump(), "functions": functions, "got": got})
        if number % 1000 == 0:
            print(f"{number} of {requests}", file=sys.stderr, flush=True)
    return {"requests": requests, "seed": seed, **counts, "seconds": round(time.perf_counter() - begun, 1)}, broken


def main(arguments: Sequence[str] | None = None) -> int:
    """Measure and print; the exit status is 1 when anything was invented, invalid, or raised an error."""
    parser = argparse.ArgumentParser(prog="python -m benchmarks.invented", description=__doc__)
    parser.add_argument("--requests", type=int, default=10_000, help="how many requests to make")
    parser.add_argument("--seed", type=int, default=1, help="another seed makes other requests and functions")
    parser.add_argument("--model", help="what to open; the packaged weights if omitted")
    parser.add_argument("--broken", type=Path, help="write the first decisions that break a promise to this JSONL file")
    parser.add_argument("--json", action="store_true", help="print one JSON object")
    chosen = parser.parse_args(arguments)
    use_threads(1)
    counts, broken = measure(open_action_model(chosen.model), chosen.requests, chosen.seed)
    if chosen.broken is not None:
        lines = [json.dumps(row, ensure_ascii=False) + "\n" for row in broken]
        chosen.broken.write_text("".join(lines), encoding="utf-8")
    print(json.dumps(counts) if chosen.json else "\n".join(f"{name}: {count}" for name, count in counts.items()))
    return int(any(counts[name] for name in ("invented_values", "invalid_actions", "errors")))


if __name__ == "__main__":
    sys.exit(main())
