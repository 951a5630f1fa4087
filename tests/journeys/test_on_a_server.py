"""One PostgreSQL database, two homes as on two machines: a run begun at one is decided and finished at the other."""

from __future__ import annotations

import shutil
from collections.abc import Iterator
from pathlib import Path

import pytest
from sqlalchemy.engine import make_url

from tests import postgres
from tests.journeys.terminal import Done, Terminal

KEY = "5ea1" * 16
PASSWORD = "never-shown"


@pytest.fixture
def url() -> Iterator[str]:
    """The URL, with a password, of a database that nobody has used yet."""
    with postgres.database(empty=True) as found:
        yield postgres.render(make_url(found).set(password=PASSWORD))


class Machine:
    """A home of its own, and the settings that it shares with others."""

    def __init__(self, home: Path, url: str) -> None:
        self.home = home
        self.terminal = Terminal(home, {"INTERLOCK_DATABASE_URL": url, "INTERLOCK_CHECKPOINT_KEY": KEY})
        self.said: list[str] = []

    def type(self, command: str) -> Done:
        done = self.terminal.shell(f"cd examples/pay_invoice && interlock {command}")
        self.said += [done.out, done.err]
        return done

    def token(self, person: str, more: str = "") -> Path:
        """Issue a token, and keep it in a file."""
        path = self.home.with_name(f"{person}.token")
        assert self.type(f"people token {person} {more} > {path}").code == 0
        return path


@pytest.mark.slow  # eight commands, each a process that loads the program
def test_a_run_is_begun_at_one_machine_and_finished_at_another(url: str, tmp_path: Path) -> None:
    """It waits at the first, is approved and paid at the second, and the first sees it done and the record whole."""
    first, second = Machine(tmp_path / "first", url), Machine(tmp_path / "second", url)
    clerk, treasurer = first.token("clerk"), first.token("treasurer", "--owner")
    begun = first.type(f'run pay_invoice -i payee="Northwind Supplies" -i amount=480 -i invoice=1 --token-file {clerk}')
    assert begun.code == 3, begun
    approve = f"review approve {begun.request} --as treasurer --token-file {treasurer}"
    second.type(approve).refused("Copy it from the home that made the database", code=2)
    assert not (second.home / "bank.db").exists()
    shutil.copy(first.home / "audit.key", second.home / "audit.key")
    done = second.type(approve)
    assert done.code == 0, done
    assert (second.home / "bank.db").exists()
    assert not (first.home / "bank.db").exists()
    assert not list(tmp_path.glob("*/checkpoints.db"))
    run = begun.out.split()[1]
    assert "480.00" in first.type(f"runs show {run}").out
    assert first.type("audit verify").code == second.type("audit verify").code == 0
    assert PASSWORD not in "".join(first.said + second.said)
