"""People outside are told: signed, at least once, with an id that stays, and never of what did not happen."""

from __future__ import annotations

import base64
import email
import hashlib
import hmac
import json
from collections.abc import Iterator
from datetime import timedelta
from pathlib import Path
from threading import Event
from typing import Any

import pytest
from sqlmodel import select

from interlock.engine.notifying import Delivered, sign, signing_key
from interlock.engine.project import now
from interlock.engine.service import Engine
from interlock.errors import SettingsError
from interlock.settings import load_settings
from interlock.store.notices import ATTEMPTS, LONGEST_PAUSE, TAKEN, pause
from interlock.store.tables import Notice
from interlock.web.driving import Driving
from interlock.web.rounds import Rounds
from tests.attacks.house import House
from tests.servers import Server, serving

KEY = "whsec_" + base64.b64encode(b"k" * 32).decode()


@pytest.fixture
def server() -> Iterator[Server]:
    with serving() as running:
        yield running


@pytest.fixture
def house(tmp_path: Path) -> House:
    return House(tmp_path / "shop").build()


def told(house: House, server: Server, **more: Any) -> Engine:
    """An engine that tells the server."""
    hook = {"notify_webhook": server.url + "/hook?to=us", "notify_secret": KEY, "notify_private": True}
    return house.engine(**(hook | more))


def notices(engine: Engine, state: str | None = None) -> list[Notice]:
    return list(engine.project.notices.list(state))


def test_a_question_is_told_once_it_is_asked(house: House, server: Server) -> None:
    """With its id, a signature over id, time and body, and nothing of the arguments but the title."""
    run = house.begun("pay", told(house, server), amount=77)
    (asked,) = server.asked
    assert (asked.method, asked.target) == ("POST", "/hook?to=us")
    moment, told_id = asked.headers["webhook-timestamp"], asked.headers["webhook-id"]
    signed = hmac.new(b"k" * 32, f"{told_id}.{moment}.".encode() + asked.body, hashlib.sha256).digest()
    assert asked.headers["webhook-signature"] == "v1," + base64.b64encode(signed).decode()
    assert int(moment) == int(house.clock().timestamp())
    body = json.loads(asked.body)
    assert body["type"] == "approval.requested"
    assert body["data"] == {
        "approval": run.asked.id, "run": run.id, "step": "pay", "kind": "action", "title": "shop.pay: 77 to anna",
        "risk": "high", "decide_before": run.asked.decide_before.isoformat(),
    }  # fmt: skip
    assert [(row.state, row.id) for row in notices(run.engine)] == [("sent", told_id)]
    run.drive()
    assert len(server.asked) == 1


def test_what_failed_is_tried_again_with_the_same_id_and_body(house: House, server: Server) -> None:
    """Later and later, until it is taken; the run does not wait for it."""
    server.replies = [(500, {}, b""), (404, {}, b""), (200, {}, b"")]
    engine = told(house, server)
    run = house.begun("pay", engine)
    assert run.status == "waiting"
    assert engine.notify() == Delivered()
    for attempt in (1, 2):
        house.clock.advance(pause(attempt))
        done = engine.notify()
        assert done == (Delivered(again=1) if attempt == 1 else Delivered(sent=1))
    assert len({(item.headers["webhook-id"], item.body) for item in server.asked}) == 1
    assert len({item.headers["webhook-timestamp"] for item in server.asked}) == 3
    assert engine.notify() == Delivered()


def test_a_receiver_that_never_takes_it_is_given_up(house: House, server: Server) -> None:
    """After the last attempt; the audit says so, and nothing else is lost."""
    server.replies = [(503, {}, b"")]
    engine = told(house, server, notify_events=["approval.requested"])
    run = house.begun("pay", engine)
    for attempt in range(1, ATTEMPTS):
        house.clock.advance(pause(attempt))
        done = engine.notify()
    assert done == Delivered(given_up=1)
    assert len(server.asked) == ATTEMPTS
    assert [row.state for row in notices(engine)] == ["given_up"]
    with engine.services.database.read() as session:
        given_up = engine.services.audit.about(session, run.id, {notices(engine)[0].id})
    assert [entry["event"] for entry in given_up if entry["event"].startswith("notice")] == ["notice.given_up"]
    assert run.whole()


def test_whoever_takes_a_notice_and_dies_leaves_it_to_others(house: House, server: Server) -> None:
    """At least once: after a while it is delivered by somebody else, and a late word of the first changes nothing."""
    house.begun("pay", told(house, server, notify_events=["approval.approved"])).approve()
    first, second = told(house, server).project.notices, told(house, server)
    (taken,) = first.take()
    assert second.notify() == Delivered()
    house.clock.advance(TAKEN)
    assert second.notify() == Delivered(sent=1)
    first.failed(taken, "too late", second.services.audit)
    assert [row.state for row in notices(second)] == ["sent"]


def test_nothing_is_told_of_what_did_not_happen(house: House, server: Server) -> None:
    """A transaction that is rolled back takes its notices with it."""
    engine = told(house, server)
    run = house.begun("pay", engine)
    before = len(notices(engine))

    def die() -> None:
        with engine.services.database.write() as session:
            engine.services.audit.append(session, "clock", "approval.expired", run.asked.id, {})
            assert len(session.exec(select(Notice)).all()) == before + 1
            raise RuntimeError("dies before the commit")

    with pytest.raises(RuntimeError, match="dies"):
        die()
    assert len(notices(engine)) == before


