"""Deciding on the page and through the API: on what was read, in one's own name, and then the run goes on."""

from __future__ import annotations

import json
from typing import Any

import pytest

from interlock.web.decisions import NAMES_SOMEBODY
from tests.web.site import FROM_HERE, Site, fill, say


def test_two_people_approve_and_the_run_goes_on(site: Site) -> None:
    """One through the API, one on the page; the payment happens once, beside the answer."""
    run = site.asked(amount=2000)
    told = say(site.program("fay"), run, comment="seen")
    assert (told.status_code, told.json()["approval"]["state"]) == (200, "waiting")
    assert fill(site.browser("finn"), run, "approve", comment="seen too").status_code == 303
    site.settled()
    assert (site.house.effects, run.status) == (["pay 2000 anna"], "done")
    votes = site.engine.services.approvals.votes(site.engine.services.approvals.of_run(run.id)[0].id)
    assert [(vote.person, vote.comment) for vote in votes] == [("fay", "seen"), ("finn", "seen too")]
    assert run.whole()


def test_the_page_shows_what_would_happen_and_why(site: Site) -> None:
    """Effect, risk, clock, arguments with their labels, the rule, and who may decide."""
    run = site.asked(amount=2000)
    browser = site.browser("fay")
    assert run.asked.id in browser.get("/").text
    page = browser.get(f"/approvals/{run.asked.id}").text
    for told in ("2000 to anna", "high risk", "1 h 0 min left", "<b>user</b>", "shop/large", "two people over 1000",
                 "fay, finn", "then refused"):  # fmt: skip
        assert told in page, told


def test_a_rejection_needs_its_reason_and_stops_the_run(site: Site) -> None:
    """Without one the question stays open; with one nothing is paid."""
    run, browser = site.asked(), site.browser("fay")
    assert fill(browser, run, "reject", comment=" ").status_code == 409
    assert run.asked.state == "waiting"
    assert fill(browser, run, "reject", comment="wrong payee").status_code == 303
    site.settled()
    assert (site.house.effects, run.outcome) == ([], "not_paid")


def test_an_edit_on_the_page_is_a_new_proposal(site: Site) -> None:
    """Only what was changed is changed; whoever edited cannot approve it then."""
    run, browser = site.asked(), site.browser("fay")
    before = run.asked.id
    assert fill(browser, run, "edit", **{"change.amount": "2000", "change.to": "anna"}).status_code == 303
    site.settled()
    after = run.asked
    assert (after.id != before, after.request["arguments"]) == (True, {"amount": 2000, "to": "anna"})
    own = say(site.program("fay"), run)
    assert (own.status_code, "separation of duties" in own.json()["detail"]) == (409, True)


def test_an_edit_that_changes_nothing_or_does_not_fit_is_refused(site: Site) -> None:
    """The question stays open, and the page says why."""
    run, browser = site.asked(), site.browser("fay")
    same = fill(browser, run, "edit", **{"change.amount": "10", "change.to": "anna"})
    assert (same.status_code, "changes nothing" in same.text) == (409, True)
    wrong = fill(browser, run, "edit", **{"change.amount": "much", "change.to": "anna"})
    assert (wrong.status_code, "is still open" in wrong.text) == (409, True)
    assert (run.asked.state, site.house.effects) == ("waiting", [])


def test_a_form_is_answered_on_the_page(site: Site) -> None:
    """An approve step without fields; then the note is made."""
    run = site.asked("form", amount=500)
    assert fill(site.browser("fay"), run, "approve").status_code == 303
    site.settled()
    assert site.house.effects == ["note 500 anna"]


def test_a_doubt_is_settled_on_the_page(site: Site) -> None:
    """Nobody can know from here whether it happened: a person says so, and only that is offered."""
    site.house.trouble("lost")
    run = site.asked("edged")
    assert say(site.program("fay"), run).status_code == 200
    site.settled()
    assert run.asked.kind == "doubt"
    assert say(site.program("fay"), run, "approve").status_code == 409
    assert fill(site.browser("finn"), run, "respond", happened="true").status_code == 303
    site.settled()
    assert (run.status, site.house.effects) == ("done", ["ship 10 anna"])


