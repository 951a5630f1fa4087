"""Limits, errors and many children at once: nothing passes a limit, is lost, or is done twice."""

from __future__ import annotations

from decimal import Decimal
from pathlib import Path
from threading import Event
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from interlock.engine.driver import Driver
from interlock.errors import ProjectError, StoreUnavailable
from interlock.settings import Price
from interlock.testing import ScriptedChatModel
from tests.attacks.families import built, raw, statuses
from tests.attacks.house import THINK, House, Run, attempt

PRICED = {"model": "priced:one", "prices": {"priced:one": Price(input=Decimal(1000), output=Decimal(1000))}}
ANSWER = {"text": "somebody"}

THINKING = """
graph: thinking
version: 1
input: {to: {type: string}}
steps:
  think: {node: think, reads: [to], writes: thought, retry: {attempts: 2, backoff: 1s}}
  note: {call: shop.note, bind: {amount: 1, to: $.to}, writes: noted}
edges:
  - START -> think
  - think -> note
  - note -> END
  - {from: note, on: [rejected, expired, denied], to: END, outcome: not_noted}
output: [noted]
"""

MANY = """
graph: many
version: 1
input: {amount: {type: integer}, names: {type: array, items: {type: string}}}
steps:
  all: {map: {over: $.names, as: to, graph: thinking, at_most: 40, concurrency: 4}, writes: results}
edges:
  - START -> all
  - all -> END
  - {from: all, on: failed, to: END, outcome: some, keeps: [all]}
limits: LIMITS
output: [results]
"""

PAIR = """
graph: pair
version: 1
input: {amount: {type: integer}, to: {type: string, default: anna}}
steps:
  split: {fork: [slow, greedy]}
  slow: {node: slow, reads: [to], writes: one}
  note: {call: shop.note, bind: {amount: $.amount, to: $.to}}
  greedy: {node: think, reads: [to], writes: two}
  more: {node: think, reads: [to], writes: three}
  gather: {join: split}
edges:
  - START -> split
  - {from: split, on: slow, to: slow}
  - {from: split, on: greedy, to: greedy}
  - slow -> note
  - {from: note, on: [done, rejected, expired, denied], to: gather}
  - greedy -> more
  - more -> gather
  - gather -> END
  - {from: gather, on: failed, to: END, outcome: broken, keeps: [note]}
limits: {model_calls: 2}
"""

FLAKY = '''
"""A line a sum, where every third try of a sum does not come off and large ones fail for good."""

import threading
from pathlib import Path

from interlock.errors import EffectFailed, EffectNotDone
from interlock.tools.action import ActionContext, Arguments, Result, about, action

_one_at_a_time = threading.Lock()


class Sum(Arguments):
    amount: int = about("How much.")


class Written(Result):
    amount: int


@action("flaky.write", effect="keyed", risk="low")
def write(arguments: Sum, context: ActionContext) -> Written:
    """Write a sum."""
    with _one_at_a_time:
        tried = Path(context.home, f"tried-{arguments.amount}")
        count = int(tried.read_text()) if tried.exists() else 0
        tried.write_text(str(count + 1))
        if arguments.amount % 10 == 9:
            raise EffectFailed("this one never works")
        if arguments.amount % 3 == 0 and count == 0:
            raise EffectNotDone("not this time")
        with Path(context.home, "written").open("a") as lines:
            lines.write(f"{arguments.amount}\\n")
    return Written(amount=arguments.amount)
'''

FLAKY_POLICY = """
policy: flaky
version: 1
applies_to: [flaky.write]
inputs: {amount: {type: int}}
rules:
  - {id: odd, when: {amount: {not_in: [4, 8, 12, 16, 20, 24, 28, 32, 36, 40]}}, then: auto, because: any}
  - {id: four, when: {amount: {in: [4, 8, 12, 16, 20, 24, 28, 32, 36, 40]}}, then: {approve: {count: 1}}, because: four}
"""

