"""How far a run has come, as its picture shows it."""

from __future__ import annotations

import pytest

from interlock.engine.progress import progress
from interlock.errors import NotFound
from tests.engine.conftest import Make, start
from tests.engine.test_children import EACH, FORKED, INNER, OUTER

ENDED = {"START": "done", "nested": "done", "look": "done", "END:done": "done"}


def test_a_run_that_has_ended_has_its_way_lit(make: Make) -> None:
    """Every step it entered is done, the edges it took are known, and so is the end that it reached."""
    engine, run = start(make({"inner": INNER, "outer": OUTER}), "outer", amount=3)
    spec, marks = progress(engine.services.runs, run)
    assert {name: state for name, state in marks.states.items() if "/" not in name} == ENDED
    assert marks.states["nested/add"] == "done"
    assert [spec.edges[index].source for index in sorted(marks.taken)] == ["START", "nested", "look"]


def test_a_question_lights_the_step_that_waits(make: Make) -> None:
    """The step of the outer graph waits, and so does the step inside it; what lies behind is not entered."""
    engine, run = start(make({"inner": INNER, "outer": OUTER}), "outer", amount=50)
    _, marks = progress(engine.services.runs, run)
    assert marks.states["nested"] == marks.states["nested/add"] == "waiting"
    assert "look" not in marks.states
    assert not any(name.startswith("END:") for name in marks.states)


def test_a_cancelled_run_stands_failed_where_it_was(make: Make) -> None:
    """The step that was open when the run was cancelled has failed."""
    engine, run = start(make({"inner": INNER}), "inner", sum=50)
    engine.cancel(run, "boss")
    _, marks = progress(engine.services.runs, run)
    assert marks.states == {"START": "done", "add": "failed"}


def test_branches_are_part_of_the_picture(make: Make) -> None:
    """One branch is done while the other waits: both stand in the picture of the fork's own graph."""
    engine, run = start(make({"forked": FORKED}), "forked", small=3, large=50, marks=["a"])
    spec, marks = progress(engine.services.runs, run)
    assert {name: marks.states[name] for name in ("one", "other", "split")} == {
        "one": "done", "other": "waiting", "split": "waiting",
    }  # fmt: skip
    ways = {(spec.edges[index].source, spec.edges[index].target) for index in marks.taken}
    assert {("split", "one"), ("split", "other"), ("one", "gather")} <= ways
    assert ("other", "gather") not in ways


def test_items_of_a_map_stand_for_their_step_together(make: Make) -> None:
    """Of the runs for all items the worst state is shown."""
    engine, run = start(make({"inner": INNER, "each": EACH}), "each", sums=[1, 50])
    _, marks = progress(engine.services.runs, run)
    assert marks.states["all"] == marks.states["all/add"] == "waiting"
    assert marks.states["all/START"] == "done"


def test_an_unknown_run_is_named(make: Make) -> None:
    """There is nothing to draw of a run that does not exist."""
    engine, _ = start(make({"inner": INNER}), "inner", sum=1)
    with pytest.raises(NotFound, match="run-nope"):
        progress(engine.services.runs, "run-nope")
