"""Runs through the engine: loops, forms, retries, limits, restarts."""

from __future__ import annotations

from datetime import timedelta

import pytest
from langchain_core.runnables import RunnableConfig
from langgraph.checkpoint.memory import InMemorySaver
from langgraph.types import Command

from interlock.engine.service import Engine
from interlock.errors import DecisionRefused, DrivenElsewhere, InputError, ModelUnavailable, Refused, RunBusy
from interlock.lam.protocol import Action, Decision
from interlock.testing import FakeClock, ScriptedActionModel, ScriptedChatModel
from tests.engine.conftest import Make, counted, start

LOOP = """
graph: loop
version: 1
input: {question: {type: string}}
steps:
  think: {node: think, reads: [question], writes: decision, visits: 3}
edges:
  - START -> think
  - {from: think, to: END, when: {$.decision.verdict: go}}
  - {from: think, to: think, else: true}
  - {from: think, on: exhausted, to: END, outcome: gave_up}
"""

FORM = """
graph: form
version: 1
input: {amount: {type: integer}}
steps:
  ask: {approve: How much may be added?, reads: [amount], form: {amount: {type: integer, minimum: 1}}, writes: answer}
  add: {call: counter.add, bind: {amount: $.answer.amount}, writes: total}
edges:
  - START -> ask
  - ask -> add
  - {from: ask, on: [rejected, expired], to: END, outcome: refused}
  - add -> END
  - {from: add, on: [rejected, expired, denied], to: END, outcome: refused}
output: [total]
"""

ADD = """
graph: add
version: 1
input: {amount: {type: integer}}
steps:
  add: {call: counter.add, bind: {amount: $.amount}, writes: total}
edges:
  - START -> add
  - add -> END
  - {from: add, on: [rejected, expired, denied], to: END, outcome: not_added}
output: [total]
"""

EDGE = ADD.replace("graph: add", "graph: edge").replace("- START -> add", "- {from: START, to: add, approval: two}")

ACT = """
graph: act
version: 1
input: {request: {type: string}}
steps:
  act: {node: act, reads: [request], writes: total}
edges:
  - START -> act
  - act -> END
  - {from: act, on: abstained, to: END, outcome: not_ours}
  - {from: act, on: [rejected, expired, denied], to: END, outcome: refused}
output: [total]
"""

CARD = "node: act\nkind: act\ngoal: Do it.\nactions: [counter.add, counter.look]\n"


def test_a_loop_ends_by_its_visit_limit(make: Make) -> None:
    """The fourth entry of a step with three visits leaves by `exhausted`, without another model call."""
    chat = ScriptedChatModel([{"verdict": "stop", "amount": 1}], loop=True)
    project = make({"loop": LOOP}, chat=chat)
    engine, run_id = start(project, "loop", question="why")
    run = engine.standing(run_id).run
    assert (run.status, run.outcome, run.model_calls, run.steps) == ("failed", "gave_up", 3, 3)


def test_a_small_amount_goes_by_itself(make: Make) -> None:
    """A policy that decides `auto` lets the action through without a person."""
    project = make({"add": ADD})
    engine, run_id = start(project, "add", amount=7)
    assert engine.standing(run_id).run.output == {"total": {"total": 7}}
    assert engine.services.approvals.of_run(run_id) == []


def test_an_action_no_rule_decides_is_denied(make: Make) -> None:
    """Default deny: a covering policy whose rules do not match refuses, and the run takes that edge."""
    project = make({"add": ADD})
    engine, run_id = start(project, "add", amount=101)
    assert engine.standing(run_id).run.outcome == "not_added"
    assert counted(project) == []


def test_the_edge_approval_and_the_policy_join_to_the_stricter(make: Make) -> None:
    """Small enough for `auto`, the action still needs the two people of its edge."""
    project = make({"edge": EDGE})
    engine, run_id = start(project, "edge", amount=7)
    approval = engine.standing(run_id).waiting[0]
    engine.approve(approval.id, "one")
    engine.drive(run_id)
    assert counted(project) == []
    engine.approve(approval.id, "two")
    engine.drive(run_id)
    assert counted(project) == [7]


def test_a_form_is_checked_before_it_counts(make: Make) -> None:
    """An answer that does not fit the form is refused and the question stays open."""
    project = make({"form": FORM})
    engine, run_id = start(project, "form", amount=5)
    approval = engine.standing(run_id).waiting[0]
    with pytest.raises(DecisionRefused, match="still open"):
        engine.approve(approval.id, "one", answer={"amount": "0"})
    with pytest.raises(DecisionRefused, match="still open"):
        engine.approve(approval.id, "one", answer={"other": "1"})
    engine.approve(approval.id, "one", answer={"amount": "4"})
    engine.drive(run_id)
    assert counted(project) == [4]


def test_a_rejected_form_ends_the_run_as_the_graph_says(make: Make) -> None:
    """The rejected edge of an approve step is taken, with the reason on record."""
    project = make({"form": FORM})
    engine, run_id = start(project, "form", amount=5)
    engine.services.approvals.reject(engine.standing(run_id).waiting[0].id, "one", comment="no")
    assert engine.drive(run_id).run.outcome == "refused"
    assert counted(project) == []


