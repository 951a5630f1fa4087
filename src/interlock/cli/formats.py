"""A report in the words of other programs: GitHub's workflow commands, and SARIF 2.1.0.

Sources: "Workflow commands for GitHub Actions" and the escaping of `@actions/core` (command.ts);
OASIS, Static Analysis Results Interchange Format (SARIF) Version 2.1.0, Errata 01.
"""

from __future__ import annotations

from importlib.metadata import metadata
from pathlib import Path
from typing import TYPE_CHECKING, Any
from urllib.parse import quote

from interlock.cli.report import Report
from interlock.graphs.catalogue.codes import CODES
from interlock.graphs.catalogue.pages import page

if TYPE_CHECKING:
    from interlock.source import Document, Finding
    from interlock.source.finding import Mark

SCHEMA = "https://docs.oasis-open.org/sarif/sarif/v2.1.0/errata01/os/schemas/sarif-schema-2.1.0.json"


def github(report: Report) -> str:
    """One workflow command a finding, which GitHub shows at the line of the change, and one line a graph."""
    return "\n".join([*(_command(finding) for finding in report.findings), *report.lines()])


def _command(finding: Finding) -> str:
    place = {
        "file": _relative(finding.file),
        "line": finding.line,
        "endLine": finding.line,
        "col": finding.column,
        "endColumn": finding.column + finding.length - 1,
        "title": finding.code,
    }
    properties = ",".join(f"{name}={_property(str(value))}" for name, value in place.items())
    return f"::{finding.severity} {properties}::{_data(_sentence(finding))}"


def _data(text: str) -> str:
    return text.replace("%", "%25").replace("\r", "%0D").replace("\n", "%0A")


def _property(text: str) -> str:
    return _data(text).replace(":", "%3A").replace(",", "%2C")


def _sentence(finding: Finding) -> str:
    """Message, hint and path: all that a finding says beside its place."""
    path = f"Path: {' -> '.join(finding.path)}" if finding.path else ""
    return "\n".join(part for part in (finding.message, finding.hint, path) if part)


def sarif(report: Report) -> dict[str, Any]:
    """The report as a SARIF log with one run; the counterexample of a finding is its code flow."""
    codes = list(dict.fromkeys(finding.code for finding in report.findings))
    documents = {document.file: document for document in report.documents}
    about = metadata("interlock")
    driver = {"name": "interlock", "version": about["Version"], "rules": [_rule(code) for code in codes]}
    results = [_result(finding, codes.index(finding.code), documents) for finding in report.findings]
    run = {
        "tool": {"driver": driver},
        "invocations": [{"executionSuccessful": True}],
        "columnKind": "unicodeCodePoints",
        "results": results,
    }
    return {"$schema": SCHEMA, "version": "2.1.0", "runs": [run]}


def _rule(code: str) -> dict[str, Any]:
    about = CODES[code]
    rule = {
        "id": code,
        "shortDescription": {"text": about.title},
        "fullDescription": {"text": about.meaning},
        "help": {"text": about.mend, "markdown": page(code)},
        "defaultConfiguration": {"level": about.severity},
    }
    return rule | ({"helpUri": f"{base}/diagnostics/{code}"} if (base := documentation()) else {})


def documentation() -> str | None:
    """Where this package says that its documentation is published, without a slash at the end."""
    for entry in metadata("interlock").get_all("Project-URL") or ():
        label, _, address = str(entry).partition(",")
        if label.strip().lower() == "documentation":
            return address.strip().rstrip("/")
    return None


def _result(finding: Finding, rule: int, documents: dict[str, Document]) -> dict[str, Any]:
    result: dict[str, Any] = {
        "ruleId": finding.code,
        "ruleIndex": rule,
        "level": finding.severity,
        "message": {"text": _sentence(finding)},
        "locations": [_location(finding.file, finding.line, finding.column, finding.length)],
    }
    if finding.path:
        document = documents.get(finding.file)
        walk = [_step(name, finding, document) for name in finding.path]
        result["codeFlows"] = [{"threadFlows": [{"locations": walk}]}]
    return result


def _step(name: str, finding: Finding, document: Document | None) -> dict[str, Any]:
    """One step of a counterexample, where the file declares it; START and END stand at the edges."""
    mark = _mark(name, document) if document is not None else None
    line, column, length = mark or (finding.line, finding.column, finding.length)
    location = _location(finding.file, line, column, length)
    return {
        "location": location
        | {"message": {"text": name}, "logicalLocations": [{"name": name, "kind": "member"}]}
    }  # fmt: skip


def _mark(name: str, document: Document) -> Mark | None:
    steps = document.at(("steps",))
    if isinstance(steps, dict) and name in steps:
        return document.mark(("steps", name), key=True)
    return document.mark(("edges",), key=True) if name in ("START", "END") else None


def _location(file: str, line: int, column: int, length: int) -> dict[str, Any]:
    region = {"startLine": line, "startColumn": column, "endLine": line, "endColumn": column + length}
    return {"physicalLocation": {"artifactLocation": {"uri": _uri(file)}, "region": region}}


def _uri(file: str) -> str:
    path = Path(_relative(file))
    return path.as_uri() if path.is_absolute() else quote(path.as_posix())


def _relative(file: str) -> str:
    """The file as seen from the current folder, which is the repository where these formats are read."""
    path, here = Path(file), Path.cwd()
    if path.is_absolute() and path.is_relative_to(here):
        path = path.relative_to(here)
    return path.as_posix()
