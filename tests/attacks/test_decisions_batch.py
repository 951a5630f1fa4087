"""Several approvals in one go: only what is alike and of low risk, each on what was read, and each by itself."""

from __future__ import annotations

import json
from typing import Any

import pytest
from typer.testing import CliRunner

from interlock.cli.app import app
from interlock.cli.batch import read_batch
from interlock.engine.batches import Seen, approve_batch
from interlock.engine.service import Engine
from interlock.errors import DecisionRefused, NotFound, UsageError
from tests.attacks.house import House, Run


def asked(house: House, engine: Engine, number: int, graph: str = "note") -> list[Run]:
    """So many runs that wait for two people of finance."""
    return [house.begun(graph, engine, amount=2000 + each) for each in range(number)]


def seen(*runs: Run) -> list[Seen]:
    return [Seen(run.asked.id, run.asked.revision) for run in runs]


def test_a_batch_counts_one_vote_for_each(house: House) -> None:
    """Two people, two batches; then every note is made once."""
    engine = house.engine()
    runs = asked(house, engine, 3)
    items = seen(*runs)
    assert [item.approval.state for item in approve_batch(engine, items, "fay")] == ["waiting"] * 3
    assert [item.refused for item in approve_batch(engine, items, "finn")] == [None] * 3
    for run in runs:
        run.drive()
    assert sorted(house.effects) == ["note 2000 anna", "note 2001 anna", "note 2002 anna"]
    assert runs[0].whole()


def test_one_stale_item_keeps_none_of_the_others_back(house: House) -> None:
    """The one that changed, or was decided, is refused with its reason; nothing of it changed."""
    engine = house.engine()
    runs = asked(house, engine, 4)
    fresh, stale, over, last = seen(*runs)
    engine.services.approvals.reject(over.id, "finn", comment="no")
    taken = approve_batch(engine, [fresh, Seen(stale.id, 7), over, last], "fay")
    assert [item.approval.state for item in taken] == ["waiting", "waiting", "rejected", "waiting"]
    assert [len(engine.services.approvals.votes(item.approval.id)) for item in taken] == [1, 0, 1, 1]
    assert taken[0].refused is None
    assert taken[3].refused is None
    assert "you saw revision 7, it is 0" in (taken[1].refused or "")
    assert "is already rejected" in (taken[2].refused or "")


def test_a_person_who_may_not_decide_one_is_refused_for_that_one(house: House) -> None:
    """Separation of duties holds for each item."""
    engine = house.engine()
    mine, other = asked(house, engine, 2)
    workflow = engine.project.workflow(house.root / "graphs" / "note.yaml")
    own = engine.start(workflow, {"amount": 2000}, "fay")
    engine.drive(own.id)
    items = [*seen(mine), Seen(Run(house, engine, own.id).asked.id, 0), *seen(other)]
    taken = approve_batch(engine, items, "fay")
    assert [item.refused is None for item in taken] == [True, False, True]
    assert "separation of duties" in (taken[1].refused or "")


def test_what_is_not_alike_is_refused_before_anything_is_decided(house: House) -> None:
    """Another tool, more risk, another requirement, another kind of question, one twice, too many, or none at all."""
    house.change("tools/shop.py", '"shop.pay", effect="keyed", risk="high"', '"shop.pay", effect="keyed", risk="low"')
    engine = house.engine()
    first, second = asked(house, engine, 2)
    [paying] = asked(house, engine, 1, "pay")
    small, form = house.begun("pay", engine, amount=10), house.begun("form", engine, amount=500)
    [shipping] = asked(house, engine, 1, "ahead")
    engine.services.approvals.waiting()
    items = seen(first, second)
    for odd, why in (
        (seen(paying), "a batch holds one kind of action"),
        (seen(form), "is no action to approve"),
        (seen(shipping), "is not of low risk"),
        (items[:1], "holds each request once"),
        ([Seen(f"ap-{number}", 0) for number in range(100)], "at most 100"),
    ):
        with pytest.raises(DecisionRefused, match=why):
            approve_batch(engine, [*items, *odd], "fay")
    with pytest.raises(DecisionRefused, match="ask for different approvals"):
        approve_batch(engine, seen(paying, small), "fay")
    with pytest.raises(NotFound):
        approve_batch(engine, [*items, Seen("ap-none", 0)], "fay")
    with pytest.raises(DecisionRefused, match="holds each request once"):
        approve_batch(engine, [], "fay")
    assert [len(engine.services.approvals.votes(item.id)) for item in items] == [0, 0]


def test_an_action_that_has_become_risky_is_not_in_a_batch(house: House) -> None:
    """The risk that counts is the higher of what the request says and what the tool says now."""
    engine = house.engine()
    items = seen(*asked(house, engine, 2))
    house.change("tools/shop.py", '"shop.note", effect="keyed", risk="low"', '"shop.note", effect="keyed", risk="high"')
    with pytest.raises(DecisionRefused, match="is not of low risk"):
        approve_batch(house.engine(), items, "fay")


@pytest.mark.parametrize(
    "written", [["ap-1", "ap-2@0"], ["ap-1@0", "ap-2@"], ["ap-1@0", "ap-2@x"], ["ap-1@0", "ap-2@-1"]]
)
def test_each_of_several_names_its_revision(written: list[str]) -> None:
    """Else nobody could tell what was read."""
    with pytest.raises(UsageError, match="ID@REVISION"):
        read_batch(written)


def test_the_verbs_at_the_terminal(open_house: House, monkeypatch: pytest.MonkeyPatch) -> None:
    """Claim, delegate, vote on behalf of somebody, a batch, and revoke, each with its exit code."""
    open_house.write("policies/people.yaml", "people:\n  fay: [finance]\n  finn: [finance]\n  dan: []\n")
    monkeypatch.chdir(open_house.root)
    monkeypatch.delenv("INTERLOCK_HOME")
    engine = open_house.engine()
    first, second = (open_house.begun("note", engine, amount=2000) for _ in range(2))
    one, two = first.asked.id, second.asked.id

    def review(*arguments: str) -> Any:
        result = CliRunner().invoke(app, ["review", *arguments, "--json"])
        return result.exception if isinstance(result.exception, DecisionRefused) else json.loads(result.stdout)

    assert review("claim", one, "--as", "fay", "--lease", "1h")["claim"]["person"] == "fay"
    assert review("list")["approvals"][0]["claim"]["person"] == "fay"
    told = review("approve", one, "--as", "finn", "--detach")
    assert f"{one} is claimed by fay until" in str(told)
    assert review("release", one, "--as", "fay") == {"claim": None}
    given = review("delegate", "--as", "fay", "--to", "dan", "--role", "finance", "--until", "2099-01-01")["delegation"]
    assert (given["delegate"], given["until"][:4]) == ("dan", "2099")
    batch = review("approve", f"{one}@0", f"{two}@3", "--as", "dan", "--on-behalf-of", "fay")
    assert [item["refused"] is None for item in batch["decisions"]] == [True, False]
    [vote] = review("show", one)["votes"]
    assert (vote["person"], vote["on_behalf_of"]) == ("dan", "fay")
    assert review("revoke", given["id"], "--as", "dan")["delegation"]["revoked_by"] == "dan"
    assert [row["id"] for row in review("delegations")["delegations"]] == [given["id"]]
    assert first.whole()
