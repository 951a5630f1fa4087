"""The positions of a run and the states at them: what checkpoints keep, what rows tell, and what was forged."""

from __future__ import annotations

import pytest

from interlock.engine.project import Project
from interlock.engine.states import States, difference
from interlock.errors import Refused
from interlock.store.trimming import Forgetful
from tests.engine.conftest import counted, start
from tests.engine.forked import forked, settled


def test_states_tell_each_position_and_what_was_forgotten(house: Project) -> None:
    """Each visit and wait with its changed keys; without checkpoints, values that rows keep are found by digest."""
    engine, run = start(house, "add", amount=50)
    states = States(house)
    assert [(p.name, p.step, p.outcome, p.changed) for p in states.positions(run)] == [
        ("0", "START", "", ("why", "amount")),
        ("1", "think", "done", ("thought",)),
        ("2.1", "add", None, ()),
        ("2", "add", None, ()),
    ]
    assert settled(engine, run) == "done"
    before, after = states.at(run, "1"), states.at(run, "3")
    assert before.values == {"amount": 50, "why": "none", "thought": {"text": "so"}}
    assert [each.key for each in difference(before, after)] == ["receipt", "seen"]
    assert isinstance(house.checkpoints, Forgetful)
    house.checkpoints.forget(run, 1)
    assert states.at(run, "1").values == before.values
    house.checkpoints.delete_thread(run)
    found = states.at(run, "2")
    assert dict(found.values) == {"amount": 50, "why": "none", "receipt": {"total": 50}}
    assert set(found.forgotten) == {"thought"}
    with pytest.raises(Refused, match="thought was forgotten"):
        forked(house, run, "2")
    made = forked(house, run, "2", thought={"text": "again"})
    assert engine.drive(made).run.status == "done"
    assert counted(house) == [50]


def test_a_value_forged_in_a_checkpoint_is_not_what_the_run_wrote(house: Project) -> None:
    """A fork takes values by the digests of the rows, so what somebody put there is not found."""
    _, run = start(house, "add", amount=50)
    graph, _ = house.driver.graph(house.services.runs.get(run).spec_digest)
    forged = {"amount": 1, "thought": {"text": "forged"}, "_next": "add.propose"}
    graph.update_state({"configurable": {"thread_id": run}}, forged, as_node="think")
    state = States(house).at(run, "1")
    assert (state.values["amount"], state.values["thought"]) == (50, {"text": "so"})
