"""The whole of a review in a real browser: from a run that waits to the audit that shows what was decided."""

from __future__ import annotations

import re
from collections.abc import Callable
from datetime import timedelta

import pytest
from playwright.sync_api import Locator, Page, expect

from tests.browser.served import Served

SignIn = Callable[..., Page]


def test_the_whole_journey(shop: Served, sign_in: SignIn, picture: Callable[[Page | Locator, str], None]) -> None:
    """A run waits, fay edits, which is judged anew, finn approves, the refund happens, and the audit shows it all."""
    asked = shop.refund("8812")
    shop.clock.advance(timedelta(minutes=1))
    shop.asked("message", to=["ada@example.org", "bo@example.org"], subject="Your parcel", body="It got lost.")
    fay = sign_in("fay")
    fay.get_by_role("link", name=re.compile("240.00 EUR to order 8812")).click()
    expect(fay.get_by_role("heading", level=1)).to_have_text("payments.refund: 240.00 EUR to order 8812")
    expect(fay.locator(".facts")).to_contain_text("high risk")
    expect(fay.locator(".facts")).to_contain_text("39 min left, then refused")
    expect(fay.locator("section.model")).to_contain_text("The carrier's last scan")
    expect(fay.locator(".past")).to_contain_text("look_up")
    expect(fay.locator("svg .node.waiting")).to_have_count(1)
    picture(fay, "review")
    fay.emulate_media(color_scheme="dark")
    picture(fay, "review-dark")
    fay.emulate_media(color_scheme="light")
    picture(fay.locator(".picture svg"), "review-graph")
    fay.get_by_label("amount").fill("120.00")
    expect(fay.locator("#diff-count")).to_have_text("1 change")
    expect(fay.locator("#diff-rows")).to_contain_text("120.00")
    expect(fay.locator("#approve")).to_be_disabled()
    fay.get_by_label("Comment").fill("half of it arrived")
    fay.get_by_role("button", name="Propose the edited action").click()
    expect(fay.locator(".note[role=status]")).to_contain_text("Edited, and judged anew")
    shop.settled()
    (edited,) = shop.engine.services.approvals.waiting(asked.run_id)
    assert (edited.request["arguments"]["amount"], edited.requirement["count"]) == ("120.00", 1)
    finn = sign_in("finn")
    finn.goto(f"/approvals/{edited.id}")
    expect(finn.locator(".past")).to_contain_text("edited by fay")
    expect(finn.locator(".past del")).to_have_text("240.00")
    expect(finn.locator("#arguments")).to_contain_text("written by a person: fay")
    finn.locator("#approve").click()
    expect(finn.locator(".note[role=status]")).to_contain_text("Approved")
    shop.settled()
    assert shop.happened == ["refund 8812 120.00 EUR"]
    assert shop.engine.services.runs.get(asked.run_id).status == "done"
    told = [(entry["actor"], entry["event"]) for entry in shop.engine.history(asked.run_id)]
    for entry in [("fay", "approval.superseded"), ("finn", "approval.vote"), ("finn", "approval.approved")]:
        assert entry in told
    assert shop.engine.audit_fault(None) is None


def test_by_the_keyboard_alone(shop: Served, sign_in: SignIn) -> None:
    """Keys go through the list, open a request, show help, and lead to a button; only Enter on it decides."""
    asked = shop.asked("message", to=["ada@example.org"], subject="Keys", body="Only keys.")
    page = sign_in("fay")
    page.goto("/?q=Keys")
    page.keyboard.press("?")
    expect(page.get_by_role("dialog")).to_be_visible()
    page.keyboard.press("Escape")
    page.keyboard.press("j")
    page.keyboard.press("Enter")
    page.wait_for_url("**/approvals/**")
    page.keyboard.press("e")
    assert page.evaluate("document.activeElement.name") == "change.to.0"
    page.keyboard.press("Escape")
    page.keyboard.press("c")
    expect(page.get_by_role("button", name="Release")).to_be_visible()
    page.keyboard.press("r")
    assert page.evaluate("document.activeElement.id") == "comment"
    page.keyboard.type("a r x")  # letters in a field are letters
    page.keyboard.press("Escape")
    page.keyboard.press("a")
    assert (shop.now(asked).state, page.evaluate("document.activeElement.id")) == ("waiting", "approve")
    page.keyboard.press("Enter")
    page.wait_for_url("**done=**")
    shop.settled()
    assert shop.now(asked).state == "consumed"
    assert shop.engine.services.approvals.votes(asked.id)[0].comment == "a r x"


