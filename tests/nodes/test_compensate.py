"""Undoing: which effect is undone, with what, by whose leave, and that it happens once."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import pytest

from interlock.engine.project import Project
from interlock.engine.service import Engine, Standing
from interlock.settings import load_settings
from interlock.store.tables import Effect
from interlock.testing import FakeClock
from tests.nodes.shop import UNDONE, build, happened


class Play:
    """One run of the shop; each `engine` is a new process as far as the stores can tell."""

    def __init__(self, root: Path, graph: str = "undone", **values: Any) -> None:
        self.root, self.home = root, root.parent / "home"
        self.clock = FakeClock()
        engine = self.engine
        run = engine.start(engine.project.workflow(root / f"graphs/{graph}.yaml"), {"what": "row 7", **values}, "rita")
        self.run = run.id
        self.drive()

    @property
    def engine(self) -> Engine:
        settings = load_settings(home=self.home, busy_timeout=5.0)
        return Engine(Project(root=self.root, settings=settings, clock=self.clock, sleep=lambda seconds: None))

    def drive(self) -> Standing:
        return self.engine.drive(self.run)

    def decide(self, word: str, person: str = "fay", **changes: Any) -> Standing:
        engine = self.engine
        [question] = engine.standing(self.run).waiting
        match word:
            case "approve":
                engine.approve(question.id, person)
            case "reject":
                engine.services.approvals.reject(question.id, person, comment="no")
            case "edit":
                engine.edit(question.id, person, changes)
            case "happened" | "did_not_happen":
                engine.services.approvals.respond(question.id, person, happened=word == "happened")
        return engine.drive(self.run)

    def trouble(self, word: str) -> None:
        (self.home / "trouble").write_text(word)

    @property
    def happened(self) -> list[str]:
        return happened(self.home)

    @property
    def rows(self) -> dict[str, Effect]:
        """The rows of the run and its child runs by their id, without the run's."""
        services = self.engine.services
        family = services.runs.family(self.run)
        return {
            row.id.removeprefix(self.run).strip("/"): row for run in family for row in services.ledger.of_run(run.id)
        }

    @property
    def states(self) -> dict[str, str]:
        return {name: row.state for name, row in self.rows.items()}


@pytest.fixture
def shop(tmp_path: Path) -> Path:
    return build(tmp_path / "project", {"undone": UNDONE})


# What is undone, and with what --------------------------------------------------------------------


def test_an_effect_is_undone_with_what_its_ledger_row_knows(shop: Path) -> None:
    """Each argument by its name: bound, else of the result, else of the original arguments, each with its label."""
    play = Play(shop, why="rain")
    standing = play.decide("reject")
    assert play.happened == ["reserve row 7", "release t-row 7 row 7 rain"]
    assert play.states == {"reserve/1/0": "compensated", "release/1/0": "verified"}
    row = play.rows["release/1/0"]
    assert row.arguments == {"ticket": "t-row 7", "what": "row 7", "reason": "rain"}
    assert row.labels == {"ticket": "record", "what": "record", "reason": "user"}
    assert row.undoes == f"{play.run}/reserve/1/0"
    assert standing.run.status == "waiting"
    assert play.decide("approve").run.outcome == "undone"


def test_a_result_that_repeats_what_it_was_given_makes_it_no_better(tmp_path: Path) -> None:
    """Text from outside stays untrusted, though the provider said it back to us."""
    play = Play(build(tmp_path / "project", {"undone": UNDONE.replace("what: {type: string}", OUTSIDE)}))
    play.decide("reject")
    row = play.rows["release/1/0"]
    assert (row.arguments["what"], row.labels) == ("row 7", {"ticket": "record", "what": "untrusted"})


OUTSIDE = "what: {type: string, provenance: untrusted}"


