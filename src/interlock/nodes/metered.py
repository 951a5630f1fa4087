"""A reason step as it runs: attempts, model calls and spend are counted in the database, before and after."""

from __future__ import annotations

from collections.abc import Mapping
from decimal import ROUND_CEILING, Decimal
from typing import Any

from langchain_core.messages.ai import UsageMetadata

from interlock.errors import LimitExceeded, ModelError, ModelUnavailable, SettingsError
from interlock.graphs.cards import StepLimits
from interlock.graphs.spec import ReasonStep, RouteStep
from interlock.nodes.moves import Leave, Move
from interlock.nodes.reason import reason
from interlock.nodes.services import Place, Services
from interlock.settings import Price
from interlock.store.spend import limits_of

FREE = Price(input=Decimal(0), output=Decimal(0))


class RunMeter:
    """Counts a run's calls, tokens and money against its limits; the counters survive restarts."""

    def __init__(self, place: Place, provider: str, services: Services) -> None:
        """Raises:
        SettingsError: the workflow limits its cost and the model's price is not known.
        """
        step = place.spec.steps[place.step]
        own = step.limits if isinstance(step, ReasonStep | RouteStep) else StepLimits()
        self._place = (place.run, place.step, place.visit)
        self._runs = services.runs
        self._limits = limits_of(own.model_dump(mode="json"))
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
        """
        self._runs.count_call(*self._place, limits=self._limits)

    def usage(self, metadata: UsageMetadata | None) -> None:
        """Count what a call used.

        Raises:
            LimitExceeded: the run has spent more than it may, or nobody can say what it has spent.
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
    """Ask the step's model; a provider that cannot be reached is tried again as the step's `retry` says.

    Raises:
        LimitExceeded: the run has used its calls or its money.
    """
    step = place.spec.steps[place.step]
    assert isinstance(step, ReasonStep)
    provider = services.settings.model if step.card.model == "default" else step.card.model
    meter = RunMeter(place, provider, services)
    model = services.chat_model(provider)
    read = {key: values.get(key) for key in step.reads}
    while True:
        attempt = services.runs.attempt(place.run, place.step, place.visit)
        try:
            return Leave("done", writes={step.writes: reason(step.card, read, model, meter)})
        except ModelUnavailable as error:
            if attempt >= step.retry.attempts:
                return Leave("failed", note=error.message)
            services.sleep(step.retry.backoff.total_seconds() * 2 ** (attempt - 1))
        except ModelError as error:
            return Leave("failed", note=error.message)
