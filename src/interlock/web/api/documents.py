"""The OpenAPI document of the API, made of its routes."""

from __future__ import annotations

import importlib.metadata
import json
from collections.abc import Sequence
from functools import lru_cache
from http import HTTPStatus
from typing import Any, cast

from fastapi import APIRouter
from fastapi.openapi.utils import get_openapi
from fastapi.responses import JSONResponse, Response
from pydantic import BaseModel
from pydantic.json_schema import models_json_schema
from starlette.routing import BaseRoute

from interlock.web.api.shapes.ag_ui import RunAgentInput
from interlock.web.api.shapes.approvals import ClaimAsked, OwnDecision
from interlock.web.api.shapes.runs import EventAsked, ForkAsked, RunAsked
from interlock.web.api.shapes.shape import ProblemShape
from interlock.web.api.taking import describes
from interlock.web.parts import Parts
from interlock.web.problems import SENTENCES
from interlock.web.rights import SignedIn

SENT: tuple[type[BaseModel], ...] = (
    RunAsked,
    EventAsked,
    ForkAsked,
    ClaimAsked,
    OwnDecision,
    RunAgentInput,
    ProblemShape,
)

ABOUT = """\
What `interlock serve` offers to programs: runs, requests to people and their decisions, what changes, and the record.

Every request brings a token, `Authorization: Bearer ilk_…`, or the cookie of a sign-in.  Each route asks for a right,
and roles give rights.  Errors are `application/problem+json`.  A write that brings an `Idempotency-Key` is done once.
Answers may get further fields; none is taken away.
"""

DIALECTS: dict[str, dict[str, Any]] = {
    "approve in LangChain's form": {"decisions": [{"type": "approve"}]},
    "reject in LangChain's form": {"decisions": [{"type": "reject", "message": "It was paid last week."}]},
    "approve in AG-UI's form": {
        "resume": [{"interruptId": "ap-a989819e21", "status": "resolved", "payload": {"approved": True}}]
    },
    "approve in our own form": {"decision": "approve", "revision": 0},
}


def routes(described: Sequence[BaseRoute]) -> APIRouter:
    """The address of the document."""
    router = APIRouter(tags=["document"])

    @lru_cache
    def made() -> dict[str, Any]:
        return document([*described, *router.routes])

    @router.get("/api/openapi.json", operation_id="showDocument", **describes(None))
    def openapi(_: SignedIn) -> Response:
        """This document."""
        return JSONResponse(made())

    return router


def text() -> str:
    """The document as it is kept beside the schemas of files: of all routes, which need no project to be described."""
    from interlock.web.api import routes as api

    described = api.routes(cast(Parts, None)).routes
    return json.dumps(document(described), ensure_ascii=False, indent=2) + "\n"


def document(described: Sequence[BaseRoute]) -> dict[str, Any]:
    """The OpenAPI 3.1 document of these routes."""
    made = get_openapi(
        title="Interlock",
        version=importlib.metadata.version("interlock"),
        openapi_version="3.1.0",
        summary="AI workflows whose risky actions pass rules and people first, and happen once.",
        description=ABOUT,
        routes=described,
        license_info={"name": "Apache-2.0", "identifier": "Apache-2.0"},
    )
    parts = made.setdefault("components", {})
    _, sent = models_json_schema([(shape, "validation") for shape in SENT], ref_template="#/components/schemas/{model}")
    schemas = {**parts.get("schemas", {}), **sent["$defs"]}
    for name in ("HTTPValidationError", "ValidationError"):
        schemas.pop(name, None)
    parts["schemas"] = schemas
    parts["responses"] = {f"Problem{status}": _problem(status) for status in sorted(SENTENCES)}
    parts["requestBodies"] = {"decision": _decision()}
    parts["securitySchemes"] = {
        "token": {"type": "http", "scheme": "bearer", "description": "A token of `interlock people token`."},
        "signIn": {"type": "apiKey", "in": "cookie", "name": "interlock", "description": "What a sign-in leaves."},
    }
    made["security"] = [{"token": []}, {"signIn": []}]
    for path in made["paths"].values():
        for operation in path.values():
            _told(operation)
    return _named(made)


def _told(operation: dict[str, Any]) -> None:
    """Let an operation say in a sentence what it does, and only what can be sent."""
    operation["summary"] = operation.pop("description", operation["summary"])
    for parameter in operation.get("parameters", ()):
        schema = parameter["schema"]
        known = [each for each in schema.pop("anyOf", ()) if each != {"type": "null"}]
        parameter["schema"] = {**schema, **(known[0] if len(known) == 1 else {"anyOf": known} if known else {})}
        parameter["schema"].pop("description", None)
    for status, response in operation["responses"].items():
        if "$ref" in response:
            operation["responses"][status] = {"$ref": response["$ref"]}
        elif status.startswith("2"):
            response["description"] = operation["summary"]


def _named(made: dict[str, Any]) -> dict[str, Any]:
    """The document with the titles of its schemas as their names."""
    schemas = made["components"]["schemas"]
    names = {name: schema.get("title", name) for name, schema in schemas.items()}
    text = json.dumps(made)
    for name, title in names.items():
        text = text.replace(f'"#/components/schemas/{name}"', f'"#/components/schemas/{title}"')
    named: dict[str, Any] = json.loads(text)
    renamed = {names[name]: schema for name, schema in named["components"]["schemas"].items()}
    named["components"]["schemas"] = dict(sorted(renamed.items()))
    return named


def _problem(status: int) -> dict[str, Any]:
    phrase = HTTPStatus(status).phrase
    example = {"type": "about:blank", "title": phrase, "status": status, "detail": SENTENCES[status]}
    content = {"schema": {"$ref": "#/components/schemas/ProblemShape"}, "example": example}
    told: dict[str, Any] = {"description": SENTENCES[status], "content": {"application/problem+json": content}}
    if status in (409, 429, 503):
        wait = {"description": "Seconds after which to try again, where that can help.", "schema": {"type": "integer"}}
        told["headers"] = {"Retry-After": wait}
    return told


def _decision() -> dict[str, Any]:
    other = {"type": "object", "title": "DecisionInAnotherDialect", "minProperties": 1}
    listed = {"type": "array", "title": "DecisionInAList", "items": {"type": "object"}, "minItems": 1, "maxItems": 1}
    return {
        "required": True,
        "description": "A decision in any dialect of docs/dialects.md, with one plain meaning.",
        "content": {
            "application/json": {
                "schema": {"anyOf": [{"$ref": "#/components/schemas/OwnDecision"}, other, listed]},
                "examples": {name: {"value": value} for name, value in DIALECTS.items()},
            }
        },
    }