def test_what_was_undone_is_not_undone_again(shop: Path) -> None:
    """A second visit finds nothing, and says so."""
    play = Play(shop)
    play.decide("reject")
    play.decide("reject")
    assert play.happened == ["reserve row 7", "release t-row 7 row 7"]
    assert play.engine.services.runs.visit(play.run, "release", 2).note == "nothing to undo"
    assert play.decide("approve").run.outcome == "undone"


def test_nothing_performed_is_nothing_to_undo(tmp_path: Path) -> None:
    """Where the step was denied, the way through its compensation is done at once."""
    graph = UNDONE.replace("denied], to: END, outcome: nothing", "denied], to: release")
    root = build(tmp_path / "project", {"undone": graph})
    policy = root / "policies/seats.yaml"
    policy.write_text(policy.read_text().replace("then: auto, because: it can", "then: deny, because: it can"))
    play = Play(root)
    assert play.happened == []
    assert play.states == {"reserve/1/0": "denied"}
    assert play.engine.services.runs.visit(play.run, "release", 1).note == "nothing to undo"


def test_a_verified_effect_is_undone_too(shop: Path) -> None:
    """Whether somebody looked makes no difference."""
    play = Play(shop)
    services = play.engine.services
    services.ledger.verified(services.ledger.get(f"{play.run}/reserve/1/0"))
    play.decide("reject")
    assert play.states["reserve/1/0"] == "compensated"


LOOP = """
graph: loop
version: 1
input: {what: {type: string}}
steps:
  reserve: {call: seats.reserve, bind: {what: $.what}, visits: 2}
  more: {approve: Enough?}
  release: {compensate: reserve, visits: 3}
  again: {approve: Stop?}
edges:
  - START -> reserve
  - reserve -> more
  - {from: reserve, on: [rejected, expired, denied, exhausted], to: release}
  - {from: reserve, on: failed, to: END, outcome: stuck, keeps: [reserve]}
  - {from: more, on: approved, to: release}
  - {from: more, on: [rejected, expired], to: reserve}
  - release -> again
  - {from: release, on: [rejected, expired, denied, exhausted, failed], to: END, outcome: stands, keeps: [reserve]}
  - {from: again, on: approved, to: END, outcome: undone}
  - {from: again, on: [rejected, expired], to: release}
"""


def test_effects_of_one_step_are_undone_newest_first(tmp_path: Path) -> None:
    """Each visit of the compensation undoes one."""
    play = Play(build(tmp_path / "project", {"loop": LOOP}), "loop")
    play.decide("reject")
    play.decide("approve")
    assert [play.states[f"reserve/{visit}/0"] for visit in (1, 2)] == ["executed", "compensated"]
    play.decide("reject")
    assert [play.states[f"reserve/{visit}/0"] for visit in (1, 2)] == ["compensated", "compensated"]
    assert play.rows["release/2/0"].undoes == f"{play.run}/reserve/1/0"


FORKED = """
graph: forked
version: 1
input: {what: {type: string}}
steps:
  split: {fork: [one, other]}
  reserve: {call: seats.reserve, bind: {what: $.what}}
  hold: {call: seats.hold, bind: {what: $.what}}
  gather: {join: split}
  release: {compensate: reserve}
edges:
  - START -> split
  - {from: split, on: one, to: reserve}
  - {from: split, on: other, to: hold}
  - {from: reserve, on: [done, rejected, expired, denied], to: gather}
  - {from: hold, on: [done, rejected, expired, denied], to: gather}
  - gather -> release
  - {from: gather, on: failed, to: release}
  - {from: release, on: done, to: END, outcome: undone}
  - {from: release, on: [rejected, expired, denied, failed], to: END, outcome: stands, keeps: [reserve, hold]}
"""


def test_what_a_branch_did_is_undone_after_the_join(tmp_path: Path) -> None:
    """The effect stands in the branch's child run; a graph that is run as a step keeps its own."""
    play = Play(build(tmp_path / "project", {"forked": FORKED}), "forked")
    assert play.drive().run.outcome == "undone"
    assert play.rows["release/1/0"].undoes == f"{play.run}.split.1.one/reserve/1/0"
    assert play.happened[-1] == "release t-row 7 row 7"
    assert sorted(play.states.values()) == ["compensated", "executed", "verified"]


