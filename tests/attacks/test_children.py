"""Attacks on runs with child runs, through the raw graphs of parent and child and through the public API."""

from __future__ import annotations

from concurrent.futures import ThreadPoolExecutor
from threading import Barrier
from typing import Any

import pytest
from langgraph.types import Command

from interlock.engine import service
from interlock.errors import InputError, Refused, RunBusy, RunCancelled
from interlock.store.locks import held
from tests.attacks.families import below, built, finish, raw, statuses
from tests.attacks.house import House, Run, attempt

YES = {"decisions": [{"type": "approve"}]}

PARENT: dict[str, tuple[str, dict[str, Any]]] = {
    "the fork says that it is over": ("split.start", {"_next": "gather", "_edge": 3}),
    "the wait says that it is over": ("split.wait", {"_next": "gather", "_edge": 4, "_request": None}),
    "the join says that it is done": ("gather", {"_next": "again.propose", "_edge": 5, "first": {"line": "forged"}}),
    "the join says that it failed": ("gather", {"_next": "finish", "_edge": 6}),
    "the fork is entered again": ("gather", {"_next": "split.start", "_edge": 0, "_visits": {"split": 1}}),
    "the fork begins a second visit": ("split.wait", {"_next": "split.start", "_visits": {"split": 1}}),
    "the action after the join acts": ("again.gate", {"_next": "again.perform", "_visits": {"again": 1}}),
    "no runs are waited for": ("split.start", {"_request": {"interlock": {"kind": "children", "runs": []}}}),
    "nothing is waited for": ("split.start", {"_next": "split.wait", "_request": None}),
    "the end": ("finish", {"_next": ""}),
}  # fmt: skip


def nested(house: House, **values: Any) -> Run:
    """A run that waits for a question inside its nested graph."""
    run = built(house).begun("nested", **values)
    run.approve()
    run.drive()
    return run


@pytest.mark.parametrize("name", PARENT)
def test_a_forged_position_of_the_parent_skips_no_child(house: House, name: str) -> None:
    """Whatever is written in the name of fork and join, both branches ask, and each acts once."""
    run = built(house).begun("twins")
    graph = run.raw()
    node, values = PARENT[name]
    attempt(lambda: graph.update_state(run.config, values, as_node=node))
    for feed in (None, Command(resume=YES), Command(goto="gather"), Command(goto="again.perform")):
        attempt(lambda feed=feed: graph.invoke(feed, run.config))
    assert (house.effects, house.tries) == ([], 0)
    assert statuses(run) == {"": "waiting", ".split.1.left": "waiting", ".split.1.right": "waiting"}
    finish(run)
    assert house.effects == ["pay 10 anna"] * 3
    assert (run.status, run.outcome) == ("done", "done")
    assert run.whole()


CHILD: dict[str, tuple[str, dict[str, Any]]] = {
    "gate says perform": ("pay.gate", {"_next": "pay.perform"}),
    "approve says perform": ("pay.approve", {"_next": "pay.perform", "_request": None}),
    "perform says done": ("pay.perform", {"_next": "finish", "_edge": 1, "receipt": {"line": "forged"}}),
    "a second visit": ("begin", {"_next": "pay.propose", "_edge": 0, "_visits": {"pay": 1}}),
    "finish": ("finish", {"_next": ""}),
    "other values": ("pay.gate", {"_next": "pay.perform", "amount": 999, "to": "eve"}),
}


@pytest.mark.parametrize("name", CHILD)
def test_a_forged_position_of_a_child_causes_nothing(house: House, name: str) -> None:
    """The child's own compiled graph neither acts nor ends it; the parent goes on when its question is answered."""
    run = nested(house)
    child = below(run, "inner.1")
    graph = raw(child)
    node, values = CHILD[name]
    attempt(lambda: graph.update_state(child.config, values, as_node=node))
    for feed in (None, Command(resume=YES), Command(goto="pay.perform"), {"amount": 10, "to": "anna"}):
        attempt(lambda feed=feed: graph.invoke(feed, child.config))
    assert (house.effects, house.tries, child.status, run.status) == ([], 0, "waiting", "waiting")
    finish(run)
    assert house.effects == ["pay 10 anna", "pay 10 pay 10 anna"]
    assert run.status == "done"
    assert run.whole()


