"""`http(s)://HOST/v1?name=value&…`: which endpoint, and how it is to be asked."""

from __future__ import annotations

import ipaddress
from dataclasses import dataclass
from typing import Any, Literal, get_args
from urllib.parse import SplitResult, parse_qsl, urlsplit

from pydantic import SecretStr

from interlock.errors import SettingsError

Way = Literal["structured_outputs", "response_format", "tools"]
"""How an endpoint is made to answer with calls only; see `ways`."""

PREFIXES = ("http://", "https://")
KEY = "INTERLOCK_ACTION_MODEL_KEY"


@dataclass(frozen=True)
class Options:
    """One endpoint.

    Raises:
        SettingsError: the address is none, the key would travel in clear text, or the key is no header.
    """

    url: str
    """Base address, such as `http://127.0.0.1:8000/v1`."""
    model: str | None = None
    """What the endpoint calls its model; the one that it lists where there is only one."""
    way: Way | None = None
    """`None` finds out with at most two small requests which one the endpoint keeps to."""
    copy_only: bool = False
    """Whether a value that stands nowhere in the context is asked about."""
    seconds: float = 60.0
    """How long one decision may take, with all attempts, pauses and repairs."""
    attempts: int = 3
    """Requests sent where the endpoint is busy, broken or cannot be reached."""
    repairs: int = 1
    """How often it is asked again, with what is wrong, for an answer that cannot be used."""
    max_tokens: int = 1024
    """Tokens that an answer may have."""
    most: int = 4_000_000
    """Bytes of a response that are read."""
    key: SecretStr | None = None

    def __post_init__(self) -> None:
        parts = _split(self.url)
        if (
            parts.scheme not in ("http", "https")
            or not parts.hostname
            or parts.username
            or parts.fragment
            or parts.query
        ):
            shown = f"{parts.scheme}://{parts.hostname or ''}"
            raise SettingsError(f"an endpoint is http(s)://HOST[:PORT][/PATH], without user or fragment, not {shown}….")
        if self.key is None:
            return
        if parts.scheme == "http" and not _loopback(parts.hostname):
            raise SettingsError(f"the key of {parts.hostname} would travel in clear text; use https, or unset {KEY}.")
        key = self.key.get_secret_value()
        if not key or not key.isascii() or not key.isprintable() or " " in key:
            raise SettingsError(f"{KEY} is empty or has characters that no key has; set it anew.")


def read_options(reference: str, key: SecretStr | None = None) -> Options:
    """The endpoint of a reference; what follows `?` are options, never sent to it.

    Raises:
        SettingsError: the address or an option does not fit; the message names it.
    """
    parts = _split(reference)
    try:
        given = parse_qsl(parts.query, keep_blank_values=True, strict_parsing=True) if parts.query else []
    except ValueError:
        raise SettingsError(f"{parts.hostname}: write options as ?name=value&name=value.") from None
    read: dict[str, Any] = {}
    for name, text in given:
        if name not in _READ or name in read:
            known = (
                f"there is no option {name}. Known: {', '.join(_READ)}"
                if name not in _READ
                else f"{name} is given twice"
            )
            raise SettingsError(f"{parts.hostname}: {known}.")
        read[name] = _READ[name](name, text)
    if "timeout" in read:
        read["seconds"] = read.pop("timeout")
    return Options(url=parts._replace(query="").geturl(), key=key, **read)


def _split(url: str) -> SplitResult:
    try:
        parts = urlsplit(url)
        _ = parts.port
    except ValueError:
        raise SettingsError("the address of an endpoint is no URL; write http://HOST:PORT/v1.") from None
    return parts


def _loopback(host: str) -> bool:
    try:
        return host == "localhost" or ipaddress.ip_address(host).is_loopback
    except ValueError:
        return False


def _name(name: str, text: str) -> str:
    if not text.strip():
        raise SettingsError(f"{name} is empty; name the model as the endpoint calls it, or leave the option out.")
    return text


def _way(name: str, text: str) -> str:
    if text not in get_args(Way):
        raise SettingsError(f"{name} is one of {', '.join(get_args(Way))}, not {text!r}.")
    return text


def _switch(name: str, text: str) -> bool:
    if text not in ("0", "1"):
        raise SettingsError(f"{name} is 0 or 1, not {text!r}.")
    return text == "1"


def _count(name: str, text: str) -> int:
    least = 0 if name == "repairs" else 1
    if not text.isascii() or not text.isdigit() or len(text) > 9 or int(text) < least:
        raise SettingsError(f"{name} is a whole number from {least} on, not {text!r}.")
    return int(text)


_READ = {
    "model": _name, "way": _way, "copy_only": _switch, "timeout": _count, "attempts": _count, "repairs": _count,
    "max_tokens": _count,
}  # fmt: skip
"""The options of a reference, and what reads each."""
