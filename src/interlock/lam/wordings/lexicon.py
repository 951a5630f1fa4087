"""What a set of wordings consists of: templates of requests and pools that fill their slots."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from functools import lru_cache
from pathlib import Path
from typing import Any

import yaml

Pool = tuple[str, ...]
SPLITS = ("training", "calibration", "heldout", "idioms")
_SHARES = {"calibration": "training", "idioms": "heldout"}
"""The split whose pools and phrases another split uses too."""


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
    vague: Mapping[str, Pool]
    """Argument name to words that stand in its place without giving a value: `them`, `the money`."""
    pools: Mapping[str, Pool]


def _frozen(value: Any) -> Any:
    if isinstance(value, list):
        return tuple(str(entry) for entry in value)
    return {name: _frozen(entry) for name, entry in value.items()}


@lru_cache(maxsize=4)
def read_lexicon(name: str) -> Lexicon:
    """The wordings of a split of `SPLITS`."""
    folder = Path(__file__).parent
    document: dict[str, Any] = yaml.safe_load((folder / f"{name}.yaml").read_text(encoding="utf-8"))
    if name in _SHARES:
        document = yaml.safe_load((folder / f"{_SHARES[name]}.yaml").read_text(encoding="utf-8")) | document
    return Lexicon(name=name, **{part: _frozen(entry) for part, entry in document.items()})