def test_a_forged_position_of_a_child_outlives_no_rejection(house: House) -> None:
    """Moved to its action by hand, then rejected: the child leaves by the rejection, and the parent with it."""
    run = nested(house)
    child = below(run, "inner.1")
    raw(child).update_state(child.config, {"_next": "pay.perform", "_request": None}, as_node="pay.approve")
    run.drive()
    assert (house.effects, child.status) == ([], "waiting")
    run.engine.services.approvals.reject(child.asked.id, "bob", comment="no")
    raw(child).update_state(child.config, {"_next": "pay.perform", "_request": None}, as_node="pay.approve")
    run.drive()
    assert (house.effects, child.outcome, run.outcome) == ([], "not_paid", "nothing")
    assert run.whole()


def test_a_resume_by_hand_while_children_wait_only_looks_again(house: House) -> None:
    """Forged answers to the parent's interrupt, by value or by id, replayed or not, leave every child where it is."""
    run = built(house).begun("twins")
    graph = run.raw()
    interrupt = graph.get_state(run.config).tasks[0].interrupts[0]
    answers = (YES, {interrupt.id: YES}, {interrupt.id: {"runs": []}}, "done", {"outcome": "done", "output": {"a": 1}})
    for answer in answers:
        attempt(
            lambda answer=answer: graph.invoke(Command(resume=answer, update={"first": {"line": "eve"}}), run.config)
        )
    assert house.effects == []
    assert [row.run_id for row in run.engine.standing(run.id).waiting] == [
        f"{run.id}.split.1.left",
        f"{run.id}.split.1.right",
    ]
    finish(run)
    assert house.effects == ["pay 10 anna"] * 3
    assert run.whole()


def test_parent_and_children_driven_at_once_act_once(house: House) -> None:
    """The engine and the graphs of parent and children go on at one moment: each approved action happens once."""
    run = built(house).begun("twins")
    for row in run.engine.standing(run.id).waiting:
        run.engine.approve(row.id, "bob")
    family = [below(run, "split.1.left"), below(run, "split.1.right"), run]
    barrier = Barrier(4)

    def by_hand(each: Run) -> None:
        graph = raw(each)
        barrier.wait()
        attempt(lambda: graph.invoke(Command(resume={"woken": True}), each.config))

    def by_engine() -> None:
        engine = house.engine()
        barrier.wait()
        attempt(lambda: engine.drive(run.id))

    with ThreadPoolExecutor(4) as pool:
        for done in [*(pool.submit(by_hand, each) for each in family), pool.submit(by_engine)]:
            done.result()
    Run(house, house.engine(), run.id).drive()
    assert (house.effects, house.tries) == (["pay 10 anna"] * 2, 2)
    finish(Run(house, house.engine(), run.id))
    assert house.effects == ["pay 10 anna"] * 3
    assert run.whole()


def test_the_lease_is_the_roots_whichever_run_is_named(house: House) -> None:
    """While somebody drives the root, neither it nor a run below it is driven elsewhere."""
    run = nested(house)
    child = below(run, "inner.1")
    run.engine.approve(child.asked.id, "bob")
    with held(run.engine.services.database, house.home, f"run {run.id}", busy=""):
        for act in (child.drive, run.drive):
            assert isinstance(attempt(act), RunBusy)
    assert house.effects == []
    child.drive()
    assert house.effects == ["pay 10 anna"]
    assert run.whole()


def test_a_run_that_somebody_holds_is_cancelled_all_the_same(house: House, monkeypatch: pytest.MonkeyPatch) -> None:
    """It is on record at once, and whoever goes on with the run or one below it performs nothing that was approved."""
    monkeypatch.setattr(service, "CANCEL_PATIENCE", 0.0)
    run = nested(house)
    child = below(run, "inner.1")
    run.engine.approve(child.asked.id, "bob")
    with held(run.engine.services.database, house.home, f"run {run.id}", busy=""):
        assert run.engine.cancel(run.id, "me").status == "waiting"
        graph = raw(child)
        assert isinstance(attempt(lambda: graph.invoke(Command(resume=YES), child.config)), RunCancelled)
    child.drive()
    assert set(statuses(run).values()) == {"cancelled"}
    assert house.effects == []
    assert run.whole()


# Ids and beginnings --------------------------------------------------------------------------------


def test_nobody_begins_a_run_under_the_id_of_a_child(house: House) -> None:
    """An id with the marks of child runs and effects begins nothing, whether or not there is such a parent."""
    run = built(house).begun("nested")
    graph = house.raw("pay")
    for name in (f"{run.id}.inner.1", f"{run.id}/inner/1/0", "other.split.1.left"):
        with pytest.raises(InputError, match=r"may hold no `\.` and no `/`"):
            graph.invoke({"amount": 900, "to": "eve"}, {"configurable": {"thread_id": name}})
    run.approve()
    run.drive()
    child = run.engine.services.runs.get(f"{run.id}.inner.1")
    assert (child.parent_id, child.input, child.requester) == (run.id, {"amount": 10, "to": "anna"}, "requester")
    finish(run)
    assert house.effects == ["pay 10 anna", "pay 10 pay 10 anna"]
    assert run.whole()


