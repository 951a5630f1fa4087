"""`interlock lam calibrate` and `interlock lam drift`, on verdicts and on decisions that were observed."""

from __future__ import annotations

import json
import xml.etree.ElementTree as ElementTree
from collections.abc import Sequence
from pathlib import Path
from random import Random
from typing import Any

import pytest
from typer.testing import CliRunner

from interlock.cli.model import app
from interlock.errors import ModelError, UsageError
from interlock.lam.calibrate import PARTS, REQUESTS, Observed, calibrated, jobs
from interlock.lam.confidence.calibrator import UNCALIBRATED, Calibration
from interlock.lam.confidence.certificate import ANY, Certificates
from interlock.lam.confidence.seal import check_seal, sealed
from interlock.lam.confidence.signals import NAMES, Signals
from interlock.lam.confidence.suspension import FILE, suspensions, why_suspended
from interlock.lam.functions import shipped_space
from interlock.lam.protocol import ActionSchema
from interlock.lam.weights import METADATA
from interlock.testing import certificates_for

RUNNER = CliRunner()
SEND = next(schema for schema in shipped_space() if schema.name == "email.send")
ID = "spans-0123456789ab"


def folder_of(path: Path, certificates: Certificates | None = None) -> Path:
    """The metadata of a calibrated model; its weights are of no matter here."""
    path.mkdir()
    document = {"digest": "0123456789ab" + "0" * 52, "model_id": ID, "calibration": UNCALIBRATED.document()}
    document["certificates"] = (certificates or certificates_for(ID)).document()
    (path / METADATA).write_text(json.dumps(sealed(document)), encoding="utf-8")
    return path


def trajectory(number: int, confidence: float, verdict: str, schema: ActionSchema = SEND) -> dict[str, Any]:
    call = {"name": schema.name, "arguments": {"to": "anna@example.org"}}
    message: dict[str, Any] = {
        "role": "assistant", "tool_calls": [{"function": call}], "verdict": verdict,
        "lam": {"backend": "spans", "model_id": ID, "decision": "act", "confidence": confidence, "p_null": 0.1},
    }  # fmt: skip
    if verdict == "edited":
        message["edited_action"] = {"name": schema.name, "arguments": {"to": "tom@example.org"}}
    talk = [{"role": "user", "content": "Write to Anna."}, message]
    return {"unique_trajectory_id": f"t-{number}", "tools": [schema.model_dump()], "conversation": talk}


def log_of(path: Path, rows: Sequence[dict[str, Any]]) -> Path:
    path.write_text("".join(json.dumps(row) + "\n" for row in rows), encoding="utf-8")
    return path


def judged(count: int, rate: float, seed: int = 1, start: int = 0) -> list[dict[str, Any]]:
    """Decisions that a person judged; the less sure they are, the oftener they are edited or rejected."""
    random = Random(seed)
    rows = []
    for number in range(start, start + count):
        confidence = random.random()
        wrong = random.random() < 2 * rate * (1 - confidence)
        rows.append(trajectory(number, confidence, random.choice(["edited", "rejected"]) if wrong else "approved"))
    return rows


def metadata_of(folder: Path) -> dict[str, Any]:
    found: dict[str, Any] = json.loads((folder / METADATA).read_text(encoding="utf-8"))
    check_seal(found, folder / METADATA)
    return found


