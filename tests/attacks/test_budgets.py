"""Attacks on budgets: two at once, forged inputs, a kill between intent and outcome, and what cannot be computed."""

from __future__ import annotations

import subprocess
import sys
from collections.abc import Callable
from datetime import timedelta
from typing import Any

import pytest
from sqlalchemy import text

from interlock.store.effects import Ledger
from tests.attacks.house import REPOSITORY, House, Run

BUDGET = """
policy: shop
version: 1
applies_to: [shop.note]
calendars:
  office: {timezone: UTC, from: "08:00", to: "18:00"}
approvals:
  one: {count: 1}
inputs:
  amount: {type: int}
  day_total: {type: int, derived: {sum: amount, over: 1d}}
  in_office: {type: bool, derived: {calendar: office}}
rules:
  - {id: small, when: {day_total: {le: 500}, in_office: true}, then: auto, because: within the budget of the day}
  - {id: more, when: {day_total: {gt: 500}}, then: {approve: one}, because: over the budget of the day}
  - {id: late, when: {in_office: false}, then: deny, because: the office is closed}
"""


class Killed(BaseException):
    """The process is gone."""


@pytest.fixture
def budget(house: House) -> House:
    """The shop with a budget of 500 a day, while its office is open."""
    house.write("policies/shop.yaml", BUDGET)
    for graph in ("pay", "chain", "ahead", "ahead_of_note", "edged", "form", "think"):
        (house.root / f"graphs/{graph}.yaml").unlink()
    return house


def rivals(runs: list[Run]) -> list[str]:
    """What each of several processes says that drive these runs at the same moment."""
    processes = [
        subprocess.Popen(
            [sys.executable, "-m", "tests.attacks.rival", str(run.house.root), run.id, "drive"],
            cwd=REPOSITORY, text=True, stdin=subprocess.PIPE, stdout=subprocess.PIPE, stderr=subprocess.PIPE,
        )
        for run in runs
    ]  # fmt: skip
    for process in processes:
        assert process.stdout is not None
        assert process.stdout.readline() == "ready\n", process.communicate()[1]
    for process in processes:
        assert process.stdin is not None
        process.stdin.write("go\n")
        process.stdin.flush()
    return [process.communicate(timeout=120)[0].strip() for process in processes]


def killed(*_: Any, **__: Any) -> Any:
    raise Killed


def up_to_the_intent(house: House, monkeypatch: pytest.MonkeyPatch, amount: int = 300) -> Run:
    """A run whose action the gate let pass by itself, and whose process died before it began."""
    engine = house.engine()
    run = engine.start(engine.project.workflow(house.root / "graphs/note.yaml"), {"amount": amount}, "requester")
    with monkeypatch.context() as patch:
        patch.setattr(Ledger, "intend", killed)
        with pytest.raises(Killed):
            engine.drive(run.id)
    found = Run(house, engine, run.id)
    assert (found.effect.state, (found.effect.verdict or {})["effect"]) == ("gated", "auto")
    return found


def test_two_processes_never_share_a_budget(budget: House, monkeypatch: pytest.MonkeyPatch) -> None:
    """Both payments of 300 were decided `auto` under 500; of two processes that begin them at once, one asks."""
    runs = [up_to_the_intent(budget, monkeypatch) for _ in range(2)]
    assert rivals(runs) == ["ok", "ok"]
    assert budget.effects == ["note 300 anna"]
    assert sorted(run.status for run in runs) == ["done", "waiting"]
    late = next(run for run in runs if run.status == "waiting")
    assert late.asked.request["reasons"][0]["rule"] == "shop/more"
    late.approve("bob")
    late.drive()
    assert len(budget.effects) == 2
    assert late.whole()


@pytest.mark.parametrize("order", [(0, 1), (1, 0)])
def test_whoever_comes_second_is_gated_again(
    budget: House, monkeypatch: pytest.MonkeyPatch, order: tuple[int, int]
) -> None:
    """The first proposal is superseded with the reason, and the second is asked about."""
    runs = [up_to_the_intent(budget, monkeypatch) for _ in range(2)]
    first, second = (runs[place] for place in order)
    first.drive()
    second.drive()
    assert (first.status, second.status, len(budget.effects)) == ("done", "waiting", 1)
    rows = second.engine.services.ledger.of_run(second.id)
    assert sorted((row.slot, row.state) for row in rows) == [(0, "superseded"), (1, "gated")]
    assert "over the budget of the day" in (rows[0].error or rows[1].error or "")
    assert (second.effect.inputs or {})["day_total"] == 600