def test_enter_in_a_field_decides_nothing(shop: Served, sign_in: SignIn) -> None:
    """It shows what would change; a rejection without its comment is not sent."""
    asked = shop.refund("7001")
    page = sign_in("fay")
    page.goto(f"/approvals/{asked.id}")
    page.locator("#change-order").fill("7002")
    page.locator("#change-order").press("Enter")
    expect(page.locator("#diff-rows")).to_contain_text("7002")
    page.get_by_role("button", name="Reject").click()
    expect(page.get_by_label("Comment")).to_be_focused()
    assert shop.now(asked).state == "waiting"
    page.locator("#change-order").fill("7001")


def test_faults_stand_at_their_fields(shop: Served, sign_in: SignIn, accessible: Callable[[Page], None]) -> None:
    """What the tool's types refuse is said where it was typed, and what was typed stays; then a list grows."""
    asked = shop.refund("7003")
    page = sign_in("fay", expect=[409])
    page.goto(f"/approvals/{asked.id}")
    page.locator("#change-amount").fill("much")
    page.locator("#change-parts-1-pieces").fill("0")
    page.get_by_role("button", name="Propose the edited action").click()
    expect(page.locator("#change-amount-fault")).to_contain_text("plain decimal number")
    expect(page.locator("#change-parts-1-pieces-fault")).to_contain_text("greater than or equal to 1")
    assert page.locator("#change-amount").input_value() == "much"
    accessible(page)
    page.locator("#change-amount").fill("100.00")
    page.locator("#change-parts-1-pieces").fill("3")
    page.get_by_role("button", name="Add to parts").click()
    page.locator("#change-parts-2-sku").fill("ZZ-001")
    page.locator("#change-parts-2-pieces").fill("1")
    page.get_by_label("leave out parts 1").check()
    page.get_by_role("button", name="Propose the edited action").click()
    page.wait_for_url("**done=**")
    shop.settled()
    (edited,) = shop.engine.services.approvals.waiting(asked.run_id)
    assert edited.request["arguments"]["amount"] == "100.00"
    assert edited.request["arguments"]["parts"] == [{"sku": "CB-017", "pieces": 3}, {"sku": "ZZ-001", "pieces": 1}]


def test_without_scripts(shop: Served, sign_in: SignIn) -> None:
    """Filter, claim, see what an edit changes, edit, reject with a comment: all of it works."""
    asked = shop.refund("7004")
    page = sign_in("fay", java_script_enabled=False, expect=[409])
    page.get_by_label("Search").fill("7004")
    page.get_by_role("button", name="Filter").click()
    assert page.locator(".queue li").count() == 1
    page.locator(".queue a").click()
    page.get_by_role("button", name="Claim").click()
    page.locator("#change-amount").fill("90.00")
    page.locator("#change-amount").press("Enter")
    expect(page.locator("#diff-rows ins")).to_have_text("90.00")
    page.get_by_role("button", name="Approve").click()
    expect(page.locator("#said")).to_contain_text("nothing was decided")
    page.get_by_role("button", name="Propose the edited action").click()
    shop.settled()
    (edited,) = shop.engine.services.approvals.waiting(asked.run_id)
    assert edited.request["arguments"]["amount"] == "90.00"
    other = sign_in("finn", java_script_enabled=False, expect=[409])
    other.goto(f"/approvals/{edited.id}")
    other.get_by_role("button", name="Reject").click()
    expect(other.locator("#said")).to_contain_text("reason")
    other.get_by_label("Comment").fill("not now")
    other.get_by_role("button", name="Reject").click()
    shop.settled()
    assert shop.now(edited).state == "rejected"


def test_two_browsers_race(shop: Served, sign_in: SignIn, accessible: Callable[[Page], None]) -> None:
    """Both read; one edits; the other is warned without the page changing, and is told before and after when late."""
    asked = shop.refund("7005")
    fay, finn = sign_in("fay"), sign_in("finn", expect=[409])
    for page in (fay, finn):
        page.goto(f"/approvals/{asked.id}")
    expect(finn.locator("#live")).to_have_text("live")
    fay.locator("#change-amount").fill("150.00")
    fay.get_by_role("button", name="Propose the edited action").click()
    fay.wait_for_url("**done=**")
    shop.settled()
    expect(finn.locator("#stale")).to_contain_text("changed while you were reading")
    assert finn.locator("#change-amount").input_value() == "240.00"
    finn.locator("#approve").click()
    expect(finn.get_by_role("heading", level=1)).to_have_text("This changed while you were reading")
    expect(finn.locator("table.diff del")).to_have_text("240.00")
    expect(finn.locator("table.diff ins")).to_have_text("150.00")
    accessible(finn)
    finn.get_by_role("link", name="Look at the edited action").click()
    expect(finn.locator("#change-amount")).to_have_value("150.00")
    assert "refund 7005" not in " ".join(shop.happened)


