"""The files that pages bring: styles and scripts.

A page names a file with the beginning of its hash, so that browsers may keep it: another content has another address.
"""

from __future__ import annotations

import hashlib
import importlib.resources
from functools import cache

from fastapi import APIRouter, Request
from fastapi.responses import Response

from interlock.graphs.pictures.looks.stylesheet import stylesheet
from interlock.web.floor import KEPT
from interlock.web.problems import Problem
from interlock.web.rights import OpenToAll

CSS, JS = "text/css; charset=utf-8", "text/javascript; charset=utf-8"

STATIC = {
    "desk.css": CSS,
    "graph.css": CSS,
    "htmx.min.js": JS,
    "htmx-sse.min.js": JS,
    "review.css": CSS,
    "review.js": JS,
    "style.css": CSS,
}
"""The files there are, and their types; no path is ever made of what a request says."""

GRAPH = "graph.css"
"""The style of pictures of graphs, which the pictures themselves say."""


@cache
def content(name: str) -> bytes:
    """What is in a file of `STATIC`."""
    if name == GRAPH:
        return stylesheet().encode()
    return (importlib.resources.files("interlock.web") / "static" / name).read_bytes()


@cache
def address(name: str) -> str:
    """Where a page finds a file."""
    return f"/static/{name}?v={hashlib.sha256(content(name)).hexdigest()[:16]}"


def routes() -> APIRouter:
    """The addresses of files; they need no sign-in."""
    router = APIRouter()

    @router.get("/static/{name}")
    def static(request: Request, name: str, _: OpenToAll) -> Response:
        """A file of pages."""
        if name not in STATIC:
            raise Problem(404)
        headers = {"content-type": STATIC[name]}
        if f"{request.url.path}?{request.url.query}" == address(name):
            headers["cache-control"] = KEPT
        return Response(content(name), headers=headers)

    return router
