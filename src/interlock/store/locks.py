"""Locks between processes of one home, which the operating system releases however a process dies."""

from __future__ import annotations

import hashlib
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

from filelock import FileLock, Timeout

from interlock.errors import RunBusy, StoreUnavailable


@contextmanager
def held(home: Path, name: str, *, busy: str, patience: float = 0.0) -> Iterator[None]:
    """Hold the lock `name` of a home, alone among all processes and threads.

    Args:
        busy: what to say when somebody else holds it.
        patience: seconds to wait for them.

    Raises:
        RunBusy: somebody else still holds it.
        StoreUnavailable: the folder of locks cannot be used.
    """
    folder = home / "locks"
    lock = FileLock(folder / f"{hashlib.sha256(name.encode()).hexdigest()[:32]}.lock", timeout=patience)
    try:
        folder.mkdir(parents=True, exist_ok=True)
        lock.acquire()
    except Timeout:
        raise RunBusy(busy) from None
    except OSError as error:
        raise StoreUnavailable(f"the folder {folder} cannot be used: {error.strerror}. Nothing was lost.") from None
    try:
        yield
    finally:
        lock.release()
