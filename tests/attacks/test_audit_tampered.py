"""The audit shows every change behind its back: edits, deletions, swaps, insertions, a cut end, another key."""

from __future__ import annotations

import sqlite3
from pathlib import Path
from typing import Any

import pytest
from sqlalchemy import text

from interlock.errors import SettingsError
from tests.attacks.house import House, Run


@pytest.fixture
def run(house: House) -> Run:
    """A run that has acted, with its chain of entries."""
    run = house.begun("pay")
    run.approve()
    run.drive()
    assert run.engine.audit_head().entries > 8
    return run


def execute(run: Run, statement: str, **values: Any) -> None:
    """Change the file as its owner can, who drops the triggers first."""
    with run.engine.services.database.write() as session:
        connection = session.connection()
        for name in connection.execute(text("SELECT name FROM sqlite_master WHERE type = 'trigger'")).scalars().all():
            connection.execute(text(f"DROP TRIGGER {name}"))
        connection.execute(text(statement), values)


@pytest.mark.parametrize(
    "statement",
    [
        "UPDATE audit SET actor = 'eve' WHERE seq = 5",
        "DELETE FROM audit WHERE seq = 5",
        "REPLACE INTO audit SELECT seq, at, 'eve', event, subject, data, previous, mac FROM audit WHERE seq = 5",
    ],
)
def test_the_database_itself_refuses_a_change(run: Run, statement: str) -> None:
    """A program that does not go out of its way can only append, whoever wrote it."""
    connection = sqlite3.connect(run.house.home / "interlock.db")
    with pytest.raises(sqlite3.IntegrityError, match="the audit is append-only"):
        connection.execute(statement)
    connection.close()
    assert run.whole()


EDITS = {
    "who": "UPDATE audit SET actor = 'eve' WHERE seq = 5",
    "what": "UPDATE audit SET event = 'effect.denied' WHERE seq = 5",
    "about what": "UPDATE audit SET subject = 'run-0' WHERE seq = 5",
    "when": "UPDATE audit SET at = '2001-01-01 00:00:00.000000' WHERE seq = 5",
    "the details": "UPDATE audit SET data = '{}' WHERE seq = 5",
    "the link": "UPDATE audit SET previous = (SELECT mac FROM audit WHERE seq = 2) WHERE seq = 5",
    "the seal": "UPDATE audit SET mac = (SELECT mac FROM audit WHERE seq = 2) WHERE seq = 5",
}


@pytest.mark.parametrize("what", EDITS)
def test_an_edited_entry_is_found(run: Run, what: str) -> None:
    """Whichever field was changed, the chain breaks at that entry."""
    execute(run, EDITS[what])
    fault = run.engine.audit_fault(None)
    assert fault is not None
    assert fault.seq == 5


def test_a_deleted_entry_is_found(run: Run) -> None:
    """Also when the entries after it move up."""
    execute(run, "DELETE FROM audit WHERE seq = 5")
    fault = run.engine.audit_fault(None)
    assert fault is not None
    assert (fault.seq, fault.because) == (5, "entry 5 is missing")
    execute(run, "UPDATE audit SET seq = seq - 1 WHERE seq > 5")
    fault = run.engine.audit_fault(None)
    assert fault is not None
    assert (fault.seq, fault.because) == (5, "it does not follow the entry before it")


def test_swapped_entries_are_found(run: Run) -> None:
    """Two whole entries in each other's place."""
    for before, after in ((5, -1), (6, 5), (-1, 6)):
        execute(run, "UPDATE audit SET seq = :after WHERE seq = :before", before=before, after=after)
    fault = run.engine.audit_fault(None)
    assert fault is not None
    assert fault.seq == 5


def test_an_inserted_entry_is_found(run: Run) -> None:
    """An entry that nobody with the key wrote, at the end or in the middle."""
    copied = "INSERT INTO audit SELECT :seq, at, 'eve', event, subject, data, previous, mac FROM audit WHERE seq = 5"
    end = run.engine.audit_head().entries + 1
    execute(run, copied, seq=end)
    fault = run.engine.audit_fault(None)
    assert fault is not None
    assert fault.seq == end


def test_a_cut_end_is_found_by_its_exported_head(run: Run) -> None:
    """The chain alone cannot show that its last entries are gone; the head kept elsewhere does."""
    head = run.engine.audit_head()
    execute(run, "DELETE FROM audit WHERE seq > :kept", kept=head.entries - 2)
    assert run.engine.audit_fault(None) is None
    fault = run.engine.audit_fault(head)
    assert fault is not None
    assert "the exported head counts" in fault.because


