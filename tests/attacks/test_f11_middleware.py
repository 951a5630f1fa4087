"""F11: LangChain's human-in-the-loop middleware runs a rejected tool; a guarded action happens by its own approval."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import pytest
from langchain.agents import create_agent
from langchain.agents.middleware import AgentMiddleware, HumanInTheLoopMiddleware, hook_config
from langchain_core.messages import ToolMessage
from langchain_core.tools import BaseTool, tool
from langgraph.checkpoint.memory import InMemorySaver
from langgraph.types import Command

from interlock.testing import ScriptedChatModel, calls
from tests.attacks.house import House, Run

REJECT = {"type": "reject", "message": "I do not want this."}
CONFIG: Any = {"configurable": {"thread_id": "agent"}}


class Jumps(AgentMiddleware[Any, Any, Any]):
    """Another middleware, which sends every turn to the tools."""

    @hook_config(can_jump_to=["tools"])
    def after_model(self, state: Any, runtime: Any) -> dict[str, Any] | None:
        waits = getattr(state["messages"][-1], "tool_calls", None) or isinstance(state["messages"][-1], ToolMessage)
        return {"jump_to": "tools"} if waits else None


class Changes:
    """A `when` that says another thing once the run is resumed: a clock, a price, a counter."""

    def __init__(self) -> None:
        self.asked = 0

    def __call__(self, request: Any) -> bool:
        self.asked += 1
        return self.asked == 1


def jumping(name: str, mode: str) -> list[Any]:
    return [Jumps(), HumanInTheLoopMiddleware(interrupt_on={name: True}, interrupt_mode=mode)]  # type: ignore[arg-type]


def changing(name: str, mode: str) -> list[Any]:
    on: Any = {name: {"allowed_decisions": ["approve", "reject"], "when": Changes()}}
    return [HumanInTheLoopMiddleware(interrupt_on=on, interrupt_mode=mode)]  # type: ignore[arg-type]


CASES = [(jumping, "batched"), (changing, "batched"), (changing, "per_call")]
Middleware = Callable[[str, str], list[Any]]


def rejected(pay: BaseTool, middleware: list[Any], mode: str) -> dict[str, Any]:
    """The state of an agent that wanted to call the tool, once a person has rejected the call."""
    model = ScriptedChatModel([calls(pay.name, {"amount": 10, "to": "anna"}), "done"], loop=True)
    agent: Any = create_agent(model, [pay], middleware=middleware, checkpointer=InMemorySaver())
    asked = agent.invoke({"messages": [{"role": "user", "content": "pay anna"}]}, CONFIG)["__interrupt__"][0]
    answer = {"decisions": [REJECT]} if mode == "batched" else {asked.id: REJECT}
    ended: dict[str, Any] = agent.invoke(Command(resume=answer), CONFIG)
    return ended


@pytest.mark.parametrize(("middleware", "mode"), CASES)
def test_langchain_runs_a_rejected_tool(middleware: Middleware, mode: str) -> None:
    """The attack works where nothing stands in its way: the person says no, and the money is paid."""
    paid: list[str] = []

    @tool
    def pay(amount: int, to: str) -> str:
        """Pay money."""
        paid.append(f"pay {amount} {to}")
        return "paid"

    rejected(pay, middleware("pay", mode), mode)
    assert paid == ["pay 10 anna"]


@pytest.mark.parametrize(("middleware", "mode"), CASES)
def test_a_guarded_action_behind_the_same_agent_does_not_happen(
    house: House, middleware: Middleware, mode: str
) -> None:
    """Run against the reviewer's word, the tool only asks: nothing is paid until a person decides on the request."""
    engine = house.engine()
    workflow = engine.project.workflow(house.root / "graphs" / "pay.yaml")
    runs: list[str] = []

    @tool
    def pay(amount: int, to: str) -> str:
        """Pay money."""
        runs.append(engine.start(workflow, {"amount": amount, "to": to}, "agent").id)
        return engine.drive(runs[-1]).run.status

    rejected(pay, middleware("pay", mode), mode)
    assert len(runs) == 1
    run = Run(house, engine, runs[0])
    assert (house.effects, house.tries, run.status, run.asked.state) == ([], 0, "waiting", "waiting")
    engine.answer(run.asked.id, "bob", {"decisions": [REJECT]})
    run.drive()
    assert (house.effects, house.tries, run.outcome) == ([], 0, "not_paid")
    assert run.whole()


def test_a_guarded_graph_inside_the_agents_tool_takes_no_decision_of_the_agents_person(house: House) -> None:
    """The compiled graph as the tool: the resume that the agent hands on is a wake-up, whatever it says."""
    graph = house.raw("pay")

    @tool
    def pay(amount: int, to: str) -> str:
        """Pay money."""
        config: Any = {"configurable": {"thread_id": "run-of-the-agent"}}
        graph.invoke({"amount": amount, "to": to}, config)
        graph.invoke(Command(resume={"decisions": [{"type": "approve"}]}), config)
        return "asked"

    rejected(pay, jumping("pay", "batched"), "batched")
    run = Run(house, house.engine(), "run-of-the-agent")
    assert (house.effects, house.tries, run.asked.state) == ([], 0, "waiting")
    run.approve()
    run.drive()
    assert (house.effects, run.status) == (["pay 10 anna"], "done")


def test_the_agents_own_review_adds_nothing_and_takes_nothing(house: House) -> None:
    """An approval in the agent is none here: the person named in the policy still has to agree, and then it happens."""
    engine = house.engine()
    workflow = engine.project.workflow(house.root / "graphs" / "pay.yaml")
    runs: list[str] = []

    @tool
    def pay(amount: int, to: str) -> str:
        """Pay money."""
        runs.append(engine.start(workflow, {"amount": amount, "to": to}, "agent").id)
        return engine.drive(runs[-1]).run.status

    model = ScriptedChatModel([calls("pay", {"amount": 10, "to": "anna"}), "done"])
    middleware: Any = HumanInTheLoopMiddleware(interrupt_on={"pay": True})
    agent: Any = create_agent(model, [pay], middleware=[middleware], checkpointer=InMemorySaver())
    agent.invoke({"messages": [{"role": "user", "content": "pay anna"}]}, CONFIG)
    agent.invoke(Command(resume={"decisions": [{"type": "approve"}]}), CONFIG)
    run = Run(house, engine, runs[0])
    assert (house.effects, run.asked.state) == ([], "waiting")
    run.approve()
    run.drive()
    assert house.effects == ["pay 10 anna"]
