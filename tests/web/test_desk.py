"""The operator's desk: what it shows of runs, and that each thing done there is done by who may, once."""

from __future__ import annotations

import json
import re
from datetime import timedelta

import httpx
import pytest
from sqlalchemy import text

from interlock.store.schedules import Schedules
from interlock.store.tables import Schedule
from tests.attacks.house import Run
from tests.web.site import FROM_HERE, Site


def post(browser: httpx.Client, path: str, **form: str) -> httpx.Response:
    return browser.post(path, data=form, headers=FROM_HERE)


def shown(page: str) -> str:
    """The text of a page, as it is read."""
    return re.sub(r"\s+", " ", re.sub(r"<[^>]*>", " ", page.split("<main", 1)[-1]))


def troubled(site: Site, word: str, graph: str = "note", **values: object) -> Run:
    """A run whose action met trouble at the till."""
    site.house.trouble(word)
    run = site.asked(graph, **values)
    site.house.trouble("")
    return run


def test_the_list_is_filtered_counted_and_paged(site: Site, monkeypatch: pytest.MonkeyPatch) -> None:
    """Each status has its count, whichever is looked at; a filter that there is not is said to be none."""
    monkeypatch.setattr("interlock.web.desk.runs.AT_ONCE", 2)
    runs = []
    for amount in (10, 20, 30):
        runs.append(site.asked(amount=amount))
        site.clock.advance(timedelta(seconds=1))
    failed = troubled(site, "failed")
    browser = site.browser("otto")
    page = browser.get("/runs")
    assert "all 4 waiting 3 running 0 created 0 failed 1 done 0 cancelled 0" in shown(page.text)
    assert failed.id in page.text
    assert runs[2].id in page.text
    assert runs[0].id not in page.text
    (older,) = re.findall(r'href="(/runs\?after=[^"]+)" rel="next"', page.text)
    second = browser.get(older)
    assert runs[0].id in second.text
    assert failed.id not in second.text
    assert "shop.pay: 20 to anna" in second.text
    assert failed.id not in browser.get("/runs?status=waiting&graph=pay&by=anna&age=1h&waits=person").text
    assert failed.id in browser.get("/runs?graph=note%401").text
    assert "No run is like that." in browser.get("/runs?q=nothing+like+it").text
    for wrong in ("status=paid", "age=1y", "waits=godot", f"q={'x' * 201}"):
        assert browser.get(f"/runs?{wrong}").status_code == 400


def test_a_run_tells_what_it_did_and_whoever_only_reads_gets_no_buttons(site: Site) -> None:
    """Steps with what they wrote, the effect with its state and where its arguments came from, the audit."""
    run = site.asked("pay", amount=30)
    run.approve("fay")
    run.drive()
    operator, reviewer = site.browser("otto"), site.browser("fay")
    page = operator.get(f"/runs/{run.id}").text
    told = shown(page)
    for words in ("pay run-", "pay call done", "wrote receipt", "happened", "user : from the request: $.amount",
                  "pay 30 anna", "approved by fay", "run.created", "Over time"):  # fmt: skip
        assert words in told, words
    assert f'action="/runs/{run.id}/' not in reviewer.get(f"/runs/{run.id}").text
    assert "takes the role operator" in shown(reviewer.get(f"/runs/{run.id}").text)
    assert operator.get("/runs/run-none").status_code == 404


def test_what_a_run_holds_is_text_on_every_page(site: Site) -> None:
    """Values that look like page, or hide something, do neither."""
    run = site.asked("form", amount=1000, to='<script>alert(1)</script>"onload=x \u202e')
    browser = site.browser("otto")
    for path in ("", "/at/0", "/at/1", "/fork?at=1", "/cancel"):
        page = browser.get(f"/runs/{run.id}{path}")
        assert page.status_code == 200, path
        assert "<script>alert" not in page.text
        assert "\u202e" not in page.text or "fork" in path  # there it stands in a field, which sends it back as it is


def test_the_record_is_downloaded_whole(site: Site) -> None:
    """One JSON object, as a file; the audit entries only for who may read them."""
    run = site.asked()
    answer = site.browser("otto").get(f"/runs/{run.id}/download")
    told = json.loads(answer.text)
    assert answer.headers["content-disposition"] == f'attachment; filename="{run.id}.json"'
    assert told["id"] == run.id
    assert told["effects"][0]["state"] == "gated"
    assert told["graph_spec"]["graph"] == "pay"
    assert told["entries"][0]["event"] == "run.created"
    site.engine.services.users.give("anna", ["author"], by="owner")
    assert "entries" not in json.loads(site.browser("anna").get(f"/runs/{run.id}/download").text)


