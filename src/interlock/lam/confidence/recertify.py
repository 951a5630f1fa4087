"""Certifies a model again, on what people said of its own decisions."""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from typing import Any

from interlock.errors import ModelError
from interlock.lam.confidence.certificate import NOTHING, Certificates
from interlock.lam.confidence.certification import Column, Origin, certified, checked, replaced
from interlock.lam.confidence.learn_then_test import LEAST
from interlock.lam.confidence.reliability import calibration_error, reliability
from interlock.lam.confidence.risk_coverage import area, selective
from interlock.lam.confidence.seal import sealed
from interlock.lam.confidence.verdicts import Verdicted, read_verdicts, series
from interlock.lam.trajectories.trajectory import Trajectory


def recertified(
    metadata: Mapping[str, Any], trajectories: Iterable[Trajectory], source: str, made: str
) -> tuple[dict[str, Any], dict[str, Any]]:
    """New metadata, and a report on them.

    Only decisions that a person judged count: an effect that came off does not show that it was wanted.  One in
    four fixes the thresholds to test, the others test them.  Groups without enough keep what they had.

    Args:
        source: what to call the trajectories.
        made: ISO date and time, UTC.

    Raises:
        ModelError: no family has enough judged decisions of this model, or it was never calibrated.
    """
    model_id = str(metadata["model_id"])
    if "calibration" not in metadata:
        raise ModelError(f"{model_id} was never calibrated; run `interlock lam calibrate --model FOLDER` first.")
    rows = [row for row in read_verdicts(trajectories, model_id) if row.right is not None]
    planning, testing = (_columns([row for row in rows if row.part == part]) for part in ("planning", "testing"))
    enough = {name: column for name, column in testing.items() if len(column) >= LEAST}
    if not enough:
        most = max((len(column) for column in testing.values()), default=0)
        raise ModelError(
            f"{source} holds at most {most} judged decisions of {model_id} for one family of tools beside those that "
            f"fix the thresholds; {LEAST} are needed. Log more, with a person asked."
        )
    groups: dict[str, dict[str, str]] = {}
    for row in rows:
        groups.setdefault(row.group, {})[row.tool] = row.tool_digest
    new, references = certified(planning, enough, groups, Origin(model_id, "verdicts", source, made))
    old = Certificates.of(metadata["certificates"]) if "certificates" in metadata else NOTHING
    merged = replaced(old, new)
    document = sealed(
        {
            **{name: value for name, value in metadata.items() if name != "seal"},
            "certificates": merged.document(),
            "references": {**(metadata.get("references") or {}), **references},
        }
    )
    return document, _report(document, new, planning, enough)


def _columns(rows: Sequence[Verdicted]) -> dict[str, Column]:
    names = dict.fromkeys(row.group for row in rows)
    made: dict[str, Column] = {}
    for name in names:
        own = [row for row in rows if row.group == name]
        made[name] = Column([row.confidence for row in own], [bool(row.right) for row in own], series(own))
    return made


def _report(
    document: Mapping[str, Any], new: Certificates, planning: Mapping[str, Column], testing: Mapping[str, Column]
) -> dict[str, Any]:
    confidence = [value for column in testing.values() for value in column.confidence]
    right = [ok for column in testing.values() for ok in column.right]
    held_back = {name: planning[name] for name in testing if name in planning}
    error = round(calibration_error(confidence, right), 4)
    return {
        "model_id": document["model_id"],
        "seal": document["seal"],
        "decisions": {
            "planning": sum(len(column) for column in held_back.values()),
            "testing": sum(len(column) for column in testing.values()),
        },
        "right": round(sum(right) / len(right), 4),
        "calibration_error": {"check": error, "test": error},
        "risk_coverage_area": round(area(selective(confidence, right)), 4),
        "certificates": [certificate.model_dump(mode="json") for certificate in new.held],
        "refused": new.document()["refused"],
        "checked": checked(new, held_back),
        "reliability": [vars(row) for row in reliability(confidence, right)],
    }
