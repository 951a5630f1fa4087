"""How long a look at the whole audit chain takes: `python -m benchmarks.audit --json`.

`verify_s` is all that `interlock audit verify` does after its imports: open the database, read every
entry, recompute its seal.  `verify_export_s` is the same of an export.
"""

from __future__ import annotations

import json
import secrets
import tempfile
import time
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any

from interlock.digest import Json
from interlock.store.audit import Audit
from interlock.store.audit_export import read, written
from interlock.store.chain import first_fault
from interlock.store.database import Database

ENTRIES = 10_000


def fill(database: Database, audit: Audit, entries: int) -> None:
    """Entries as runs leave them: most are short, some hold an action's arguments."""
    with database.write() as session:
        for number in range(entries):
            told: dict[str, Json] = {"from": "gated", "to": "approved", "attempt": number % 3, "error": None}
            if number % 4 == 0:
                text = f"Dear customer {number}, your order is under way. Grüße, the shop. " * 8
                told = {
                    "action": "email.send",
                    "arguments": {"to": f"c{number}@example.org", "body": text, "copies": 2},
                }
            audit.append(session, "monitor", "effect.approved", f"run-{number // 12:010x}/send/1/0", told)


def measure(entries: int = ENTRIES) -> dict[str, Any]:
    """Seconds of appending and verifying a chain of `entries`."""
    ticks = iter(range(10 * entries))
    start = datetime(2026, 1, 5, 9, 0, 0, 250, tzinfo=UTC)
    key = secrets.token_bytes(32)
    audit = Audit(key, lambda: start + timedelta(seconds=next(ticks)))
    with tempfile.TemporaryDirectory() as folder:
        url = f"sqlite:///{Path(folder, 'audit.db')}"
        database = Database(url)
        started = time.perf_counter()
        fill(database, audit, entries)
        appended = time.perf_counter() - started
        database.engine.dispose()

        started = time.perf_counter()
        database = Database(url)
        with database.read() as session:
            fault, head = audit.verify(session), audit.head(session)
        verified = time.perf_counter() - started
        assert fault is None
        assert head.entries == entries

        file = Path(folder, "audit.jsonl")
        with database.read() as session:
            file.write_bytes(b"".join(written(audit.links(session))))
        started = time.perf_counter()
        with file.open("rb") as lines:
            fault, head = first_fault(key, read(lines))
        verified_export = time.perf_counter() - started
        assert fault is None
        assert head.entries == entries
        database.engine.dispose()
    return {
        "entries": entries,
        "append_us": round(appended / entries * 1e6, 1),
        "verify_s": round(verified, 3),
        "verify_export_s": round(verified_export, 3),
    }


if __name__ == "__main__":
    print(json.dumps(measure()))
