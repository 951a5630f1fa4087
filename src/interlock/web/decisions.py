"""A decision as it came in: read strictly, bound to the revision that was read, and never saying who decides."""

from __future__ import annotations

import json
from collections.abc import Mapping
from typing import Any
from urllib.parse import parse_qsl

from interlock.engine.service import Engine
from interlock.errors import DecisionRefused
from interlock.store.tables import Approval
from interlock.web.problems import Problem

NAMES_SOMEBODY = frozenset(
    {"actor", "answered_by", "approver", "as", "by", "identity", "on_behalf_of", "person", "reviewer", "user"}
)
"""Fields that would say who decides: whoever sends one expects it to count, and it never does."""

FIELDS = {
    "approve": {"answer"},
    "edit": {"changes"},
    "reject": set(),
    "respond": {"happened"},
}
"""What each decision takes besides `decision`, `revision` and `comment`."""

MAX_FIELDS = 200


def decide(engine: Engine, approval_id: str, person: str, body: Mapping[str, Any]) -> Approval:
    """Take a decision of an authenticated person.

    Raises:
        Problem: the body is not a decision, names a person, or is not on the revision that stands.
        InterlockError: see `Engine.approve` and `Engine.edit`.
    """
    if named := NAMES_SOMEBODY.intersection(body):
        raise Problem(400, f"`{sorted(named)[0]}` says who decides; that comes from your sign-in or token alone.")
    word = body.get("decision")
    if not isinstance(word, str) or word not in FIELDS:
        raise Problem(400, f"`decision` is one of {', '.join(FIELDS)}.")
    if unknown := set(body) - {"decision", "revision", "comment"} - FIELDS[word]:
        raise Problem(400, f"`{min(unknown)}` has no meaning in a decision `{word}`.")
    revision, comment = body.get("revision"), body.get("comment", "")
    if isinstance(revision, bool) or not isinstance(revision, int):
        raise Problem(428)
    if not isinstance(comment, str):
        raise Problem(400, "`comment` is text.")
    approvals = engine.services.approvals
    if (asked := approvals.get(approval_id)).revision != revision:
        raise Problem(
            409,
            f"{approval_id} changed while you were reading (you saw revision {revision}, it is {asked.revision}); "
            "look at it again.",
        )
    match word:
        case "approve":
            answer = _object(body, "answer")
            return engine.approve(approval_id, person, comment=comment, revision=revision, answer=answer or None)
        case "edit":
            changes = _object(body, "changes")
            if not changes:
                raise DecisionRefused(f"this edit changes nothing; {approval_id} is still open.")
            return engine.edit(approval_id, person, changes, comment=comment, revision=revision)
        case "reject":
            return approvals.reject(approval_id, person, comment=comment, revision=revision)
    happened = body.get("happened")
    if not isinstance(happened, bool):
        raise Problem(400, "`happened` is true or false.")
    return approvals.respond(approval_id, person, happened=happened, comment=comment, revision=revision)


def _object(body: Mapping[str, Any], name: str) -> dict[str, Any]:
    value = body.get(name, {})
    if not isinstance(value, dict):
        raise Problem(400, f"`{name}` is an object.")
    return value


def read_json(content_type: str, body: bytes) -> dict[str, Any]:
    """The object that a program sent; a key that stands twice is refused, for two readers would see two bodies.

    Raises:
        Problem: it is none.
    """
    if content_type.partition(";")[0].strip().lower() != "application/json":
        raise Problem(415, "A decision is sent as application/json.")
    try:
        read = json.loads(body.decode("utf-8"), object_pairs_hook=_once, parse_constant=_no_number)
    except (ValueError, RecursionError) as error:
        raise Problem(400, f"The body is no JSON that can be read: {str(error)[:200]}.") from None
    if not isinstance(read, dict):
        raise Problem(400, "The body is no JSON object.")
    return read


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
