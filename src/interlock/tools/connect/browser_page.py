"""What is on a page, as the browser itself sees it: labelled elements, and what its form will send.

Roles, names and values come from the browser's accessibility tree, and forms from its document tree, both asked
past the page: nothing that a page's own script says or changes about itself is run or believed.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

from interlock.digest import Json, fingerprint

if TYPE_CHECKING:
    from playwright.sync_api import CDPSession, Page

FIELDS = ("textbox", "searchbox", "spinbutton", "Date", "DateTime", "InputTime", "ColorWell")
CHOICES = ("combobox", "listbox", "MenuListPopup", "PopUpButton")
TICKS = ("checkbox", "radio", "switch")
PRESSED = ("button", "link", "tab", "menuitem")
_SHOWN = {
    "Date": "date",
    "DateTime": "date",
    "InputTime": "time",
    "PopUpButton": "combobox",
    "MenuListPopup": "combobox",
}

MOST_ELEMENTS = 300
MOST_TEXT = 10_000


@dataclass(frozen=True)
class Labelled:
    """One element that can be named: what it is, what it is called, and what it holds."""

    role: str
    name: str
    value: str | None
    options: tuple[str, ...] = ()


@dataclass(frozen=True)
class Seen:
    """A page at one moment."""

    elements: tuple[Labelled, ...]
    text: str
    form: str
    """Digest of all that a person sees of the page and all that its forms would send beside the visible fields."""


def see(page: Page, volatile: Sequence[str]) -> Seen:
    """Look at a page.

    Args:
        volatile: names of hidden fields whose values differ each time, such as a token against forgery.
    """
    session = page.context.new_cdp_session(page)
    try:
        nodes = session.send("Accessibility.getFullAXTree")["nodes"]
        forms = list(_forms(session, frozenset(volatile)))
    finally:
        session.detach()
    by_id = {node["nodeId"]: node for node in nodes}
    nodes = list(_in_order(nodes, by_id))
    elements = tuple(_elements(nodes, by_id))
    texts = [_word(node, "name").strip() for node in nodes if _word(node, "role") == "StaticText"]
    texts = [text for text in texts if text]
    shown: list[Json] = [[one.role, one.name, list(one.options)] for one in elements]
    form = fingerprint({"texts": texts, "elements": shown, "forms": forms, "url": _place(page.url)})
    return Seen(elements[:MOST_ELEMENTS], " ".join(texts)[:MOST_TEXT], form)


def _in_order(
    nodes: Sequence[Mapping[str, Any]], by_id: Mapping[str, Mapping[str, Any]]
) -> Iterator[Mapping[str, Any]]:
    """The nodes as a reader comes by them."""
    waiting = [node for node in reversed(nodes) if node.get("parentId") not in by_id]
    while waiting:
        here = waiting.pop()
        yield here
        waiting += [by_id[child] for child in reversed(here.get("childIds", [])) if child in by_id]


def _place(url: str) -> str:
    return url.partition("#")[0]


def _word(node: Mapping[str, Any], key: str) -> str:
    return str(node.get(key, {}).get("value", ""))


def _elements(nodes: Sequence[Mapping[str, Any]], by_id: Mapping[str, Mapping[str, Any]]) -> Iterator[Labelled]:
    for node in nodes:
        role, name = _word(node, "role"), _word(node, "name")
        if node.get("ignored") or not name or role not in (*FIELDS, *CHOICES, *TICKS, *PRESSED):
            continue
        held = {item["name"]: item["value"].get("value") for item in node.get("properties", [])}
        value: str | None = None
        options: tuple[str, ...] = ()
        if role in TICKS:
            value = "checked" if held.get("checked") in (True, "true") else "unchecked"
        elif role not in PRESSED:
            value = _word(node, "value")
        if role in CHOICES:
            options = tuple(_options(node, by_id))
        yield Labelled(_SHOWN.get(role, role), name, value, options)


def _options(node: Mapping[str, Any], by_id: Mapping[str, Mapping[str, Any]]) -> Iterator[str]:
    for child in node.get("childIds", []):
        inner = by_id.get(child)
        if inner is None:
            continue
        if _word(inner, "role") in ("option", "MenuListOption"):
            yield _word(inner, "name")
        else:
            yield from _options(inner, by_id)


def _forms(session: CDPSession, volatile: frozenset[str]) -> Iterator[Json]:
    """Where each form goes, and its fields that nobody sees."""
    root = session.send("DOM.getDocument", {"depth": -1, "pierce": True})["root"]
    for node in _walk(root):
        held = _attributes(node)
        if node["nodeName"] == "FORM":
            yield {"action": held.get("action", ""), "method": held.get("method", "get").lower()}
        elif node["nodeName"] == "INPUT" and held.get("type", "").lower() == "hidden":
            name = held.get("name", "")
            yield {"hidden": name, "value": None if name in volatile else held.get("value", "")}
        elif "formaction" in held:
            yield {"formaction": held["formaction"], "method": held.get("formmethod", "")}


def _walk(node: Mapping[str, Any]) -> Iterator[Mapping[str, Any]]:
    waiting = [node]
    while waiting:
        here = waiting.pop()
        yield here
        parts = [*here.get("children", []), *here.get("shadowRoots", [])]
        if "contentDocument" in here:
            parts.append(here["contentDocument"])
        waiting += reversed(parts)


def _attributes(node: Mapping[str, Any]) -> dict[str, str]:
    flat = node.get("attributes", [])
    return dict(zip(flat[::2], flat[1::2], strict=False))
