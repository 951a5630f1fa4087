"""Pictures: complete, legible, safe to put on a page, and lit without moving anything."""

from __future__ import annotations

import re
import xml.etree.ElementTree as ElementTree
from itertools import combinations

import pytest
from all_kinds import every_kind
from hypothesis import given, settings
from hypothesis import strategies as st
from random_figures import random_figure

from interlock.graphs.pictures.depiction import depicted
from interlock.graphs.pictures.drawing import drawn
from interlock.graphs.pictures.figure import WORDS, Edge, Figure, Marks, Node
from interlock.graphs.pictures.layered.plane import Box
from interlock.graphs.pictures.looks.boxes import DETAIL, detail_lines, node_size
from interlock.graphs.pictures.looks.lettering import folded, shortened, text_width, wrapped
from interlock.graphs.pictures.looks.palette import DARK, LIGHT, Palette, contrast
from interlock.graphs.pictures.looks.stylesheet import stylesheet
from interlock.graphs.pictures.looks.symbols import BADGES, SIGNS, outlines

SVG = "{http://www.w3.org/2000/svg}"
FIGURE = depicted(every_kind())
HOSTILE = "<script>alert(\"1\")</script> & 'x' ]]> \x00\x0b\ud800 日本 \U0001f600"


def read(svg: str) -> ElementTree.Element:
    return ElementTree.fromstring(svg)


def by_step(svg: str) -> dict[str, ElementTree.Element]:
    return {group.get("data-step", ""): group for group in read(svg).iter(f"{SVG}g") if group.get("data-step")}


def texts(element: ElementTree.Element) -> list[str]:
    return ["".join(text.itertext()) for text in element.iter(f"{SVG}text")]


def test_every_step_is_there_with_its_word_and_name() -> None:
    """Each node carries its kind as a class and as a word, its name, and its details."""
    groups = by_step(drawn(FIGURE))
    assert list(groups) == [node.name for node in FIGURE.nodes]
    for node in FIGURE.nodes:
        assert f"node {node.kind}" == groups[node.name].get("class")
        assert texts(groups[node.name]) == [
            WORDS[node.kind], *([node.title] if node.title else []), *detail_lines(node),
        ]  # fmt: skip


def test_every_edge_is_there_with_its_place() -> None:
    """Each arrow names its ends and the edge of the spec that it stands for; gates say who must agree."""
    svg = read(drawn(FIGURE))
    ways = [group for group in svg.iter(f"{SVG}g") if group.get("data-edge")]
    assert sorted(int(way.get("data-edge", "")) for way in ways) == list(range(len(FIGURE.edges)))
    for way in ways:
        edge = FIGURE.edges[int(way.get("data-edge", ""))]
        assert (way.get("data-from"), way.get("data-to")) == (edge.source, edge.target)
    said = texts(svg)
    for word in ("APPROVAL", "two_people", "2 people, within 1d", "question, abstained", "k.size > 1000", "else"):
        assert word in said


def test_the_picture_is_read_aloud() -> None:
    """It is an image with a title and a description, which tells every arrow and approval."""
    svg = read(drawn(FIGURE))
    assert svg.get("role") == "img"
    told = {element.get("id"): element.text for element in (*svg.iter(f"{SVG}title"), *svg.iter(f"{SVG}desc"))}
    title, about = [told[name] for name in str(svg.get("aria-labelledby")).split()]
    assert title == "every_kind, version 7"
    assert about is not None
    assert "ask to pay (approved), after the approval two_people, 2 people, within 1d." in about


def test_it_needs_nothing_else() -> None:
    """No style attribute, no script, no address: a picture passes the strictest content security policy."""
    svg = drawn(FIGURE, Marks({"think": "running"}), style=False)
    for element in read(svg).iter():
        assert element.tag.removeprefix(SVG) in {
            "svg", "title", "desc", "defs", "g", "path", "rect", "circle", "text", "use",
        }  # fmt: skip
        for name, value in element.items():
            assert name != "style"
            assert not name.startswith("on")
            assert name != "href" or value.startswith("#")
            assert "url(" not in value
    assert "<style" not in svg
    assert drawn(FIGURE).count("<style>") == 1


def test_ids_are_its_own() -> None:
    """Every id begins with the prefix, stands once, and every reference finds it."""
    svg = read(drawn(FIGURE, prefix="run 1/a"))
    ids = [value for element in svg.iter() if (value := element.get("id"))]
    assert len(ids) == len(set(ids))
    assert all(name.startswith("run-1-a-") for name in ids)
    used = {value.removeprefix("#") for element in svg.iter() if (value := element.get("href"))}
    assert used | set(str(svg.get("aria-labelledby")).split()) == set(ids)


