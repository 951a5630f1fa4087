"""What reviewers can do at the page besides deciding one request: look through the queue, batches, delegations."""

from __future__ import annotations

from datetime import timedelta

import pytest

from tests.web.site import FROM_HERE, Site, fill


def noted(site: Site, **values: int | str) -> str:
    """A note that asks somebody; its risk is low."""
    return site.asked("note", **values).asked.id


@pytest.fixture
def asking(site: Site) -> Site:
    """A site whose notes ask one person."""
    site.close()
    site.house.change(
        "policies/shop.yaml", "then: auto, because: a note changes little", "then: {approve: one}, because: a note"
    )
    return Site(site.house, tokens=site.tokens)


def test_the_queue_is_looked_through_by_its_address(site: Site) -> None:
    """Text, risk, graph and whose; words that mean nothing leave nothing out; a page behind nothing is refused."""
    pay, ship = site.asked(to="anna"), site.asked("edged", to="bert")
    browser = site.browser("fay")

    def listed(query: str) -> set[str]:
        text = browser.get(f"/queue/list?{query}").text
        return {run.asked.id for run in (pay, ship) if f"row-{run.asked.id}" in text}

    both = {pay.asked.id, ship.asked.id}
    assert listed("") == listed("risk=purple&who=nobody&order=random&state=odd") == listed("who=may") == both
    assert listed("q=BERT") == listed("graph=edged") == listed("risk=medium") == {ship.asked.id}
    assert listed("who=mine") == listed("state=rejected") == set()
    site.engine.services.approvals.claim(pay.asked.id, "fay")
    assert listed("who=mine") == {pay.asked.id}
    assert listed("who=free") == {ship.asked.id}
    assert "No request is like that" in browser.get("/queue/list?q=nothing").text
    assert browser.get("/?after=ap-none").status_code == 400


def test_after_a_decision_the_next_request_of_the_list_opens(site: Site) -> None:
    """In the order of the list, and the queue where none is left."""
    first = site.asked(to="anna")
    site.clock.advance(timedelta(seconds=1))
    second = site.asked(to="bert")
    browser = site.browser("fay")
    answer = fill(browser, first, "approve")
    assert answer.headers["location"].startswith(f"/approvals/{second.asked.id}?done=")
    site.settled()
    assert fill(browser, second, "approve").headers["location"].startswith("/?done=")


def test_only_requests_of_low_risk_that_are_alike_are_approved_together(asking: Site) -> None:
    """Each by itself; a high risk keeps all of them from it, and what changed since stays open."""
    site = asking
    browser, notes, pay = site.browser("fay"), [noted(site, amount=1), noted(site, amount=2)], site.asked()
    page = browser.get("/batch", params=dict.fromkeys(notes, "0"))
    assert (page.status_code, page.text.count('class="panel"')) == (200, 2)
    mixed = browser.post("/batch/decision", data=dict.fromkeys([*notes, pay.asked.id], "0"), headers=FROM_HERE)
    assert (mixed.status_code, "not of low risk" in mixed.text) == (409, True)
    assert site.house.effects == []
    partly = browser.post("/batch/decision", data={notes[0]: "0", notes[1]: "7"}, headers=FROM_HERE)
    assert (partly.status_code, "changed while you were reading" in partly.text) == (409, True)
    site.settled()
    assert site.house.effects == ["note 1 anna"]
    assert browser.post("/batch/decision", data={notes[1]: "0"}, headers=FROM_HERE).status_code == 303
    site.settled()
    assert site.house.effects == ["note 1 anna", "note 2 anna"]
    for query, status in (("", 400), ("ap-none=0", 404), (f"{notes[0]}=x", 428)):
        assert browser.get(f"/batch?{query}").status_code == status
    site.close()


def test_a_delegation_that_is_none_is_refused_with_its_reason(site: Site) -> None:
    """To oneself, to nobody known, without an end; what was typed stays in the form."""
    browser = site.browser("fay")
    for form, said in (
        ({"delegate": "fay", "until": "2026-01-09"}, "delegate to somebody else"),
        ({"delegate": "nobody", "until": "2026-01-09"}, "does not name nobody"),
        ({"delegate": "finn"}, "needs the day on which it ends"),
        ({"delegate": "finn", "until": "2025-01-01"}, "ends after it begins"),
    ):
        answer = browser.post("/delegations", data=form, headers=FROM_HERE)
        assert (answer.status_code, said in answer.text) == (409, True), said
    assert (
        browser.post("/delegations", data={"delegate": "finn", "until": "2026-01-09"}, headers=FROM_HERE).status_code
        == 303
    )
    (given,) = site.engine.services.approvals.delegations.all()
    assert (given.delegator, given.delegate) == ("fay", "finn")
    stranger = site.browser("anna").post(f"/delegations/{given.id}/revoke", headers=FROM_HERE)
    assert (stranger.status_code, "only they revoke it" in stranger.text) == (409, True)


def test_a_policy_that_is_tried_changes_nothing(site: Site) -> None:
    """What would be otherwise is told; one with faults is refused with their places, and none is read from disk."""
    site.asked()
    browser = site.browser("anna")
    text = (site.house.root / "policies/shop.yaml").read_text()
    looser = text.replace("then: {approve: one}, because: money leaves", "then: auto, because: money leaves")
    told = browser.post("/policies/simulate", data={"text": looser}, headers=FROM_HERE)
    assert (told.status_code, "1 fewer question to people" in told.text) == (200, True)
    wrong = browser.post(
        "/policies/simulate",
        data={"text": text + "  - {id: x, when: {nothing: 1}, then: auto, because: y}\n"},
        headers=FROM_HERE,
    )
    assert (wrong.status_code, "nothing" in wrong.text, "/tmp" in wrong.text) == (409, True, False)
    outside = browser.post(
        "/policies/simulate", data={"text": "policy: x\nsource: ../../etc/passwd\n"}, headers=FROM_HERE
    )
    assert (outside.status_code, "root:" in outside.text) == (409, False)
    assert browser.get("/policies/simulate?policy=none").status_code == 404
    assert (site.house.root / "policies/shop.yaml").read_text() == text
