"""A home made by an earlier release goes on under this one."""

from __future__ import annotations

import json
import sqlite3
from collections.abc import Callable
from datetime import UTC, datetime
from decimal import Decimal
from pathlib import Path

import pytest
from sqlmodel import col, select

from interlock.policies.derived import Selection
from interlock.store.database import Database
from interlock.store.queue import Sought
from interlock.store.reservations import Reserved
from interlock.store.tables import User, WebSession
from tests.store.stores import Stores

VERSION_1 = Path(__file__).with_name("version_1.sql")
VERSION_2 = Path(__file__).with_name("version_2.sql")
VERSION_3 = Path(__file__).with_name("version_3.sql")
VERSION_4 = Path(__file__).with_name("version_4.sql")
VERSION_5 = Path(__file__).with_name("version_5.sql")
NOW = datetime(2026, 1, 1, tzinfo=UTC).isoformat(sep=" ")


def made_by_version_1(path: Path) -> None:
    """A database with the tables of the first release, and one run that waits in it."""
    body = json.dumps({"graph": "old", "version": 1, "limits": {"steps": 2, "cost": {"usd": "0.5"}}})
    with sqlite3.connect(path) as connection:
        connection.executescript(VERSION_1.read_text())
        connection.execute("INSERT INTO meta VALUES ('schema', '1')")
        connection.execute("INSERT INTO specs VALUES ('sha256:old', 'old', 1, ?, ?)", (body, NOW))
        connection.execute(
            "INSERT INTO runs (id, graph, spec_digest, status, input, output, requester, steps, model_calls, tokens,"
            " cost_micro_usd, created_at, updated_at)"
            " VALUES ('run-old', 'old', 'sha256:old', 'waiting', '{}', '{}', 'me', 1, 0, 0, 0, ?, ?)",
            (NOW, NOW),
        )
        connection.execute(
            "INSERT INTO visits (run_id, step, visit, entered_by, position, attempts, outcome, left_by, entered_at)"
            " VALUES ('run-old', 'a', 1, 0, 1, 1, 'done', 0, ?)",
            (NOW,),
        )
    connection.close()


def test_a_run_of_the_first_release_goes_on(tmp_path: Path) -> None:
    """Its rows are kept, its limits stand beside it now, and it can enter its next step, but no further one."""
    made_by_version_1(tmp_path / "old.db")
    stores = Stores(Database(f"sqlite:///{tmp_path / 'old.db'}"))
    run = stores.runs.get("run-old")
    assert (run.status, run.limits, run.parent_id) == ("waiting", {"steps": 2, "micro_usd": 500_000}, None)
    stores.runs.enter("run-old", "a", 2, entered_by=0, first=False)
    assert stores.runs.get("run-old").steps == 2
    again = Stores(Database(f"sqlite:///{tmp_path / 'old.db'}"))
    assert [visit.visit for visit in again.runs.visits("run-old")] == [1, 2]


def made_by_version_2(path: Path) -> None:
    """A database with the tables of the second version."""
    with sqlite3.connect(path) as connection:
        connection.executescript(VERSION_2.read_text())
        connection.execute("INSERT INTO meta VALUES ('schema', '2')")
    connection.close()


def made_by_version_3(path: Path) -> None:
    """A database with the tables of the third version."""
    with sqlite3.connect(path) as connection:
        connection.executescript(VERSION_3.read_text())
        connection.execute("INSERT INTO meta VALUES ('schema', '3')")
    connection.close()


def made_by_version_4(path: Path) -> None:
    """A database with the tables of the fourth version."""
    with sqlite3.connect(path) as connection:
        connection.executescript(VERSION_4.read_text())
        connection.execute("INSERT INTO meta VALUES ('schema', '4')")
    connection.close()


def made_by_version_5(path: Path) -> None:
    """A database with the tables of the fifth version."""
    with sqlite3.connect(path) as connection:
        connection.executescript(VERSION_5.read_text())
        connection.execute("INSERT INTO meta VALUES ('schema', '5')")
    connection.close()


@pytest.mark.parametrize(
    "made", [made_by_version_1, made_by_version_2, made_by_version_3, made_by_version_4, made_by_version_5]
)
def test_the_tables_are_those_of_a_new_database(made: Callable[[Path], None], tmp_path: Path) -> None:
    """Every table has the same columns and indexes, whichever way it was made."""
    made(tmp_path / "old.db")
    Database(f"sqlite:///{tmp_path / 'old.db'}")
    Database(f"sqlite:///{tmp_path / 'new.db'}")
    shapes = []
    for name in ("old.db", "new.db"):
        with sqlite3.connect(tmp_path / name) as connection:
            tables = [row[0] for row in connection.execute("SELECT name FROM sqlite_master WHERE type = 'table'")]
            shapes.append(
                {
                    t: (
                        {row[1:3] for row in connection.execute(f"PRAGMA table_info({t})")},
                        {row[1] for row in connection.execute(f"PRAGMA index_list({t})") if row[1].startswith("ix_")},
                    )
                    for t in tables
                }
            )
        connection.close()
    assert shapes[0] == shapes[1]


