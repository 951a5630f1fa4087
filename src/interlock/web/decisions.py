"""A decision as it came in: bound to the revision that was read, and never saying who decides."""

from __future__ import annotations

import json
from typing import Any
from urllib.parse import parse_qsl

from interlock.engine.service import Engine
from interlock.store.tables import Approval
from interlock.web.problems import Problem
from interlock.web.rights import Right, Visitor

NAMES_SOMEBODY = frozenset(
    {"actor", "answered_by", "approver", "as", "by", "identity", "on_behalf_of", "person", "reviewer", "user"}
)
"""Fields that would say who decides: whoever sends one expects it to count, and it never does."""

MAX_FIELDS = 200


def decide(
    engine: Engine,
    approval_id: str,
    who: Visitor,
    body: Any,
    revision: int | None = None,
    *,
    on_behalf_of: str | None = None,
) -> Approval:
    """Take a decision of somebody who signed in, in any dialect.

    Args:
        body: JSON types.
        revision: the revision that was read, where the dialect has no place for it.
        on_behalf_of: whose vote it is, where they delegated it.

    Raises:
        Problem: the body names a person, or no revision, or not the one that stands; or they lack the right.
        InterlockError: see `Engine.answer`.
    """
    if isinstance(body, dict):
        if named := NAMES_SOMEBODY.intersection(body):
            raise Problem(400, f"`{min(named)}` says who decides; that comes from your sign-in or token alone.")
        revision = body.get("revision", revision)
    if isinstance(revision, bool) or not isinstance(revision, int):
        raise Problem(428)
    asked = engine.services.approvals.get(approval_id)
    who.require(deciding(asked))
    if asked.revision != revision:
        raise Problem(
            409,
            f"{approval_id} changed while you were reading (you saw revision {revision}, it is {asked.revision}); "
            "look at it again.",
        )
    return engine.answer(approval_id, who.name, body, revision=revision, on_behalf_of=on_behalf_of)


def deciding(asked: Approval) -> Right:
    """The right to decide a request: whether something happened is also for who operates to say."""
    return "doubts.settle" if asked.kind == "doubt" else "approvals.decide"


def read_json(content_type: str, body: bytes) -> Any:
    """What a program sent; a key that stands twice is refused, for two readers would see two bodies.

    Raises:
        Problem: it is none.
    """
    if content_type.partition(";")[0].strip().lower() != "application/json":
        raise Problem(415, "What programs send is application/json.")
    try:
        read = json.loads(body.decode("utf-8"), object_pairs_hook=_once, parse_constant=_no_number)
        json.dumps(read, ensure_ascii=False).encode("utf-8")  # half of a character, as `\\ud800` writes one, is no text
        return read
    except (ValueError, RecursionError) as error:
        raise Problem(400, f"The body is no JSON that can be read: {str(error)[:200]}.") from None


def read_form(content_type: str, body: bytes) -> dict[str, str]:
    """The fields of a form that a browser sent, line ends as they are kept here.

    Raises:
        Problem: it is none.
    """
    if content_type.partition(";")[0].strip().lower() != "application/x-www-form-urlencoded":
        raise Problem(415, "A form is sent as application/x-www-form-urlencoded.")
    try:
        pairs = parse_qsl(
            body.decode("ascii"), keep_blank_values=True, strict_parsing=bool(body), errors="strict",
            max_num_fields=MAX_FIELDS,
        )  # fmt: skip
        return {name: value.replace("\r\n", "\n") for name, value in _once(pairs).items()}
    except ValueError:
        raise Problem(400) from None


def _once(pairs: list[tuple[str, Any]]) -> dict[str, Any]:
    read: dict[str, Any] = {}
    for name, value in pairs:
        if name in read:
            raise ValueError(f"the key {name[:60]!r} stands twice")
        read[name] = value
    return read


def _no_number(word: str) -> Any:
    raise ValueError(f"{word} is no number")
