"""A home as a busy house leaves it: many runs, many of which wait for people, with their record.

A few runs are made by the engine; the others are copies of their rows under other ids, times and requesters, and the
record of all of them is one chain, sealed as the engine seals it.
"""

from __future__ import annotations

import json
import shutil
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta
from pathlib import Path
from typing import Any

from sqlalchemy import insert, select

from interlock.engine.project import Project
from interlock.engine.service import Engine
from interlock.settings import load_settings
from interlock.store.audit_key import audit_key
from interlock.store.chain import FIELDS, Head, Link, seal
from interlock.store.tables import Row

EXAMPLE = Path(__file__).resolve().parents[1] / "examples" / "pay_invoice"

PAYEES = ("Northwind Supplies", "Contoso Paper", "Fabrikam Tools", "Adatum Travel", "Tailspin Freight")

AT_ONCE = 2_000
"""Runs that are written in one transaction."""


@dataclass(frozen=True)
class Crowd:
    """The home, its engine, and the ids of runs that the engine itself drove."""

    engine: Engine
    waiting: Sequence[str]
    done: Sequence[str]


def crowd(folder: Path, runs: int, waiting: int, driven: int = 20) -> Crowd:
    """A home with so many runs, so many of which wait for an approval."""
    root = folder / "project"
    shutil.copytree(EXAMPLE, root, ignore=shutil.ignore_patterns(".interlock", "__pycache__"))
    engine = Engine(Project(root=root, settings=load_settings(home=root / ".interlock")))
    workflow = engine.project.workflow(root / "graphs" / "pay_invoice.yaml")
    made: list[str] = []
    for number in range(2 * driven):
        values = {"payee": PAYEES[number % 5], "amount": 680, "invoice": f"2026-{number:05}"}
        made.append(engine.start(workflow, values, "clerk").id)
        (asked,) = engine.drive(made[-1]).waiting
        if number % 2:
            engine.approve(asked.id, "treasurer")
            engine.drive(made[-1])
    known = Crowd(engine, made[::2], made[1::2])
    _copy(known, known.waiting[0], waiting - driven, "w", lasting=timedelta(days=3))
    _copy(known, known.done[0], runs - waiting - driven, "d", lasting=timedelta(days=400))
    return known


def _copy(known: Crowd, run_id: str, count: int, letter: str, lasting: timedelta) -> None:
    """Write `count` copies of a run, spread over the time before it."""
    database, now = known.engine.services.database, known.engine.services.clock()
    rows = list(_rows(known, run_id))
    told = known.engine.history(run_id)
    key = audit_key(known.engine.project.home)
    for first in range(0, count, AT_ONCE):
        with database.write() as session:
            head = known.engine.services.audit.head(session)
            links: list[Link] = []
            for number in range(first, min(first + AT_ONCE, count)):
                other = f"run-{letter}{number:09x}"
                earlier = lasting * (1 - number / count)
                head = _sealed(key, head, told, run_id, other, now - earlier, links)
            for table, originals in rows:
                copies = [
                    _as(original, run_id, f"run-{letter}{number:09x}", lasting * (1 - number / count), number)
                    for number in range(first, min(first + AT_ONCE, count))
                    for original in originals
                ]
                session.execute(insert(Row.metadata.tables[table]), copies)
            session.execute(
                insert(Row.metadata.tables["audit"]), [dict(zip(FIELDS, link, strict=False)) for link in links]
            )


def _rows(known: Crowd, run_id: str) -> Iterator[tuple[str, list[dict[str, Any]]]]:
    """The rows of a run, table by table, those that others name first."""
    with known.engine.services.database.read() as session:
        for table in Row.metadata.sorted_tables:
            column = table.c.id if table.name == "runs" else table.c.get("run_id")
            if column is not None and table.name != "reservations":
                found = [dict(row) for row in session.execute(select(table).where(column == run_id)).mappings()]
                if found:
                    yield table.name, found


def _as(row: dict[str, Any], run_id: str, other: str, earlier: timedelta, number: int) -> dict[str, Any]:
    """A row as another run's, so much earlier; requests keep their time, so that they wait on."""
    made: dict[str, Any] = {}
    for name, value in row.items():
        if isinstance(value, str):
            made[name] = value.replace(run_id, other)
        elif isinstance(value, datetime):
            made[name] = value + timedelta(days=30) if name == "decide_before" else value - earlier
        elif isinstance(value, dict | list):
            made[name] = json.loads(json.dumps(value).replace(run_id, other).replace(PAYEES[0], PAYEES[number % 5]))
        else:
            made[name] = value
    if "requirement" in row:
        made["id"] = f"ap-{other[4:]}"
    if row.get("approval_id"):
        made["approval_id"] = f"ap-{other[4:]}"
    if "requester" in row:
        made["requester"] = f"clerk-{number % 40}"
    return made


def _sealed(
    key: bytes, head: Head, told: Sequence[dict[str, Any]], run_id: str, other: str, at: datetime, links: list[Link]
) -> Head:
    """Go on with the chain by the entries of a run as another's."""
    for entry in told:
        subject = entry["subject"].replace(run_id, other)
        subject = f"ap-{other[4:]}" if subject.startswith("ap-") else subject
        data = json.loads(json.dumps(entry["data"]).replace(run_id, other))
        link = Link(head.entries + 1, at, entry["actor"], entry["event"], subject, data, head.mac, "", quick=False)
        link = link._replace(mac=seal(key, link))
        links.append(link)
        head = Head(link.seq, link.mac)
    return head


def token(engine: Engine, name: str, *roles: Any) -> str:
    """Somebody with access, and their token."""
    _, text = engine.services.credentials.issue(name, by="benchmark", lasting=timedelta(days=1))
    engine.services.users.give(name, list(roles), by="benchmark")
    return text
