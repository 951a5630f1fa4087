"""An action model that decides from a script."""

from __future__ import annotations

import math
from collections.abc import Callable, Sequence

from interlock.lam.protocol import Action, ActionSchema, Decision, Observation
from interlock.testing.chat_models import ScriptEnded


class ScriptedActionModel:
    """An action model that gives the next decision of a list, or what a function decides.

    `received` holds every observation with its action space.
    """

    def __init__(
        self,
        decisions: Sequence[Decision] | Callable[[Observation, list[ActionSchema]], Decision],
        *,
        loop: bool = False,
    ) -> None:
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