def test_cancelling_says_what_stays_and_is_done_by_who_asked(site: Site) -> None:
    """What was done stays done, what was asked is withdrawn; the second time there is nothing to cancel."""
    run = site.asked("chain")
    run.approve()
    run.drive()
    browser = site.browser("otto")
    told = shown(browser.get(f"/runs/{run.id}/cancel").text)
    assert "Cancelling undoes nothing" in told
    assert "the request shop.refund: 10 to anna , which is withdrawn" in told
    assert "Done: it stays done shop.pay happened" in told
    assert run.status == "waiting"
    assert post(browser, f"/runs/{run.id}/cancel").headers["location"] == f"/runs/{run.id}"
    assert run.status == "cancelled"
    assert site.engine.history(run.id)[-1]["actor"] == "otto"
    assert site.house.effects == ["pay 10 anna"]
    assert post(browser, f"/runs/{run.id}/cancel").status_code == 409
    assert post(browser, f"/runs/{run.id}/resume").status_code == 409
    assert browser.get(f"/runs/{run.id}/cancel").status_code == 409


def test_resuming_goes_on_beside_the_answer(site: Site) -> None:
    """A decision that was given elsewhere is taken up."""
    run = site.asked()
    run.approve()
    assert post(site.browser("otto"), f"/runs/{run.id}/resume").status_code == 303
    site.settled()
    assert run.status == "done"
    assert site.house.effects == ["pay 10 anna"]


def test_a_doubt_is_settled_on_the_run_by_who_may(site: Site) -> None:
    """Not by an author; one answer counts, on the revision that was read, and the run goes on."""
    run = troubled(site, "lost", to="bob")
    site.engine.services.users.give("anna", ["author"], by="owner")
    own = shown(site.browser("anna").get(f"/runs/{run.id}").text)
    assert "Did it happen? shop.note: 10 to bob" in own
    assert "it takes the role operator or reviewer" in own
    browser = site.browser("otto")
    page = browser.get("/doubts").text
    form = dict(re.findall(r'<input type="hidden" name="(\w+)" value="(\w+)">', page))
    path = f"/doubts/{run.asked.id}"
    assert post(browser, path, revision="7", happened="true").status_code == 409
    assert post(browser, path, revision=form["revision"]).status_code == 400
    assert post(site.browser("anna"), path, happened="true", revision=form["revision"]).status_code == 403
    assert run.status == "waiting"
    answer = post(browser, path, happened="true", revision=form["revision"], then="run", comment="the till says so")
    assert answer.headers["location"] == f"/runs/{run.id}"
    site.settled()
    assert (run.status, set(site.house.effects)) == ("done", {"note 10 bob"})
    assert "Nothing is in doubt." in browser.get("/doubts").text
    asked = site.asked()
    assert post(browser, f"/doubts/{asked.asked.id}", happened="true", revision="0").status_code == 409


def test_a_failed_run_is_tried_again_from_the_step_that_failed(site: Site) -> None:
    """A new run, which is told apart from the first; only of a run that failed."""
    run = troubled(site, "failed")
    browser = site.browser("otto")
    assert "A new run begins before note" in shown(browser.get(f"/runs/{run.id}").text)
    answer = post(browser, f"/runs/{run.id}/retry")
    site.settled()
    again = answer.headers["location"].removeprefix("/runs/")
    assert again != run.id
    assert (run.status, site.engine.services.runs.get(again).status) == ("failed", "done")
    assert site.house.effects == ["note 10 anna"]
    page = shown(browser.get(f"/runs/{again}").text)
    assert f"Forked from {run.id} at position 0" in page
    refused = post(browser, f"/runs/{again}/retry")
    assert refused.status_code == 409
    assert "only a run that failed is tried again" in refused.text


def test_a_fork_with_edits_shows_what_does_not_fit_next_to_the_field(site: Site) -> None:
    """All that is wrong at once, with what was typed; then it begins, and the edit is the word of who set it."""
    run = site.asked(amount=10)
    browser = site.browser("otto")
    form = browser.get(f"/runs/{run.id}/fork?at=0").text
    assert '<textarea id="set-amount" name="set.amount"' in form
    wrong = post(browser, f"/runs/{run.id}/fork", **{"at": "0", "set.amount": "ten", "set.to": "anna"})
    assert wrong.status_code == 422
    assert 'aria-invalid="true"' in wrong.text
    assert "ten</textarea>" in wrong.text
    assert "this is no JSON" in wrong.text
    misfit = post(browser, f"/runs/{run.id}/fork", **{"at": "0", "set.amount": '"ten"'})
    assert (misfit.status_code, "it does not fit" in misfit.text) == (422, True)
    assert post(browser, f"/runs/{run.id}/fork", **{"at": "0", "set.receipt": "1"}).status_code == 400
    assert post(browser, f"/runs/{run.id}/fork", at="9").status_code == 404
    assert len(site.engine.services.runs.list()) == 1
    begun = post(browser, f"/runs/{run.id}/fork", **{"at": "0", "set.amount": "25", "set.to": "anna"})
    assert begun.status_code == 303
    site.settled()
    made = Run(site.house, site.engine, begun.headers["location"].removeprefix("/runs/"))
    assert made.asked.request["title"] == "shop.pay: 25 to anna"
    assert made.asked.excluded == ["anna", "otto"]


