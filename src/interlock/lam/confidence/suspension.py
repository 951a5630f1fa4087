"""The suspension: a certificate that drift has put out of force, until decisions of the new kind certify another.

It stands in the project's home, where the gate looks before every action that a model chose.  A file that cannot
be read suspends everything.
"""

from __future__ import annotations

import json
import os
from collections.abc import Mapping
from pathlib import Path
from typing import Any

from pydantic import BaseModel, ConfigDict, ValidationError

from interlock.errors import SettingsError

FILE = "suspended.json"


class Suspension(BaseModel):
    """One model's certificate for one group and risk class."""

    model_config = ConfigDict(frozen=True, extra="forbid")

    model_id: str
    group: str
    risk_class: str
    since: str
    """ISO date and time, UTC."""
    because: str

    def holds(self, certificate: Mapping[str, Any]) -> bool:
        """Whether it is about a certificate, given by its facts.

        A later certificate for the same group lifts it only when it was made of verdicts: more generated
        requests say nothing about the ones that drifted.
        """
        same = all(certificate.get(name) == getattr(self, name) for name in ("model_id", "group", "risk_class"))
        newer = certificate.get("data") == "verdicts" and str(certificate.get("made", "")) > self.since
        return same and not newer


def suspensions(home: Path) -> list[Suspension]:
    """All of a home.

    Raises:
        SettingsError: the file cannot be read; the message names it.
    """
    path = home / FILE
    try:
        text = path.read_text(encoding="utf-8")
    except FileNotFoundError:
        return []
    except (OSError, UnicodeDecodeError) as error:
        raise SettingsError(f"{path} cannot be read ({error}); until it can, every model asks.") from None
    try:
        rows = json.loads(text)
        if not isinstance(rows, list):
            raise TypeError("a list is wanted")
        return [Suspension.model_validate(row) for row in rows]
    except (json.JSONDecodeError, TypeError, ValidationError) as error:
        raise SettingsError(f"{path} is no list of suspensions ({error}); until it is, every model asks.") from None


def why_suspended(home: Path, certificate: Mapping[str, Any]) -> str | None:
    """Why a certificate, given by its facts, is out of force; `None` when it is in force."""
    try:
        found = suspensions(home)
    except SettingsError as error:
        return error.message
    for suspension in found:
        if suspension.holds(certificate):
            return f"suspended since {suspension.since}: {suspension.because}"
    return None


def suspend(home: Path, suspension: Suspension) -> None:
    """Put a certificate out of force; one that already is keeps its first reason.

    Raises:
        SettingsError: the file cannot be read or written.
    """
    found = suspensions(home)
    named = (suspension.model_id, suspension.group, suspension.risk_class)
    if all((other.model_id, other.group, other.risk_class) != named for other in found):
        _write(home, [*found, suspension])


def lift(home: Path, model_id: str, group: str) -> list[Suspension]:
    """Put a group's certificates in force again, on a person's word; what was lifted.

    Raises:
        SettingsError: the file cannot be read or written.
    """
    found = suspensions(home)
    lifted = [other for other in found if (other.model_id, other.group) == (model_id, group)]
    if lifted:
        _write(home, [other for other in found if other not in lifted])
    return lifted


def _write(home: Path, found: list[Suspension]) -> None:
    path, staged = home / FILE, home / f"{FILE}.{os.getpid()}"
    try:
        home.mkdir(parents=True, exist_ok=True)
        staged.write_text(json.dumps([row.model_dump() for row in found], indent=1) + "\n", encoding="utf-8")
        os.replace(staged, path)
    except OSError as error:
        raise SettingsError(f"{path} cannot be written: {error.strerror}.") from None
