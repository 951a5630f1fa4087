"""Runs that begin at a position of another: every position, edits, what was done before, and kills in between."""

from __future__ import annotations

import threading
from typing import Any

import pytest
from pydantic import SecretStr

from interlock.engine import forking, settling
from interlock.engine.naming import proven, workflow_named
from interlock.engine.outlook import config_of
from interlock.engine.project import Project
from interlock.engine.service import Engine
from interlock.engine.settling import forks_of
from interlock.engine.states import States
from interlock.engine.upgrade import Upgrading
from interlock.errors import Conflict, DecidedStricter, InputError, NotFound, Refused
from interlock.graphs.upgrades.mapping import SpecMapping
from interlock.store.effects import BEGUN
from interlock.store.forks import Forks
from interlock.store.tables import Effect
from tests.engine.conftest import counted, start
from tests.engine.forked import ADD, forked, settled


def test_a_fork_at_each_position_asks_before_it_repeats_what_was_done(house: Project) -> None:
    """Small amounts pass unasked, once; each fork before the effect asks and names it, one after it never acts."""
    engine, run = start(house, "add", amount=5)
    assert counted(house) == [5]
    for position in States(house).positions(run):
        made = forked(house, run, position.name)
        visits = engine.services.runs.visits(made)
        assert [(row.position, row.step) for row in visits] == [
            (row.position, row.step) for row in engine.services.runs.visits(run)
        ][: position.visits]
        standing = engine.drive(made)
        if position.visits < 2:
            [asked] = standing.waiting
            assert asked.request["repeats"][0] == f"{run}/add/1/0"
            assert any(f"{run}/add/1/0" in reason["because"] for reason in asked.request["reasons"])
            assert asked.excluded == ["fay", "requester"]
            engine.services.approvals.reject(asked.id, "zoe", comment="once is enough")
            assert engine.drive(made).run.outcome == "refused"
        else:
            assert standing.run.output == engine.services.runs.get(run).output
        assert counted(house) == [5]
    assert engine.audit_fault(None) is None


def test_what_the_fork_is_allowed_happens_and_is_asked_about_in_the_next(house: Project) -> None:
    """A person who says yes to a repetition gets it once; a fork of the fork names both."""
    engine, run = start(house, "add", amount=5)
    first = forked(house, run, "1", amount=7)
    assert settled(engine, first) == "done"
    assert counted(house) == [5, 7]
    second = forked(house, first, "1")
    [asked] = engine.drive(second).waiting
    assert set(asked.request["repeats"]) == {f"{run}/add/1/0", f"{first}/add/1/0"}
    row = engine.services.ledger.latest(second, "add", 1)
    assert row is not None
    assert row.arguments["amount"] == 7
    assert row.origins["amount"] == {"kind": "person", "of": "fay"}
    fork_row = forks_of(house.services).of_run(second)
    assert fork_row is not None
    assert (fork_row.origin, fork_row.family, fork_row.settled, fork_row.state) == (first, run, True, "")


def test_whatever_another_run_has_begun_is_asked_about(house: Project) -> None:
    """Done, seen, in doubt, under way, undone or being undone; what certainly did not happen is no repetition."""
    engine, run = start(house, "add", amount=5)
    for state in BEGUN:
        _put(house, f"{run}/add/1/0", state)
        asked = engine.drive(forked(house, run, "1")).waiting
        assert [row.request["repeats"] for row in asked] == [[f"{run}/add/1/0"]], state
    _put(house, f"{run}/add/1/0", "failed")
    assert engine.drive(forked(house, run, "1")).run.status == "done"
    assert counted(house) == [5, 5]


def _put(house: Project, effect_id: str, state: str) -> None:
    with house.services.database.write() as session:
        row = session.get(Effect, effect_id)
        assert row is not None
        row.state = state
        session.add(row)


