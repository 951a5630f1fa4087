"""Runs by HTTP: started, found, looked at and moved on as at the command line, by what the Engine does."""

from __future__ import annotations

from datetime import timedelta

from starlette.testclient import TestClient

from tests.web.api.conftest import EVERYBODY
from tests.web.site import Site

WAITS = """
graph: waits
version: 1
input: {amount: {type: integer}}
steps:
  paid: {wait: {event: paid, within: 1h, payload: {by: {type: string}}}, writes: payment}
edges:
  - START -> paid
  - paid -> END
  - {from: paid, on: expired, to: END, outcome: unpaid}
output: [payment]
"""


def started(client: TestClient, graph: str = "pay", **values: object) -> str:
    answer = client.post("/api/runs", json={"graph": graph, "input": {"amount": 10} | values})
    assert answer.status_code == 201, answer.text
    run: str = answer.json()["id"]
    assert answer.headers["location"] == f"/api/runs/{run}"
    return run


def test_a_run_from_start_to_end(place: Site, zoe: TestClient) -> None:
    """Started here, decided here, and shown with its steps, effects, request and record."""
    run = started(zoe)
    place.settled()
    shown = zoe.get(f"/api/runs/{run}").json()
    assert (shown["status"], shown["requester"], shown["input"]) == ("waiting", EVERYBODY, {"amount": 10, "to": "anna"})
    (asked,) = shown["approvals"]
    decided = place.program("fay").post(
        f"/api/approvals/{asked['id']}/decision", json={"decision": "approve", "revision": asked["revision"]}
    )
    assert decided.json()["approval"]["state"] == "approved"
    place.settled()
    shown = zoe.get(f"/api/runs/{run}").json()
    assert (shown["status"], len(place.house.effects)) == ("done", 1)
    (effect,) = zoe.get(f"/api/runs/{run}/effects").json()["effects"]
    assert effect["state"] in ("executed", "verified")
    positions = zoe.get(f"/api/runs/{run}/states").json()["positions"]
    assert [each["position"] for each in positions] == ["0", "1.1", "1"]
    state = zoe.get(f"/api/runs/{run}/states/1", params={"diff": "0"}).json()
    assert [each["key"] for each in state["differences"]] == ["receipt"]
    events = [entry["event"] for entry in zoe.get(f"/api/runs/{run}/history").json()["entries"]]
    assert events[0] == "run.created"
    assert events[-1] == "run.done"
    votes = zoe.get(f"/api/approvals/{asked['id']}/history").json()["entries"]
    assert [entry["actor"] for entry in votes if entry["event"] == "approval.vote"] == ["fay"]


def test_input_that_does_not_fit_names_its_field(zoe: TestClient, place: Site) -> None:
    """422 with the path of what is wrong, and nothing is started."""
    for values, field in (({}, "amount"), ({"amount": "x"}, "amount"), ({"amount": 1, "colour": "red"}, "colour")):
        answer = zoe.post("/api/runs", json={"graph": "pay", "input": values})
        assert answer.status_code == 422, values
        assert answer.headers["content-type"] == "application/problem+json"
        assert [fault["field"] for fault in answer.json()["errors"]] == [field]
    for body, field in (({}, "graph"), ({"graph": 1}, "graph"), ({"graph": "pay", "as": "fay"}, "as")):
        answer = zoe.post("/api/runs", json=body)
        assert (answer.status_code, answer.json()["errors"][0]["field"]) == (422, field)
    assert place.engine.services.runs.list() == []


def test_only_graphs_of_the_project_are_started(zoe: TestClient, place: Site) -> None:
    """A name is looked for among those there are, and never made a path; one with faults says no more than that."""
    for name in ("none", "../graphs/pay", "/etc/passwd", "pay.yaml"):
        answer = zoe.post("/api/runs", json={"graph": name, "input": {"amount": 10}})
        assert answer.status_code == 404, name
    place.house.write("graphs/broken.yaml", "graph: broken\nsecret: 1\n")
    answer = zoe.post("/api/runs", json={"graph": "broken", "input": {}})
    assert (answer.status_code, "secret" in answer.text) == (409, False)
    graphs = {each["graph"]: each for each in zoe.get("/api/graphs").json()["graphs"]}
    assert graphs["broken"]["fault"]
    assert graphs["pay"]["input"]["required"] == ["amount"]
    assert zoe.get("/api/graphs/pay").json() == graphs["pay"]


def test_runs_are_listed_a_page_at_a_time(zoe: TestClient, place: Site) -> None:
    """Newest first, filtered, and each once."""
    made = []
    for _ in range(5):
        made.append(
            place.engine.start(
                place.engine.project.workflow(place.house.root / "graphs/pay.yaml"), {"amount": 10}, "anna"
            ).id
        )
        place.clock.advance(timedelta(seconds=1))
    seen: list[str] = []
    after: dict[str, str] = {}
    while True:
        page = zoe.get("/api/runs", params={"limit": "2"} | after).json()
        seen += [run["id"] for run in page["runs"]]
        if page["next"] is None:
            break
        after = {"after": page["next"]}
    assert seen == made[::-1]
    assert zoe.get("/api/runs", params={"status": "done"}).json()["runs"] == []
    assert len(zoe.get("/api/runs", params={"requester": "anna", "text": made[0]}).json()["runs"]) == 1
    assert zoe.get("/api/runs", params={"after": "run-none"}).status_code == 400
    assert zoe.get("/api/runs", params={"status": "lost"}).json()["errors"][0]["field"] == "status"


def test_cancel_resume_and_fork(zoe: TestClient, place: Site) -> None:
    """A cancelled run goes on no more; a fork of it begins where it was."""
    run = started(zoe)
    place.settled()
    assert zoe.post(f"/api/runs/{run}/resume").status_code == 202
    place.settled()
    cancelled = zoe.post(f"/api/runs/{run}/cancel")
    assert (cancelled.status_code, cancelled.json()["status"], cancelled.json()["effects"]) == (200, "cancelled", [])
    assert zoe.post(f"/api/runs/{run}/cancel").status_code == 409
    assert zoe.post(f"/api/runs/{run}/resume").status_code == 409
    made = zoe.post(f"/api/runs/{run}/fork", json={"at": "0", "set": {"amount": 20}})
    assert made.status_code == 201
    place.settled()
    shown = zoe.get(made.headers["location"]).json()
    assert shown["forked_from"] == {"run": run, "at": "0", "by": EVERYBODY}
    assert shown["approvals"][0]["arguments"]["amount"] == 20
    wrong = zoe.post(f"/api/runs/{run}/fork", json={"at": "0", "set": {"amount": "x"}})
    assert wrong.status_code == 422
    assert zoe.post(f"/api/runs/{run}/retry").status_code == 409  # it did not fail


def test_events_reach_the_run_that_waits(zoe: TestClient, place: Site) -> None:
    """One that fits is taken and the run goes on; one that does not is refused, and the run waits on."""
    place.house.write("graphs/waits.yaml", WAITS)
    run = started(zoe, "waits")
    place.settled()
    assert zoe.post(f"/api/runs/{run}/send", json={"event": "lost"}).status_code == 409
    assert zoe.post(f"/api/runs/{run}/send", json={"event": "paid", "data": {"by": 7}}).status_code == 422
    sent = zoe.post(f"/api/runs/{run}/send", json={"event": "paid", "data": {"by": "anna"}})
    assert sent.json() == {"run": run, "event": "paid", "taken": {"step": "paid", "run": run}, "kept": False}
    place.settled()
    assert zoe.get(f"/api/runs/{run}").json()["output"] == {"payment": {"by": "anna"}}