@settings(max_examples=60, deadline=None)
@given(st.text(min_size=1, max_size=40))
def test_text_stays_text(text: str) -> None:
    """Whatever a name, detail or label holds, the picture is well-formed and gains no element."""

    def figure(words: str) -> Figure:
        nodes = (Node("a", "act", words, ((words, words),), words), Node("b", "end", words))
        edge = Edge("a", "b", (words,), (words,), (words, words))
        return Figure("f", words, words, nodes, (edge, Edge("a", "a", (words,))))

    shape = [element.tag for element in read(drawn(figure(text))).iter() if not element.tag.endswith("text")]
    assert shape == [element.tag for element in read(drawn(figure("x"))).iter() if not element.tag.endswith("text")]


def test_hostile_text_is_shown_and_not_obeyed() -> None:
    """Markup in a name is text; characters that XML forbids are replaced."""
    svg = drawn(Figure("f", HOSTILE, "", (Node("a", "act", HOSTILE, ((HOSTILE,),)),)))
    assert "<script" not in svg
    assert "<script>alert(\"1\")</script> & 'x' ]]>" in "".join(texts(read(svg)))
    assert "\ufffd" in svg


def places(svg: str) -> list[tuple[str, ...]]:
    """Everything that says where something stands."""
    names = ("d", "x", "y", "width", "height", "transform", "viewBox", "points")
    return [tuple(element.get(name, "") for name in names) for element in read(svg).iter()]


def test_marks_move_nothing() -> None:
    """States, taken arrows and a path are classes: the places are those of the bare picture."""
    marks = Marks({"think": "done", "ask": "waiting"}, frozenset({0, 3}), ("START", "think", "END"))
    svg = drawn(FIGURE, marks)
    assert places(svg) == places(drawn(FIGURE))
    groups = by_step(svg)
    assert groups["think"].get("class") == "node reason done counterexample"
    assert groups["ask"].get("class") == "node approve waiting"
    assert groups["END:gave_up"].get("class") == "node end counterexample"
    ways = {group.get("data-edge"): str(group.get("class")).split() for group in read(svg).iter(f"{SVG}g")}
    assert {edge for edge, classes in ways.items() if edge and "taken" in classes} == {"0", "3"}
    assert {edge for edge, classes in ways.items() if edge and "counterexample" in classes} == {"0", "4"}
    assert read(svg).get("class") == "interlock-graph live"


def test_a_state_is_more_than_a_colour() -> None:
    """Each state has a badge with a sign of its own, hidden until its class is set."""
    assert len(set(BADGES.values())) == len(BADGES)
    for group in by_step(drawn(FIGURE)).values():
        kind = str(group.get("class")).split()[1]
        badges = [badge for badge in group.iter(f"{SVG}g") if "badge" in str(badge.get("class"))]
        assert len(badges) == (0 if kind in ("start", "end") else len(BADGES))
        assert all(badge.get("display") == "none" for badge in badges)
    for state in BADGES:
        assert f".node.{state} .badge-{state}{{display:inline}}" in stylesheet()


def test_every_kind_looks_different() -> None:
    """No two kinds share an outline and a colour, and none but the two ends of a fork share a colour."""
    box = Box(0, 0, 120, 60)
    shapes = {kind: tuple(outlines(kind, box)) for kind in WORDS}
    for one, other in combinations(WORDS, 2):
        assert (shapes[one], LIGHT.tones[one]) != (shapes[other], LIGHT.tones[other])
        if {one, other} != {"fork", "join"}:
            assert LIGHT.tones[one].line != LIGHT.tones[other].line or {one, other} == {"start", "end"}
    assert len({sign.path for sign in SIGNS.values()}) == len(SIGNS)
    assert len(set(shapes.values())) == len(shapes) - 1  # START and the ends are both round


@pytest.mark.parametrize("palette", [LIGHT, DARK], ids=["light", "dark"])
def test_text_is_legible(palette: Palette) -> None:
    """All text has a contrast of 4.5 to 1 with what it stands on, and lines one of 3 to 1, as WCAG 2.2 AA asks."""
    for kind, tone in palette.tones.items():
        for ground in (tone.ground, palette.paper) if kind != "start" else (tone.ground,):
            assert contrast(tone.word, ground) >= 4.5, kind
            assert kind == "start" or contrast(palette.text, ground) >= 4.5, kind
            assert kind == "start" or contrast(palette.muted, ground) >= 4.5, kind
        assert contrast(tone.line, palette.paper) >= 3, kind
    for ground in (palette.paper, palette.frame):
        for colour in (palette.text, palette.muted, palette.path):
            assert contrast(colour, ground) >= 4.5
        for colour in (palette.line, palette.trouble, *palette.states.values()):
            assert contrast(colour, ground) >= 3
    for colour in palette.states.values():
        assert contrast(palette.paper, colour) >= 3, "the sign in a badge"


