"""A reason step as it runs: attempts, model calls and spend are counted in the database, before and after.

A visit may make as many model calls as its attempts, turns and repairs come to.  A call that a process
died in counts as one of them, so that no number of restarts goes past the bound that was proven.
"""

from __future__ import annotations

from collections.abc import Mapping
from decimal import ROUND_CEILING, Decimal
from typing import Any

from langchain_core.messages.ai import UsageMetadata

from interlock.errors import LimitExceeded, SettingsError, StepLimitExceeded
from interlock.graphs.calls import model_calls
from interlock.graphs.cards import StepLimits
from interlock.graphs.spec import ReasonStep, RouteStep
from interlock.nodes.attempts import attempted
from interlock.nodes.lookup import NOTHING, look_up
from interlock.nodes.moves import Leave, Move
from interlock.nodes.reason import reason
from interlock.nodes.services import Place, Services
from interlock.nodes.timeout import Deadline
from interlock.settings import Price
from interlock.store.spend import limits_of

FREE = Price(input=Decimal(0), output=Decimal(0))


class RunMeter:
    """Counts the calls, tokens and money of a visit, its run and the runs above; the counters survive restarts."""

    def __init__(self, place: Place, provider: str, services: Services) -> None:
        """Raises:
        SettingsError: the workflow limits its cost and the model's price is not known.
        """
        step = place.spec.steps[place.step]
        own = step.limits if isinstance(step, ReasonStep | RouteStep) else StepLimits()
        self._place = (place.run, place.step, place.visit)
        self._runs = services.runs
        self._limits = limits_of(own.model_dump(mode="json"))
        self._most = model_calls(step)
        self._limits["model_calls"] = min(self._limits.get("model_calls", self._most), self._most)
        self._costs = own.cost is not None or services.runs.limits_cost(place.run)
        self._price = services.settings.price(provider)
        if self._price is None and self._costs:
            raise SettingsError(
                f"{place.spec.graph} limits its cost, but the price of {provider} is not known; set INTERLOCK_PRICES."
            )

    def call(self) -> None:
        """Count a call before it is made.

        Raises:
            LimitExceeded: the run has used its calls or its money.
            StepLimitExceeded: the visit has, or has made all the calls of its attempts.
        """
        try:
            self._runs.count_call(*self._place, limits=self._limits)
        except StepLimitExceeded:
            if self._runs.visit(*self._place).model_calls < self._most:
                raise
            raise StepLimitExceeded(
                f"step {self._place[1]} has made all {self._most} model calls of its attempts in this visit, "
                "those that a process died in included; give it more attempts, or start a new run."
            ) from None

    def usage(self, metadata: UsageMetadata | None) -> None:
        """Count what a call used.

        Raises:
            LimitExceeded: the run has spent more than it may, or nobody can say what it has spent.
            StepLimitExceeded: the visit has spent more than it may.
        """
        if metadata is None and self._costs and self._price != FREE:
            raise LimitExceeded(
                f"run {self._place[0]} has a limit on its cost, but the model did not say how many tokens it used; "
                "use another model, or leave out limits.cost.",
                run=self._place[0],
            )
        read, written = (metadata["input_tokens"], metadata["output_tokens"]) if metadata else (0, 0)
        cost = Decimal(0) if self._price is None else self._price.input * read + self._price.output * written
        micro_usd = int(cost.to_integral_value(ROUND_CEILING))
        self._runs.count_usage(*self._place, tokens=read + written, micro_usd=micro_usd, limits=self._limits)


def think(place: Place, values: Mapping[str, Any], services: Services) -> Move:
    """Ask the step's model, after it looked up what it wants to where the card names actions.

    Raises:
        LimitExceeded: the run has used its calls or its money.
    """
    step = place.spec.steps[place.step]
    assert isinstance(step, ReasonStep)
    provider = provider_of(step.card.model, services)
    meter = RunMeter(place, provider, services)
    model = services.chat_model(provider)
    read = {key: values.get(key) for key in step.reads}

    def work(deadline: Deadline) -> Leave:
        found = NOTHING
        if step.card.actions:
            found = look_up(step.card, read, model, meter, place, services, deadline)
        answer = reason(step.card, read, model, meter, found=found.texts, deadline=deadline)
        return Leave("done", writes={step.writes: answer}, note=found.note)

    return attempted(step, place, services, work)


def provider_of(model: str, services: Services) -> str:
    """The provider string that a card's `model` means."""
    return services.settings.model if model in ("default", "auto") else model
