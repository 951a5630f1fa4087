"""The other public sets: what is read, what is held out, and their figures."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import pytest

from interlock.errors import InputError, UsageError
from interlock.lam.heldout import held_out
from interlock.lam.measures.cases import Case, GoldCall
from interlock.lam.measures.clinc import read_clinc
from interlock.lam.measures.outcomes import run
from interlock.lam.measures.seal_tools import DISTRACTORS, read_seal_tools
from interlock.lam.measures.selective import at_coverage, curve, rejected_at, selective
from interlock.lam.measures.sets import report
from interlock.lam.measures.snips import read_snips
from interlock.lam.protocol import Action, ActionSchema, Decision, Observation
from interlock.testing import ScriptedActionModel


def write(path: Path, rows: list[Any]) -> None:
    path.write_text("".join(json.dumps(row) + "\n" for row in rows), encoding="utf-8")


def answering(cases: list[Case], wrong: int = 0) -> ScriptedActionModel:
    """A model that gives the gold calls; in the first `wrong` cases it changes every value."""
    by_text = {case.observation.sources["request"]: (case, number < wrong) for number, case in enumerate(cases)}

    def decide(observation: Observation, space: list[ActionSchema]) -> Decision:
        case, spoil = by_text[observation.sources["request"]]
        actions = [
            Action(
                name=call.name,
                arguments={name: "spoilt" if spoil else answers[0] for name, answers in call.arguments.items()},
                confidence=0.2 if spoil else 0.9,
            )
            for call in case.gold
        ]
        kind: Any = "act" if actions else "abstain"
        return Decision(kind=kind, actions=actions, p_null=0.1 if actions else 0.8, backend="script", model_id="s")

    return ScriptedActionModel(decide)


def snips_rows(count: int) -> list[dict[str, Any]]:
    return [
        {
            "intent": "RateBook",
            "data": [
                {"text": "rate "},
                {"text": f"Volume {number}", "entity": "object_name"},
                {"text": " with "},
                {"text": "four", "entity": "rating_value"},
                {"text": " stars"},
            ],
        }
        for number in range(count)
    ]


def test_only_held_out_rows_of_snips_are_measured(tmp_path: Path) -> None:
    """Every case is a held-out sentence; slots are arguments, numbers read from their words."""
    write(tmp_path / "RateBook.jsonl", snips_rows(100))
    cases = read_snips(tmp_path)
    assert 1 <= len(cases) <= 15
    assert all(held_out(case.observation.sources["request"]) for case in cases)
    assert all(case.gold[0].name == "rate_book" and case.gold[0].arguments["rating_value"] == [4] for case in cases)
    figures = report("snips", run(answering(cases), cases), None)
    assert (figures["intent_accuracy"], figures["exact_calls"], figures["slots"]["f1"]) == (100.0, 100.0, 100.0)
    figures = report("snips", run(answering(cases, wrong=1), cases), None)
    assert figures["intent_accuracy"] == 100.0
    assert figures["slots"]["f1"] == pytest.approx(100 * (len(cases) - 1) / len(cases), abs=0.01)


def test_seal_tools_rows_meet_their_tools_and_some_of_the_same_field(tmp_path: Path) -> None:
    """Gold tools are always among the candidates, the others are of the field, and a row is the same every time."""
    tools = [
        {
            "api_name": f"tool{number}",
            "api_description": "Does it.",
            "field": f"Art/{'Music' if number < 4 else 'Dance'}" if number < 12 else "Law/Courts",
            "parameters": {"x": {"type": "str", "description": "x"}},
            "required": ["x"],
        }
        for number in range(20)
    ]
    rows = [
        {"id": "one", "query": "Do it.", "calling": [{"api": "tool1", "parameters": {"x": "a"}}]},
        {
            "id": "two",
            "query": "Do both.",
            "calling": [
                {"api": "tool2", "parameters": {"x": "b"}},
                {"api": "tool3", "parameters": {"x": "API_call_0"}},
            ],
        },
    ]
    write(tmp_path / "tool.jsonl", tools)
    write(tmp_path / "dev.jsonl", rows)
    cases = {case.id: case for case in read_seal_tools(tmp_path)}
    names = {schema.name for schema in cases["one"].space}
    assert {"tool0", "tool1", "tool2", "tool3"} < names
    assert len(names) == 1 + DISTRACTORS
    assert names <= {f"tool{number}" for number in range(12)}
    assert [case.space for case in read_seal_tools(tmp_path)] == [case.space for case in cases.values()]
    figures = report("seal_tools", run(answering(list(cases.values())), cases.values()), None)
    assert (figures["refer_back"], figures["exact_calls"], figures["tools"]["f1"]) == (50.0, 100.0, 100.0)


def test_clinc_requests_meet_all_intents_at_once(tmp_path: Path) -> None:
    """In-scope accuracy and out-of-scope recall come from the held-out rows."""
    rows = [{"text": f"what is the weather {number}", "intent": "weather"} for number in range(200)]
    rows += [{"text": f"who wrote book {number}", "intent": "oos"} for number in range(200)]
    write(tmp_path / "train.jsonl", rows)
    cases = read_clinc(tmp_path)
    assert {case.column for case in cases} == {"in_scope", "out_of_scope"}
    assert {len(case.space) for case in cases} == {150}
    figures = report("clinc", run(answering(cases), cases), None)
    assert figures["in_scope_accuracy"] == 100.0
    assert figures["out_of_scope"]["rejected"] == 100.0


def test_a_fault_in_a_set_is_named_by_file_and_line(tmp_path: Path) -> None:
    """An unknown intent, slot or tool, and a folder without files."""
    for reader in (read_snips, read_clinc, read_seal_tools):
        with pytest.raises(UsageError):
            reader(tmp_path)
    write(tmp_path / "A.jsonl", [{"intent": "RateBook", "data": [{"text": "x", "entity": "colour"}]}])
    with pytest.raises(InputError, match=r"A\.jsonl, line 1: rate_book has no slot colour"):
        read_snips(tmp_path)
    write(tmp_path / "A.jsonl", [{"text": "x", "intent": "fly"}])
    with pytest.raises(InputError, match=r"A\.jsonl, line 1: fly is none of the 150 intents"):
        read_clinc(tmp_path)
    write(tmp_path / "tool.jsonl", [])
    write(tmp_path / "dev.jsonl", [{"id": "a", "query": "x", "calling": [{"api": "y"}]}])
    with pytest.raises(InputError, match=r"dev\.jsonl, line 1: a call needs an api"):
        read_seal_tools(tmp_path)


def test_the_curve_falls_from_the_surest_calls_to_all() -> None:
    """Its last point is every call that is made; rejection lets the asked share of valid requests pass."""
    space = (ActionSchema(name="go", description="Go."),)
    cases = [
        Case(str(n), "c", Observation(sources={"request": str(n)}), space, (GoldCall("go", {}),) if n < 20 else ())
        for n in range(30)
    ]

    def decide(observation: Observation, space: list[ActionSchema]) -> Decision:
        n = int(observation.sources["request"])
        action = Action(name="go" if n % 5 else "stay", arguments={}, confidence=1 - n / 100)
        return Decision(kind="act", actions=[action], p_null=n / 100, backend="script", model_id="s")

    outcomes = run(ScriptedActionModel(decide), cases)
    points = curve(outcomes)
    assert [point["coverage"] for point in points] == sorted(point["coverage"] for point in points)
    assert points[-1] == {"threshold": 0.71, "coverage": 100.0, "acted": 30, "accuracy": pytest.approx(53.33)}
    assert rejected_at(outcomes, 0.95) == {
        "accepted": 95.0, "rejected": 100.0, "p_null": 0.18, "n_valid": 20, "n_none": 10,
    }  # fmt: skip
    assert rejected_at(outcomes[:20]) is None
    assert at_coverage(outcomes, 40) == {"threshold": 0.93, "coverage": 40.0, "acted": 8, "accuracy": 75.0}
    assert at_coverage(outcomes[20:], 40) is None
    found = selective(outcomes, {"read": 0.929, "reversible": None})
    covered = {"threshold": 0.929, "coverage": 40.0, "acted": 8, "accuracy": 75.0}
    assert found["certified"] == {"read": covered, "reversible": None}
    assert found["hindsight"] is None, "the surest call is wrong, and so is one of every five"
    assert found["area"] > 0.2
    right = selective(outcomes[1:5])["hindsight"]
    assert right == {"threshold": 0.96, "coverage": 100.0, "acted": 4, "accuracy": 100.0}
