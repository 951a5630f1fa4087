"""A figure as text for a terminal: each step with what it does, and below it where each outcome leads."""

from __future__ import annotations

import unicodedata
from collections.abc import Iterator
from dataclasses import dataclass

from interlock.graphs.pictures.figure import WORDS, Edge, Figure, Marks, Node, NodeKind, lit, returning

NO_MARKS = Marks()


@dataclass(frozen=True)
class Strokes:
    """The characters that an outline is drawn with."""

    signs: dict[NodeKind, str]
    arrow: str
    back: str
    gate: str
    path: str
    between: str
    plain: dict[str, str]
    """What is written for characters that the terminal may not have."""


UNICODE = Strokes(
    signs={
        "start": "●", "end": "◉", "reason": "✦", "act": "▶", "call": "▷", "approve": "⬣", "route": "◆", "python": "ƒ",
        "wait": "◷", "graph": "▣", "map": "▤", "fork": "┬", "join": "┴", "compensate": "↶",
    },
    arrow="──▶", back="─↩ ", gate="⬣", path="┃", between=" · ", plain={},
)  # fmt: skip
ASCII = Strokes(
    signs={
        "start": "o", "end": "@", "reason": "*", "act": ">", "call": "-", "approve": "?", "route": "<", "python": "f",
        "wait": "~", "graph": "#", "map": "=", "fork": "/", "join": "\\", "compensate": "^",
    },
    arrow="-->", back="<--", gate="?", path="!", between="; ",
    plain={"≤": "at most", "≥": ">=", "≠": "!=", "…": "..."},
)  # fmt: skip


def outline(figure: Figure, marks: Marks = NO_MARKS, strokes: Strokes = UNICODE) -> str:
    """The figure as lines of text.

    The bar on the left marks a path; a turned arrow leads back to a step that may have run before.
    """
    text = "\n".join([*_heading(figure), *_steps(figure, lit(figure, marks), strokes, "")]) + "\n"
    for character, instead in strokes.plain.items():
        text = text.replace(character, instead)
    return text


def _heading(figure: Figure) -> Iterator[str]:
    yield figure.title
    if figure.about:
        yield figure.about


def _steps(figure: Figure, marks: Marks, strokes: Strokes, indent: str) -> Iterator[str]:
    back = returning(figure)
    titles = {node.name: _called(node) for node in figure.nodes}
    inside = {name: group.name for group in figure.groups for name in group.members if name != group.entry}
    widest = max((_wide(_said(edge)) for edge in figure.edges), default=0)
    names = [node for node in figure.nodes if node.kind not in ("start", "end")]
    longest = max((_wide(node.title) for node in names), default=0)
    for node in figure.nodes:
        if node.kind == "end":
            continue
        bar = strokes.path if marks.on_path(node.name) else " "
        about = [WORDS[node.kind].lower()] if node.kind != "start" else []
        about += [", ".join(words) for words in node.details]
        if node.name in inside:
            about.append(f"in {inside[node.name]}")
        if node.name in marks.states:
            about.append(f"[{marks.states[node.name]}]")
        title = _padded(titles[node.name], longest) if about else titles[node.name]
        yield ""
        yield f"{bar} {indent}{strokes.signs[node.kind]} {title}  {strokes.between.join(about)}".rstrip()
        for edge in figure.edges:
            if edge.source == node.name:
                bar = strokes.path if marks.follows(edge) else " "
                arrow = strokes.back if edge in back else strokes.arrow
                words = _padded(_said(edge), widest)
                yield f"{bar} {indent}    {words} {arrow} {titles[edge.target]}{_gate(edge, strokes)}".rstrip()
        if node.inside is not None:
            yield from _steps(node.inside, marks, strokes, indent + "    ")


def _said(edge: Edge) -> str:
    return "; ".join([*([", ".join(edge.on)] if edge.on else []), *edge.when])


def _gate(edge: Edge, strokes: Strokes) -> str:
    return f"  {strokes.gate} approval {', '.join(edge.approval)}" if edge.approval else ""


def _called(node: Node) -> str:
    return f"{WORDS[node.kind]} {node.title}".strip() if node.kind in ("start", "end") else node.title


def _wide(text: str) -> int:
    """Columns that a terminal gives to `text`."""
    return sum(2 if unicodedata.east_asian_width(char) in "WF" else not unicodedata.combining(char) for char in text)


def _padded(text: str, columns: int) -> str:
    return text + " " * (columns - _wide(text))
