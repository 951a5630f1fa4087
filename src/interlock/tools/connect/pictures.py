"""Pictures of what an action is about, kept under the home by their own digest: a reference never shows another one."""

from __future__ import annotations

import hashlib
import os
import re
from pathlib import Path

from interlock.errors import EffectNotDone

MOST = 4_000_000
"""Bytes of a picture."""

REFERENCE = re.compile(r"picture:sha256:[0-9a-f]{64}")
_PNG = b"\x89PNG\r\n\x1a\n"


def keep(home: Path, png: bytes) -> str:
    """Keep a picture, and its reference.

    Raises:
        EffectNotDone: it is no PNG, is too large, or cannot be written.
    """
    if not png.startswith(_PNG) or len(png) > MOST:
        raise EffectNotDone(f"the picture is no PNG of at most {MOST:,} bytes; nothing was done.")
    name = hashlib.sha256(png).hexdigest()
    folder = home / "pictures"
    try:
        folder.mkdir(mode=0o700, parents=True, exist_ok=True)
        path = folder / f"{name}.png"
        if not path.exists():
            part = folder / f"{name}.{os.getpid()}.part"
            part.write_bytes(png)
            part.replace(path)
    except OSError as error:
        raise EffectNotDone(f"the picture cannot be kept in {folder}: {error.strerror}; nothing was done.") from None
    return f"picture:sha256:{name}"


def picture(home: Path, reference: str) -> bytes | None:
    """The picture of a reference; None where there is none, or what is there is not it."""
    if not REFERENCE.fullmatch(reference):
        return None
    name = reference.rpartition(":")[2]
    try:
        png = (home / "pictures" / f"{name}.png").read_bytes()
    except OSError:
        return None
    return png if hashlib.sha256(png).hexdigest() == name else None
