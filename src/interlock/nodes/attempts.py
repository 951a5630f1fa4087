"""Attempts at a step's work: counted in the database before they begin, each with its own deadline.

A process that dies in an attempt, or in the pause after it, leaves the count behind; whoever goes on
with the run makes the next attempt.
"""

from __future__ import annotations

from collections.abc import Callable
from functools import partial

from interlock.errors import InterlockError, ModelError, StepLimitExceeded, StepTimeout
from interlock.graphs.spec import PythonStep, ReasonStep, RouteStep
from interlock.nodes.moves import FailureKind, Leave
from interlock.nodes.retry import after
from interlock.nodes.services import Place, Services
from interlock.nodes.timeout import Deadline, within


def attempted(
    step: ReasonStep | RouteStep | PythonStep, place: Place, services: Services, work: Callable[[Deadline], Leave]
) -> Leave:
    """What `work` gives; tried again as the step's `retry` says, and failed with its kind when it is not.

    `work` writes nothing after its deadline: whatever may take long in it goes through `Deadline.within`.

    Raises:
        LimitExceeded: the run, or one above it, has used what it may.
        RunCancelled: it was cancelled; a model that is being asked is not waited for.
    """
    watch = partial(services.wanted, place.run)
    while True:
        attempt = services.runs.attempt(place.run, place.step, place.visit)
        deadline = Deadline(step.timeout, place.step, watch=None if isinstance(step, PythonStep) else watch)
        try:
            return work(deadline)
        except (ModelError, StepTimeout, StepLimitExceeded) as error:
            kind = kind_of(error, deadline)
            pause = after(kind, attempt, step.retry, f"{place.run}/{place.step}/{place.visit}")
            if pause is None:
                return Leave("failed", note=error.message, kind=kind)
            within(None, partial(services.sleep, pause.total_seconds()), watch=watch)


def kind_of(error: InterlockError, deadline: Deadline) -> FailureKind:
    """The word for what went wrong; a client that gave up because the deadline came ran into the timeout."""
    match error:
        case StepLimitExceeded():
            return "limit"
        case StepTimeout():
            return "timeout"
        case InterlockError(retryable=True):
            return "timeout" if deadline.over else "unavailable"
    return "invalid"
