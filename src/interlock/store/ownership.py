"""Who else may write to a home: the question behind whether a name may be taken at its word.

Whoever can write to the database can write any name into it.  Where that is one login of this machine
alone, asking it for proof of who it is would protect nothing.
"""

from __future__ import annotations

import os
import stat
from pathlib import Path

from sqlalchemy.engine import URL

OTHERS_WRITE = stat.S_IWGRP | stat.S_IWOTH
OTHERS_READ = stat.S_IRGRP | stat.S_IROTH


def shared(url: URL) -> str | None:
    """Why somebody besides this process's login may write to the database; None where nobody can.

    Nobody can where it is an SQLite file and that file, its journals, the folder it lies in, and any link to
    it belong to this login and no group or other may write to them.  What cannot be told is shared.
    """
    if url.get_backend_name() != "sqlite":
        return "the database is a server, which others reach as well"
    if url.database in (None, "", ":memory:"):
        return None  # it lives and ends with this process
    named = Path(str(url.database))
    file = named.resolve()
    if not file.is_file():
        return f"{named} is no file on this machine"
    journals = [path for end in ("-wal", "-shm", "-journal") if (path := file.with_name(file.name + end)).exists()]
    for path in (file, *journals, file.parent, named.absolute().parent):
        if because := _writable(path):
            return because
    return None


def not_owner(home: Path, url: URL) -> str | None:
    """Why this process's login does not own the home; None where it does.

    The owner holds the folder and the key of the audit, which nobody else may read; on SQLite the database too.
    """
    key = home / "audit.key"
    for path in (home, key):
        if because := _writable(path):
            return because
    if key.stat().st_mode & OTHERS_READ:
        return f"others may read {key}: run `chmod go-rw {key}`"
    return shared(url) if url.get_backend_name() == "sqlite" else None


def _writable(path: Path) -> str | None:
    """Why others than this login may write to a file or folder; None where they may not."""
    me = getattr(os, "geteuid", lambda: None)()
    try:
        found = path.stat()
    except OSError as error:
        return f"{path} cannot be looked at: {error.strerror}"
    if me is None or found.st_uid != me:
        return f"{path} belongs to another login"
    if found.st_mode & OTHERS_WRITE:
        return f"others may write to {path}: run `chmod go-w {path}`"
    return None
