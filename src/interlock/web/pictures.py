"""Pictures of what an action is about, such as a page before its form is sent, for who reviews it.

A picture is named by its own digest, and served as a PNG that a browser shows and does nothing else with.
"""

from __future__ import annotations

from typing import Annotated

from fastapi import APIRouter
from fastapi.responses import Response

from interlock.tools.connect.pictures import picture
from interlock.web.legible import PICTURE
from interlock.web.parts import Parts
from interlock.web.problems import Problem
from interlock.web.rights import Visitor, needs


def routes(parts: Parts) -> APIRouter:
    """The addresses of pictures."""
    router = APIRouter()

    @router.get("/pictures/{name}.png")
    def shown(name: str, _: Annotated[Visitor, needs("approvals.read")]) -> Response:
        """A picture by its digest."""
        png = picture(parts.services.settings.home, PICTURE + name)
        if png is None:
            raise Problem(404, "There is no such picture on this machine.")
        return Response(png, headers={"content-type": "image/png"})

    return router