NESTING = """
graph: nesting
version: 1
input: {what: {type: string}}
steps:
  inner: {graph: inner, bind: {what: $.what}}
  reserve: {call: seats.hold, bind: {what: $.what}}
  release: {compensate: reserve, bind: {owner: $.what}}
edges:
  - START -> inner
  - {from: inner, on: done, to: release}
  - {from: reserve, on: [done, rejected, expired, denied], to: release}
  - {from: inner, on: failed, to: reserve}
  - {from: release, on: [done, rejected, expired, denied], to: END}
  - {from: release, on: failed, to: END, outcome: stuck, keeps: [inner, reserve]}
"""

INNER = """
graph: inner
version: 1
input: {what: {type: string}}
steps:
  reserve: {call: seats.reserve, bind: {what: $.what}}
edges:
  - START -> reserve
  - {from: reserve, on: [done, rejected, expired, denied], to: END}
"""


def test_a_step_of_the_same_name_in_another_graph_is_another_step(tmp_path: Path) -> None:
    """What a nested graph did is not undone for a step that happens to be called the same."""
    play = Play(build(tmp_path / "project", {"nesting": NESTING, "inner": INNER}), "nesting")
    assert play.engine.services.runs.get(play.run).status == "done"
    assert play.happened == ["reserve row 7"]
    assert play.engine.services.runs.visit(play.run, "release", 1).note == "nothing to undo"


HELD = UNDONE.replace("call: seats.reserve", "call: seats.hold").replace("reason: $.why", "owner: $.why")


def test_an_argument_that_nothing_gives_is_asked_for(tmp_path: Path) -> None:
    """A person fills it in; nothing is guessed."""
    play = Play(build(tmp_path / "project", {"undone": HELD}))
    [question] = play.decide("reject").waiting
    assert (question.kind, question.request["missing"]) == ("question", ["owner"])
    assert play.happened == ["hold row 7"]
    play.decide("edit", owner="otto")
    assert play.happened == ["hold row 7", "reassign otto"]
    assert play.states == {"reserve/1/0": "compensated", "release/1/0": "superseded", "release/1/1": "executed"}
    assert play.rows["release/1/1"].undoes == f"{play.run}/reserve/1/0"


# By whose leave -----------------------------------------------------------------------------------

ASKS = "{approve: {count: 1, within: 1h, execute_within: 5m}}"


def test_undoing_passes_the_gate_like_any_action(tmp_path: Path) -> None:
    """Where the policy asks, a person agrees first; the requester cannot."""
    play = Play(build(tmp_path / "project", {"undone": UNDONE}, releasing=ASKS))
    [question] = play.decide("reject").waiting
    assert question.request["action"] == "seats.release"
    assert (play.happened, play.states["reserve/1/0"]) == (["reserve row 7"], "executed")
    play.decide("approve")
    assert play.happened == ["reserve row 7", "release t-row 7 row 7"]
    assert play.states == {"reserve/1/0": "compensated", "release/1/0": "verified"}


def test_undoing_that_is_refused_leaves_what_was_done(tmp_path: Path) -> None:
    """The original stays executed, and the run goes the way of the refusal."""
    play = Play(build(tmp_path / "project", {"undone": UNDONE}, releasing=ASKS))
    play.decide("reject")
    assert play.decide("reject").run.outcome == "stands"
    assert play.states == {"reserve/1/0": "executed", "release/1/0": "rejected"}


def test_undoing_that_policies_deny_does_not_happen(tmp_path: Path) -> None:
    """No compensation goes past the rules."""
    play = Play(build(tmp_path / "project", {"undone": UNDONE}, releasing="deny"))
    assert play.decide("reject").run.outcome == "stands"
    assert (play.happened, play.states["reserve/1/0"]) == (["reserve row 7"], "executed")


