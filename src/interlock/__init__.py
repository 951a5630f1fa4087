"""Interlock: models propose, rules and people decide, one monitor acts, nothing is lost or done twice."""

from __future__ import annotations

from importlib import import_module
from pathlib import Path
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from interlock.engine.project import Workflow
    from interlock.nodes.function import Values, node
    from interlock.tools.action import Result, action

__all__ = ["Result", "Values", "action", "load", "node"]


def load(path: str | Path) -> Workflow:
    """The checked workflow of a graph file, in the project around it.

    Raises:
        ProjectError: the file or something it names has faults; the message gives each position.
    """
    from interlock.engine.project import Project  # imports langgraph, which takes seconds

    path = Path(path)
    return Project.at(path.parent).workflow(path)


_HOMES = {
    "action": "interlock.tools.action",
    "Result": "interlock.tools.action",
    "Values": "interlock.nodes.function",
    "node": "interlock.nodes.function",
}


def __getattr__(name: str) -> Any:
    """What tools and nodes are written with, imported when first asked for: the command line answers without it."""
    if name in _HOMES:
        return getattr(import_module(_HOMES[name]), name)
    raise AttributeError(f"module {__name__!r} has no attribute {name!r}")
