"""Chance writes calls under `copy_only`: nothing invented, nothing that breaks its schema.

`python -m benchmarks.copy_only --requests 10000 --json` lets random scores stand in for a causal model, so that every
answer of the grammar can come out, and counts values that stand nowhere in their context, acts that break their JSON
Schema, and errors; all must be 0.  Requests and functions are those of `benchmarks.invented`.
"""

from __future__ import annotations

import argparse
import json
import sys
import time
from collections.abc import Iterator, Sequence
from random import Random
from types import SimpleNamespace
from typing import Any

import torch

from benchmarks.invented import SAME, Maker
from benchmarks.jump_ahead import make_model
from interlock.lam.causal.model import CausalModel
from interlock.lam.functions import named
from interlock.lam.invented import flat_arguments
from interlock.lam.measures.outcomes import invalid_calls
from interlock.lam.parameters import plain_schema, read_parameters
from interlock.lam.protocol import ActionSchema, Decision, Observation
from interlock.lam.quoting import invented, stands_nowhere
from interlock.lam.strict_json import leaves
from interlock.lam.train import use_threads


class Chance:
    """Scores every next token at random, whatever it reads."""

    def __init__(self, size: int, seed: int) -> None:
        self.config = SimpleNamespace(vocab_size=size)
        self._source = torch.Generator().manual_seed(seed)

    def __call__(self, *, input_ids: Any, logits_to_keep: int = 1, **_: Any) -> Any:
        shape = (len(input_ids), logits_to_keep, self.config.vocab_size)
        return SimpleNamespace(logits=torch.randn(shape, generator=self._source))


def make_writer(model: CausalModel, seed: int, *, copy_only: bool = True) -> CausalModel:
    """Chance in the place of a model's weights."""
    chance = Chance(model.tokens.size, seed)
    return CausalModel(chance, model.tokens, model.dialect, model_id="chance", copy_only=copy_only, most=2000)


def values_of(decision: Decision) -> int:
    """How many single values the calls hold."""
    return sum(len(list(leaves(action.arguments))) for action in decision.actions)


def undeclared(schema: Any, value: Any) -> Iterator[Any]:
    """The single values of a value that its schema does not declare just where they stand."""
    plain = plain_schema(schema, {})
    if isinstance(value, dict):
        for name, inner in value.items():
            yield from undeclared(plain.get("properties", {}).get(name), inner)
    elif isinstance(value, list):
        for inner in value:
            yield from undeclared(plain.get("items"), inner)
    else:
        declared = [*plain.get("enum", ()), plain.get("const"), plain.get("default")]
        if not any(type(one) is type(value) and one == value for one in declared):
            yield value


def invented_in(decision: Decision, observation: Observation, space: Sequence[ActionSchema]) -> int:
    """Values, not bound, that stand nowhere in the context and that no schema declares."""
    count = 0
    for action in decision.actions:
        schema = named(space, action.name)
        if schema is None:
            return len(action.arguments) or 1
        own = {name: value for name, value in action.arguments.items() if name not in observation.bound}
        parameters = {parameter.name: parameter for parameter in read_parameters(schema)}
        flat = flat_arguments(schema, own)
        count += sum(invented(parameters[path], value, observation) for path, value in flat.items())
        seen = {(type(value), value) for _, value in leaves(flat)}
        rest = [value for value in undeclared(schema.parameters, own) if (type(value), value) not in seen]
        count += sum(stands_nowhere(value, observation) for value in rest)
    return count


def measure(model: CausalModel, requests: int, seed: int = 1) -> dict[str, Any]:
    """Decide random requests; the counts."""
    maker = Maker(Random(seed))
    names = ("act", "ask", "abstain", "calls", "values", "invented_values", "invalid_actions", "errors")
    counts = dict.fromkeys(names, 0)
    begun, space = time.process_time(), list[ActionSchema]()
    for number in range(1, requests + 1):
        space = maker.space() if number % SAME == 1 else space
        observation = maker.observation(space)
        try:
            decision = model.decide(observation, space, risk=1.0)
        except Exception as error:  # a crash is a finding, not the end of the run
            counts["errors"] += 1
            print(f"request {number}: {error!r}", file=sys.stderr)
            continue
        counts[decision.kind] += 1
        counts["calls"] += len(decision.actions)
        counts["values"] += values_of(decision)
        found = invented_in(decision, observation, space), invalid_calls(decision, space)
        counts["invented_values"] += found[0]
        counts["invalid_actions"] += found[1]
        if any(found):
            print(f"request {number}: {observation!r} {space!r} {decision!r}", file=sys.stderr)
        if number % 1000 == 0:
            print(f"{number} of {requests}", file=sys.stderr, flush=True)
    return {"requests": requests, "seed": seed, **counts, "cpu_seconds": round(time.process_time() - begun, 1)}


def main(arguments: Sequence[str] | None = None) -> int:
    """Measure and print; the exit status is 1 when anything was invented, invalid, or raised an error."""
    parser = argparse.ArgumentParser(prog="python -m benchmarks.copy_only", description=__doc__)
    parser.add_argument("--requests", type=int, default=10_000, help="how many requests to make")
    parser.add_argument("--seed", type=int, default=1, help="another seed makes other requests, functions and answers")
    parser.add_argument("--json", action="store_true", help="print one JSON object")
    chosen = parser.parse_args(arguments)
    use_threads(1)
    counts = measure(make_writer(make_model(), chosen.seed), chosen.requests, chosen.seed)
    print(json.dumps(counts) if chosen.json else "\n".join(f"{name}: {count}" for name, count in counts.items()))
    return int(any(counts[name] for name in ("invented_values", "invalid_actions", "errors")))


if __name__ == "__main__":
    sys.exit(main())
