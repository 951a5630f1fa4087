"""Acting under another's name: a name is worth what proves it, in every verb that carries one."""

from __future__ import annotations

import os
from collections.abc import Callable
from datetime import timedelta
from functools import partial
from pathlib import Path

import pytest
from argon2 import PasswordHasher
from sqlmodel import select

from interlock.errors import NotAuthenticated
from interlock.store import credentials
from interlock.store.credentials import Credentials
from interlock.store.tables import Credential, Entry
from interlock.testing import FakeClock
from tests.attacks.desk import Desk
from tests.attacks.house import House, Run


@pytest.fixture
def desk(open_house: House, capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch) -> Desk:
    """A shop in which fay, finn and anna have tokens; hashing costs next to nothing here."""
    cheap = partial(PasswordHasher, time_cost=1, memory_cost=8, parallelism=1)
    monkeypatch.setattr(credentials, "PasswordHasher", cheap)
    desk = Desk(open_house, capsys, monkeypatch)
    desk.tokens = desk.issue_all("fay", "finn", "anna")
    return desk


@pytest.fixture
def asked(desk: Desk) -> Run:
    """A payment that anna asked for and two of finance must agree to."""
    engine = desk.house.engine()
    workflow = engine.project.workflow(desk.house.root / "graphs/pay.yaml")
    run = engine.start(workflow, {"amount": 2000}, "anna")
    engine.drive(run.id)
    return Run(desk.house, engine, run.id)


def entries(house: House, event: str) -> list[Entry]:
    with house.engine().services.database.read() as session:
        return list(session.exec(select(Entry).where(Entry.event == event)))


def yes(run: Run) -> str:
    """A file with an approval as LangChain's clients send it."""
    run.house.write("yes.json", '{"decisions": [{"type": "approve"}]}')
    return str(run.house.root / "yes.json")


VERBS: dict[str, Callable[[Run], list[str]]] = {
    "approve": lambda run: ["review", "approve", run.asked.id],
    "edit": lambda run: ["review", "edit", run.asked.id, "--set", "amount=3"],
    "reject": lambda run: ["review", "reject", run.asked.id, "--comment", "no"],
    "respond": lambda run: ["review", "respond", run.asked.id, "--happened"],
    "answer": lambda run: ["review", "answer", run.asked.id, "--file", yes(run)],
    "cancel": lambda run: ["runs", "cancel", run.id],
    "send": lambda run: ["runs", "send", run.id, "paid"],
    "run": lambda run: ["run", "pay", "-i", "amount=1"],
    "token": lambda run: ["people", "token", "mallory"],
    "revoke": lambda run: ["people", "revoke", "fay"],
}


@pytest.mark.parametrize("verb", VERBS)
def test_a_name_alone_acts_nowhere(desk: Desk, asked: Run, verb: str) -> None:
    """Without a token, or with one of somebody else, no verb acts in fay's name: exit 1, nothing changed."""
    command = [*VERBS[verb](asked), "--as", "fay"]
    bare = desk(*command)
    assert (bare.code, "needs proof" in bare.err) == (1, True)
    other = desk(*command, token=desk.tokens["finn"])
    assert (other.code, "not the token of fay, but of finn" in other.err) == (1, True)
    assert (asked.asked.state, asked.status, desk.house.effects) == ("waiting", "waiting", [])
    assert asked.engine.services.approvals.votes(asked.asked.id) == []
    assert len(asked.engine.services.runs.list()) == 1
    assert {row.person for row in asked.engine.services.credentials.all()} == {"fay", "finn", "anna"}
    assert asked.whole()


def test_each_with_their_own_token_decides(desk: Desk, asked: Run) -> None:
    """The way that is meant: two people, two tokens, from the environment and from a file, one payment."""
    file = desk.house.root / "finn.txt"
    file.write_text(desk.tokens["finn"] + "\n")
    assert desk("review", "approve", asked.asked.id, "--as", "FAY", token=desk.tokens["fay"]).code == 0
    assert desk("review", "approve", asked.asked.id, "--as", "finn", "--token-file", str(file)).code == 0
    assert desk.house.effects == ["pay 2000 anna"]
    assert {entry.actor for entry in entries(desk.house, "approval.vote")} == {"fay", "finn"}


