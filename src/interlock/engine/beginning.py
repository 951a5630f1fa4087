"""Accepting a run: its input fits the graph's schema, and a thread that has begun is not begun again."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from interlock.engine.identity import acting
from interlock.errors import InputError, Refused
from interlock.graphs.spec import Spec
from interlock.nodes.inputs import complete
from interlock.nodes.services import Services

RESERVED = frozenset("./")
"""Characters of the ids of child runs (`run.step.visit.item`) and of effects (`run/step/visit/slot`)."""


def begin(run_id: str, spec: Spec, spec_digest: str, values: Mapping[str, Any], services: Services) -> dict[str, Any]:
    """Begin a run, or begin it again after a crash before its first step.

    Raises:
        InputError: the input does not fit, or the id could be that of a child run or of an effect.
        Refused: the run has begun already, so new input would drop what it waits for; or it is another
            workflow's.
        NotAuthenticated: the process does not prove who asks, in a home where names need proof.

    Returns:
        the whole input.
    """
    values = complete(spec, values)
    run = services.runs.find(run_id)
    if run is None:
        if RESERVED.intersection(run_id):
            raise InputError(f"a run's id may hold no `.` and no `/`, which child runs and effects put in: {run_id}.")
        run = services.runs.create(
            spec=spec.model_dump(mode="json", by_alias=True),
            spec_digest=spec_digest,
            input=dict(values),
            requester=acting(services),
            run_id=run_id,
        )
    if run.spec_digest != spec_digest:
        raise Refused(f"run {run_id} was started under another version of its workflow; resume it under that one.")
    if run.input != values:
        raise Refused(f"run {run_id} was accepted with other input; start a new run for this one.")
    if services.runs.visits(run_id):
        raise Refused(f"run {run_id} has begun; resume it, or start a new run for new input.")
    return values
