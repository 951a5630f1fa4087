"""The files that pages bring: styles, scripts."""

import importlib.resources

from fastapi import APIRouter
from fastapi.responses import Response

from interlock.web.problems import Problem
from interlock.web.rights import OpenToAll

CSS = "text/css; charset=utf-8"

STATIC = {"style.css": CSS}
"""The files there are, and their types; no path is ever made of what a request says."""


def routes() -> APIRouter:
    """The addresses of files; they need no sign-in."""
    router = APIRouter()

    @router.get("/static/{name}")
    def static(name: str, _: OpenToAll) -> Response:
        """A file of pages."""
        if name not in STATIC:
            raise Problem(404)
        text = (importlib.resources.files("interlock.web") / "static" / name).read_bytes()
        return Response(text, headers={"content-type": STATIC[name]})

    return router
