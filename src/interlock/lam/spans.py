"""The embedded action model: chooses tools or none, and points to each argument in the context."""

from __future__ import annotations

import math
from collections.abc import Mapping, Sequence
from typing import Any

import torch

from interlock.lam.again import same_thing
from interlock.lam.calling import Made, decode, several_hint
from interlock.lam.confidence.calibrator import UNCALIBRATED, Calibration
from interlock.lam.confidence.certificate import NOTHING, Certificates
from interlock.lam.confidence.signals import read_signals
from interlock.lam.decoding import Filled
from interlock.lam.encoder import Encoder
from interlock.lam.filling import log_absent, log_probability
from interlock.lam.head import ActionHead
from interlock.lam.offers import Places
from interlock.lam.parameters import Parameter, nest
from interlock.lam.protocol import Action, ActionSchema, Decision, Observation
from interlock.lam.reader import CLOSELY, Reader, Reading
from interlock.lam.toolbox import is_bound

SEVERAL, SEVERAL_CLOSELY = 0.2, 6
"""From which `several_hint` on more tools are read closely, and how many."""
FURTHER = 0.0
"""Log-odds that a further tool of the same request must have."""


class SpanModel:
    """`ActionModel` in process: no network, no key, a value only from a span of the context.

    Args:
        threads: CPU threads for a decision; torch's own setting when `None`.
        half: compute in bfloat16, which some processors do in half the time.
    """

    backend = "spans"

    def __init__(
        self, encoder: Encoder, head: ActionHead, *, model_id: str, calibration: Calibration = UNCALIBRATED,
        certificates: Certificates = NOTHING, threads: int | None = None, half: bool = False,
    ) -> None:  # fmt: skip
        self.reader = Reader(encoder, head, half=half)
        self.model_id, self.calibration = model_id, calibration
        self.certificates = certificates
        """What is certified of its confidence; where nothing is, a person is asked."""
        if threads is not None:
            torch.set_num_threads(threads)

    # -- the protocol ---------------------------------------------------------------------------------

    def decide(self, observation: Observation, action_space: list[ActionSchema], *, risk: float) -> Decision:
        """Choose the calls a request asks for, ask for what is missing, or abstain.

        Bound arguments of a chosen action are part of its `arguments`, without evidence.

        Args:
            risk: how wrong an `act` may be: calls whose calibrated probability of being right is below
                `1 - risk` become `ask` (a doubtful argument) or `abstain` (a doubtful tool).
        """
        if not action_space or not observation.sources:
            return Decision(kind="abstain", p_null=1.0, backend=self.backend, model_id=self.model_id)
        reading = self.read(observation, action_space)
        p_null = min(1.0, math.exp(reading.log_null))
        abstained = Decision(kind="abstain", p_null=p_null, backend=self.backend, model_id=self.model_id)
        made = self.calls(reading)
        if not made:
            return abstained
        confidence = self.calibration.probability(read_signals(reading, made))
        missing = [name for call in made for name in call.filled.missing]
        doubted: str | None = None
        if not missing and confidence < 1 - risk:
            weakest = {name: value for call in made for name, value in call.filled.confidence.items()}
            if not weakest or math.exp(reading.log_p[made[0].tool]) < min(weakest.values()):
                return abstained
            doubted = min(weakest, key=lambda name: weakest[name])
            missing = [doubted]
        actions = [
            self._action(observation, action_space[call.tool], call.filled, confidence, doubted) for call in made
        ]
        return Decision(
            kind="ask" if missing else "act", actions=actions,
            missing=list(dict.fromkeys(name or actions[0].name for name in missing)),
            p_null=p_null, backend=self.backend, model_id=self.model_id,
        )  # fmt: skip

    def score(self, observation: Observation, action_space: list[ActionSchema], action: Action) -> float:
        """Natural-log probability of `action`: its tool, each argument's presence and span, and each absence.

        `-inf` when the action is not in the space, an argument is unknown or differs from a bound one, or
        a value is no span of the context under a named rule.
        """
        names = [schema.name for schema in action_space]
        if action.name not in names or not observation.sources:
            return -math.inf
        place = names.index(action.name)
        reading = self.read(observation, action_space, (place,))
        tool, total, places = reading.tools[place], reading.log_p[place], Places(reading.context, observation)
        given = by_path(tool.parameters, action.arguments)
        if nest(given) != action.arguments:
            return -math.inf
        for number, parameter in enumerate(tool.parameters):
            if is_bound(parameter, observation.bound):
                if parameter.name in given and observation.bound.get(parameter.name) != given[parameter.name]:
                    return -math.inf
            elif parameter.name in given:
                total += log_probability(tool, number, places, given[parameter.name])
            else:
                total += log_absent(tool, number, places)
        return total

    # -- its parts ------------------------------------------------------------------------------------

    def read(self, observation: Observation, space: Sequence[ActionSchema], also: Sequence[int] = ()) -> Reading:
        """What the network says; a request that sounds like several is held against more tools."""
        several = several_hint(observation.sources.get("request", "")) >= SEVERAL
        return self.reader.read(observation, space, also, SEVERAL_CLOSELY if several else CLOSELY)

    def calls(self, reading: Reading) -> list[Made]:
        """The calls the request asks for, by the tools' places in the space; none where no tool fits."""
        fitting = sorted(
            (k for k, tool in reading.tools.items() if tool.fits > FURTHER), key=lambda k: -reading.tools[k].fits
        )
        if not fitting:
            return []
        places = Places(reading.context, reading.observation)
        made = decode([reading.tools[k] for k in fitting], places)
        kept: list[Made] = []
        taken: set[tuple[str, int, int]] = set()
        said: list[Any] = []
        for number, k in enumerate(fitting):
            own = [call for call in made if call.tool == number]
            spots = {(c.source, c.start, c.end) for call in own for c in call.filled.chosen.values()}
            values = [c.value for call in own for c in call.filled.chosen.values()]
            again = spots <= taken or all(any(same_thing(value, other) for other in said) for value in values)
            if number and (any(call.filled.missing for call in own) or (spots and again)):
                continue  # another reading of what a better tool has taken already
            taken |= spots
            said += values
            kept += [Made(k, call.filled) for call in own]
        return sorted(kept, key=lambda call: call.begin)

    def _action(
        self, observation: Observation, schema: ActionSchema, filled: Filled, confidence: float, doubted: str | None
    ) -> Action:
        kept = {name: candidate for name, candidate in filled.chosen.items() if name != doubted}
        return Action(
            name=schema.name,
            arguments=nest({name: value for name, value in filled.arguments.items() if name != doubted}),
            confidence=confidence,
            argument_confidence={name: value for name, value in filled.confidence.items() if name in kept},
            evidence={name: candidate.evidence(observation.sources) for name, candidate in kept.items()},
        )


def by_path(parameters: Sequence[Parameter], arguments: Mapping[str, Any]) -> dict[str, Any]:
    """The arguments of a call by the paths of their parameters: the reverse of `nest`."""
    found: dict[str, Any] = {}
    for parameter in parameters:
        head, listed, rest = parameter.name.partition("[].")
        value: Any = arguments
        for part in head.split("."):
            value = value.get(part) if isinstance(value, Mapping) else None
        if listed and isinstance(value, list):
            value = [row[rest] for row in value if isinstance(row, Mapping) and rest in row]
        if value is not None:
            found[parameter.name] = value
    return found
