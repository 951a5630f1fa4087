"""F2: plain LangGraph accepts two concurrent resumes of one interrupt, and the effect runs twice."""

from __future__ import annotations

import subprocess
import sys
from concurrent.futures import ThreadPoolExecutor
from threading import Barrier
from typing import Any, TypedDict

import pytest
from langgraph.checkpoint.memory import InMemorySaver
from langgraph.graph import START, StateGraph
from langgraph.types import Command, interrupt

from interlock.engine.driver import STRICT_RESUME
from interlock.errors import DecisionRefused
from tests.attacks.house import REPOSITORY, House, Run, attempt, ended


def rivals(run: Run, *what: str) -> list[str]:
    """What each of several processes says that act on a run at the same moment."""
    processes = [
        subprocess.Popen(
            [sys.executable, "-m", "tests.attacks.rival", str(run.house.root), run.id, word],
            cwd=REPOSITORY, text=True, stdin=subprocess.PIPE, stdout=subprocess.PIPE, stderr=subprocess.PIPE,
        )
        for word in what
    ]  # fmt: skip
    for process in processes:
        assert process.stdout is not None
        assert process.stdout.readline() == "ready\n", process.communicate()[1]
    for process in processes:
        assert process.stdin is not None
        process.stdin.write("go\n")
        process.stdin.flush()
    return [process.communicate(timeout=60)[0].strip() for process in processes]


def test_of_an_approval_and_a_rejection_at_once_one_counts(house: House) -> None:
    """Two people decide in two processes at the same moment: one is refused, and the run follows the other."""
    run = house.begun("pay")
    said = rivals(run, "bob", "reject")
    assert sorted(word == "ok" for word in said) == [False, True], said
    run.drive()
    approved = said[0] == "ok"
    assert house.effects == (["pay 10 anna"] if approved else [])
    assert run.outcome == ("done" if approved else "not_paid")
    assert run.whole()


def test_two_processes_that_resume_one_interrupt_cause_one_effect(house: House) -> None:
    """Both hold the compiled graph and resume the approved question at the same moment."""
    run = house.begun("pay")
    run.approve()
    rivals(run, "resume", "resume")
    run.drive()
    assert house.effects == ["pay 10 anna"]
    assert (house.tries, run.status) == (1, "done")
    assert run.whole()


def test_plain_langgraph_takes_both_even_where_it_is_strict() -> None:
    """The attack works where nothing stands in its way: an approval and a rejection of one interrupt both count."""
    both, taken = Barrier(2), []

    def ask(state: dict[str, Any]) -> dict[str, Any]:
        answer = interrupt("pay?")
        both.wait(timeout=30)
        taken.append(answer)
        return {}

    builder: StateGraph[Any] = StateGraph(TypedDict("State", {"x": int}, total=False))  # type: ignore[operator]
    builder.add_node("ask", ask)
    builder.add_edge(START, "ask")
    graph = builder.compile(checkpointer=InMemorySaver())
    config: Any = {"configurable": {"thread_id": "1", STRICT_RESUME: True}}
    asked = graph.invoke({"x": 1}, config)["__interrupt__"][0]
    with ThreadPoolExecutor(2) as pool:
        list(pool.map(lambda word: graph.invoke(Command(resume={asked.id: word}), config), ["approve", "reject"]))
    assert sorted(taken) == ["approve", "reject"]


@pytest.mark.parametrize("strict", [False, True])
def test_many_threads_that_resume_one_interrupt_cause_one_effect(house: House, strict: bool) -> None:
    """Eight resumes of one approved question, each with a graph of its own, perform it once; so they do if strict."""
    run = house.begun("pay")
    run.approve()
    graphs, start = [run.raw() for _ in range(8)], Barrier(8)
    config: Any = {"configurable": {"thread_id": run.id, STRICT_RESUME: strict}}
    [asked] = graphs[0].get_state(run.config).tasks[0].interrupts

    def resume(number: int) -> None:
        start.wait()
        answer = {"decisions": [{"type": "approve" if number % 2 else "reject"}]}
        attempt(lambda: graphs[number].invoke(Command(resume={asked.id: answer}), config))

    with ThreadPoolExecutor(8) as pool:
        list(pool.map(resume, range(8)))
    run.drive()
    assert house.effects == ["pay 10 anna"]
    assert (house.tries, run.status) == (1, "done")
    assert run.whole()


def test_many_resumes_of_an_open_question_cause_nothing(house: House) -> None:
    """Nobody has decided, so it does not matter how many say that they have."""
    run = house.begun("pay")
    graphs = [run.raw() for _ in range(4)]
    with ThreadPoolExecutor(4) as pool:
        list(pool.map(lambda graph: attempt(lambda: graph.invoke(Command(resume="approve"), run.config)), graphs))
    assert house.effects == []
    assert run.asked.state == "waiting"
    run.approve()
    run.drive()
    assert house.effects == ["pay 10 anna"]


def test_many_threads_that_decide_are_counted_once(house: House) -> None:
    """Of eight decisions on one request, one is taken and each other is told that it came too late."""
    run = house.begun("pay")
    asked, start = run.asked.id, Barrier(8)

    def decide(number: int) -> str:
        engine = house.engine()
        start.wait()
        try:
            if number % 2:
                engine.approve(asked, f"person{number}")
            else:
                engine.services.approvals.reject(asked, f"person{number}", comment="no")
        except DecisionRefused as error:
            return error.message
        return "taken"

    with ThreadPoolExecutor(8) as pool:
        said = list(pool.map(decide, range(8)))
    assert said.count("taken") == 1, said
    assert all("your decision changed nothing" in word for word in said if word != "taken")
    assert len(run.engine.services.approvals.votes(asked)) == 1
    run.drive()
    assert len(house.effects) == (1 if run.outcome == "done" else 0)
    assert run.whole()


def test_two_terminals_that_decide_at_once_do_not_both_win(open_house: House) -> None:
    """`review approve` beside `review reject`: one exits with a reason, and at most one effect follows."""
    run = open_house.begun("pay")
    both = [
        open_house.cli("review", "approve", run.asked.id, "--as", "bob"),
        open_house.cli("review", "reject", run.asked.id, "--as", "carol", "--comment", "no"),
    ]
    approved, rejected = (ended(process) for process in both)
    assert sorted([approved.code, rejected.code]) == [0, 1], (approved, rejected)
    run.drive()
    assert open_house.effects == (["pay 10 anna"] if approved.code == 0 else [])
    assert "changed nothing" in approved.err + rejected.err
    assert run.whole()


def test_two_terminals_that_resume_at_once_act_once(open_house: House) -> None:
    """`runs resume` twice at once on an approved run: one effect, and neither loses the run."""
    run = open_house.begun("pay")
    run.approve()
    for process in [open_house.cli("runs", "resume", run.id), open_house.cli("runs", "resume", run.id)]:
        result = ended(process)
        assert result.code == 0 or "is being driven by another process" in result.err, result
    run.drive()
    assert (open_house.effects, open_house.tries, run.status) == (["pay 10 anna"], 1, "done")


def test_an_approval_after_a_rejection_is_refused_at_the_terminal(open_house: House) -> None:
    """The first decision stands, and the second is told so."""
    run = open_house.begun("pay")
    asked = run.asked.id
    run.engine.services.approvals.reject(asked, "carol", comment="no")
    late = open_house.command("review", "approve", asked, "--as", "bob")
    assert late.code == 1
    assert "your decision changed nothing" in late.err
    run.drive()
    assert (open_house.effects, run.outcome) == ([], "not_paid")
