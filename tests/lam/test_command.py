"""`interlock lam`: the contract of propose, eval and their errors."""

from __future__ import annotations

import json
from pathlib import Path

import pytest
from typer.testing import CliRunner

from interlock.cli.model import app
from interlock.errors import InputError, UsageError
from interlock.lam.functions import shipped_space

RUNNER = CliRunner()
PAY = {
    "name": "payments.transfer",
    "description": "Pay money to a person or company by bank transfer.",
    "parameters": {
        "type": "dict",
        "properties": {
            "payee": {"type": "string", "description": "Name of the person or company that receives the money."},
            "amount": {"type": "float", "description": "Amount of money to pay."},
        },
        "required": ["payee", "amount"],
    },
}


def tools_file(folder: Path) -> Path:
    path = folder / "tools.json"
    path.write_text(json.dumps([schema.model_dump() for schema in shipped_space()]), encoding="utf-8")
    return path


def test_a_request_and_a_tools_file_give_one_call(tmp_path: Path) -> None:
    """Without any graph, `propose --json` prints the call with its evidence."""
    text = "Transfer 250 euros to Acme."
    result = RUNNER.invoke(app, ["propose", "--tools", str(tools_file(tmp_path)), "--text", text, "--json"])
    assert result.exit_code == 0, result.output
    answer = json.loads(result.stdout)
    assert answer["kind"] == "act"
    assert answer["calls"] == [
        {"name": "payments.transfer", "arguments": {"payee": "Acme", "amount": 250, "currency": "EUR"}}
    ]
    span = answer["evidence"]["payee"]
    assert text[span["start"] : span["end"]] == "Acme"


def test_a_batch_answers_every_row_in_order(tmp_path: Path) -> None:
    """Rows with text or messages, with bare or wrapped tools, give the results of the contract."""
    rows = [
        {"id": 1, "text": "Transfer 40 to Acme.", "tools": [PAY]},
        {
            "id": "b",
            "messages": [{"role": "user", "content": "What is the capital of France?"}],
            "tools": [{"type": "function", "function": PAY}],
        },
        {"id": None, "text": "Make a bank transfer to Acme.", "tools": [PAY]},
    ]
    source, out = tmp_path / "in.jsonl", tmp_path / "out.jsonl"
    source.write_text("\n".join(json.dumps(row) for row in rows) + "\n\n", encoding="utf-8")
    result = RUNNER.invoke(app, ["propose", "--batch", str(source), "--out", str(out)])
    assert result.exit_code == 0, result.output
    answers = [json.loads(line) for line in out.read_text(encoding="utf-8").splitlines()]
    assert [answer["id"] for answer in answers] == [1, "b", None]
    assert [answer["kind"] for answer in answers] == ["act", "abstain", "ask"]
    assert answers[0]["calls"] == [{"name": "payments.transfer", "arguments": {"payee": "Acme", "amount": 40}}]
    assert answers[1]["calls"] == []
    assert answers[2]["missing"] == ["amount"]
    assert {"id", "kind", "calls", "confidence", "missing", "evidence"} <= set(answers[0])


@pytest.mark.parametrize(
    ("line", "message"),
    [
        ("{not json", "line 2: not JSON"),
        ('{"id": 1}', 'line 2: the row needs "text"'),
        ('{"id": 1, "text": "x"}', 'line 2: the row needs "tools"'),
        ('{"id": 1, "text": "x", "tools": [{"description": "nameless"}]}', "line 2, tool 1: the tool has no name"),
        ('{"id": 1, "messages": [], "tools": []}', "line 2"),
    ],
)
def test_a_wrong_batch_line_is_named(tmp_path: Path, line: str, message: str) -> None:
    """The error names the line and what it lacks."""
    source = tmp_path / "in.jsonl"
    source.write_text(json.dumps({"id": 0, "text": "x", "tools": [PAY]}) + "\n" + line + "\n", encoding="utf-8")
    result = RUNNER.invoke(app, ["propose", "--batch", str(source), "--out", str(tmp_path / "out.jsonl")])
    assert isinstance(result.exception, InputError)
    assert message in result.exception.message


def test_a_wrong_call_of_the_command_is_a_usage_error(tmp_path: Path) -> None:
    """A missing file, a missing partner option and a wrong date are usage errors."""
    for arguments in (
        ["--text", "x", "--tools", str(tmp_path / "none.json")],
        ["--batch", "x"],
        ["--batch", str(tmp_path / "none.jsonl"), "--out", str(tmp_path / "o")],
        ["--text", "x", "--today", "soon"],
        [],
    ):
        assert isinstance(RUNNER.invoke(app, ["propose", *arguments]).exception, UsageError), arguments


def test_a_tools_file_that_is_no_list_is_refused(tmp_path: Path) -> None:
    """A tools file that is not JSON, or lists a tool twice, is an input error."""
    path = tmp_path / "tools.json"
    for text in ("[", json.dumps([PAY, PAY]), '"x"'):
        path.write_text(text, encoding="utf-8")
        result = RUNNER.invoke(app, ["propose", "--text", "x", "--tools", str(path)])
        assert isinstance(result.exception, InputError)


def test_another_source_and_a_plain_answer(tmp_path: Path) -> None:
    """`--source` adds a text values may come from, and without `--json` the answer is for people."""
    text = 'Send the letter to anna@example.org with the subject "Report".'
    arguments = [
        "propose",
        "--text",
        text,
        "--source",
        "letter=Hi Tom, the parcel comes on Friday. Best, Anna",
        "--tools",
        str(tools_file(tmp_path)),
    ]
    result = RUNNER.invoke(app, arguments)
    assert result.exit_code == 0, result.output
    assert "act: email.send" in result.stdout
    assert "letter[0:46]" in result.stdout


def test_eval_reports_the_figures_as_one_object() -> None:
    """`eval --json` prints shares, counts and the model's id."""
    result = RUNNER.invoke(app, ["eval", "--examples", "40", "--json"])
    assert result.exit_code == 0, result.output
    report = json.loads(result.stdout)
    assert report["n"] == 40
    assert {"decision", "full_call", "tool", "arguments", "ask", "abstain", "invented_values"} <= set(report)
