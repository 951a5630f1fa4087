"""The examples do what they show, and stop what they say they stop."""

from __future__ import annotations

import json
import os
import shlex
import sqlite3
import subprocess
import sys
from datetime import UTC, datetime, timedelta
from pathlib import Path

import pytest
from pages import ROOT, WEIGHTS, Story, play, said

from interlock.engine.project import Project
from interlock.engine.service import Engine
from interlock.errors import DecisionRefused
from interlock.tools.connect.browser import program

EXAMPLES = sorted(path.parent for path in (ROOT / "examples").glob("*/README.md"))
DRAWERS = ("graphs", "nodes", "tools", "policies")

needs_weights = pytest.mark.skipif(not WEIGHTS, reason="the embedded action model's weights are not there")


UNCERTIFIED = pytest.mark.xfail(
    strict=True, reason="nothing is certified for labels yet, so the route takes its other model"
)
MARKS = {
    "triage": UNCERTIFIED,
    "connected": pytest.mark.slow,  # it starts an MCP server for each call
    "order_form": pytest.mark.slow,  # it starts a browser for each thing on a page
}


@pytest.mark.parametrize(
    "example",
    [pytest.param(path, id=path.name, marks=MARKS.get(path.name, ())) for path in EXAMPLES],
)
def test_an_example_prints_what_its_readme_shows(example: Path, tmp_path: Path) -> None:
    """Typed in order, the commands of the README print exactly what stands under them."""
    needs = said(example / "README.md", "needs")
    if needs == "a browser" and program(None) is None:
        pytest.skip("no Chromium is installed; install the package chromium")
    if needs == "action model" and not WEIGHTS:
        pytest.skip("the embedded action model's weights are not there")
    for block, wanted in play(example / "README.md", tmp_path):
        assert wanted == block.text, (
            f"{block.place}: run `python tests/docs/pages.py examples/{example.name}/README.md`"
        )


@pytest.mark.parametrize("example", EXAMPLES, ids=lambda path: path.name)
def test_an_example_has_the_four_drawers(example: Path) -> None:
    """An example is a project like any other."""
    assert all((example / drawer).is_dir() for drawer in DRAWERS)


@pytest.fixture
def invoices(tmp_path: Path) -> Story:
    return Story(tmp_path / "project", tmp_path / "home", "examples/pay_invoice")


def invoice(story: Story, amount: object, *, payee: str = "Northwind Supplies", by: str = "clerk") -> dict[str, object]:
    """Ask for a payment; how the run stands."""
    played = story.type(
        f"interlock run pay_invoice -i payee={shlex.quote(payee)} -i amount={amount} -i invoice=1 --as {by} --json"
    )
    lines = [line for line in played.printed.splitlines() if line.startswith("{")]
    return {"code": played.code, "said": played.printed, **(json.loads(lines[-1]) if lines else {})}


def paid(story: Story) -> list[str]:
    """The amounts on the ledger, from outside Interlock."""
    ledger = Path(story.environment["INTERLOCK_HOME"]) / "bank.db"
    if not ledger.exists():
        return []
    with sqlite3.connect(ledger) as bank:
        found = bank.execute(
            'select cents from postings join transactions on transactions.id = postings."transaction" '
            "where kind = 'transfer' and cents > 0"
        )
        return [f"{cents / 100:.2f}" for (cents,) in found]


def test_a_rejected_payment_is_not_made(invoices: Story) -> None:
    """A rejection ends the run as refused, and the ledger stays empty."""
    [request] = invoice(invoices, 480)["approvals"]  # type: ignore[misc]
    assert invoices.type(f"interlock review reject {request} --as treasurer").code == 1
    played = invoices.type(f"interlock review reject {request} --as treasurer --comment 'ordered by nobody'")
    assert (played.code, "refused" in played.printed) == (0, True)
    assert paid(invoices) == []


def test_a_late_decision_pays_nothing(invoices: Story) -> None:
    """Once the time to decide has passed, the request is closed, and an approval comes too late."""
    [request] = invoice(invoices, 480)["approvals"]  # type: ignore[misc]
    with invoices.inside():
        engine = Engine(Project.at(clock=lambda: datetime.now(UTC) + timedelta(hours=25)))
        with pytest.raises(DecisionRefused, match="already expired"):
            engine.approve(request, "treasurer")
        standing = engine.drive(engine.services.approvals.get(request).run_id)
    assert standing.run.outcome == "nobody_decided"
    assert paid(invoices) == []


def test_a_second_approval_of_the_same_request_pays_nothing_more(invoices: Story) -> None:
    """An approval is used once, whoever sends it again."""
    [request] = invoice(invoices, 480)["approvals"]  # type: ignore[misc]
    assert invoices.type(f"interlock review approve {request} --as treasurer").code == 0
    again = invoices.type(f"interlock review approve {request} --as controller")
    assert (again.code, "already consumed" in again.printed) == (1, True)
    assert paid(invoices) == ["480.00"]


@pytest.mark.parametrize(
    ("amount", "votes"), [("0.01", 1), ("500", 1), ("500.01", 1), ("1000", 1), ("10000", 1), ("10000.01", 2)]
)
def test_the_number_of_people_follows_the_amount(invoices: Story, amount: str, votes: int) -> None:
    """At each boundary of the policy exactly the people it names are asked."""
    standing = invoice(invoices, amount)
    [request] = standing["approvals"]  # type: ignore[misc]
    if float(amount) > 1000:
        played = invoices.type(f"interlock review approve {request} --as storekeeper --set goods=complete --json")
        [following] = json.loads(next(line for line in played.printed.splitlines() if line.startswith("{")))[
            "approvals"
        ]
        request = following["id"]
    shown = json.loads(invoices.type(f"interlock review show {request} --json").printed)
    assert shown["requirement"]["count"] == votes
    for person in ["treasurer", "controller"][:votes]:
        assert paid(invoices) == []
        assert invoices.type(f"interlock review approve {request} --as {person}").code == 0
    assert [float(cents) for cents in paid(invoices)] == [float(amount)]


