"""`interlock users`: who may give access, and what it tells."""

from __future__ import annotations

from functools import partial

import pytest
from argon2 import PasswordHasher

from interlock.errors import NotAuthenticated
from interlock.store import credentials
from tests.attacks.desk import Desk
from tests.attacks.house import House

GOOD = "seven green kettles"


@pytest.fixture
def desk(open_house: House, capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch) -> Desk:
    """A shop of its own; hashing costs next to nothing here."""
    cheap = partial(PasswordHasher, time_cost=1, memory_cost=8, parallelism=1)
    monkeypatch.setattr(credentials, "PasswordHasher", cheap)
    return Desk(open_house, capsys, monkeypatch)


def test_a_person_is_added_with_a_link(desk: Desk) -> None:
    """The link alone goes to stdout, and works once; roles, and who may approve, are listed."""
    told = desk("users", "add", "Fay", "--role", "reviewer", "--role", "author")
    (link,) = told.out.split()
    assert (told.code, link.startswith("http://127.0.0.1:8642/welcome/")) == (0, True)
    assert link not in told.err
    services = desk.house.engine().services
    assert services.invitations.use(link.rpartition("/")[2], GOOD).name == "fay"
    listed = desk("users", "list").out
    assert "fay  author, reviewer  approves as finance  has a password" in listed
    assert "finn  stands in policies/people.yaml, but has no access" in listed
    elsewhere = desk("users", "password", "fay", "--link", "--url", "https://approvals.example.org").out
    assert elsewhere.startswith("https://approvals.example.org/welcome/")
    told = desk("users", "list", "--json")
    (row,) = told.json["users"]
    assert (row["name"], row["roles"], row["approves_as"], row["password"]) == (
        "fay", ["author", "reviewer"], ["finance"], True,
    )  # fmt: skip
    assert told.json["without_access"] == ["finn"]


def test_roles_and_access_are_changed(desk: Desk) -> None:
    """Given, taken away, shut out, let in: each is what the next list says."""
    desk("users", "add", "fay", "--role", "reviewer")
    desk("users", "add", "ada", "--role", "admin")
    assert desk("users", "roles", "fay", "operator", "author", "--json").json["roles"] == ["author", "operator"]
    assert desk("users", "roles", "fay", "--json").json["roles"] == []
    assert desk("users", "disable", "fay", "--json").json["disabled_at"]
    assert desk("users", "enable", "fay", "--json").json["disabled_at"] is None
    told = desk("users", "disable", "ada")
    assert (told.code, "ada is the last admin" in told.err) == (1, True)


@pytest.mark.parametrize(
    ("words", "code", "said"),
    [
        (["add", "fay", "--role", "king"], 2, "'king' is no role; there are admin, author, operator, reviewer."),
        (["add", "f\u0430y", "--role", "reviewer"], 1, "looks like fay"),
        (["add", "finn", "--ask-password"], 2, "a password is typed at a terminal"),
        (["add", "finn", "--url", "ftp://x"], 2, "is no address of a server"),
        (["roles", "gus", "admin"], 1, "nobody named gus has access"),
        (["password", "gus", "--link"], 1, "nobody named gus has access"),
    ],
)
def test_what_cannot_be_done_is_said(desk: Desk, words: list[str], code: int, said: str) -> None:
    """With the next step, and nothing changed."""
    told = desk("users", *words)
    assert (told.code, said in told.err, told.out) == (code, True, "")
    assert not desk.house.engine().services.users.any()


def test_only_an_admin_or_the_owner_gives_access(desk: Desk) -> None:
    """Once there are tokens: by the role in the database or in people.yaml, or as the owner of the files."""
    services = desk.house.engine().services
    desk.tokens = desk.issue_all("fay", "ada")
    services.users.give("ada", ("admin",), by="owner")
    for words in (["add", "gus"], ["roles", "fay", "admin"], ["password", "ada", "--link"], ["disable", "ada"]):
        refused = desk("users", *words, token=desk.tokens["fay"])
        assert (refused.code, "fay does not hold the role admin" in refused.err, refused.out) == (1, True, "")
        assert desk("users", *words).code == 1
    assert desk("users", "add", "gus", token=desk.tokens["ada"]).code == 0
    assert desk("users", "roles", "gus", "reviewer", "--owner").code == 0


def test_the_name_of_somebody_who_signs_in_is_not_taken_at_its_word(desk: Desk) -> None:
    """In a single-user home too: they decide on the page, or with a token; other names are taken as until now."""
    run = desk.house.begun("pay", amount=10)
    desk("users", "add", "fay", "--role", "reviewer")
    told = desk("review", "approve", run.asked.id, "--as", "Fay", "--detach")
    assert (told.code, "fay is somebody who signs in here" in told.err.casefold()) == (1, True)
    assert desk("users", "add", "gus", "--as", "fay").code == 1
    assert desk("review", "approve", run.asked.id, "--as", "finn", "--detach").code == 0


def test_a_login_keeps_its_own_name(desk: Desk, monkeypatch: pytest.MonkeyPatch) -> None:
    """The owner of the files who also signs in to the page still is who they are at their own command line."""
    from interlock.engine.identity import acting

    monkeypatch.setenv("LOGNAME", "olga")
    desk("users", "add", "olga", "--role", "admin")
    services = desk.house.engine().services
    assert acting(services) == acting(services, "olga") == "olga"
    monkeypatch.setenv("LOGNAME", "otto")
    with pytest.raises(NotAuthenticated):
        acting(services, "olga")
