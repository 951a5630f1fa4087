"""F9: plain LangGraph's `RetryPolicy` repeats a node's effects, and its attempt counter dies with the process."""

from __future__ import annotations

from contextlib import suppress
from datetime import timedelta

from langgraph.types import Command

from interlock.errors import ModelUnavailable
from interlock.testing import ScriptedChatModel
from tests.attacks.house import House, Run, attempt


class Died(BaseException):
    """The process ends here."""


def dies(seconds: float) -> None:
    raise Died


def lives_until_its_first_pause(house: House, graph: str, **values: int) -> Run:
    """A run whose process ends in the pause after its first attempt."""
    engine = house.engine(sleep=dies)
    workflow = engine.project.workflow(house.root / "graphs" / f"{graph}.yaml")
    run = Run(house, engine, engine.start(workflow, {"amount": 10} | values, "requester").id)
    with suppress(Died):
        run.drive()
    return run


def test_no_node_carries_a_retry_policy_or_a_cache(house: House) -> None:
    """LangGraph itself never runs a node twice."""
    for name in ("pay", "chain", "ahead", "form", "think", "note"):
        graph = house.raw(name)
        assert all(not node.retry_policy and not node.cache_policy for node in graph.nodes.values())
        assert not graph.retry_policy
        assert graph.cache is None


def test_attempts_at_an_action_are_counted_over_restarts(house: House) -> None:
    """Three attempts are three, however many processes make them."""
    house.home.mkdir()
    house.trouble("not_done")
    run = lives_until_its_first_pause(house, "note")
    assert (house.tries, run.effect.attempt, run.effect.state) == (1, 1, "failed")
    second = Run(house, house.engine(sleep=dies), run.id)
    with suppress(Died):
        second.drive()
    assert (house.tries, second.effect.attempt) == (2, 2)
    third = Run(house, house.engine(), run.id)
    third.drive()
    assert (house.tries, third.effect.attempt, third.status) == (3, 3, "failed")
    Run(house, house.engine(), run.id).drive()
    attempt(lambda: third.raw().invoke(Command(goto="note.perform"), run.config))
    assert (house.tries, house.effects) == (3, [])
    assert run.whole()


def test_an_attempt_that_did_nothing_is_repeated_and_acts_once(house: House) -> None:
    """The approval is consumed by the first attempt and holds for the second, which happens; no third follows."""
    run = house.begun("pay")
    run.approve()
    house.trouble("not_done")
    run = Run(house, house.engine(sleep=lambda seconds: house.trouble("")), run.id)
    run.drive()
    assert (house.tries, house.effects, run.status) == (2, ["pay 10 anna"], "done")
    run.drive()
    assert house.tries == 2
    assert run.whole()


def test_a_retry_after_the_approval_has_expired_is_asked_again(house: House) -> None:
    """What did not happen in the approved time is a new question."""
    run = house.begun("pay")
    run.approve()
    house.trouble("not_done")
    run = Run(house, house.engine(sleep=lambda seconds: house.clock.advance(timedelta(minutes=6))), run.id)
    run.drive()
    assert (house.tries, run.asked.state) == (1, "waiting")
    house.trouble("")
    run.approve()
    run.drive()
    assert (house.tries, house.effects) == (2, ["pay 10 anna"])
    assert run.whole()


def test_a_retry_after_the_run_was_cancelled_does_not_happen(house: House) -> None:
    """Whoever cancels while a retry is pausing has cancelled the retry."""
    house.home.mkdir()
    house.trouble("not_done")
    project = house.project()

    def cancelled(seconds: float) -> None:
        house.trouble("")
        other = house.engine().services
        other.runs.end(run.id, "cancelled", outcome="cancelled")

    engine = house.engine(sleep=cancelled)
    run = Run(house, engine, engine.start(project.workflow(house.root / "graphs/note.yaml"), {"amount": 1}, "me").id)
    run.drive()
    assert (house.tries, house.effects, run.status) == (1, [], "cancelled")


def test_a_lost_answer_of_a_blind_action_is_never_tried_again_blindly(house: House) -> None:
    """It happened once; each later drive, jump or restart finds the doubt and asks."""
    run = house.begun("chain")
    run.approve()
    run.drive()
    run.approve()
    house.trouble("lost")
    run.drive()
    house.trouble("")
    done = ["pay 10 anna", "refund 10 anna"]
    assert (house.effects, run.asked.kind) == (done, "doubt")
    for _ in range(3):
        again = Run(house, house.engine(), run.id)
        again.drive()
        attempt(lambda again=again: again.raw().invoke(Command(resume="it did not happen"), run.config))
        attempt(lambda again=again: again.raw().invoke(Command(goto="refund.perform"), run.config))
        assert house.effects == done
    run = Run(house, house.engine(), run.id)
    run.engine.services.approvals.respond(run.asked.id, "bob", happened=True)
    run.drive()
    assert (house.effects, run.status) == (done, "done")
    assert run.whole()


def test_what_is_said_not_to_have_happened_needs_a_new_approval(house: House) -> None:
    """One word does not both settle the doubt and allow the next attempt."""
    run = house.begun("edged")
    run.approve()
    house.trouble("lost")
    run.drive()
    house.trouble("")
    run.engine.services.approvals.respond(run.asked.id, "bob", happened=False)
    run.drive()
    assert (len(house.effects), run.asked.kind) == (1, "action")
    run.engine.services.approvals.reject(run.asked.id, "bob", comment="leave it")
    run.drive()
    assert (len(house.effects), run.outcome) == (1, "not_shipped")
    assert run.whole()


def test_attempts_at_a_model_are_counted_over_restarts(house: House) -> None:
    """A provider that cannot be reached uses up the visit's attempts, not the process's."""
    model = ScriptedChatModel([ModelUnavailable("away")], loop=True)
    engine = house.engine(chat=model, sleep=dies)
    run = Run(
        house, engine, engine.start(engine.project.workflow(house.root / "graphs/think.yaml"), {"amount": 1}, "me").id
    )
    for expected in (1, 2):
        with suppress(Died):
            Run(house, house.engine(chat=model, sleep=dies), run.id).drive()
        assert engine.services.runs.visit(run.id, "think", 1).attempts == expected


def test_every_drive_of_an_ended_run_changes_nothing(house: House) -> None:
    """Resuming what is done, from new processes and at the terminal, adds no visit, no effect and no audit entry."""
    run = house.begun("note")
    head = run.engine.audit_head()
    for _ in range(3):
        Run(house, house.engine(), run.id).drive()
    assert (house.effects, house.tries) == (["note 10 anna"], 1)
    assert run.engine.audit_head() == head
