"""The command line in the attacked shop, without a process of its own."""

from __future__ import annotations

import sys
from dataclasses import dataclass, field
from datetime import timedelta

import pytest

from interlock.cli.app import main
from tests.attacks.house import Ended, House


@dataclass
class Desk:
    """Types commands in a house; `token` is what INTERLOCK_TOKEN holds."""

    house: House
    capture: pytest.CaptureFixture[str]
    patch: pytest.MonkeyPatch
    token: str | None = None
    tokens: dict[str, str] = field(default_factory=dict)

    def __call__(self, *words: str, token: str | None = None) -> Ended:
        self.patch.chdir(self.house.root)
        self.patch.setenv("INTERLOCK_HOME", str(self.house.home))
        self.patch.setattr(sys, "argv", ["interlock", *words])
        if token or self.token:
            self.patch.setenv("INTERLOCK_TOKEN", str(token or self.token))
        else:
            self.patch.delenv("INTERLOCK_TOKEN", raising=False)
        self.capture.readouterr()
        try:
            main()
            code = 0
        except SystemExit as ended:
            code = int(ended.code or 0)
        read = self.capture.readouterr()
        return Ended(code, read.out, read.err)

    def issue_all(self, *people: str, lasting: timedelta = timedelta(days=30)) -> dict[str, str]:
        """A token of each person, as the owner of the home issues it."""
        credentials = self.house.engine().services.credentials
        return {person: credentials.issue(person, by="owner", lasting=lasting)[1] for person in people}

    def issue(self, person: str) -> str:
        return self.issue_all(person)[person]