def test_a_question_nobody_answers_expires_as_refused(make: Make, clock: FakeClock) -> None:
    """Past its time a request is closed, a late vote is refused, and the run takes the expired edge."""
    project = make({"add": ADD})
    engine, run_id = start(project, "add", amount=50)
    approval = engine.standing(run_id).waiting[0]
    clock.advance(timedelta(hours=1, seconds=1))
    with pytest.raises(DecisionRefused, match="expired"):
        engine.approve(approval.id, "one")
    assert engine.drive(run_id).run.outcome == "not_added"
    assert counted(project) == []


def test_attempts_are_counted_over_restarts(make: Make) -> None:
    """A provider that cannot be reached uses up the attempts of the visit, not of the process."""
    retrying = LOOP.replace("visits: 3}", "visits: 3, retry: {attempts: 3, backoff: 1ms}}")
    down = ScriptedChatModel([ModelUnavailable("down")], loop=True)
    project = make({"loop": retrying}, chat=down)
    engine, run_id = start(project, "loop", question="why")
    assert engine.standing(run_id).run.status == "failed"
    assert project.services.runs.visits(run_id)[0].attempts == 3
    assert "down" in (engine.standing(run_id).run.error or "")


def test_a_limit_of_model_calls_ends_the_run(make: Make) -> None:
    """The call beyond `limits.model_calls` is not made and the run fails with that reason."""
    chat = ScriptedChatModel([{"verdict": "stop", "amount": 1}], loop=True)
    project = make({"loop": LOOP + "limits: {model_calls: 2}\n"}, chat=chat)
    engine, run_id = start(project, "loop", question="why")
    run = engine.standing(run_id).run
    assert (run.status, run.outcome) == ("failed", "limit")
    assert "limits.model_calls" in (run.error or "")
    assert len(chat.received) == 2


def test_a_run_survives_a_restart_and_a_vanished_graph_file(make: Make) -> None:
    """A waiting run goes on under the spec stored with it, in a new process, without its file."""
    project = make({"add": ADD})
    _, run_id = start(project, "add", amount=50)
    (project.root / "graphs" / "add.yaml").unlink()
    again = Engine(make())
    again.approve(again.standing(run_id).waiting[0].id, "one")
    assert again.drive(run_id).run.status == "done"
    assert counted(project) == [50]


def test_one_process_drives_a_run_at_a_time(make: Make) -> None:
    """While one drive holds the run, another is refused and nothing happens twice."""
    project = make({"add": ADD})
    engine, run_id = start(project, "add", amount=50)
    with engine._lease(run_id, 0.0), pytest.raises(RunBusy):
        Engine(make()).drive(run_id)


def test_a_cancelled_run_stays_cancelled(make: Make) -> None:
    """Its question is withdrawn, a late approval is refused, and resuming changes nothing."""
    project = make({"add": ADD})
    engine, run_id = start(project, "add", amount=50)
    approval = engine.standing(run_id).waiting[0]
    engine.cancel(run_id, "requester")
    with pytest.raises(DecisionRefused, match="superseded"):
        engine.approve(approval.id, "one")
    assert engine.drive(run_id).run.status == "cancelled"
    with pytest.raises(Refused):
        engine.cancel(run_id, "requester")
    assert counted(project) == []


@pytest.mark.parametrize(
    ("values", "named"),
    [({}, "amount is missing"), ({"amount": "five"}, "amount"), ({"amount": 1, "other": 2}, "no input other")],
)
def test_wrong_input_is_named(make: Make, values: dict[str, object], named: str) -> None:
    """A run with missing, mistyped or unknown input is not accepted, and the message says which."""
    project = make({"add": ADD})
    engine = Engine(project)
    with pytest.raises(InputError, match=named):
        engine.start(project.workflow(project.root / "graphs" / "add.yaml"), values, "requester")
    assert engine.services.runs.list() == []


def _decide(kind: str, **arguments: object) -> ScriptedActionModel:
    action = Action(name="counter.add", arguments=dict(arguments), confidence=0.99)
    missing = ["amount"] if kind == "ask" else []
    actions = [] if kind == "abstain" else [action]
    decision = Decision(kind=kind, actions=actions, missing=missing, p_null=0.1, backend="s", model_id="m")  # type: ignore[arg-type]
    return ScriptedActionModel([decision])


def test_an_abstaining_action_model_leaves_by_its_edge(make: Make) -> None:
    """Outside its action space the model proposes nothing and the graph's other edge is taken."""
    project = make({"act": ACT}, act=_decide("abstain"), nodes_act=CARD)
    engine, run_id = start(project, "act", request="What is the capital of France?")
    assert engine.standing(run_id).run.outcome == "not_ours"