def test_a_position_shows_what_had_changed_and_where_values_came_from(site: Site) -> None:
    """With ways to the positions beside it; there is none that the run never was at."""
    run = site.asked("note", amount=30)
    browser = site.browser("otto")
    told = shown(browser.get(f"/runs/{run.id}/at/1").text)
    assert "Position 1: left note: done" in told
    assert "What changed since 0 receipt" not in told  # the graph keeps no receipt
    assert "amount 30 user : from the request: $.amount" in told
    assert browser.get(f"/runs/{run.id}/at/4").status_code == 404


def test_graphs_show_the_versions_in_use_and_what_an_upgrade_would_do(site: Site) -> None:
    """A run that waits under the old version, tried on a copy under the file's; nothing is changed."""
    run = site.asked()
    file = site.house.root / "graphs" / "pay.yaml"
    file.write_text(file.read_text().replace("version: 1", "version: 2").replace("attempts: 3", "attempts: 2"))
    browser = site.browser("otto")
    before = site.engine.audit_head()
    assert "version 1 not the file's : 1 waiting" in shown(browser.get("/graphs").text)
    page = browser.get("/graphs/pay").text
    assert "<svg" in page
    (plan,) = re.findall(r'href="(/graphs/pay/upgrade[^"]+)"', page)
    told = shown(browser.get(plan.replace("&amp;", "&")).text)
    assert "from version 1 to version 2" in told
    assert "step pay: retry changed" in told
    assert run.id in told
    assert "can go on; an approval is asked again" in told
    assert site.engine.audit_head() == before
    assert browser.get("/graphs/pay/upgrade?from=x&to=y").status_code == 404
    assert browser.get("/graphs/none").status_code == 404
    file.write_text("graph: pay\n")
    assert "faults; see: interlock check graphs/pay.yaml" in shown(browser.get("/graphs").text)


def test_health_tells_what_waits_and_whether_the_record_is_whole(site: Site) -> None:
    """By who is needed; a change in the record is found among the newest entries, and in a look through all."""
    site.asked(amount=5000)
    troubled(site, "lost")
    services = site.engine.services
    Schedules(services.database, services.audit, site.clock, services.runs).add(
        Schedule(
            name="nightly", graph="pay", cron="0 3 * * *", timezone="UTC", input={}, missed="skip", overlap="skip",
            requester="anna", paused_by="otto", next_at=site.clock() + timedelta(hours=2),
        )
    )  # fmt: skip
    site.clock.advance(timedelta(minutes=5))
    browser = site.browser("otto")
    told = shown(browser.get("/health").text)
    assert "nightly pay paused by otto" in told
    assert "1 action in doubt" in told
    assert "finance actions 1 5 min ago in 55 min" in told
    assert "whole The newest" in told
    assert "Nobody has looked through all of it" in told
    assert post(browser, "/health/audit").status_code == 303
    with site.engine.services.database.engine.begin() as connection:
        for trigger in ("audit_no_update", "audit_no_replace"):
            connection.execute(text(f"DROP TRIGGER {trigger}"))
        connection.execute(text("UPDATE audit SET actor = 'nobody' WHERE seq = 2"))
    told = shown(browser.get("/health").text)
    assert "The audit is not whole" in told
    assert "broken Entry 2: its content was changed" in told


def test_the_whole_record_is_looked_through_once_at_a_time(site: Site) -> None:
    """From where the last look ended; what is asked for meanwhile is not begun twice."""
    from interlock.web.desk.verifying import Verifying

    verifying = Verifying(site.engine.services)
    thread = verifying.begin("otto")
    assert thread is not None
    thread.join(60)
    assert (verifying.fault, verifying.whole, verifying.by) == (None, site.engine.audit_head(), "otto")
    site.asked()
    verifying.busy = True
    assert verifying.begin("fay") is None
    verifying.busy = False
    second = verifying.begin("fay")
    assert second is not None
    second.join(60)
    assert verifying.whole == site.engine.audit_head()
