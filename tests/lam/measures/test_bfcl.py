"""Reading BFCL columns, and `lam eval --bfcl` over them."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import pytest
from typer.testing import CliRunner

from interlock.cli.model import app
from interlock.errors import InputError, InterlockError, UsageError
from interlock.lam.measures.bfcl import columns_in, read_columns, read_gold
from interlock.lam.measures.cases import GoldCall
from interlock.lam.protocol import Action, ActionSchema, Decision, Evidence, Observation
from interlock.testing import ScriptedActionModel

AREA = {
    "name": "area",
    "description": "Area of a rectangle.",
    "parameters": {
        "type": "dict",
        "properties": {"width": {"type": "float"}, "height": {"type": "float"}, "unit": {"type": "string"}},
        "required": ["width", "height"],
    },
}
COLUMNS: dict[str, tuple[list[dict[str, Any]], list[dict[str, Any]] | None]] = {
    "simple": (
        [
            {"id": "s0", "question": [[{"role": "user", "content": "A field of 3 by 4"}]], "function": [AREA]},
            {"id": "s1", "question": [[{"role": "user", "content": "A field of 5 by 6"}]], "function": [AREA]},
        ],
        [
            {"id": "s1", "ground_truth": [{"area": {"width": [9.0], "height": [6.0], "unit": ["", "m"]}}]},
            {"id": "s0", "ground_truth": [{"area": {"width": [3.0], "height": [4.0], "unit": ["", "m"]}}]},
        ],
    ),
    "exec_simple": (
        [{"id": "e0", "question": [[{"role": "user", "content": "A field of 7 by 8"}]], "function": [AREA]}],
        [{"id": "e0", "ground_truth": ["area(7, height=8)"]}],
    ),
    "irrelevance": (
        [
            {"id": "i0", "question": [[{"role": "user", "content": "Hello 1 by 2"}]], "function": [AREA]},
            {"id": "i1", "question": [[{"role": "user", "content": "Hello"}]], "function": [AREA]},
        ],
        None,
    ),
}


@pytest.fixture
def folder(tmp_path: Path) -> Path:
    for name, (rows, answers) in COLUMNS.items():
        write(tmp_path / f"{name}.jsonl", rows)
        if answers is not None:
            write(tmp_path / f"{name}.answers.jsonl", answers)
    return tmp_path


def write(path: Path, rows: list[Any]) -> None:
    path.write_text("".join(json.dumps(row) + "\n" for row in rows), encoding="utf-8")


def reader(observation: Observation, space: list[ActionSchema]) -> Decision:
    """A model that takes the numbers of the request as width and height, and abstains without two."""
    text, found = observation.sources["request"], []
    for word in text.split():
        if word.isdigit():
            found.append((int(word), text.index(word)))
    if len(found) < 2:
        return Decision(kind="abstain", p_null=0.9, backend="script", model_id="reader")
    pairs = dict(zip(("width", "height"), found, strict=True))
    action = Action(
        name=space[0].name,
        arguments={name: value for name, (value, _) in pairs.items()},
        confidence=0.8 if "field" in text else 0.4,
        evidence={
            name: Evidence(source="request", start=at, end=at + 1, text=str(value), normaliser="number")
            for name, (value, at) in pairs.items()
        },
    )
    return Decision(kind="act", actions=[action], p_null=0.1, backend="script", model_id="reader")


def evaluate(monkeypatch: pytest.MonkeyPatch, *arguments: str) -> dict[str, Any]:
    monkeypatch.setattr("interlock.lam.load.open_action_model", lambda reference: ScriptedActionModel(reader))
    result = CliRunner().invoke(app, ["eval", *arguments, "--json"])
    assert result.exit_code == 0, result.output
    document: dict[str, Any] = json.loads(result.stdout)
    return document


def test_a_column_is_found_by_name_and_its_rows_meet_their_answers_by_id(folder: Path) -> None:
    """Answers may stand in another order than the rows; calls written as Python fill arguments by place too."""
    assert columns_in(folder) == ["exec_simple", "irrelevance", "simple"]
    cases = {case.id: case for case in read_columns(folder)}
    assert cases["simple/s0"].gold == (GoldCall("area", {"width": [3.0], "height": [4.0], "unit": ["", "m"]}),)
    assert cases["exec_simple/e0"].gold == (GoldCall("area", {"width": [7], "height": [8]}),)
    assert cases["irrelevance/i0"].gold == ()
    assert cases["simple/s0"].observation.sources == {"request": "A field of 3 by 4"}


def test_the_command_prints_the_figures_of_each_column(
    folder: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Accuracy and acted are percent; wrong rows are written with what was right, what came and why it is wrong."""
    wrong = tmp_path / "wrong.jsonl"
    report = evaluate(monkeypatch, "--bfcl", str(folder), "--wrong", str(wrong))
    figures = {name: (row["n"], row["accuracy"], row["acted"]) for name, row in report["columns"].items()}
    assert figures == {"exec_simple": (1, 100.0, 100.0), "irrelevance": (2, 50.0, 50.0), "simple": (2, 50.0, 100.0)}
    assert (report["n"], report["invented_values"], report["invalid_actions"]) == (5, 0, 0)
    rows = [json.loads(line) for line in wrong.read_text(encoding="utf-8").splitlines()]
    assert {row["id"]: row["fault"] for row in rows} == {
        "irrelevance/i0": "makes a call (area) where none is right",
        "simple/s1": "width has another value",
    }
    assert rows[1]["gold"] == [{"area": {"width": [9.0], "height": [6.0], "unit": ["", "m"]}}]
    assert rows[1]["got"]["calls"] == [{"name": "area", "arguments": {"width": 5, "height": 6}}]
    assert report["rejection"] == {"accepted": 100.0, "rejected": 50.0, "p_null": 0.1, "n_valid": 3, "n_none": 2}
    at = {row["threshold"]: row for row in report["selective"]["thresholds"]}
    assert at[0.5] == {"threshold": 0.5, "coverage": 100.0, "acted": 3, "accuracy": 66.67}
    assert at[0.9] == {"threshold": 0.9, "coverage": 0.0, "acted": 0, "accuracy": None}


