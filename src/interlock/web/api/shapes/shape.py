"""What all shapes have in common."""

from __future__ import annotations

from typing import Any

from pydantic import BaseModel, ConfigDict


class Shape(BaseModel):
    """Something that is answered; a later version may have further fields."""

    model_config = ConfigDict(extra="allow")


class Asked(BaseModel):
    """Something that is sent; a field that is not known is refused."""

    model_config = ConfigDict(extra="forbid", strict=True)


JsonObject = dict[str, Any]


class FieldFault(Shape):
    """What is wrong with one part of a request."""

    field: str
    """Its path: `input.amount`, `limit`."""
    detail: str


class ProblemShape(Shape):
    """Why a request was not done (RFC 9457)."""

    model_config = ConfigDict(title="Problem", extra="allow")

    type: str
    title: str
    """What the status means."""
    status: int
    detail: str
    """A sentence that says what is the matter, and where it can be said, what to do."""
    errors: list[FieldFault] | None = None
    """Which parts do not fit."""
