"""Spans: what a run, its steps, its models and its tools did, for whoever collects OpenTelemetry.

Names and attributes are those of OpenTelemetry's semantic conventions for generative AI
(https://opentelemetry.io/docs/specs/semconv/gen-ai/), and `interlock.*` where there is none.  Only the API is used
here: without an SDK that the program set up, a span costs microseconds and goes nowhere.

What people and models wrote is in no span unless `INTERLOCK_TRACE_CONTENT` says so.
"""

from __future__ import annotations

import json
from collections.abc import Callable, Iterator, Mapping, Sequence
from contextlib import contextmanager
from typing import Any, TypeVar

from opentelemetry import context, trace
from opentelemetry.trace import Span, SpanKind, Status, StatusCode

T = TypeVar("T")

TRACER = trace.get_tracer("interlock")
"""Follows the provider that the program sets, whenever it does."""

LONGEST = 4_000
"""Characters of one content that a span carries at most."""


@contextmanager
def span(name: str, attributes: Mapping[str, Any], *, kind: SpanKind = SpanKind.INTERNAL) -> Iterator[Span]:
    """A span around a block; an error that leaves the block is its error, with the class as `error.type`.

    What stops a block without being an error, as a run that waits for a person, leaves it as it is.

    Args:
        attributes: those that are None are left out.
    """
    known = {key: value for key, value in attributes.items() if value is not None}
    with TRACER.start_as_current_span(
        name, kind=kind, attributes=known, record_exception=False, set_status_on_exception=False
    ) as current:
        try:
            yield current
        except Exception as error:
            if not _is_pause(error):
                failed(current, error)
            raise


def failed(current: Span, error: BaseException) -> None:
    """Mark a span as failed by the class of an error; its text may hold what people wrote, so it stays out."""
    current.set_status(Status(StatusCode.ERROR, type(error).__name__))
    current.set_attribute("error.type", type(error).__qualname__)


def _is_pause(error: BaseException) -> bool:
    """Whether LangGraph stops a node by it, as for an interrupt."""
    return any(base.__name__ == "GraphBubbleUp" for base in type(error).__mro__)


here = context.get_current
"""The place in the tree of spans where the caller stands, for `at`."""


def at(place: context.Context, function: Callable[[], T]) -> T:
    """What `function` gives, its spans below a place taken elsewhere, as in another thread."""
    token = context.attach(place)
    try:
        return function()
    finally:
        context.detach(token)


def messages(said: Sequence[tuple[str, str]]) -> str:
    """Messages as the conventions write them: a JSON list of roles and text parts, each text cut at `LONGEST`."""
    return json.dumps(
        [{"role": role, "parts": [{"type": "text", "content": text[:LONGEST]}]} for role, text in said],
        ensure_ascii=False,
    )
