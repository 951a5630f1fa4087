"""Makes certificates out of calibration decisions: one sequence of tests for each group of tools and risk class."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any, Literal

from interlock.lam.confidence.certificate import ANY, Certificate, Certificates, RiskClass
from interlock.lam.confidence.drift import sample_of
from interlock.lam.confidence.learn_then_test import ALPHA, DELTA, LEAST, certify, sequence
from interlock.lam.confidence.risk_coverage import at

UNSEEN = 0.5
"""Generated requests for tools without a group are for a few dozen functions, which stand for all others.  What they
show is held to this share of alpha; it is a choice, and nothing proves that it is enough."""


@dataclass(frozen=True)
class Column:
    """Calibration decisions of one group, with what came of each."""

    confidence: Sequence[float]
    right: Sequence[bool]
    observed: Mapping[str, Sequence[float]] = field(default_factory=dict)
    """The numbers that drift looks at."""

    def __len__(self) -> int:
        return len(self.confidence)


@dataclass(frozen=True)
class Origin:
    """Where calibration decisions come from."""

    model_id: str
    data: Literal["generated", "verdicts"]
    source: str
    """In words."""
    made: str
    """ISO date and time, UTC."""
    seed: int | None = None


def certified(
    planning: Mapping[str, Column], testing: Mapping[str, Column], groups: Mapping[str, Mapping[str, str]],
    origin: Origin,
) -> tuple[Certificates, dict[str, dict[str, list[float]]]]:  # fmt: skip
    """What can be certified, with the samples that drift is measured against, by group.

    A family with fewer than `LEAST` decisions is no group of its own.

    Args:
        planning: decisions that fix the sequence of thresholds, by group; `*` among them.
        testing: other decisions, which test it.
        groups: the tools of each family with their digests.
    """
    kept = {name: tools for name, tools in groups.items() if len(testing.get(name, ())) >= LEAST}
    held: list[Certificate] = []
    refused: dict[tuple[str, str], str] = {}
    classes: tuple[RiskClass, ...] = ("read", "reversible")
    for group in [*kept, ANY] if ANY in testing else kept:
        column = testing[group]
        for risk in classes:
            alpha = ALPHA[risk] * (UNSEEN if group == ANY and origin.data == "generated" else 1)
            planned = planning[group].confidence if group in planning else []
            found = certify(sequence(planned, len(column), alpha), column.confidence, column.right, alpha)
            if found.threshold is None:
                refused[group, risk] = found.because
                continue
            held.append(
                Certificate(
                    model_id=origin.model_id,
                    group=group,
                    risk_class=risk,
                    alpha=alpha,
                    delta=DELTA,
                    threshold=found.threshold,
                    n=found.n,
                    wrong=found.wrong,
                    p_value=found.p_value,
                    decisions=len(column),
                    tried=found.tried,
                    data=origin.data,
                    source=origin.source,
                    seed=origin.seed,
                    made=origin.made,
                )
            )
    references = {
        group: {name: sample_of(values) for name, values in testing[group].observed.items()}
        for group in [*kept, ANY] if group in testing
    }  # fmt: skip
    return Certificates(tuple(held), refused, kept), references


def replaced(old: Certificates, new: Certificates) -> Certificates:
    """The old certificates with those groups replaced that the new ones are about."""
    about = {certificate.group for certificate in new.held} | {group for group, _ in new.refused}
    return Certificates(
        (*(c for c in old.held if c.group not in about), *new.held),
        {key: why for key, why in old.refused.items() if key[0] not in about} | dict(new.refused),
        {name: tools for name, tools in old.groups.items() if name not in about} | dict(new.groups),
    )


def checked(certificates: Certificates, groups: Mapping[str, Column]) -> list[dict[str, Any]]:
    """What came of each certificate's threshold on further decisions of its group; shares are between 0 and 1."""
    found: list[dict[str, Any]] = []
    for certificate in certificates.held:
        rows = groups.get(certificate.group, Column([], []))
        point = at(rows.confidence, rows.right, certificate.threshold)
        found.append(
            {"group": certificate.group, "risk_class": certificate.risk_class, "decisions": len(rows),
             "acted": point.acted, "coverage": round(point.coverage, 4), "wrong": round(point.risk, 4)}
        )  # fmt: skip
    return found
