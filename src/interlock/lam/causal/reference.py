"""`hf:FOLDER?name=value&…`: which causal model, and how it is to be used."""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path
from typing import Literal, get_args
from urllib.parse import parse_qsl

from interlock.errors import SettingsError
from interlock.lam.causal.dialects import DIALECTS

Width = Literal["fp32", "bf16", "int8"]
"""How weights are kept: 32-bit floats, 16-bit brain floats, or 8-bit integers in the linear layers."""

PREFIX = "hf:"
LONGEST = 512


@dataclass(frozen=True)
class Reference:
    """A folder of weights with its options."""

    folder: Path
    dialect: str | None = None
    """One of `DIALECTS`; told from the folder's name and its chat template when `None`."""
    copy_only: bool = False
    """Whether a text or number may only be copied from the context."""
    dtype: Width = "fp32"
    max_tokens: int = LONGEST
    """Tokens that an answer may have."""
    licence: str | None = None
    """The licence that whoever runs this has accepted, where the weights are not free for any use."""


def read_reference(text: str) -> Reference:
    """Read `hf:FOLDER`, with `?dialect=…&copy_only=1&dtype=…&max_tokens=…&licence=…` as far as wanted.

    Raises:
        SettingsError: there is no such folder or option; the message names it.
    """
    path, _, query = text.removeprefix(PREFIX).partition("?")
    if not path or not Path(path).is_dir():
        raise SettingsError(f"{PREFIX}{path}: there is no such folder; name a folder that holds a transformers model.")
    try:
        given = parse_qsl(query, keep_blank_values=True, strict_parsing=True) if query else []
    except ValueError:
        raise SettingsError(f"{text}: write options as ?name=value&name=value.") from None
    options = dict(given)
    if len(options) != len(given):
        raise SettingsError(f"{text}: an option is given twice; keep one.")
    known = ("dialect", "copy_only", "dtype", "max_tokens", "licence")
    for name in options:
        if name not in known:
            raise SettingsError(f"{text}: there is no option {name}. Known: {', '.join(known)}.")
    dialect, copy_only = options.get("dialect"), options.get("copy_only", "0")
    width, longest = options.get("dtype", "fp32"), options.get("max_tokens", str(LONGEST))
    if dialect is not None and dialect not in DIALECTS:
        raise SettingsError(f"{text}: there is no dialect {dialect!r}. Known: {', '.join(DIALECTS)}.")
    if copy_only not in ("0", "1"):
        raise SettingsError(f"{text}: copy_only is 0 or 1, not {copy_only!r}.")
    if width not in get_args(Width):
        raise SettingsError(f"{text}: there is no dtype {width!r}. Known: {', '.join(get_args(Width))}.")
    if not longest.isdecimal() or int(longest) == 0:
        raise SettingsError(f"{text}: max_tokens is a whole number above 0, not {longest!r}.")
    return Reference(
        folder=Path(path), dialect=dialect, copy_only=copy_only == "1", dtype=width,  # type: ignore[arg-type]
        max_tokens=int(longest), licence=options.get("licence"),
    )  # fmt: skip
