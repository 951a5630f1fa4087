"""Two versions of policies: every decision that differs, and nothing else, each with values that show it."""

from __future__ import annotations

import json
from itertools import product
from pathlib import Path
from typing import Any

import pytest
from hypothesis import HealthCheck, given, settings
from typer.testing import CliRunner

from interlock.cli.app import app
from interlock.policies.decide import decide
from interlock.policies.diff import Version, differences, opaque, settings_of
from interlock.policies.domains import Setting
from interlock.policies.language import Policy
from interlock.policies.outcome import outcome_in
from tests.policies.made import ACTION, VALUES, policies

FEWER = ("amount", "kind", "known", "payee_from")


@settings(max_examples=60, deadline=None, suppress_health_check=[HealthCheck.too_slow])
@given(policies(inputs=FEWER), policies(inputs=FEWER))
def test_every_pair_of_outcomes_that_differ_is_told(old: Policy, new: Policy) -> None:
    """The changes are those of every combination of values, and each witness is decided as it says."""
    names = sorted({name for policy in (old, new) for rule in policy.rules for name in rule.when})
    expected = set()
    for found in product(*(VALUES[name] for name in names)):
        inputs = dict(zip(names, found, strict=True))
        pair = tuple(outcome_in(decide([policy], ACTION, inputs, {})) for policy in (old, new))
        if pair[0] != pair[1]:
            expected.add(pair)
    changes = differences(Version([old]), Version([new]), [Setting(ACTION)])
    assert {(change.before, change.after) for change in changes} == expected
    for change in changes:
        assert outcome_in(decide([old], ACTION, change.witness, {})) == change.before
        assert outcome_in(decide([new], ACTION, change.witness, {})) == change.after
    back = differences(Version([new]), Version([old]), [Setting(ACTION)])
    mirrored = {"looser": "stricter", "stricter": "looser", "changed": "changed"}
    assert sorted(mirrored[change.direction] for change in back) == sorted(change.direction for change in changes)
    assert not differences(Version([old]), Version([old]), [Setting(ACTION)])


def payments(**asked: Any) -> Policy:
    rules = [
        {"id": "small", "when": {"amount": {"gt": 0, "le": 500}, "hour": {"ge": 6}}, "then": "auto", "because": "so"},
        {"id": "all", "when": {"amount": {"gt": 500}}, "then": {"approve": asked}, "because": "so"},
        {"id": "night", "when": {"hour": {"lt": 6}}, "then": {"approve": {"count": 1}}, "because": "so"},
    ]
    return Policy.model_validate(
        {
            "policy": "payments",
            "version": 1,
            "applies_to": ["payments.*"],
            "inputs": {"amount": {"type": "decimal"}, "hour": {"type": "int"}},
            "rules": rules,
        }
    )


BEFORE = {"count": 2, "role": "finance", "within": "2d", "execute_within": "15m"}


@pytest.mark.parametrize(
    ("changed", "direction"),
    [
        ({"count": 1}, "looser"),
        ({"count": 3}, "stricter"),
        ({"role": None}, "looser"),
        ({"role": ["finance", "legal"]}, "stricter"),
        ({"within": "3d"}, "looser"),
        ({"within": "1d"}, "stricter"),
        ({"execute_within": "1h"}, "looser"),
        ({"role": "legal"}, "changed"),
        ({"count": 3, "within": "3d"}, "changed"),
        ({"escalate": {"after": "1h", "role": "managers"}}, "looser"),
        ({"role": ["finance"]}, None),
    ],
)
def test_a_change_of_who_must_agree_is_told(changed: dict[str, Any], direction: str | None) -> None:
    """Fewer people, fewer roles and longer times are looser; less of one and more of another is neither."""
    asked = {name: value for name, value in (BEFORE | changed).items() if value is not None}
    old, new = Version([payments(**BEFORE)]), Version([payments(**asked)])
    found = [change for change in differences(old, new, settings_of((old, new))) if change.witness["hour"] >= 6]
    assert [change.direction for change in found] == ([direction] if direction else [])
    assert all(change.witness["amount"] > 500 for change in found)


def test_the_values_are_told_with_both_outcomes() -> None:
    """A night rule that goes away is told as people would say it."""
    old = payments(**BEFORE)
    new = old.model_copy(update={"rules": [old.rules[0].model_copy(update={"when": {}}), old.rules[1]]})
    found = differences(Version([old]), Version([new]), settings_of((Version([old]), Version([new]))))
    assert [change.words() for change in found] == [
        "payments.*: amount -1, hour 0: approve -> auto",
        "payments.*: amount -1, hour 6: deny -> auto",
        "payments.*: amount 500.01, hour 0: approve by 2 of finance, within 1d, executed within 15m -> "
        "approve by 2 of finance, within 2d, executed within 15m",
    ]


@pytest.mark.parametrize(
    ("effect", "given", "taken"),
    [("auto", "looser", "stricter"), ("deny", "stricter", "looser"), ({"approve": {}}, "looser", "looser")],
)
def test_an_action_that_gets_or_loses_its_policy_is_told(effect: Any, given: str, taken: str) -> None:
    """Without a policy an edge's approval decides: what may have become possible is looser."""
    rule = {"id": "r", "then": effect, "because": "so"}
    policy = Policy.model_validate({"policy": "p", "version": 1, "applies_to": ["house.*"], "rules": [rule]})
    none, one = Version([]), Version([policy])
    assert [change.direction for change in differences(none, one, settings_of((none, one)))] == [given]
    assert [change.direction for change in differences(one, none, settings_of((none, one)))] == [taken]


def test_what_an_engine_decides_is_named_and_not_compared() -> None:
    """A changed text of another engine is never called the same."""
    body = {"policy": "p", "version": 1, "applies_to": ["house.*"], "engine": "cedar"}
    old, new = (Policy.model_validate(body | {"text": text}) for text in ("permit;", "forbid;"))
    assert opaque(Version([old]), Version([new])) == ["p"]
    assert opaque(Version([old]), Version([old])) == []
    assert opaque(Version([old]), Version([])) == ["p"]


OLD = """policy: payments
version: 1
applies_to: [payments.transfer]
inputs:
  amount: {type: decimal}
rules:
  - {id: small, when: {amount: {gt: 0, le: 100}}, then: auto, because: it is small}
  - {id: rest, when: {amount: {gt: 100}}, then: {approve: {count: 2, role: finance}}, because: it is not}
"""


def test_the_command_tells_what_got_looser_and_fails(tmp_path: Path) -> None:
    """`policy diff` on two files, and on the same one twice."""
    old, new = tmp_path / "old.yaml", tmp_path / "new.yaml"
    old.write_text(OLD)
    new.write_text(OLD.replace("100", "500"))
    result = CliRunner().invoke(app, ["policy", "diff", str(old), str(new)])
    assert result.exit_code == 1
    assert "payments.transfer: amount 100.01: approve -> auto" in result.stdout
    told = json.loads(CliRunner().invoke(app, ["policy", "diff", str(new), str(old), "--json"]).stdout)
    assert (told["looser"], told["changed"], told["engines"]) == ([], [], [])
    assert [(change["from"], change["to"], change["witness"]["amount"]) for change in told["stricter"]] == [
        ("auto", "approve", "100.01")
    ]
    assert CliRunner().invoke(app, ["policy", "diff", str(new), str(old)]).exit_code == 0
    same = CliRunner().invoke(app, ["policy", "diff", str(old), str(old)])
    assert (same.exit_code, same.stdout) == (0, "no decision differs\n")
