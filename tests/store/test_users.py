"""People with access: their roles, passwords and links, each change told in the audit, over each backend."""

from __future__ import annotations

import hashlib
import threading
from datetime import timedelta
from pathlib import Path
from typing import Any

import pytest
from argon2 import PasswordHasher
from sqlmodel import select

from interlock.errors import Conflict, DecisionRefused, InterlockError, NotAuthenticated, NotFound
from interlock.store import invitations, sessions
from interlock.store.credentials import Credentials
from interlock.store.invitations import Invitations
from interlock.store.passwords import LONGEST, Passwords, fault
from interlock.store.sessions import Sessions
from interlock.store.tables import Entry, Invitation, User
from interlock.store.users import ROLES, Users
from tests.store.stores import Stores
from tests.store.test_credentials import CHEAP, Counted

GOOD = "seven green kettles"


class People:
    """Users, passwords, links and sign-ins of one database."""

    def __init__(self, stores: Stores, home: Path, hasher: PasswordHasher = CHEAP) -> None:
        at = (stores.database, stores.audit, stores.clock)
        self.users = Users(*at)
        self.passwords = Passwords(*at, hasher)
        self.invitations = Invitations(*at, self.users, self.passwords)
        self.credentials = Credentials(*at, home, hasher)
        self.sessions = Sessions(*at)


@pytest.fixture
def people(stores: Stores, tmp_path: Path) -> People:
    """People of a home, over each backend."""
    return People(stores, tmp_path)


def told(stores: Stores) -> list[tuple[str, str, str]]:
    with stores.database.read() as session:
        return [(entry.actor, entry.event, entry.subject) for entry in session.exec(select(Entry))]


def test_every_change_is_told_with_who_made_it(stores: Stores, people: People) -> None:
    """Added, roles, password, disabled, enabled: one entry each, and none for what changes nothing."""
    people.users.add("Ada", ("admin",), by="owner")
    people.users.add("fay", ("reviewer",), by="ada")
    people.users.give("FAY", ("reviewer", "operator"), by="ada")
    people.users.give("fay", ("operator", "reviewer"), by="ada")
    people.passwords.set("fay", GOOD, by="fay")
    for _ in range(2):
        people.users.disable("fay", by="ada")
    for _ in range(2):
        people.users.enable("fay", by="ada")
    assert told(stores) == [
        ("owner", "user.added", "ada"), ("ada", "user.added", "fay"), ("ada", "user.roles", "fay"),
        ("fay", "user.password", "fay"), ("ada", "user.disabled", "fay"), ("ada", "user.enabled", "fay"),
    ]  # fmt: skip
    assert [(row.name, row.roles) for row in people.users.all()] == [
        ("ada", ["admin"]),
        ("fay", ["operator", "reviewer"]),
    ]
    assert stores.whole()


def test_a_name_is_one_person(people: People) -> None:
    """In whatever letters it is written; and what is no name is refused."""
    people.users.add("fay", (), by="owner")
    with pytest.raises(Conflict, match="fay has access already"):
        people.users.add("FAY", (), by="owner")
    with pytest.raises(NotFound, match="nobody named finn has access"):
        people.users.give("finn", ("admin",), by="owner")
    with pytest.raises(DecisionRefused, match="is no person's name"):
        people.users.add("a b", (), by="owner")


def test_somebody_stays_an_admin(people: People) -> None:
    """The last one who may come in can neither be shut out nor lose the role."""
    people.users.add("ada", ("admin",), by="owner")
    people.users.add("amy", ("admin",), by="owner")
    people.users.disable("amy", by="ada")
    for change in (lambda: people.users.disable("ada", by="ada"), lambda: people.users.give("ada", (), by="ada")):
        with pytest.raises(Conflict, match="ada is the last admin"):
            change()
    people.users.enable("amy", by="ada")
    assert people.users.give("ada", ("reviewer",), by="amy").roles == ["reviewer"]


def test_a_token_gives_access_as_a_reviewer(people: People) -> None:
    """To whoever was not known before; roles that somebody holds already stay."""
    people.users.add("otto", ("operator",), by="owner")
    for name in ("otto", "finn"):
        people.credentials.issue(name, by="owner", lasting=timedelta(days=1))
    assert {row.name: row.roles for row in people.users.all()} == {"otto": ["operator"], "finn": ["reviewer"]}


def test_whoever_is_shut_out_is_out(stores: Stores, people: People) -> None:
    """Tokens, passwords, links and sign-ins count no more at once; sign-ins stay over when the person is let in."""
    fay = people.users.add("fay", ("reviewer",), by="owner")
    _, token = people.credentials.issue("fay", by="owner", lasting=timedelta(days=1))
    people.passwords.set("fay", GOOD, by="fay")
    fay = people.passwords.check("Fay", GOOD)
    link, value = people.invitations.issue("fay", by="owner"), people.sessions.begin(fay, "password")
    assert people.sessions.user(value) == fay
    people.users.disable("fay", by="owner")
    assert (people.sessions.user(value), people.invitations.person(link)) == (None, None)
    for attempt in (
        lambda: people.credentials.check(token),
        lambda: people.passwords.check("fay", GOOD),
        lambda: people.invitations.use(link, GOOD),
        lambda: people.sessions.begin(fay, "password"),
    ):
        with pytest.raises(NotAuthenticated):
            attempt()
    people.users.enable("fay", by="owner")
    assert people.credentials.check(token).person == people.passwords.check("fay", GOOD).name == "fay"
    assert people.sessions.user(value) is None
    assert stores.whole()


