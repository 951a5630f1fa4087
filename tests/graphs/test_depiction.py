"""What of a spec stands in its figure."""

from __future__ import annotations

from typing import get_args

import pytest
from all_kinds import every_kind, item

from interlock.graphs.pictures.depiction import conditions, depicted
from interlock.graphs.pictures.figure import WORDS, Edge, Marks, Node, NodeKind, closed_groups, lit, returning
from interlock.graphs.spec import END, OUTCOMES, START
from interlock.graphs.spec import Edge as Arrow
from interlock.policies.language import Comparison

FIGURE = depicted(every_kind())


def node(name: str) -> Node:
    return next(node for node in FIGURE.nodes if node.name == name)


def edge(source: str, target: str) -> Edge:
    return next(edge for edge in FIGURE.edges if (edge.source, edge.target) == (source, target))


def test_every_kind_of_step_has_a_kind_of_node() -> None:
    """The language has no step that cannot be drawn, and the words of the kinds differ."""
    assert set(OUTCOMES) | {"start", "end"} == set(get_args(NodeKind)) == set(WORDS)
    assert len(set(WORDS.values())) == len(WORDS)
    assert {node.kind for node in FIGURE.nodes} == set(WORDS)


@pytest.mark.parametrize(
    ("name", "details"),
    [
        (
            "think",
            (
                ("openai:gpt-5",),
                ("records.find", "≤ 3 turns"),
                ("≤ 3 attempts", "≤ 2 visits", "timeout 30s", "≤ 4 model calls", "≤ 900 tokens", "≤ 0.10 USD"),
            ),
        ),
        ("sort", (("LAM, then LLM",),)),
        ("ask", (("Did it arrive?",), ("2 people", "role finance", "within 1d"), ("covers pay",))),
        ("pay", (("payments.transfer", "payments.refund"), ("asks when unsure",))),
        ("undo", (("undoes pay",), ("payments.refund",))),
        ("wait", (("for shipped", "≤ 3d"),)),
        ("nap", (("for 2h",),)),
        ("split", (("2 branches", "4 at once"),)),
        ("each", (("one_item for each of list.rows",), ("≤ 50 items", "4 at once"), ("seen: concat",))),
        ("gather", (("total: sum",),)),
        ("inner", (("runs one_item",),)),
        ("price", (("payments.balance",),)),
        ("add", (("card total",),)),
    ],
)
def test_a_node_says_what_its_step_does(name: str, details: tuple[tuple[str, ...], ...]) -> None:
    """Cards, actions, people, waits and limits stand in the node; what goes without saying does not."""
    assert node(name).details == details


def test_an_arrow_says_what_takes_it() -> None:
    """Outcomes and conditions stand on arrows; `done` alone goes without saying."""
    assert edge(START, "think").when == ("k.size > 1000",)
    assert edge(START, "nap").when == ("else",)
    assert edge("think", "sort").on == ()
    assert edge("sort", "split").on == ("question", "abstained")
    assert edge("pay", "END:failed").when == ("keeps price",)
    assert edge("ask", "pay").approval == ("two_people", "2 people", "within 1d")


def test_trouble_is_told_from_choices() -> None:
    """An arrow is of trouble when only outcomes take it with which a step did not do its work."""
    troubled = {(edge.source, edge.target) for edge in FIGURE.edges if edge.trouble}
    assert ("think", "END:gave_up") in troubled
    assert ("wait", "undo") in troubled
    assert ("ask", "think") not in troubled
    assert ("sort", "split") not in troubled


def test_each_end_has_a_node_of_its_own() -> None:
    """An end is known by its name; without one it is `done` or `failed`, and inside a fork it ends only the branch."""
    assert [node.name for node in FIGURE.nodes if node.kind == "end"] == [
        "END:gave_up", "END:failed", "END:undone", "END:split:no_price", "END:answered",
    ]  # fmt: skip
    assert node("END:split:no_price").title == "no_price"


def test_a_fork_and_its_join_are_a_block() -> None:
    """The steps of all branches, and their ends, stand between the fork and the join."""
    [group] = closed_groups(FIGURE)
    assert (group.entry, group.exit) == ("split", "gather")
    assert group.members == {"split", "each", "price", "gather", "END:split:no_price"}


def test_edges_keep_their_places() -> None:
    """Each arrow knows the edge of the spec that it stands for."""
    spec = every_kind()
    assert [edge.index for edge in FIGURE.edges] == list(range(len(spec.edges)))
    assert all(spec.edges[edge.index].source == edge.source for edge in FIGURE.edges)


def test_the_way_back_is_the_one_that_a_reader_would_call_so() -> None:
    """Of a loop the arrow that leads back to what came before is turned, whatever order the edges stand in."""
    assert {(edge.source, edge.target) for edge in returning(FIGURE)} == {("ask", "think")}


def test_graphs_inside_are_drawn_when_asked_for() -> None:
    """With `expand` the graph of a step stands in its node, its names behind the step's."""
    figure = depicted(every_kind(), expand=True)
    opened = {node.name: node.inside for node in figure.nodes if node.inside is not None}
    assert set(opened) == {"each", "inner"}
    assert [node.name for node in opened["inner"].nodes] == ["inner/START", "inner/look", "inner/END:found"]
    assert all(edge.index == -1 for edge in opened["inner"].edges)


def test_what_a_faulty_spec_lacks_is_left_out() -> None:
    """An edge to a step that could not be read is not drawn, and a fork without a join has no block."""
    spec = every_kind()
    steps = {name: step for name, step in spec.steps.items() if name != "gather"}
    figure = depicted(spec.model_copy(update={"steps": steps, "edges": [*spec.edges, Arrow(source="a", target="b")]}))
    assert "gather" not in {edge.target for edge in figure.edges} | {node.name for node in figure.nodes}
    assert figure.groups == ()


def test_a_path_marks_what_it_goes_through() -> None:
    """A path by steps marks them and the arrows between; END means every end that its last arrow may reach."""
    marks = lit(FIGURE, Marks(path=(START, "think", END)))
    assert [node.name for node in FIGURE.nodes if marks.on_path(node.name)] == [START, "think", "END:gave_up"]
    followed = [(edge.source, edge.target) for edge in FIGURE.edges if marks.follows(edge)]
    assert followed == [(START, "think"), ("think", "END:gave_up")]


@pytest.mark.parametrize(
    ("comparison", "text"),
    [
        (Comparison(eq=True), "x.y = true"),
        (Comparison(ne="a"), "x.y ≠ a"),
        (Comparison(ge=1, lt=5), "x.y < 5; x.y ≥ 1"),
        (Comparison(in_=("a", "b")), "x.y in a, b"),
        (Comparison(not_in=(1, 2)), "x.y not in 1, 2"),
        (Comparison(matches="[a-z]+"), "x.y matches [a-z]+"),
        (Comparison(at_least="record"), "x.y is record or better"),
    ],
)
def test_conditions_are_said_in_signs(comparison: Comparison, text: str) -> None:
    """Every operator of the language has a form that reads well."""
    assert "; ".join(conditions({"$.x.y": comparison})) == text


def test_the_graph_of_an_item_is_a_figure_by_itself() -> None:
    """A small graph: its start, its step, its end."""
    assert [node.kind for node in depicted(item()).nodes] == ["start", "reason", "end"]
