"""Requests by HTTP: found, claimed and decided; and the record that tells of it."""

from __future__ import annotations

from datetime import timedelta

from starlette.testclient import TestClient

from tests.web.site import Site


def test_the_queue_is_filtered_and_paged(place: Site, zoe: TestClient) -> None:
    """Oldest first, by what is asked for, each request once."""
    made = []
    for amount in (10, 2000, 11):
        made.append(place.asked(amount=amount).asked.id)
        place.clock.advance(timedelta(seconds=1))

    def found(**params: str) -> list[str]:
        answer = zoe.get("/api/approvals", params=params)
        assert answer.status_code == 200, answer.text
        return [row["id"] for row in answer.json()["approvals"]]

    assert found() == found(state="waiting", kind="action", graph="pay", action="shop.pay") == made
    assert found(order="newest") == made[::-1]
    assert found(decidable_by="anna") == []  # she asked for all of them
    assert found(decidable_by="fay") == made
    assert found(decidable_by="otto") == [made[0], made[2]]  # who does not hold the role that large sums need
    assert found(text="2000") == [made[1]]
    assert found(run=place.engine.services.approvals.get(made[2]).run_id) == [made[2]]
    assert found(state="approved") == found(graph="other") == found(risk="none") == []
    page = zoe.get("/api/approvals", params={"limit": "2"}).json()
    assert [row["id"] for row in page["approvals"]] == made[:2]
    assert found(after=page["next"]) == made[2:]
    assert zoe.get("/api/approvals", params={"after": "ap-none"}).status_code == 400
    for wrong in ({"state": "lost"}, {"limit": "0"}, {"limit": "501"}, {"decidable_by": "two words"}):
        fault = zoe.get("/api/approvals", params=wrong)
        assert (fault.status_code, fault.json()["errors"][0]["field"].split(".")[0]) == (422, next(iter(wrong)))


def test_a_claim_keeps_others_out(place: Site) -> None:
    """Until it is released or taken over; it stands beside the request."""
    run, fay, finn = place.asked(), place.program("fay"), place.program("finn")
    where = f"/api/approvals/{run.asked.id}"
    claim = fay.post(f"{where}/claim", json={"minutes": 5}).json()["claim"]
    assert (claim["person"], claim["until"]) == ("fay", (place.clock.now + timedelta(minutes=5)).isoformat())
    assert fay.get(where).json()["claim"] == claim
    assert finn.post(f"{where}/claim").status_code == 409
    decided = finn.post(f"{where}/decision", json={"decision": "approve", "revision": 0})
    assert (decided.status_code, "claimed by fay" in decided.json()["detail"]) == (409, True)
    assert finn.post(f"{where}/claim", json={"take_over": True}).json()["claim"]["person"] == "finn"
    assert fay.post(f"{where}/release").status_code == 409
    assert finn.post(f"{where}/release").json() == {"claim": None}
    assert fay.post(f"{where}/claim", json={"minutes": 0}).json()["errors"][0]["field"] == "minutes"


def test_decisions_in_other_dialects(place: Site) -> None:
    """LangChain's and AG-UI's forms decide; the revision stands in the address where they have no place for it."""
    fay = place.program("fay")
    first, second = place.asked(), place.asked(amount=11)
    where = f"/api/approvals/{first.asked.id}/decision"
    assert fay.post(where, json={"decisions": [{"type": "approve"}]}).status_code == 428
    assert fay.post(where, params={"revision": 7}, json={"decisions": [{"type": "approve"}]}).status_code == 409
    assert fay.post(where, params={"revision": "x"}, json={"decisions": [{"type": "approve"}]}).status_code == 422
    taken = fay.post(where, params={"revision": 0}, json={"decisions": [{"type": "approve"}]})
    assert taken.json()["approval"]["state"] == "approved"
    entry = {"interruptId": second.asked.id, "status": "resolved", "payload": {"approved": False, "reason": "late"}}
    where = f"/api/approvals/{second.asked.id}/decision"
    assert fay.post(where, params={"revision": 0}, json={"resume": [entry]}).json()["approval"]["state"] == "rejected"


def test_bodies_that_no_two_readers_see_alike_are_refused(place: Site) -> None:
    """A key that stands twice, half a character, a number that is none, and what is no JSON."""
    run, fay = place.asked(), place.program("fay")
    where = f"/api/approvals/{run.asked.id}/decision"
    for body in (
        b'{"decision": "reject", "decision": "approve", "revision": 0}',
        b'{"decision": "reject", "comment": "\\ud800", "revision": 0}',
        b'{"decision": "approve", "revision": NaN}',
        b"decision=approve",
        b"\xff",
    ):
        answer = fay.post(where, content=body, headers={"content-type": "application/json"})
        assert (answer.status_code, answer.headers["content-type"]) == (400, "application/problem+json"), body
    assert fay.post(where, content=b"{}", headers={"content-type": "text/plain"}).status_code == 415
    assert run.asked.state == "waiting"


def test_the_record_by_page(place: Site, zoe: TestClient) -> None:
    """Newest or oldest first, each entry once, with its seals; and whether it is whole."""
    place.asked()
    seen: list[int] = []
    after: dict[str, int] = {}
    while True:
        page = zoe.get("/api/audit", params={"limit": 7} | after).json()
        seen += [entry["seq"] for entry in page["entries"]]
        if page["next"] is None:
            break
        after = {"after": page["next"]}
    head = zoe.get("/api/audit/head").json()
    assert seen == list(range(head["entries"], 0, -1))
    oldest = zoe.get("/api/audit", params={"order": "oldest", "limit": 2, "after": 1}).json()["entries"]
    assert [entry["seq"] for entry in oldest] == [2, 3]
    assert oldest[1]["previous"] == oldest[0]["mac"]
    whole = zoe.get("/api/audit/verify", params=head).json()
    assert whole == {"ok": True, "fault": None, "head": head}
    cut = zoe.get("/api/audit/verify", params={"entries": head["entries"] + 1, "mac": "0" * 64}).json()
    assert (cut["ok"], cut["fault"]["seq"]) == (False, head["entries"] + 1)
    assert zoe.get("/api/audit/verify", params={"entries": 1}).status_code == 400