FLAKY_GRAPHS = {
    "write": """
graph: write
version: 1
input: {sum: {type: integer}}
steps:
  write: {call: flaky.write, bind: {amount: $.sum}, writes: written, retry: {attempts: 3, backoff: 1s}}
edges:
  - START -> write
  - write -> END
  - {from: write, on: failed, to: END, outcome: broken}
  - {from: write, on: [rejected, expired, denied], to: END, outcome: refused}
output: [written]
""",
    "forty": """
graph: forty
version: 1
input: {amount: {type: integer}, sums: {type: array, items: {type: integer}}}
steps:
  all: {map: {over: $.sums, as: sum, graph: write, at_most: 40, concurrency: 8}, writes: results}
edges:
  - START -> all
  - all -> END
  - {from: all, on: failed, to: END, outcome: some, keeps: [all]}
output: [results]
""",
}

NAMES = [f"n{number}" for number in range(12)]


def many(house: House, limits: str, chat: Any, **settings: Any) -> Run:
    """A map over twelve names, four at once, each thinking and then noting."""
    house.write("graphs/thinking.yaml", THINKING)
    house.write("graphs/many.yaml", MANY.replace("LIMITS", limits))
    return house.begun("many", house.engine(chat=chat, **settings), names=NAMES)


@pytest.mark.parametrize(
    ("limits", "column", "most"),
    [("{steps: 11}", "steps", 11), ("{model_calls: 5}", "model_calls", 5), ("{model_calls: 0}", "model_calls", 0)],
)
def test_a_limit_of_the_whole_holds_for_children_at_once(house: House, limits: str, column: str, most: int) -> None:
    """Threads that count at one moment never pass it; all of the family ends, and nothing goes on afterwards."""
    model = ScriptedChatModel([ANSWER], loop=True)
    run = many(house, limits, model)
    row = run.engine.services.runs.get(run.id)
    assert (row.status, row.outcome, getattr(row, column)) == ("failed", "limit", most)
    assert limits.strip("{}").split(":")[0] in (row.error or "")
    assert set(statuses(run).values()) <= {"failed", "done"}
    assert len(model.received) == row.model_calls
    did, calls = list(house.effects), len(model.received)
    assert len(did) == len(set(did)) <= row.steps
    again = house.engine(chat=model)
    again.drive(run.id)
    for tail in [tail for tail in statuses(run) if tail][:4]:
        child = Run(house, again, run.id + tail)
        attempt(lambda child=child: raw(child).invoke(None, child.config))
    assert (house.effects, len(model.received)) == (did, calls)
    assert run.whole()


def test_money_spent_by_one_child_stops_the_others(house: House) -> None:
    """Calls that are under way are counted, none begins after; every child is ended with the run."""
    model = ScriptedChatModel([ANSWER], loop=True)
    run = many(house, "{cost: {usd: 0.001}}", model, **PRICED)
    row = run.engine.services.runs.get(run.id)
    assert (row.status, row.outcome) == ("failed", "limit")
    assert len(model.received) <= 4  # no more than were under way at once
    assert row.cost_micro_usd == sum(
        each.cost_micro_usd for each in run.engine.services.runs.children(run.id)
    )  # whoever spent it, it is on record above
    assert house.effects == []
    assert set(statuses(run).values()) == {"failed"}


def test_tokens_of_a_run_add_up_from_those_below(house: House) -> None:
    """Without limits, what the parent has used is what its own visits and its children have."""
    run = many(house, "{}", ScriptedChatModel([ANSWER], loop=True))
    row, children = run.engine.services.runs.get(run.id), run.engine.services.runs.children(run.id)
    assert run.status == "done"
    assert row.tokens == sum(each.tokens for each in children) > 0
    assert row.model_calls == sum(each.model_calls for each in children) == 12
    assert row.steps == sum(each.steps for each in children) + 1


