"""The frame of every page: its templates, and the navigation with what this server has."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass
from typing import Any

from jinja2 import Environment, PackageLoader, StrictUndefined

from interlock.web.legible import picture_at, visible
from interlock.web.rights import Needs, Visitor
from interlock.web.static import address


@dataclass(frozen=True)
class Entry:
    """A page that the navigation leads to."""

    path: str
    label: str


NAVIGATION = (
    Entry("/", "Queue"),
    Entry("/runs", "Runs"),
    Entry("/graphs", "Graphs"),
    Entry("/policies/simulate", "Policies"),
    Entry("/health", "Health"),
    Entry("/people", "People"),
)
"""In the order in which they stand; those without a route, or not for the reader, are left out."""


class Templates:
    """Makes pages of templates; every value is escaped, whoever wrote it."""

    def __init__(self, waiting: Callable[[], str] = str) -> None:
        """`waiting` tells how many requests wait, for the navigation."""
        self._waiting = waiting
        self.environment = Environment(
            loader=PackageLoader("interlock.web"), autoescape=True, undefined=StrictUndefined, trim_blocks=True,
            lstrip_blocks=True,
        )  # fmt: skip
        self.environment.filters["visible"] = visible
        self.environment.filters["picture"] = picture_at
        self.environment.filters["minute"] = lambda moment: moment.strftime("%Y-%m-%d %H:%M")
        self.environment.filters["clock"] = lambda moment: moment.strftime("%H:%M")
        self.environment.globals["asset"] = address
        self._entries: list[tuple[Entry, Needs]] = []

    def lead_to(self, routes: Mapping[tuple[str, str], Needs | None]) -> None:
        """Say which addresses there are and whom they serve, so that the navigation leads nobody elsewhere."""
        asked = {entry: routes.get(("GET", entry.path)) for entry in NAVIGATION}
        self._entries = [(entry, asks) for entry, asks in asked.items() if asks is not None]

    def page(self, name: str, who: Visitor | None, *, here: str = "", **values: Any) -> str:
        """A whole page.

        Args:
            who: who reads it; None for a stranger, who is shown no navigation.
            here: the path of the entry of the navigation that it belongs to.
        """
        entries = [entry for entry, asks in self._entries if who and asks.serves(who)]
        known = {"person": who.name if who else None, "who": who, "entries": entries, "here": here}
        known["waiting_now"] = self._waiting() if entries else ""
        return self.environment.get_template(name).render(known | values)

    def fragment(self, name: str, **values: Any) -> str:
        """A part of a page."""
        return self.environment.get_template(name).render(**values)