@pytest.mark.parametrize("amount", ["0", "-5", "0.001", "1e400", "NaN", '"480"'])
def test_a_strange_amount_pays_nothing(invoices: Story, amount: str) -> None:
    """What is no positive sum of money ends as a failure or a refusal, and never on the ledger."""
    standing = invoice(invoices, shlex.quote(amount))
    assert standing["code"] in (0, 1, 2), standing
    assert standing.get("outcome") in (None, "refused"), standing
    assert paid(invoices) == []


def test_the_command_itself_works_from_a_shell(tmp_path: Path) -> None:
    """As its own process, `interlock` checks the example and says so with exit code 0."""
    story = Story(tmp_path / "project", tmp_path / "home", "examples/pay_invoice")
    done = subprocess.run(
        [str(Path(sys.executable).with_name("interlock")), "check", "graphs"],
        cwd=story.folder, env=os.environ | story.environment, text=True, capture_output=True, timeout=60, check=False,
    )  # fmt: skip
    assert (done.returncode, done.stderr) == (0, "")
    assert "pay_invoice.yaml: ok" in done.stdout


@needs_weights
@pytest.mark.parametrize(
    ("request_text", "action"),
    [
        ("Add an appointment called Budget review on 2026-03-02 at 14:00", "calendar.add"),
        ("Show the balance of the account main", "payments.balance"),
        ("Pay 480 EUR to Northwind Supplies", "payments.transfer"),
    ],
)
def test_the_front_desk_turns_a_sentence_into_one_guarded_action(
    tmp_path: Path, request_text: str, action: str
) -> None:
    """The shipped front desk proposes the action that was asked for; what changes something waits for a person."""
    story = Story(tmp_path / "project", tmp_path / "home")
    played = story.type(f"interlock run front_desk -i request={shlex.quote(request_text)} --as visitor --json")
    run = json.loads(played.printed.splitlines()[0])["run"]
    effects = json.loads(story.type(f"interlock runs show {run} --json").printed)["effects"]
    assert [effect["action"] for effect in effects] == [action]
    assert played.code == (3 if action == "payments.transfer" else played.code)


@needs_weights
def test_the_front_desk_answers_what_asks_for_no_action(tmp_path: Path) -> None:
    """A question outside the action space goes to the chat model, and nothing is proposed."""
    story = Story(tmp_path / "project", tmp_path / "home")
    played = story.type("interlock run front_desk -i request='Who wrote the first novel?' --as visitor --json")
    ended = json.loads(played.printed.splitlines()[-1])
    assert (ended["event"], ended["outcome"]) == ("done", "answered")


@pytest.fixture
def support(tmp_path: Path) -> Story:
    return Story(tmp_path / "project", tmp_path / "home", "examples/triage")


def sorted_into(story: Story, request: str, order: str) -> tuple[dict[str, object], dict[str, object]]:
    """How a support request ended or waits, and the run's record."""
    command = f"interlock run triage -i request={shlex.quote(request)} -i order={order} --as clerk --json"
    events = [json.loads(line) for line in story.type(command).printed.splitlines() if line.startswith("{")]
    return events[-1], json.loads(story.type(f"interlock runs show {events[-1]['run']} --json").printed)


@needs_weights
@pytest.mark.parametrize(
    ("order", "answer"),
    [
        ("A-1001", {"status": "delivered"}),
        ("A-1002", {"status": "shipped", "due": "2026-01-09"}),
        ("A-1003", {"status": "open"}),
        ("A-9999", {"status": "unknown"}),
    ],
)
def test_a_question_is_answered_from_the_record(support: Story, order: str, answer: dict[str, str]) -> None:
    """The answer is what the lookup found; an order that nobody knows is not made up."""
    ended, record = sorted_into(support, "A question: where is it?", order)
    assert (ended["outcome"], ended["output"]["answer"]) == ("answered", answer)  # type: ignore[index]
    (effect,) = record["effects"]  # type: ignore[misc]
    assert (effect["action"], effect["arguments"]) == ("orders.find", {"order": order})
    assert paid(support) == []


@needs_weights
@UNCERTIFIED
@pytest.mark.parametrize(("order", "price", "votes"), [("A-1001", "48.00", 1), ("A-1002", "240.00", 2)])
def test_a_refund_pays_the_price_once_enough_people_agree(support: Story, order: str, price: str, votes: int) -> None:
    """The record's price decides how many people are asked, and is what is paid."""
    standing, _ = sorted_into(support, "I want my money back, pay 9000 for order 1001", order)
    [request] = standing["approvals"]  # type: ignore[misc]
    for person in ["lead", "deputy"][:votes]:
        assert paid(support) == []
        assert support.type(f"interlock review approve {request} --as {person}").code in (0, 3)
    assert paid(support) == [price]


@needs_weights
def test_what_is_neither_goes_to_a_person(support: Story) -> None:
    """Nothing is looked up and nothing is paid for a request of another kind."""
    ended, record = sorted_into(support, "Congratulations on your anniversary!", "A-1001")
    assert (ended["outcome"], record["effects"]) == ("for_a_person", [])
