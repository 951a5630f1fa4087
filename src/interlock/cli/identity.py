"""Who acts at the command line: `--as NAME`, and the token that proves it outside a single-user home."""

from __future__ import annotations

import sys
from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer

from interlock.errors import UsageError

if TYPE_CHECKING:
    from interlock.nodes.services import Services

TokenFile = Annotated[
    Path | None,
    typer.Option("--token-file", metavar="FILE", help="A file with your token; default: INTERLOCK_TOKEN."),
]

MAX_TOKEN_FILE = 1000
"""Bytes of a file that may hold a token."""


def acting_as(services: Services, name: str | None, token_file: Path | None = None) -> str:
    """The name under which this command acts; without `name`, your login name, or that of your token.

    A token comes from `--token-file`, `INTERLOCK_TOKEN`, or a question at the terminal; never from the command
    line itself, where every process of the machine can read it.

    Raises:
        NotAuthenticated: the home needs proof of the name, and there is none.
        UsageError: the file cannot be read.
    """
    from interlock.engine.identity import acting

    return acting(services, name, given_token(services, name, token_file))


def given_token(services: Services, name: str | None, token_file: Path | None) -> str | None:
    """The token of a file, or one that is typed unseen; None where none is needed, set already, or nobody to ask.

    Raises:
        UsageError: the file cannot be read.
    """
    from interlock.engine.identity import configured

    if token_file:
        return read_token(token_file)
    if configured(services) or not (sys.stdin.isatty() and sys.stderr.isatty()):
        return None
    if services.credentials.needed() is None or not services.credentials.issued():
        return None
    return str(typer.prompt(f"token of {name}" if name else "your token", hide_input=True, err=True)) or None


def read_token(path: Path) -> str:
    """The token in a file.

    Raises:
        UsageError: it cannot be read, or holds no token.
    """
    try:
        text = path.read_bytes()[: MAX_TOKEN_FILE + 1].decode("ascii").strip()
    except OSError as error:
        raise UsageError(f"--token-file {path} cannot be read: {error.strerror}.") from None
    except UnicodeDecodeError:
        text = ""
    if not text or len(text) > MAX_TOKEN_FILE or len(text.split()) != 1:
        raise UsageError(f"--token-file {path} holds no token; it is one line that begins with ilk_.")
    return text
