"""The forms of a report: colours, GitHub's workflow commands, SARIF, allowed bounds, and watching."""

from __future__ import annotations

import json
import os
import re
import signal
import subprocess
import sys
from collections.abc import Iterator
from decimal import Decimal
from email.message import Message
from pathlib import Path
from typing import Any
from urllib.parse import unquote

import pytest
import typer
from hypothesis import given, settings
from hypothesis import strategies as st
from jsonschema import Draft202012Validator
from typer.testing import CliRunner, Result

from interlock.cli import formats
from interlock.cli.author import make_project
from interlock.cli.check import check, written
from interlock.cli.checking import above, check_paths
from interlock.cli.explain import explain
from interlock.cli.formats import github, sarif
from interlock.cli.report import Report
from interlock.errors import UsageError
from interlock.graphs.catalogue.codes import CODES
from interlock.graphs.proofs.bounds import Bounds
from interlock.source import Finding, parse_document, read_document, render

TESTS = Path(__file__).parents[1]
UNDECIDED = TESTS / "refused" / "action_undecided.yaml"
LOOP = TESTS / "accepted" / "revision_loop.yaml"

app = typer.Typer()
app.command()(check)
app.command()(explain)


def run(*arguments: object) -> Result:
    return CliRunner().invoke(app, [str(argument) for argument in arguments])


# GitHub -------------------------------------------------------------------------------------------

COMMAND = re.compile(r"::(?P<severity>error|warning) (?P<properties>[^\n]*?)::(?P<message>[^\n]*)")


def read_command(line: str) -> tuple[str, dict[str, str], str]:
    """A workflow command as the runner reads it: properties are split first, then unescaped."""
    match = COMMAND.fullmatch(line)
    assert match is not None, line
    pairs = [pair.split("=", 1) for pair in match["properties"].split(",")]
    return match["severity"], {name: unquote(value) for name, value in pairs}, unquote(match["message"])


def test_github_gets_one_command_a_finding() -> None:
    """The command carries place, code, message, hint and path; the exit code says that something is wrong."""
    result = run("check", UNDECIDED, "--format", "github")
    assert result.exit_code == 1
    severity, place, message = read_command(result.stdout.splitlines()[0])
    assert severity == "error"
    shown = UNDECIDED.relative_to(Path.cwd()).as_posix() if UNDECIDED.is_relative_to(Path.cwd()) else str(UNDECIDED)
    assert place == {"file": shown, "line": "10", "endLine": "10", "col": "3", "endColumn": "5", "title": "G201"}
    assert message.splitlines()[1:] == [
        "add an approval to the edge, or a policy for it",
        "Path: START -> think -> pay",
    ]


@given(st.text(max_size=60), st.text(min_size=1, max_size=30), st.sampled_from(["error", "warning"]))
@settings(deadline=None)
def test_no_text_breaks_out_of_its_command(message: str, file: str, severity: Any) -> None:
    """Whatever a finding says is one line, and reads back as it was."""
    finding = Finding(code="T002", severity=severity, message=message, file=f"/{file}")
    (line,) = github(Report([finding], {})).split("\n")
    assert "\r" not in line
    got, place, told = read_command(line)
    assert (got, place["title"], told) == (severity, "T002", message)
    assert place["file"] == Path(f"/{file}").as_posix()


# SARIF --------------------------------------------------------------------------------------------


def _closed(properties: dict[str, Any], *required: str) -> dict[str, Any]:
    return {"type": "object", "properties": properties, "required": list(required), "additionalProperties": False}


def _list(items: dict[str, Any], least: int = 0) -> dict[str, Any]:
    return {"type": "array", "items": items, "minItems": least}


