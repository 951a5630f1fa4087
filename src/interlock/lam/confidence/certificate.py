"""The certificate: what was shown about a model's confidence, on which decisions, and what it is good for.

A model may go on without a person only under a certificate.  It names the model, the risk class and the group
of tools it is about; it holds the counts that it was made of, so that anybody can test it again.
"""

from __future__ import annotations

import math
from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field
from typing import Any, Literal

from pydantic import BaseModel, ConfigDict, Field, ValidationError

from interlock.digest import digest
from interlock.errors import ModelError
from interlock.lam.confidence.learn_then_test import ALPHA, DELTA, LEAST, p_value
from interlock.lam.protocol import ActionSchema

RiskClass = Literal["read", "reversible"]
ANY = "*"
"""The group of tools that have no group of their own, those a model never saw included."""


class Certificate(BaseModel):
    """A threshold of confidence that keeps the share of wrong decisions below alpha, and how that was shown."""

    model_config = ConfigDict(frozen=True, extra="forbid")

    model_id: str
    group: str = Field(description="Family of the tools, such as `email`, or `*`.")
    risk_class: RiskClass
    alpha: float = Field(gt=0, lt=1, description="The share that may be wrong.")
    delta: float = Field(gt=0, lt=1, description="The chance that the certificate promises too much.")
    threshold: float = Field(gt=0, le=1)
    n: int = Field(ge=1, description="Calibration decisions at or above the threshold.")
    wrong: int = Field(ge=0)
    p_value: float = Field(ge=0, le=1)
    decisions: int = Field(description="Calibration decisions of the group in all.")
    tried: int = Field(ge=1, description="Thresholds tested until the sequence ended.")
    data: Literal["generated", "verdicts"]
    source: str = Field(description="What the decisions were made of, in words.")
    seed: int | None = Field(default=None, description="Of generated requests.")
    made: str = Field(description="ISO date and time, UTC.")

    def digest(self) -> str:
        """Names this very certificate, in records."""
        return digest(self.model_dump(mode="json"))

    def fault(self, model_id: str) -> str | None:
        """Why it cannot be used for a model, or `None`: it is tested again from its own counts."""
        if self.model_id != model_id:
            return f"the certificate is of {self.model_id}, not of {model_id}"
        if self.alpha > ALPHA[self.risk_class] or self.delta > DELTA or self.decisions < LEAST:
            return f"the certificate shows less than {self.risk_class} actions need"
        if not self.wrong <= self.n <= self.decisions:
            return "the certificate's counts contradict each other"
        found = p_value(self.n, self.wrong, self.alpha)
        if found > self.delta or not math.isclose(found, self.p_value, rel_tol=1e-6):
            return "the certificate's counts do not show what it says"
        return None

    def facts(self) -> dict[str, Any]:
        """What the record of a proposal keeps of it."""
        return {
            "digest": self.digest(), "model_id": self.model_id, "group": self.group, "risk_class": self.risk_class,
            "threshold": self.threshold, "alpha": self.alpha, "delta": self.delta, "n": self.n, "data": self.data,
            "made": self.made,
        }  # fmt: skip


@dataclass(frozen=True)
class Grant:
    """Which certificate an action may go by, or why there is none."""

    certificate: Certificate | None
    because: str = ""


@dataclass(frozen=True)
class Certificates:
    """All that was certified for one model, and what was tried and could not be."""

    held: tuple[Certificate, ...] = ()
    refused: Mapping[tuple[str, str], str] = field(default_factory=dict)
    """Group and risk class to why nothing could be certified."""
    groups: Mapping[str, Mapping[str, str]] = field(default_factory=dict)
    """Group to the digests of its tools by name: another description or schema is another tool."""

    def group_of(self, schema: ActionSchema) -> str:
        """The group whose certificates are about a tool."""
        for group, tools in self.groups.items():
            if tools.get(schema.name) == tool_digest(schema):
                return group
        return ANY

    def grant(self, model_id: str, schema: ActionSchema, risk_class: str) -> Grant:
        """The certificate by which calls of a tool may go on; a group of its own never falls back on the others."""
        group = self.group_of(schema)
        named = f"{group} ({risk_class})"
        for certificate in self.held:
            if (certificate.group, certificate.risk_class) == (group, risk_class):
                fault = certificate.fault(model_id)
                return Grant(None, fault) if fault else Grant(certificate)
        why = self.refused.get((group, risk_class))
        return Grant(None, f"nothing is certified for {named}" + (f": {why}" if why else ""))

    @property
    def thresholds(self) -> dict[str, float | None]:
        """The thresholds for tools without a group, by risk class, for figures about such tools."""
        found: dict[str, float | None] = dict.fromkeys(ALPHA)
        found |= {c.risk_class: c.threshold for c in self.held if c.group == ANY}
        return {**found, "irreversible": None}

    def document(self) -> dict[str, Any]:
        """As it stands in a model's metadata, without the seal."""
        return {
            "held": [certificate.model_dump(mode="json") for certificate in self.held],
            "refused": [
                {"group": group, "risk_class": risk, "because": why} for (group, risk), why in self.refused.items()
            ],
            "groups": {group: dict(tools) for group, tools in self.groups.items()},
        }

    @classmethod
    def of(cls, document: Mapping[str, Any]) -> Certificates:
        """What `document` wrote.

        Raises:
            ModelError: it cannot be read.
        """
        try:
            held = tuple(Certificate.model_validate(row) for row in document["held"])
            refused = {(row["group"], row["risk_class"]): str(row["because"]) for row in document["refused"]}
            groups = {name: {str(k): str(v) for k, v in tools.items()} for name, tools in document["groups"].items()}
        except (KeyError, TypeError, AttributeError, ValidationError) as error:
            raise ModelError(
                f"The model's certificates cannot be read ({error}); run `interlock lam calibrate`."
            ) from None
        return cls(held, refused, groups)


NOTHING = Certificates()
"""What is certified for a model that nobody calibrated."""


def granted(model: object, model_id: str, schema: ActionSchema, risk_class: str) -> Grant:
    """The certificate of any action model; a model without certificates, or with what is none, has none.

    A confidence that no certificate stands behind is only a number, so such a model never goes on alone.
    """
    found = getattr(model, "certificates", None)
    if not isinstance(found, Certificates) or not (found.held or found.refused):
        return Grant(None, f"nothing is certified for {model_id}")
    return found.grant(model_id, schema, risk_class)


def thresholds_of(model: object) -> dict[str, float | None]:
    """The certified thresholds of any action model for tools without a group, by risk class."""
    found = getattr(model, "certificates", None)
    return (found if isinstance(found, Certificates) else NOTHING).thresholds


def family_of(name: str) -> str:
    """The family of a tool, `email` of `email.send`; the name itself without a dot."""
    return name.partition(".")[0]


def tool_digest(schema: ActionSchema) -> str:
    """Names a tool as a model reads it: name, description and parameters."""
    return digest(schema.model_dump(mode="json"))


def families(schemas: Iterable[ActionSchema]) -> dict[str, dict[str, str]]:
    """The tools of each family, with their digests."""
    made: dict[str, dict[str, str]] = {}
    for schema in schemas:
        made.setdefault(family_of(schema.name), {})[schema.name] = tool_digest(schema)
    return made
