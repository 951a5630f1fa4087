"""Holds whatever takes answers to refusing every unclear one."""

from __future__ import annotations

from collections.abc import Callable
from typing import TYPE_CHECKING, Any

from interlock.nodes.dialects.unclear import UNCLEAR_ANSWERS

if TYPE_CHECKING:
    from interlock.nodes.dialects.question import Question


def answers_conformance(
    take: Callable[[Any], object], question: Question, is_open: Callable[[], bool], refusal: type[Exception]
) -> None:
    """Hold whatever takes answers (an engine, an endpoint, a page) to refusing every unclear one.

    Args:
        take: takes one answer, JSON types, to `question`, which is about an action.
        is_open: whether the question still waits.
        refusal: what `take` raises where it refuses.

    Raises:
        AssertionError: one line per answer that was taken, or after which the question was closed.
    """
    faults = []
    for name, body in UNCLEAR_ANSWERS.items():
        try:
            take(body(question))
        except refusal:
            if is_open():
                continue
        faults.append(f"{name}: {'taken' if is_open() else 'the question was closed'}")
    if faults:
        raise AssertionError("\n".join(faults))