NUMBER, TEXT = {"type": "integer", "minimum": 1}, {"type": "string", "minLength": 1}
MESSAGE = _closed({"text": TEXT, "markdown": TEXT}, "text")
REGION = _closed(dict.fromkeys(("startLine", "startColumn", "endLine", "endColumn"), NUMBER), "startLine")
FILE = _closed({"uri": {"type": "string", "pattern": r"^(file:///|[^/:\\])[^\\ \"<>]*$"}}, "uri")
LOCATION = _closed(
    {
        "physicalLocation": _closed({"artifactLocation": FILE, "region": REGION}, "artifactLocation"),
        "message": MESSAGE,
        "logicalLocations": _list(_closed({"name": TEXT, "kind": TEXT})),
    }
)
FLOW = _closed({"locations": _list(_closed({"location": LOCATION}), 1)}, "locations")
LEVEL = {"enum": ["none", "note", "warning", "error"]}
RESULT = _closed(
    {
        "ruleId": TEXT,
        "ruleIndex": {"type": "integer", "minimum": 0},
        "level": LEVEL,
        "message": MESSAGE,
        "locations": _list(LOCATION),
        "codeFlows": _list(_closed({"threadFlows": _list(FLOW, 1)})),
    },
    "message",
)
RULE = _closed(
    {
        "id": TEXT,
        "shortDescription": MESSAGE,
        "fullDescription": MESSAGE,
        "help": MESSAGE,
        "helpUri": {"type": "string", "pattern": "^https://"},
        "defaultConfiguration": _closed({"level": LEVEL}),
    },
    "id",
)
DRIVER = _closed({"name": TEXT, "version": TEXT, "rules": _list(RULE) | {"uniqueItems": True}}, "name")
RUN = _closed(
    {
        "tool": _closed({"driver": DRIVER}, "driver"),
        "invocations": _list(_closed({"executionSuccessful": {"type": "boolean"}})),
        "columnKind": {"enum": ["utf16CodeUnits", "unicodeCodePoints"]},
        "results": _list(RESULT),
    },
    "tool",
)
SARIF = _closed({"$schema": TEXT, "version": {"const": "2.1.0"}, "runs": _list(RUN)}, "version", "runs")
"""What the schema of SARIF 2.1.0 asks of the objects used here; none of them may hold other keys."""


@pytest.fixture(scope="module")
def log() -> dict[str, Any]:
    found: dict[str, Any] = json.loads(json.dumps(sarif(check_paths([TESTS / "refused"]))))
    return found


def test_the_log_is_sarif(log: dict[str, Any]) -> None:
    """The log of all faulty files has the form of SARIF 2.1.0, as has the log of a right file."""
    validator = Draft202012Validator(SARIF)
    assert not [error.message for error in validator.iter_errors(log)]
    fine = sarif(check_paths([LOOP]))
    assert not [error.message for error in validator.iter_errors(fine)]
    assert fine["runs"][0]["results"] == []


def test_every_result_names_its_rule_and_a_place_in_the_file(log: dict[str, Any]) -> None:
    """`ruleIndex` leads to the rule of `ruleId`, each rule is the page of its code, each region lies in its file."""
    (one,) = log["runs"]
    rules = one["tool"]["driver"]["rules"]
    assert len(one["results"]) >= 60
    for result in one["results"]:
        assert rules[result["ruleIndex"]]["id"] == result["ruleId"]
        for region, uri in regions(result):
            lines = (Path.cwd() / unquote(uri.removeprefix("file://"))).read_bytes().split(b"\n")
            assert 1 <= region["startLine"] <= len(lines)
            assert region["endColumn"] > region["startColumn"]
    for rule in rules:
        assert rule["shortDescription"]["text"] == CODES[rule["id"]].title
        assert rule["help"]["markdown"].startswith(f"# {rule['id']}: ")


def regions(result: dict[str, Any]) -> Iterator[tuple[dict[str, Any], str]]:
    flows = [flow for code in result.get("codeFlows", ()) for flow in code["threadFlows"]]
    for place in [*result["locations"], *(step["location"] for flow in flows for step in flow["locations"])]:
        yield place["physicalLocation"]["region"], place["physicalLocation"]["artifactLocation"]["uri"]


