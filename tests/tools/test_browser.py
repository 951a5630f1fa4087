"""Web pages as actions in a real browser: named by labels, kept at home, submitted once and only as they were seen."""

from __future__ import annotations

import re
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import pytest

from interlock.errors import EffectFailed
from interlock.tools.action import Action, ActionContext
from interlock.tools.connect.browser import Browser, Move, program
from interlock.tools.connect.http import AnswerUnknown
from interlock.tools.connect.pictures import picture
from interlock.tools.connect.place import place_of
from interlock.tools.drawer import inspect_actions
from tests.servers import serving
from tests.tools.portal import Portal, serving_portal

pytestmark = pytest.mark.skipif(program(None) is None, reason="no Chromium is installed; install the package chromium")

Make = Callable[..., ActionContext]


@pytest.fixture
def portal() -> Iterator[Portal]:
    with serving_portal() as running:
        yield running


def browser(portal: Portal) -> Browser:
    return Browser("portal", (place_of(portal.url, private=True),), seconds=60, volatile=("csrf",))


def declared(portal: Portal, root: Path, **changes: str) -> tuple[dict[str, Action], list[Any]]:
    """The actions of a toolset for the portal, and what is wrong with it."""
    fields = {
        "browser": "portal",
        "origins": f"['{portal.url}']",
        "private": "true",
        "pages": f"{{order: '{portal.url}/order'}}",
        "hidden_that_vary": "[csrf]",
    } | changes
    (root / "tools").mkdir(exist_ok=True)
    (root / "tools" / "portal.yaml").write_text("".join(f"{key}: {value}\n" for key, value in fields.items()))
    return inspect_actions(root / "tools")


def run(action: Action, context: ActionContext, **arguments: Any) -> Any:
    """Perform an action as the monitor would, without its ledger."""
    return action.run(action.validate(arguments), context).model_dump()


def test_a_form_is_filled_and_sent_by_its_labels(portal: Portal, tmp_path: Path, context: Make) -> None:
    """Each action answers what is on the page and what was done; the form is sent once, with what people saw."""
    actions, findings = declared(portal, tmp_path)
    assert findings == []
    assert {(a.name, a.effect, a.risk) for a in actions.values()} == {
        ("portal.open", "read", "low"), ("portal.fill", "read", "low"), ("portal.select", "read", "low"),
        ("portal.click", "read", "low"), ("portal.submit", "blind", "high"),
    }  # fmt: skip
    seen = run(actions["portal.open"], context(), page="order")
    assert [(one["role"], one["name"]) for one in seen["elements"]][:6] == [
        ("textbox", "Article"), ("combobox", "Colour"), ("textbox", "Note"), ("checkbox", "As a gift"),
        ("textbox", "PIN"), ("button", "Send order"),
    ]  # fmt: skip
    did = [*seen["did"], {"do": "fill", "on": "Article", "value": "Paper"}]
    did.append({"do": "select", "on": "As a gift", "value": "checked"})
    seen = run(actions["portal.select"], context(), did=did, field="Colour", option="blue")
    assert seen["did"][-1] == {"do": "select", "on": "Colour", "value": "blue"}
    assert portal.orders == []
    shot = picture(context().home, seen["screenshot"])
    assert shot is not None
    assert shot.startswith(b"\x89PNG")
    given = {"did": seen["did"], "button": "Send order", "form": seen["form"], "screenshot": seen["screenshot"]}
    after = run(actions["portal.submit"], context(), **given)
    assert (after["status"], after["url"], after["title"]) == (303, f"{portal.url}/thanks", "Thanks")
    [order] = portal.orders
    assert order["article"] + order["colour"] + order["gift"] == ["Paper", "blue", "yes"]
    with pytest.raises(EffectFailed, match="picture that people were shown is not there"):
        run(actions["portal.submit"], context(), **(given | {"screenshot": "picture:sha256:" + "0" * 64}))
    assert len(portal.orders) == 1


ORDERED = [Move("fill", "Article", "Paper")]


def test_a_page_that_changed_is_not_sent(portal: Portal) -> None:
    """Another text, address, or hidden value than was looked at is refused, though every label is the same."""
    moves = [Move("open", f"{portal.url}/order"), *ORDERED]

    def looked(visit: Any) -> list[str]:
        found = []
        for name, value in (("price", "10 EUR each"), ("price", "900 EUR each"), ("action", "/else"), ("account", "A")):
            before = getattr(portal, name)
            setattr(portal, name, value)
            visit.play(moves)
            found.append(visit.shown().seen.form)
            setattr(portal, name, before)
        visit.play([*moves, Move("fill", "Note", "and a car")])
        return [*found, visit.shown().seen.form]

    forms = browser(portal)._with(looked)
    assert len(set(forms)) == 5
    portal.price = "900 EUR each"
    with pytest.raises(EffectFailed, match="is not the one that was looked at"):
        browser(portal).submit(moves, "Send order", forms[0])
    assert portal.orders == []


