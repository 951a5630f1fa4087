"""Secrets by reference: state holds `secret://name`, the value is read inside the monitor when it is needed.

A tool author types an argument as `SecretName` and asks the context for the value::

    class Call(Arguments):
        token: SecretName = about("Where the API token is kept.")

    def call(arguments: Call, context: ActionContext) -> Called:
        token = context.secret(arguments.token)

The value comes from a file of that name in the secrets folder, or from the environment as
`INTERLOCK_SECRET_NAME`.  Only a constant of the graph may name a secret: what a model or a tool wrote
never does.  Whatever a tool answers or raises is written down with the values it asked for taken out.
"""

from __future__ import annotations

import base64
import json
import logging
import os
import re
import threading
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Annotated, Any
from urllib.parse import quote

from pydantic import AfterValidator, SecretStr, WithJsonSchema

from interlock.digest import Json
from interlock.errors import EffectNotDone
from interlock.settings import Settings

SCHEME = "secret://"
NAME = re.compile(r"secret://[a-z][a-z0-9_]{0,63}")

SHORTEST = 4
"""Characters of a value that is taken out wherever it stands; a shorter one would take out half the language."""


@dataclass(frozen=True)
class NamesSecret:
    """Marks an argument that names a secret."""


def names_secret(value: object) -> bool:
    """Whether a value is written as the name of a secret."""
    return isinstance(value, str) and NAME.fullmatch(value) is not None


def _name(value: str) -> str:
    if not names_secret(value):
        raise ValueError("name a secret as secret://name: lower-case letters, digits and _")
    return value


SecretName = Annotated[
    str,
    AfterValidator(_name),
    NamesSecret(),
    WithJsonSchema({"type": "string", "pattern": f"^{NAME.pattern}$", "examples": ["secret://crm_token"]}),
]
"""An argument that names a secret, as `secret://name`; never its value."""


class Secrets:
    """The secrets of one home, and what has been handed out, so that it can be taken out of what is written."""

    def __init__(self, settings: Settings) -> None:
        self._folder = settings.secrets or settings.home / "secrets"
        self._handed: dict[str, str] = {}
        for name, value in settings:
            if isinstance(value, SecretStr):
                self._note(name, value.get_secret_value())

    def get(self, name: str) -> str:
        """The value of `secret://name`.

        Raises:
            EffectNotDone: there is no such secret, or its file may be read by others; nothing was done.
        """
        if not NAME.fullmatch(name):
            raise EffectNotDone(f"{name!r} names no secret; write secret://name. Nothing was done.")
        short = name.removeprefix(SCHEME)
        value = self._read(self._folder / short, name)
        if value is None:
            value = os.environ.get(f"INTERLOCK_SECRET_{short.upper()}")
        if not value:
            raise EffectNotDone(
                f"{name} is not there; nothing was done. Put its value into {self._folder / short} (readable by you "
                f"alone), or into INTERLOCK_SECRET_{short.upper()}, and resume the run."
            )
        self._note(short, value)
        return value

    def redacted(self, value: Json) -> Json:
        """`value` with every secret that was handed out replaced by its name, in whatever text it stands."""
        match value:
            case str():
                return _without(value, self._handed)
            case dict():
                return {_without(key, self._handed): self.redacted(item) for key, item in value.items()}
            case list():
                return [self.redacted(item) for item in value]
        return value

    def text(self, value: str) -> str:
        """A text with every secret that was handed out replaced by its name."""
        return _without(value, self._handed)

    def _read(self, path: Path, name: str) -> str | None:
        try:
            if path.stat().st_mode & 0o077:
                raise EffectNotDone(f"{path} may be read by others; nothing was done. Type: chmod 600 {path}")
            return path.read_text(encoding="utf-8").removesuffix("\n").removesuffix("\r")
        except FileNotFoundError:
            return None
        except (OSError, ValueError) as error:
            raise EffectNotDone(
                f"{name} cannot be read from {path}: {type(error).__name__}; nothing was done."
            ) from None

    def _note(self, name: str, value: str) -> None:
        for form in _forms(value):
            self._handed[form] = SCHEME + name
            with _lock:
                _seen[form] = SCHEME + name


_lock = threading.Lock()
_seen: dict[str, str] = {}
"""Every secret that this process has handed out, for what it logs."""


def _forms(value: str) -> list[str]:
    """A value as it may stand in a text: itself, in a URL, in JSON, in base64."""
    if len(value) < SHORTEST:
        return []
    encoded = value.encode()
    forms = [
        value,
        quote(value, safe=""),
        quote(value),
        json.dumps(value)[1:-1],
        json.dumps(value, ensure_ascii=False)[1:-1],
    ]
    forms += [base64.b64encode(encoded).decode().rstrip("="), base64.urlsafe_b64encode(encoded).decode().rstrip("=")]
    return list(dict.fromkeys(forms))


def _without(text: str, handed: Mapping[str, str]) -> str:
    for form in sorted(handed, key=len, reverse=True):
        if form in text:
            text = text.replace(form, handed[form])
    return text


def scrub_logs() -> None:
    """From now on, no record that this process logs holds a secret that was handed out before it."""
    make = logging.getLogRecordFactory()
    if getattr(make, "scrubs", False):
        return

    def scrubbed(*args: Any, **named: Any) -> logging.LogRecord:
        record = make(*args, **named)
        with _lock:
            handed = dict(_seen)
        if handed:
            record.msg, record.args = _without(record.getMessage(), handed), ()
            if record.exc_info and record.exc_info[1] is not None:
                record.exc_text = _without(logging.Formatter().formatException(record.exc_info), handed)
        return record

    scrubbed.scrubs = True  # type: ignore[attr-defined]  # so that it is put in place once
    logging.setLogRecordFactory(scrubbed)