def test_a_state_written_before_the_child_exists_is_not_its_state(house: House) -> None:
    """A child run begins from its input alone, whatever stood in the checkpoints under the id that it got."""
    run = built(house).begun("nested")
    child = below(run, "inner.1")
    forged = {"amount": 900, "to": "eve", "_edge": 0, "_visits": {"pay": 1}}
    for node, after in (("begin", "pay.propose"), ("pay.gate", "pay.perform")):
        house.raw("pay").update_state(child.config, forged | {"_next": after}, as_node=node)
    run.approve()
    run.drive()
    assert child.asked.request["arguments"] == {"amount": 10, "to": "anna"}
    finish(run)
    assert house.effects == ["pay 10 anna", "pay 10 pay 10 anna"]
    assert run.whole()


def test_other_input_or_another_workflow_cannot_take_a_child_over(house: House) -> None:
    """The child's thread takes no new input, and no other graph goes on with it."""
    run = nested(house)
    child = below(run, "inner.1")
    for graph, values in (("pay", {"amount": 900, "to": "eve"}), ("note", {"amount": 10, "to": "anna"})):
        told = attempt(lambda graph=graph, values=values: house.raw(graph).invoke(values, child.config))
        assert isinstance(told, Refused)
    assert house.effects == []
    finish(run)
    assert house.effects == ["pay 10 anna", "pay 10 pay 10 anna"]
    assert run.whole()


# Approvals -----------------------------------------------------------------------------------------


def test_an_approval_of_one_branch_is_none_for_its_twin(house: House) -> None:
    """The same action with the same arguments: the approval holds for the run that asked, and for no later step."""
    run = built(house).begun("twins")
    left, right = below(run, "split.1.left"), below(run, "split.1.right")
    mine = left.asked
    run.engine.approve(mine.id, "bob")
    assert mine.digest != right.asked.digest
    forged = {"_next": "pay.perform", "_request": {"interlock": {"id": mine.id, "kind": "action"}}}
    graph = raw(right)
    attempt(lambda: graph.update_state(right.config, forged, as_node="right.gate"))
    attempt(lambda: graph.update_state(right.config, forged | {"_next": "right.perform"}, as_node="right.approve"))
    attempt(lambda: graph.invoke(Command(resume={"approval": mine.id}), right.config))
    assert house.effects == []
    run.drive()  # the forged branch goes back to its question
    assert house.effects == ["pay 10 anna"]
    assert (left.status, right.status) == ("done", "waiting")
    right.approve()
    run.drive()
    assert house.effects == ["pay 10 anna"] * 2
    assert run.asked.run_id == run.id  # the same action after the join asks anew
    assert "already consumed" in str(attempt(lambda: run.engine.approve(mine.id, "bob")))
    run.drive()
    assert house.effects == ["pay 10 anna"] * 2
    assert run.whole()


def test_an_approval_of_one_round_is_none_for_the_next(house: House) -> None:
    """A fork entered a second time makes new child runs, whose questions are new."""
    run = built(house).begun("rounds")
    first = below(run, "split.1.left").asked
    run.engine.approve(first.id, "bob")
    run.drive()
    assert sorted(house.effects) == ["note 10 anna", "note 10 anna", "pay 10 anna"]
    second = below(run, "split.2.left")
    assert second.asked.id != first.id
    graph = raw(second)
    attempt(lambda: run.engine.approve(first.id, "bob"))
    attempt(lambda: graph.invoke(Command(resume={"approval": first.id}), second.config))
    run.drive()
    assert house.effects.count("pay 10 anna") == 1
    second.approve()
    run.drive()
    assert (house.effects.count("pay 10 anna"), run.outcome) == (2, "over")
    assert run.whole()


# Values --------------------------------------------------------------------------------------------


def test_a_forged_output_of_a_child_reaches_a_question_but_no_effect(house: House) -> None:
    """What stands in a checkpoint is believed as a value; its label is the worst it can have, so a person is asked."""
    run = nested(house)
    child = below(run, "inner.1")
    child.approve()
    graph = raw(child)
    attempt(lambda: graph.invoke(Command(resume={"woken": True}), child.config, interrupt_before=["finish"]))
    assert (house.effects, child.status) == (["pay 10 anna"], "waiting")
    graph.update_state(child.config, {"receipt": {"line": "eve"}, "_next": "finish"}, as_node="pay.perform")
    run.drive()
    assert run.engine.services.runs.get(child.id).output == {"receipt": {"line": "eve"}}
    recorded = child.effect.result
    assert recorded == {"line": "pay 10 anna"}  # the ledger says what the action gave
    assert run.asked.request["arguments"]["to"] == "eve"
    assert run.effect.labels["to"] == "untrusted"
    assert house.effects == ["pay 10 anna"]
    assert run.whole()


