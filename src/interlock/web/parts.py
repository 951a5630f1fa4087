"""What every family of routes is given, and how routes read and answer."""

from dataclasses import dataclass
from typing import Annotated, Any

from fastapi import Depends, Request
from fastapi.responses import JSONResponse, Response

from interlock.digest import plain
from interlock.engine.service import Engine
from interlock.nodes.services import Services
from interlock.web.driving import Driving
from interlock.web.feed import Feed
from interlock.web.identity import Door
from interlock.web.pulse import Pulse
from interlock.web.templating import Templates


@dataclass(frozen=True)
class Parts:
    """The project that is served, who comes in, what pages are made with, and what tells them of changes."""

    engine: Engine
    door: Door
    driving: Driving
    templates: Templates
    pulse: Pulse
    feed: Feed

    @property
    def services(self) -> Services:
        return self.engine.services


async def _body(request: Request) -> bytes:
    return await request.body()


Body = Annotated[bytes, Depends(_body)]


def json_answer(value: Any) -> Response:
    """An answer for a program."""
    return JSONResponse(plain(value))
