"""`/metrics`: who may read it, and that what it counts is what is there."""

from __future__ import annotations

import pytest
from prometheus_client.parser import text_string_to_metric_families

from tests.web.site import Site


def gauges(site: Site, person: str) -> dict[tuple[str, ...], float]:
    """Each sample by its name and the values of its labels."""
    answer = site.program(person).get("/metrics")
    assert answer.status_code == 200
    assert answer.headers["content-type"].startswith("text/plain")
    return {
        (sample.name, *sample.labels.values()): sample.value
        for family in text_string_to_metric_families(answer.text)
        for sample in family.samples
    }


@pytest.mark.parametrize("person", ["fay", "anna"])
def test_only_who_looks_after_the_house_reads_its_counts(shared: Site, person: str) -> None:
    """A reviewer and an author are refused, a stranger is asked for a token."""
    assert shared.program(person).get("/metrics").status_code == 403
    assert shared.stranger(authorization="Bearer x").get("/metrics").status_code == 401


def test_a_request_is_counted_until_it_is_decided(site: Site) -> None:
    """By the roles that are asked and its kind, with the age of the oldest; its event is counted too."""
    before = gauges(site, "otto")
    run = site.asked()
    asked = gauges(site, "otto")
    assert asked["interlock_runs", "waiting"] == before["interlock_runs", "waiting"] + 1
    waiting = {key: value for key, value in asked.items() if key[0] == "interlock_requests_waiting"}
    assert sum(waiting.values()) == 1
    requested = ("interlock_events_total", "approval.requested")
    assert asked[requested] == before.get(requested, 0) + 1
    site.engine.services.approvals.reject(run.asked.id, "fay", comment="no")
    after = gauges(site, "otto")
    assert sum(value for key, value in after.items() if key[0] == "interlock_requests_waiting") == 0


def test_workers_and_the_database_are_told(shared: Site) -> None:
    """Each state of a worker stands there though none serves, and the database has a size."""
    found = gauges(shared, "ada")
    assert [found["interlock_workers", state] for state in ("serving", "draining", "dead")] == [0, 0, 0]
    assert found["interlock_database_bytes",] > 0
