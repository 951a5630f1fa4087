"""An action model that decides from a script."""

from __future__ import annotations

import math
from collections.abc import Callable, Sequence

from interlock.lam.confidence.certificate import ANY, NOTHING, Certificate, Certificates, RiskClass
from interlock.lam.confidence.learn_then_test import ALPHA, DELTA, p_value
from interlock.lam.protocol import Action, ActionSchema, Decision, Observation
from interlock.testing.chat_models import ScriptEnded


class ScriptedActionModel:
    """An action model that gives the next decision of a list, or what a function decides.

    `received` holds every observation with its action space.  What it proposes asks a person, however sure it says
    it is, unless `certificates` are given (see `certificates_for`).
    """

    def __init__(
        self,
        decisions: Sequence[Decision] | Callable[[Observation, list[ActionSchema]], Decision],
        *,
        loop: bool = False,
        certificates: Certificates = NOTHING,
    ) -> None:
        self.certificates = certificates
        self.received: list[tuple[Observation, list[ActionSchema]]] = []
        self._decide = decisions if callable(decisions) else None
        self._decisions = [] if callable(decisions) else list(decisions)
        self._given = 0
        self._loop = loop

    def decide(self, observation: Observation, action_space: list[ActionSchema], *, risk: float) -> Decision:
        self.received.append((observation, list(action_space)))
        if self._decide is not None:
            return self._decide(observation, action_space)
        if self._given >= len(self._decisions):
            if not (self._loop and self._decisions):
                raise ScriptEnded(f"The script has {len(self._decisions)} decisions and was asked once more.")
            return self._decisions[-1]
        self._given += 1
        return self._decisions[self._given - 1]

    def score(self, observation: Observation, action_space: list[ActionSchema], action: Action) -> float:
        """The log of the confidence with which the script proposes the action; `-inf` where it never does."""
        if action.name not in {schema.name for schema in action_space}:
            return -math.inf
        told = [self._decide(observation, action_space)] if self._decide is not None else self._decisions
        sure = [
            a.confidence for d in told for a in d.actions if (a.name, a.arguments) == (action.name, action.arguments)
        ]
        return math.log(sure[0]) if sure and sure[0] > 0 else -math.inf


def certificates_for(
    model_id: str, threshold: float = 0.5, *, group: str = ANY, risks: Sequence[RiskClass] = ("read", "reversible")
) -> Certificates:
    """Certificates as 500 right decisions of a script would earn them, for reads and for writes that can be undone."""
    return Certificates(
        tuple(
            Certificate(
                model_id=model_id,
                group=group,
                risk_class=risk,
                alpha=ALPHA[risk],
                delta=DELTA,
                threshold=threshold,
                n=500,
                wrong=0,
                p_value=p_value(500, 0, ALPHA[risk]),
                decisions=500,
                tried=1,
                data="verdicts",
                source="a script",
                made="2026-01-05T09:00:00+00:00",
            )
            for risk in risks
        )
    )
