"""Other rules are tried on what happened: with the invoices of the example, at the command line."""

from __future__ import annotations

import json
from typing import Any

import pytest
from pages import ROOT, Story

RULES = (ROOT / "examples" / "pay_invoice" / "policies" / "payments.yaml").read_text()


@pytest.fixture(scope="module")
def story(tmp_path_factory: pytest.TempPathFactory) -> Story:
    """Three invoices: the first was agreed to, the second went alone, the third was rejected.  Nobody adds to them."""
    folder = tmp_path_factory.mktemp("invoices")
    story = Story(folder / "project", folder / "home", "examples/pay_invoice")
    for amount, decision in ((480, "approve"), (300, None), (450, "reject")):
        run = f"interlock run pay_invoice -i payee=Northwind -i amount={amount} -i invoice=1 --as clerk --json"
        *_, last = [json.loads(line) for line in story.type(run).printed.splitlines() if line.startswith("{")]
        if decision is not None:
            [request] = last["approvals"]
            comment = "collect them in one"
            story.type(f"interlock review {decision} {request} --as treasurer --comment '{comment}'")
    return story


def simulated(story: Story, rules: str, *more: str) -> tuple[int, dict[str, Any]]:
    """The exit code and the object of a simulation."""
    (story.folder / "new.yaml").write_text(rules)
    played = story.type(" ".join(["interlock policy simulate new.yaml", *more, "--json"]))
    return played.code, json.loads(played.printed.splitlines()[-1])


def test_the_rules_as_they_are_change_nothing(story: Story) -> None:
    """A file with the rules of today replaces them by themselves, and a folder is taken as it is."""
    code, told = simulated(story, RULES, "--history")
    assert (code, told["decisions"], told["questions"]) == (0, 3, 0)
    assert told["before"] == told["after"] == {"auto": 1, "approve": 2, "deny": 0}
    assert told["derived"] == {"as_recorded": ["day_total"], "computed_anew": []}
    assert story.type("interlock policy simulate policies --history").code == 0


def test_a_looser_budget_would_pass_what_was_rejected(story: Story) -> None:
    """It is named with its reviewer's comment, and the exit code is 1."""
    code, told = simulated(story, RULES.replace("1000}", "5000}"))
    [passing] = told["rejected_would_pass"]
    assert (code, told["questions"]) == (1, -1)
    assert passing["headline"] == "payments.transfer: 450.00 EUR to Northwind, invoice 1"
    assert (passing["people"]["by"], passing["people"]["comment"]) == ("treasurer", "collect them in one")
    assert passing["effect"].endswith("/pay/1/0")
    text = story.type("interlock policy simulate new.yaml").printed
    assert "1 fewer questions to people" in text
    assert "rejected by treasurer: collect them in one" in text


def test_another_window_is_computed_from_the_history(story: Story) -> None:
    """The same sums over a week are made of what happened, not of what was kept; what failed a person stays out."""
    code, told = simulated(story, RULES.replace("over: 1d", "over: 7d"))
    assert (code, told["questions"]) == (0, 0)
    assert told["derived"] == {"as_recorded": [], "computed_anew": ["day_total"]}


def test_a_stricter_rule_names_what_would_stop(story: Story) -> None:
    """What went by itself and would now ask."""
    stricter = RULES.replace("le: 500}, payee_known: true", "le: 200}, payee_known: true").replace("gt: 500", "gt: 200")
    code, told = simulated(story, stricter)
    [stopped] = told["automatic_would_stop"]
    assert (code, stopped["before"], stopped["after"]) == (0, "auto", "approve")


def test_a_history_can_be_taken_elsewhere(story: Story) -> None:
    """Written to a file, it gives the same answer, and a line that is no decision is named."""
    assert story.type("interlock policy history -o past.jsonl").code == 0
    looser = RULES.replace("1000}", "5000}")
    there, here = simulated(story, looser, "--history", "past.jsonl"), simulated(story, looser)
    assert there == here
    with (story.folder / "past.jsonl").open("a") as file:
        file.write('{"effect": "x"}\n')
    played = story.type("interlock policy simulate new.yaml past.jsonl")
    assert (played.code, "past.jsonl:4 is no recorded decision" in played.printed) == (2, True)


@pytest.mark.parametrize(
    ("old", "new", "says"),
    [
        ("by: payee", "by: payeee", "P030"),
        ("count: 2, role: finance", "count: 9, role: finance", "P009"),
        ("policy: payments", "polcy: payments", "P001"),
    ],
)
def test_rules_with_faults_are_not_tried(story: Story, old: str, new: str, says: str) -> None:
    """Their findings are told, with code and place."""
    (story.folder / "new.yaml").write_text(RULES.replace(old, new))
    played = story.type("interlock policy simulate new.yaml")
    assert (played.code, f"error[{says}]" in played.printed) == (1, True)
