"""How large each node and label is, and how its lines of text stand in it."""

from __future__ import annotations

from dataclasses import dataclass

from interlock.graphs.figure import WORDS, Edge, Node, NodeKind
from interlock.graphs.lettering import text_width

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
    "start": (16, 16), "end": (16, 16), "reason": (12, 12), "act": (6, 6), "call": (6, 6), "approve": (14, 14),
    "route": (22, 22), "python": (6, 16), "wait": (6, 24), "graph": (10, 10), "map": (6, 14), "fork": (18, 18),
    "join": (18, 18), "compensate": (22, 6),
}  # fmt: skip
"""How much of the left and right of a node of each kind is no straight top or bottom."""


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
    title = text_width(node.title, TITLE_SIZE, bold=True)
    if node.kind in ("start", "end"):
        width = 2 * PAD_X + (word + (title + 8 if node.title else 0))
        return Size(width, ROUND, left, width - right)
    details = max((text_width(line, DETAIL_SIZE) for line in node.details), default=0.0)
    inner = max(word + ICON + ICON_GAP, title, details, 56.0)
    width = inner + max(left, PAD_X) + max(right, PAD_X)
    height = 2 * PAD_Y + WORD_LINE + (TITLE_LINE if node.title else 0) + DETAIL_LINE * len(node.details)
    if node.kind == "map":
        width, height = width + STACK, height + STACK
    return Size(width, height, left, width - right)


GATE_PAD_X, GATE_PAD_Y = 14.0, 5.0
GATE_WORD = "APPROVAL"


def label_size(edge: Edge) -> tuple[float, float] | None:
    """The room that the text and the gate on an arrow take; None for a bare arrow."""
    width = max((text_width(line, LABEL_SIZE) for line in edge.lines), default=0.0) + 8
    height = LABEL_LINE * len(edge.lines)
    if edge.approval:
        wide, high = gate_size(edge)
        return max(width, wide), height + high + (3 if edge.lines else 0)
    return (width, height) if edge.lines else None


def gate_size(edge: Edge) -> tuple[float, float]:
    """The room of the gate alone."""
    word = text_width(GATE_WORD, WORD_SIZE, bold=True, spacing=WORD_SPACING) + ICON + ICON_GAP
    name = text_width(edge.approval[0], LABEL_SIZE, bold=True)
    rest = max((text_width(line, DETAIL_SIZE) for line in edge.approval[1:]), default=0.0)
    width = max(word, name, rest) + 2 * GATE_PAD_X
    return width, WORD_LINE + LABEL_LINE + DETAIL_LINE * (len(edge.approval) - 1) + 2 * GATE_PAD_Y
