"""What every lock between processes must promise, and what a lock of a server can lose."""

from __future__ import annotations

import os
import subprocess
import sys
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path
from threading import Event
from typing import Any

import pytest
from sqlalchemy import event

from interlock.errors import RunBusy, StoreUnavailable
from interlock.store.database import Database
from interlock.store.locks import held
from tests import postgres
from tests.store.stores import DIGEST, Stores

HOLDER = """
import sys, time
from pathlib import Path
from interlock.store.database import Database
from interlock.store.locks import held
with held(Database(sys.argv[1]), Path(sys.argv[2]), "run 1", busy=""):
    print("holding", flush=True)
    sys.stdin.read()
"""


def homes(url: str, folder: Path) -> tuple[Path, Path]:
    """The homes of two processes that share the database: of a file one and the same, of a server two."""
    return folder / "a", folder / ("a" if url.startswith("sqlite") else "b")


def test_one_holds_it_whoever_asks(url: str, tmp_path: Path) -> None:
    """Others are told so, threads of the same process too; other names are free, and afterwards it is free again."""
    first, second = homes(url, tmp_path)
    one, two = Database(url), Database(url)
    with held(one, first, "run 1", busy="it is busy"), held(one, first, "run 2", busy=""):
        for database, home in ((two, second), (one, first)):
            with pytest.raises(RunBusy, match="it is busy"), held(database, home, "run 1", busy="it is busy"):
                pass
    with held(two, second, "run 1", busy=""):
        pass


def test_a_patient_process_gets_it_when_it_is_free(url: str, tmp_path: Path) -> None:
    """Within its patience; an impatient one gives up after it."""
    first, second = homes(url, tmp_path)
    one, two, asked = Database(url), Database(url), Event()

    def wait() -> str:
        asked.set()
        with held(two, second, "run 1", busy="", patience=30):
            return "held"

    with ThreadPoolExecutor(1) as pool:
        with held(one, first, "run 1", busy=""):
            waiting = pool.submit(wait)
            assert asked.wait(30)
            with pytest.raises(RunBusy), held(two, second, "run 1", busy="", patience=0.01):
                pass
        assert waiting.result(60) == "held"


@pytest.fixture
def holder(url: str, tmp_path: Path) -> Iterator[subprocess.Popen[str]]:
    """Another process that holds the lock."""
    command = [sys.executable, "-c", HOLDER, url, str(homes(url, tmp_path)[0])]
    environment = os.environ | {"PYTHONPATH": os.pathsep.join(sys.path)}
    with subprocess.Popen(command, stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True, env=environment) as found:
        assert found.stdout is not None
        assert found.stdout.readline() == "holding\n"
        yield found
        found.kill()


def test_death_lets_go_of_it(holder: subprocess.Popen[str], url: str, tmp_path: Path) -> None:
    """Killed without a chance to say so, a process holds nothing any more."""
    database, home = Database(url), homes(url, tmp_path)[1]
    with pytest.raises(RunBusy), held(database, home, "run 1", busy=""):
        pass
    holder.kill()
    holder.wait()
    with held(database, home, "run 1", busy="", patience=30):
        pass


def test_whoever_lost_their_lock_does_not_act(tmp_path: Path) -> None:
    """Its connection ended beneath it: the intent is refused with the approval unused, and another can go on."""
    with postgres.database() as url:
        stores = Stores(Database(url))
        asked = stores.asked(stores.run())
        stores.approvals.approve(asked.id, "fay")
        effect = stores.ledger.get(asked.effect_id or "")
        with held(stores.database, tmp_path, "effect", busy="") as hold:
            postgres.end_connections(url)
            with held(stores.database, tmp_path, "effect", busy="") as other:
                with pytest.raises(StoreUnavailable, match="was lost, so another process may go on"):
                    stores.ledger.intend(effect, DIGEST, hold=hold)
                assert stores.approvals.get(asked.id).state == "approved"
                stores.ledger.intend(effect, DIGEST, hold=other)
        assert stores.approvals.get(asked.id).state == "consumed"
        assert stores.whole()


def test_whoever_waits_while_the_connection_breaks_is_told_so(tmp_path: Path) -> None:
    """As where the server is started anew: an error of ours, that says what cannot be used, not one of the driver."""
    with postgres.database() as url:
        database = Database(url)

        @event.listens_for(database.engine, "before_cursor_execute")
        def cut(_connection: Any, _cursor: Any, statement: str, *_more: Any) -> None:
            if "pg_advisory_lock" in statement:
                postgres.end_connections(url)

        with pytest.raises(StoreUnavailable, match="cannot be used"):  # noqa: SIM117
            with held(database, tmp_path, "run 1", busy="", patience=1):
                pass


def test_a_lock_that_was_let_go_of_is_not_held(url: str, tmp_path: Path) -> None:
    """On a server, a check after the block fails, so nothing is done on the word of an old lock."""
    stores = Stores(Database(url))
    with held(stores.database, tmp_path, "effect", busy="") as hold, stores.database.read() as session:
        hold.check(session)
    if stores.database.shared:
        with pytest.raises(StoreUnavailable), stores.database.read() as session:
            hold.check(session)
