"""What the drawer `examples/agentdojo/tools` calls: one AgentDojo environment a run, and a log of its calls.

The drawer finds this module under the name `agentdojo_bridge`; without it every action there fails.
"""

from __future__ import annotations

import sys
from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any

from agentdojo.functions_runtime import FunctionCall, FunctionsRuntime
from agentdojo.task_suite.task_suite import TaskSuite

from interlock.errors import EffectFailed


@dataclass
class Attached:
    """An environment, and everything that was called in it, in order."""

    suite: TaskSuite[Any]
    environment: Any
    calls: list[FunctionCall] = field(default_factory=list)

    def __post_init__(self) -> None:
        self._runtime = FunctionsRuntime(self.suite.tools)

    def call(self, function: str, arguments: Mapping[str, Any]) -> Any:
        """Call one function of the suite.

        Raises:
            EffectFailed: it refused.
        """
        self.calls.append(FunctionCall(function=function, args=dict(arguments)))
        result, error = self._runtime.run_function(self.environment, function, dict(arguments))
        if error:
            raise EffectFailed(error)
        return result


_attached: dict[str, Attached] = {}


def attach(run: str, attached: Attached) -> None:
    """Give a run, and the child runs below it, their environment."""
    _attached.clear()
    _attached[run] = attached


def call(run: str, function: str, arguments: Mapping[str, Any]) -> Any:
    """Call a function in the environment of the run.

    Raises:
        EffectFailed: the run has none, or the function refused.
    """
    found = _attached.get(run.split(".", 1)[0])
    if found is None:
        raise EffectFailed(f"run {run} has no AgentDojo environment attached.")
    return found.call(function, arguments)


def install() -> None:
    """Let the drawer find this module."""
    sys.modules["agentdojo_bridge"] = sys.modules[__name__]