def test_one_person_with_many_tokens_is_one_person(desk: Desk, asked: Run) -> None:
    """A second token of fay gives no second vote."""
    second = desk.issue("fay")
    assert desk("review", "approve", asked.asked.id, "--as", "fay", token=desk.tokens["fay"]).code == 0
    told = desk("review", "approve", asked.asked.id, "--as", "Fay", token=second)
    assert (told.code, "one vote each" in told.err) == (1, True)
    assert desk.house.effects == []


def test_whoever_asks_cannot_hide_behind_another_name(desk: Desk) -> None:
    """A run is asked for by whom the token names, so its requester cannot begin it as somebody else and approve."""
    hidden = desk("run", "pay", "-i", "amount=10", "--as", "stranger", token=desk.tokens["anna"])
    assert (hidden.code, "not the token of stranger" in hidden.err) == (1, True)
    assert desk("run", "pay", "-i", "amount=10").code == 1
    assert desk("run", "pay", "-i", "amount=10", token=desk.tokens["anna"]).code == 3
    (run,) = desk.house.engine().services.runs.list()
    assert run.requester == "anna"
    (approval,) = desk.house.engine().services.approvals.waiting()
    own = desk("review", "approve", approval.id, "--as", "anna", token=desk.tokens["anna"])
    assert (own.code, "separation of duties" in own.err, desk.house.effects) == (1, True, [])


