"""Databases of earlier releases are brought up to this one's tables, in one transaction when they are opened."""

from __future__ import annotations

import json

from sqlalchemy import func, inspect, text
from sqlmodel import Session, col, select

from interlock.store.append_only import make_append_only
from interlock.store.reservations import follow, reserve
from interlock.store.spend import limits_of
from interlock.store.tables import Credential, Effect, Meta, Moment, Row, User

SCHEMA = "6"
"""Version of the tables; a database of an unknown version is refused, never guessed at."""


def migrate(session: Session, meta: Meta) -> bool:
    """Bring the tables up to `SCHEMA`; False when they are of a version that is not known."""
    if meta.value not in ("1", "2", "3", "4", "5"):
        return False
    known = set(inspect(session.connection()).get_table_names())
    if meta.value == "1":
        _to_2(session)
    if meta.value in ("1", "2"):
        _to_3(session)
    _sign_in_anew(session)
    Row.metadata.create_all(session.connection())  # 4: what action models were asked, 5: workers, 6: see below
    _to_6(session, known)
    _admit(session)
    meta.value = SCHEMA
    session.add(meta)
    return True


def _to_2(session: Session) -> None:
    """Child runs, waits, upgrades, compensation, spend by visit, and limits that stand beside the run they bound."""
    for column in (
        "limits JSON NOT NULL DEFAULT '{}'",
        "parent_id VARCHAR REFERENCES runs (id)",
        "parent_step VARCHAR",
        "parent_visit INTEGER",
        "ordinal INTEGER NOT NULL DEFAULT 0",
    ):
        session.execute(text(f"ALTER TABLE runs ADD COLUMN {column}"))
    session.execute(text("CREATE INDEX ix_runs_parent_id ON runs (parent_id)"))
    for column in (
        "model_calls INTEGER NOT NULL DEFAULT 0",
        "tokens INTEGER NOT NULL DEFAULT 0",
        "cost_micro_usd INTEGER NOT NULL DEFAULT 0",
        "error_kind VARCHAR",
    ):
        session.execute(text(f"ALTER TABLE visits ADD COLUMN {column}"))
    session.execute(text("ALTER TABLE effects ADD COLUMN undoes VARCHAR REFERENCES effects (id)"))
    for digest, body in session.execute(text("SELECT digest, body FROM specs")).all():
        limits = json.dumps(limits_of(json.loads(body).get("limits") or {}))
        session.execute(
            text("UPDATE runs SET limits = :limits WHERE spec_digest = :digest"), {"limits": limits, "digest": digest}
        )


def _sign_in_anew(session: Session) -> None:
    """Sign-ins are made anew: until now each was that of a token."""
    session.execute(text("DROP TABLE IF EXISTS sessions"))


def _admit(session: Session) -> None:
    """Whoever was given a token keeps what a token gave until now: to read, and to decide what policies let them."""
    since = func.min(Credential.created_at)
    for person, first in session.exec(select(Credential.person, since).group_by(Credential.person)).all():
        session.add(User(name=person, roles=["reviewer"], added_by="interlock", created_at=first))


BEGUN = ("intent", "in_doubt", "executed", "verified", "compensating")
"""States of effects that count."""

COLUMNS_OF_3: tuple[tuple[str, str], ...] = (
    ("votes", "on_behalf_of VARCHAR"),
    ("effects", "inputs JSON"),
    ("runs", "traced BOOLEAN NOT NULL DEFAULT FALSE"),
    ("effects", "origins JSON NOT NULL DEFAULT '{}'"),
)
"""Table and definition of each column that version 3 added to a table of version 2."""

INDEXES_OF_3: tuple[tuple[str, str], ...] = (("votes", "ix_votes_represented"),)
"""Table and name of each index that version 3 added to a table of version 2."""


def _to_3(session: Session) -> None:
    """What the guard keeps: new tables, and new columns of older ones."""
    known = set(inspect(session.connection()).get_table_names())
    for table, column in COLUMNS_OF_3:
        if table in known:  # a database of version 1 gets the tables of version 2 below, whole
            session.execute(text(f"ALTER TABLE {table} ADD COLUMN {column}"))
    Row.metadata.create_all(session.connection())  # those that are not there yet
    for table, index in INDEXES_OF_3:
        if table in known:
            next(each for each in Row.metadata.tables[table].indexes if each.name == index).create(session.connection())
    if "effects" in known:
        _reserve(session)
    make_append_only(session.connection())


def _reserve(session: Session) -> None:
    """Count what was done under an earlier release, so that no budget begins anew."""
    for effect in session.exec(select(Effect).where(col(Effect.state).in_(BEGUN))).all():
        reserve(session, effect, effect.intent_at or effect.updated_at)
        follow(session, effect.id, effect.state)


INDEXES_OF_6: tuple[tuple[str, str], ...] = (
    ("runs", "ix_runs_newest"),
    ("runs", "ix_runs_by_status"),
    ("runs", "ix_runs_by_graph"),
    ("runs", "ix_runs_by_requester"),
    ("runs", "ix_runs_by_spec"),
    ("runs", "ix_runs_due_at"),
    ("runs", "ix_runs_scheduled"),
    ("approvals", "ix_approvals_oldest"),
    ("approvals", "ix_approvals_due"),
    ("approvals", "ix_approvals_counted"),
    ("approvals", "ix_approvals_kind"),
    ("escalations", "ix_escalations_due"),
    ("audit", "ix_audit_subject"),
)
"""Table and name of each index that version 6 added to a table of version 5: lists are as quick as they are long."""


COLUMNS_OF_6: tuple[tuple[str, str], ...] = (
    ("approvals", "graph VARCHAR NOT NULL DEFAULT ''"),
    ("approvals", "title VARCHAR NOT NULL DEFAULT ''"),
    ("approvals", "action VARCHAR"),
    ("approvals", "risk VARCHAR"),
    ("runs", "due_at {moment}"),
    ("runs", "cancelled_by VARCHAR"),
    ("runs", "schedule VARCHAR"),
    ("runs", "scheduled_for {moment}"),
)
"""Table and definition of each column that version 6 added to a table of version 5."""


def _to_6(session: Session, known: set[str]) -> None:
    """Columns and indexes of tables that were there before; the others were made with theirs."""
    moment = Moment().compile(session.connection().dialect)
    for table, column in COLUMNS_OF_6:
        if table in known:
            session.execute(text(f"ALTER TABLE {table} ADD COLUMN {column.format(moment=moment)}"))
    if "approvals" in known:
        _find(session)
    for table, index in INDEXES_OF_6:
        if table in known:
            next(each for each in Row.metadata.tables[table].indexes if each.name == index).create(session.connection())


def _find(session: Session) -> None:
    """Let requests of earlier releases be found by what they ask."""
    asked = session.execute(
        text("SELECT approvals.id, runs.graph, request FROM approvals JOIN runs ON runs.id = approvals.run_id")
    )
    for approval_id, graph, told in asked.all():
        request = json.loads(told) if isinstance(told, str) else told
        found = {"graph": graph, "title": request.get("title") or ""}
        found |= {name: request.get(name) for name in ("action", "risk")}
        session.execute(
            text("UPDATE approvals SET graph = :graph, title = :title, action = :action, risk = :risk WHERE id = :id"),
            found | {"id": approval_id},
        )
