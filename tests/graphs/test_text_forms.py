"""A figure as Mermaid and as lines for a terminal."""

from __future__ import annotations

import re

import pytest
from all_kinds import every_kind
from hypothesis import given, settings
from hypothesis import strategies as st
from random_figures import random_figure

from interlock.graphs.pictures.depiction import depicted
from interlock.graphs.pictures.figure import Edge, Figure, Marks, Node
from interlock.graphs.pictures.mermaid import flowchart
from interlock.graphs.pictures.outline import ASCII, UNICODE, outline

FIGURE = depicted(every_kind())
WORDS = [
    "end",
    "graph TD",
    "a (b) [c] {d}",
    'say "hi"',
    "<b>",
    "a-->b",
    "%% x",
    "class x",
    "#quot;",
    "`x`",
    "x;y",
    "日本",
]

_QUOTED = r'"[^"]*"'
_LINES = (
    "flowchart TD",
    rf"subgraph ig_\d+(?:_block)?\[{_QUOTED}\]",
    "end",
    rf'ig_\d+[^\w"]{{1,2}}{_QUOTED}[^\w"]{{1,2}}',
    rf"ig_\d+ (?:-->|==>|-\.->)(?:\|{_QUOTED}\|)? ig_\d+",
    r"class ig_\d+ ig_(?:kind|state)_[a-z]+",
    r"class ig_\d+ ig_counterexample",
    r"classDef ig_\w+ [a-z-]+:[#\w]+(?:,[a-z-]+:[#\w]+)*",
    r"linkStyle [\d,]+ stroke:#\w+,stroke-width:3px",
)
"""Every line that a flowchart of ours may hold; what an author wrote stands in quotes only."""


def only_known_lines(chart: str) -> None:
    for line in chart.splitlines():
        assert any(re.fullmatch(form, line.strip()) for form in _LINES), line


def hostile(word: str) -> Figure:
    nodes = (Node(word, "act", word, ((word, word),)), Node("b", "route", word), Node("END:x", "end", word))
    return Figure(
        "f", word, word, nodes, (Edge(word, "b", (word,), (word,), (word, word)), Edge("b", "END:x", (word,)))
    )


@pytest.mark.parametrize("word", WORDS)
def test_no_word_of_an_author_is_mermaid(word: str) -> None:
    """A step called `end`, a parenthesis or a quotation mark stays text: ids are ours and labels are quoted."""
    chart = flowchart(hostile(word), Marks({word: "done"}, frozenset(), (word, "b")))
    only_known_lines(chart)
    for special in '"<>`[](){}|':
        if special in word:
            assert f"#{ord(special)};" in chart


@settings(max_examples=40, deadline=None, derandomize=True)
@given(st.builds(random_figure, st.integers(1, 60), st.integers(0, 2**32)))
def test_flowcharts_hold_every_node_and_arrow(figure: Figure) -> None:
    """Whatever the figure, each node stands once and each arrow is there; blocks open and close."""
    chart = flowchart(figure)
    only_known_lines(chart)
    every = list(figure.every_node())
    arrows = len(figure.edges) + sum(len(node.inside.edges) for node in every if node.inside is not None)
    assert len(re.findall(r"^\s*class ig_\d+ ig_kind", chart, re.MULTILINE)) == len(every)
    assert len(re.findall(r" (?:-->|==>|-\.->)", chart)) == arrows
    assert len(re.findall(r"^\s*subgraph", chart, re.MULTILINE)) == len(re.findall(r"^\s*end$", chart, re.MULTILINE))


def test_a_flowchart_tells_approvals_and_ways_back() -> None:
    """An approval is a thick arrow with its people, a way back a dotted one, a path a style of its own."""
    chart = flowchart(FIGURE, Marks({"think": "waiting"}, frozenset(), ("START", "think")))
    ids = {node.name: f"ig_{place}" for place, node in enumerate(FIGURE.nodes)}
    label = "approved<br/>APPROVAL two_people<br/>2 people, within 1d"
    assert f'{ids["ask"]} ==>|"{label}"| {ids["pay"]}' in chart
    assert f'{ids["ask"]} -.->|"rejected, expired"| {ids["think"]}' in chart
    assert f"class {ids['think']} ig_state_waiting" in chart
    assert "linkStyle 0 stroke:" in chart


def test_an_outline_names_every_step_and_where_it_leads() -> None:
    """Each step with its kind and details, and below it each of its arrows."""
    lines = outline(FIGURE).splitlines()
    assert lines[:2] == ["every_kind, version 7", "Everything."]
    steps = [node for node in FIGURE.nodes if node.kind != "end"]
    assert sum(line[2] != " " for line in lines[3:] if line.strip()) == len(steps)
    assert sum("──▶" in line or "─↩" in line for line in lines) == len(FIGURE.edges)
    ask = next(place for place, line in enumerate(lines) if line.startswith("  ⬣ ask"))
    assert lines[ask].split(" · ")[1:] == ["Did it arrive?", "2 people, role finance, within 1d", "covers pay"]
    assert " ".join(lines[ask + 1].split()) == "approved ──▶ pay ⬣ approval two_people, 2 people, within 1d"
    assert lines[ask + 2].split() == ["rejected,", "expired", "─↩", "think"]


def test_an_outline_is_aligned() -> None:
    """Arrows of one graph stand in one column, also beside characters that are two columns wide."""
    nodes = (Node("a", "act", "日本"), Node("b", "act", "b"), Node("END:x", "end", "x"))
    edges = (Edge("a", "b", ("日本",)), Edge("b", "END:x", ("a_long_label",)))
    lines = outline(Figure("f", "f", "", nodes, edges)).splitlines()
    arrows = [line.index("──▶") + sum(ord(char) > 0x2FFF for char in line) for line in lines if "──▶" in line]
    assert len(set(arrows)) == 1


def test_an_outline_marks_a_path_and_states() -> None:
    """The bar stands before what a path goes through, the state behind what a run has entered."""
    text = outline(FIGURE, Marks({"think": "waiting"}, frozenset(), ("START", "think", "sort")))
    barred = [line[2:].split()[0] for line in text.splitlines() if line.startswith("┃")]
    assert barred == ["●", "k.size", "✦", "──▶", "◆"]
    assert sum("[waiting]" in line for line in text.splitlines()) == 1


def test_a_plain_terminal_gets_ascii() -> None:
    """Without Unicode an outline says the same in ASCII, one sign for each kind."""
    text = outline(FIGURE, Marks(path=("START", "think")), ASCII)
    assert text.isascii()
    assert len(text.splitlines()) == len(outline(FIGURE).splitlines())
    assert len(set(ASCII.signs.values())) == len(ASCII.signs)
    assert len(set(UNICODE.signs.values())) == len(UNICODE.signs)
    assert "at most 3 attempts" in text


def test_a_graph_inside_is_indented() -> None:
    """With its figure inside, a step is followed by the steps of its graph, further to the right."""
    lines = outline(depicted(every_kind(), expand=True)).splitlines()
    place = next(place for place, line in enumerate(lines) if line.startswith("  ▣ inner"))
    assert "      ● START" in lines[place:]
