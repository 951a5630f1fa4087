"""Who else may write to a home, file by file."""

from __future__ import annotations

import os
from pathlib import Path

import pytest
from sqlalchemy.engine import make_url

from interlock.store.audit_key import audit_key
from interlock.store.database import Database
from interlock.store.ownership import not_owner, shared


@pytest.fixture
def home(tmp_path: Path) -> Path:
    """A home with a database and a key, as they are made."""
    home = tmp_path / "home"
    home.mkdir(mode=0o700)
    Database(f"sqlite:///{home / 'interlock.db'}").engine.dispose()
    audit_key(home)
    return home


def because(home: Path, name: str = "interlock.db") -> str | None:
    return shared(make_url(f"sqlite:///{home / name}"))


def test_a_new_home_is_its_owners_alone(home: Path) -> None:
    """The database and its journals are made for one login, whatever the umask says."""
    before = os.umask(0)
    try:
        database = Database(f"sqlite:///{home / 'other.db'}")
        modes = {path.name: path.stat().st_mode & 0o777 for path in home.glob("other.db*")}
        database.engine.dispose()
    finally:
        os.umask(before)
    assert set(modes.values()) == {0o600}
    assert len(modes) == 3
    assert because(home) is None
    assert not_owner(home, make_url(f"sqlite:///{home / 'interlock.db'}")) is None


@pytest.mark.parametrize("mode", [0o620, 0o602, 0o666])
@pytest.mark.parametrize("name", ["interlock.db", "interlock.db-wal", "interlock.db-shm", "interlock.db-journal", "."])
def test_what_others_may_write_is_shared(home: Path, name: str, mode: int) -> None:
    """The file, a journal that would be played into it, or the folder in which it could be swapped."""
    path = home / name
    if not path.exists():
        path.touch()
    path.chmod(mode | (0o100 if name == "." else 0))
    told = because(home)
    assert told is not None
    assert "others may write to" in told
    assert "chmod go-w" in told


def test_a_link_is_judged_at_both_ends(home: Path, tmp_path: Path) -> None:
    """A link lies in a folder of its own: whoever may write there may point it elsewhere."""
    folder = tmp_path / "links"
    folder.mkdir()
    (folder / "interlock.db").symlink_to(home / "interlock.db")
    folder.chmod(0o755)
    assert because(folder) is None
    folder.chmod(0o777)
    assert because(folder) is not None
    folder.chmod(0o755)
    (home / "interlock.db").chmod(0o666)
    assert because(folder) is not None


def test_a_server_and_what_cannot_be_told_are_shared(home: Path) -> None:
    """PostgreSQL, a file that is not there, and a file of another login; a database in memory is nobody else's."""
    assert shared(make_url("postgresql+psycopg://u@h/d")) is not None
    assert because(home, "missing.db") is not None
    assert shared(make_url("sqlite://")) is None
    if os.geteuid() == 0:
        os.chown(home / "interlock.db", 12345, -1)
        assert "belongs to another login" in str(because(home))


def test_the_owner_keeps_the_key_to_himself(home: Path) -> None:
    """A key that others may read makes nobody the owner, for anybody could forge the record."""
    url = make_url("postgresql+psycopg://u@h/d")
    assert not_owner(home, url) is None
    (home / "audit.key").chmod(0o640)
    assert "others may read" in str(not_owner(home, url))
    (home / "audit.key").chmod(0o600)
    home.chmod(0o770)
    assert "others may write to" in str(not_owner(home, url))
