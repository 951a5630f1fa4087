"""One request with its right decision: what an action model is trained and measured on."""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import Any, Literal

from interlock.lam.protocol import ActionSchema, Observation


@dataclass(frozen=True)
class Span:
    """Where a value stands; `whole` when it is all of a source other than the request."""

    source: str
    start: int
    end: int
    whole: bool = False


@dataclass(frozen=True)
class Call:
    """One right call.  Parameters of nested objects are named by their dotted path, such as `address.city`."""

    name: str
    arguments: dict[str, Any] = field(default_factory=dict)
    """By dotted path; nested objects are put together by whoever reads them."""
    spans: dict[str, Span] = field(default_factory=dict)
    """Where each argument stands.  A list is one span, from its first item to its last; options and flags
    that no words stand for literally may have none."""


@dataclass(frozen=True)
class Example:
    """One request, the action space it meets, and the right decision."""

    observation: Observation
    space: tuple[ActionSchema, ...]
    kind: Literal["act", "ask", "abstain"]
    calls: tuple[Call, ...] = ()
    """One for `ask`, without what is missing; at least one for `act`; none for `abstain`."""
    missing: tuple[str, ...] = ()
    template: str = ""

    @property
    def name(self) -> str | None:
        """The action of the first call."""
        return self.calls[0].name if self.calls else None

    @property
    def arguments(self) -> dict[str, Any]:
        """The arguments of the first call."""
        return self.calls[0].arguments if self.calls else {}

    @property
    def spans(self) -> dict[str, Span]:
        """Where the arguments of the first call stand."""
        return self.calls[0].spans if self.calls else {}
