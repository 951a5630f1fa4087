"""Other policy engines as one more voice: Cedar end to end, and whatever an engine may do wrong."""

from __future__ import annotations

import sys
import threading
from collections.abc import Sequence
from importlib.metadata import EntryPoint, EntryPoints
from pathlib import Path
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from interlock.policies import adapters
from interlock.policies.adapters import Answer, EngineFault, Request, decided, required, ruling, voice
from interlock.policies.autonomy import may_auto
from interlock.policies.decide import Verdict, decide, policies_digest
from interlock.policies.drawer import inspect_policies, read_policies
from interlock.policies.language import Policy, Requirement

ACTION = "payments.transfer"
TEXT = """
@id("small") @because("up to 500, to somebody the request names")
permit (principal, action == Action::"payments.transfer", resource)
when { context.amount.lessThanOrEqual(decimal("500.0")) && context.payee_from == "user" };

@id("large") @approve("finance:2") @because("two of finance agree over 500")
permit (principal, action in Action::"payments.*", resource == Family::"payments")
when { context.amount.greaterThan(decimal("500.0")) };

@id("odd") @approve("one")
permit (principal == Interlock::"workflow", action, resource) when { context.amount == decimal("13.0") };

@id("night") @because("nobody looks by night")
forbid (principal, action, resource) when { context.hour < 6 };
"""
INPUTS = {
    "amount": {"type": "decimal"},
    "payee_from": {"type": "provenance"},
    "hour": {"type": "int"},
    "known": {"type": "bool"},
}
NAMED = {"one": Requirement(role="finance")}
GOOD = {"amount": "10.00", "payee_from": "user", "hour": 12, "known": True}


def policy(text: str = TEXT, engine: str = "cedar", **more: Any) -> Policy:
    """A policy that an engine decides."""
    told = {"policy": "shop", "version": 1, "applies_to": ["payments.*"], "engine": engine, "text": text}
    return Policy.model_validate(told | {"inputs": INPUTS} | more)


def said(text: str = TEXT, **inputs: Any) -> Verdict:
    return voice(policy(text), ACTION, GOOD | inputs, NAMED)


@pytest.mark.parametrize(
    ("inputs", "effect", "rule"),
    [
        ({}, "auto", "shop/small"),
        ({"amount": "500"}, "auto", "shop/small"),
        ({"amount": "500.0001"}, "approve", "shop/large"),
        ({"amount": "500.0001000"}, "approve", "shop/large"),
        ({"amount": "13"}, "approve", "shop/odd"),
        ({"payee_from": "model"}, "deny", "shop/cedar"),
        ({"hour": 5}, "deny", "shop/night"),
        ({"hour": 6}, "auto", "shop/small"),
    ],
)
def test_cedar_decides(inputs: dict[str, Any], effect: str, rule: str) -> None:
    """A permit is auto or asks, a forbid and the lack of a permit deny, and of several permits the strictest wins."""
    verdict = said(**inputs)
    assert (verdict.effect, verdict.reasons[0].rule) == (effect, rule)


def test_cedar_names_who_must_agree() -> None:
    """`ROLE:COUNT`, or the name of a declared approval; several that hold are put together."""
    assert said(amount="501").requirement == Requirement(role="finance", count=2)
    assert said(amount="13").requirement == NAMED["one"]
    both = said('@approve("a:2") permit(principal,action,resource); @approve(":3") permit(principal,action,resource);')
    assert both.requirement == Requirement(role="a", count=3)


FAULTY = [
    ("permit(principal,action,resource); forbid(principal,action,resource) when { context.nothing };", {}),
    ("permit(principal,action,resource); forbid(principal,action,resource) when { context.amount < 1 };", {}),
    ("permit(principal,action,resource) when { context.nothing == 1 };", {}),
    ('@approve("nobody") permit(principal,action,resource);', {}),
    ('@approve("finance:0") permit(principal,action,resource);', {}),
    ('@approve("finance:2;") permit(principal,action,resource);', {}),
    ('@approve("") permit(principal,action,resource);', {}),
    ('@approve("finance:1") forbid(principal,action,resource);', {}),
    ("permit(principal == ?principal,action,resource);", {}),
    ("permit(", {}),
    ("", {}),
    ("permit(principal,action,resource);", {"amount": "1e3"}),
    ("permit(principal,action,resource);", {"amount": 1.5}),
    ("permit(principal,action,resource);", {"amount": "0.00001"}),
    ("permit(principal,action,resource);", {"amount": "922337203685478"}),
    ("permit(principal,action,resource);", {"hour": 2**63}),
    ("permit(principal,action,resource);", {"hour": True}),
    ("permit(principal,action,resource);", {"known": 1}),
    ("permit(principal,action,resource);", {"payee_from": "boss"}),
]


