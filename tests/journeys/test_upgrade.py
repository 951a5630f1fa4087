"""A waiting run is moved to the next version of its workflow at the terminal, told at every turn what to type."""

from __future__ import annotations

import json
import shutil
from pathlib import Path

import pytest

from tests.journeys.terminal import REPOSITORY, Desk

REQUEST = ("-i", "payee=Northwind Supplies", "-i", "amount=480", "-i", "invoice=2026-118", "--as", "clerk")


@pytest.fixture
def invoice(desk: Desk, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """A copy of the example, in which the desk's commands are typed."""
    folder = tmp_path / "pay_invoice"
    shutil.copytree(REPOSITORY / "examples" / "pay_invoice", folder, ignore=shutil.ignore_patterns("__pycache__"))
    monkeypatch.chdir(folder)
    return folder


def second(folder: Path, *changes: tuple[str, str]) -> None:
    """Version 2 of the graph."""
    path = folder / "graphs" / "pay_invoice.yaml"
    text = path.read_text(encoding="utf-8")
    for old, new in (("version: 1", "version: 2"), *changes):
        assert old in text
        text = text.replace(old, new)
    path.write_text(text, encoding="utf-8")


def test_from_a_plan_to_the_payment(desk: Desk, invoice: Path) -> None:
    """Plan, apply as the plan's last line says, resume as apply says, approve as the run says: paid once."""
    waiting = desk.interlock("run", "pay_invoice", *REQUEST)
    second(invoice, ("attempts: 3", "attempts: 2"))
    plan = desk.interlock("upgrade", "plan", "pay_invoice@1", "pay_invoice")
    assert plan.code == 0
    assert "step pay: retry changed" in plan.out
    assert f"{waiting.request} was asked under the old spec; pay asks again" in plan.out
    [line] = [line for line in plan.out.splitlines() if line.startswith("Move: interlock ")]
    moved = desk.interlock(*line.removeprefix("Move: interlock ").replace("NAME", "operator").split())
    assert moved.code == 0
    [line] = [line.strip() for line in moved.out.splitlines() if "Go on: interlock " in line]
    again = desk.interlock(*line.removeprefix("Go on: interlock ").split())
    assert (again.code, again.request == waiting.request) == (3, False)
    desk.interlock("review", "approve", waiting.request, "--as", "treasurer").refused("already superseded")
    paid = desk.interlock("review", "approve", again.request, "--as", "treasurer", "--json").json()
    assert (paid["run"]["status"], paid["run"]["outcome"]) == ("done", "paid")
    history = desk.interlock("runs", "history", paid["run"]["id"], "--json").json()["entries"]
    assert [entry["actor"] for entry in history if entry["event"] == "run.upgraded"] == ["operator"]
    assert [entry["event"] for entry in history].count("effect.executed") == 1
    assert desk.interlock("audit", "verify").code == 0


def test_a_plan_that_finds_nothing_says_so(desk: Desk, invoice: Path) -> None:
    """No run, or the same version twice: a sentence, and nothing to move."""
    assert "no run was started under pay_invoice@1" in desk.interlock(
        "upgrade", "plan", "pay_invoice@1", "pay_invoice"
    ).refused("pay_invoice@1")
    desk.interlock("run", "pay_invoice", *REQUEST)
    desk.interlock("upgrade", "plan", "pay_invoice@1", "pay_invoice").refused("the same version", code=2)


def test_a_faulty_mapping_is_shown_at_its_place(desk: Desk, invoice: Path) -> None:
    """The finding is rendered like those of a graph, and the run is as it was."""
    run = desk.interlock("run", "pay_invoice", *REQUEST)
    second(invoice)
    (invoice / "mapping.yaml").write_text("steps: {pey: pay}\n")
    done = desk.interlock("upgrade", "plan", "pay_invoice@1", "pay_invoice", "--mapping", "mapping.yaml")
    assert done.code == 1
    assert "error[U010]: the old graph has no step `pey`" in done.err
    assert "mapping.yaml:1:9" in done.err
    shown = json.loads(desk.interlock("review", "show", run.request, "--json").out)
    assert shown["state"] == "waiting"
