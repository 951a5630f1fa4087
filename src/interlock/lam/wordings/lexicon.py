"""What a set of wordings consists of: templates of requests and pools that fill their slots."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass

Pool = tuple[str, ...]


@dataclass(frozen=True)
class Lexicon:
    """Templates and pools of one split.

    A template has `(a|b|)` alternatives, `{slot}` and `{slot:style}` values, and `[…]` segments that may
    be left out; neighbouring segments change places unless they begin with `!`.  A template that begins
    with `*` is a whole sentence and takes no polite opening.
    """

    name: str
    requests: Mapping[str, Pool]
    """Action name to the templates of requests for it."""
    goals: Mapping[str, Pool]
    """Action name to requests that give no value, for steps whose arguments come from elsewhere."""
    outside: Pool
    """Requests that no action of the space serves."""
    near: Pool
    """The same, in the domain of the space: how-to questions, reports, other actions on the same things."""
    negations: Pool
    """Openings that turn a request into one not to act."""
    openings: Pool
    closings: Pool
    chatter: Pool
    """Sentences before a request that carry mentions nobody asked to use."""
    details: Mapping[str, Pool]
    """Argument name to sentences that state its value in another source than the request."""
    pools: Mapping[str, Pool]
