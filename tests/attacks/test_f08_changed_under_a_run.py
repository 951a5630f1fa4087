"""F8: plain LangGraph ends a waiting run silently when its node is gone, and carries an approval to another action."""

from __future__ import annotations

import pytest
from langgraph.types import Command

from interlock.errors import ProjectError
from tests.attacks.house import GRAPHS, POLICY, TOOLS, House, Run, attempt

REWIRED = (
    GRAPHS["pay"].replace("call: shop.pay", "call: shop.refund").replace(", retry: {attempts: 3, backoff: 1s}", "")
)


def restarted(run: Run) -> Run:
    """The same run in a new process, which reads the drawers anew."""
    return Run(run.house, run.house.engine(), run.id)


@pytest.mark.parametrize("change", ["removed", "renamed", "rewired", "broken"])
def test_a_waiting_run_goes_on_under_the_graph_it_started_with(house: House, change: str) -> None:
    """Its file may be gone, name another step, call another action or be no YAML: the approval means what it said."""
    run = house.begun("pay")
    path = house.root / "graphs" / "pay.yaml"
    match change:
        case "removed":
            path.unlink()
        case "renamed":
            path.write_text(GRAPHS["pay"].replace("pay:", "spend:").replace("-> pay", "-> spend"))
        case "rewired":
            path.write_text(REWIRED)
        case "broken":
            path.write_text("steps: [")
    run = restarted(run)
    run.approve()
    run.drive()
    assert (house.effects, run.outcome) == (["pay 10 anna"], "done")
    assert run.whole()


def test_another_graph_compiled_for_a_waiting_run_is_refused(house: House) -> None:
    """Whoever compiles the changed file for the run's thread gets a refusal, not the refund for the payment's yes."""
    run = house.begun("pay")
    house.write("graphs/pay.yaml", REWIRED)
    other = house.raw("pay")
    run.approve()
    for feed in (Command(resume="yes"), None, Command(goto="pay.perform"), Command(goto="pay.propose")):
        told = attempt(lambda feed=feed: other.invoke(feed, run.config))
        assert isinstance(told, Exception)
        assert house.effects == []
    run = restarted(run)
    run.drive()
    assert (house.effects, run.outcome) == (["pay 10 anna"], "done")
    assert run.whole()


def test_a_card_that_is_gone_changes_no_run(house: House) -> None:
    """The card of a step is part of the spec that the run is pinned to."""
    engine = house.engine()
    workflow = engine.project.workflow(house.root / "graphs" / "think.yaml")
    run = Run(house, engine, engine.start(workflow, {"amount": 10}, "requester").id)
    (house.root / "nodes" / "think.yaml").unlink()
    run = restarted(run)
    run.drive()
    assert (run.status, house.effects) == ("done", ["note 10 anna"])


HOW_MUCH = 'amount: int = about("How much.")'
PAY = '@action("shop.pay", effect="keyed", risk="high"'
WHO = 'to: str = about("Who receives it.")'

CHANGES = {
    "schema": ("tools/shop.py", HOW_MUCH, 'amount: int = about("How much.", ge=0)'),
    "risk": ("tools/shop.py", PAY, '@action("shop.pay", effect="keyed", risk="low"'),
    "effect": ("tools/shop.py", PAY, '@action("shop.pay", effect="idempotent", risk="high"'),
    "a new argument": ("tools/shop.py", WHO, WHO + '\n    times: int = about("How often.", default=1)'),
    "policy": ("policies/shop.yaml", "version: 1", "version: 2"),
    "a stricter policy": ("policies/shop.yaml", "{approve: one}", "{approve: two}"),
}


@pytest.mark.parametrize("change", CHANGES)
@pytest.mark.parametrize("when", ["before the answer", "after it"])
def test_an_approval_does_not_outlive_the_rules_it_was_given_under(house: House, change: str, when: str) -> None:
    """A changed tool or policy: nothing happens on the old approval, and the action is asked about again."""
    run = house.begun("pay")
    first = run.asked.id
    if when == "after it":
        run.approve()
    house.change(*CHANGES[change])
    run = restarted(run)
    if when == "before the answer":
        run.engine.approve(first, "bob")
    run.drive()
    assert house.effects == []
    assert run.asked.id != first
    assert run.engine.services.approvals.get(first).state == "superseded"
    assert run.asked.requirement["count"] == (2 if change == "a stricter policy" else 1)
    run.approve(*(("fay", "finn") if change == "a stricter policy" else ("bob",)))
    run.drive()
    assert (house.effects, run.outcome) == (["pay 10 anna"], "done")
    assert run.whole()