def test_a_child_that_thinks_while_the_limit_is_reached_does_not_act(house: House, monkeypatch: Any) -> None:
    """One branch uses up the calls while the other's is under way: when that comes back, its action is refused."""
    ended, asked = Event(), Event()
    end = Driver.end

    def told(*arguments: Any, **named: Any) -> Any:
        try:
            return end(*arguments, **named)
        finally:
            ended.set()

    monkeypatch.setattr(Driver, "end", told)

    class Slow(ScriptedChatModel):
        def _generate(self, *arguments: Any, **named: Any) -> Any:
            if "Slowly" in str(arguments[0]):
                asked.set()
                assert ended.wait(60)
            else:
                assert asked.wait(60)
            return super()._generate(*arguments, **named)

    house.write("nodes/slow.yaml", THINK.replace("node: think", "node: slow").replace("Who", "Slowly: who"))
    house.write("graphs/pair.yaml", PAIR)
    run = house.begun("pair", house.engine(chat=Slow([ANSWER], loop=True)))
    assert (run.status, run.outcome) == ("failed", "limit")
    assert set(statuses(run).values()) == {"failed"}
    assert house.effects == []
    assert run.engine.services.runs.get(run.id).model_calls == 2
    assert run.whole()


def test_counting_goes_on_after_a_crash(house: House) -> None:
    """A process that dies in the middle of a map leaves its counts; the next one has only the rest."""
    calls = 0

    class Dying(ScriptedChatModel):
        def _generate(self, *arguments: Any, **named: Any) -> Any:
            nonlocal calls
            calls += 1
            if calls == 3:
                raise KeyboardInterrupt
            return super()._generate(*arguments, **named)

    house.write("graphs/thinking.yaml", THINKING)
    house.write(
        "graphs/many.yaml", MANY.replace("LIMITS", "{model_calls: 6}").replace("concurrency: 4", "concurrency: 1")
    )
    with pytest.raises(KeyboardInterrupt):
        house.begun("many", house.engine(chat=Dying([ANSWER], loop=True)), names=NAMES)
    (row,) = house.engine().services.runs.list()
    assert (row.status, row.model_calls) == ("running", 3)
    model = ScriptedChatModel([ANSWER], loop=True)
    run = Run(house, house.engine(chat=model), row.id)
    run.drive()
    assert (run.status, run.outcome) == ("failed", "limit")
    assert run.engine.services.runs.get(run.id).model_calls == 6
    assert len(model.received) == 3
    assert len(house.effects) == len(set(house.effects)) == 5
    assert run.whole()


# Errors --------------------------------------------------------------------------------------------


def test_a_child_that_cannot_go_on_keeps_none_of_the_others(house: House) -> None:
    """One branch needs a tool that is gone: the other ends, the error names it, and put back the whole goes on."""
    run = built(house).begun("twins")
    for row in run.engine.standing(run.id).waiting:
        run.engine.approve(row.id, "bob")
    engine = house.engine()
    broken = engine.services.ledger.intend

    def intend(effect: Any, *arguments: Any, **named: Any) -> Any:
        if effect.step == "left":
            raise ProjectError("tools/ declares no action shop.pay")
        return broken(effect, *arguments, **named)

    engine.services.ledger.intend = intend  # type: ignore[method-assign]
    with pytest.raises(ProjectError, match=r"no action shop\.pay"):
        engine.drive(run.id)
    assert house.effects == ["pay 10 anna"]
    left, right = f"{run.id}.split.1.left", f"{run.id}.split.1.right"
    assert engine.services.runs.get(right).status == "done"
    assert engine.services.runs.get(left).status == "running"
    run.drive()
    assert house.effects == ["pay 10 anna"] * 2
    assert run.asked.run_id == run.id
    assert run.whole()


@pytest.mark.parametrize("concurrency", [1, 4])
def test_a_store_that_goes_away_leaves_a_map_that_can_be_resumed(house: House, concurrency: int) -> None:
    """The first error is told; those that have ended stay so, and the rest is done once when the store is back."""
    house.write("graphs/thinking.yaml", THINKING)
    house.write(
        "graphs/many.yaml", MANY.replace("LIMITS", "{}").replace("concurrency: 4", f"concurrency: {concurrency}")
    )

    class Gone(ScriptedChatModel):
        def _generate(self, *arguments: Any, **named: Any) -> Any:
            if len(self.received) == 5:
                raise StoreUnavailable("the disk is gone")
            return super()._generate(*arguments, **named)

    with pytest.raises(StoreUnavailable, match="the disk is gone"):
        house.begun("many", house.engine(chat=Gone([ANSWER], loop=True)), names=NAMES)
    assert len(house.effects) < 12
    (row,) = house.engine().services.runs.list()
    run = Run(house, house.engine(chat=ScriptedChatModel([ANSWER], loop=True)), row.id)
    run.drive()
    assert run.status == "done"
    assert sorted(house.effects) == sorted(f"note 1 {name}" for name in NAMES)
    assert run.whole()


