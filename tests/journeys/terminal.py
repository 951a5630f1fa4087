"""The command line as a user has it: the installed script in a process of its own, or its main function here."""

from __future__ import annotations

import email
import json
import os
import subprocess
import sys
from collections.abc import Sequence
from dataclasses import dataclass, field
from email.message import Message
from email.policy import default
from pathlib import Path
from typing import Any

import pytest

REPOSITORY = Path(__file__).parents[2]
SCRIPTS = Path(sys.executable).parent
GRAPH = "graphs/polish_and_send.yaml"
PATIENCE = 240.0
"""Seconds one command may take on a busy machine."""


@dataclass(frozen=True)
class Done:
    """How a command ended."""

    code: int
    out: str
    err: str

    def json(self) -> Any:
        """The one object it printed."""
        return json.loads(self.out)

    @property
    def decide(self) -> str:
        """The command it gave to the reviewer."""
        [line] = [line for line in self.out.splitlines() if "Decide:" in line]
        return line.partition("Decide:")[2].strip()

    @property
    def request(self) -> str:
        """Id of the request that the reviewer's command names."""
        return next(word for word in self.decide.split() if word.startswith("ap-"))

    def refused(self, offender: str, code: int = 1) -> str:
        """Check that it ended with one clear sentence that names the offender; the sentence."""
        assert self.code == code, self
        assert "Traceback" not in self.out + self.err
        said = [line for line in self.err.splitlines() if line.startswith("error: ")]
        assert len(said) == 1, self
        assert self.err.strip().splitlines()[-1] == said[0]
        assert offender in said[0]
        assert said[0].endswith((".", ")", "'", '"')) or " " in said[0]
        return said[0]


@dataclass
class Terminal:
    """A shell in the repository with a home of its own."""

    home: Path
    environment: dict[str, str] = field(default_factory=dict)

    def shell(self, command: str | Sequence[str | Path]) -> Done:
        """Type a command; text goes through the shell, word for word."""
        clean = {name: value for name, value in os.environ.items() if not name.startswith("INTERLOCK_")}
        clean["PATH"] = f"{SCRIPTS}{os.pathsep}{clean['PATH']}"
        done = subprocess.run(
            command,
            shell=isinstance(command, str),
            cwd=REPOSITORY,
            env=clean | {"INTERLOCK_HOME": str(self.home), "NO_COLOR": "1"} | self.environment,
            capture_output=True,
            text=True,
            timeout=PATIENCE,
            stdin=subprocess.DEVNULL,
        )
        return Done(done.returncode, done.stdout, done.stderr)

    def interlock(self, *arguments: str | Path) -> Done:
        """Call the installed script."""
        return self.shell([SCRIPTS / "interlock", *arguments])

    def outbox(self) -> list[Message]:
        """What was mailed."""
        files = sorted(self.home.glob("outbox/new/*"))
        return [email.message_from_bytes(path.read_bytes(), policy=default) for path in files]


@dataclass
class Desk:
    """The same commands without a process of their own."""

    capture: pytest.CaptureFixture[str]
    patch: pytest.MonkeyPatch

    def interlock(self, *arguments: str | Path) -> Done:
        """Call the command's main function."""
        from interlock.cli.app import main

        self.patch.setattr(sys, "argv", ["interlock", *map(str, arguments)])
        self.capture.readouterr()
        code: object = 0
        try:
            main()
        except SystemExit as exit:
            code = exit.code
        read = self.capture.readouterr()
        assert isinstance(code, int | None)
        return Done(code or 0, read.out, read.err)
