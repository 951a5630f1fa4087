"""Pure functions of `nodes/*.py`: what they are given, what they may give, and what ends them."""

from __future__ import annotations

import ast
import math
import threading
from collections.abc import Callable
from dataclasses import replace
from datetime import date
from decimal import Decimal
from pathlib import Path
from typing import Annotated, Any

import pytest
from hypothesis import given
from hypothesis import strategies as st
from pydantic import Field

import interlock
from interlock import Result, Values, node
from interlock.engine.project import Project
from interlock.engine.service import Engine
from interlock.errors import ProjectError
from interlock.graphs.cards import PythonCard
from interlock.nodes.drawer import inspect_cards, read_cards
from interlock.nodes.functions import inspect_functions, read_functions
from interlock.nodes.purity import impurities
from interlock.settings import load_settings
from interlock.source import SourceError
from interlock.store.tables import Run
from interlock.testing import FakeClock, check_pure

HEAD = '''"""Functions."""

import datetime
import math
from decimal import Decimal

from interlock import Result, Values, node


class Lines(Values):
    lines: list[int]
    label: str | None = None


class Total(Result):
    total: float
    label: str = ""
'''

SUM = f'''{HEAD}

@node("sum_lines")
def sum_lines(lines: Lines) -> Total:
    """The sum of all lines.

    More is said here.
    """
    return Total(total=sum(lines.lines), label=lines.label or "none")
'''

GRAPH = """
graph: totals
version: 1
input:
  lines: {type: array, items: {type: integer}}
  label: {type: string, optional: true}
steps:
  ask: {approve: Add them up?}
  add: {node: sum_lines, reads: [lines, label], writes: total, timeout: 20s, retry: {attempts: 3}}
edges:
  - START -> ask
  - ask -> add
  - {from: ask, on: [rejected, expired], to: END, outcome: refused}
  - add -> END
  - {from: add, on: failed, to: END, outcome: wrong, writes: error}
output: [total, error]
"""


@pytest.fixture
def root(tmp_path: Path) -> Path:
    for folder in ("graphs", "nodes", "tools", "policies"):
        (tmp_path / "project" / folder).mkdir(parents=True)
    (tmp_path / "project/graphs/totals.yaml").write_text(GRAPH)
    (tmp_path / "project/nodes/totals.py").write_text(SUM)
    return tmp_path / "project"


def opened(root: Path) -> Engine:
    """The project as a new process opens it."""
    return Engine(Project(root=root, settings=load_settings(home=root.parent / "home"), clock=FakeClock(),
                          sleep=lambda seconds: None))  # fmt: skip


def begun(engine: Engine, **values: Any) -> str:
    """A run that waits before the function is called."""
    run = engine.start(engine.project.workflow(engine.project.root / "graphs/totals.yaml"), values, "requester")
    engine.drive(run.id)
    return run.id


def ended(engine: Engine, run_id: str) -> Run:
    for question in engine.standing(run_id).waiting:
        engine.approve(question.id, "fay")
    return engine.drive(run_id).run


def with_body(root: Path, body: str) -> None:
    """The same function with another body."""
    text = SUM[: SUM.index("    return")] + "".join(f"    {line}\n" for line in body.splitlines())
    (root / "nodes/totals.py").write_text(text)


# What is read and written -------------------------------------------------------------------------


def test_a_function_is_a_step(root: Path) -> None:
    """It gets the keys that the step reads, and its result goes into the state."""
    engine = opened(root)
    run = ended(engine, begun(engine, lines=[1, 2, 4], label="x"))
    assert (run.outcome, run.output["total"]) == ("done", {"total": 7.0, "label": "x"})


def test_a_key_that_was_never_written_is_left_to_its_default(root: Path) -> None:
    """None in the state counts as missing where the field has a default."""
    engine = opened(root)
    assert ended(engine, begun(engine, lines=[])).output["total"] == {"total": 0.0, "label": "none"}


def test_what_a_function_does_to_its_values_stays_with_it(root: Path) -> None:
    """It works on a copy: the run's state is as it was."""
    with_body(root, "lines.lines.append(9)\nreturn Total(total=sum(lines.lines))")
    engine = opened(root)
    run_id = begun(engine, lines=[1])
    assert ended(engine, run_id).output["total"]["total"] == 10.0
    graph, _ = engine.project.driver.graph(engine.services.runs.get(run_id).spec_digest)
    assert graph.get_state({"configurable": {"thread_id": run_id}}).values["lines"] == [1]


