"""What an effect's key becomes on disk: a short name, and the refusal of a key used for something else."""

from __future__ import annotations

import hashlib

from interlock.errors import EffectFailed


def name_of(key: str) -> str:
    """The name an effect's key has in file names and identifiers: 32 hex digits, the same every time."""
    return hashlib.sha256(key.encode("utf-8", "surrogatepass")).hexdigest()[:32]


def key_clash(key: str, what: str) -> EffectFailed:
    """The refusal of a key that already stands for another request; `what` says what it did."""
    return EffectFailed(
        f"Key {key} was already used for another request ({what}); nothing was changed. "
        "A different action needs a key of its own."
    )
