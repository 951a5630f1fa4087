"""A policy in Cedar, through the real gate: its budget, its text under a waiting approval, and a broken `forbid`."""

from __future__ import annotations

from datetime import timedelta

import pytest

from tests.attacks.house import House

POLICY = """
policy: shop
version: 1
applies_to: [shop.note]
engine: cedar
source: shop.cedar
inputs:
  amount: {type: int}
  day_total: {type: int, derived: {sum: amount, over: 1d}}
"""

CEDAR = """
@id("small") permit (principal, action == Action::"shop.note", resource) when { context.day_total <= 500 };
@id("more") @approve(":1") permit (principal, action, resource) when { context.day_total > 500 };
"""


@pytest.fixture
def cedar(house: House) -> House:
    """The shop with its notes decided by Cedar."""
    house.write("policies/shop.yaml", POLICY)
    house.write("policies/shop.cedar", CEDAR)
    for graph in ("pay", "chain", "ahead", "ahead_of_note", "edged", "form", "think"):
        (house.root / f"graphs/{graph}.yaml").unlink()
    return house


def test_cedar_sees_the_budget(cedar: House) -> None:
    """The first 300 go by themselves, the next ask one person, and a day later they go again."""
    assert cedar.begun("note", amount=300).status == "done"
    asked = cedar.begun("note", amount=300)
    assert asked.asked.request["reasons"][0]["rule"] == "shop/more"
    asked.approve("bob")
    asked.drive()
    assert (asked.status, len(cedar.effects)) == ("done", 2)
    cedar.clock.advance(timedelta(days=1))
    assert cedar.begun("note", amount=300).status == "done"


def test_a_text_that_changes_under_an_approval_is_asked_anew(cedar: House) -> None:
    """The approval was given under other words, so it authorises nothing, and the new words deny."""
    run = cedar.begun("note", amount=600)
    run.approve("bob")
    cedar.write("policies/shop.cedar", f"{CEDAR}\nforbid (principal, action, resource);")
    cedar.engine().drive(run.id)
    assert (run.outcome, cedar.effects) == ("not_noted", [])


def test_a_broken_forbid_denies(cedar: House) -> None:
    """Cedar alone would skip it and permit."""
    cedar.write("policies/shop.cedar", f"{CEDAR}\nforbid (principal, action, resource) when {{ context.budget > 1 }};")
    run = cedar.begun("note", amount=1)
    assert (run.outcome, cedar.effects) == ("not_noted", [])
    assert "gave no answer" in str(run.effect.verdict)
