"""What a reader of the list of runs asked for: the filters of an address, read strictly and written again."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from datetime import datetime, timedelta
from typing import cast, get_args
from urllib.parse import urlencode

from interlock.store.run_lists import STATUSES, RunFilter, Waits
from interlock.store.tables import PinnedSpec
from interlock.web.problems import Problem

AGES: Mapping[str, tuple[str, timedelta, bool]] = {
    "1h": ("in the last hour", timedelta(hours=1), True),
    "1d": ("in the last day", timedelta(days=1), True),
    "7d": ("in the last 7 days", timedelta(days=7), True),
    "30d": ("in the last 30 days", timedelta(days=30), True),
    "over-1d": ("more than a day ago", timedelta(days=1), False),
    "over-7d": ("more than 7 days ago", timedelta(days=7), False),
    "over-30d": ("more than 30 days ago", timedelta(days=30), False),
}
"""When a run was started, by the word in the address: in words, how long, and whether since then or before."""

WAITS: Mapping[Waits, str] = {
    "person": "a decision",
    "doubt": "whether it happened",
    "event": "an event",
    "moment": "a moment",
}

WORDS = ("status", "graph", "by", "q", "age", "waits", "parent")
LONGEST = 200


@dataclass(frozen=True)
class Sought:
    """The filters as they stand in the address."""

    words: Mapping[str, str] = field(default_factory=dict)

    @classmethod
    def read(cls, query: Mapping[str, str]) -> Sought:
        """The filters of an address; empty ones are none.

        Raises:
            Problem: one has a value that it cannot have.
        """
        words = {name: query[name].strip() for name in WORDS if query.get(name, "").strip()}
        choices = {"status": STATUSES, "age": tuple(AGES), "waits": get_args(Waits)}
        for name, word in words.items():
            if name in choices and word not in choices[name]:
                raise Problem(400, f"There is no {name} {word[:40]!r}; there are {', '.join(choices[name])}.")
            if len(word) > LONGEST:
                raise Problem(400, f"{name} has more than {LONGEST} characters.")
        return cls(words)

    def __getitem__(self, name: str) -> str:
        return self.words.get(name, "")

    def filter(self, specs: Sequence[PinnedSpec], now: datetime) -> RunFilter:
        """The runs that are meant; `specs` tells which digests are of a version."""
        graph, at, version = self["graph"].partition("@")
        digests = [each.digest for each in specs if at and (each.graph, str(each.version)) == (graph, version)]
        since = before = None
        if self["age"]:
            _, length, recent = AGES[self["age"]]
            since, before = (now - length, None) if recent else (None, now - length)
        return RunFilter(
            status=self["status"] or None,
            graph=graph or None,
            specs=digests if at else None,
            requester=self["by"] or None,
            text=self["q"] or None,
            since=since,
            before=before,
            waits=cast("Waits", self["waits"]) if self["waits"] else None,
            parent=self["parent"] or None,
        )

    def address(self, **changed: str | None) -> str:
        """The address of the list with some filters changed; None takes one away."""
        words = {name: word for name, word in ({**self.words, **changed}).items() if word}
        return f"/runs?{urlencode(words)}" if words else "/runs"
