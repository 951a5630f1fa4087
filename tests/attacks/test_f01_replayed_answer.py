"""F1: plain LangGraph takes a replayed answer as the answer to the next question of the task."""

from __future__ import annotations

from langgraph.types import Command

from tests.attacks.house import House, attempt

YES = {"decisions": [{"type": "approve"}]}


def test_a_replayed_approval_is_no_answer_to_the_next_question(house: House) -> None:
    """The approval of the payment, given again, does not approve the refund that is asked about after it."""
    run = house.begun("chain")
    first = run.asked.id
    run.approve()
    run.drive()
    assert house.effects == ["pay 10 anna"]
    assert "already consumed" in str(attempt(lambda: run.engine.approve(first, "bob")))
    run.drive()
    assert run.asked.request["action"] == "shop.refund"
    assert house.effects == ["pay 10 anna"]
    assert run.whole()


def test_a_resume_replayed_through_the_raw_graph_decides_nothing(house: House) -> None:
    """However often one resume is sent again, by value or by the id of the interrupt, the next question stays open."""
    run = house.begun("chain")
    graph = run.raw()
    interrupt = graph.get_state(run.config).tasks[0].interrupts[0]
    run.approve()
    replay = Command(resume={interrupt.id: YES})
    graph.invoke(replay, run.config)
    assert house.effects == ["pay 10 anna"]
    for again in (replay, Command(resume=YES), Command(resume={"approval": "yes"}), replay):
        attempt(lambda again=again: graph.invoke(again, run.config))
    assert house.effects == ["pay 10 anna"]
    assert run.asked.request["action"] == "shop.refund"
    run.approve()
    run.drive()
    assert house.effects == ["pay 10 anna", "refund 10 anna"]
    assert run.whole()


def test_an_answer_replayed_in_one_visit_does_not_approve_the_edited_action(house: House) -> None:
    """An edit asks anew inside the same task; the answer to the old question does not fit the new one."""
    run = house.begun("pay")
    graph = run.raw()
    interrupt = graph.get_state(run.config).tasks[0].interrupts[0]
    run.engine.edit(run.asked.id, "carol", {"amount": 900})
    graph.invoke(Command(resume={interrupt.id: YES}), run.config)
    attempt(lambda: graph.invoke(Command(resume={interrupt.id: YES}), run.config))
    assert house.effects == []
    assert run.asked.request["arguments"]["amount"] == 900
    run.approve()
    run.drive()
    assert house.effects == ["pay 900 anna"]
    assert run.whole()


def test_a_command_repeated_at_the_terminal_is_refused(open_house: House) -> None:
    """`review approve` twice: the second says that it is decided, and nothing happens again."""
    run = open_house.begun("chain")
    first = run.asked.id
    approved = open_house.command("review", "approve", first, "--as", "bob", "--json")
    assert (approved.code, open_house.effects) == (0, ["pay 10 anna"]), approved.err
    again = open_house.command("review", "approve", first, "--as", "bob")
    assert again.code == 1
    assert "already consumed" in again.err
    assert open_house.effects == ["pay 10 anna"]
    assert run.whole()