def test_of_parallel_forks_one_acts_unasked(house: Project) -> None:
    """The parent waits for its approval; of two forks with small amounts that both pass, one asks after all."""
    engine, run = start(house, "add", amount=50)
    one, other = forked(house, run, "1", amount=3), forked(house, run, "2.1", amount=4)
    threads = [threading.Thread(target=engine.drive, args=(each,)) for each in (one, other)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert len(counted(house)) == 1
    standing = [engine.standing(each) for each in (one, other)]
    assert sorted(each.run.status for each in standing) == ["done", "waiting"]
    [asked] = engine.standing(run).waiting
    engine.approve(asked.id, "zoe")
    [again] = engine.drive(run).waiting  # the yes was given without knowing of the fork's effect
    assert again.id != asked.id
    assert len(again.request["repeats"]) == 1
    assert len(counted(house)) == 1


def test_the_ledger_refuses_a_repetition_that_no_gate_saw(house: Project) -> None:
    """What was decided before another run of the family acted is decided again in the transaction of the intent."""
    engine, run = start(house, "add", amount=50)
    made = forked(house, run, "1", amount=3)
    row = Effect(
        id="", run_id=made, step="add", visit=1, slot=0, state="proposed", action="counter.add",
        arguments={"amount": 3}, missing=[], labels={}, evidence={}, model={}, proposed_by=["fay"],
    )  # fmt: skip
    ledger = house.services.ledger
    row = ledger.propose(row)
    row = ledger.gate(row, digest="sha256:x", verdict={"effect": "auto", "reasons": []}, denied=False)
    [asked] = engine.standing(run).waiting
    engine.approve(asked.id, "zoe")
    engine.drive(run)
    assert counted(house) == [50]
    with pytest.raises(DecidedStricter, match=f"{run}/add/1/0 is executed"):
        ledger.intend(row, "sha256:x")


def test_an_approval_of_the_parent_never_counts(house: Project) -> None:
    """A fork after an approved form is asked before it acts, by the same requirement; asked anew, it is not."""
    engine, run = start(house, "ways", amount=9)
    [form] = engine.standing(run).waiting
    engine.approve(form.id, "zoe", answer={"really": True})
    engine.drive(run)
    assert counted(house) == [9]
    with pytest.raises(Refused, match=r"chosen by amount.* set it at position 1"):
        forked(house, run, "2", amount=8)
    with pytest.raises(InputError, match="word: it holds what people answered"):
        forked(house, run, "2", word={"decision": "approved", "by": "zoe", "comment": "", "really": True})
    made = forked(house, run, "2")
    [asked] = engine.drive(made).waiting
    said = [reason["because"] for reason in asked.request["reasons"]]
    assert any(form.id in each and "counts for no fork" in each for each in said)
    assert counted(house) == [9]
    before = forked(house, run, "1")
    [anew] = engine.drive(before).waiting
    assert (anew.kind, anew.id != form.id) == ("form", True)


def test_an_unused_approval_of_the_parent_authorises_nothing_in_the_fork(house: Project) -> None:
    """It is not adopted; put under the fork's effect by hand, it is refused where the intent would be written."""
    engine, run = start(house, "add", amount=50)
    [asked] = engine.standing(run).waiting
    engine.approve(asked.id, "zoe")
    made = forked(house, run, "1")
    [own] = engine.drive(made).waiting
    assert own.id != asked.id
    row = house.services.ledger.latest(made, "add", 1)
    assert row is not None
    assert row.digest is not None
    with house.services.database.write() as session:
        row.approval_id, row.state = asked.id, "approved"
        session.add(row)
    with pytest.raises(Refused, match="given for another action"):
        house.services.ledger.intend(row, row.digest)
    assert counted(house) == []


def test_an_edit_leads_where_its_condition_leads(house: Project) -> None:
    """The way past the approval is not taken with an amount that the approval is for."""
    engine, run = start(house, "ways", amount=5)
    made = forked(house, run, "1", amount=6)
    [asked] = engine.drive(made).waiting
    assert asked.step == "large"
    assert counted(house) == [5]


def test_a_kill_between_the_rows_and_the_checkpoint_loses_nothing(house: Project, monkeypatch: Any) -> None:
    """The fork is found with its state, before and after its checkpoint was written but not noted."""
    engine, run = start(house, "add", amount=5)
    made = forked(house, run, "2", why="edited")
    assert not house.checkpoints.get_tuple({"configurable": {"thread_id": made}})
    with monkeypatch.context() as patch:
        patch.setattr(Forks, "settle", lambda self, run_id: (_ for _ in ()).throw(KeyboardInterrupt))
        with pytest.raises(KeyboardInterrupt):
            engine.drive(made)
    assert house.checkpoints.get_tuple({"configurable": {"thread_id": made}})
    assert settling.forks_of(house.services).unsettled(made) is not None
    assert engine.drive(made).run.status == "done"
    assert States(house).at(made, "2").values["why"] == "edited"
    assert counted(house) == [5]


def test_the_state_of_a_fork_is_sealed_where_checkpoints_are(house: Project) -> None:
    """It holds what models wrote; without the key the fork does not begin, and with it, it does."""
    plain = house.settings
    house.settings = plain.model_copy(update={"checkpoint_key": SecretStr("17" * 32)})
    engine, run = start(house, "add", amount=5)
    made = forked(house, run, "1")
    row = forks_of(house.services).of_run(made)
    assert row is not None
    assert row.sealed
    assert '"' not in row.state  # which base64 never holds, and JSON does
    with pytest.raises(Refused, match="set INTERLOCK_CHECKPOINT_KEY"):
        Forks(house.database, house.services.audit, house.clock, None).state(row)
    assert [asked.step for asked in engine.drive(made).waiting] == ["add"]


def test_a_state_put_under_the_id_of_a_fork_is_thrown_away(house: Project) -> None:
    """What stands there before its first checkpoint is nobody's; the fork begins with what its row holds."""
    engine, run = start(house, "add", amount=5)
    made = forked(house, run, "2")
    graph, _ = house.driver.graph(house.services.runs.get(run).spec_digest)
    graph.update_state(config_of(made), {"why": "forged", "_next": "look.propose"}, as_node="add.propose")
    assert engine.drive(made).run.status == "done"
    assert graph.get_state(config_of(made)).values["why"] == "none"


def test_a_fork_goes_by_the_spec_of_its_origin(house: Project) -> None:
    """The file may be gone; of a run that was moved to another version, only what it did under that one is forked."""
    engine, run = start(house, "add", amount=50)
    (house.root / "graphs" / "add.yaml").write_text(ADD.replace("version: 1", "version: 2"))
    before, after = workflow_named(house, "add@1"), proven(workflow_named(house, "add"))
    made = engine.services.runs.get(forked(house, run, "1", amount=3))
    assert made.spec_digest == before.pinned_as
    [moved] = Upgrading(before, after, SpecMapping.model_validate({})).apply("ann", runs=[run], voiding=True)
    assert moved.moved, moved.reason
    with pytest.raises(Refused, match="from position 1 on"):
        forked(house, run, "0")
    (house.root / "graphs" / "add.yaml").unlink()
    assert engine.drive(made.id).run.status == "done"
    later = engine.services.runs.get(forked(house, run, "1"))
    assert later.spec_digest == after.spec.digest()
    assert engine.drive(later.id).waiting
    assert counted(house) == [3]


def test_counters_and_limits_are_those_of_the_position(house: Project) -> None:
    """What was used up to there is used, in a fork of a fork too."""
    engine, run = start(house, "add", amount=5)
    whole = engine.services.runs.get(run)
    assert (whole.steps, whole.model_calls) == (3, 1)
    for at, used in (("0", (0, 0)), ("1", (1, 1)), ("2", (2, 1)), ("3", (3, 1))):
        made = engine.services.runs.get(forked(house, run, at))
        assert ((made.steps, made.model_calls), made.limits) == (used, whole.limits)
        again = engine.services.runs.get(forked(house, made.id, "0"))
        assert (again.steps, again.model_calls) == (0, 0)
        if at != "0":
            once = engine.services.runs.get(forked(house, made.id, "1"))
            assert (once.steps, once.model_calls) == (1, 1)


def test_edits_have_the_type_of_their_key(house: Project) -> None:
    """What is no key, no value or no such value is refused, and nothing is made."""
    _, run = start(house, "add", amount=5)
    for edits in ({"amont": 5}, {"amount": "5"}, {"amount": None}, {"thought": {"txt": "x"}}, {"amount": float("nan")}):
        with pytest.raises(InputError):
            forked(house, run, "1", **edits)
    with pytest.raises(InputError, match="nothing is written yet"):
        forked(house, run, "0", thought={"text": "x"})
    with pytest.raises(NotFound, match="0 to 3"):
        forked(house, run, "7")
    assert [row.id for row in house.services.runs.list()] == [run]


def test_a_run_that_changes_meanwhile_is_looked_at_again(house: Project, monkeypatch: Any) -> None:
    """The rows that a fork was planned from must still be there when it is made."""
    _, run = start(house, "add", amount=5)
    monkeypatch.setattr(forking, "seen", lambda visits: [(1, "think", 1, "failed", 1)])
    with pytest.raises(Conflict, match="changed since"):
        forked(house, run, "1")
    assert [row.id for row in house.services.runs.list()] == [run]


def test_a_fork_undoes_what_its_parent_did_once_and_only_when_a_person_agrees(house: Project) -> None:
    """It stands after the effect, so it would be left standing; the parent then finds it undone."""
    engine, run = start(house, "undo", amount=4)
    assert counted(house) == [4, -4]
    assert engine.drive(forked(house, run, "1")).run.status == "done"  # undone already: nothing to do
    assert counted(house) == [4, -4]
    engine, run = start(house, "undo", amount=6)
    assert counted(house) == [4, -4, 6, -6]


def test_a_standing_effect_of_the_parent_is_undone_by_the_fork_alone(house: Project, monkeypatch: Any) -> None:
    """Of parent and fork one takes it back; the ledger moves the parent's row, and nothing is undone twice."""
    with monkeypatch.context() as patch:
        patch.setattr(Engine, "drive", lambda *args, **named: None)
        engine, run = start(house, "undo", amount=4)
    graph, _ = house.driver.graph(house.services.runs.get(run).spec_digest)
    graph.invoke({"amount": 4}, {"configurable": {"thread_id": run}}, interrupt_after=["add.perform"])
    assert counted(house) == [4]
    made = forked(house, run, "1")
    [asked] = engine.drive(made).waiting
    assert any(f"it undoes {run}/add/1/0" in reason["because"] for reason in asked.request["reasons"])
    engine.approve(asked.id, "zoe")
    assert engine.drive(made).run.status == "done"
    assert counted(house) == [4, -4]
    assert house.services.ledger.get(f"{run}/add/1/0").state == "compensated"
    assert engine.drive(run).run.status == "done"
    assert counted(house) == [4, -4]


def test_child_runs_are_not_forked_and_what_they_did_is_asked_about(house: Project) -> None:
    """Inside a step with child runs, or between branches and their join, nothing begins; before it, each item asks."""
    engine, run = start(house, "each", amounts=[2, 50, 3])
    assert sorted(counted(house)) == [2, 3]
    with pytest.raises(Refused, match="inside adds"):
        forked(house, run, "2")
    with pytest.raises(Refused, match=f"fork {run}"):
        forked(house, f"{run}.adds.1.1", "0")
    made = forked(house, run, "1")
    standing = engine.drive(made)
    assert len(standing.waiting) == 3
    assert all(f"{run}.adds.1." in row.request["repeats"][0] for row in standing.waiting)
    assert sorted(counted(house)) == [2, 3]
    assert settled(engine, run) == "done"
    engine, run = start(house, "branches", amount=4)
    assert [p.step for p in States(house).positions(run)] == ["START", "both", "meet"]
    with pytest.raises(Refused, match="between the branches"):
        forked(house, run, "1")
    assert engine.drive(forked(house, run, "2")).run.output == engine.services.runs.get(run).output
    assert counted(house)[-1] == 4
