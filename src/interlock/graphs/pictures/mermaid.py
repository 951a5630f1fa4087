"""A figure as a Mermaid flowchart, for pages that draw Mermaid themselves.

Ids and classes carry a prefix and every text stands in quotes with its special characters as codes, so that a
step called `end`, a parenthesis or a quotation mark is only text.
"""

from __future__ import annotations

from collections.abc import Iterator

from interlock.graphs.pictures.figure import (
    WORDS,
    Edge,
    Figure,
    Group,
    Marks,
    Node,
    NodeKind,
    closed_groups,
    lit,
    returning,
)
from interlock.graphs.pictures.looks.boxes import detail_lines, gate_lines, label_lines, title_line
from interlock.graphs.pictures.looks.palette import LIGHT

_SHAPES: dict[NodeKind, tuple[str, str]] = {
    "start": ("([", "])"), "end": ("([", "])"), "reason": ("(", ")"), "act": ("[", "]"), "call": ("[", "]"),
    "approve": ("{{", "}}"), "route": ("{", "}"), "python": ("[/", "/]"), "wait": ("([", "])"),
    "graph": ("[[", "]]"), "map": ("[[", "]]"), "fork": ("[/", "\\]"), "join": ("[\\", "/]"), "compensate": (">", "]"),
}  # fmt: skip
_CODES = {ord(char): f"#{ord(char)};" for char in '#&<>"`\\|{}[]()@:;%'}
NO_MARKS = Marks()


def flowchart(figure: Figure, marks: Marks = NO_MARKS) -> str:
    """The figure as the text of a Mermaid flowchart."""
    return "\n".join(_Flowchart(figure, lit(figure, marks)).lines()) + "\n"


class _Flowchart:
    def __init__(self, figure: Figure, marks: Marks) -> None:
        self.figure, self.marks = figure, marks
        self.ids = {node.name: f"ig_{place}" for place, node in enumerate(figure.every_node())}
        self.edges: list[Edge] = []

    def lines(self) -> Iterator[str]:
        yield "flowchart TD"
        yield from self._figure(self.figure, "  ")
        for kind, tone in LIGHT.tones.items():
            colour = tone.word if kind == "start" else LIGHT.text
            yield f"  classDef ig_kind_{kind} fill:{tone.ground},stroke:{tone.line},color:{colour}"
        for state, colour in LIGHT.states.items():
            yield f"  classDef ig_state_{state} stroke:{colour},stroke-width:3px"
        yield f"  classDef ig_counterexample stroke:{LIGHT.path},stroke-width:4px"
        lit = [str(place) for place, edge in enumerate(self.edges) if self.marks.follows(edge)]
        if lit:
            yield f"  linkStyle {','.join(lit)} stroke:{LIGHT.path},stroke-width:3px"

    def _figure(self, figure: Figure, indent: str) -> Iterator[str]:
        groups = closed_groups(figure)
        outer = [group for group in groups if not any(group.members < other.members for other in groups)]
        yield from self._nodes(figure.nodes, outer, groups, indent)
        back = returning(figure)
        for edge in figure.edges:
            self.edges.append(edge)
            arrow = "==>" if edge.approval else "-.->" if edge in back else "-->"
            first, *others = gate_lines(edge) if edge.approval else [""]
            gate = [f"APPROVAL {first}", *others] if first else []
            text = "<br/>".join(map(_text, [*label_lines(edge), *gate]))
            label = f'|"{text}"|' if text else ""
            yield f"{indent}{self.ids[edge.source]} {arrow}{label} {self.ids[edge.target]}"

    def _nodes(self, nodes: tuple[Node, ...], outer: list[Group], groups: list[Group], indent: str) -> Iterator[str]:
        written: set[str] = set()
        for node in nodes:
            if node.name in written:
                continue
            group = next((group for group in outer if node.name in group.members), None)
            if group is None:
                yield from self._node(node, indent)
                continue
            written |= group.members
            inside = tuple(other for other in nodes if other.name in group.members)
            inner = [other for other in groups if other.members < group.members]
            top = [one for one in inner if not any(one.members < other.members for other in inner)]
            yield f'{indent}subgraph {self.ids[group.entry]}_block[" "]'
            yield from self._nodes(inside, top, inner, indent + "  ")
            yield f"{indent}end"

    def _node(self, node: Node, indent: str) -> Iterator[str]:
        identity = self.ids[node.name]
        word, title = WORDS[node.kind], _text(title_line(node))
        if node.inside is not None:
            yield f'{indent}subgraph {identity}["{word} {title}"]'
            yield from self._figure(node.inside, indent + "  ")
            yield f"{indent}end"
        else:
            left, right = _SHAPES[node.kind]
            head = [f"{word} {title}".strip()] if node.kind in ("start", "end") else [word, title]
            text = "<br/>".join([*head, *map(_text, detail_lines(node))])
            yield f'{indent}{identity}{left}"{text}"{right}'
        yield f"{indent}class {identity} ig_kind_{node.kind}"
        if node.name in self.marks.states:
            yield f"{indent}class {identity} ig_state_{self.marks.states[node.name]}"
        if self.marks.on_path(node.name):
            yield f"{indent}class {identity} ig_counterexample"


def _text(text: str) -> str:
    """Text that Mermaid shows as it is."""
    return " ".join(text.split()).translate(_CODES)
