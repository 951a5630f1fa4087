"""Attempts of the monitor: which errors are tried again, and when a read is given up on."""

from __future__ import annotations

import threading
from collections.abc import Callable
from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest

from interlock.engine.service import Engine
from interlock.errors import EffectFailed, EffectNotDone
from tests.attacks.house import House, Run

GRAPH = """
graph: peek
version: 1
input: {{to: {{type: string, default: anna}}, amount: {{type: integer, default: 1}}}}
steps:
  look: {{call: {call}, writes: seen, {own}}}
edges:
  - START -> look
  - look -> END
  - {{from: look, on: [rejected, expired, denied], to: END, outcome: refused}}
  - {{from: look, on: failed, to: END, outcome: blind, writes: error}}
output: [seen, error]
"""
LOOK = "shop.look, bind: {what: $.to}"
NOTE = "shop.note, bind: {to: $.to, amount: $.amount}"


def peeked(house: House, call: str, own: str, tool: Callable[..., Any] | None = None, **changes: Any) -> Run:
    """A finished run of one call, with `tool` in place of what its action does."""
    house.write("graphs/peek.yaml", GRAPH.format(call=call, own=own))
    project = house.project(**changes)
    name = call.split(",")[0]
    if tool is not None:
        project.__dict__["actions"] = {**project.actions, name: replace(project.actions[name], run=tool)}
    return house.begun("peek", Engine(project))


@pytest.fixture
def house(tmp_path: Path) -> House:
    return House(tmp_path / "shop").build()


def kind_of(run: Run) -> tuple[str | None, str | None]:
    visit = run.engine.services.runs.visits(run.id)[-1]
    return visit.outcome, visit.error_kind


class Fails:
    """A tool that raises, and counts how often it was called."""

    def __init__(self, error: Exception) -> None:
        self.error = error
        self.calls = 0

    def __call__(self, *_: Any) -> Any:
        self.calls += 1
        raise self.error


@pytest.mark.parametrize(
    ("error", "kind", "calls"),
    [
        (EffectNotDone("away"), "unavailable", 3),
        (EffectFailed("no"), "refused", 1),
        (RuntimeError("bug"), "unavailable", 3),
    ],
)
def test_a_read_is_tried_again_and_then_fails(house: House, error: Exception, kind: str, calls: int) -> None:
    """What certainly did not happen may be tried again; a read that stays broken fails without asking a person."""
    tool = Fails(error)
    run = peeked(house, LOOK, "retry: {attempts: 3, backoff: 1s, factor: 3}", tool)
    assert (kind_of(run), tool.calls) == (("failed", kind), calls)
    assert house.slept == [1.0, 3.0][: calls - 1]
    told = run.engine.services.runs.get(run.id).output["error"]
    assert (told["step"], told["outcome"], told["kind"]) == ("look", "failed", kind)


@pytest.mark.parametrize(("on", "calls"), [("timeout", 1), ("unavailable", 2)])
def test_only_the_listed_kinds_are_tried_again(house: House, on: str, calls: int) -> None:
    """An action that says it did nothing is `unavailable`."""
    tool = Fails(EffectNotDone("away"))
    run = peeked(house, NOTE, f"retry: {{attempts: 2, on: [{on}]}}", tool)
    assert (kind_of(run), tool.calls) == (("failed", "unavailable"), calls)


def test_a_read_that_hangs_is_given_up_on_and_tried_again(house: House) -> None:
    """Each attempt has the step's timeout; the late result of the first is not the result of the second."""
    let, answered = threading.Event(), threading.Event()
    found = house.project().actions["shop.look"].run

    def hangs_once(arguments: Any, context: Any) -> Any:
        if house.slept:
            return found(arguments, context)
        let.wait()
        answered.set()
        return found(arguments.model_copy(update={"what": "late"}), context)

    run = peeked(house, LOOK, "timeout: 1s, retry: {attempts: 2, backoff: 1s, on: [timeout]}", hangs_once)
    assert (kind_of(run), house.slept, run.effect.attempt) == (("done", None), [1.0], 2)
    let.set()
    assert answered.wait(60)
    assert (run.effect.state, run.effect.result) == ("executed", {"line": "anna"})
    assert run.whole()


def test_a_read_of_a_run_that_was_cancelled_is_not_waited_for(house: House) -> None:
    """The read is let go of before its timeout, nothing is in doubt, and it is not tried again."""
    let, calls = threading.Event(), list[str]()
    runs = house.engine().services.runs

    def hangs(arguments: Any, context: Any) -> Any:
        calls.append(context.run)
        runs.cancel(context.run, "boss")
        let.wait()
        raise RuntimeError("late")

    run = peeked(house, LOOK, "timeout: 1h, retry: {attempts: 3}", hangs)
    let.set()
    assert (run.status, run.effect.state, calls) == ("cancelled", "failed", [run.id])
    assert run.whole()


def test_the_pause_before_another_attempt_is_not_waited_for(house: House) -> None:
    """A run that is cancelled in it makes no further attempt; the action certainly did not happen."""
    let = threading.Event()
    tool = Fails(EffectNotDone("away"))
    runs = house.engine().services.runs

    def pauses(_seconds: float) -> None:
        [run] = runs.list()
        runs.cancel(run.id, "boss")
        let.wait()

    run = peeked(house, NOTE, "retry: {attempts: 3, backoff: 1h}", tool, sleep=pauses)
    let.set()
    assert (run.status, run.effect.state, tool.calls) == ("cancelled", "failed", 1)
    assert run.whole()


def test_a_read_that_keeps_hanging_fails_as_a_timeout(house: House) -> None:
    """The kind of the failure is `timeout`, and the ledger says what was given up."""
    let = threading.Event()

    def hangs(arguments: Any, context: Any) -> Any:
        let.wait()
        raise RuntimeError("late")

    run = peeked(house, LOOK, "timeout: 1s", hangs)
    let.set()
    assert (kind_of(run), run.effect.state) == (("failed", "timeout"), "failed")
    assert "took longer than its timeout" in (run.effect.error or "")


def test_the_pause_after_a_kill_does_not_begin_the_count_again(house: House) -> None:
    """The attempts of an action are in its row; a new process goes on from there."""

    def dies(seconds: float) -> None:
        raise KeyboardInterrupt

    tool = Fails(EffectNotDone("away"))
    with pytest.raises(KeyboardInterrupt):
        peeked(house, NOTE, "retry: {attempts: 2, backoff: 1s}", tool, sleep=dies)
    project = house.project()
    project.__dict__["actions"] = {**project.actions, "shop.note": replace(project.actions["shop.note"], run=tool)}
    engine = Engine(project)
    (run,) = engine.services.runs.list()
    engine.drive(run.id)
    assert tool.calls == 2
    assert engine.services.runs.visits(run.id)[-1].error_kind == "unavailable"