@pytest.mark.parametrize(("text", "inputs"), FAULTY)
def test_whatever_is_wrong_denies(text: str, inputs: dict[str, Any]) -> None:
    """A `forbid` that errors, which Cedar skips, first of all; then texts and values that cannot be read."""
    assert said(text, **inputs).effect == "deny"


def test_cedar_itself_would_let_a_broken_forbid_pass() -> None:
    """The reason for the rule above: what Cedar answers alone."""
    import cedarpy

    text, _ = FAULTY[0]
    asked = {"principal": 'A::"a"', "action": 'A::"a"', "resource": 'A::"a"', "context": {}}
    assert cedarpy.is_authorized(asked, text, []).decision == cedarpy.Decision.Allow


def test_a_missing_input_is_not_there() -> None:
    """A policy that asks for it errors and denies; one that first looks whether it is there does not."""
    assert said(amount=None).effect == "deny"
    assert said("permit(principal,action,resource) unless { context has amount };", amount=None).effect == "auto"


RULES = Policy.model_validate(
    {
        "policy": "rules",
        "version": 1,
        "applies_to": ["payments.*"],
        "inputs": {"amount": {"type": "decimal"}},
        "rules": [
            {"id": "small", "when": {"amount": {"le": 100}}, "then": "auto", "because": "small"},
            {"id": "more", "when": {"amount": {"gt": 100}}, "then": {"approve": {"count": 1}}, "because": "more"},
        ],
    }
)
STRICT = {"auto": 0, "approve": 1, "deny": 2}


@given(st.decimals(-10, 2000, places=2), st.sampled_from(["user", "model", None]), st.integers(0, 23))
def test_beside_rules_an_engine_only_makes_stricter(amount: Any, label: str | None, hour: int) -> None:
    """The decision of both is the stricter of the two, whichever that is."""
    inputs = {"amount": amount, "payee_from": label, "hour": hour}
    alone = decide([RULES], ACTION, inputs, NAMED)
    other = voice(policy(), ACTION, inputs, NAMED)
    both = decided([RULES, policy()], ACTION, inputs, NAMED)
    assert alone is not None
    assert both is not None
    assert STRICT[both.effect] == max(STRICT[alone.effect], STRICT[other.effect])


def test_without_an_engine_rules_decide_as_ever() -> None:
    """And where nothing applies, nothing is said; an engine alone decides alone."""
    assert decided([RULES], ACTION, {"amount": 5}, {}) == decide([RULES], ACTION, {"amount": 5}, {})
    assert decided([RULES, policy()], "email.send", {}, {}) is None
    alone = decided([policy()], ACTION, GOOD, NAMED)
    assert alone is not None
    assert alone.effect == "auto"


def test_nobody_can_tell_beforehand_what_an_engine_says() -> None:
    """Alone it may let anything pass; beside rules, what the rules never let pass stays so."""
    asks = RULES.model_copy(update={"rules": RULES.rules[1:]})
    assert may_auto([policy()], ACTION, {})
    assert may_auto([policy(), RULES], ACTION, {})
    assert not may_auto([policy(), asks], ACTION, {})


def test_an_approval_is_bound_to_the_text(tmp_path: Path) -> None:
    """Another text of the engine is another digest of the policies, also where the file is named."""
    (tmp_path / "shop.yaml").write_text(
        "policy: shop\nversion: 1\napplies_to: [payments.*]\nengine: cedar\nsource: shop.cedar\n"
        "inputs:\n  amount: {type: decimal}\n"
    )
    found = []
    for text in ("permit(principal,action,resource);", "forbid(principal,action,resource);"):
        (tmp_path / "shop.cedar").write_text(text)
        found.append(policies_digest(read_policies(tmp_path).policies, ACTION))
    assert found[0] != found[1]


@pytest.mark.parametrize(
    ("text", "code"),
    [
        ("permit(", "P034"),
        ('@approve("boss:1") permit(principal,action,resource);', "P009"),
        ('@approve("nobody") permit(principal,action,resource);', "P005"),
        ("permit(principal,action,resource);", None),
    ],
)
def test_the_drawer_reads_the_text(tmp_path: Path, text: str, code: str | None) -> None:
    """What cannot be read, or asks for people there are not, is told where the policy names its file."""
    (tmp_path / "people.yaml").write_text("people:\n  bob: [finance]\n")
    (tmp_path / "shop.cedar").write_text(text)
    (tmp_path / "shop.yaml").write_text(
        "policy: shop\nversion: 1\napplies_to: [payments.*]\nengine: cedar\nsource: shop.cedar\n"
    )
    _, findings = inspect_policies(tmp_path)
    assert [(finding.code, finding.line) for finding in findings] == ([(code, 5)] if code else [])


