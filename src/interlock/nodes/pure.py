"""A python step: a pure function of the drawer, given copies of the values that the step reads.

A run goes on only with the function that its graph was checked with, so what it works out does not
change under it.
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from interlock.errors import ProjectError, StepTimeout
from interlock.graphs.spec import PythonStep
from interlock.nodes.attempts import attempted
from interlock.nodes.function import Function
from interlock.nodes.moves import Leave, Move
from interlock.nodes.services import Place, Services
from interlock.nodes.timeout import Deadline


def compute(place: Place, values: Mapping[str, Any], services: Services) -> Move:
    """Call the step's function; what it raises fails the step as `invalid`, and is not tried again.

    Raises:
        ProjectError: the function has changed or is gone since the run began; the run can be resumed.
    """
    step = place.spec.steps[place.step]
    assert isinstance(step, PythonStep)
    function = pinned(step, place, services)
    read = {key: values.get(key) for key in step.reads}

    def work(deadline: Deadline) -> Leave:
        try:
            given = function.read(read)
        except ValueError as error:
            return _invalid(step, "its values do not fit", error)
        try:
            result = deadline.within(lambda: function.run(given))
        except StepTimeout:
            raise
        except (Exception, SystemExit) as error:  # whatever a project's function throws
            return _invalid(step, "it failed", error)
        try:
            return Leave("done", writes={step.writes: function.written(result)})
        except ValueError as error:
            return _invalid(step, "its result is not what it declares", error)

    return attempted(step, place, services, work)


def pinned(step: PythonStep, place: Place, services: Services) -> Function:
    """The function, if it is still the one that the run was started with.

    Raises:
        ProjectError: it is not.
    """
    name = step.card.node
    function = services.functions().get(name)
    if function is None:
        raise ProjectError(
            f"nodes/ declares no function {name}, which step {place.step} of run {place.run} calls; put its file "
            "back (`interlock check` says what is wrong with it), then resume the run."
        )
    if function.source != step.card.source:
        raise ProjectError(
            f"the file of nodes/ that declares {name} was changed since run {place.run} began; put the old file back "
            "and resume the run, or upgrade the run to the graph as it is now."
        )
    return function


def _invalid(step: PythonStep, what: str, error: BaseException) -> Leave:
    text = " ".join(str(error).split()) or "no message"
    said = f"{type(error).__name__}: {text}"
    shown = said if len(said) <= LONGEST else f"{said[: LONGEST - 1]}…"
    return Leave("failed", note=f"{step.card.node}: {what} ({shown})", kind="invalid")


LONGEST = 500
"""Characters of an error that are kept; it may repeat whole values."""