def test_what_an_earlier_release_did_counts(tmp_path: Path) -> None:
    """Budgets do not begin anew: what stands, and what nobody knows of, is reserved; what failed is not."""
    made_by_version_2(tmp_path / "old.db")
    with sqlite3.connect(tmp_path / "old.db") as connection:
        connection.execute("INSERT INTO specs VALUES ('sha256:old', 'old', 1, '{}', ?)", (NOW,))
        connection.execute(
            "INSERT INTO runs (id, graph, spec_digest, status, input, output, limits, requester, ordinal, steps,"
            " model_calls, tokens, cost_micro_usd, created_at, updated_at)"
            " VALUES ('run-old', 'old', 'sha256:old', 'done', '{}', '{}', '{}', 'me', 0, 1, 0, 0, 0, ?, ?)",
            (NOW, NOW),
        )
        for step, state in (("a", "executed"), ("b", "in_doubt"), ("c", "failed"), ("d", "denied")):
            connection.execute(
                "INSERT INTO effects (id, run_id, step, visit, slot, state, revision, action, arguments, missing,"
                " labels, evidence, model, proposed_by, attempt, retryable, intent_at, created_at, updated_at)"
                " VALUES (?, 'run-old', ?, 1, 0, ?, 0, 'shop.pay', '{\"amount\": \"2.50\"}', '[]', '{}', '{}', '{}',"
                " '[]', 1, 0, ?, ?, ?)",
                (f"run-old/{step}/1/0", step, state, NOW, NOW, NOW),
            )
    connection.close()
    database = Database(f"sqlite:///{tmp_path / 'old.db'}")
    with database.read() as session:
        chosen = Selection(("shop.pay",), datetime(2025, 1, 1, tzinfo=UTC))
        assert Reserved(session, "").total(chosen, "amount") == Decimal("5.00")
        assert Reserved(session, "").seen(chosen)
    database.engine.dispose()


def test_a_request_of_an_earlier_release_is_found(tmp_path: Path) -> None:
    """By its graph, title, action and risk, which stood in the request alone."""
    made_by_version_5(tmp_path / "old.db")
    request = json.dumps({"title": "shop.pay: 10 to anna", "action": "shop.pay", "risk": "high"})
    with sqlite3.connect(tmp_path / "old.db") as connection:
        connection.execute("INSERT INTO specs VALUES ('sha256:old', 'old', 1, '{}', ?)", (NOW,))
        connection.execute(
            "INSERT INTO runs (id, graph, spec_digest, status, input, output, limits, requester, ordinal, traced,"
            " steps, model_calls, tokens, cost_micro_usd, created_at, updated_at)"
            " VALUES ('run-old', 'old', 'sha256:old', 'waiting', '{}', '{}', '{}', 'me', 0, 1, 1, 0, 0, 0, ?, ?)",
            (NOW, NOW),
        )
        connection.execute(
            "INSERT INTO approvals (id, run_id, step, visit, ordinal, kind, state, revision, request, requirement,"
            " excluded, decide_before, created_at, updated_at)"
            " VALUES ('ap-old', 'run-old', 'pay', 1, 1, 'form', 'waiting', 0, ?, '{}', '[]', ?, ?, ?)",
            (request, datetime(2030, 1, 1, tzinfo=UTC).isoformat(sep=" "), NOW, NOW),
        )
    connection.close()
    stores = Stores(Database(f"sqlite:///{tmp_path / 'old.db'}"))
    (row,) = stores.approvals.page(Sought(graph="old", action="shop.pay", risk="high", text="to anna")).rows
    assert (row.id, row.title) == ("ap-old", "shop.pay: 10 to anna")


def test_whoever_has_a_token_keeps_access(tmp_path: Path) -> None:
    """They read, and decide what policies let them, as until now; sign-ins are made anew."""
    made_by_version_5(tmp_path / "old.db")
    with sqlite3.connect(tmp_path / "old.db") as connection:
        for identity, person in (("1", "fay"), ("2", "fay"), ("3", "finn")):
            connection.execute(
                "INSERT INTO credentials (id, person, hash, note, issued_by, created_at, expires_at)"
                " VALUES (?, ?, '', '', 'owner', ?, ?)",
                (identity, person, NOW, NOW),
            )
        connection.execute("INSERT INTO sessions VALUES ('x', 'fay', '1', ?, ?)", (NOW, NOW))
    connection.close()
    database = Database(f"sqlite:///{tmp_path / 'old.db'}")
    with database.read() as session:
        users = session.exec(select(User).order_by(col(User.name))).all()
        assert [(user.name, user.roles, user.created_at.isoformat(sep=" ")) for user in users] == [
            ("fay", ["reviewer"], NOW),
            ("finn", ["reviewer"], NOW),
        ]
        assert session.exec(select(WebSession)).all() == []
    database.engine.dispose()