def test_the_office_closes_between_decision_and_action(budget: House, monkeypatch: pytest.MonkeyPatch) -> None:
    """What was let pass at 17:59 is not begun at 18:00."""
    budget.clock.advance(timedelta(hours=8, minutes=59))
    run = up_to_the_intent(budget, monkeypatch)
    budget.clock.advance(timedelta(minutes=1))
    run.drive()
    assert (run.outcome, budget.effects) == ("not_noted", [])


def test_a_lost_answer_keeps_its_part_of_the_budget(budget: House, monkeypatch: pytest.MonkeyPatch) -> None:
    """A process that dies with an answer outstanding leaves 300 reserved, and its own retry still passes."""
    with monkeypatch.context() as patch:
        patch.setattr(Ledger, "executed", killed)
        with pytest.raises(Killed):
            budget.begun("note", amount=300)
    assert budget.effects == ["note 300 anna"]
    [run] = budget.engine().services.runs.list()
    other = budget.begun("note", amount=300)
    assert (other.status, len(budget.effects)) == ("waiting", 1)
    first = Run(budget, budget.engine(), run.id)
    first.drive()
    assert (first.status, first.effect.attempt) == ("done", 2)


def test_retries_count_once(budget: House) -> None:
    """Three attempts at a payment of 300 leave room for 200 more, and for no cent above."""
    budget.home.mkdir()
    budget.trouble("not_done")
    assert budget.begun("note", amount=300).status == "failed"
    assert budget.tries == 3
    budget.trouble("")
    assert budget.begun("note", amount=300).status == "done"
    assert budget.begun("note", amount=200).status == "done"
    assert budget.begun("note", amount=1).status == "waiting"


@pytest.mark.parametrize(
    "forge",
    [
        lambda inputs: {**inputs, "day_total": 1, "in_office": True},
        lambda inputs: {**inputs, "amount": 1, "action": "shop.look"},
        lambda inputs: {"day_total": 1},
        lambda inputs: None,
    ],
)
def test_forged_inputs_move_no_budget(
    budget: House, monkeypatch: pytest.MonkeyPatch, forge: Callable[[Any], Any]
) -> None:
    """Whatever the row claims the policies were given, sums are computed anew from what counts."""
    run = up_to_the_intent(budget, monkeypatch)
    ledger = run.engine.services.ledger
    assert budget.begun("note", amount=300).status == "done"
    with ledger._database.write() as session:
        row = session.get(type(run.effect), run.effect.id)
        assert row is not None
        row.inputs = forge(row.inputs)
    run.drive()
    assert (run.status, len(budget.effects)) == ("waiting", 1)


def test_an_argument_of_the_same_name_is_no_budget(budget: House) -> None:
    """What a graph binds, or a tool calls its argument, never stands in for a derived input: the project is refused."""
    forged = 'class Noted(Money):\n    day_total: int = about("Forged.", default=0)\n\n\n'
    budget.change("tools/shop.py", "class Look(", f"{forged}class Look(")
    budget.change("tools/shop.py", "def note(arguments: Money", "def note(arguments: Noted")
    checked = budget.command("check", "graphs", "--json")
    assert checked.code == 1
    assert "P030" in {finding["code"] for finding in checked.json["findings"]}


def test_what_cannot_be_computed_denies(budget: House) -> None:
    """An earlier effect without a number, as an older tool left it, denies until it is out of the window."""
    assert budget.begun("note", amount=10).status == "done"
    database = budget.engine().services.database
    with database.write() as session:
        session.execute(text("DELETE FROM reservations WHERE argument = 'amount'"))
    denied = budget.begun("note", amount=10)
    assert (denied.outcome, len(budget.effects)) == ("not_noted", 1)
    assert "day_total is missing" in str(denied.effect.verdict)
    budget.clock.advance(timedelta(days=1))
    assert budget.begun("note", amount=10).status == "done"


def test_the_inputs_are_kept_without_what_no_policy_compares(budget: House) -> None:
    """The row tells the sum, the calendar, the instant and what each meant, and no argument that no rule needs."""
    inputs = budget.begun("note", amount=10).effect.inputs or {}
    assert (inputs["day_total"], inputs["in_office"], inputs["amount"]) == (10, True, 10)
    assert "to" not in inputs
    assert inputs["$at"] == budget.clock().isoformat()
    assert inputs["$derived"]["day_total"] == "sum of amount over 1d of shop.note as int"