def test_several_calls_are_not_cut_to_one(make: Make) -> None:
    """A request that asks for two calls is not half done: the step, which makes one, takes its other edge."""
    actions = [Action(name="counter.add", arguments={"amount": amount}, confidence=0.99) for amount in (5, 7)]
    decision = Decision(kind="act", actions=actions, p_null=0.1, backend="s", model_id="m")
    project = make({"act": ACT}, act=ScriptedActionModel([decision]), nodes_act=CARD)
    engine, run_id = start(project, "act", request="Add 5, and then 7")
    assert engine.standing(run_id).run.outcome == "not_ours"
    assert engine.services.ledger.of_run(run_id) == []


def test_a_missing_argument_becomes_a_question(make: Make) -> None:
    """`ask` files a question that cannot be approved, only answered; the answer is gated like any proposal."""
    project = make({"act": ACT}, act=_decide("ask"), nodes_act=CARD)
    engine, run_id = start(project, "act", request="Add to the counter")
    question = engine.standing(run_id).waiting[0]
    assert (question.kind, question.request["missing"]) == ("question", ["amount"])
    with pytest.raises(DecisionRefused, match="asks for amount"):
        engine.approve(question.id, "one")
    engine.edit(question.id, "one", {"amount": "5"})
    engine.drive(run_id)
    asked = engine.standing(run_id).waiting[0]
    assert asked.kind == "action"
    with pytest.raises(DecisionRefused, match="separation of duties"):
        engine.approve(asked.id, "one")
    engine.approve(asked.id, "two")
    assert engine.drive(run_id).run.output == {"total": {"total": 5}}


def test_what_a_model_chose_asks_where_nothing_was_measured(make: Make) -> None:
    """Without a measured threshold a change that a model chose needs a person, whatever the policy says."""
    project = make({"act": ACT}, act=_decide("act", amount=5), nodes_act=CARD)
    engine, run_id = start(project, "act", request="Add 5")
    approval = engine.standing(run_id).waiting[0]
    assert approval.request["reasons"][0]["rule"] == "confidence"


def test_an_action_outside_the_step_fails_the_step(make: Make) -> None:
    """A model that names an action the step does not offer causes nothing."""
    action = Action(name="payments.transfer", arguments={}, confidence=0.99)
    decision = Decision(kind="act", actions=[action], p_null=0.0, backend="s", model_id="m")
    project = make({"act": ACT}, act=ScriptedActionModel([decision]), nodes_act=CARD)
    engine, run_id = start(project, "act", request="Add 5")
    run = engine.standing(run_id).run
    assert run.status == "failed"
    assert "does not offer" in (run.error or "")


def test_cancelling_tells_of_the_run_and_what_stays(make: Make) -> None:
    """The cancelled run can be read whole, and its proposal is superseded, not lost."""
    project = make({"add": ADD})
    engine, run_id = start(project, "add", amount=50)
    cancelled = engine.cancel(run_id, "requester")
    assert (cancelled.status, cancelled.outcome, cancelled.graph) == ("cancelled", "cancelled", "add")
    assert [effect.state for effect in engine.services.ledger.of_run(run_id)] == ["superseded"]


ROLES = """
policy: counter
version: 2
applies_to: [counter.add]
rules:
  - {id: any, then: {approve: {count: 2, role: keeper}}, because: two keepers agree}
"""


def test_an_edit_never_leaves_too_few_people(make: Make) -> None:
    """Where only the quorum itself holds the role, an edit by one of them is refused and the question stays open."""
    project = make({"add": ADD}, policies_counter=ROLES, policies_people="people: {one: [keeper], two: [keeper]}\n")
    engine, run_id = start(project, "add", amount=50)
    approval = engine.standing(run_id).waiting[0]
    with pytest.raises(DecisionRefused, match="only 1 of the 2"):
        engine.edit(approval.id, "one", {"amount": "40"})
    assert engine.services.approvals.may_decide(approval) == ["one", "two"]
    for person in ("one", "two"):
        engine.approve(approval.id, person)
    assert engine.drive(run_id).run.status == "done"


def test_a_refusal_says_why(make: Make) -> None:
    """A run that ends by a refusal carries the reason, though its end is one the graph names."""
    project = make({"add": ADD})
    engine, run_id = start(project, "add", amount=101)
    run = engine.standing(run_id).run
    assert (run.status, run.error) == ("done", "no rule of this policy decides the action")


def test_a_run_whose_checkpoints_are_elsewhere_is_decided_but_not_driven(make: Make) -> None:
    """A server that brings its own saver drives its runs; a decision is recorded here, and it goes on there."""
    project = make({"add": ADD})
    graph = project.workflow(project.root / "graphs" / "add.yaml").compile(InMemorySaver())
    config: RunnableConfig = {"configurable": {"thread_id": "theirs"}}
    graph.invoke({"amount": 50}, config)
    engine = Engine(project)
    [question] = engine.standing("theirs").waiting
    engine.approve(question.id, "fay")
    with pytest.raises(DrivenElsewhere, match="its checkpoints are kept by another program"):
        engine.drive("theirs")
    assert counted(project) == []
    graph.invoke(Command(resume={"woken": True}), config)
    assert counted(project) == [50]
    assert engine.services.runs.get("theirs").status == "done"
