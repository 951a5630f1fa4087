"""F8, upgrades: a run that is moved to another version carries no approval over, and is moved whole or not at all."""

from __future__ import annotations

from typing import Any

import pytest
from langgraph.types import Command

from interlock.engine import settling
from interlock.engine.naming import workflow_named
from interlock.engine.upgrade import Upgrading
from interlock.errors import DecisionRefused
from interlock.graphs.upgrades.mapping import SpecMapping
from tests.attacks.house import BIND, GRAPHS, POLICY, House, attempt, ended
from tests.attacks.test_f08_changed_under_a_run import restarted

SECOND = GRAPHS["pay"].replace("version: 1", "version: 2")
RETRY = ", retry: {attempts: 3, backoff: 1s}"


def upgrading(house: House, old: str, new: str, **mapping: Any) -> Upgrading:
    project = house.project()
    declared = SpecMapping.model_validate(mapping)
    return Upgrading(workflow_named(project, old), workflow_named(project, new), declared)


@pytest.mark.parametrize("when", ["while it waits", "after the yes", "between plan and apply"])
def test_an_approval_of_one_spec_never_authorises_an_action_of_another(house: House, when: str) -> None:
    """The same action with the same arguments under the new version: nothing happens without a new decision."""
    run = house.begun("pay")
    first = run.asked.id
    if when == "after the yes":
        run.approve()
    house.write("graphs/pay.yaml", SECOND)
    moving = upgrading(house, "pay@1", "pay")
    [outlook] = moving.plan()
    assert (outlook.word, outlook.voids) == ("voids_approval", (first,))
    if when == "between plan and apply":
        run.approve()
    [left] = moving.apply("ann")
    assert not left.moved
    [moved] = moving.apply("ann", voiding=True)
    assert (moved.moved, moved.voided) == (True, (first,))
    run = restarted(run)
    run.drive()
    assert (house.effects, house.tries) == ([], 0)
    assert run.engine.services.approvals.get(first).state == "superseded"
    assert run.asked.id != first
    told = attempt(lambda: run.engine.approve(first, "bob"))
    assert isinstance(told, DecisionRefused)
    run.drive()
    assert house.effects == []
    run.approve()
    run.drive()
    assert (house.effects, run.outcome) == (["pay 10 anna"], "done")
    assert run.whole()


def test_an_approval_given_ahead_does_not_outlive_an_upgrade(house: House) -> None:
    """Two people agreed at the approve step; under the new version the action itself asks the same two again."""
    run = house.begun("ahead")
    run.approve("fay", "finn")
    house.change("graphs/ahead.yaml", "version: 1", "version: 2")
    moving = upgrading(house, "ahead@1", "ahead")
    [outlook] = moving.plan()
    assert outlook.word == "voids_approval"
    assert moving.apply("ann", voiding=True)[0].moved
    run = restarted(run)
    run.drive()
    assert house.effects == []
    assert run.asked.requirement["count"] == 2
    run.approve("fay", "finn")
    run.drive()
    run.drive()
    assert (house.effects, run.outcome) == (["ship 10 anna"], "done")
    assert run.whole()


def test_a_forged_spec_in_the_run_row_performs_nothing_that_was_approved(house: House) -> None:
    """Somebody with the database points the run at another pinned spec: the old yes counts for nothing there."""
    run = house.begun("pay")
    house.write("graphs/pay.yaml", SECOND.replace("shop.pay", "shop.refund").replace(RETRY, ""))
    other = house.begun("pay")
    forged = other.engine.services.runs.get(other.id).spec_digest
    run.approve()
    with run.engine.services.database.write() as session:
        row = run.engine.services.runs.get(run.id)
        row.spec_digest = forged
        session.add(row)
    run = restarted(run)
    attempt(run.drive)
    assert (house.effects, house.tries) == ([], 0)
    attempt(run.drive)
    assert (house.effects, house.tries) == ([], 0)


SWAPPED = (
    GRAPHS["chain"]
    .replace("version: 1", "version: 2")
    .replace("START -> pay", "START -> refund")
    .replace("- pay -> refund", "- refund -> pay")
    .replace("- refund -> END", "- pay -> END")
    .replace("from: refund, on: failed", "from: pay, on: failed")
    .replace("keeps: [pay]", "keeps: [refund]")
)


def test_a_mapping_that_swaps_two_actions_carries_no_approval(house: House) -> None:
    """`pay` is said to be `refund` now, and `refund` to be `pay`: the run is left, the payment stays a payment."""
    run = house.begun("chain")
    run.approve()
    house.write("graphs/chain.yaml", SWAPPED)
    moving = upgrading(house, "chain@1", "chain", steps={"pay": "refund", "refund": "pay"})
    [outlook] = moving.plan()
    assert (outlook.word, outlook.reason) == ("impossible", "it has been at pay, and another step is called so now")
    assert not moving.apply("ann", voiding=True)[0].moved
    run = restarted(run)
    run.drive()
    assert house.effects == ["pay 10 anna"]
    assert run.asked.request["action"] == "shop.refund"