def test_without_its_package_cedar_says_what_to_install(monkeypatch: pytest.MonkeyPatch) -> None:
    """At load with the next step; a decision denies."""
    monkeypatch.setitem(sys.modules, "cedarpy", None)
    with pytest.raises(EngineFault, match="cedarpy, which is not installed") as refused:
        adapters.engine("cedar").read(TEXT)
    assert refused.value.hint == "install it: pip install 'interlock[cedar]'"
    ruling.cache_clear()
    assert said().effect == "deny"


@pytest.mark.parametrize(
    "told",
    [
        {"text": None},
        {"source": "shop.cedar"},
        {"engine": None},
        {"rules": [{"id": "all", "then": "auto", "because": "both"}]},
        {"never": [{"effect": "auto"}]},
        {"text": None, "source": "../shop.cedar"},
        {"text": None, "source": "/etc/passwd"},
        {"text": None, "source": ".hidden"},
    ],
)
def test_an_engine_has_one_text_and_no_rules(told: dict[str, Any]) -> None:
    """Its text or the name of a file in the same folder, never both, and no rules of ours beside it."""
    with pytest.raises(ValueError, match="validation error"):
        policy(**told)


class Scripted:
    """An engine of another package."""

    def read(self, text: str) -> Scripted:
        if text == "broken":
            raise RuntimeError("no such words")
        self.text = text
        return self

    @property
    def requires(self) -> Sequence[str]:
        return []

    def decide(self, request: Request) -> Sequence[Any]:
        match self.text:
            case "hang":
                threading.Event().wait()
            case "raise":
                raise MemoryError
            case "exit":
                raise SystemExit(0)
            case "word":
                return [Answer("allow", "a word of another language")]  # type: ignore[arg-type]
            case "none":
                return []
            case "nonsense":
                return ["auto"]
            case "nothing":
                return None  # type: ignore[return-value]
        return [Answer("auto", f"{request.action} of {request.inputs['amount']}", "mine")]


@pytest.fixture
def plugged(monkeypatch: pytest.MonkeyPatch) -> None:
    """The scripted engine, found like one that a package brings."""
    points = [EntryPoint(name, f"{__name__}:{target}", adapters.GROUP) for name, target in (
        ("scripted", "Scripted"), ("twice", "Scripted"), ("twice", "Missing"), ("gone", "Missing"))]  # fmt: skip
    found = EntryPoints(points)
    monkeypatch.setattr(adapters, "entry_points", lambda **named: found.select(**named))
    ruling.cache_clear()


@pytest.mark.usefixtures("plugged")
def test_a_shop_plugs_its_own_engine_in() -> None:
    """By an entry point; it gets the typed inputs, and its rule and reason stand in the verdict."""
    verdict = voice(policy("fine", engine="scripted"), ACTION, GOOD, {})
    assert (verdict.effect, verdict.reasons[0].rule) == ("auto", "shop/mine")
    assert verdict.reasons[0].because == "payments.transfer of 10.00"
    assert adapters.engines() == ["cedar", "gone", "scripted", "twice"]


@pytest.mark.usefixtures("plugged")
@pytest.mark.parametrize("text", ["hang", "raise", "exit", "word", "none", "nonsense", "nothing", "broken"])
def test_an_engine_that_gives_no_clear_answer_denies(text: str) -> None:
    """It hangs, raises, leaves, answers in other words, or says nothing."""
    verdict = voice(policy(text, engine="scripted"), ACTION, GOOD, {}, patience=0.2 if text == "hang" else 5)
    assert verdict.effect == "deny"


@pytest.mark.usefixtures("plugged")
@pytest.mark.parametrize("name", ["twice", "gone", "unknown"])
def test_an_engine_that_cannot_be_told_or_loaded_denies(name: str) -> None:
    """Two packages of one name, a package that is broken, and none at all."""
    assert voice(policy("fine", engine=name), ACTION, GOOD, {}).effect == "deny"


def test_a_count_is_of_people() -> None:
    """From one to twenty."""
    assert required("finance:20", {}).count == 20
    for strange in ("finance:21", "finance:-1", "finance: 1", "Finance:1", "finance", "", ":", "finance:1:1"):
        with pytest.raises(ValueError, match="neither"):
            required(strange, {})