def test_only_the_hash_of_a_password_is_kept(stores: Stores, people: People) -> None:
    """Argon2id, with neither password nor link in any row or entry."""
    people.users.add("fay", (), by="owner")
    link = people.invitations.issue("fay", by="owner")
    people.invitations.use(link, GOOD)
    with stores.database.read() as session:
        rows = [row.model_dump() for table in (User, Invitation, Entry) for row in session.exec(select(table))]
    assert people.users.get("fay").password.startswith("$argon2id$")  # type: ignore[union-attr]
    assert not [secret for secret in (GOOD, link) if secret in repr(rows)]


@pytest.mark.parametrize("typed", ["", GOOD[:-1], GOOD + " ", GOOD.upper(), GOOD * 50])
def test_a_password_counts_as_it_was_set(people: People, typed: str) -> None:
    """Letter by letter, at its whole length."""
    people.users.add("fay", (), by="owner")
    people.passwords.set("fay", GOOD, by="fay")
    with pytest.raises(NotAuthenticated):
        people.passwords.check("fay", typed)


def test_a_password_is_the_same_from_every_keyboard(people: People) -> None:
    """An accent typed as one character or as two is one password."""
    people.users.add("fay", (), by="owner")
    people.passwords.set("fay", "caf\u00e9 under seven trees", by="fay")
    assert people.passwords.check("fay", "cafe\u0301 under seven trees").name == "fay"


def test_every_refusal_costs_the_same_work(stores: Stores, tmp_path: Path) -> None:
    """Unknown, without a password, shut out, no name at all, wrong: each is verified once, at the same cost."""
    hasher = Counted()
    people = People(stores, tmp_path, hasher)
    for name in ("fay", "finn", "gone"):
        people.users.add(name, (), by="owner")
    people.passwords.set("fay", GOOD, by="fay")
    people.passwords.set("gone", GOOD, by="gone")
    people.users.disable("gone", by="owner")
    for name in ("fay", "finn", "gone", "nobody", "a b", "", "\u202e" * 300):
        with pytest.raises(NotAuthenticated, match="this name and password are not valid here"):
            people.passwords.check(name, "seven green kettle")
    assert len(hasher.verified) == 7
    assert len(set(hasher.verified)) == 1


def test_refused_passwords_are_told_once_a_minute(stores: Stores, people: People) -> None:
    """With their number; a name that nobody has is not written down, for it may be a password."""
    people.users.add("fay", (), by="owner")
    for name in ["fay"] * 20 + ["kettles seven"] * 20:
        with pytest.raises(NotAuthenticated):
            people.passwords.check(name, "x")
    stores.clock.advance(timedelta(minutes=1))
    with pytest.raises(NotAuthenticated):
        people.passwords.check("fay", "x")
    with stores.database.read() as session:
        found = [row for row in session.exec(select(Entry)) if row.event == "password.refused"]
    assert [(row.subject, row.data["unnoted_before"]) for row in found] == [("fay", 0), ("unknown", 0), ("fay", 19)]
    assert "kettles" not in repr(found)


def test_stronger_parameters_are_taken_up(stores: Stores, people: People, tmp_path: Path) -> None:
    """At the next sign-in, under which the same password stays valid."""
    people.users.add("fay", (), by="owner")
    people.passwords.set("fay", GOOD, by="fay")
    stronger = PasswordHasher(time_cost=2, memory_cost=16, parallelism=1)
    later = People(stores, tmp_path, stronger)
    user = later.passwords.check("fay", GOOD)
    assert user.password is not None
    assert not stronger.check_needs_rehash(user.password)
    assert later.sessions.user(later.sessions.begin(user, "password")) is not None


OBVIOUS = [
    "password1234", "Passw0rd!2026", "PASSWORDPASSWORD", "qwertyuiop12", "123456789012", "abcdefghijkl", "aaaaaaaaaaaa",
    "interlock2026!", "Welcome12345", "letmein-letmein", "abcabcabcabc", "fay.miller-2026", "Miller1234567",
    "administrator",
    "correcthorsebatterystaple", "zyxwvutsrqpo", "Summer2026!!!", "1q2w3e4r5t6y", "............", "p@$$w0rd-p@$$w0rd",
]  # fmt: skip


@pytest.mark.parametrize("password", OBVIOUS)
def test_what_anybody_would_try_is_refused(password: str) -> None:
    """Words that many choose, rows of keys, one's own name, one piece again and again: also with digits and signs."""
    assert fault(password, "fay.miller") is not None