@pytest.mark.parametrize(
    ("body", "told"),
    [
        ("raise KeyError('tax')", "it failed (KeyError: 'tax')"),
        ("return Total(total=1 / len(lines.lines))", "it failed (ZeroDivisionError"),
        ("return sum_lines(lines)", "it failed"),
        ("return {'total': 1}", "its result is not what it declares (ValueError: it returned dict, not Total)"),
        ("return None", "it returned NoneType, not Total"),
        ("return Total(total=math.nan)", "its result is not what it declares"),
        ("return Total.model_construct(total='much')", "its result is not what it declares"),
        ("raise ValueError('x' * 5000)", "it failed (ValueError: xxx"),
    ],
)
def test_what_goes_wrong_in_a_function_fails_its_step(root: Path, body: str, told: str) -> None:
    """The step fails as invalid, once: the same call would fail again."""
    with_body(root, body)
    engine = opened(root)
    run_id = begun(engine, lines=[])
    run = ended(engine, run_id)
    assert run.outcome == "wrong"
    assert run.output["error"]["kind"] == "invalid"
    assert told in run.output["error"]["message"]
    assert len(run.output["error"]["message"]) < 600
    assert engine.services.runs.visit(run_id, "add", 1).attempts == 1


def test_values_that_do_not_fit_fail_the_step(root: Path) -> None:
    """Nothing is made to fit: text is no number, and the note names the field."""
    (root / "nodes/totals.py").write_text(SUM.replace("list[int]", "list[bool]"))
    (root / "graphs/totals.yaml").write_text(GRAPH.replace("items: {type: integer}", "items: {type: any}"))
    engine = opened(root)
    run = ended(engine, begun(engine, lines=["1"]))
    assert run.outcome == "wrong"
    assert "its values do not fit" in run.output["error"]["message"]
    assert "lines.0" in run.output["error"]["message"]


def test_a_function_past_its_timeout_is_given_up_on(root: Path) -> None:
    """Each attempt has its own time; what a late one gives goes nowhere."""
    engine = opened(root)
    project = engine.project
    hangs, calls = threading.Event(), []

    def late(values: Any) -> Any:
        calls.append(values)
        hangs.wait(60)

    function = project.functions["sum_lines"]
    project.__dict__["functions"] = {"sum_lines": replace(function, run=late)}
    (root / "graphs/totals.yaml").write_text(GRAPH.replace("20s", "1s"))
    run_id = begun(engine, lines=[1])
    run = ended(engine, run_id)
    hangs.set()
    assert (run.outcome, run.output["error"]["kind"], len(calls)) == ("wrong", "timeout", 3)


# What is pinned -----------------------------------------------------------------------------------


@pytest.mark.parametrize("changed", ["other", "gone", "faulty", "renamed"])
def test_a_run_waits_for_the_function_it_began_with(root: Path, changed: str) -> None:
    """Changed under a run, the function is not called; with the old file back the run goes on."""
    file = root / "nodes/totals.py"
    run_id = begun(opened(root), lines=[2, 3])
    match changed:
        case "other":
            file.write_text(SUM.replace("sum(lines.lines)", "sum(lines.lines) + 1"))
        case "gone":
            file.unlink()
        case "faulty":
            file.write_text(SUM.replace("import math", "import random"))
        case "renamed":
            file.write_text(SUM.replace('"sum_lines"', '"add_up"'))
    engine = opened(root)
    engine.approve(engine.standing(run_id).waiting[0].id, "fay")
    with pytest.raises(ProjectError, match=r"sum_lines.*resume"):
        engine.drive(run_id)
    assert engine.services.runs.get(run_id).status == "running"
    file.write_text(SUM)
    assert opened(root).drive(run_id).run.output["total"]["total"] == 5.0


def test_a_fault_elsewhere_in_the_drawer_stops_no_run(root: Path) -> None:
    """A run needs its own function only."""
    run_id = begun(opened(root), lines=[2])
    (root / "nodes/broken.py").write_text("def f(:")
    (root / "nodes/broken.yaml").write_text("node: [")
    assert ended(opened(root), run_id).outcome == "done"


def test_the_card_says_what_the_function_takes_gives_and_is(root: Path) -> None:
    """Schemas and a digest of the whole file; the goal is the first line of the docstring."""
    card = read_cards(root / "nodes")["sum_lines"]
    assert isinstance(card, PythonCard)
    assert card.goal == "The sum of all lines."
    assert card.reads["required"] == ["lines"]
    assert card.reads["additionalProperties"] is False
    assert card.output["properties"]["total"]["type"] == "number"
    before = card.source
    (root / "nodes/totals.py").write_text(SUM + "\n")
    after = read_cards(root / "nodes")["sum_lines"]
    assert isinstance(after, PythonCard)
    assert after.source != before


# The drawer ---------------------------------------------------------------------------------------


def test_cards_and_functions_share_their_names(root: Path) -> None:
    """A name that two files declare is refused, whichever kind they are."""
    (root / "nodes/again.py").write_text(SUM)
    _, findings = inspect_cards(root / "nodes")
    assert [(finding.code, Path(finding.file).name) for finding in findings] == [("N004", "totals.py")]


