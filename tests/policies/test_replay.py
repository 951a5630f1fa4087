"""Recorded decisions under other policies: what asks, what passes, and where each derived input comes from."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta
from typing import Any

import pytest

from interlock.policies.language import Policy, Requirement
from interlock.policies.replay import Recorded, Replay, replay

NOW = datetime(2026, 3, 2, 12, tzinfo=UTC)
MEANT = "sum of amount over 1d of payments.transfer as decimal"


def row(amount: str = "100", at: float = 0, decided: str = "auto", **more: Any) -> Recorded:
    """A payment decided `at` hours after noon, which was made at once unless it says otherwise."""
    when = NOW + timedelta(hours=at)
    people = {"decision": more.pop("people"), "by": "bob", "comment": "no"} if "people" in more else None
    told = {
        "effect": f"run-{at}/pay/1/0",
        "run": f"run-{at}",
        "at": when.isoformat(),
        "action": "payments.transfer",
        "headline": f"{amount} to anna",
        "arguments": {"amount": amount, "payee": "anna"},
        "labels": {"amount": "user"},
        "inputs": {"hour": when.hour, "weekday": "mon", "action": "payments.transfer"},
        "decided": decided,
        "reasons": [{"rule": "payments/old", "effect": decided, "because": "it was so"}],
        "state": "executed" if decided == "auto" else "rejected",
        "began": when.isoformat() if decided == "auto" else None,
        "people": people,
    }
    return Recorded.model_validate(told | more)


def policy(*rules: tuple[dict[str, Any], Any], **derived: Any) -> Policy:
    """A policy with these conditions and effects."""
    return Policy.model_validate(
        {
            "policy": "payments",
            "version": 2,
            "applies_to": ["payments.transfer"],
            "inputs": {
                "amount": {"type": "decimal"},
                "known": {"type": "bool"},
                "payee_from": {"type": "provenance"},
                **{name: {"type": "decimal", "derived": told} for name, told in derived.items()},
            },
            "rules": [
                {"id": f"r{place}", "when": when, "then": then, "because": "new"}
                for place, (when, then) in enumerate(rules)
            ],
        }
    )


def run(history: list[Recorded], *policies: Policy) -> Replay:
    return replay(history, list(policies), {"one": Requirement()})


UP_TO = {"amount": {"le": 500}}, "auto"
OVER = {"amount": {"gt": 500}}, {"approve": "one"}


def test_questions_are_counted_before_and_after() -> None:
    """Two that asked now pass, one that passed now asks: one question fewer."""
    history = [row("900"), row("100", 1, "approve"), row("200", 2, "approve"), row("5", 3, "deny", state="denied")]
    found = run(history, policy(UP_TO, OVER))
    assert (found.before, found.after) == ({"auto": 1, "approve": 2, "deny": 1}, {"approve": 1, "auto": 3})
    assert (found.decisions, found.questions) == (4, -1)
    assert [each.recorded.headline for each in found.stopped] == ["900 to anna"]


@pytest.mark.parametrize(("then", "passes"), [("auto", True), ({"approve": "one"}, False), ("deny", False)])
def test_what_people_rejected_and_would_now_pass_is_named(then: Any, passes: bool) -> None:
    """Only where nobody would be asked; with the comment of whoever rejected it."""
    found = run([row("100", decided="approve", people="rejected")], policy(({}, then)))
    assert [each.recorded.people for each in found.passing("rejected")] == (
        [row(people="rejected").people] if passes else []
    )


def test_an_edited_proposal_is_told_apart() -> None:
    """Who changed the action did not agree to the first one, nor reject it."""
    history = [row(decided="approve", people="edited"), row(at=1, decided="approve", people="approved")]
    found = run(history, policy(UP_TO))
    assert (len(found.passing("edited")), len(found.passing("rejected"))) == (1, 0)


@pytest.mark.parametrize("layer", ["edge", "covered", "confidence"])
def test_another_layer_still_asks(layer: str) -> None:
    """An approval edge, or a model that is not sure, is as it was, whatever the policies say."""
    asked = [{"rule": layer, "effect": "approve", "because": "another layer"}]
    reasons = [*asked, {"rule": "payments/old", "effect": "auto", "because": "it was so"}]
    found = run([row(decided="approve", reasons=reasons, people="rejected")], policy(UP_TO))
    assert not found.changed


@pytest.mark.parametrize("layer", ["plan", "schema", "secrets", "facts"])
def test_what_was_decided_before_the_policies_stays(layer: str) -> None:
    """The plan and the schema do not ask the policies."""
    reasons = [{"rule": layer, "effect": "deny", "because": "not offered"}]
    assert not run([row(decided="deny", reasons=reasons)], policy(({}, "auto"))).changed


def test_without_a_policy_the_default_decides() -> None:
    """An action that nothing applies to any more is denied, unless it only reads or its edge asks."""
    edge = [{"rule": "edge", "effect": "approve", "because": "asked"}]
    history = [row(), row(at=1, reads=True), row(at=2, decided="approve", reasons=edge)]
    found = run(history)
    assert [(each.recorded.run, each.after) for each in found.changed] == [("run-0", "deny")]


def test_a_lookup_asks_nobody() -> None:
    """What would ask is denied there, as it was."""
    history = [row(decided="deny", state="denied", lookup=True)]
    assert not run(history, policy(({}, {"approve": "one"}))).changed
    assert len(run(history, policy(({}, "auto"))).changed) == 1


def test_an_input_that_was_not_kept_is_missing() -> None:
    """A fact that no gate had asked for yet denies, and is counted."""
    found = run([row()], policy(({"known": True}, "auto")))
    assert [each.after for each in found.changed] == ["deny"]
    assert found.missing["known"] == 1
    assert "amount" not in found.missing


DAY = {"sum": "amount", "over": "1d"}
BUDGET = ({"total": {"le": 250}}, "auto"), ({"total": {"gt": 250}}, {"approve": "one"})


def test_a_derived_input_of_the_same_meaning_is_as_kept() -> None:
    """Even where the history alone would say otherwise: it may be a part of what happened."""
    inputs = {"total": "9000", "$derived": {"total": MEANT}}
    found = run([row(inputs=inputs)], policy(*BUDGET, total=DAY))
    assert [each.after for each in found.changed] == ["approve"]
    assert (found.as_kept, found.anew) == ({"total"}, set())


@pytest.mark.parametrize("kept", [{}, {"total": "9000"}, {"total": "9000", "$derived": {"total": f"{MEANT} by payee"}}])
def test_a_derived_input_of_another_meaning_is_computed_anew(kept: dict[str, Any]) -> None:
    """From what had begun by then: the third payment of a day goes over the budget, and one a day later does not."""
    history = [row(at=hours, inputs=kept) for hours in (0, 1, 2, 26)]
    found = run(history, policy(*BUDGET, total=DAY))
    assert [each.recorded.run for each in found.changed] == ["run-2"]
    assert (found.as_kept, found.anew) == (set(), {"total"})


@pytest.mark.parametrize(
    ("state", "counts"),
    [("executed", True), ("in_doubt", True), ("compensating", True), ("failed", False), ("compensated", False)],
)
def test_each_effect_counts_by_what_became_of_it(state: str, counts: bool) -> None:
    """A payment that failed in the end, or was undone, took nothing."""
    history = [row("200", state=state), row("100", at=1)]
    assert [each.recorded.run for each in run(history, policy(*BUDGET, total=DAY)).changed] == (
        ["run-1"] if counts else []
    )


def test_one_that_began_later_does_not_count_and_nor_does_it_itself() -> None:
    """A payment that waited for people is in no sum until it began."""
    late = row("200", at=0, decided="approve", state="executed", began=(NOW + timedelta(hours=5)).isoformat())
    found = run([late, row("100", at=1), row("100", at=6)], policy(*BUDGET, total=DAY))
    assert [(each.recorded.run, each.after) for each in found.changed] == [("run-0", "auto"), ("run-6", "approve")]


def test_a_recorded_decision_is_one_line() -> None:
    """Written and read back, it is the same; another key, or a word that is not known, is refused."""
    line = row(people="rejected").model_dump_json()
    assert "\n" not in line
    assert Recorded.model_validate_json(line) == row(people="rejected")
    for strange in (line.replace('"auto"', '"allow"'), line.replace('"run"', '"ran"')):
        with pytest.raises(ValueError, match="validation error"):
            Recorded.model_validate_json(strange)
