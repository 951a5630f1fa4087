"""The audit on every database: append-only, sealed, exported, and no change behind its back that does not show."""

from __future__ import annotations

import hashlib
import hmac
import json
from datetime import timedelta
from pathlib import Path
from typing import Any

import pytest
import rfc8785
from hypothesis import given
from hypothesis import strategies as st
from sqlalchemy import text
from sqlalchemy.exc import DBAPIError

from interlock.digest import Json
from interlock.errors import SettingsError
from interlock.store.audit import Audit
from interlock.store.audit_export import read, written
from interlock.store.chain import GENESIS, Fault, Head, canonical_json, first_fault, read_json
from interlock.store.database import Database
from interlock.store.witness import Witness
from tests.store.stores import Stores

DATA: dict[str, Json] = {
    "text": "Grüße, \U0001f600",
    "sum": "480.00",
    "ratio": 0.1,
    "many": [1, None, True],
    "é": {"\U0001f600": 1},
}


@pytest.fixture
def chain(stores: Stores) -> Stores:
    """Ten entries, at times with microseconds."""
    stores.clock.advance(timedelta(microseconds=100_250))
    for number in range(10):
        with stores.database.write() as session:
            stores.audit.append(session, "ann", "thing.done", f"thing-{number}", {**DATA, "number": number})
        stores.clock.advance(timedelta(seconds=1, microseconds=7))
    assert stores.head().entries == 10
    return stores


def fault(stores: Stores, *heads: Head) -> Fault | None:
    with stores.database.read() as session:
        return stores.audit.verify(session, heads)


def export(stores: Stores) -> list[bytes]:
    with stores.database.read() as session:
        return list(written(stores.audit.links(session)))


@pytest.mark.parametrize(
    "statement",
    ["UPDATE audit SET actor = 'eve' WHERE seq = 5", "DELETE FROM audit WHERE seq = 5", "DELETE FROM audit"],
)
def test_the_database_refuses_to_change_an_entry(chain: Stores, statement: str) -> None:
    """Also for a program that is not ours."""
    with pytest.raises(DBAPIError, match="the audit is append-only"), chain.database.engine.begin() as connection:
        connection.execute(text(statement))
    assert fault(chain) is None
    assert chain.head().entries == 10


def test_postgresql_refuses_to_empty_the_audit(chain: Stores) -> None:
    """TRUNCATE deletes no row one by one, and is refused all the same."""
    if chain.database.engine.dialect.name != "postgresql":
        pytest.skip("SQLite has no TRUNCATE")
    with pytest.raises(DBAPIError, match="the audit is append-only"), chain.database.engine.begin() as connection:
        connection.execute(text("TRUNCATE audit"))


@pytest.mark.parametrize(
    ("column", "value"),
    [
        ("at", "'2001-01-01 00:00:00.000000'"),
        ("actor", "'eve'"),
        ("event", "'thing.undone'"),
        ("subject", "'thing-0'"),
        ("data", "'{}'"),
        ("previous", "(SELECT mac FROM audit WHERE seq = 2)"),
        ("mac", "(SELECT mac FROM audit WHERE seq = 2)"),
    ],
)
def test_an_edit_of_any_column_shows(chain: Stores, column: str, value: str) -> None:
    """At exactly that entry."""
    chain.tamper(f"UPDATE audit SET {column} = {value} WHERE seq = 5")
    found = fault(chain)
    assert found is not None
    assert found.seq == 5


@pytest.mark.parametrize("value", ["'no JSON'", "'{\"a\": 1e999}'", "'{\"n\": 99999999999999999999}'", "'5'"])
def test_an_edit_that_leaves_no_data_at_all_shows(chain: Stores, value: str) -> None:
    """What cannot be read is a fault like any other, and stops no verification."""
    if chain.database.engine.dialect.name == "postgresql" and "no JSON" in value:
        pytest.skip("PostgreSQL takes only JSON")
    chain.tamper(f"UPDATE audit SET data = {value} WHERE seq = 5")
    assert fault(chain) == Fault(5, "its content was changed")


