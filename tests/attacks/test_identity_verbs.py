"""No way around proof: every verb that carries a name, the prompt, the server's own start, and PostgreSQL."""

from __future__ import annotations

import os
import pty
import select
import signal
import socket
import subprocess
from collections.abc import Iterator
from datetime import timedelta
from pathlib import Path
from typing import Any

import httpx
import pytest
from typer.main import get_command

from interlock.cli.app import app
from interlock.engine.identity import acting, administering
from interlock.engine.service import Engine
from interlock.errors import NotAuthenticated
from tests import postgres
from tests.attacks.desk import Desk
from tests.attacks.house import CONSOLE_SCRIPT, House

ELSEWHERE = {"compare"}
"""Its `--as` approves in a home that is thrown away."""


def verbs(command: Any, name: str = "") -> Iterator[tuple[str, Any]]:
    """Every command, by what is typed."""
    for word, inner in getattr(command, "commands", {}).items():
        yield from verbs(inner, f"{name} {word}".strip())
    if not hasattr(command, "commands"):
        yield name, command


def test_every_verb_with_a_name_takes_its_proof() -> None:
    """`--as` never comes without `--token-file`, and no verb takes a token as an argument."""
    found = {name: {option for each in verb.params for option in each.opts} for name, verb in verbs(get_command(app))}
    assert {name for name, options in found.items() if "--as" in options and "--token-file" not in options} == ELSEWHERE
    assert len([name for name, options in found.items() if "--as" in options]) > 10
    assert not [name for name, options in found.items() if options & {"--token", "--secret", "--password"}]


def test_at_a_terminal_the_token_is_asked_for_and_not_shown(open_house: House) -> None:
    """Typed unseen, on stderr, and the decision is made in that person's name."""
    house = open_house
    run = house.begun("pay", amount=10)
    credentials = run.engine.services.credentials
    token = credentials.issue("bob", by="owner", lasting=timedelta(days=1))[1]
    ours, theirs = pty.openpty()
    environment = {name: value for name, value in os.environ.items() if not name.startswith("INTERLOCK_")}
    typed = subprocess.Popen(
        [CONSOLE_SCRIPT, "review", "approve", run.asked.id, "--as", "bob", "--detach"],
        cwd=house.root, env=environment | {"TERM": "dumb", "NO_COLOR": "1"},
        stdin=theirs, stdout=theirs, stderr=theirs, start_new_session=True,
    )  # fmt: skip
    os.close(theirs)
    shown = b""
    try:
        while b"token of bob: " not in shown:
            assert select.select([ours], [], [], 120)[0], shown
            shown += os.read(ours, 65536)
        os.write(ours, token.encode() + b"\n")
        assert typed.wait(120) == 0
        while select.select([ours], [], [], 0)[0]:
            try:
                shown += os.read(ours, 65536)
            except OSError:  # the terminal is gone with its last user
                break
    finally:
        os.close(ours)
        typed.kill()
        typed.wait()
    assert token.rpartition("_")[2].encode() not in shown
    approvals = run.engine.services.approvals
    assert [vote.person for vote in approvals.votes(approvals.of_run(run.id)[0].id)] == ["bob"]


def test_the_server_starts_on_this_machine_alone_and_ends_when_told(open_house: House) -> None:
    """`interlock serve` in a process of its own: a free port of loopback, a sign-in page, and an end by Ctrl-C.

    A new home is opened for its admin, by a link that sets a password, once; a later start makes none.
    """
    open_house.engine()
    served = open_house.cli("serve", "--port", "0")
    try:
        assert served.stdout is not None
        line = served.stdout.readline()
        address = line.split()[2].rstrip(".")
        assert address.startswith("http://127.0.0.1:")
        assert "This link lets you in as admin, once, within 15 minutes" in served.stdout.readline()
        link = served.stdout.readline().strip()
        page = httpx.get(f"{address}/sign-in", timeout=60)
        assert (page.status_code, "Your token" in page.text) == (200, True)
        typed = {"password": "seven green kettles", "again": "seven green kettles"}
        with httpx.Client(timeout=60, headers={"origin": address}) as browser:
            assert "Welcome, admin" in browser.get(link).text
            assert browser.post(link, data=typed).headers["location"] == "/"
            assert browser.get(address).status_code == 200
        assert httpx.post(link, data=typed, headers={"origin": address}, timeout=60).status_code == 403
        served.send_signal(signal.SIGINT)
        _, err = served.communicate(timeout=60)
        assert "Traceback" not in err
    finally:
        served.kill()
        served.wait()


def test_a_later_start_opens_no_home(
    open_house: House, capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    """Whether the link was used or not; where nobody can sign in, it says what the owner can do."""
    desk = Desk(open_house, capsys, monkeypatch)
    monkeypatch.setattr("interlock.web.server.run", lambda web, listener: web.driving.close())
    first, second = desk("serve", "--port", "0"), desk("serve", "--port", "0")
    assert ("/welcome/" in first.out, "/welcome/" in second.out) == (True, False)
    assert "Nobody can sign in yet: interlock users password NAME --link --owner" in second.out
    assert [row.name for row in open_house.engine().services.users.all()] == ["admin"]
    (open_house.home / "audit.key").chmod(0o644)
    other = House(open_house.root.parent / "other", clock=open_house.clock).build()
    other.engine()
    (other.home / "audit.key").chmod(0o644)
    told = Desk(other, capsys, monkeypatch)("serve", "--port", "0")
    assert ("no admin is made here" in told.out, other.engine().services.users.any()) == (True, False)


def test_it_listens_elsewhere_only_under_a_name(
    open_house: House, capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    """An address that others reach, without the name they type, is a usage error; so is a taken port."""
    desk = Desk(open_house, capsys, monkeypatch)
    told = desk("serve", "--host", "0.0.0.0", "--port", "0")
    assert (told.code, "--public-url" in told.err) == (2, True)
    with socket.create_server(("127.0.0.1", 0)) as taken:
        told = desk("serve", "--port", str(taken.getsockname()[1]))
    assert (told.code, "cannot be listened at" in told.err) == (2, True)


def test_on_postgresql_names_always_need_proof(tmp_path: Path) -> None:
    """No name is taken at its word, with no token issued yet either; the owner of the key issues the first."""
    house = House(tmp_path / "shop").build()
    with postgres.database() as url:
        services = Engine(house.project(database_url=url)).services
        with pytest.raises(NotAuthenticated, match="the database is a server"):
            acting(services, "bob")
        owner = administering(services)
        token = services.credentials.issue("bob", by=owner, lasting=timedelta(days=1), first=True)[1]
        assert acting(services, "bob", token) == acting(services, None, token) == "bob"
        with pytest.raises(NotAuthenticated, match="people have tokens here"):
            acting(services, "bob")
        mallory = House(tmp_path / "mallory").build()
        elsewhere = Engine(mallory.project(database_url=url)).services
        with pytest.raises(NotAuthenticated, match="is not the one that this database's audit is sealed with"):
            administering(elsewhere, owner=True)
        for each in (services, elsewhere):
            each.database.engine.dispose()


def test_a_key_that_others_may_read_makes_no_owner(
    open_house: House, capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    """Whoever reads the key can forge the record, so its holder is no proof of anything."""
    open_house.engine()
    (open_house.home / "audit.key").chmod(0o644)
    told = Desk(open_house, capsys, monkeypatch)("people", "token", "bob")
    assert (told.code, "others may read" in told.err) == (1, True)
