"""How a route tells the OpenAPI document what it takes and what it answers."""

from __future__ import annotations

from typing import Any

from pydantic import BaseModel

ALWAYS = (401, 403, 408, 421, 422, 429, 500, 503)
"""What any request may be answered: who asks, by what name, how often, and how it goes here."""

WRITES = (400, 409, 413, 415)
"""What a request with a body may be answered besides."""


def describes(
    answer: type[BaseModel] | None,
    *problems: int,
    writes: bool = False,
    status: int = 200,
    also: int | None = None,
    body: dict[str, Any] | str | None = None,
) -> dict[str, Any]:
    """The arguments of a route that describe it.

    Args:
        answer: the shape of what it answers; None where it says so itself.
        problems: further statuses that it may be refused with.
        writes: whether it takes a body and a key.
        status: of its answer.
        also: another one that it may have.
        body: what it takes, as `takes` describes it, or the name of a body of `documents`.
    """
    refused = sorted({*ALWAYS, *problems, *(WRITES if writes else ()), *((400,) if not writes else ())})
    responses: dict[int | str, dict[str, Any]] = {
        each: {"$ref": f"#/components/responses/Problem{each}"} for each in refused
    }
    told: dict[str, Any] = {"responses": responses, "status_code": status}
    if answer is not None and also is not None:
        responses[also] = {"model": answer}
    if answer is not None:
        told["response_model"] = answer
    extra: dict[str, Any] = {}
    if isinstance(body, str):
        extra["requestBody"] = {"$ref": f"#/components/requestBodies/{body}"}
    elif body is not None:
        extra["requestBody"] = body
    return told | {"openapi_extra": extra} if extra else told


def takes(shape: type[BaseModel], *, required: bool = True) -> dict[str, Any]:
    """The body of a request of this shape."""
    schema = {"$ref": f"#/components/schemas/{shape.__name__}"}
    return {"required": required, "content": {"application/json": {"schema": schema}}}