def test_a_file_may_hold_several_functions(root: Path) -> None:
    """Each is a node; a name that only points to another function is none."""
    more = SUM[SUM.index("\n@node") :].replace("sum_lines", "count") + "\nagain = count\n"
    (root / "nodes/totals.py").write_text(SUM + more)
    assert sorted(read_functions(root / "nodes")) == ["count", "sum_lines"]


def test_no_file_shadows_a_library(root: Path) -> None:
    """A nodes file named like a module is itself only here."""
    (root / "nodes/json.py").write_text(SUM.replace("sum_lines", "other"))
    assert set(read_functions(root / "nodes")) == {"sum_lines", "other"}
    assert math.isclose(__import__("json").loads("1.5"), 1.5)


@pytest.mark.parametrize(
    ("declared", "told"),
    [
        ('@node("Sum")\ndef f(lines: Lines) -> Total:\n    """X."""', "a name has small letters"),
        ('@node("f")\ndef f(lines: Lines) -> int:\n    """X."""', "subclass of Result"),
        ('@node("f")\ndef f(lines: Lines, more: int) -> Total:\n    """X."""', "its one parameter"),
        ('@node("f")\ndef f(lines: dict) -> Total:\n    """X."""', "subclass of Values"),
        ('@node("f")\ndef f(lines: Lines) -> Total:\n    pass', "write a docstring"),
        ("1 / 0", "ZeroDivisionError"),
    ],
)
def test_a_declaration_that_contradicts_itself_is_refused(root: Path, declared: str, told: str) -> None:
    """With the line, and what to write instead."""
    (root / "nodes/totals.py").write_text(HEAD + "\n\n" + declared + "\n")
    with pytest.raises(SourceError, match=r"N012.*" + told.replace("(", r"\(")):
        read_cards(root / "nodes")
    found, [finding] = inspect_functions(root / "nodes")
    assert (found, finding.line) == ([], HEAD.count("\n") + 3)


def test_a_file_that_is_no_text_is_refused(root: Path) -> None:
    """Bytes that are not UTF-8, a null byte, or too many of them."""
    file = root / "nodes/totals.py"
    for data in (b"\xff\xfe", b"x = '\x00'", b"# " + b"x" * 1_000_001):
        file.write_bytes(data)
        assert [finding.code for finding in inspect_functions(root / "nodes")[1]] == ["N011"]


# Purity -------------------------------------------------------------------------------------------

IMPURE = {
    "import os": ("N013", 1, 8),
    "import os.path as p": ("N013", 1, 8),
    "import json, time": ("N013", 1, 14),
    "from . import other": ("N013", 1, 1),
    "from totals import sum_lines": ("N013", 1, 1),
    "from interlock.settings import load_settings": ("N013", 1, 1),
    "from interlock import action": ("N013", 1, 23),
    "from math import *": ("N013", 1, 18),
    "from decimal import localcontext": ("N013", 1, 21),
    "from collections import _sys": ("N013", 1, 25),
    "x = open('f')": ("N014", 1, 5),
    "f = eval": ("N014", 1, 5),
    "x = __import__('os')": ("N014", 1, 5),
    "x = __builtins__": ("N014", 1, 5),
    "x = ().__class__": ("N014", 1, 5),
    "x = datetime.datetime.now()": ("N014", 1, 5),
    "x = date.today()": ("N014", 1, 5),
    "f = datetime.now": ("N014", 1, 5),
    "from datetime import datetime as dt\nf = partial(dt.utcnow)": ("N014", 2, 13),
    "x = datetime.fromtimestamp(1)": ("N014", 1, 5),
    "operator.attrgetter('a')": ("N014", 1, 1),
    "decimal.getcontext()": ("N014", 1, 1),
    "def f(v):\n    global n": ("N014", 2, 5),
    "def f(v):\n    def g():\n        nonlocal v": ("N014", 3, 9),
    "def f(v):\n    print(v)": ("N014", 2, 5),
    "def f(v):\n    yield v": ("N014", 2, 5),
    "async def f(v): ...": ("N014", 1, 1),
    "seen = []\ndef f(v):\n    seen.append(v)": ("N014", 3, 5),
    "seen: dict = {}\ndef f(v):\n    seen[v] = 1": ("N014", 3, 5),
    "seen = {1}\nf = lambda v: seen.add(v)": ("N014", 2, 15),
}


@pytest.mark.parametrize("source", IMPURE)
def test_what_no_pure_function_needs_is_refused_at_its_place(source: str) -> None:
    """One finding, with the line and column of the word."""
    [finding] = impurities(ast.parse(source), Path("nodes/x.py"))
    assert (finding.code, finding.line, finding.column) == IMPURE[source]