def test_a_run_begun_through_the_compiled_graph_is_asked_for_by_a_proven_name(
    desk: Desk, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Whoever holds the compiled graph begins nothing in a login's name where names need proof."""
    house = desk.house
    config = {"configurable": {"thread_id": "mine"}}
    graph = house.raw("pay")
    with pytest.raises(NotAuthenticated) as told:
        graph.invoke({"amount": 10, "to": "anna"}, config)
    assert "needs proof" in str(told.value)
    assert house.engine().services.runs.list() == []
    proven = house.project(token=desk.tokens["anna"])
    compiled = proven.workflow(house.root / "graphs/pay.yaml").compile(proven.checkpoints)
    compiled.invoke({"amount": 10, "to": "anna"}, config)
    assert house.engine().services.runs.get("mine").requester == "anna"


def test_a_token_of_another_home_is_none(desk: Desk, asked: Run, tmp_path: Path) -> None:
    """A person of the same name elsewhere, with a valid token there, is nobody here; nor the other way round."""
    other = House(tmp_path / "other", clock=desk.house.clock).build()
    foreign = Desk(other, desk.capture, desk.patch).issue("fay")
    told = desk("review", "approve", asked.asked.id, "--as", "fay", token=foreign)
    assert (told.code, "not valid here" in told.err) == (1, True)
    fresh = House(tmp_path / "fresh", clock=desk.house.clock).build()
    lost = Desk(fresh, desk.capture, desk.patch)("run", "note", "-i", "amount=1", token=foreign)
    assert (lost.code, "is INTERLOCK_HOME right?" in lost.err, fresh.effects) == (1, True, [])


def test_neither_a_hash_nor_an_id_is_a_token(desk: Desk, asked: Run) -> None:
    """Who reads the database can read the hashes, and gets in with none of what stands there."""
    (row,) = asked.engine.services.credentials.all("fay")
    for stolen in (row.hash, row.id, f"ilk_{row.id}_{row.hash}", f"ilk_{row.id}_", f"ilk_{row.id}_{row.hash[-64:]}"):
        told = desk("review", "approve", asked.asked.id, "--as", "fay", token=stolen)
        assert (told.code, "not valid here" in told.err) == (1, True)
    assert asked.asked.state == "waiting"


def test_a_hash_moved_to_another_row_proves_nothing(desk: Desk, asked: Run) -> None:
    """The hash covers the id: put into fay's row, the hash of mallory's token fits no token that names the row."""
    mallorys = desk.issue("mallory")
    with asked.engine.services.database.write() as session:
        rows = {row.person: row for row in session.exec(select(Credential))}
        rows["fay"].hash = rows["mallory"].hash
        session.add(rows["fay"])
    forged = mallorys.replace(rows["mallory"].id, rows["fay"].id)
    told = desk("review", "approve", asked.asked.id, "--as", "fay", token=forged)
    assert (told.code, "not valid here" in told.err) == (1, True)


def test_expired_revoked_and_recased_tokens_are_refused_and_told(desk: Desk, asked: Run) -> None:
    """Each is refused with exit 1, and the audit names the token, its person and the reason, never the secret."""
    clock = FakeClock(desk.house.clock() - timedelta(days=2))
    services = asked.engine.services
    old = Credentials(services.database, services.audit, clock, desk.house.home)
    expired = old.issue("fay", by="owner", lasting=timedelta(days=1))[1]
    revoked = desk.issue("fay")
    services.credentials.revoke(revoked.split("_")[1], by="owner")
    upper = desk.tokens["fay"].upper()
    for token, because in ((expired, "has expired"), (revoked, "was revoked"), (upper, "not valid here")):
        told = desk("review", "approve", asked.asked.id, "--as", "fay", token=token)
        assert (told.code, because in told.err) == (1, True)
        assert token not in told.err + told.out
    refused = entries(desk.house, "credential.refused")
    assert [(e.actor, e.subject) for e in refused] == [
        ("fay", expired.split("_")[1]),
        ("fay", revoked.split("_")[1]),
        ("unknown", "unknown"),
    ]
    for token in (expired, revoked, desk.tokens["fay"]):
        assert token.rpartition("_")[2] not in repr([entry.model_dump() for entry in refused])
    assert asked.whole()


def test_a_token_on_the_command_line_is_not_taken(desk: Desk, asked: Run) -> None:
    """There is no option for the token itself: arguments can be read by every process of the machine."""
    told = desk("review", "approve", asked.asked.id, "--as", "fay", "--token", desk.tokens["fay"])
    assert (told.code, "No such option" in told.err) == (2, True)


@pytest.mark.parametrize("content", ["", "ilk_a ilk_b", "\x00", "x" * 2000], ids=["empty", "two", "nul", "long"])
def test_a_file_without_a_token_is_refused(desk: Desk, asked: Run, content: str) -> None:
    """A token file holds one token and nothing else; what it held is not repeated."""
    file = desk.house.root / "token.txt"
    file.write_text(content)
    told = desk("review", "approve", asked.asked.id, "--as", "fay", "--token-file", str(file))
    assert told.code in (1, 2)
    assert asked.asked.state == "waiting"
    assert desk("review", "approve", asked.asked.id, "--as", "fay", "--token-file", "missing").code == 2


def test_names_that_look_alike_get_no_token(desk: Desk) -> None:
    """Cyrillic, Greek, accents and digits that pass for finn or fay are refused before anybody is fooled."""
    for name in ("f\u0430y", "f\u00e1y", "F\u0410Y", "\u0192ay", "finn\u0301", "f\u0456nn", "f\u03b9nn"):
        told = desk("people", "token", name, "--owner")
        assert told.code == 1, name
        assert "looks like f" in told.err or "is no person's name" in told.err, name
    assert {row.person for row in desk.house.engine().services.credentials.all()} == {"fay", "finn", "anna"}


def test_another_spelling_of_a_name_is_the_same_person(desk: Desk, asked: Run) -> None:
    """Full-width letters and capitals are fay, and need fay's token like fay."""
    told = desk("review", "approve", asked.asked.id, "--as", "\uff26\uff41\uff59", token=desk.tokens["finn"])
    assert (told.code, "but of finn" in told.err) == (1, True)
    assert desk("review", "approve", asked.asked.id, "--as", "\uff26\uff41\uff59", token=desk.tokens["fay"]).code == 0
    assert [vote.person for vote in asked.engine.services.approvals.votes(asked.asked.id)] == ["fay"]


def test_a_home_that_others_can_write_takes_no_name_at_its_word(open_house: House, desk: Desk) -> None:
    """Group-writable files: refused until the files are closed or people have tokens, and the message says how."""
    fresh = House(desk.house.root.parent / "fresh", clock=open_house.clock).build()
    fresh.engine()
    at_fresh = Desk(fresh, desk.capture, desk.patch)
    assert at_fresh("run", "note", "-i", "amount=1", "--as", "anybody").code == 0
    (fresh.home / "interlock.db").chmod(0o660)
    told = at_fresh("run", "note", "-i", "amount=1", "--as", "anybody")
    assert (told.code, "chmod go-w" in told.err) == (1, True)
    taken = at_fresh("people", "token", "mallory")
    assert (taken.code, "only the owner" in taken.err) == (1, True)
    os.chmod(fresh.home / "interlock.db", 0o600)
    assert at_fresh("run", "note", "-i", "amount=1", "--as", "anybody").code == 0


def test_another_home_with_the_same_database_is_not_its_owner(desk: Desk, asked: Run, tmp_path: Path) -> None:
    """A folder and key of one's own beside somebody else's database make nobody the owner who may issue tokens."""
    url = f"sqlite:///{desk.house.home / 'interlock.db'}"
    elsewhere = House(tmp_path / "elsewhere", clock=desk.house.clock).build()
    desk.patch.setenv("INTERLOCK_DATABASE_URL", url)
    there = Desk(elsewhere, desk.capture, desk.patch)
    told = there("run", "note", "-i", "amount=1", token="ilk_x")
    assert (told.code, "is not the key that the database's audit is sealed with" in told.err) == (2, True)
    told = there("people", "token", "mallory", "--owner")
    assert (told.code, "is not the one that this database's audit is sealed with" in told.err) == (1, True)
    assert entries(desk.house, "credential.refused") == []


def test_only_admins_issue_and_revoke_for_others(desk: Desk) -> None:
    """Neither a role in finance nor a token makes an admin; the role does, and everybody revokes their own."""
    told = desk("people", "token", "mallory", token=desk.tokens["fay"])
    assert (told.code, "does not hold the role admin" in told.err) == (1, True)
    assert desk("people", "revoke", "finn", token=desk.tokens["fay"]).code == 1
    desk.house.change("policies/people.yaml", "fay: [finance]", "fay: [finance, admin]")
    made = desk("people", "token", "carol", "--json", token=desk.tokens["fay"])
    assert (made.code, made.json["person"], made.json["issued_by"]) == (0, "carol", "fay")
    assert desk("people", "revoke", "carol", token=desk.tokens["finn"]).code == 1
    assert desk("people", "revoke", "finn", token=desk.tokens["finn"]).code == 0
    assert desk("people", "revoke", "carol", token=desk.tokens["fay"]).code == 0
    assert desk("run", "note", "-i", "amount=1", token=made.json["token"]).code == 1
    revoked = entries(desk.house, "credential.revoked")
    assert [(e.actor, e.data["person"]) for e in revoked] == [("finn", "finn"), ("fay", "carol")]


def test_a_forms_field_speaks_for_nobody(house: House) -> None:
    """A form with fields named like the record's own: what the record says of the decision stays its own."""
    form = "form: {by: {type: string}, decision: {type: string}}"
    house.change("graphs/form.yaml", "reads: [amount]", f"reads: [amount], {form}")
    run = house.begun("form", amount=500)
    run.approve("bob", answer={"by": "fay", "decision": "rejected"})
    (row,) = run.engine.services.approvals.of_run(run.id)
    assert row.answer == {"by": "bob", "decision": "approved", "comment": ""}
    assert row.state == "approved"
