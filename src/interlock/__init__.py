"""Interlock: models propose, rules and people decide, one monitor acts, nothing is lost or done twice."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from interlock.engine.project import Workflow
    from interlock.tools.action import action

__all__ = ["action", "load"]


def load(path: str | Path) -> Workflow:
    """The checked workflow of a graph file, in the project around it.

    Raises:
        ProjectError: the file or something it names has faults; the message gives each position.
    """
    from interlock.engine.project import Project  # imports langgraph, which takes seconds

    path = Path(path)
    return Project.at(path.parent).workflow(path)


def __getattr__(name: str) -> Any:
    """`interlock.action`, imported when first asked for: the command line answers without pydantic."""
    if name == "action":
        from interlock.tools.action import action

        return action
    raise AttributeError(f"module {__name__!r} has no attribute {name!r}")
