"""What went wrong, for programs (problem+json, RFC 9457) and for people (a page): a sentence, and never a detail
of the inside."""

from __future__ import annotations

from collections.abc import Mapping
from http import HTTPStatus

from interlock.errors import (
    Conflict,
    DecisionRefused,
    InputError,
    InterlockError,
    NotAuthenticated,
    NotFound,
    ProjectError,
    Refused,
    RunBusy,
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
    422: "Something in the request does not fit.",
    428: "A decision names the revision that was read.",
    429: "Too many failed tries; wait.",
    500: "Something went wrong here; it was written down.",
    503: "The database cannot be used now; nothing was lost.",
}
"""What is said where there is nothing else to say."""

FAULTY = "A file of the project has faults, so this cannot be done; `interlock check` names each of them."
"""Said in place of the faults themselves, which quote files."""


class Problem(Exception):
    """A request that is answered with a status and a sentence."""

    def __init__(
        self,
        status: int,
        sentence: str | None = None,
        headers: Mapping[str, str] | None = None,
        fields: Mapping[str, str] | None = None,
    ) -> None:
        """Args:
        fields: what is wrong with which part of the request, by its path.
        """
        super().__init__(sentence or SENTENCES.get(status, SENTENCES[500]))
        self.status = status
        self.headers = dict(headers or {})
        self.fields = dict(fields or {})

    @property
    def sentence(self) -> str:
        return str(self.args[0])

    @property
    def title(self) -> str:
        return HTTPStatus(self.status).phrase

    def json(self) -> dict[str, object]:
        """The problem as RFC 9457 has it."""
        told = {"type": "about:blank", "title": self.title, "status": self.status, "detail": self.sentence}
        errors = [{"field": field, "detail": detail} for field, detail in self.fields.items()]
        return told | ({"errors": errors} if errors else {})


def problem_of(error: InterlockError) -> Problem:
    """How a foreseen error is answered.  Its sentence is written for whoever asked, except where it names files."""
    match error:
        case NotAuthenticated():
            return Problem(401, error.message)
        case NotFound():
            return Problem(404, error.message)
        case InputError():
            return Problem(422, error.message, fields={error.field: error.message} if error.field else None)
        case RunBusy():
            return Problem(409, error.message, {"retry-after": "2"})
        case DecisionRefused() | Conflict() | Refused():
            return Problem(409, error.message, {"retry-after": "2"} if error.retryable else None)
        case ProjectError():
            return Problem(409, FAULTY)
        case UsageError():
            return Problem(400, error.message)
        case StoreUnavailable():
            return Problem(503)
    return Problem(500)
