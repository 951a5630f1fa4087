"""`Idempotency-Key`: a write that is sent twice is done once, through crashes too."""

from __future__ import annotations

from contextlib import suppress
from datetime import timedelta
from typing import Any

import pytest
from starlette.testclient import TestClient

from interlock.store.answered import LEASE, Answers
from tests.web.site import Site

PAY = {"graph": "pay", "input": {"amount": 10}}


class Crash(BaseException):
    """The process ends here."""


def keyed(key: str = "a-1") -> dict[str, str]:
    return {"idempotency-key": key}


def runs(place: Site) -> list[str]:
    return [run.id for run in place.engine.services.runs.list()]


def test_the_same_key_starts_one_run(place: Site, zoe: TestClient) -> None:
    """The answer is given again, to the letter, and marked; another key, person or address is another write."""
    first = zoe.post("/api/runs", json=PAY, headers=keyed())
    again = zoe.post("/api/runs", json=PAY, headers=keyed('"a-1"'))
    assert (first.status_code, first.content, first.headers["location"]) == (
        again.status_code, again.content, again.headers["location"]
    )  # fmt: skip
    assert (first.headers.get("idempotency-replayed"), again.headers["idempotency-replayed"]) == (None, "true")
    assert len(runs(place)) == 1
    zoe.post("/api/runs", json=PAY, headers=keyed("a-2"))
    place.program("otto").post("/api/runs", json=PAY, headers=keyed())
    assert len(runs(place)) == 3


def test_another_body_under_the_key_is_refused(place: Site, zoe: TestClient) -> None:
    """422, and nothing is started."""
    zoe.post("/api/runs", json=PAY, headers=keyed())
    answer = zoe.post("/api/runs", json=PAY | {"input": {"amount": 11}}, headers=keyed())
    assert (answer.status_code, len(runs(place))) == (422, 1)


@pytest.mark.parametrize("key", ["", '""', "two words", "x" * 300, "\x7f"])
def test_a_key_that_is_none_is_refused(place: Site, zoe: TestClient, key: str) -> None:
    """Before anything is done."""
    assert zoe.post("/api/runs", json=PAY, headers=keyed(key)).status_code in (400, 422)
    assert zoe.post(
        "/api/runs", json=PAY, headers=[("idempotency-key", "a"), ("idempotency-key", "b")]
    ).status_code in (400, 422)
    assert runs(place) == []


def test_what_was_refused_is_tried_anew(place: Site, zoe: TestClient) -> None:
    """A refusal changed nothing, so the key is free for the corrected request."""
    assert zoe.post("/api/runs", json={"graph": "pay"}, headers=keyed()).status_code == 422
    assert zoe.post("/api/runs", json=PAY, headers=keyed()).status_code == 201


def test_while_it_is_being_done_it_is_not_begun_again(
    place: Site, zoe: TestClient, monkeypatch: pytest.MonkeyPatch
) -> None:
    """409 with a time to wait."""
    begun: list[int] = []
    start = place.engine.start

    def slow(*args: Any) -> Any:
        begun.append(zoe.post("/api/runs", json=PAY, headers=keyed()).status_code)
        return start(*args)

    monkeypatch.setattr(place.engine, "start", slow)
    assert zoe.post("/api/runs", json=PAY, headers=keyed()).status_code == 201
    assert (begun, len(runs(place))) == ([409], 1)


@pytest.mark.parametrize("after", [True, False])
def test_a_crash_starts_no_second_run(
    place: Site, zoe: TestClient, monkeypatch: pytest.MonkeyPatch, after: bool
) -> None:
    """Whether the process ended just before the run was stored or just after, the key leads to exactly one run."""
    start = place.engine.start

    def cut(*args: Any) -> Any:
        if after:
            start(*args)
        raise Crash

    with monkeypatch.context() as patch:
        patch.setattr(place.engine, "start", cut)
        patch.setattr(Answers, "drop", lambda self, attempt: None)  # nor does a process that ended tidy up
        with suppress(Crash):
            zoe.post("/api/runs", json=PAY, headers=keyed())
    assert len(runs(place)) == (1 if after else 0)
    assert zoe.post("/api/runs", json=PAY, headers=keyed()).status_code == 409
    place.clock.advance(LEASE)
    answer = zoe.post("/api/runs", json=PAY, headers=keyed())
    assert (answer.status_code, [answer.json()["id"]]) == (201, runs(place))
    place.settled()
    assert zoe.get(answer.headers["location"]).json()["status"] == "waiting"


def test_a_decision_and_an_event_are_kept_too(place: Site, zoe: TestClient) -> None:
    """A vote counts once, and whoever sends it again hears what came of it, not that they voted already."""
    run = place.asked(amount=2000)
    body = {"decision": "approve", "revision": run.asked.revision}
    where, fay = f"/api/approvals/{run.asked.id}/decision", place.program("fay")
    first, again = (fay.post(where, json=body, headers=keyed()) for _ in range(2))
    assert (first.status_code, first.content) == (200, again.content)
    assert fay.post(where, json=body).status_code == 409
    assert len(place.engine.services.approvals.votes(run.asked.id)) == 1


def test_after_a_day_a_key_is_new(place: Site, zoe: TestClient) -> None:
    """So nothing that is kept grows with the years."""
    zoe.post("/api/runs", json=PAY, headers=keyed())
    place.clock.advance(timedelta(hours=24, seconds=1))
    zoe.post("/api/runs", json=PAY, headers=keyed())
    assert len(runs(place)) == 2
