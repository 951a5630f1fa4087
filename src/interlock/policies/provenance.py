"""Where a value came from: four labels, joined downwards.

`user`: the run's typed input.  `record`: a trusted field of a registered tool's result.  `model`: a
model wrote it.  `untrusted`: free text from a tool's result.  A value made from several others is as
trusted as the least trusted of them.
"""

from __future__ import annotations

from collections.abc import Iterable
from typing import Literal

from interlock.policies.language import PROVENANCE

Label = Literal["untrusted", "model", "record", "user"]


def rank(label: str) -> int:
    """0 for `untrusted` up to 3 for `user`.

    Raises:
        ValueError: it is no label.
    """
    return PROVENANCE.index(label)


def join(labels: Iterable[Label]) -> Label:
    """The least trusted of `labels`; a value made from nothing comes from the author: `user`."""
    return min(labels, key=rank, default="user")


def through_model(labels: Iterable[Label]) -> Label:
    """The label of what a model writes after reading values with `labels`."""
    return join([*labels, "model"])
