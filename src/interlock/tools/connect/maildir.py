"""Maildir folders in which a message's file name comes from the key of the effect that wrote it.

A message is written to `tmp/` and renamed into `new/`; a mail reader may move it on to `cur/`.  All
writers of one folder take turns, so a key has at most one file in it.  Processes that share a workflow
must share the home: a file on another machine's disk is not seen.
"""

from __future__ import annotations

from pathlib import Path

from interlock.tools.connect import files


def find(folder: Path, name: str) -> Path | None:
    """The message called `name` in `folder`, delivered or already seen by a mail reader.

    Raises:
        OSError: the folder exists but cannot be read.
    """
    fresh = folder / "new" / f"{name}.eml"
    if fresh.is_file():
        return fresh
    return next((path for path in paths(folder) if path.name.partition(":")[0] == f"{name}.eml"), None)


def paths(folder: Path) -> list[Path]:
    """The files of all delivered messages in `folder`, by name.

    Raises:
        OSError: the folder exists but cannot be read.
    """
    found: list[Path] = []
    for part in ("new", "cur"):
        try:
            found += [path for path in (folder / part).iterdir() if path.is_file()]
        except FileNotFoundError:
            continue
    return sorted(found, key=lambda path: path.name)


def staged(folder: Path, name: str) -> Path:
    """Where the message called `name` stands before it counts as delivered."""
    return folder / "tmp" / f"{name}.eml"


def stage(folder: Path, name: str, data: bytes) -> Path:
    """Write a message to `tmp/`, forced to disk; a leftover of an earlier attempt is overwritten.

    Raises:
        EffectNotDone: the folder cannot be written; nothing was.
    """
    for part in ("tmp", "new", "cur"):
        files.make(folder / part)
    path = staged(folder, name)
    files.stage(path, data)
    return path


def publish(folder: Path, name: str) -> Path:
    """Deliver the staged message; from here on it counts.

    Raises:
        EffectNotDone: the message was not delivered.
        OSError: it was, but whether that outlives a power cut is unknown.
    """
    path = folder / "new" / f"{name}.eml"
    files.publish(staged(folder, name), path)
    return path
