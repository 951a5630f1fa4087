"""All addresses of the desk."""

from collections.abc import Iterator

from fastapi import APIRouter

from interlock.web.desk import doubts, graphs, health, run, runs, state
from interlock.web.parts import Parts


def routes(parts: Parts) -> Iterator[APIRouter]:
    """The families of the desk's addresses."""
    for family in (runs, run, state, doubts, graphs, health):
        yield family.routes(parts)
