"""What went wrong, for programs (problem+json, RFC 9457) and for people (a page): a sentence, and never a detail
of the inside."""

from __future__ import annotations

from http import HTTPStatus

from interlock.errors import (
    Conflict,
    DecisionRefused,
    InterlockError,
    NotAuthenticated,
    NotFound,
    Refused,
    StoreUnavailable,
    UsageError,
)

SENTENCES = {
    400: "The request cannot be read.",
    401: "Sign in first.",
    403: "This is refused.",
    404: "There is nothing here.",
    405: "This cannot be done here.",
    408: "The request took too long.",
    409: "Somebody else changed this first; look again before deciding.",
    413: "The request is too large.",
    415: "The request is of another type than is taken here.",
    421: "This server goes by another name.",
    428: "A decision names the revision that was read.",
    429: "Too many failed tries; wait.",
    500: "Something went wrong here; it was written down.",
    503: "The database cannot be used now; nothing was lost.",
}
"""What is said where there is nothing else to say."""


class Problem(Exception):
    """A request that is answered with a status and a sentence."""

    def __init__(self, status: int, sentence: str | None = None, headers: dict[str, str] | None = None) -> None:
        super().__init__(sentence or SENTENCES.get(status, SENTENCES[500]))
        self.status = status
        self.headers = headers or {}

    @property
    def sentence(self) -> str:
        return str(self.args[0])

    @property
    def title(self) -> str:
        return HTTPStatus(self.status).phrase

    def json(self) -> dict[str, object]:
        """The problem as RFC 9457 has it."""
        return {"type": "about:blank", "title": self.title, "status": self.status, "detail": self.sentence}


def problem_of(error: InterlockError) -> Problem:
    """How a foreseen error is answered.  Its sentence is written for whoever asked, except where it names files."""
    match error:
        case NotAuthenticated():
            return Problem(401, error.message)
        case NotFound():
            return Problem(404, error.message)
        case DecisionRefused() | Conflict() | Refused():
            return Problem(409, error.message)
        case UsageError():
            return Problem(400, error.message)
        case StoreUnavailable():
            return Problem(503)
    return Problem(500)