def test_contrast_is_that_of_the_standard() -> None:
    """Black on white has 21, and a colour on itself 1."""
    assert contrast("#000000", "#ffffff") == pytest.approx(21)
    assert contrast("#767676", "#ffffff") == pytest.approx(4.54, abs=0.01)
    assert contrast("#abcdef", "#abcdef") == 1


def test_the_stylesheet_is_whole() -> None:
    """Every colour that a rule uses is set in both modes, every rule is bound to pictures, and none holds markup."""
    css = stylesheet()
    used = set(re.findall(r"var\((--ig-[a-z-]+)\)", css))
    light, dark, *_ = re.findall(r"\.interlock-graph[^{}]*\{(--ig-paper[^{}]*)", css)
    for mode in (light, dark):
        assert used <= set(re.findall(r"(--ig-[a-z-]+):", mode))
    first, *_, last = css.splitlines()
    assert (first, last) == ("@supports (fill:var(--a)){", "}"), "an old renderer keeps to the attributes"
    rules = re.sub(r"@keyframes[^}]*\}\}", "", css)
    for selector in re.findall(r"(?:^|[{}\n])([^{}@\n]+)\{", rules):
        assert all(".interlock-graph" in part for part in selector.split(",") if not part.startswith(":not")), selector
    assert "<" not in css
    assert "prefers-color-scheme:dark" in css


def test_classes_of_the_picture_have_rules() -> None:
    """Colours that stand as attributes stand in the stylesheet as well, so that the dark mode reaches them all."""
    for element in read(drawn(depicted(every_kind(), expand=True))).iter():
        painted = {element.get("fill"), element.get("stroke")} - {None, "none"}
        if not painted:
            continue
        names = str(element.get("class", "")).split()
        assert any(f".{name}" in stylesheet() for name in names), names


@settings(max_examples=25, deadline=None, derandomize=True)
@given(st.builds(random_figure, st.integers(1, 60), st.integers(0, 2**32)))
def test_any_figure_can_be_drawn(figure: Figure) -> None:
    """Random figures are drawn whole, the same way each time."""
    svg = drawn(figure)
    assert set(by_step(svg)) == {node.name for node in figure.every_node()}
    assert svg == drawn(figure)


# Lettering --------------------------------------------------------------------------------------


@given(st.lists(st.text("ab_.", min_size=1, max_size=50), max_size=20), st.integers(1, 4))
def test_lists_are_folded_into_lines(words: list[str], lines: int) -> None:
    """No line is longer than may be, none too many, and what has no room is counted."""
    found = folded(words, DETAIL, lines)
    assert len(found) <= lines
    assert all(len(line) <= DETAIL for line in found)
    last = re.search(r"and (\d+) more$", found[-1]) if found else None
    shown = sum(len(re.findall(r"[ab_.…]+(?:,|$)", line)) for line in found)
    assert shown + (int(last[1]) if last else 0) == len(words)


def test_a_long_list_is_cut_and_counted() -> None:
    """Of thirteen actions those are shown for which there is room."""
    words = [f"records.action_{number}" for number in range(13)]
    assert folded(words, 34, 2) == ["records.action_0,", "records.action_1, and 11 more"]


def test_sentences_break_between_words() -> None:
    """A sentence takes the lines it may and is cut at the end."""
    assert wrapped("Did the goods of this invoice arrive?", 34, 2) == ["Did the goods of this invoice", "arrive?"]
    assert wrapped("one two three four five", 8, 2) == ["one two", "three f…"]
    assert shortened("  a\n b ", 10) == "a b"


def test_a_name_without_end_is_cut() -> None:
    """The longest name takes one short line; the tooltip has all of it."""
    long = "a_step_" * 5000
    svg = drawn(Figure("f", "f", "", (Node(long, "act", long), Node("END:x", "end", long))))
    assert float(str(read(svg).get("width"))) < 900
    assert max(map(len, texts(read(svg)))) == 40
    assert long in svg


def test_wider_text_needs_wider_boxes() -> None:
    """A box is as wide as its widest line, with room on both sides."""
    narrow, wide = Node("a", "act", "a"), Node("a", "act", "a_much_longer_name_of_a_step")
    assert node_size(wide).width > node_size(narrow).width
    assert node_size(wide).width >= text_width(wide.title, 14, bold=True) + 20
    assert text_width("日本", 10) > text_width("ab", 10)
