"""How large each node and label is, and how its lines of text stand in it."""

from __future__ import annotations

from dataclasses import dataclass

from interlock.graphs.pictures.figure import WORDS, Edge, Node, NodeKind
from interlock.graphs.pictures.looks.lettering import folded, shortened, text_width, wrapped

WORD_SIZE, TITLE_SIZE, DETAIL_SIZE, LABEL_SIZE = 10.0, 14.0, 11.0, 11.5
WORD_SPACING = 0.9
ICON = 12.0
"""Side of the square that the sign of a kind is drawn in."""
ICON_GAP = 5.0
WORD_LINE, TITLE_LINE, DETAIL_LINE, LABEL_LINE = 15.0, 20.0, 15.0, 15.0
PAD_X, PAD_Y = 16.0, 8.0
ROUND = 32.0
"""Height of START and of the ends."""
STACK = 8.0
"""How far the cards behind a map stick out."""
CUT: dict[NodeKind, tuple[float, float]] = {
    "start": (16, 16), "end": (16, 16), "reason": (12, 12), "act": (4, 4), "call": (4, 4), "approve": (14, 14),
    "route": (22, 22), "python": (6, 16), "wait": (6, 24), "graph": (10, 10), "map": (6, 14), "fork": (18, 18),
    "join": (18, 18), "compensate": (22, 6),
}  # fmt: skip
"""How much of the left and right of a node of each kind is no straight top or bottom."""
PAD: dict[NodeKind, tuple[float, float]] = {
    "approve": (18, 18), "route": (22, 22), "python": (16, 20), "wait": (16, 22), "call": (20, 16), "fork": (24, 24),
    "join": (24, 24), "compensate": (26, 14), "map": (14, 14 + STACK),
}  # fmt: skip
"""What is kept free on the left and right of the text, where it is not `PAD_X`."""


TITLE, DETAIL, LABEL, CONDITION = 40, 34, 24, 34
"""Most characters in a name, in a line of details, of outcomes on an arrow, and of a condition."""


def title_line(node: Node) -> str:
    """The name in a node; the tooltip and the description have all of it."""
    return shortened(node.title, TITLE)


def detail_lines(node: Node) -> list[str]:
    """The small lines in a node."""
    found: list[str] = []
    for words in node.details:
        found += wrapped(words[0], DETAIL, 2) if len(words) == 1 else folded(words, DETAIL, 3)
    return found


def label_lines(edge: Edge) -> list[str]:
    """The lines on an arrow."""
    return [*folded(edge.on, LABEL), *(shortened(text, CONDITION) for text in edge.when)]


def gate_lines(edge: Edge) -> list[str]:
    """The lines in the gate of an arrow: the name of the approval, then who must agree."""
    return [shortened(edge.approval[0], DETAIL), *folded(edge.approval[1:], DETAIL)]


@dataclass(frozen=True)
class Size:
    """Room of one box, and from where to where lines may touch its top and bottom."""

    width: float
    height: float
    low: float
    high: float


def node_size(node: Node) -> Size:
    """The room that a node takes."""
    left, right = CUT[node.kind]
    word = text_width(WORDS[node.kind], WORD_SIZE, bold=True, spacing=WORD_SPACING)
    title = text_width(title_line(node), TITLE_SIZE, bold=True)
    if node.kind in ("start", "end"):
        width = 2 * PAD_X + (word + (title + 8 if node.title else 0))
        return Size(width, ROUND, left, width - right)
    lines = detail_lines(node)
    details = max((text_width(line, DETAIL_SIZE) for line in lines), default=0.0)
    before, after = PAD.get(node.kind, (PAD_X, PAD_X))
    width = max(word + ICON + ICON_GAP, title, details, 56.0) + before + after
    height = 2 * PAD_Y + WORD_LINE + (TITLE_LINE if node.title else 0) + DETAIL_LINE * len(lines)
    if node.kind == "map":
        height += STACK
    return Size(width, height, left, width - right)


def header_height(node: Node) -> float:
    """The room that the text of a node takes above the figure inside it."""
    lines = WORD_LINE + TITLE_LINE + DETAIL_LINE * len(detail_lines(node))
    return PAD_Y + lines + (STACK if node.kind == "map" else 0)


GATE_PAD_X, GATE_PAD_Y = 14.0, 5.0
GATE_WORD = "APPROVAL"


def label_size(edge: Edge) -> tuple[float, float] | None:
    """The room that the text and the gate on an arrow take; None for a bare arrow."""
    lines = label_lines(edge)
    width = max((text_width(line, LABEL_SIZE) for line in lines), default=0.0) + 8
    height = LABEL_LINE * len(lines)
    if edge.approval:
        wide, high = gate_size(edge)
        return max(width, wide), height + high + (3 if lines else 0)
    return (width, height) if lines else None


def gate_size(edge: Edge) -> tuple[float, float]:
    """The room of the gate alone."""
    word = text_width(GATE_WORD, WORD_SIZE, bold=True, spacing=WORD_SPACING) + ICON + ICON_GAP
    first, *others = gate_lines(edge)
    name = text_width(first, LABEL_SIZE, bold=True)
    rest = max((text_width(line, DETAIL_SIZE) for line in others), default=0.0)
    width = max(word, name, rest) + 2 * GATE_PAD_X
    return width, WORD_LINE + LABEL_LINE + DETAIL_LINE * len(others) + 2 * GATE_PAD_Y