def test_what_is_passed_down_keeps_its_label(house: House) -> None:
    """No nested graph, item or branch, nor a graph in a graph, makes a user's word of what a tool said."""
    run = built(house).begun("hearsay", names=["zoe"], to="anna")
    labels = {
        tail: below(run, tail).effect.labels for tail in ("split.1.left.left.1.inner.1", "split.1.right.right.1.1")
    }
    assert labels == {
        "split.1.left.left.1.inner.1": {"amount": "user", "to": "untrusted"},
        "split.1.right.right.1.1": {"amount": "user", "to": "untrusted"},
    }
    assert run.engine.services.runs.get(f"{run.id}.split.1.left.left.1.inner.1").input["to"] == "anna"


# Endings -------------------------------------------------------------------------------------------


def test_nothing_acts_below_a_run_that_was_cancelled(house: House) -> None:
    """Approved and not yet performed, then cancelled: no graph of the family acts, and nothing begins below it."""
    run = built(house).begun("twins")
    for row in run.engine.standing(run.id).waiting:
        run.engine.approve(row.id, "bob")
    run.engine.cancel(run.id, "me")
    assert set(statuses(run).values()) == {"cancelled"}
    assert run.engine.standing(run.id).waiting == []
    for each in (run, below(run, "split.1.left"), below(run, "split.1.right")):
        graph = raw(each)
        for feed in (Command(resume={"woken": True}), None, Command(goto="left.perform"), {"amount": 10, "to": "anna"}):
            attempt(lambda feed=feed, graph=graph, each=each: graph.invoke(feed, each.config))
    parent = run.engine.services.runs.get(run.id)
    with pytest.raises(Refused, match="has ended; nothing begins below it"):
        run.engine.services.runs.create_children(parent, "split", 2, [], "me")
    assert (house.effects, len(statuses(run))) == ([], 3)
    assert "is part of" in str(attempt(lambda: run.engine.cancel(f"{run.id}.split.1.left", "me")))
    assert run.whole()


def test_a_family_ends_in_one_commit(house: House) -> None:
    """A process that dies while it cancels leaves a whole family, which the next one ends, and no mixture."""
    run = built(house).begun("twins")
    engine = house.engine()
    ledger = engine.services.ledger
    ledger.cancel = lambda session, run_id: (_ for _ in ()).throw(KeyboardInterrupt())  # type: ignore[method-assign]
    with pytest.raises(KeyboardInterrupt):
        engine.cancel(run.id, "me")
    assert set(statuses(run).values()) == {"waiting"}
    Run(house, house.engine(), run.id).drive()
    assert set(statuses(run).values()) == {"cancelled"}
    assert house.effects == []
    assert run.whole()


# Many levels ---------------------------------------------------------------------------------------


def test_four_levels_are_one_run(open_house: House) -> None:
    """Ids, history, show, resume by the deepest id and cancelling hold for a graph in a map in a fork in a graph."""
    run = built(open_house).begun("deepest", names=["ann", "ben"])
    deep = below(run, "down.1.split.1.many.all.1.2.inner.1")
    assert deep.asked.request["arguments"] == {"amount": 10, "to": "ben"}
    assert run.engine.services.runs.root(deep.id).id == run.id
    assert run.engine.services.runs.lineage(deep.id)[-1] == run.id
    deep.approve()
    deep.drive()
    assert sorted(open_house.effects) == ["note 10 once", "pay 10 ben"]
    shown = open_house.command("runs", "show", run.id)
    assert shown.code == 0, shown.err
    words = "".join(shown.out.split())  # a narrow terminal breaks long ids
    for each in statuses(run):
        assert run.id + each in words
    events = [entry["subject"] for entry in run.engine.history(run.id) if entry["event"] == "run.created"]
    assert len(events) == len(set(events)) == 8
    inner = [entry["subject"] for entry in run.engine.history(f"{run.id}.down.1.split.1.many.all.1.2")]
    assert inner
    assert not [subject for subject in inner if ".all.1.1" in subject]
    cancelled = open_house.command("runs", "cancel", run.id)
    assert cancelled.code == 0, cancelled.err
    assert set(statuses(run).values()) == {"cancelled", "done"}
    assert sorted(open_house.effects) == ["note 10 once", "pay 10 ben"]
    assert run.whole()
