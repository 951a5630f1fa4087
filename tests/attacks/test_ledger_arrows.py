"""The ledger never leaves its diagram: whatever is asked of it, in whatever order."""

from __future__ import annotations

import tempfile
from datetime import timedelta
from pathlib import Path
from typing import Any

import pytest
from hypothesis import HealthCheck, settings
from hypothesis.stateful import RuleBasedStateMachine, invariant, precondition, rule
from hypothesis.strategies import booleans, integers, sampled_from
from sqlmodel import select

from interlock.errors import Conflict, DecisionRefused, Refused
from interlock.policies.language import Requirement
from interlock.store.approvals import Approvals
from interlock.store.audit import Audit
from interlock.store.database import Database
from interlock.store.effects import ARROWS, BEGUN, Ledger
from interlock.store.runs import Runs
from interlock.store.tables import Approval, Effect, Entry
from interlock.testing import FakeClock

DIGESTS = ("sha256:" + "a" * 64, "sha256:" + "b" * 64)
STEPS = ("pay", "ship")
EXPECTED = (Conflict, Refused, DecisionRefused)


class Stores:
    """The stores of one fresh database."""

    def __init__(self, folder: Path) -> None:
        self.clock = FakeClock()
        self.database = Database(f"sqlite:///{folder / 'interlock.db'}")
        self.audit = Audit(b"key", self.clock)
        self.ledger = Ledger(self.database, self.audit, self.clock)
        self.approvals = Approvals(self.database, self.audit, self.ledger, self.clock, {})
        self.runs = Runs(self.database, self.audit, self.clock)
        spec = {"graph": "shop", "version": 1}
        self.run = self.runs.create(spec=spec, spec_digest=DIGESTS[0], input={}, requester="me").id

    def proposal(self, step: str) -> Effect:
        return Effect(
            id="", run_id=self.run, step=step, visit=1, slot=0, state="proposed", action=f"shop.{step}",
            arguments={"amount": 1}, missing=[], labels={}, evidence={}, model={}, proposed_by=["me"],
        )  # fmt: skip

    def effects(self) -> list[Effect]:
        return list(self.ledger.of_run(self.run))


class LedgerMachine(RuleBasedStateMachine):
    """Random calls of the stores; a refused call changes nothing."""

    def __init__(self) -> None:
        super().__init__()
        self.folder = tempfile.TemporaryDirectory()
        self.stores = Stores(Path(self.folder.name))
        self.seen: dict[str, str] = {}
        self.people = 0

    def teardown(self) -> None:
        self.stores.database.engine.dispose()
        self.folder.cleanup()

    def tried(self, call: Any, *arguments: Any, **named: Any) -> None:
        """Call, and remember every row's state before; the invariant compares."""
        self.seen = {effect.id: effect.state for effect in self.stores.effects()}
        try:
            call(*arguments, **named)
        except EXPECTED:
            assert {effect.id: effect.state for effect in self.stores.effects()} == self.seen

    def row(self, pick: int) -> Effect:
        rows = self.stores.effects()
        return rows[pick % len(rows)]

    def known(self) -> bool:
        return bool(self.stores.effects())

    @rule(step=sampled_from(STEPS))
    def propose(self, step: str) -> None:
        self.tried(self.stores.ledger.propose, self.stores.proposal(step))

    @rule(step=sampled_from(STEPS))
    def add(self, step: str) -> None:
        with self.stores.database.write() as session:
            self.seen = {effect.id: effect.state for effect in session.exec(select(Effect))}
            self.stores.ledger.add(session, self.stores.proposal(step), actor="run")

    @precondition(known)
    @rule(pick=integers(0, 9), made=sampled_from(DIGESTS), effect=sampled_from(["auto", "approve", "deny"]))
    def gate(self, pick: int, made: str, effect: str) -> None:
        verdict: Any = {"effect": effect, "reasons": []}
        self.tried(self.stores.ledger.gate, self.row(pick), digest=made, verdict=verdict, denied=effect == "deny")

    @precondition(known)
    @rule(pick=integers(0, 9))
    def ask(self, pick: int) -> None:
        effect = self.row(pick)
        requirement = Requirement(within=timedelta(hours=1), execute_within=timedelta(minutes=5))
        self.tried(
            self.stores.approvals.file,
            run_id=effect.run_id, step=effect.step, visit=effect.visit, kind="action", request={},
            requirement=requirement, excluded=["me"], effect=effect, digest=effect.digest,
        )  # fmt: skip

    @precondition(known)
    @rule(pick=integers(0, 9), word=sampled_from(["approve", "reject", "edit"]))
    def decide(self, pick: int, word: str) -> None:
        self.people += 1
        approval_id, person = self.row(pick).approval_id, f"person{self.people}"
        if approval_id is None:
            return
        match word:
            case "approve":
                self.tried(self.stores.approvals.approve, approval_id, person)
            case "reject":
                self.tried(self.stores.approvals.reject, approval_id, person, comment="no")
            case "edit":
                self.tried(self.stores.approvals.edit, approval_id, person, {"arguments": {"amount": self.people}})

    @precondition(known)
    @rule(pick=integers(0, 9), made=sampled_from(DIGESTS))
    def intend(self, pick: int, made: str) -> None:
        self.tried(self.stores.ledger.intend, self.row(pick), made)

    @precondition(known)
    @rule(pick=integers(0, 9), retryable=booleans())
    def fail(self, pick: int, retryable: bool) -> None:
        self.tried(self.stores.ledger.failed, self.row(pick), "no", retryable=retryable)

    @precondition(known)
    @rule(pick=integers(0, 9), word=sampled_from(["executed", "verified", "doubt"]))
    def conclude(self, pick: int, word: str) -> None:
        effect, ledger = self.row(pick), self.stores.ledger
        match word:
            case "executed":
                self.tried(ledger.executed, effect, {})
            case "verified":
                self.tried(ledger.verified, effect)
            case "doubt":
                self.tried(ledger.doubt, effect, "unknown")

    @precondition(known)
    @rule(pick=integers(0, 9), repeat=booleans())
    def supersede(self, pick: int, repeat: bool) -> None:
        self.tried(self.stores.ledger.supersede, self.row(pick), "changed", repeat=repeat)

    @precondition(known)
    @rule(pick=integers(0, 9))
    def adopt(self, pick: int) -> None:
        self.tried(self.stores.approvals.adopt, self.row(pick), Requirement())

    @rule(minutes=sampled_from([1, 6, 70]))
    def wait(self, minutes: int) -> None:
        self.stores.clock.advance(timedelta(minutes=minutes))
        self.tried(self.stores.approvals.expire)

    @invariant()
    def one_arrow_at_most(self) -> None:
        for effect in self.stores.effects():
            before = self.seen.get(effect.id)
            assert before in (None, effect.state) or effect.state in ARROWS[before], (effect.id, before, effect.state)
            assert before is not None or effect.state == "proposed" or not self.seen

    @invariant()
    def one_row_of_a_visit_has_begun(self) -> None:
        for step in STEPS:
            begun = [effect.id for effect in self.stores.effects() if effect.step == step and effect.state in BEGUN]
            assert len(begun) <= 1, begun

    @invariant()
    def every_move_has_one_entry(self) -> None:
        with self.stores.database.read() as session:
            entries = session.exec(select(Entry)).all()
            assert self.stores.audit.verify(session) is None
        for effect in self.stores.effects():
            moves = [entry for entry in entries if entry.subject == effect.id]
            assert moves[0].event == "effect.proposed"
            assert len(moves) == effect.revision + 1
            state = "proposed"
            for entry in moves[1:]:
                assert entry.data["from"] == state
                state = entry.data["to"]
                assert entry.event == f"effect.{state}"
            assert state == effect.state

    @invariant()
    def nothing_begins_without_authorisation(self) -> None:
        with self.stores.database.read() as session:
            for effect in self.stores.effects():
                if effect.state not in BEGUN:
                    continue
                verdict = (effect.verdict or {})["effect"]
                assert verdict in ("auto", "approve")
                if verdict == "approve":
                    approval = session.get(Approval, effect.approval_id)
                    assert approval is not None
                    assert (approval.state, approval.digest) == ("consumed", effect.digest)


