"""What a program asks, read and judged: bodies by their shape, and the parts of addresses."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from typing import Annotated, Any, TypeVar

from fastapi import Path, Query, Request
from pydantic import ValidationError

from interlock.web.api.shapes.shape import Asked
from interlock.web.decisions import read_json
from interlock.web.problems import Problem

A = TypeVar("A", bound=Asked)

WORD = r"^[^\x00-\x1f\x7f]+$"
"""A text of one line."""

Limit = Annotated[int, Query(ge=1, le=500, description="The most that one page holds.")]
After = Annotated[
    str | None, Query(min_length=1, max_length=300, pattern=WORD, description="The id that the page before named.")
]
Word = Annotated[str | None, Query(min_length=1, max_length=200, pattern=WORD)]
RunId = Annotated[str, Path(min_length=1, max_length=300, pattern=WORD, description="Id of the run.")]
ApprovalId = Annotated[str, Path(min_length=1, max_length=100, pattern=WORD, description="Id of the request.")]


def read(shape: type[A], request: Request, body: bytes) -> A:
    """The body of a request; an empty one is an empty object.

    Raises:
        Problem: it is no JSON, or does not fit; each part that does not is named.
    """
    found = read_json(request.headers.get("content-type", ""), body) if body else {}
    try:
        return shape.model_validate(found)
    except ValidationError as error:
        raise misfit(error.errors(include_url=False, include_context=False, include_input=False)) from None


def misfit(faults: Iterable[Mapping[str, Any]], leave: int = 0) -> Problem:
    """The answer to a request whose parts do not fit.

    Args:
        leave: parts at the beginning of each path that say nothing to whoever asked.
    """
    fields = {".".join(map(str, fault["loc"][leave:])) or "body": str(fault["msg"]) for fault in faults}
    name, detail = next(iter(fields.items()))
    return Problem(422, f"{_short(name)} does not fit: {_short(detail)}.", fields=fields)


def one_of(word: str | None, known: Iterable[str], what: str) -> str | None:
    """A word of a closed vocabulary.

    Raises:
        Problem: it is another one.
    """
    words = list(known)
    if word is not None and word not in words:
        raise Problem(400, f"There is no such {what}; there are {', '.join(words)}.")
    return word


def _short(text: str) -> str:
    return text if len(text) <= 200 else f"{text[:197]}..."