@pytest.mark.parametrize(
    "source",
    [
        "import datetime, json, math, re, statistics\nfrom collections.abc import Mapping",
        "from interlock import Result, Values, node",
        "def f(v):\n    found = []\n    found.append(v)\n    return found",
        "RATES = {'a': 1}\ndef f(v):\n    return RATES['a'] * v.now",
        "x = datetime.fromtimestamp(0, tz=UTC)",
        "if __name__ == '__main__':\n    pass",
        "def f(p):\n    return p._replace(x=1)",
    ],
)
def test_what_pure_functions_do_is_let_through(source: str) -> None:
    """No finding."""
    assert impurities(ast.parse(source), Path("nodes/x.py")) == []


# The declaration ----------------------------------------------------------------------------------


class Order(Values):
    day: date
    price: Decimal
    lines: Annotated[list[dict[str, Any]], Field(default_factory=list)]


class Seen(Result):
    day: date
    price: Decimal


@node("look")
def look(order: Order) -> Seen:
    """What an order says."""
    return Seen(day=order.day, price=order.price)


def test_a_declared_function_can_be_called_in_a_test() -> None:
    """It is pure, so nothing guards it."""
    order = Order(day=date(2026, 1, 5), price=Decimal("9.90"))
    assert look(order) == Seen(day=date(2026, 1, 5), price=Decimal("9.90"))


def test_dates_and_decimals_come_as_json_and_go_as_json() -> None:
    """State holds JSON types only: strings become what the field says, and strings again."""
    read = look.read({"day": "2026-01-05", "price": "9.90"})
    assert (read.day, read.price) == (date(2026, 1, 5), Decimal("9.90"))  # type: ignore[attr-defined]
    assert look.written(look(read)) == {"day": "2026-01-05", "price": "9.90"}  # type: ignore[arg-type]


@pytest.mark.parametrize(
    "values", [{}, {"day": "today", "price": "1"}, {"day": "2026-01-05", "price": "1", "more": 1},
               {"day": "2026-01-05", "price": "1", "lines": [{"x": math.nan}]},
               {"day": "2026-01-05", "price": "1", "lines": [{"x": b""}]}]
)  # fmt: skip
def test_values_are_read_strictly(values: dict[str, Any]) -> None:
    """Missing, unknown, misshapen and unrepresentable values are refused."""
    with pytest.raises(ValueError, match=r"."):
        look.read(values)


JSON = st.recursive(
    st.none() | st.booleans() | st.integers(-(2**53), 2**53) | st.text(),
    lambda inner: st.lists(inner, max_size=3) | st.dictionaries(st.text(), inner, max_size=3),
)


@given(st.lists(st.dictionaries(st.text(), JSON, max_size=3), max_size=3))
def test_a_function_gets_an_equal_copy(lines: list[dict[str, Any]]) -> None:
    """Whatever JSON is read comes out equal, and nothing of it is shared."""
    given_values = {"day": "2026-01-05", "price": "1", "lines": lines}
    read = look.read(given_values)
    assert read.lines == lines  # type: ignore[attr-defined]
    assert all(ours is not theirs for ours, theirs in zip(read.lines, lines, strict=True))  # type: ignore[attr-defined]


def test_the_words_of_a_nodes_file_come_from_the_package() -> None:
    """`from interlock import Result, Values, node` gives the ones that the drawer looks for."""
    assert interlock.node is node
    assert interlock.Values is Values
    with pytest.raises(AttributeError, match="no attribute 'nodes_file'"):
        interlock.nodes_file  # noqa: B018


# The check for authors ----------------------------------------------------------------------------


class Numbers(Values):
    numbers: list[int]


class Answer(Result):
    answer: int


def made(work: Callable[[list[int]], int]) -> Any:
    """A function that does `work`."""

    @node("made")
    def function(values: Numbers) -> Answer:
        """Work."""
        return Answer(answer=work(values.numbers))

    return function


def test_check_pure_passes_a_pure_function() -> None:
    """And gives what it returned, for further checks."""
    assert check_pure(made(sum), [{"numbers": [1, 2]}, {"numbers": []}]) == [{"answer": 3}, {"answer": 0}]


def test_check_pure_finds_a_function_that_remembers() -> None:
    """Another result for the same values is one line of the error."""
    seen: list[int] = []

    def remembering(numbers: list[int]) -> int:
        seen.extend(numbers)
        return len(seen)

    with pytest.raises(AssertionError, match="example 0: made gave 3 different results"):
        check_pure(made(remembering), [{"numbers": [1]}])


def test_check_pure_finds_a_function_that_changes_its_values() -> None:
    """A step after it would not see the change, so it does not matter; that it was meant does."""
    with pytest.raises(AssertionError, match="example 1: made changed its values"):
        check_pure(made(lambda numbers: numbers.pop() if numbers else 0), [{"numbers": []}, {"numbers": [4]}])
