"""Argon2id (RFC 9106) of tokens and passwords, with the same work whether there is a hash to compare with or not."""

from __future__ import annotations

import base64
import secrets

from argon2 import PasswordHasher
from argon2.exceptions import InvalidHashError, VerificationError


def matches(hasher: PasswordHasher, kept: str | None, text: str) -> bool:
    """Whether `kept` is a hash of this text; without one, the same work is done for nothing."""
    try:
        return hasher.verify(kept or _nobodys(hasher), text)
    except (VerificationError, InvalidHashError):
        return False


def _nobodys(hasher: PasswordHasher) -> str:
    """A hash that no text has, at today's cost."""
    salt, tag = (base64.b64encode(secrets.token_bytes(n)).decode().rstrip("=") for n in (16, 32))
    cost = f"m={hasher.memory_cost},t={hasher.time_cost},p={hasher.parallelism}"
    return f"$argon2id$v=19${cost}${salt}${tag}"
