"""The parts that the desk's pages are made of: time on a line, values side by side, words for times and sums."""

from __future__ import annotations

import re
import xml.etree.ElementTree as Tree
from datetime import UTC, datetime, timedelta

from interlock.store.tables import Effect, Pause, Run, Visit
from interlock.web.desk.compared import LONGEST, pieces
from interlock.web.desk.spans import line
from interlock.web.desk.timeline import ROWS, Past, timeline
from interlock.web.desk.words import ago, counted, size, span, until, usd

START = datetime(2026, 1, 5, 9, 0, tzinfo=UTC)


def at(**later: float) -> datetime:
    return START + timedelta(**later)


def test_what_happens_is_to_scale_and_what_does_not_is_cut() -> None:
    """A night of waiting takes a fixed width, and is marked; the rest keeps its proportions, and order."""
    busy = [(START, at(seconds=2)), (at(hours=9), at(hours=9, seconds=6))]
    moments = [START, at(seconds=2), at(hours=9), at(hours=9, seconds=6)]
    found = line(moments, busy, width=500, cut_to=100)
    assert [(each.left, each.right, each.cut) for each in found.stretches] == [
        (0, 100, False), (100, 200, True), (200, 500, False)
    ]  # fmt: skip
    assert [(each.start, each.end) for each in found.cuts] == [(at(seconds=2), at(hours=9))]
    assert found.place(at(seconds=1)) == 50
    assert found.place(at(hours=9, seconds=3)) == 350
    assert (found.place(at(days=-1)), found.place(at(days=1))) == (0, 500)


def test_work_is_never_cut_however_long() -> None:
    """A model that thinks for an hour took an hour."""
    found = line([START, at(hours=1), at(hours=1, seconds=1)], [(START, at(hours=1))], width=300, cut_to=50)
    assert found.cuts == []


def test_a_line_of_one_moment_or_of_waiting_alone_has_its_width() -> None:
    """Nothing is divided by nothing."""
    assert [each.right for each in line([START], [], width=300, cut_to=50).stretches] == [300]
    assert line([START, at(hours=1), at(hours=3)], [], width=300, cut_to=50).stretches[-1].right == 300


def past(visits: int = 2, name: str = "pay") -> Past:
    run = Run(
        id="run-1", graph="g", spec_digest="d", status="waiting", input={}, output={}, limits={}, requester="anna",
        created_at=START, updated_at=START,
    )  # fmt: skip
    rows = [
        Visit(run_id="run-1", step=name, visit=number + 1, entered_by=0, position=number + 1, attempts=2,
              outcome="done", entered_at=at(seconds=number), left_at=at(seconds=number + 1))
        for number in range(visits)
    ]  # fmt: skip
    rows.append(
        Visit(run_id="run-1", step="rest", visit=1, entered_by=0, position=visits + 1, entered_at=at(seconds=visits))
    )
    pause = Pause(id="p", run_id="run-1", step="rest", visit=1, payload_schema={}, due_at=at(days=2), state="waiting",
                  created_at=at(seconds=visits))  # fmt: skip
    effect = Effect(id="e", run_id="run-1", step=name, visit=1, slot=0, state="in_doubt", action="<shop>.pay",
                    arguments={}, missing=[], labels={}, evidence={}, model={}, proposed_by=[],
                    intent_at=at(seconds=0.5))  # fmt: skip
    return Past(run, rows, [], [pause], [effect], at(hours=8))


def test_a_run_over_time_tells_each_visit_its_waits_and_effects() -> None:
    """It is well-formed, whatever its names hold, and says in words what was cut."""
    drawn = timeline(past(name='a"><script>'))
    root = Tree.fromstring(drawn)
    assert len(root.findall(".//{*}rect[@class='bar done']")) == 2
    assert len(root.findall(".//{*}rect[@class='bar open']")) == 1
    assert len(root.findall(".//{*}rect[@class='wait']")) == 1
    assert len(root.findall(".//{*}path[@class='effect in_doubt']")) == 1
    assert len(root.findall(".//{*}rect[@class='cut']")) == 1
    about = root.find("{*}desc")
    assert about is not None
    assert about.text == "3 visits of steps in 8 h; cut short where nothing happened: 7 h 59 min."
    assert "style" not in re.sub(r"class=\"[^\"]*\"", "", drawn)


def test_of_a_long_run_the_newest_visits_are_drawn() -> None:
    """The picture does not grow with the run; of one that has not begun there is none."""
    root = Tree.fromstring(timeline(past(visits=500)))
    assert len(root.findall("{*}g")) == ROWS
    before = past()
    assert timeline(Past(before.run, [], [], [], [], START)) == ""


def test_values_are_compared_word_by_word() -> None:
    """What stayed is not marked; what has nothing in common, or is very long, stands whole."""
    found = pieces("Pay 240 EUR to Ada", "Pay 90 EUR to Ada")
    assert [(each.word, each.text) for each in found] == [
        ("same", "Pay "), ("gone", "240"), ("new", "90"), ("same", " EUR to Ada")
    ]  # fmt: skip
    assert [each.word for each in pieces(None, {"a": 1})] == ["new"]
    assert [each.word for each in pieces("abc", {"x": [1, 2]})] == ["gone", "new"]
    long = pieces("a" * LONGEST, "b" * LONGEST)
    assert [each.word for each in long] == ["gone", "new"]
    assert all(len(each.text) < LONGEST for each in long)


def test_times_sums_and_sizes_are_said_shortly() -> None:
    """In their largest units."""
    assert [span(timedelta(seconds=each)) for each in (0.03, 1.25, 59, 61, 3600, 3661, 90_000)] == [
        "30 ms", "1.2 s", "59 s", "1 min 1 s", "1 h", "1 h 1 min", "1 d 1 h"
    ]  # fmt: skip
    assert (ago(START, at(seconds=5)), ago(START, at(minutes=130))) == ("just now", "2 h ago")
    assert (until(at(hours=1), START), until(START, at(hours=1))) == ("in 1 h", "now")
    assert (usd(0), usd(1234), usd(2_500_000)) == ("$0.00", "$0.0012", "$2.50")
    assert (size(812), size(3_400_000)) == ("812 B", "3.4 MB")
    assert (counted(1204, 10_000), counted(10_001, 10_000)) == ("1,204", "10,000+")
