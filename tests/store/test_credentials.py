"""Tokens: shown once, kept as a hash, checked in the same way whatever is wrong with them."""

from __future__ import annotations

from collections.abc import Callable
from datetime import timedelta
from pathlib import Path
from typing import Any

import pytest
from argon2 import PasswordHasher
from sqlmodel import select

from interlock.errors import Conflict, DecisionRefused, NotAuthenticated, NotFound
from interlock.store.credentials import Credentials
from interlock.store.tables import Credential, Entry
from tests.store.stores import Stores

DAY = timedelta(days=1)
CHEAP = PasswordHasher(time_cost=1, memory_cost=8, parallelism=1)
"""Parameters that cost nothing; whether the shipped ones are strong is a test of its own."""


class Counted(PasswordHasher):
    """A hasher that counts how often it was made to work."""

    def __init__(self) -> None:
        super().__init__(time_cost=1, memory_cost=8, parallelism=1)
        self.verified: list[str] = []

    def verify(self, hash: str | bytes, password: str | bytes) -> Any:
        self.verified.append(str(hash).rpartition("$")[0].rpartition("$")[0])
        return super().verify(hash, password)


@pytest.fixture
def credentials(stores: Stores, tmp_path: Path) -> Credentials:
    """Tokens of a home, over each backend."""
    return Credentials(stores.database, stores.audit, stores.clock, tmp_path, CHEAP)


def entries(stores: Stores, event: str) -> list[Entry]:
    with stores.database.read() as session:
        return list(session.exec(select(Entry).where(Entry.event == event)))


def test_a_token_proves_its_person_until_it_ends(stores: Stores, credentials: Credentials) -> None:
    """A valid token names its person; past its time, or revoked, it names nobody."""
    first, token = credentials.issue("Anna", by="owner", lasting=DAY)
    second, other = credentials.issue("anna", by="owner", lasting=3 * DAY)
    assert credentials.check(token).person == credentials.check(other, claimed="ANNA").person == "anna"
    stores.clock.advance(DAY)
    with pytest.raises(NotAuthenticated, match="this token has expired"):
        credentials.check(token)
    credentials.revoke(second.id, by="owner")
    with pytest.raises(NotAuthenticated, match="this token was revoked"):
        credentials.check(other)
    assert first.id != second.id
    assert stores.whole()


def test_only_the_hash_is_kept(stores: Stores, credentials: Credentials) -> None:
    """No row and no entry holds the token or its secret, and the hash is Argon2id."""
    credential, token = credentials.issue("anna", by="owner", lasting=DAY, note="laptop")
    credentials.check(token)
    with stores.database.read() as session:
        rows = [row.model_dump() for table in (Credential, Entry) for row in session.exec(select(table))]
    assert credential.hash.startswith("$argon2id$")
    assert token.rpartition("_")[2] not in repr(rows)


def test_the_shipped_parameters_are_those_of_the_rfc(stores: Stores, tmp_path: Path) -> None:
    """Second recommended option of RFC 9106, section 4: 64 MiB, three passes, four lanes."""
    issued, _ = Credentials(stores.database, stores.audit, stores.clock, tmp_path).issue(
        "anna", by="owner", lasting=DAY
    )
    assert issued.hash.startswith("$argon2id$v=19$m=65536,t=3,p=4$")


def test_stronger_parameters_are_taken_up_at_the_next_use(stores: Stores, credentials: Credentials) -> None:
    """A hash of yesterday's parameters is made anew, and the token stays valid."""
    issued, token = credentials.issue("anna", by="owner", lasting=DAY)
    stronger = PasswordHasher(time_cost=2, memory_cost=16, parallelism=1)
    later = Credentials(stores.database, stores.audit, stores.clock, Path(), stronger)
    later.check(token)
    (row,) = later.all("anna")
    assert (issued.hash != row.hash, stronger.check_needs_rehash(row.hash)) == (True, False)
    assert later.check(token).person == "anna"
    assert [entry.actor for entry in entries(stores, "credential.rehashed")] == ["anna"]


