"""Writes that are sent twice and done once: the header `Idempotency-Key` (draft-ietf-httpapi-idempotency-key-header).

A key counts for one person and one address, for a day.  The same key with the same body gets the answer of the first
time, with another body 422, and while the first is being answered 409.  A refusal changed nothing, so it is not kept.
"""

from __future__ import annotations

import hashlib
import json
import re
from collections.abc import Callable
from dataclasses import dataclass
from typing import Annotated, Any

from fastapi import Header, Request
from fastapi.responses import Response

from interlock.digest import plain
from interlock.store.answered import Attempt, Kept
from interlock.web.parts import Parts
from interlock.web.problems import Problem
from interlock.web.rights import Visitor

KEY = re.compile(r'"?([\x21\x23-\x7e]{1,255})"?')

Key = Annotated[
    str | None,
    Header(
        alias="Idempotency-Key",
        description="A fresh word for each write: sent again with it, the write is done once.",
        min_length=1,
        max_length=257,
        pattern=r'^"?[\x21\x23-\x7e]{1,255}"?$',
    ),
]
"""Declared by every route that writes, so that the document tells of it; it is read by `once`."""


@dataclass(frozen=True)
class Done:
    """What a write answers."""

    status: int
    value: Any
    location: str | None = None

    @property
    def body(self) -> str:
        return json.dumps({"location": self.location, "value": plain(self.value)}, ensure_ascii=False)


def once(
    parts: Parts, request: Request, who: Visitor, body: bytes, work: Callable[[], Done], again: Callable[[str], Done]
) -> Response:
    """The answer to a write; under a key, of the first time.

    Args:
        work: does it.
        again: the answer where a crash took it after the change: given what the change was about.

    Raises:
        Problem: the key is none.
        Conflict: the same write is being done.
        InputError: the key was sent with something else.
    """
    given = request.headers.getlist("idempotency-key")
    if not given:
        return _answer(work())
    found = KEY.fullmatch(given[0].strip())
    if len(given) > 1 or found is None:
        raise Problem(400, "An Idempotency-Key is one word of at most 255 letters, digits and signs.")
    answers = parts.engine.project.answers
    route = f"{request.method} {request.url.path}"
    begun = answers.begin(who.name, route, found[1], digest_of(request, body))
    if isinstance(begun, Kept):
        return _answer(_read(begun), replayed=True)
    done = attempted(parts, begun, work, again)
    answers.finish(begun, done.status, done.body)
    return _answer(done)


def attempted(parts: Parts, attempt: Attempt, work: Callable[[], Done], again: Callable[[str], Done]) -> Done:
    """Do what an attempt is for, or only answer where an earlier one did it."""
    answers = parts.engine.project.answers
    if attempt.subject is not None:
        return again(attempt.subject)
    try:
        with answers.under(attempt):
            return work()
    except BaseException:
        answers.drop(attempt)
        raise


def digest_of(request: Request, body: bytes) -> str:
    """The digest of what was sent."""
    return "sha256:" + hashlib.sha256(f"{request.url.query}\n".encode() + body).hexdigest()


def _read(kept: Kept) -> Done:
    told = json.loads(kept.body)
    return Done(kept.status, told["value"], told["location"])


def _answer(done: Done, *, replayed: bool = False) -> Response:
    headers = {"location": done.location} if done.location else {}
    headers |= {"idempotency-replayed": "true"} if replayed else {}
    text = json.dumps(plain(done.value), ensure_ascii=False, separators=(",", ":"))
    return Response(text.encode(), done.status, headers=headers, media_type="application/json")
