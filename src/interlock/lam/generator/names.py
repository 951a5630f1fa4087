"""Names of tools: as words, in the styles programmers write, and those that no training request may use."""

from __future__ import annotations

import hashlib
import re
from functools import lru_cache
from pathlib import Path
from random import Random

_BARRED = Path(__file__).with_name("barred.txt")


def words_of(name: str) -> str:
    """A name as lower-case words: `email.send`, `sendEmail` and `send_email` read alike."""
    return " ".join(re.findall(r"[a-z0-9]+", re.sub(r"(?<=[a-z0-9])(?=[A-Z])", " ", name).lower()))


def digest(name: str) -> str:
    """A fingerprint of a name's words, so that a list of names tells nobody the names."""
    return hashlib.sha256(words_of(name).encode()).hexdigest()[:24]


@lru_cache(maxsize=1)
def barred() -> frozenset[str]:
    """Fingerprints of the names that measuring uses."""
    return frozenset(_BARRED.read_text(encoding="utf-8").split()) if _BARRED.is_file() else frozenset()


def known_name(name: str) -> bool:
    """Whether measuring uses a tool of this name."""
    return digest(name) in barred()


def camel(words: list[str]) -> str:
    return words[0] + "".join(word.capitalize() for word in words[1:])


def restyled(name: str, domain: str, random: Random) -> str:
    """The same name in another style; sometimes under the name of its domain."""
    words, chance = words_of(name).split(), random.random()
    if not words or len(words) > 6:
        return name
    if chance < 0.35:
        return "_".join(words)
    if chance < 0.6:
        return camel(words)
    prefix = re.sub(r"\W+", "_", domain.lower())
    if chance < 0.78 and prefix != words[0]:
        return f"{prefix}.{'_'.join(words)}"
    if chance < 0.84:
        return "".join(word.capitalize() for word in words)
    if chance < 0.9 and len(words) > 1:
        return f"{'_'.join(words[1:])}.{words[0]}"
    return "_".join(words) + random.choice(("_api", "_v2", "_tool"))
