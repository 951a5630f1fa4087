"""The addresses of what belongs to a run: where it was, what it did, the runs below it, and its record."""

from typing import Annotated

from fastapi import APIRouter, Path, Query
from fastapi.responses import Response

from interlock.engine.objects import difference_object, effect_object, position_object, run_object, state_object
from interlock.engine.states import States, difference
from interlock.store.run_lists import RunFilter, RunLists
from interlock.web.api.reading import WORD, After, Limit, RunId
from interlock.web.api.shapes.runs import RunEffects, RunHistory, RunList, RunStates, StateShape
from interlock.web.api.taking import describes
from interlock.web.parts import Parts, json_answer
from interlock.web.problems import Problem
from interlock.web.rights import Visitor, needs

Reader = Annotated[Visitor, needs("runs.read")]
Position = Annotated[str, Path(min_length=1, max_length=40, pattern=WORD, description="A position: `0`, `3`, `3.1`.")]
Other = Annotated[
    str | None,
    Query(min_length=1, max_length=40, pattern=WORD, description="Another position, to tell what is not the same."),
]


def routes(parts: Parts) -> APIRouter:
    """What belongs to a run."""
    router = APIRouter(tags=["runs"])

    @router.get("/api/runs/{run_id}/states", operation_id="listStates", **describes(RunStates, 404))
    def states(run_id: RunId, _: Reader) -> Response:
        """The positions of a run: each visit of a step, and each wait in one."""
        found = States(parts.engine.project).positions(run_id)
        return json_answer({"run": run_id, "positions": [position_object(position) for position in found]})

    @router.get("/api/runs/{run_id}/states/{position}", operation_id="showState", **describes(StateShape, 404, 409))
    def state(run_id: RunId, position: Position, _: Reader, diff: Other = None) -> Response:
        """What a run held at a position, and where each value came from."""
        found = States(parts.engine.project)
        here = found.at(run_id, position)
        told = state_object(run_id, here)
        if diff is not None:
            differences = difference(found.at(run_id, diff), here)
            told |= {"diff": diff, "differences": [difference_object(each) for each in differences]}
        return json_answer(told)

    @router.get("/api/runs/{run_id}/effects", operation_id="listEffects", **describes(RunEffects, 404))
    def effects(run_id: RunId, _: Reader) -> Response:
        """The actions of a run, with how far each came."""
        parts.services.runs.get(run_id)
        found = parts.services.ledger.of_run(run_id)
        return json_answer({"run": run_id, "effects": [effect_object(effect) for effect in found]})

    @router.get("/api/runs/{run_id}/children", operation_id="listChildren", **describes(RunList, 404))
    def children(run_id: RunId, _: Reader, limit: Limit = 50, after: After = None) -> Response:
        """The runs that are part of a run, newest first."""
        parts.services.runs.get(run_id)
        if after is not None and parts.services.runs.find(after) is None:
            raise Problem(400, f"No page begins after {after}; begin anew, without `after`.")
        page = RunLists(parts.services.database).page(RunFilter(parent=run_id), after=after, limit=limit)
        return json_answer({"runs": [run_object(run) for run in page.runs], "next": page.older})

    @router.get("/api/runs/{run_id}/history", operation_id="showRunHistory", **describes(RunHistory, 404))
    def history(run_id: RunId, _: Reader) -> Response:
        """Everything that was written down of a run, its effects and its requests."""
        parts.services.runs.get(run_id)
        return json_answer({"run": run_id, "entries": parts.engine.history(run_id)})

    return router
