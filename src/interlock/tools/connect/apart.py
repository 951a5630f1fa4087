"""Work that needs a thread of its own: where a tool is called, an event loop may be running already."""

from __future__ import annotations

import threading
from collections.abc import Callable
from typing import TypeVar

T = TypeVar("T")


def apart(work: Callable[[], T], name: str) -> T:
    """Do the work in a new thread and wait for it; whatever it raises is raised here."""
    found: list[T] = []
    failed: list[BaseException] = []

    def inside() -> None:
        try:
            found.append(work())
        except BaseException as error:
            failed.append(error)

    thread = threading.Thread(target=inside, name=name, daemon=True)
    thread.start()
    thread.join()
    if failed:
        raise failed[0]
    return found[0]