# When it goes wrong -------------------------------------------------------------------------------


@pytest.mark.parametrize("word", ["not_done", "failed"])
def test_undoing_that_fails_for_certain_leaves_the_effect_to_be_undone(shop: Path, word: str) -> None:
    """The original stands again, and the run says that it is stuck."""
    play = Play(shop)
    play.trouble(word)
    assert play.decide("reject").run.outcome == "stuck"
    assert play.states == {"reserve/1/0": "executed", "release/1/0": "failed"}
    assert play.rows["release/1/0"].attempt == (2 if word == "not_done" else 1)


@pytest.mark.parametrize(
    ("releases", "state"), [("keyed", "executed"), ("idempotent", "executed"), ("queryable", "verified")]
)
def test_undoing_whose_answer_is_lost_is_done_once(tmp_path: Path, releases: str, state: str) -> None:
    """Settled as the effect class allows: another attempt with the same key, or a look."""
    play = Play(build(tmp_path / "project", {"undone": UNDONE}, releases=releases))
    play.trouble("lost")
    standing = play.decide("reject")
    if standing.waiting and standing.waiting[0].kind == "doubt":  # both attempts lost their answers
        assert play.states["reserve/1/0"] == "compensating"
        play.trouble("")
        play.decide("happened")
    assert play.happened == ["reserve row 7", "release t-row 7 row 7"]
    assert play.states["reserve/1/0"] == "compensated"
    assert play.states["release/1/0"] == state


@pytest.mark.parametrize("answer", ["happened", "did_not_happen"])
def test_a_person_settles_undoing_that_nobody_can_look_at(tmp_path: Path, answer: str) -> None:
    """Until then the original is compensating; if it did not happen, it is proposed and gated anew."""
    play = Play(build(tmp_path / "project", {"undone": UNDONE.replace(", retry: {attempts: 2}", "")}, releases="blind"))
    play.trouble("lost")
    [question] = play.decide("reject").waiting
    assert question.kind == "doubt"
    assert play.states == {"reserve/1/0": "compensating", "release/1/0": "in_doubt"}
    play.trouble("")
    play.decide(answer)
    rows = {"reserve/1/0": "compensated", "release/1/0": "executed"}
    if answer == "did_not_happen":
        rows |= {"release/1/0": "failed", "release/1/1": "verified"}
    assert play.states == rows


def test_what_is_in_doubt_cannot_be_undone(shop: Path) -> None:
    """First somebody has to know whether there is anything to undo."""
    play = Play(shop)
    services = play.engine.services
    with services.database.write() as session:
        row = session.get(Effect, f"{play.run}/reserve/1/0")
        assert row is not None
        row.state = "in_doubt"
        session.add(row)
    standing = play.decide("reject")
    assert (standing.run.outcome, play.happened) == ("stuck", ["reserve row 7"])
    note = play.engine.services.runs.visit(play.run, "release", 1).note or ""
    assert "is in_doubt; it cannot be undone yet" in note


def test_the_audit_tells_both_sides_of_undoing(shop: Path) -> None:
    """Every arrow of the original and of its undoing is an entry, in the order they were taken."""
    play = Play(shop)
    play.decide("reject")
    engine = play.engine
    told = [
        (entry["subject"].split("/")[1], entry["event"])
        for entry in engine.history(play.run)
        if entry["event"].startswith("effect.") and entry["event"] != "effect.proposed"
    ]
    assert told[2:] == [
        ("reserve", "effect.executed"),
        ("release", "effect.gated"),
        ("release", "effect.intent"),
        ("reserve", "effect.compensating"),
        ("release", "effect.executed"),
        ("reserve", "effect.compensated"),
        ("release", "effect.verified"),
    ]
    assert engine.audit_fault(None) is None
