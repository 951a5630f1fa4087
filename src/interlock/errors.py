"""Every error Interlock raises, in one small tree.

Each class is *terminal* (trying again cannot help) or *retryable*.  Its docstring is its default
message; a message names the offender and the next step.
"""

from __future__ import annotations

import inspect
from typing import ClassVar


class InterlockError(Exception):
    """Something went wrong."""

    retryable: ClassVar[bool] = False

    def __init__(self, message: str | None = None) -> None:
        super().__init__(message or inspect.cleandoc(type(self).__doc__ or ""))

    @property
    def message(self) -> str:
        return str(self.args[0])


class UsageError(InterlockError):
    """The command was called wrongly."""


class SettingsError(InterlockError):
    """A setting is wrong."""


class ProjectError(InterlockError):
    """The project's files cannot be used; `interlock check` names each fault."""


class InputError(InterlockError):
    """The input of a run does not fit the graph's input schema."""

    def __init__(self, message: str | None = None, *, field: str | None = None) -> None:
        super().__init__(message)
        self.field = field
        """The path of what does not fit, where it is one thing: `amount`, `order.lines`."""


class NotFound(InterlockError):
    """There is no such thing."""


class Conflict(InterlockError):
    """Somebody else changed this first; look again before deciding."""


class Refused(InterlockError):
    """The monitor refused: there is no authorisation for exactly this action."""


class DecidedStricter(Refused):
    """The rules say otherwise by now than when the action was decided; it is gated again."""


class DecisionRefused(InterlockError):
    """A reviewer's decision was refused; the request stays open."""


class NotAuthenticated(InterlockError):
    """Who acts is not proven; nothing was changed."""


class LimitExceeded(InterlockError):
    """The run reached one of its limits."""

    def __init__(self, message: str | None = None, *, run: str | None = None) -> None:
        super().__init__(message)
        self.run = run
        """The run whose limit it is: the one that stopped, or one above it."""


class RunCancelled(InterlockError):
    """The run was cancelled; nothing more is done."""

    def __init__(self, message: str | None = None, *, run: str, person: str) -> None:
        super().__init__(message)
        self.run, self.person = run, person
        """The run that was cancelled, at or above the one that stopped, and who did it."""


class StepLimitExceeded(InterlockError):
    """The step used what one visit of it may use."""


class DrivenElsewhere(Refused):
    """The run has begun, but its checkpoints are kept by another program, which must go on with it."""


class StoreUnavailable(InterlockError):
    """The database cannot be used now; nothing was lost, try again once it can."""

    retryable = True


class RunBusy(InterlockError):
    """Another process is driving this run; nothing was done twice, try again when it has parked."""

    retryable = True


class Superseded(RunBusy):
    """Another process went on with this run; what this one was about to write is dropped."""


class ModelError(InterlockError):
    """A model did not answer usefully."""


class StepTimeout(InterlockError):
    """The step's timeout passed."""

    retryable = True


class ModelUnavailable(ModelError):
    """A model could not be reached; try again."""

    retryable = True


class EffectFailed(InterlockError):
    """The action certainly did not happen, and trying again will not help."""


class EffectNotDone(InterlockError):
    """The action certainly did not happen; it may be tried again."""

    retryable = True
