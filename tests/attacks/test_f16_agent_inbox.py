"""F16: Agent Inbox reads `arguments` and LangChain sends `args`, and its list of one answer crashes the middleware."""

from __future__ import annotations

from typing import Any

import pytest
from langchain.agents import create_agent
from langchain.agents.middleware import HumanInTheLoopMiddleware
from langchain_core.tools import tool
from langgraph.checkpoint.memory import InMemorySaver
from langgraph.types import Command

from interlock.nodes.dialects.emit import shown
from interlock.testing import ScriptedChatModel, calls
from tests.attacks.house import House

SENT: dict[str, Any] = {
    "accept": [{"type": "accept", "args": None}],
    "accept with the action": [
        {"type": "accept", "args": {"action": "shop.pay", "args": {"amount": 10, "to": "anna"}}}
    ],
    "as it answers LangChain": {"decisions": [{"type": "approve", "args": None}]},
}
CONFIG: Any = {"configurable": {"thread_id": "agent"}}


def inbox_reads(value: dict[str, Any], *names: str) -> dict[str, Any]:
    """The arguments that Agent Inbox shows: of the first request, under the first of these names that is there."""
    request = value["action_requests"][0]
    return next((request[name] for name in names if name in request), {})


def test_langchain_shows_nothing_and_crashes() -> None:
    """The attack works where nothing stands in its way: no arguments are shown, and the answer is an error."""
    paid: list[Any] = []

    @tool
    def pay(amount: int, to: str) -> str:
        """Pay money."""
        paid.append(amount)
        return "paid"

    model = ScriptedChatModel([calls("pay", {"amount": 10, "to": "anna"}), "done"])
    middleware: Any = HumanInTheLoopMiddleware(interrupt_on={"pay": True})
    agent: Any = create_agent(model, [pay], middleware=[middleware], checkpointer=InMemorySaver())
    asked = agent.invoke({"messages": [{"role": "user", "content": "pay"}]}, CONFIG)["__interrupt__"][0]
    assert inbox_reads(asked.value, "arguments") == {}
    with pytest.raises(TypeError, match="list indices must be integers"):
        agent.invoke(Command(resume=SENT["accept"]), CONFIG)
    assert paid == []


def test_the_reviewer_sees_the_arguments(house: House) -> None:
    """Whichever name the page reads, our payload has the exact action under it, and so has the page's own shape."""
    run = house.begun("pay")
    [asked] = run.raw().get_state(run.config).tasks[0].interrupts
    for names in (("arguments",), ("args",), ("args", "arguments"), ("arguments", "args")):
        assert inbox_reads(asked.value, *names) == {"amount": 10, "to": "anna"}
    own = shown(run.asked, "agent-inbox")
    assert own["action_request"] == {"action": "shop.pay", "args": {"amount": 10, "to": "anna"}}
    assert asked.value["review_configs"][0]["allowed_decisions"] == ["approve", "edit", "reject"]


@pytest.mark.parametrize("name", SENT)
def test_its_answer_is_taken_and_crashes_nothing(house: House, name: str) -> None:
    """As a resume it only wakes the run up; as an answer of a person it is that person's approval, for one effect."""
    run = house.begun("pay")
    state = run.raw().invoke(Command(resume=SENT[name]), run.config)
    assert state["__interrupt__"][0].value["interlock"]["id"] == run.asked.id
    assert house.effects == []
    run.engine.answer(run.asked.id, "bob", SENT[name])
    run.drive()
    assert (house.effects, run.status) == (["pay 10 anna"], "done")
    assert run.whole()


def test_an_answer_to_what_the_reviewer_did_not_see_is_refused(house: House) -> None:
    """A page that showed no arguments sends none back: that is no approval of the action that is asked about."""
    run = house.begun("pay")
    for args in ({"action": "shop.pay", "args": {}}, {"action": "", "args": {"amount": 10, "to": "anna"}}):
        for body in ([{"type": "accept", "args": args}], {"decisions": [{"type": "approve", "args": args}]}):
            with pytest.raises(Exception, match="is still open"):
                run.engine.answer(run.asked.id, "bob", body)
    assert (house.effects, run.asked.state) == ([], "waiting")
