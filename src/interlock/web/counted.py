"""`/metrics`: what this process counted, and how the whole house stands, as Prometheus reads it.

A scraper signs in as programs do, with the token of somebody who holds `health.read`.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator
from datetime import datetime
from typing import Annotated

from fastapi import APIRouter
from fastapi.responses import Response
from prometheus_client import CONTENT_TYPE_LATEST, REGISTRY, CollectorRegistry, generate_latest
from prometheus_client.core import GaugeMetricFamily
from prometheus_client.registry import Collector

from interlock.store.database import Database
from interlock.store.health import Waiting, health
from interlock.store.workers import Workers
from interlock.web.parts import Parts
from interlock.web.rights import Visitor, needs

WORKERS = 1_000
"""So many workers are counted at most."""


class House(Collector):
    """Gauges of the whole house, read from its database when they are asked for."""

    def __init__(self, database: Database, clock: Callable[[], datetime]) -> None:
        self._database, self._clock = database, clock

    def collect(self) -> Iterator[GaugeMetricFamily]:
        """Each gauge, with its values of now.

        Raises:
            StoreUnavailable: the database cannot be read now.
        """
        found, now = health(self._database), self._clock()

        def age(waiting: Waiting) -> float:
            return max(0.0, (now - waiting.oldest).total_seconds()) if waiting.oldest else 0.0

        runs = GaugeMetricFamily("interlock_runs", "Runs that have not ended.", labels=["status"])
        for status in ("created", "running", "waiting"):
            runs.add_metric([status], found.runs[status].count if status in found.runs else 0)
        yield runs
        asked = GaugeMetricFamily("interlock_requests_waiting", "Requests for people.", labels=["roles", "kind"])
        oldest = GaugeMetricFamily(
            "interlock_requests_oldest_seconds", "Age of the oldest request.", labels=["roles", "kind"]
        )
        for each in found.asked:
            labels = ["+".join(each.roles), each.kind]
            asked.add_metric(labels, each.waiting.count)
            oldest.add_metric(labels, age(each.waiting))
        yield from (asked, oldest)
        yield GaugeMetricFamily("interlock_waits_for_events", "Runs that wait for an event.", found.events.count)
        yield GaugeMetricFamily("interlock_waits_for_moments", "Runs that wait for a moment.", found.moments.count)
        yield GaugeMetricFamily("interlock_messages_due", "Messages to people not yet delivered.", found.due.count)
        yield GaugeMetricFamily("interlock_messages_given_up", "Messages that could not be delivered.", found.given_up)
        workers = GaugeMetricFamily("interlock_workers", "Workers by state.", labels=["state"])
        states = [row.state for row in Workers(self._database).list(WORKERS)]
        for state in ("serving", "draining", "dead"):
            workers.add_metric([state], states.count(state))
        yield workers
        if found.bytes is not None:
            yield GaugeMetricFamily("interlock_database_bytes", "What the database takes on disk.", found.bytes)


def routes(parts: Parts) -> APIRouter:
    """The address that a scraper reads."""
    router, services = APIRouter(), parts.services
    registry = CollectorRegistry()
    registry.register(House(services.database, services.clock))

    @router.get("/metrics")
    def metrics(_: Annotated[Visitor, needs("health.read")]) -> Response:
        """The counts of this process, then those of the house."""
        return Response(generate_latest(REGISTRY) + generate_latest(registry), media_type=CONTENT_TYPE_LATEST)

    return router
