"""A copy of some runs in a home that is thrown away, where nothing can be called.

Chat models, the action model, tools with their facts and probes, functions, and child runs: the first that a step
would reach for stops the run, and tells what it would have been.
"""

from __future__ import annotations

import tempfile
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass, replace
from functools import cached_property
from pathlib import Path
from typing import NoReturn

from langchain_core.runnables import RunnableConfig
from langgraph.checkpoint.base import BaseCheckpointSaver

from interlock.engine.project import Project
from interlock.nodes.function import Function
from interlock.nodes.services import Services
from interlock.store.copying import copy_runs
from interlock.tools.action import Action


class WouldCall(BaseException):  # no step may take it for a failure of its own, and go on
    """A step of the copy reached for something outside."""

    def __init__(self, what: str) -> None:
        super().__init__(what)
        self.what = what


@dataclass
class DryProject(Project):
    """A project whose steps can call nothing."""

    @cached_property
    def services(self) -> Services:
        real = super().services
        return replace(
            real,
            actions={name: _deaf(action) for name, action in real.actions.items()},
            functions=lambda: {name: _still(each) for name, each in real.functions().items()},
            chat_model=lambda provider: _stop(f"asks the chat model {provider}"),
            action_model=lambda: _stop("asks the action model"),
            drive_children=lambda runs, at_once: _stop(f"starts {len(runs)} child runs"),
        )


def _deaf(action: Action) -> Action:
    """The action without its hands and eyes."""
    return replace(
        action,
        run=lambda arguments, context: _stop(f"performs {action.name}"),
        facts=(lambda arguments, context: _stop(f"looks up the facts of {action.name}")) if action.facts else None,
        probe=(lambda arguments, context: _stop(f"looks what became of {action.name}")) if action.probe else None,
    )


def _still(function: Function) -> Function:
    return replace(function, run=lambda values: _stop(f"computes {function.name}"))


def _stop(what: str) -> NoReturn:
    raise WouldCall(what)


@contextmanager
def copied(project: Project, run_ids: Sequence[str]) -> Iterator[Project]:
    """The project with copies of these runs, their rows and newest checkpoints; nothing of the project changes."""
    with tempfile.TemporaryDirectory(prefix="interlock-upgrade-") as folder:
        settings = project.settings.model_copy(update={"home": Path(folder), "database_url": None})
        dry = DryProject(root=project.root, settings=settings, clock=project.clock, sleep=lambda seconds: None)
        copy_runs(project.services.database, dry.services.database, run_ids)
        for run_id in run_ids:
            _copy_checkpoint(project.checkpoints, dry.checkpoints, run_id)
        try:
            yield dry
        finally:
            dry.services.database.engine.dispose()
            close = getattr(dry.checkpoints, "close", None)
            if close is not None:
                close()


def _copy_checkpoint(source: BaseCheckpointSaver[str], target: BaseCheckpointSaver[str], run_id: str) -> None:
    config: RunnableConfig = {"configurable": {"thread_id": run_id}}
    saved = source.get_tuple(config)
    if saved is not None:
        versions = saved.checkpoint["channel_versions"]
        there: RunnableConfig = {"configurable": {"thread_id": run_id, "checkpoint_ns": ""}}
        target.put(there, saved.checkpoint, saved.metadata, versions)