def test_the_list_is_live_and_keeps_what_is_selected(shop: Served, sign_in: SignIn) -> None:
    """A new request appears by itself; several of low risk are read together, then approved, each by itself."""
    one = shop.asked("tag", customer="c-17", mark="vip")
    page = sign_in("stella")
    page.goto("/?action=crm.tag")
    page.locator(f"#pick-{one.id}").check()
    two = shop.asked("tag", customer="c-18", mark="vip")
    expect(page.locator(f"#row-{two.id}")).to_be_visible()
    expect(page.locator(f"#pick-{one.id}")).to_be_checked()
    page.locator(f"#row-{two.id}").focus()
    page.keyboard.press("x")
    page.get_by_role("button", name="Approve selected").click()
    expect(page.locator(".unlike")).to_have_text(re.compile("c-1[78]"))
    page.get_by_role("button", name="Approve all 2").click()
    page.wait_for_url("**done=**")
    shop.settled()
    assert sorted(shop.happened)[-2:] == ["tag c-17 vip", "tag c-18 vip"]
    votes = [shop.engine.services.approvals.votes(each.id) for each in (one, two)]
    assert [[vote.person for vote in each] for each in votes] == [["stella"], ["stella"]]


def test_somebody_votes_for_another(shop: Served, sign_in: SignIn, accessible: Callable[[Page], None]) -> None:
    """Fred delegates on the page; stella, who has not the role, votes on his behalf, and the audit says for whom."""
    fred = sign_in("fred")
    fred.goto("/delegations")
    fred.get_by_label("Who votes").fill("stella")
    fred.get_by_label("Until the end of").fill("2026-01-06")
    fred.get_by_role("button", name="Delegate").click()
    expect(fred.locator("table")).to_contain_text("stella")
    accessible(fred)
    asked = shop.refund("7006")
    stella = sign_in("stella")
    stella.goto(f"/approvals/{asked.id}")
    stella.get_by_label("Whose vote").select_option("fred")
    stella.locator("#approve").click()
    expect(stella.locator(".note[role=status]")).to_contain_text("1 of 2 agree")
    (vote,) = shop.engine.services.approvals.votes(asked.id)
    assert (vote.person, vote.represents) == ("stella", "fred")
    fred.get_by_role("button", name="Revoke").click()
    expect(fred.get_by_text("Nobody votes for somebody else.")).to_be_visible()


def test_a_policy_is_tried_on_what_was_decided(
    shop: Served, sign_in: SignIn, accessible: Callable[[Page], None]
) -> None:
    """A looser rule shows what would have gone by itself; a broken one says where; nothing is changed."""
    shop.asked("tag", customer="c-19", mark="late")
    page = sign_in("anna", expect=[409])
    page.get_by_role("link", name="Policies").click()
    page.get_by_role("link", name="shop", exact=True).click()
    field = page.get_by_label("Policy", exact=True)
    text = field.input_value()
    accessible(page)
    asks = "{id: tag, when: {action: crm.tag}, then: {approve: {count: 1, within: 1d}}"
    assert asks in text
    field.fill(text.replace(asks, "{id: tag, when: {action: crm.tag}, then: auto"))
    page.get_by_role("button", name="See what would change").click()
    expect(page.locator("section[aria-labelledby=result-title]")).to_contain_text("fewer question")
    expect(page.locator("td strong").first).to_have_text("auto")
    accessible(page)
    page.get_by_label("Policy", exact=True).fill(text.replace("version: 1", "version: one"))
    page.get_by_role("button", name="See what would change").click()
    expect(page.get_by_role("alert")).to_contain_text("line 2")
    assert shop.engine.services.policies.policies[0].version == 1


@pytest.mark.parametrize("scheme", ["light", "dark"])
def test_on_a_telephone(shop: Served, sign_in: SignIn, scheme: str) -> None:
    """Nothing is wider than the window, targets are large enough, and a request is approved by touch."""
    asked = shop.asked("ask", number="8812")
    page = sign_in(
        "stella", viewport={"width": 360, "height": 740}, has_touch=True, is_mobile=True, color_scheme=scheme
    )
    for path in ("/", f"/approvals/{shop.refund('7008').id}", f"/approvals/{asked.id}"):
        page.goto(path)
        assert page.evaluate("document.documentElement.scrollWidth") <= 360, path
    small = page.evaluate(
        "[...document.querySelectorAll('button, select, input:not([type=hidden])')]"
        ".filter(e => e.offsetParent && !e.closest('.away') && !e.matches('.away'))"
        ".filter(e => e.getBoundingClientRect().height < 24).length"
    )
    assert small == 0
    page.locator("#answer-state").select_option("whole")
    page.get_by_role("button", name="Answer").tap()
    page.wait_for_url("**done=**")
    shop.settled()
    assert shop.now(asked).state in ("approved", "consumed")