def test_a_rewritten_end_is_found_by_its_exported_head(run: Run) -> None:
    """Cut and grown again with the right key: whole in itself, and not the chain that was exported."""
    head = run.engine.audit_head()
    execute(run, "DELETE FROM audit WHERE seq > :kept", kept=head.entries - 2)
    run.house.begun("note")
    run.house.clock.now = run.house.clock.now.replace(hour=10)
    run.house.begun("note")
    assert run.engine.audit_fault(None) is None
    fault = run.engine.audit_fault(head)
    assert fault is not None
    assert fault.because == "it is not the entry that the exported head names"


def test_a_grown_chain_still_holds_its_exported_head(run: Run) -> None:
    """New entries after an export are no fault."""
    head = run.engine.audit_head()
    run.house.begun("note")
    assert run.engine.audit_fault(head) is None


def test_another_key_verifies_nothing(run: Run) -> None:
    """The key lives outside the database: who can rewrite the rows cannot seal them."""
    key = run.house.home / "audit.key"
    assert key.stat().st_mode & 0o077 == 0
    key.write_text("0" * 64)
    fault = run.house.engine().audit_fault(None)
    assert fault is not None
    assert fault.seq == 1


@pytest.mark.parametrize("content", ["", "short", "g" * 64])
def test_a_key_that_is_none_is_refused(run: Run, content: str) -> None:
    """A broken key file is an error with its next step, never a new key over old entries."""
    (run.house.home / "audit.key").write_text(content)
    with pytest.raises(SettingsError, match="restore it from a backup"):
        run.house.engine()


def test_every_decision_and_effect_stands_in_the_audit(run: Run) -> None:
    """From the request to the outcome: who asked, who agreed, what was consumed, what happened."""
    events = [(entry["event"], entry["actor"]) for entry in run.engine.history(run.id)]
    wanted = [
        ("run.created", "requester"),
        ("effect.proposed", "run"),
        ("effect.gated", "gate"),
        ("approval.requested", "gate"),
        ("approval.vote", "bob"),
        ("effect.approved", "bob"),
        ("approval.approved", "bob"),
        ("approval.consumed", "monitor"),
        ("effect.intent", "monitor"),
        ("effect.executed", "monitor"),
        ("step.left", "run"),
        ("run.done", "run"),
    ]
    assert events == wanted


def test_a_tampered_chain_is_told_at_the_terminal(open_house: House) -> None:
    """`audit verify` exits 1 and names the entry."""
    run = open_house.begun("note")
    execute(run, EDITS["who"].replace("5", "2"))
    told = open_house.command("audit", "verify", "--json")
    assert (told.code, told.json["ok"], told.json["fault"]["seq"]) == (1, False, 2)


def test_an_export_is_verified_elsewhere(open_house: House, tmp_path: Path) -> None:
    """With the key alone, in a folder that is no project; an edited line is named."""
    open_house.begun("note")
    file, elsewhere = tmp_path / "audit.jsonl", tmp_path / "elsewhere"
    exported = open_house.command("audit", "export", "-o", str(file), "--json")
    entries = len(file.read_bytes().splitlines())
    assert (exported.code, exported.json["fault"], exported.json["entries"]) == (0, None, entries)
    head = open_house.command("audit", "head").out.strip()
    assert head == f"{entries}:{exported.json['mac']}"
    key = tmp_path / "audit.key"
    key.write_bytes((open_house.home / "audit.key").read_bytes())
    elsewhere.mkdir()
    house = House(elsewhere)
    told = house.command("audit", "verify", str(file), "--key", str(key), "--head", head, "--json")
    assert (told.code, told.json) == (0, {"ok": True, "entries": entries, "fault": None})
    file.write_text(file.read_text().replace("shop.note", "shop.nose", 1))
    told = house.command("audit", "verify", str(file), "--key", str(key), "--json")
    assert (told.code, told.json["fault"]["because"]) == (1, "its content was changed")


def test_a_cut_chain_is_found_by_the_head_file(open_house: House, tmp_path: Path) -> None:
    """Where `INTERLOCK_AUDIT_HEAD_FILE` is set, nobody has to export a head by hand."""
    heads = tmp_path / "heads"
    engine = open_house.engine(audit_head_file=heads)
    run = open_house.begun("note", engine)
    count, _, mac = heads.read_text().splitlines()[-1].partition(":")
    assert engine.audit_head() == (int(count), mac)
    execute(run, "DELETE FROM audit WHERE seq > 3")
    assert open_house.engine().audit_fault() is None
    fault = engine.audit_fault()
    assert fault is not None
    assert fault.because == f"the exported head counts {count} entries, the chain has 3"


def test_another_key_adds_nothing(run: Run) -> None:
    """A home with a key of its own, on the database of another, breaks no chain: it is refused before it writes."""
    key = run.house.home / "audit.key"
    real = key.read_text()
    key.write_text("0" * 64)
    head = run.engine.audit_head()
    with pytest.raises(SettingsError, match="Copy it from the home that made the database"):
        run.house.begun("note")
    assert run.engine.audit_head() == head
    key.write_text(real)
    run.house.begun("note")
    assert run.engine.audit_fault(head) is None