def test_a_counterexample_is_a_code_flow() -> None:
    """Each step of the path stands where the file declares it."""
    (result,) = sarif(check_paths([UNDECIDED]))["runs"][0]["results"]
    ((flow,),) = ([flows["threadFlows"][0]] for flows in result["codeFlows"])
    lines = UNDECIDED.read_text().split("\n")
    walk = []
    for step in flow["locations"]:
        region = step["location"]["physicalLocation"]["region"]
        line = lines[region["startLine"] - 1]
        walk.append((step["location"]["message"]["text"], line[region["startColumn"] - 1 : region["endColumn"] - 1]))
    assert walk == [("START", "edges"), ("think", "think"), ("pay", "pay")]


def test_a_rule_links_to_the_published_pages(monkeypatch: pytest.MonkeyPatch) -> None:
    """Where the package says that its documentation is published, each rule links to its page there."""
    about = Message()
    about["Version"] = "1.0"
    about["Project-URL"] = "Documentation, https://docs.example.org/interlock/"
    monkeypatch.setattr(formats, "metadata", lambda name: about)
    (rule,) = sarif(check_paths([UNDECIDED]))["runs"][0]["tool"]["driver"]["rules"]
    assert rule["helpUri"] == "https://docs.example.org/interlock/diagnostics/G201"


def test_a_file_outside_is_named_by_its_uri(tmp_path: Path) -> None:
    """A path with spaces is a valid URI, absolute where the file is not below the current folder."""
    path = tmp_path / "a graph.yaml"
    path.write_text("- a\n")
    (result,) = sarif(check_paths([path]))["runs"][0]["results"]
    uri = result["locations"][0]["physicalLocation"]["artifactLocation"]["uri"]
    assert uri == path.as_uri()
    assert uri.endswith("/a%20graph.yaml")


# Text ---------------------------------------------------------------------------------------------


def test_colours_are_for_terminals(monkeypatch: pytest.MonkeyPatch) -> None:
    """At a terminal there are colours unless NO_COLOR is set; piped there are none; the words are the same."""
    monkeypatch.delenv("NO_COLOR", raising=False)
    report = check_paths([UNDECIDED])
    piped = written(report, "text")
    monkeypatch.setattr(sys.stdout, "isatty", lambda: True)
    coloured = written(report, "text")
    assert "\x1b" not in piped
    assert "\x1b[1;31merror[G201]\x1b[0m" in coloured
    assert re.sub(r"\x1b\[[0-9;]*m", "", coloured) == piped
    monkeypatch.setenv("NO_COLOR", "1")
    assert written(report, "text") == piped


def test_a_long_path_shows_its_two_ends() -> None:
    """Of a long counterexample the middle is counted, not printed."""
    document = parse_document("graph: g\n", "g.yaml")
    path = [f"s{number}" for number in range(40)]
    shown = render([document.finding("G203", "m", ("graph",), path=path)], [document]).splitlines()[-1]
    assert shown.endswith("s5 -> s6 -> (26 more) -> s33 -> s34 -> s35 -> s36 -> s37 -> s38 -> s39")


def test_a_caret_is_as_wide_as_what_it_marks() -> None:
    """Wide letters take two columns of a terminal, before and under the caret."""
    document = parse_document("名: 漢字\n", "g.yaml")
    lines = render([document.finding("G003", "m", ("名",))], [document]).splitlines()
    assert lines[-2:] == ["1 | 名: 漢字", "  |     ^^^^"]


def test_a_finding_cannot_write_to_the_terminal() -> None:
    """Nothing of a finding or its file reaches the terminal as a command."""
    finding = Finding(
        code="T002", message="a\x1b[2J", file="no\x1b[2J.py", hint="c\x1b[2J", path=["d\x1b[2J"], line=1, column=1
    )
    assert "\x1b" not in render([finding])
    assert "\x1b[2J" not in render([finding], colour=True)


def test_errors_lead_to_their_pages() -> None:
    """The last line of a report with errors is the command that explains them."""
    assert run("check", UNDECIDED).stdout.splitlines()[-1] == "Next: interlock explain G201"


# Explain ------------------------------------------------------------------------------------------


