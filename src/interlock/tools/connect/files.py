"""Files that appear whole or not at all, and folders that one process changes at a time."""

from __future__ import annotations

import os
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from pathlib import Path

from filelock import FileLock, Timeout

from interlock.errors import EffectNotDone

LOCK_SECONDS = 10.0
"""Longest wait for another process that changes the same folder."""


@contextmanager
def held(folder: Path) -> Iterator[None]:
    """Exclusive use of `folder` among all processes; it is created when missing.

    The lock belongs to the process and dies with it.

    Raises:
        EffectNotDone: the folder cannot be written, or another process holds it for too long.
    """
    lock = FileLock(folder / ".lock", timeout=LOCK_SECONDS)
    try:
        make(folder)
        lock.acquire()
    except Timeout:
        raise EffectNotDone(f"{folder} is in use by another process; nothing was changed, try again.") from None
    except (OSError, NotImplementedError) as error:
        raise unwritable(folder, error) from None
    try:
        yield
    finally:
        lock.release()


def make(folder: Path) -> None:
    """Create `folder`, readable by its owner only.

    Raises:
        EffectNotDone: it cannot be created.
    """
    try:
        folder.mkdir(mode=0o700, parents=True, exist_ok=True)
    except OSError as error:
        raise unwritable(folder, error) from None


def stage(path: Path, data: bytes) -> None:
    """Write `data` to `path` and force it to disk; nobody is meant to read it there yet.

    Raises:
        EffectNotDone: the disk is full or the folder cannot be written; no file is left behind.
    """
    try:
        descriptor = os.open(path, os.O_WRONLY | os.O_CREAT | os.O_TRUNC, 0o600)
        try:
            with os.fdopen(descriptor, "wb") as file:
                file.write(data)
                file.flush()
                os.fsync(file.fileno())
            _sync_folder(path.parent)
        except OSError:
            discard(path)
            raise
    except OSError as error:
        raise unwritable(path, error) from None


def publish(staged: Path, path: Path) -> None:
    """Move a staged file to the place where it counts: the point of no return.

    Raises:
        EffectNotDone: the move was refused; the staged file is gone and `path` is as it was.
        OSError: the move was made, but whether it outlives a power cut is unknown.
    """
    try:
        os.replace(staged, path)
    except OSError as error:
        discard(staged)
        raise unwritable(path, error) from None
    _sync_folder(path.parent)


def discard(path: Path) -> None:
    """Remove a file nobody counts on; that it cannot be removed does no harm."""
    with suppress(OSError):
        path.unlink()


def unwritable(path: Path, error: Exception) -> EffectNotDone:
    """The refusal for a place that cannot be written, with the system's reason."""
    reason = (error.strerror if isinstance(error, OSError) else None) or type(error).__name__
    return EffectNotDone(
        f"{path} cannot be written ({reason}); nothing was changed. "
        "Make room or give write access there (INTERLOCK_HOME), then try again."
    )


def _sync_folder(folder: Path) -> None:
    descriptor = os.open(folder, os.O_RDONLY | os.O_DIRECTORY)
    try:
        os.fsync(descriptor)
    finally:
        os.close(descriptor)