@pytest.mark.parametrize(
    "password",
    [
        GOOD,
        "Zug um 8 nach Ulm",
        "kX9#vT2$mQ7w",
        "\u043c\u043e\u0440\u0435 \u0438 \u043d\u0435\u0431\u043e \u0432\u0434\u0430\u043b\u0438",
    ],
)
def test_what_is_not_obvious_is_taken(password: str) -> None:
    """Sentences, what a password manager makes, and other scripts."""
    assert fault(password, "fay.miller") is None


@pytest.mark.parametrize("password", ["", "short one", "x" * 11, "ab cd" * 60])
def test_what_is_too_short_or_too_long_is_refused(people: People, password: str) -> None:
    """And nothing is changed."""
    people.users.add("fay", (), by="owner")
    with pytest.raises(DecisionRefused, match="Nothing was changed"):
        people.passwords.set("fay", password, by="fay")
    assert (people.users.get("fay").password, LONGEST) == (None, 256)


def test_a_new_password_ends_what_was_begun_under_the_old_one(people: People) -> None:
    """Also a sign-in that was proven before and begins after."""
    people.users.add("fay", (), by="owner")
    people.passwords.set("fay", GOOD, by="fay")
    before = people.passwords.check("fay", GOOD)
    value = people.sessions.begin(before, "password")
    people.passwords.set("fay", GOOD + "!", by="fay")
    assert people.sessions.user(value) is None
    with pytest.raises(NotAuthenticated):
        people.sessions.begin(before, "password")
    with pytest.raises(NotAuthenticated):
        people.passwords.check("fay", GOOD)


def test_a_link_counts_once(stores: Stores, people: People) -> None:
    """Not after its use, not after a quarter of an hour, not after a newer one; a refused password spends it not."""
    people.users.add("fay", ("reviewer",), by="owner")
    earlier, link = people.invitations.issue("fay", by="owner"), people.invitations.issue("fay", by="owner")
    assert (people.invitations.person(earlier), people.invitations.person(link)) == (None, "fay")
    with pytest.raises(DecisionRefused):
        people.invitations.use(link, "password1234")
    stores.clock.advance(invitations.LASTING - timedelta(seconds=1))
    assert people.invitations.use(link, GOOD).name == people.passwords.check("fay", GOOD).name
    late = people.invitations.issue("fay", by="owner")
    stores.clock.advance(invitations.LASTING)
    for dead in (earlier, link, late, "", "0" * 64):
        with pytest.raises(NotAuthenticated):
            people.invitations.use(dead, GOOD)
    assert stores.whole()


def test_of_two_who_use_a_link_at_once_one_does(stores: Stores, people: People) -> None:
    """Both found it good; the second write finds it used."""
    people.users.add("fay", (), by="owner")
    link, ready, ended = people.invitations.issue("fay", by="owner"), threading.Barrier(2), list[Any]()
    hash_of = people.passwords.hash

    def hashed(password: str, person: str) -> str:
        made = hash_of(password, person)
        ready.wait(30)
        return made

    people.passwords.hash = hashed  # type: ignore[method-assign]

    def use(password: str) -> None:
        try:
            ended.append(people.invitations.use(link, password).name)
        except InterlockError as error:
            ended.append(type(error).__name__)

    threads = [threading.Thread(target=use, args=(f"{GOOD} {n}",)) for n in range(2)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join(30)
    assert sorted(ended) == ["NotAuthenticated", "fay"]


def test_a_link_of_another_home_is_none_here(stores: Stores, people: People, tmp_path: Path) -> None:
    """What counts is the row in this home's database."""
    from interlock.store.database import Database

    elsewhere = Stores(Database(f"sqlite:///{tmp_path / 'elsewhere.db'}"))
    other = People(elsewhere, tmp_path)
    for each in (people, other):
        each.users.add("fay", (), by="owner")
    assert people.invitations.person(other.invitations.issue("fay", by="owner")) is None
    elsewhere.database.engine.dispose()


def test_a_home_is_opened_once(people: People) -> None:
    """Its first admin holds every role; where somebody has access or a token, none is made."""
    link = people.invitations.open_home(ROLES, by="owner")
    assert people.invitations.person(link) == "admin"
    assert people.users.get("admin").roles == ["admin", "author", "operator", "reviewer"]
    with pytest.raises(Conflict, match="somebody was given access"):
        people.invitations.open_home(ROLES, by="owner")


def test_a_sign_in_ends_by_its_short_name(people: People) -> None:
    """An admin sees the first digits of a hash, which open nothing."""
    user = people.users.add("fay", (), by="owner")
    kept, ended = people.sessions.begin(user, "account"), people.sessions.begin(user, "account")
    short = hashlib.sha256(ended.encode()).hexdigest()[: sessions.SHORT]
    assert short in [row.id[: sessions.SHORT] for row in people.sessions.of("fay")]
    people.sessions.end_of("fay", short, by="ada")
    assert (people.sessions.user(ended), people.sessions.user(kept)) == (None, user)
    with pytest.raises(NotFound, match="has no sign-in"):
        people.sessions.end_of("fay", short, by="ada")