def test_a_page_read_before_a_change_decides_nothing(site: Site) -> None:
    """A stale revision answers 409 and changes nothing, on the page and through the API."""
    run = site.asked()
    asked, browser = run.asked, site.browser("finn")
    page = browser.get(f"/approvals/{asked.id}")
    assert say(site.program("fay"), run, "edit", changes={"amount": 20}).status_code == 200
    stale = browser.post(
        f"/approvals/{asked.id}/decision", data={"decision": "approve", "revision": "0"}, headers=FROM_HERE
    )
    assert (page.status_code, stale.status_code) == (200, 409)
    assert "changed while you were reading" in stale.text
    program = site.program("finn").post(
        f"/api/approvals/{asked.id}/decision", json={"decision": "approve", "revision": asked.revision}
    )
    assert program.status_code == 409
    assert program.headers["content-type"] == "application/problem+json"
    assert set(program.json()) == {"type", "title", "status", "detail"}
    site.settled()
    assert site.house.effects == []
    assert run.asked.request["arguments"]["amount"] == 20


@pytest.mark.parametrize("revision", [None, "0", 0.0, True, [0], -1, 7])
def test_a_decision_without_the_revision_that_stands_is_none(shared: Site, revision: Any) -> None:
    """Required, a whole number, and the one that was read."""
    run = shared.only
    answer = say(shared.program("fay"), run, revision=revision)
    assert answer.status_code == (409 if revision in (-1, 7) and not isinstance(revision, bool) else 428)
    missing = shared.program("fay").post(f"/api/approvals/{run.asked.id}/decision", json={"decision": "approve"})
    assert missing.status_code == 428
    form = shared.browser("fay").post(
        f"/approvals/{run.asked.id}/decision", data={"decision": "approve"}, headers=FROM_HERE
    )
    assert form.status_code == 428
    assert run.asked.state == "waiting"


@pytest.mark.parametrize("field", sorted(NAMES_SOMEBODY))
def test_who_decides_is_never_read_from_the_body(shared: Site, field: str) -> None:
    """Anna asked, and says in the body that fay decides: refused, in JSON and in a form, by token and by cookie."""
    run = shared.only
    answer = say(shared.program("anna"), run, **{field: "fay"})
    assert (answer.status_code, field in answer.json()["detail"]) == (400, True)
    form = shared.browser("anna").post(
        f"/approvals/{run.asked.id}/decision",
        data={"decision": "approve", "revision": "0", field: "fay"},
        headers=FROM_HERE,
    )
    assert form.status_code == 400
    elsewhere = shared.program("anna").post(
        f"/api/approvals/{run.asked.id}/decision?{field}=fay",
        json={"decision": "approve", "revision": 0},
        headers={"x-remote-user": "fay", "cookie": f"interlock={shared.browser('fay').cookies['interlock']}"},
    )
    assert (elsewhere.status_code, "separation of duties" in elsewhere.json()["detail"]) == (409, True)
    assert shared.engine.services.approvals.votes(run.asked.id) == []


BODIES = [
    b"", b"null", b"[]", b"1", b"{", b'{"decision": "approve", "revision": 0,}',
    b'{"decision": "reject", "decision": "approve", "revision": 0, "comment": "no"}',
    b'{"decision": "approve", "revision": NaN}', b'{"decision": "approve", "revision": 0, "changes": {}}',
    b'{"decision": "APPROVE", "revision": 0}', b'{"decision": true, "revision": 0}',
    b'{"decision": ["approve"], "revision": 0}', b'{"decision": "yes", "revision": 0}',
    b'{"decision": "approve", "revision": 0, "comment": {}}', b'{"decision": "edit", "revision": 0}',
    b'{"decision": "edit", "revision": 0, "changes": [1]}', b'{"decision": "edit", "revision": 0, "changes": {}}',
    b'{"decision": "respond", "revision": 0}', b'{"decision": "respond", "revision": 0, "happened": "yes"}',
    b'\xff\xfe{"decision": "approve", "revision": 0}', b"[" * 100_000, b'{"revision": ' + b"9" * 5000 + b"}",
]  # fmt: skip