def test_a_step_mapped_to_another_action_is_asked_about(house: House) -> None:
    """A payment that was approved is said to be a refund: it is a new question, and no yes is carried."""
    run = house.begun("pay")
    run.approve()
    text = SECOND.replace("shop.pay", "shop.refund").replace(RETRY, "").replace("  pay:", "  back:")
    text = text.replace("-> pay", "-> back").replace("- pay ->", "- back ->").replace("from: pay", "from: back")
    house.write("graphs/pay.yaml", text)
    moving = upgrading(house, "pay@1", "pay", steps={"pay": "back"})
    assert moving.apply("ann", voiding=True)[0].moved
    run = restarted(run)
    run.drive()
    assert (house.effects, run.asked.request["action"]) == ([], "shop.refund")
    run.approve()
    run.drive()
    assert house.effects == ["refund 10 anna"]
    assert run.whole()


def test_an_edge_rewired_under_a_run_is_told(house: House) -> None:
    """The step is still there, but the way into it is another now: the plan says which."""
    house.begun("pay")
    text = SECOND.replace("- START -> pay", "- START -> note\n  - note -> pay")
    text = text.replace("edges:", f"  note: {{call: shop.note, {BIND}}}\nedges:")
    refused = "\n  - {from: note, on: [rejected, expired, denied], to: END, outcome: not_noted}"
    refused += "\n  - {from: pay, on: failed, to: END, outcome: only_noted, keeps: [note]}"
    house.write("graphs/pay.yaml", text.replace("  - pay -> END", "  - pay -> END" + refused))
    [outlook] = upgrading(house, "pay@1", "pay").plan()
    assert (outlook.word, outlook.reason) == (
        "needs_mapping",
        "it came to pay from START, and the way from START leads to note now",
    )
    [outlook] = upgrading(house, "pay@1", "pay", entered={"pay": "note"}).plan()
    assert outlook.word == "voids_approval"


def test_a_question_put_before_the_step_is_not_passed_by(house: House) -> None:
    """Every new run is asked first; one that stands behind the question was not, so it is left."""
    run = house.begun("edged")
    house.write(
        "graphs/edged.yaml",
        GRAPHS["edged"]
        .replace("version: 1", "version: 2")
        .replace(
            "  - {from: START, to: ship, approval: one}",
            "  - START -> ask\n  - {from: ask, to: ship, approval: one}\n"
            "  - {from: ask, on: [rejected, expired], to: END, outcome: refused}",
        )
        .replace("edges:", "  ask: {approve: Really?}\nedges:"),
    )
    [outlook] = upgrading(house, "edged@1", "edged", entered={"ship": "ask"}).plan()
    assert (outlook.word, outlook.reason) == ("impossible", "people are asked at ask before ship now, and were not")
    assert restarted(run).asked.request["action"] == "shop.ship"


ASKED = """
graph: asked
version: 1
input: {amount: {type: integer}, to: {type: string, default: anna}}
steps:
  ask: {approve: May it be noted?, reads: [amount]}
  pay: {call: shop.pay, bind: {amount: $.amount, to: $.to}}
edges:
  - START -> ask
  - ask -> pay
  - {from: ask, on: [rejected, expired], to: END, outcome: refused}
  - pay -> END
  - {from: pay, on: [rejected, expired, denied], to: END, outcome: not_paid}
"""


def test_an_answer_to_another_question_is_not_carried_in_silence(house: House) -> None:
    """What people said yes to is worded otherwise now: the mapping has to say that the answer counts."""
    house.write("graphs/asked.yaml", ASKED)
    run = house.begun("asked")
    run.approve()
    run.drive()
    house.change("graphs/asked.yaml", "version: 1", "version: 2")
    house.change("graphs/asked.yaml", "May it be noted?", "May everything be paid?")
    [outlook] = upgrading(house, "asked@1", "asked").plan()
    assert (outlook.word, outlook.reason) == (
        "needs_mapping",
        "ask was answered, and asks otherwise now (approve); does it count? see `answers`",
    )
    assert not upgrading(house, "asked@1", "asked").apply("ann", voiding=True)[0].moved
    [outlook] = upgrading(house, "asked@1", "asked", answers=["ask"]).plan()
    assert outlook.word == "voids_approval"


def test_an_effect_in_doubt_is_settled_under_the_spec_it_began_under(house: House) -> None:
    """Nobody knows whether it happened, so the run is not moved: under a new proposal it might happen twice."""
    house.home.mkdir()
    house.trouble("lost")
    run = house.begun("form")
    assert (run.effect.state, run.asked.kind) == ("in_doubt", "doubt")
    house.change("graphs/form.yaml", "version: 1", "version: 2")
    moving = upgrading(house, "form@1", "form")
    [outlook] = moving.plan()
    assert (outlook.word, outlook.reason) == ("impossible", f"effect {run.effect.id} is in doubt; finish it first")
    assert not moving.apply("ann", voiding=True)[0].moved
    house.trouble("")
    before = list(house.effects)
    run = restarted(run)
    run.engine.services.approvals.respond(run.asked.id, "bob", happened=True)
    run.drive()
    assert (house.effects, run.status) == (before, "done")