def test_what_escalates_or_expires_is_told_without_a_run_being_driven(house: House, server: Server) -> None:
    """Looking after notices looks at the clocks of requests first."""
    later = "one: {count: 1, role: finance, within: 1h, escalate: {after: 30m, role: managers}"
    house.change("policies/people.yaml", "people:", "people:\n  mia: [managers]")
    house.change("policies/shop.yaml", "one: {count: 1, within: 1h", later)
    engine = told(house, server)
    house.begun("pay", engine)
    house.clock.advance(timedelta(minutes=30))
    assert engine.notify() == Delivered(sent=1)
    house.clock.advance(timedelta(minutes=31))
    assert engine.notify() == Delivered(sent=1)
    told_of = [json.loads(asked.body)["type"] for asked in server.asked]
    assert told_of == ["approval.requested", "approval.escalated", "approval.expired"]


def test_a_server_tells_by_itself(house: House, server: Server) -> None:
    """A round delivers what is due, goes on after one that was cut short, and ends when it is told to."""
    engine = told(house, server, notify_events=["approval.expired"])
    run = house.begun("pay", engine)
    house.clock.advance(timedelta(hours=2))
    done, notify, failures = Event(), engine.notify, iter([RuntimeError("once")])

    def watched() -> Delivered:
        for failure in failures:
            raise failure
        found = notify()
        done.set()
        return found

    rounds = Rounds(engine, Driving(engine), every=0.01)
    engine.notify = watched  # type: ignore[method-assign]
    rounds.start()
    assert done.wait(30)
    rounds.close()
    assert [json.loads(asked.body)["data"]["run"] for asked in server.asked] == [run.id]


def test_mail_is_written_to_everybody_and_once_each(house: House) -> None:
    """A repeat of a notice is the same message; the outbox has one for each address."""
    engine = house.engine(notify_mail=["ann@example.org", "bea@example.org"])
    run = house.begun("pay", engine, to="anna\nBcc: eve@example.org")
    found = [email.message_from_bytes(path.read_bytes()) for path in sorted(house.home.glob("outbox/new/*"))]
    assert sorted(message["To"] for message in found) == ["ann@example.org", "bea@example.org"]
    for message in found:
        assert message["Subject"].startswith("[interlock] shop.pay: 10 to anna Bcc:")
        assert message["Bcc"] is None
        assert f"interlock review show {run.asked.id}" in message.get_payload()


def test_several_receivers_fail_alone(house: House, server: Server) -> None:
    """An address that cannot be written to keeps no webhook from being told."""
    engine = told(house, server, notify_mail=["no address"])
    house.begun("pay", engine)
    assert sorted((row.channel, row.state) for row in notices(engine)) == [("mail", "due"), ("webhook", "sent")]


@pytest.mark.parametrize(
    ("settings", "said"),
    [
        ({"notify_secret": None}, "needs 24 bytes or more"),
        ({"notify_secret": "short"}, "needs 24 bytes or more"),
        ({"notify_secret": "whsec_%%%"}, "not base64"),
        ({"notify_private": False}, "INTERLOCK_NOTIFY_PRIVATE=true"),
        ({"notify_webhook": "ftp://x"}, "INTERLOCK_NOTIFY_WEBHOOK"),
    ],
)
def test_a_hook_that_cannot_be_trusted_is_refused_at_the_start(
    settings: dict[str, Any], said: str, house: House, server: Server
) -> None:
    """Before a run is accepted, with the setting named."""
    engine_settings = {"notify_webhook": server.url, "notify_secret": KEY, "notify_private": True} | settings
    with pytest.raises(SettingsError, match=said):
        house.begun("pay", house.engine(**engine_settings))


def test_an_event_that_does_not_exist_is_named() -> None:
    """A misspelt event is no silence."""
    with pytest.raises(SettingsError, match="INTERLOCK_NOTIFY_EVENTS"):
        load_settings(notify_events=["approval.aproved"])


def test_the_command_tells_what_it_delivered(tmp_path: Path, server: Server) -> None:
    """`interlock notify --json`: exit 2 where nobody is to be told, 1 while something is not delivered, then 0."""
    house = House(tmp_path / "shop", clock=now).build()
    assert house.command("notify").code == 2
    settings = {"WEBHOOK": server.url + "/hook", "SECRET": KEY, "PRIVATE": "true"}
    house.write(".env", "".join(f"INTERLOCK_NOTIFY_{name}={value}\n" for name, value in settings.items()))
    server.replies = [(500, {}, b""), (500, {}, b""), (200, {}, b"")]
    engine = told(house, server)
    house.begun("pay", engine)
    for code, found in ((1, {"sent": 0, "again": 1, "given_up": 0}), (0, {"sent": 1, "again": 0, "given_up": 0})):
        with engine.services.database.write() as session:
            for row in session.exec(select(Notice)):
                row.due_at = row.created_at
        done = house.command("notify", "--json")
        assert (done.code, done.json) == (code, found)


def test_pauses_double_up_to_a_bound() -> None:
    """One minute, two, four, and never longer than the longest; all attempts together take days."""
    assert [pause(n) for n in (1, 2, 3)] == [timedelta(minutes=m) for m in (1, 2, 4)]
    assert pause(10_000) == LONGEST_PAUSE
    assert timedelta(days=3) < sum((pause(n) for n in range(1, ATTEMPTS)), timedelta()) < timedelta(days=5)


def test_the_signature_is_that_of_the_standard() -> None:
    """The example of the Standard Webhooks specification's reference libraries."""
    key = signing_key(load_settings(notify_secret="whsec_MfKQ9r8GKYqrTwjUPD8ILPZIo2LaLaSw"))
    signed = sign(key, "msg_p5jXN8AQM9LWM0D4loKWxJek", "1614265330", b'{"test": 2432232314}')
    assert signed == "v1,g0hM9SsE+OTPJTGt/tmIKtSyZlE3uFJELVlNIOLJ1OE="
