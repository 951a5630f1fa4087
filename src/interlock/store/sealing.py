"""The seal on what checkpoints hold: AES-256-GCM, each value bound to the place that it was written for.

A sealed value is ``version (1 byte) | key id (8) | nonce (12) | ciphertext and tag``.  Each thread has a key
of its own (HKDF, RFC 5869), so that random nonces are counted by thread and not by key.
"""

from __future__ import annotations

import base64
import binascii
import hashlib
import json
import secrets
from collections.abc import Sequence
from functools import lru_cache
from pathlib import Path

from cryptography.exceptions import InvalidTag
from cryptography.hazmat.primitives.ciphers.aead import AESGCM
from cryptography.hazmat.primitives.hashes import SHA256
from cryptography.hazmat.primitives.kdf.hkdf import HKDF

from interlock.errors import Refused, SettingsError
from interlock.settings import Settings

VERSION = b"\x01"
ID_BYTES, NONCE_BYTES, TAG_BYTES = 8, 12, 16
HEADER = len(VERSION) + ID_BYTES + NONCE_BYTES
ADDRESS = 20
"""Bytes of the digest that a content is found by."""

Place = Sequence[str]
"""What a value is bound to, its thread first."""


class Ring:
    """The keys of one project: the first one seals, and each of them opens what it sealed."""

    def __init__(self, keys: Sequence[bytes]) -> None:
        self._keys = {_id_of(key): key for key in reversed(keys)}
        self._newest = _id_of(keys[0])

    def seal(self, content: bytes, place: Place) -> bytes:
        """`content`, readable only with the key and only at `place`."""
        nonce = secrets.token_bytes(NONCE_BYTES)
        header = VERSION + self._newest + nonce
        return header + _cipher(self._keys[self._newest], place[0]).encrypt(nonce, content, _bound(header, place))

    def open(self, sealed: object, place: Place) -> bytes:
        """What was sealed at `place`.

        Raises:
            Refused: it was never sealed, was sealed with a key that is not there, or for another place, or was changed.
        """
        where = f"the checkpoints of {place[0]}"
        if not isinstance(sealed, bytes) or sealed[:1] != VERSION or len(sealed) < HEADER + TAG_BYTES:
            raise Refused(
                f"{where} hold something that was not sealed, although INTERLOCK_CHECKPOINT_KEY is set; nothing was "
                "done. Either it was put there from outside, or the run began without the key: let such a run end "
                "without it, or start a new one."
            )
        header, key_id = sealed[:HEADER], sealed[1 : 1 + ID_BYTES]
        key = self._keys.get(key_id)
        if key is None:
            raise Refused(
                f"{where} are sealed with the key {key_id.hex()}, which is not among those of "
                "INTERLOCK_CHECKPOINT_KEY; nothing was done. Add it behind the newest one."
            )
        try:
            return _cipher(key, place[0]).decrypt(
                sealed[HEADER - NONCE_BYTES : HEADER], sealed[HEADER:], _bound(header, place)
            )
        except InvalidTag:
            raise changed(place[0]) from None

    def seal_text(self, text: str, place: Place) -> str:
        """The same of a text, as a text."""
        return base64.b64encode(self.seal(text.encode(), place)).decode()

    def open_text(self, sealed: str, place: Place) -> str:
        """What `seal_text` made.

        Raises:
            Refused: see `open`.
        """
        try:
            content = base64.b64decode(sealed, validate=True)
        except (ValueError, binascii.Error):
            content = b""
        return self.open(content, place).decode()

    def address(self, content: bytes, thread: str) -> bytes:
        """What `content` is found by in a thread: the same for the same content, and telling nobody without a key."""
        return hashlib.blake2b(content, digest_size=ADDRESS, key=_naming(self._keys[self._newest], thread)).digest()


def changed(thread: str) -> Refused:
    """The error about checkpoints that are not as they were written."""
    return Refused(
        f"the checkpoints of {thread} were changed or moved from outside, so the run does not go on; nothing was done "
        "and nothing is lost. Restore the database from a backup."
    )


def ring_of(settings: Settings) -> Ring | None:
    """The keys that the settings name; None where checkpoints are not sealed.

    Raises:
        SettingsError: they cannot be read, or are no keys.
    """
    name, text = "INTERLOCK_CHECKPOINT_KEY", None
    if settings.checkpoint_key is not None:
        text = settings.checkpoint_key.get_secret_value()
    if settings.checkpoint_key_file is not None:
        if text is not None:
            raise SettingsError(f"{name} and {name}_FILE are both set; keep one of them.")
        name, text = f"{name}_FILE", _read(settings.checkpoint_key_file)
    if text is None:
        return None
    words = text.replace(",", " ").split()
    if not words or any(len(word) != 64 or set(word.lower()) - set("0123456789abcdef") for word in words):
        raise SettingsError(
            f"{name} does not hold a key: 64 hex digits, and behind them those of earlier keys. "
            "Make one: openssl rand -hex 32."
        )
    return Ring([bytes.fromhex(word) for word in words])


def _read(path: Path) -> str:
    try:
        return path.read_text(encoding="ascii")
    except (OSError, UnicodeDecodeError) as error:
        cause = error.strerror if isinstance(error, OSError) else "it is no text"
        raise SettingsError(f"INTERLOCK_CHECKPOINT_KEY_FILE: {path} cannot be read: {cause}.") from None


def _id_of(key: bytes) -> bytes:
    return hashlib.sha256(b"interlock checkpoint key id\0" + key).digest()[:ID_BYTES]


@lru_cache(maxsize=256)
def _cipher(key: bytes, thread: str) -> AESGCM:
    return AESGCM(_derived(key, b"interlock checkpoint\0" + thread.encode()))


@lru_cache(maxsize=256)
def _naming(key: bytes, thread: str) -> bytes:
    return _derived(key, b"interlock checkpoint content\0" + thread.encode())


def _derived(key: bytes, info: bytes) -> bytes:
    return HKDF(algorithm=SHA256(), length=32, salt=None, info=info).derive(key)


def _bound(header: bytes, place: Place) -> bytes:
    return header + json.dumps(list(place), ensure_ascii=True).encode()