def test_what_a_page_does_not_offer_is_refused_by_name(portal: Portal) -> None:
    """No such label, two of one label, another option, a password, a selector or a script: nothing happens."""
    opened = Move("open", f"{portal.url}/order")
    cases = [
        (Move("fill", "Artikel", "x"), "has no field 'Artikel'; it has textbox 'Article'"),
        (Move("fill", "input[name=article]", "x"), "has no field"),
        (Move("fill", "css=input >> nth=0", "x"), "has no field"),
        (Move("click", "text=Send"), "has no element"),
        (Move("click", "javascript:alert(1)"), "has no element"),
        (Move("click", "Help"), "2 times the element 'Help'"),
        (Move("fill", "PIN", "1234"), "takes a password"),
        (Move("select", "Colour", "green"), "has no option 'green'; it has red, blue"),
        (Move("select", "As a gift", "yes"), "is `checked` or `unchecked`"),
        (Move("click", "Send order"), "would send something .POST .*, which only portal.submit may"),
        (Move("click", "Partner"), "the page leads to|nobody declared|cannot be reached"),
    ]

    def tried(visit: Any) -> list[str]:
        found = []
        for move, _ in cases:
            visit.stopped.clear()
            visit.away = ""
            visit.play([opened, Move("fill", "Article", "Paper")])
            try:
                visit.play([opened, Move("fill", "Article", "Paper"), move])
                found.append("nothing")
            except EffectFailed as error:
                found.append(error.message)
            if move.on in ("Send order", "Partner"):  # the stopped navigation leaves an error page behind
                visit.page.wait_for_url("chrome-error://**")
        return found

    for (_, wanted), told in zip(cases, browser(portal)._with(tried), strict=True):
        assert re.search(wanted, told), (wanted, told)
    assert portal.orders == []


def test_a_page_sends_nothing_on_the_side(portal: Portal) -> None:
    """Before a form is sent no script of the page gets a write out, and none reaches another place, then or ever."""
    with serving() as other:
        portal.script = (
            f"<script>fetch('/orders', {{method: 'POST', body: 'article=Side'}});"
            f"navigator.sendBeacon('/orders', 'article=Beacon'); fetch('{other.url}/steal');"
            f"new Image().src = '{other.url}/steal.png'; new WebSocket('{other.url.replace('http', 'ws')}/steal');"
            f"window.open('{other.url}/steal')</script><iframe src='{other.url}/frame'></iframe>"
        )
        shown = browser(portal).show([Move("open", f"{portal.url}/order"), Move("click", "Remember")])
        assert "Noted" in [one.name for one in shown.seen.elements]
        assert (portal.orders, other.asked) == ([], [])


def test_a_redirect_to_another_place_is_not_followed(portal: Portal) -> None:
    """The way out knows the declared places alone, whatever a server answers."""
    with serving() as other:
        portal.server.play = lambda asked: (302, {"location": f"{other.url}/steal"}, b"")
        with pytest.raises(EffectFailed, match=r"the page leads to .*, which nobody declared"):
            browser(portal).show([Move("open", f"{portal.url}/order")])
        assert other.asked == []


def test_an_answer_says_how_certain_it_is(portal: Portal) -> None:
    """A refusal is certain and so is a form that the browser holds back; a failure of the server is a doubt."""
    opened = Move("open", f"{portal.url}/order")

    def sent(visit: Any, *moves: Move) -> str:
        visit.sent = False
        visit.play([opened, *moves])
        try:
            visit.press("Send order")
        except (EffectFailed, AnswerUnknown) as error:
            visit.sending = False
            return f"{type(error).__name__}: {error}"
        return "sent"

    def work(visit: Any) -> list[str]:
        found = [sent(visit)]
        for status in (422, 500):
            portal.after = (status, {}, b"no")
            found.append(sent(visit, *ORDERED))
        return found

    incomplete, refused, doubt = browser(portal)._with(work)
    assert "EffectFailed: pressing 'Send order' sent nothing" in incomplete
    assert "EffectFailed: portal: the server answered 422; it did not happen" in refused
    assert "AnswerUnknown: portal: the server answered 500; whether it happened is not known" in doubt
    assert len(portal.orders) == 2


@pytest.mark.parametrize(
    ("changes", "says"),
    [
        ({"origins": "['http://portal.example.org']", "private": "false"}, "plain http is for private services only"),
        ({"origins": "['http://127.0.0.1:9/path']"}, "an origin has no path"),
        ({"pages": "{order: 'http://evil.example/order'}"}, "is at none of the origins"),
        ({"pages": "{order: 'http://127.0.0.1:1@evil.example/'}", "origins": "['http://127.0.0.1:1']"}, "none of the"),
    ],
)
def test_a_faulty_declaration_is_told(portal: Portal, tmp_path: Path, changes: dict[str, str], says: str) -> None:
    """Origins and pages are read strictly, without a browser."""
    _, [finding] = declared(portal, tmp_path, **changes)
    assert (finding.code, says in finding.message) == ("C006", True), finding


def test_what_was_done_begins_at_a_declared_page(portal: Portal, tmp_path: Path, context: Make) -> None:
    """An edit, or a model, cannot put another address among the things that were done."""
    actions, _ = declared(portal, tmp_path)
    for did in (
        [{"do": "open", "on": f"{portal.url}/terms", "value": ""}],
        [{"do": "fill", "on": "Article", "value": "x"}],
        [{"do": "open", "on": f"{portal.url}/order", "value": ""}] * 2,
    ):
        with pytest.raises(EffectFailed, match="begins with one of the declared pages"):
            run(actions["portal.fill"], context(), did=did, field="Article", value="x")
    for wrong in ({"do": "run", "on": "x", "value": ""}, {"do": "open", "on": "x"}):
        with pytest.raises(ValueError, match="validation error"):
            actions["portal.fill"].validate({"did": [wrong], "field": "x", "value": "x"})