def test_a_policy_that_now_denies_stops_what_was_approved(house: House) -> None:
    """Between yes and effect the rule became deny: nothing happens."""
    run = house.begun("pay")
    run.approve()
    house.write("policies/shop.yaml", POLICY.replace("then: {approve: one}", "then: deny"))
    run = restarted(run)
    run.drive()
    assert (house.effects, run.outcome) == ([], "not_paid")
    assert run.whole()


def test_a_tool_that_reads_its_arguments_otherwise_is_stopped(house: House) -> None:
    """The schema is the same, the value is not: what would be sent is compared with what was shown."""
    run = house.begun("pay")
    run.approve()
    twist = (
        "class Money(Arguments):\n"
        "    @field_validator('amount')\n"
        "    @classmethod\n"
        "    def _twist(cls, value: int) -> int:\n"
        "        return value * 100\n\n"
    )
    source = TOOLS.replace("class Money(Arguments):\n", twist)
    house.write(
        "tools/shop.py", source.replace("from pathlib", "from pydantic import field_validator\nfrom pathlib", 1)
    )
    run = restarted(run)
    run.drive()
    assert (house.effects, house.tries, run.outcome) == ([], 0, "not_paid")
    assert "otherwise than they would be shown" in str(run.effect.verdict)
    assert run.whole()


def test_a_removed_tool_stops_the_run_until_it_is_back(house: House) -> None:
    """A clear error that names the action; the approval still counts once the tool is there again."""
    run = house.begun("pay")
    run.approve()
    house.write("tools/shop.py", TOOLS.replace('"shop.pay"', '"shop.spend"'))
    house.write("policies/shop.yaml", POLICY.replace("shop.pay, ", ""))
    run = restarted(run)
    with pytest.raises(ProjectError, match=r"tools/ declares no action shop\.pay; put it back, then resume the run"):
        run.drive()
    assert (house.effects, run.engine.services.runs.get(run.id).status in ("running", "waiting")) == ([], True)
    house.write("tools/shop.py", TOOLS)
    house.write("policies/shop.yaml", POLICY)
    run = restarted(run)
    run.drive()
    assert (house.effects, run.outcome) == (["pay 10 anna"], "done")
    assert run.whole()


def test_a_doubt_whose_rules_changed_is_asked_about(house: House) -> None:
    """Nobody knows whether it happened and the policy is another now: no new attempt, a person says what happened."""
    house.begun("note")
    house.trouble("lost")
    died = house.engine(sleep=_dies)
    workflow = died.project.workflow(house.root / "graphs" / "note.yaml")
    run = Run(house, died, died.start(workflow, {"amount": 7}, "requester").id)
    assert isinstance(attempt(run.drive), Exception)
    house.trouble("")
    house.change("policies/shop.yaml", "version: 1", "version: 2")
    before = list(house.effects)
    run = restarted(run)
    run.drive()
    assert (house.effects, run.asked.kind) == (before, "doubt")
    run.engine.services.approvals.respond(run.asked.id, "bob", happened=True)
    run.drive()
    assert (house.effects, run.status) == (before, "done")
    assert run.whole()


def _dies(seconds: float) -> None:
    raise SystemError("the process ends here")


def test_a_changed_project_at_the_terminal_keeps_the_run_to_its_word(open_house: House) -> None:
    """`review approve` after the graph file was rewired: the payment that was shown happens, not the refund."""
    run = open_house.begun("pay")
    open_house.write("graphs/pay.yaml", REWIRED)
    approved = open_house.command("review", "approve", run.asked.id, "--as", "bob", "--json")
    assert (approved.code, approved.json["run"]["status"]) == (0, "done"), approved.err
    assert open_house.effects == ["pay 10 anna"]