@pytest.mark.parametrize("seq", [1, 5])
def test_a_deletion_shows(chain: Stores, seq: int) -> None:
    """The first or one in the middle; also when those after it move up."""
    chain.tamper(f"DELETE FROM audit WHERE seq = {seq}")
    assert fault(chain) == Fault(seq, f"entry {seq} is missing")
    chain.tamper(f"UPDATE audit SET seq = -(seq - 1) WHERE seq > {seq}", "UPDATE audit SET seq = -seq WHERE seq < 0")
    assert fault(chain) == Fault(seq, "it does not follow the entry before it")


def test_a_deletion_of_the_last_shows_by_a_head(chain: Stores) -> None:
    """The rest is whole in itself; a head kept elsewhere tells that it was longer."""
    head = chain.head()
    chain.tamper("DELETE FROM audit WHERE seq = 10")
    assert fault(chain) is None
    assert fault(chain, head) == Fault(10, "the exported head counts 10 entries, the chain has 9")


def test_a_swap_shows(chain: Stores) -> None:
    """Two whole entries in each other's place."""
    chain.tamper(
        *(f"UPDATE audit SET seq = {after} WHERE seq = {before}" for before, after in ((5, -1), (6, 5), (-1, 6)))
    )
    found = fault(chain)
    assert found is not None
    assert found.seq == 5


def test_an_insertion_shows(chain: Stores) -> None:
    """In the middle, with all after it moved down, and at the end."""
    row = "INSERT INTO audit SELECT {}, at, 'eve', event, subject, data, previous, mac FROM audit WHERE seq = 4"
    chain.tamper(row.format(11))
    assert fault(chain) == Fault(11, "it does not follow the entry before it")
    chain.tamper("DELETE FROM audit WHERE seq = 11", "UPDATE audit SET seq = -(seq + 1) WHERE seq >= 5")
    chain.tamper("UPDATE audit SET seq = -seq WHERE seq < 0", row.format(5))
    found = fault(chain)
    assert found is not None
    assert found.seq == 5


@pytest.mark.parametrize("kept", [0, 1, 9])
def test_a_truncation_shows_by_a_head(chain: Stores, kept: int) -> None:
    """However much of the end is gone, up to everything."""
    head = chain.head()
    chain.tamper(f"DELETE FROM audit WHERE seq > {kept}")
    assert fault(chain) is None
    assert fault(chain, head) == Fault(kept + 1, f"the exported head counts 10 entries, the chain has {kept}")


def rewritten(stores: Stores, key: bytes) -> None:
    """The whole chain anew, another person in entry 5, sealed with `key` as an entry is sealed."""
    with stores.database.read() as session:
        links = list(stores.audit.links(session))
    previous, statements = GENESIS, []
    for link in links:
        actor = "eve" if link.seq == 5 else link.actor
        body = [link.seq, link.at.isoformat(), actor, link.event, link.subject, link.data, previous]
        mac = hmac.new(key, rfc8785.dumps(body), hashlib.sha256).hexdigest()
        statements.append(
            f"UPDATE audit SET actor = '{actor}', previous = '{previous}', mac = '{mac}' WHERE seq = {link.seq}"
        )
        previous = mac
    stores.tamper(*statements)


def test_a_rewrite_without_the_key_shows(chain: Stores) -> None:
    """Every MAC recomputed, with a key that is not ours: the first entry does not fit."""
    rewritten(chain, b"another key")
    assert fault(chain) == Fault(1, "its content was changed")


def test_a_rewrite_with_the_key_shows_by_a_head(chain: Stores) -> None:
    """Whoever stole the key can make a chain that is whole in itself, and not the one that was exported."""
    head = chain.head()
    rewritten(chain, b"key")
    assert fault(chain) is None
    assert fault(chain, head) == Fault(10, "it is not the entry that the exported head names")