LedgerMachine.TestCase.settings = settings(
    max_examples=20, stateful_step_count=25, deadline=None, suppress_health_check=list(HealthCheck)
)
TestLedger = LedgerMachine.TestCase


def test_every_arrow_that_is_not_drawn_is_refused(tmp_path: Path) -> None:
    """All pairs of states: an arrow of the diagram is taken with its entry, any other is refused and writes nothing."""
    stores = Stores(tmp_path)
    states = sorted({*ARROWS, *(state for following in ARROWS.values() for state in following)})
    for before in states:
        for after in states:
            with stores.database.write() as session:
                row = stores.ledger.add(session, stores.proposal("pay"), actor="run")
                row.state = before
                session.add(row)
            with stores.database.read() as session:
                head = stores.audit.head(session)
            if after in ARROWS.get(before, ()):
                with stores.database.write() as session:
                    stores.ledger.move(session, row, after, actor="test")
                grown = 1
            else:
                with pytest.raises(Conflict, match=f"it cannot become {after}"), stores.database.write() as session:
                    stores.ledger.move(session, row, after, actor="test")
                grown = 0
            with stores.database.read() as session:
                assert stores.audit.head(session).entries == head.entries + grown
            assert stores.ledger.get(row.id).state == (after if grown else before)


def test_a_stale_row_moves_nothing(tmp_path: Path) -> None:
    """Two hold the same row; the second to move it finds that it changed."""
    stores = Stores(tmp_path)
    row = stores.ledger.propose(stores.proposal("pay"))
    stale = stores.ledger.get(row.id)
    verdict: Any = {"effect": "auto", "reasons": []}
    stores.ledger.gate(row, digest=DIGESTS[0], verdict=verdict, denied=False)
    with pytest.raises(Conflict):
        stores.ledger.gate(stale, digest=DIGESTS[1], verdict=verdict, denied=True)
    gated = stores.ledger.get(row.id)
    stores.ledger.intend(gated, DIGESTS[0])
    with pytest.raises(Conflict, match="changed by somebody else"):
        stores.ledger.intend(gated, DIGESTS[0])
    assert stores.ledger.get(row.id).attempt == 1