def test_columns_and_samples_are_chosen(folder: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """`--column` takes names, apart or by commas; `--limit` takes the same first rows of each every time."""
    report = evaluate(monkeypatch, "--bfcl", str(folder), "--column", "simple,exec_simple", "--limit", "1")
    assert {name: row["n"] for name, row in report["columns"].items()} == {"simple": 1, "exec_simple": 1}
    assert [case.id for case in read_columns(folder, limit=1)] == [case.id for case in read_columns(folder, limit=1)]


def test_an_invented_value_and_an_invalid_call_are_counted(folder: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """A value without evidence is invented, and a call that breaks its schema invalid, wherever it was scored."""

    def wild(observation: Observation, space: list[ActionSchema]) -> Decision:
        action = Action(name="area", arguments={"width": "wide"}, confidence=0.9)
        return Decision(kind="act", actions=[action], p_null=0.1, backend="script", model_id="wild")

    monkeypatch.setattr("interlock.lam.load.open_action_model", lambda reference: ScriptedActionModel(wild))
    result = CliRunner().invoke(app, ["eval", "--bfcl", str(folder), "--json"])
    report = json.loads(result.stdout)
    assert (report["invented_values"], report["invalid_actions"], report["accuracy"]) == (5, 5, 0.0)


@pytest.mark.parametrize(
    ("name", "line", "message"),
    [
        ("simple", "{", "simple.jsonl, line 2: not JSON"),
        ("simple", "[]", "simple.jsonl, line 2: a row is a JSON object, not list"),
        ("simple", '{"question": []}', 'simple.jsonl, line 2: the row needs a text under "id"'),
        ("simple", '{"id": "s1", "question": [[]], "function": []}', 'line 2: "messages" holds no message'),
        ("simple", '{"id": "s1", "question": [], "function": 3}', "line 2: expected a JSON list of tools"),
        ("simple", json.dumps(COLUMNS["simple"][0][0]), "line 2: the row s0 is there twice"),
        ("simple.answers", '{"id": "s0"}', 'simple.answers.jsonl, line 2: "ground_truth" must be a list of calls'),
        ("simple.answers", '{"id": "s1", "ground_truth": [{}]}', "line 2: the row s1 is answered twice"),
        ("simple.answers", '{"id": "s0", "ground_truth": [{"a": {}, "b": {}}]}', "line 2: a right call is one object"),
        ("simple.answers", '{"id": "s0", "ground_truth": [{"a": {"x": 1}}]}', "line 2: each argument of a needs the"),
        ("simple.answers", '{"id": "s0", "ground_truth": ["area(x"]}', "line 2: 'area(x' is not a call"),
        ("simple.answers", '{"id": "s0", "ground_truth": ["1 + 1"]}', "line 2: '1 + 1' is not a call"),
        ("simple.answers", '{"id": "s0", "ground_truth": ["area(x=open())"]}', "is no literal"),
        ("simple.answers", '{"id": "s0", "ground_truth": ["area(x=1/0)"]}', "is no literal"),
        ("simple.answers", '{"id": "s0", "ground_truth": ["area(**x)"]}', "arguments by **"),
        ("simple.answers", '{"id": "s0", "ground_truth": ["area(1, 2, 3, 4)"]}', "more arguments than it declares"),
        ("simple.answers", '{"id": "s9", "ground_truth": []}', "has no answer for s0"),
    ],
)
def test_a_malformed_row_is_named_by_file_and_line(folder: Path, name: str, line: str, message: str) -> None:
    """The error tells the file, the line and what is wrong there."""
    path = folder / f"{name}.jsonl"
    first = path.read_text(encoding="utf-8").splitlines()[0]
    path.write_text(f"{first}\n{line}\n", encoding="utf-8")
    with pytest.raises(InputError) as caught:
        read_columns(folder, ["simple"])
    assert message in caught.value.message


@pytest.mark.parametrize(
    "arguments",
    [
        ["--bfcl", "nowhere"],
        ["--bfcl", ".", "--column", "none"],
        ["--bfcl", ".", "--snips", "."],
        ["--snips", ".", "--column", "simple"],
        ["--column", "simple"],
        ["--limit", "3"],
    ],
)
def test_a_wrong_call_of_the_command_is_a_usage_error(
    folder: Path, arguments: list[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    """A folder or column that is not there, and options that do not go together."""
    monkeypatch.chdir(folder)
    result = CliRunner().invoke(app, ["eval", *arguments])
    assert isinstance(result.exception, UsageError), result.exception
    assert isinstance(result.exception, InterlockError)


def test_calls_written_as_python_hold_what_literals_can() -> None:
    """Tuples are lists, signs and arithmetic are worked out, names with dots stay whole."""
    gold = read_gold(["a.b(x=(1, -2.5), y=3 * 60, z={'k': [True]}, w=None)"], "here", [])
    assert gold == (GoldCall("a.b", {"x": [[1, -2.5]], "y": [180], "z": [{"k": [[True]]}], "w": [None]}),)