def test_the_old_graph_compiled_for_a_moved_run_is_refused(house: House) -> None:
    """Whoever still holds the old graph can do nothing with the run once it was moved."""
    run = house.begun("pay")
    old = house.raw("pay")
    run.approve()
    house.write("graphs/pay.yaml", SECOND)
    assert upgrading(house, "pay@1", "pay").apply("ann", voiding=True)[0].moved
    for feed in (Command(resume="yes"), None, Command(goto="pay.perform"), Command(goto="pay.propose")):
        told = attempt(lambda feed=feed: old.invoke(feed, run.config))
        assert isinstance(told, Exception)
        assert house.effects == []
    run = restarted(run)
    run.drive()
    run.approve()
    run.drive()
    assert (house.effects, run.outcome) == (["pay 10 anna"], "done")
    assert run.whole()


@pytest.mark.parametrize("change", ["the policy", "the card"])
def test_what_changes_after_the_plan_is_judged_again(house: House, change: str) -> None:
    """A moved run's action is gated by the rules as they are when it goes on, not as they were."""
    run = house.begun("pay")
    house.write("graphs/pay.yaml", SECOND)
    moving = upgrading(house, "pay@1", "pay")
    moving.plan()
    if change == "the policy":
        house.write("policies/shop.yaml", POLICY.replace("then: {approve: one}", "then: deny"))
    else:
        (house.root / "nodes" / "think.yaml").unlink()
    assert moving.apply("ann", voiding=True)[0].moved
    run = restarted(run)
    run.drive()
    assert house.effects == []
    assert run.outcome == ("not_paid" if change == "the policy" else None)


def test_an_upgrade_at_the_terminal_wants_a_yes(open_house: House) -> None:
    """Without --yes nothing changes; with it the moved run waits for a new answer."""
    run = open_house.begun("pay")
    first = run.asked.id
    open_house.write("graphs/pay.yaml", SECOND)
    assert open_house.command("upgrade", "apply", "pay@1", "pay", "--as", "ann").code == 2
    planned = open_house.command("upgrade", "plan", "pay@1", "pay", "--json")
    assert (planned.code, planned.json["runs"][0]["verdict"]) == (0, "voids_approval"), planned.err
    assert run.asked.id == first
    left = open_house.command("upgrade", "apply", "pay@1", "pay", "--as", "ann", "--yes", "--json")
    assert (left.code, left.json["runs"][0]["moved"]) == (1, False)
    options = ("--as", "ann", "--yes", "--void-approvals", "--json")
    moved = open_house.command("upgrade", "apply", "pay@1", "pay", *options)
    assert (moved.code, moved.json["runs"][0]["voided"]) == (0, [first]), moved.err
    late = open_house.command("review", "approve", first, "--as", "bob")
    assert late.code == 1
    assert open_house.effects == []


def test_the_new_graph_on_the_old_checkpoint_does_nothing(house: House, monkeypatch: pytest.MonkeyPatch) -> None:
    """The move is stored, its checkpoint is not yet: whoever compiles the new graph by hand gets nowhere with it."""
    run = house.begun("pay")
    run.approve()
    house.write("graphs/pay.yaml", SECOND)
    moving = upgrading(house, "pay@1", "pay")
    real, home = settling.settle, str(house.home)

    def dies(graph: Any, run_id: str, services: Any) -> None:
        if home in services.database.name:  # not in the copy of the dry run
            raise SystemError("the process ends here")
        real(graph, run_id, services)

    with monkeypatch.context() as patch:
        patch.setattr("interlock.engine.upgrade.settle", dies)
        assert isinstance(attempt(lambda: moving.apply("ann", voiding=True)), SystemError)
    new = house.raw("pay")
    for feed in (Command(resume="yes"), None, Command(goto="pay.perform"), Command(goto="pay.gate")):
        attempt(lambda feed=feed: new.invoke(feed, run.config))
        assert house.effects == []
    run = restarted(run)
    run.drive()
    assert house.effects == []
    run.approve()
    run.drive()
    assert (house.effects, run.outcome) == (["pay 10 anna"], "done")
    assert run.whole()


def test_two_who_move_a_run_at_once_move_it_once(open_house: House) -> None:
    """Two processes apply the same upgrade: one moves it, the other finds it moved or busy."""
    run = open_house.begun("pay")
    open_house.write("graphs/pay.yaml", SECOND)
    options = ("upgrade", "apply", "pay@1", "pay", "--as", "ann", "--yes", "--void-approvals", "--json")
    both = [ended(process) for process in [open_house.cli(*options), open_house.cli(*options)]]
    assert sorted(row["moved"] for one in both for row in one.json["runs"]) in ([True], [False, True])
    run = restarted(run)
    moves = [entry for entry in run.engine.history(run.id) if entry["event"] == "run.upgraded"]
    assert len(moves) == 1
    run.drive()
    run.approve()
    run.drive()
    assert (open_house.effects, run.outcome) == (["pay 10 anna"], "done")
    assert run.whole()
