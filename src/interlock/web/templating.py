"""The frame of every page: its templates, and the navigation with what this server has."""

from __future__ import annotations

from collections.abc import Collection
from dataclasses import dataclass
from typing import Any

from jinja2 import Environment, PackageLoader, StrictUndefined

from interlock.web.legible import visible


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
"""In the order in which they stand; those without a route are left out."""


class Templates:
    """Makes pages of templates; every value is escaped, whoever wrote it."""

    def __init__(self) -> None:
        self.environment = Environment(
            loader=PackageLoader("interlock.web"), autoescape=True, undefined=StrictUndefined, trim_blocks=True,
            lstrip_blocks=True,
        )  # fmt: skip
        self.environment.filters["visible"] = visible
        self._entries: tuple[Entry, ...] = ()

    def lead_to(self, paths: Collection[str]) -> None:
        """Say which addresses there are, so that the navigation leads to no other."""
        self._entries = tuple(entry for entry in NAVIGATION if entry.path in paths)

    def page(self, name: str, person: str | None, *, here: str = "", **values: Any) -> str:
        """A whole page.

        Args:
            person: who reads it; None for a stranger, who is shown no navigation.
            here: the path of the entry of the navigation that it belongs to.
        """
        entries = self._entries if person else ()
        return self.environment.get_template(name).render(person=person, entries=entries, here=here, **values)

    def fragment(self, name: str, **values: Any) -> str:
        """A part of a page."""
        return self.environment.get_template(name).render(**values)
