"""The outline and the small sign of each kind of node, as path data of SVG."""

from __future__ import annotations

from dataclasses import dataclass

from interlock.graphs.pictures.figure import NodeKind, State
from interlock.graphs.pictures.layered.plane import Box
from interlock.graphs.pictures.looks.boxes import CUT, PAD, PAD_X, STACK
from interlock.graphs.pictures.looks.routing import number


@dataclass(frozen=True)
class Sign:
    """A small drawing in a square of 12; it is filled, or drawn with a line."""

    path: str
    filled: bool = False


SIGNS: dict[NodeKind, Sign] = {
    "reason": Sign("M6 0C6.5 4 8 5.5 12 6C8 6.5 6.5 8 6 12C5.5 8 4 6.5 0 6C4 5.5 5.5 4 6 0Z", filled=True),
    "act": Sign("M7.2 0L1.8 6.9H5.4L4.8 12L10.2 5.1H6.6Z", filled=True),
    "call": Sign("M1.2 2L5.2 6L1.2 10M6.6 10.2H11.2"),
    "approve": Sign(
        "M6 .4A2.6 2.6 0 1 1 6 5.6A2.6 2.6 0 1 1 6 .4ZM.8 11.8C.8 8.6 3 7 6 7S11.2 8.6 11.2 11.8Z", filled=True
    ),
    "route": Sign("M6 .6V4.6L2 10.8M6 4.6L10 10.8M1.6 7.6L2 10.8L5 9.6M10.4 7.6L10 10.8L7 9.6"),
    "python": Sign("M4.4 .8C2 .8 3.6 5 1.2 6C3.6 7 2 11.2 4.4 11.2M7.6 .8C10 .8 8.4 5 10.8 6C8.4 7 10 11.2 7.6 11.2"),
    "wait": Sign("M6 .8A5.2 5.2 0 1 1 6 11.2A5.2 5.2 0 1 1 6 .8ZM6 3V6.2L8.2 7.8"),
    "graph": Sign("M.8 .8H11.2V11.2H.8ZM3.6 3.6H8.4V8.4H3.6Z"),
    "map": Sign("M.8 3.6H8.4V11.2H.8ZM3.6 3.6V.8H11.2V8.4H8.4"),
    "fork": Sign("M6 .4V3.6M2 11.6V7.6Q2 3.6 6 3.6Q10 3.6 10 7.6V11.6"),
    "join": Sign("M6 11.6V8.4M2 .4V4.4Q2 8.4 6 8.4Q10 8.4 10 4.4V.4"),
    "compensate": Sign("M4.4 1L1 4.4L4.4 7.8M1 4.4H8A3.2 3.2 0 0 1 8 10.8H4.4"),
}

BADGES: dict[State, str] = {
    "done": "M-3.4 .2L-1 2.8L3.6 -2.6",
    "running": "M-1.6 -2.6L2.8 0L-1.6 2.6Z",
    "waiting": "M-2 -3V3M2 -3V3",
    "failed": "M-2.8 -2.8L2.8 2.8M2.8 -2.8L-2.8 2.8",
}
"""What stands in the disc of each state, around its middle."""


def octagon(box: Box, cut: float) -> str:
    """A box without its corners: what people must agree to."""
    left, top, right, bottom = box.left, box.top, box.right, box.bottom
    return _closed(
        (left + cut, top), (right - cut, top), (right, top + cut), (right, bottom - cut),
        (right - cut, bottom), (left + cut, bottom), (left, bottom - cut), (left, top + cut),
    )  # fmt: skip


def rounded(box: Box, radius: float) -> str:
    """A box with round corners."""
    r = min(radius, box.height / 2, box.width / 2)
    n = number
    return (
        f"M{n(box.left + r)} {n(box.top)}H{n(box.right - r)}A{n(r)} {n(r)} 0 0 1 {n(box.right)} {n(box.top + r)}"
        f"V{n(box.bottom - r)}A{n(r)} {n(r)} 0 0 1 {n(box.right - r)} {n(box.bottom)}H{n(box.left + r)}"
        f"A{n(r)} {n(r)} 0 0 1 {n(box.left)} {n(box.bottom - r)}V{n(box.top + r)}"
        f"A{n(r)} {n(r)} 0 0 1 {n(box.left + r)} {n(box.top)}Z"
    )


def face(kind: NodeKind, box: Box) -> Box:
    """The part of a node's box that its text stands in."""
    before, after = PAD.get(kind, (PAD_X, PAD_X))
    top = box.top + STACK if kind == "map" else box.top
    return Box(box.left + before, top, box.width - before - after, box.bottom - top)


def outlines(kind: NodeKind, box: Box) -> list[str]:
    """The outlines of a node from back to front; the last is the one its text stands in."""
    left, top, right, bottom = box.left, box.top, box.right, box.bottom
    middle = (top + bottom) / 2
    cut_left, cut_right = CUT[kind]
    match kind:
        case "start" | "end":
            return [rounded(box, box.height / 2)]
        case "reason":
            return [rounded(box, 12)]
        case "approve":
            return [octagon(box, cut_left)]
        case "route":
            shape = _closed(
                (left + cut_left, top), (right - cut_right, top), (right, middle),
                (right - cut_right, bottom), (left + cut_left, bottom), (left, middle),
            )  # fmt: skip
            return [shape]
        case "python":
            folded = right - cut_right, top + cut_right
            body = _closed((left, top), (folded[0], top), (right, folded[1]), (right, bottom), (left, bottom))
            return [body + _open((folded[0], top), folded, (right, folded[1]))]
        case "wait":
            n, radius = number, min(cut_right, box.height / 2)
            round_end = f"A{n(radius)} {n(box.height / 2)} 0 0 1 {n(right - radius)} {n(bottom)}"
            return [f"M{n(left)} {n(top)}H{n(right - radius)}{round_end}H{n(left)}Z"]
        case "graph":
            inner = Box(left + 4, top + 4, box.width - 8, box.height - 8)
            return [rounded(box, 6), rounded(inner, 3)]
        case "map":
            front = Box(left, top + STACK, box.width - STACK, box.height - STACK)
            return [rounded(front.moved(STACK * step / 2, -STACK * step / 2), 5) for step in (2, 1, 0)]
        case "fork":
            return [_closed((left + cut_left, top), (right - cut_right, top), (right, bottom), (left, bottom))]
        case "join":
            return [_closed((left, top), (right, top), (right - cut_right, bottom), (left + cut_left, bottom))]
        case "compensate":
            return [
                _closed(
                    (left + cut_left, top), (right, top), (right, bottom), (left + cut_left, bottom), (left, middle)
                )
            ]
        case "call":
            return [rounded(box, 3) + _open((left + 7, top), (left + 7, bottom))]
    return [rounded(box, 3)]


def _closed(*points: tuple[float, float]) -> str:
    return _open(*points) + "Z"


def _open(*points: tuple[float, float]) -> str:
    return "M" + "L".join(f"{number(x)} {number(y)}" for x, y in points)
