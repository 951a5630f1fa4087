"""The stores over one database, with a clock that tests move."""

from __future__ import annotations

from datetime import timedelta
from typing import Any

from sqlalchemy import text

from interlock.digest import digest
from interlock.policies.language import Requirement
from interlock.store.approvals import Approvals
from interlock.store.audit import Audit
from interlock.store.chain import Head
from interlock.store.database import Database
from interlock.store.effects import Ledger
from interlock.store.runs import Runs
from interlock.store.tables import Approval, Effect
from interlock.testing import FakeClock

SPEC = {"graph": "shop", "version": 1, "steps": {"pay": {}}}
DIGEST = "sha256:" + "a" * 64
PEOPLE = {"fay": ["finance"], "Finn": ["finance"], "bob": []}
HOUR = Requirement(within=timedelta(hours=1), execute_within=timedelta(minutes=5))


class Stores:
    """Runs, ledger, approvals and audit of one database."""

    def __init__(self, database: Database) -> None:
        self.clock = FakeClock()
        self.database = database
        self.audit = Audit(b"key", self.clock)
        self.ledger = Ledger(database, self.audit, self.clock)
        self.approvals = Approvals(database, self.audit, self.ledger, self.clock, PEOPLE)
        self.runs = Runs(database, self.audit, self.clock)

    def run(self, run_id: str | None = None, limits: dict[str, Any] | None = None) -> str:
        """A new run."""
        spec = SPEC | ({"limits": limits} if limits else {})
        return self.runs.create(
            spec=spec, spec_digest=digest(spec), input={"amount": 1}, requester="requester", run_id=run_id
        ).id

    def gated(self, run_id: str) -> Effect:
        """A proposal of the run that needs an approval."""
        proposal = Effect(
            id="", run_id=run_id, step="pay", visit=1, slot=0, state="proposed", action="shop.pay",
            arguments={"amount": 1}, missing=[], labels={}, evidence={}, model={}, proposed_by=["requester"],
        )  # fmt: skip
        verdict: Any = {"effect": "approve", "reasons": []}
        return self.ledger.gate(self.ledger.propose(proposal), digest=DIGEST, verdict=verdict, denied=False)

    def asked(self, run_id: str, requirement: Requirement = HOUR, kind: str = "action") -> Approval:
        """An open request about that proposal."""
        effect = self.gated(run_id) if kind in ("action", "question") else None
        return self.approvals.file(
            run_id=run_id, step="pay", visit=1, kind=kind, request={"title": "Pay?"}, requirement=requirement,
            excluded=["Requester"], effect=effect, digest=effect.digest if effect else None,
        )  # fmt: skip

    def tamper(self, *statements: str) -> None:
        """Change the audit as the owner of the database can: without its triggers."""
        with self.database.engine.begin() as connection:
            if connection.dialect.name == "sqlite":
                names = connection.execute(text("SELECT name FROM sqlite_master WHERE type = 'trigger'")).scalars()
                triggers = [f"DROP TRIGGER {name}" for name in names.all()]
            else:
                triggers = ["DROP TRIGGER IF EXISTS audit_no_change ON audit"]
            for statement in (*triggers, *statements):
                connection.execute(text(statement))

    def head(self) -> Head:
        with self.database.read() as session:
            return self.audit.head(session)

    def whole(self) -> bool:
        with self.database.read() as session:
            return self.audit.verify(session) is None