@pytest.mark.parametrize("body", BODIES, ids=lambda body: repr(body[:40]))
def test_a_body_without_one_plain_meaning_decides_nothing(shared: Site, body: bytes) -> None:
    """Broken, doubled, of the wrong type or half: a 4xx with a sentence, and the question stays open."""
    run = shared.only
    answer = shared.program("fay").post(
        f"/api/approvals/{run.asked.id}/decision", content=body, headers={"content-type": "application/json"}
    )
    assert answer.status_code in (400, 409, 413, 428)
    assert json.loads(answer.text)["detail"]
    assert (run.asked.state, run.asked.revision, shared.house.effects) == ("waiting", 0, [])


@pytest.mark.parametrize("kind", ["text/plain", "application/x-www-form-urlencoded", "multipart/form-data", "", "a/b"])
def test_json_under_another_type_is_refused(shared: Site, kind: str) -> None:
    """A form of another site can send JSON as text; it is not read as such."""
    run = shared.only
    body = json.dumps({"decision": "approve", "revision": 0})
    answer = shared.program("fay").post(
        f"/api/approvals/{run.asked.id}/decision", content=body, headers={"content-type": kind}
    )
    assert (answer.status_code, run.asked.state) == (415, "waiting")


@pytest.mark.parametrize("approval", ["ap-0000000000", "..", "%2e%2e", "' OR 1=1 --", "<script>"])
def test_a_request_that_is_not_there_is_404(shared: Site, approval: str) -> None:
    """Known or not, an id is only looked up."""
    client = shared.program("fay")
    assert client.get(f"/api/approvals/{approval}").status_code == 404
    body = {"decision": "approve", "revision": 0}
    assert client.post(f"/api/approvals/{approval}/decision", json=body).status_code in (404, 405)


def test_a_person_without_the_role_is_refused_with_the_reason(site: Site) -> None:
    """Roles come from the project, not from having a token."""
    site.tokens["bob"] = site.issue("bob")
    run = site.asked(amount=2000)
    answer = say(site.program("bob"), run)
    assert (answer.status_code, "does not hold the role finance" in answer.json()["detail"]) == (409, True)


def test_the_head_of_the_record_is_told(site: Site) -> None:
    """The same head as at the command line."""
    head = site.engine.audit_head()
    assert site.program("fay").get("/api/audit/head").json() == {"entries": head.entries, "mac": head.mac}


def test_every_dialect_is_taken_and_shown(site: Site) -> None:
    """What LangChain, Agent Inbox and AG-UI clients send, with the revision in the address."""
    bodies: list[Any] = [
        {"decisions": [{"type": "approve"}]},
        [{"type": "accept", "args": None}],
        {"type": "reject", "message": "wrong payee"},
    ]
    client = site.program("fay")
    for body in bodies:
        run = site.asked()
        where = f"/api/approvals/{run.asked.id}"
        assert client.get(where, params={"dialect": "agent-inbox"}).json()["action_request"]["action"] == "shop.pay"
        assert client.post(f"{where}/decision", json=body).status_code == 428
        assert client.post(f"{where}/decision?revision=1", json=body).status_code == 409
        assert client.post(f"{where}/decision?revision=0", json=body).status_code == 200
    assert client.get(where, params={"dialect": "telepathy"}).status_code == 400
    site.settled()
    assert site.house.effects == ["pay 10 anna"] * 2


def test_what_goes_wrong_beside_the_answer_is_logged(
    site: Site, caplog: pytest.LogCaptureFixture, monkeypatch: pytest.MonkeyPatch
) -> None:
    """The decision stands, and the log says how to go on."""
    run = site.asked()

    def broken(*_: Any, **__: Any) -> None:
        raise RuntimeError("the disk is on fire")

    monkeypatch.setattr(site.engine, "drive", broken)
    assert say(site.program("fay"), run).status_code == 200
    site.settled()
    assert f"interlock runs resume {run.id}" in caplog.text
    (row,) = site.engine.services.approvals.of_run(run.id)
    assert row.state == "approved"
