"""The key of the audit chain: a file in the home, beside the database and not in it."""

from __future__ import annotations

import contextlib
import os
import secrets
from pathlib import Path

from interlock.errors import SettingsError, StoreUnavailable

KEY_FILE = "audit.key"


def audit_key(home: Path) -> bytes:
    """The chain's key, made on first use; only its owner may read the file.

    Raises:
        StoreUnavailable: the file cannot be read or made.
        SettingsError: the file does not hold a key.
    """
    path = home / KEY_FILE
    try:
        if not path.exists():
            _make_key(path)
    except OSError as error:
        raise StoreUnavailable(f"the audit key {path} cannot be used: {error.strerror}.") from None
    return read_key(path)


def read_key(path: Path) -> bytes:
    """The key in a file.

    Raises:
        StoreUnavailable: the file cannot be read.
        SettingsError: the file does not hold a key.
    """
    try:
        text = path.read_text(encoding="ascii").strip()
    except OSError as error:
        raise StoreUnavailable(f"the audit key {path} cannot be used: {error.strerror}.") from None
    except UnicodeDecodeError:
        text = ""
    if len(text) != 64 or not set(text) <= set("0123456789abcdef"):
        raise SettingsError(f"{path} does not hold an audit key (64 hex digits); restore it from a backup.")
    return bytes.fromhex(text)


def _make_key(path: Path) -> None:
    """Write a whole file first and link it in place, so that no process ever reads half a key."""
    draft = path.with_name(f".audit.key.{os.getpid()}.{secrets.token_hex(4)}")
    descriptor = os.open(draft, os.O_WRONLY | os.O_CREAT | os.O_EXCL, 0o600)
    try:
        with os.fdopen(descriptor, "w", encoding="ascii") as file:
            file.write(secrets.token_hex(32) + "\n")
            file.flush()
            os.fsync(file.fileno())
        with contextlib.suppress(FileExistsError):
            os.link(draft, path)
    finally:
        draft.unlink(missing_ok=True)