def test_an_export_is_the_chain(chain: Stores) -> None:
    """Line by line the same on every database, times to the microsecond, and whole under the key alone."""
    lines = export(chain)
    first = json.loads(lines[0])
    assert (first["at"], first["data"]) == ("2026-01-05T09:00:00.100250+00:00", {**DATA, "number": 0})
    assert first_fault(b"key", read(lines), [chain.head()]) == (None, chain.head())


def test_a_changed_export_shows(chain: Stores) -> None:
    """Edit, delete, swap, insert, cut, rewrite in other bytes, and another key."""
    lines, head = export(chain), chain.head()
    twice = lines[4].replace(b'"actor":"ann"', b'"actor":"eve","actor":"ann"')
    assert twice != lines[4]
    for changed, seq in (
        ([*lines[:4], lines[4].replace(b"ann", b"eve"), *lines[5:]], 5),
        ([*lines[:4], twice, *lines[5:]], 5),
        ([*lines[:4], lines[4].replace(b'":', b'": ', 1), *lines[5:]], 5),
        ([*lines[:4], b"{}\n", *lines[5:]], 5),
        ([*lines[:4], b"\xff\n", *lines[5:]], 5),
        ([*lines[:4], *lines[5:]], 5),
        ([*lines[:4], lines[5], lines[4], *lines[6:]], 5),
        ([*lines[:4], lines[3], *lines[4:]], 5),
        (lines[:7], 8),
        ([], 1),
    ):
        found, _ = first_fault(b"key", read(changed), [head])
        assert found is not None
        assert found.seq == seq
    assert first_fault(b"other", read(lines))[0] == Fault(1, "its content was changed")


def test_the_witness_gets_the_head_of_each_commit(stores: Stores, url: str, tmp_path: Path) -> None:
    """One line for each transaction that appended and was kept; a cut chain then shows by itself."""
    file = tmp_path / "heads"
    audit = Audit(b"key", stores.clock, witness=Witness(file))
    for number in range(3):
        with stores.database.write() as session:
            audit.append(session, "ann", "thing.done", f"thing-{number}", {})
            audit.append(session, "ann", "thing.done", f"thing-{number}", {})
    undone = stores.database.write()
    audit.append(undone.__enter__(), "ann", "thing.done", "undone", {})
    assert not undone.__exit__(RuntimeError, RuntimeError("never mind"), None)
    lines = file.read_text().splitlines()
    assert [line.partition(":")[0] for line in lines] == ["2", "4", "6"]
    assert lines[-1] == f"6:{stores.head().mac}"
    assert file.stat().st_mode & 0o077 == 0
    stores.tamper("DELETE FROM audit WHERE seq > 4")
    again = Audit(b"key", stores.clock, witness=Witness(file))
    with Database(url).read() as session:
        assert again.verify(session) == Fault(5, "the exported head counts 6 entries, the chain has 4")


def test_a_witness_that_cannot_be_written_is_refused_at_once(tmp_path: Path) -> None:
    """Not at the first commit; and a file with something else in it is no witness."""
    with pytest.raises(SettingsError, match="INTERLOCK_AUDIT_HEAD_FILE"):
        Witness(tmp_path / "nowhere" / "heads")
    (tmp_path / "heads").write_text("hello\n")
    with pytest.raises(SettingsError, match="line 1: 'hello' is no head"):
        Witness(tmp_path / "heads").heads()


JSON = st.recursive(
    st.none()
    | st.booleans()
    | st.integers(-(2**53) + 1, 2**53 - 1)
    | st.text()
    | st.floats(allow_nan=False, allow_infinity=False),
    lambda inner: st.lists(inner, max_size=4) | st.dictionaries(st.text(), inner, max_size=4),
    max_leaves=12,
)


@given(JSON)
def test_the_quick_way_writes_canonical_json(value: Any) -> None:
    """Byte for byte what RFC 8785 says, for whatever a database gives back."""
    read, quick = read_json(json.dumps(value))
    assert canonical_json(read, quick=quick) == rfc8785.dumps(value)