def test_explain_prints_the_page() -> None:
    """Pages of the codes asked for, in any case of letters; without a code, the list."""
    shown = run("explain", "g201", "Y009").stdout
    assert re.findall(r"^# (\w+):", shown, re.MULTILINE) == ["G201", "Y009"]
    assert CODES["G201"].mend.split(",")[0] in shown
    assert [line.split()[0] for line in run("explain").stdout.splitlines()] == list(CODES)


def test_an_unknown_code_is_wrong_use() -> None:
    """A code that does not exist is refused by name."""
    with pytest.raises(UsageError, match="no code G999"):
        explain(["G201", "G999"])


# Allowed bounds -----------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("option", "enough", "less", "key"),
    [
        ("--max-steps", "9", "8", "steps"),
        ("--max-model-calls", "12", "11", "model_calls"),
        ("--max-cost", "0.25", "0.2499", "cost"),
    ],
)
def test_a_bound_above_what_is_allowed_fails(option: str, enough: str, less: str, key: str) -> None:
    """The proven bound itself is allowed; anything less is G220, at the graph's own limit."""
    assert run("check", LOOP, option, enough).exit_code == 0
    result = run("check", LOOP, option, less, "--json")
    assert result.exit_code == 1
    (finding,) = json.loads(result.stdout)["findings"]
    line = LOOP.read_text().split("\n")[finding["line"] - 1]
    assert finding["code"] == "G220"
    assert line[finding["column"] - 1 :].startswith(f"{key}:")


def test_what_nothing_bounds_is_above_any_maximum() -> None:
    """Without a bound there is G221, at the name of the graph, with how to limit it."""
    document = read_document(LOOP.parent / "one_thought.yaml")
    unknown = Bounds.model_construct(**dict.fromkeys(Bounds.model_fields))
    found = list(above(unknown, {"cost": Decimal("0.5"), "approvals": 3}, document))
    line = document.lines.index("graph: one_thought") + 1
    assert [(finding.code, finding.line, finding.column) for finding in found] == [("G221", line, 1)] * 2
    assert [finding.hint for finding in found] == ["limit it, as in `limits: {cost: {usd: 0.5}}`", None]


@pytest.mark.parametrize("amount", ["much", "-1", "NaN", "inf"])
def test_an_amount_is_a_number_of_dollars(amount: str) -> None:
    """What is no amount is a mistake of the caller."""
    assert run("check", LOOP, f"--max-cost={amount}").exit_code == 2


# Watch --------------------------------------------------------------------------------------------

MAIN = "import signal; signal.signal(2, signal.default_int_handler); from interlock.cli.app import main; main()"


def test_watching_checks_again_at_every_change(tmp_path: Path) -> None:
    """A change of a graph or a card gives a fresh report; Ctrl-C ends with the code of the last one."""
    make_project(tmp_path)
    graph, card = tmp_path / "graphs" / "polish_and_send.yaml", tmp_path / "nodes" / "revise.yaml"
    right, fine = graph.read_text(), card.read_text()
    environment = os.environ | {"PYTHONUNBUFFERED": "1"}
    watching = subprocess.Popen(
        [sys.executable, "-c", MAIN, "check", str(graph), "--watch"],
        stdout=subprocess.PIPE, stderr=subprocess.STDOUT, text=True, cwd=tmp_path, env=environment,
    )  # fmt: skip
    assert watching.stdout is not None

    def report(expected: str) -> str:
        """The next report that says what is expected; a file written in two goes may be reported twice."""
        shown = ""
        for line in watching.stdout or ():
            if not line.startswith("Waiting for a change"):
                shown += line
            elif expected in shown:
                return shown
            else:
                shown = ""
        raise AssertionError(f"it ended:\n{shown}")

    try:
        report(": ok; a run takes at most")
        graph.write_text(right.replace("to: revise", "to: revize"))
        report("error[G020]")
        graph.write_text(right)
        report(": ok; a run takes at most")
        card.write_text(fine + "\nsurprise: 1\n")
        assert "\x1b" not in report("error[N001]")
        watching.send_signal(signal.SIGINT)
        assert watching.wait(30) == 1
    finally:
        watching.kill()
        watching.stdout.close()