def test_an_interrupt_from_the_keyboard_begins_no_more_children(house: House) -> None:
    """Ctrl-C while four of twelve are driven: those end or stop, the other eight are not begun."""

    class Interrupted(ScriptedChatModel):
        def _generate(self, *arguments: Any, **named: Any) -> Any:
            raise KeyboardInterrupt

    house.write("graphs/thinking.yaml", THINKING)
    house.write("graphs/many.yaml", MANY.replace("LIMITS", "{}"))
    with pytest.raises(KeyboardInterrupt):
        house.begun("many", house.engine(chat=Interrupted([ANSWER], loop=True)), names=NAMES)
    (row,) = house.engine().services.runs.list()
    begun = [each for each in house.engine().services.runs.children(row.id) if each.status != "created"]
    assert 1 <= len(begun) <= 8


# Many at once --------------------------------------------------------------------------------------


def test_forty_items_eight_at_once(house: House) -> None:
    """Some ask, some fail for a while, some for good: the results stand in order, and each effect happened once."""
    house.write("tools/flaky.py", FLAKY)
    house.write("policies/flaky.yaml", FLAKY_POLICY)
    for name, text in FLAKY_GRAPHS.items():
        house.write(f"graphs/{name}.yaml", text)
    run = house.begun("forty", sums=list(range(1, 41)))
    waiting = run.engine.standing(run.id).waiting
    assert {row.request["arguments"]["amount"] for row in waiting} == set(range(4, 41, 4))
    for row in waiting:
        if row.request["arguments"]["amount"] == 8:
            run.engine.services.approvals.reject(row.id, "bob", comment="no")
        else:
            run.engine.approve(row.id, "bob")
    run.drive()
    children = run.engine.services.runs.children(run.id)
    assert [child.input["sum"] for child in children] == list(range(1, 41))
    for child in children:
        amount = child.input["sum"]
        expected = "refused" if amount == 8 else "broken" if amount % 10 == 9 else "done"
        assert child.outcome == expected, amount
    written = [int(line) for line in Path(house.home, "written").read_text().split()]
    assert sorted(written) == [sum for sum in range(1, 41) if sum != 8 and sum % 10 != 9]
    assert run.whole()


# Ids -----------------------------------------------------------------------------------------------

NAME = st.from_regex(r"\A[a-z][a-z0-9_]{0,3}\Z")
UNIT = st.tuples(NAME, st.integers(1, 30), st.none() | NAME | st.integers(1, 30))


def read(tail: str) -> list[tuple[str, int, str | int | None]]:
    """The steps, visits and branches or items that made an id: a step is followed by a number, a branch is not."""
    parts, found = tail.split("."), []
    while parts:
        step, visit, *rest = parts
        if rest and rest[0].isdecimal():
            found.append((step, int(visit), int(rest[0])))
            parts = rest[1:]
        elif rest and (len(rest) == 1 or not rest[1].isdecimal()):
            found.append((step, int(visit), rest[0]))
            parts = rest[1:]
        else:
            found.append((step, int(visit), None))
            parts = rest
    return found


@given(st.lists(UNIT, min_size=1, max_size=5))
def test_an_id_is_of_one_place_only(units: list[tuple[str, int, str | int | None]]) -> None:
    """However deep, an id can be read back in one way: no two places of a run can give the same."""
    tail = ".".join(f"{step}.{visit}" + ("" if label is None else f".{label}") for step, visit, label in units)
    assert read(tail) == units