@pytest.fixture(autouse=True)
def home(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    monkeypatch.setenv("INTERLOCK_HOME", str(tmp_path / "home"))
    return tmp_path / "home"


def test_verdicts_certify_their_family(tmp_path: Path) -> None:
    """What people approved becomes a certificate for exactly these tools; the others keep theirs."""
    folder, svg = folder_of(tmp_path / "model"), tmp_path / "reliability.svg"
    log = log_of(tmp_path / "log.jsonl", judged(1200, 0.15))
    arguments = ["calibrate", "--model", str(folder), "--verdicts", str(log), "--svg", str(svg), "--json"]
    result = RUNNER.invoke(app, arguments)
    assert result.exit_code == 0, result.output
    report = json.loads(result.stdout)
    read = next(row for row in report["certificates"] if row["risk_class"] == "read")
    assert (read["group"], read["data"], read["source"]) == ("email", "verdicts", "log.jsonl")
    assert report["decisions"]["planning"] + report["decisions"]["testing"] == 1200
    assert report["written"] == str(folder)
    held = Certificates.of(metadata_of(folder)["certificates"])
    grant = held.grant(ID, SEND, "read").certificate
    assert grant is not None
    assert grant.threshold == read["threshold"]
    other = held.grant(ID, SEND.model_copy(update={"name": "weather"}), "read").certificate
    assert other is not None
    assert other.group == ANY
    assert ElementTree.fromstring(svg.read_text(encoding="utf-8")).tag.endswith("svg")


def test_without_a_target_nothing_is_written(tmp_path: Path) -> None:
    """A report on the model of the settings leaves its folder as it was, and says so."""
    folder = folder_of(tmp_path / "model")
    before = (folder / METADATA).read_bytes()
    log = log_of(tmp_path / "log.jsonl", judged(600, 0.02))
    environment = {"INTERLOCK_ACTION_MODEL": str(folder)}
    result = RUNNER.invoke(app, ["calibrate", "--verdicts", str(log)], env=environment)
    assert result.exit_code == 0, result.output
    assert "Nothing was written" in result.output
    assert "irreversible actions: always a person" in result.output
    assert (folder / METADATA).read_bytes() == before


def test_too_few_verdicts_certify_nothing(tmp_path: Path) -> None:
    """What nobody was asked about does not count, and the message says how many are lacking."""
    folder = folder_of(tmp_path / "model")
    done = [trajectory(number, 0.9, "executed_ok") for number in range(900)]
    log = log_of(tmp_path / "log.jsonl", [*done, *judged(100, 0.0, start=1000)])
    result = RUNNER.invoke(app, ["calibrate", "--model", str(folder), "--verdicts", str(log)])
    assert isinstance(result.exception, ModelError)
    assert "200 are needed" in result.exception.message


def test_an_endpoint_cannot_be_certified() -> None:
    """The command says that nothing can be, and that it always asks."""
    result = RUNNER.invoke(app, ["calibrate"], env={"INTERLOCK_ACTION_MODEL": "http://127.0.0.1:9/v1"})
    assert isinstance(result.exception, UsageError)
    assert "nothing can be certified" in result.exception.message


def test_calm_decisions_suspend_nothing(tmp_path: Path, home: Path) -> None:
    """Decisions as sure and as right as the certificate wants end with 0."""
    folder = folder_of(tmp_path / "model")
    log = log_of(tmp_path / "log.jsonl", [trajectory(n, 0.9, "executed_ok") for n in range(200)])
    result = RUNNER.invoke(app, ["drift", "--model", str(folder), "--verdicts", str(log), "--json"])
    assert result.exit_code == 0, result.output
    report = json.loads(result.stdout)
    assert (report["decisions"], report["drifted"]) == (200, False)
    assert not (home / FILE).exists()


def test_drift_suspends_and_says_what_to_do(tmp_path: Path, home: Path) -> None:
    """Too many wrong ones put the certificates out of force until newer verdicts certify the group again."""
    folder = folder_of(tmp_path / "model")
    wrong = [trajectory(n, 0.9, "rejected" if n % 2 else "executed_error") for n in range(60)]
    log = log_of(tmp_path / "log.jsonl", wrong)
    arguments = ["drift", "--model", str(folder), "--verdicts", str(log)]
    dry = RUNNER.invoke(app, [*arguments, "--dry-run"])
    assert dry.exit_code == 1
    assert "would be suspended" in dry.output
    assert not (home / FILE).exists()
    result = RUNNER.invoke(app, arguments)
    assert result.exit_code == 1
    assert "interlock lam calibrate --verdicts" in result.output
    facts = {c.risk_class: c.facts() for c in certificates_for(ID).held}
    assert {row.risk_class for row in suspensions(home)} == {"read", "reversible"}
    assert "60 of 60 decisions were wrong" in (why_suspended(home, {**facts["read"], "data": "generated"}) or "")
    lifted = RUNNER.invoke(app, [*arguments, "--lift", "*", "--json"])
    assert len(json.loads(lifted.stdout)["lifted"]) == 2
    assert suspensions(home) == []


def test_edited_metadata_is_refused_by_both_commands(tmp_path: Path) -> None:
    """Neither certifies on top of what was edited, nor holds anything against it."""
    folder = folder_of(tmp_path / "model")
    edited = json.loads((folder / METADATA).read_text(encoding="utf-8"))
    edited["certificates"]["held"][0]["threshold"] = 0.001
    (folder / METADATA).write_text(json.dumps(edited), encoding="utf-8")
    log = log_of(tmp_path / "log.jsonl", judged(600, 0.02))
    for command in ("calibrate", "drift"):
        result = RUNNER.invoke(app, [command, "--model", str(folder), "--verdicts", str(log)])
        assert isinstance(result.exception, ModelError)
        assert "changed after they were made" in result.exception.message


def observed(seed: int, count: int, group: str) -> list[Observed]:
    """Decisions whose rightness follows one signal."""
    random = Random(f"{seed}:{group}")
    rows = []
    for _ in range(count):
        margin = random.uniform(-1, 8)
        signals = Signals(**{name: margin if name == "margin" else random.random() for name in NAMES})
        right = random.random() < 1 / (1 + 2.718 ** (1 - 1.2 * margin))
        rows.append(Observed(group, signals, right, 0.1, 2, 3))
    return rows


def test_observed_decisions_become_a_sealed_calibration() -> None:
    """From three sets come a calibrator that means what it says, certificates that keep their word, and a report."""
    counts = {"fit": 500, "test": 1500, "check": 800}
    parts = {
        name: [*observed(n, count, ANY), *observed(n, count // 3, "email")]
        for n, (name, count) in enumerate(counts.items())
    }
    metadata = {"digest": "d", "model_id": ID, "shape": {}, "thresholds": {"read": 0.1}}
    document, report = calibrated(metadata, parts, REQUESTS)
    check_seal(document, Path(METADATA))
    assert "thresholds" not in document
    assert Calibration.read(document["calibration"]) is not None
    assert report["calibration_error"]["check"] < 0.05
    assert set(document["references"]) == {ANY, "email"}
    for row in report["checked"]:
        if row["risk_class"] == "read":
            assert row["wrong"] < 0.10
            assert row["coverage"] > 0.4
    assert max(report["signals"], key=lambda name: report["signals"][name]["loss_without"]) == "margin"
    assert {row["group"] for row in report["certificates"]} == {ANY, "email"}


def test_a_model_that_acts_on_nothing_is_left_uncalibrated() -> None:
    """Nothing is certified, and nothing fails."""
    document, report = calibrated({"digest": "d", "model_id": ID}, {name: [] for name in PARTS}, 100)
    assert report["certificates"] == []
    assert Calibration.read(document["calibration"]) == UNCALIBRATED
    assert Certificates.of(document["certificates"]).grant(ID, SEND, "read").certificate is None


def test_the_requests_are_shared_out_without_overlap() -> None:
    """Every request of every part is in one job, and the seeds of the parts differ."""
    work = jobs(REQUESTS)
    assert sum(job[4] for job in work) == REQUESTS
    assert len({(job[1], job[2], job[3]) for job in work}) == len(work)
    assert len({part.seed for part in PARTS.values()}) == len(PARTS)


@pytest.mark.slow  # decides a hundred requests with the packaged model
def test_the_packaged_model_can_be_calibrated(tmp_path: Path) -> None:
    """The whole command on few requests: a folder that opens, with nothing certified on so little."""
    from interlock.lam.load import load_action_model

    out = tmp_path / "out"
    result = RUNNER.invoke(app, ["calibrate", "--requests", "100", "--out", str(out), "--json"])
    assert result.exit_code == 0, result.output
    report = json.loads(result.stdout)
    assert sum(report["decisions"].values()) <= 101
    assert all(row["because"] for row in report["refused"])
    assert load_action_model(out, threads=1).model_id == report["model_id"]