@pytest.mark.parametrize(
    "spoil",
    [
        lambda token: token.upper(),
        lambda token: token[:-1] + ("0" if token[-1] != "0" else "1"),
        lambda token: f"ilk_{'0' * 12}_{token.rpartition('_')[2]}",
        lambda token: token.rpartition("_")[2],
        lambda token: token + " ",
        lambda token: token * 1000,
        lambda token: "",
    ],
    ids=["other case", "one digit", "another id", "the secret alone", "a space", "very long", "empty"],
)
def test_what_is_not_the_token_proves_nothing(
    stores: Stores, credentials: Credentials, spoil: Callable[[str], str]
) -> None:
    """Letter by letter, or not at all; and every refusal says the same."""
    _, token = credentials.issue("anna", by="owner", lasting=DAY)
    with pytest.raises(NotAuthenticated, match="this token is not valid here"):
        credentials.check(spoil(token))
    assert len(entries(stores, "credential.refused")) == 1


def test_every_refusal_costs_the_same_work(stores: Stores, tmp_path: Path) -> None:
    """An unknown id, a wrong secret and no token at all are each verified once, with the same parameters."""
    hasher = Counted()
    credentials = Credentials(stores.database, stores.audit, stores.clock, tmp_path, hasher)
    issued, token = credentials.issue("anna", by="owner", lasting=DAY)
    credentials.revoke(issued.id, by="owner")
    for wrong in (token, token[:-1] + "x", f"ilk_{'0' * 12}_{'0' * 64}", f"ilk_{issued.id}_{'0' * 64}", "", "x"):
        with pytest.raises(NotAuthenticated):
            credentials.check(wrong)
    assert len(hasher.verified) == 6
    assert len(set(hasher.verified)) == 1


def test_a_token_that_was_right_is_not_hashed_again(stores: Stores, tmp_path: Path) -> None:
    """Programs come with each request; what ended it, or another hash, counts at once all the same."""
    hasher = Counted()
    credentials = Credentials(stores.database, stores.audit, stores.clock, tmp_path, hasher)
    issued, token = credentials.issue("anna", by="owner", lasting=DAY)
    for _ in range(3):
        assert credentials.check(token).person == "anna"
    assert len(hasher.verified) == 1
    with pytest.raises(NotAuthenticated):
        credentials.check(token[:-1] + ("0" if token[-1] != "0" else "1"))
    assert len(hasher.verified) == 2
    with stores.database.write() as session:
        row = session.get_one(Credential, issued.id)
        row.hash = hasher.hash("another token")
        session.add(row)
    with pytest.raises(NotAuthenticated):
        credentials.check(token)
    credentials.revoke(issued.id, by="owner")
    with pytest.raises(NotAuthenticated):
        credentials.check(token)


def test_refusals_are_told_once_a_minute_with_their_number(stores: Stores, credentials: Credentials) -> None:
    """Whoever tries tokens all day fills no disk, and the record says how many tries there were."""
    for _ in range(50):
        with pytest.raises(NotAuthenticated):
            credentials.check("ilk_nonsense")
    stores.clock.advance(timedelta(minutes=1))
    with pytest.raises(NotAuthenticated):
        credentials.check("ilk_nonsense")
    found = entries(stores, "credential.refused")
    assert [(entry.subject, entry.data["unnoted_before"]) for entry in found] == [("unknown", 0), ("unknown", 49)]
    assert stores.whole()


def test_another_persons_token_is_refused_and_told(stores: Stores, credentials: Credentials) -> None:
    """The record names whose token it was and as whom it was used."""
    issued, token = credentials.issue("bob", by="owner", lasting=DAY)
    with pytest.raises(NotAuthenticated, match="not the token of anna, but of bob"):
        credentials.check(token, claimed="anna")
    (entry,) = entries(stores, "credential.refused")
    assert (entry.actor, entry.subject, entry.data["because"]) == ("bob", issued.id, "it was used as anna")


def test_a_first_token_is_the_first(credentials: Credentials) -> None:
    """Two who both found no token cannot both issue the first one."""
    credentials.issue("anna", by="owner", lasting=DAY, first=True)
    with pytest.raises(Conflict, match="somebody has issued the first token"):
        credentials.issue("mallory", by="owner", lasting=DAY, first=True)
    assert [row.person for row in credentials.all()] == ["anna"]


def test_a_home_with_a_token_stays_one(credentials: Credentials) -> None:
    """Revoking the last token does not make names good again."""
    issued, _ = credentials.issue("anna", by="owner", lasting=DAY)
    credentials.revoke(issued.id, by="owner")
    assert credentials.revoke(issued.id, by="owner").revoked_at == credentials.all()[0].revoked_at
    assert credentials.needed() == "people have tokens here"
    with pytest.raises(NotFound, match="there is no token"):
        credentials.revoke("0" * 12, by="owner")
    with pytest.raises(DecisionRefused, match="is no person's name"):
        credentials.issue("a b", by="owner", lasting=DAY)
