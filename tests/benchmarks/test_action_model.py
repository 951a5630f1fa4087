"""The benchmarks of the action model: what they count, draw and print."""

from __future__ import annotations

import json
from pathlib import Path
from xml.etree import ElementTree

import pytest

from benchmarks.action_model.plots import bars, curves
from benchmarks.action_model.speed import all_tools, latency, spaces
from benchmarks.action_model.table import draw, markdown
from benchmarks.invented import Maker, measure
from interlock.lam.load import load_action_model
from interlock.lam.measures.cases import Case, GoldCall
from interlock.lam.measures.outcomes import Outcome, run
from interlock.lam.measures.sets import report
from interlock.lam.protocol import Action, ActionSchema, Decision, Observation
from interlock.testing import ScriptedActionModel

SVG = "{http://www.w3.org/2000/svg}"


def abstain(observation: Observation, space: list[ActionSchema]) -> Decision:
    return Decision(kind="abstain", p_null=0.9, backend="script", model_id="script")


def invent(observation: Observation, space: list[ActionSchema]) -> Decision:
    action = Action(name=space[0].name, arguments={"never_declared": "made up"}, confidence=0.9)
    return Decision(kind="act", actions=[action], p_null=0.1, backend="script", model_id="script")


def test_a_model_that_invents_is_found_out() -> None:
    """The count of invented values can fail: a value without evidence is counted in every request."""
    counts, broken = measure(ScriptedActionModel(invent), 30)
    assert (counts["act"], counts["invented_values"]) == (30, 30)
    assert len(broken) == 20
    assert json.loads(broken[0]["got"])["actions"][0]["arguments"] == {"never_declared": "made up"}


def test_an_error_of_the_model_is_counted_and_an_abstention_breaks_nothing() -> None:
    """A crash is a finding; abstaining invents nothing."""
    counts, broken = measure(ScriptedActionModel(abstain), 30)
    assert (counts["abstain"], counts["invented_values"], counts["invalid_actions"], counts["errors"]) == (30, 0, 0, 0)
    assert broken == []
    counts, broken = measure(ScriptedActionModel([]), 5)
    assert counts["errors"] == 5


def test_the_same_seed_makes_the_same_requests() -> None:
    """Requests and functions are a function of the seed, and functions have types of every sort."""
    from random import Random

    def made(seed: int) -> list[str]:
        maker = Maker(Random(seed))
        found = []
        for _ in range(60):
            space = maker.space()
            found.append(maker.observation(space).model_dump_json())
            found += [schema.model_dump_json() for schema in space]
        return found

    assert made(3) == made(3)
    assert made(3) != made(4)
    text = "".join(made(3))
    for word in ('"array"', '"object"', '"enum"', '"boolean"', '"date-time"', '"pattern"', '"anyOf"'):
        assert word in text, word


def test_the_packaged_model_invents_nothing_over_random_requests() -> None:
    """A short run of the measure that is published over ten thousand requests."""
    counts, broken = measure(load_action_model(threads=1), 40, seed=9)
    assert (counts["invented_values"], counts["invalid_actions"], counts["errors"]) == (0, 0, 0), broken[:1]


def test_each_request_meets_its_own_tool_among_as_many_as_asked() -> None:
    """Spaces of one, three and twenty tools hold the right one; the time is of warm decisions."""
    for size in (1, 3, 20):
        made = spaces(size)
        assert all(len({schema.name for schema in space}) == size for _, space in made)
    assert len(all_tools()) >= 20
    model = ScriptedActionModel(abstain)
    found = latency(model, 3, repeats=2)
    assert found["decisions"] == 16
    assert len(model.received) == 24
    assert 0 <= found["p50_ms"] <= found["p95_ms"]


def outcomes() -> list[Outcome]:
    space = (ActionSchema(name="go", description="Go."),)
    gold = (GoldCall("go", {}),)
    cases = [
        Case(str(n), "a<b" if n % 2 else "c", Observation(sources={"request": str(n)}), space, gold) for n in range(10)
    ]

    def decide(observation: Observation, space: list[ActionSchema]) -> Decision:
        n = int(observation.sources["request"])
        action = Action(name="go" if n < 7 else "stay", arguments={}, confidence=1 - n / 20)
        return Decision(kind="act", actions=[action], p_null=0.1, backend="script", model_id="s")

    return run(ScriptedActionModel(decide), cases)


def test_figures_become_tables_and_pictures(tmp_path: Path) -> None:
    """Every column has its row and its bar, and the pictures are well-formed and say what they show."""
    found = outcomes()
    speed = {
        "latency": [{"tools": 1, "p50_ms": 12.0, "p95_ms": 20.0, "cpu_p50_ms": 11.0, "cpu_p95_ms": 19.0}],
        "cold_load": {"import_s": 1.0, "load_s": 0.5, "first_decision_s": 0.1, "cpu_s": 1.4, "peak_memory_mib": 500.0},
        "own_weights_mb": 5.5,
        "parameters": 7,
    }
    figures = {"sets": {"bfcl": report("bfcl", found, {"read": 0.8})}, "speed": speed}
    text = markdown(figures)
    assert "| c | 5 | 80.0 | 100.0 | 0.0 | 0.0 |" in text
    assert "| decision among 1 tool, p50 / p95 | 12.0 / 20.0 ms" in text
    assert "| fresh process: import, load, first decision | 1.0, 0.5, 0.1 s, processor time 1.4 s |" in text
    paths = draw(tmp_path, figures, {"bfcl": found})
    assert {path.name for path in paths} == {"bfcl_columns.svg", "coverage.svg", "latency.svg"}
    for path in paths:
        root = ElementTree.parse(path).getroot()
        assert root.tag == f"{SVG}svg"
        assert root.findtext(f"{SVG}desc")
    line = ElementTree.parse(tmp_path / "coverage.svg").getroot().find(f"{SVG}polyline")
    assert line is not None
    assert len(line.attrib["points"].split()) == 10


@pytest.mark.parametrize(
    "text", [bars("A & B", {"x < y": 3.0}, unit=" ms", most=5), curves("t", {"a&b": [(0, 0)]}, across="x", up="y")]
)
def test_no_text_becomes_markup(text: str) -> None:
    """Names with marks of XML are escaped."""
    ElementTree.fromstring(text)
