"""A figure as SVG: one file that needs nothing else, read aloud by its title and description.

Colours stand as attributes, which a strict content security policy leaves alone, and again as classes in one
stylesheet, which adds the dark mode and the live states.  No text becomes markup: all of it is escaped.
"""

from __future__ import annotations

import re
from collections.abc import Iterator
from xml.sax import saxutils

from interlock.graphs.pictures.figure import WORDS, Edge, Figure, Marks, Node, NodeKind, lit
from interlock.graphs.pictures.layered.plane import Box, Point
from interlock.graphs.pictures.layout import Layout, Route, laid_out
from interlock.graphs.pictures.looks.boxes import (
    DETAIL_LINE,
    DETAIL_SIZE,
    GATE_PAD_Y,
    GATE_WORD,
    ICON,
    ICON_GAP,
    LABEL_LINE,
    LABEL_SIZE,
    PAD_Y,
    TITLE_LINE,
    TITLE_SIZE,
    WORD_LINE,
    WORD_SIZE,
    WORD_SPACING,
    detail_lines,
    gate_lines,
    gate_size,
    label_lines,
    title_line,
)
from interlock.graphs.pictures.looks.lettering import text_width
from interlock.graphs.pictures.looks.palette import LIGHT
from interlock.graphs.pictures.looks.routing import curves, number
from interlock.graphs.pictures.looks.stylesheet import ROOT, stylesheet
from interlock.graphs.pictures.looks.symbols import BADGES, SIGNS, face, octagon, outlines, rounded

NO_MARKS = Marks()


def drawn(figure: Figure, marks: Marks = NO_MARKS, *, prefix: str | None = None, style: bool = True) -> str:
    """The picture of a figure.

    Args:
        marks: what is lit in it.
        prefix: what every id begins with; two pictures on one page need different ones.
        style: whether the stylesheet stands in it; a page that brings `stylesheet()` itself leaves it out.
    """
    return _Drawing(figure, laid_out(figure), marks, prefix or f"ig-{figure.name}", style).svg()


class _Drawing:
    def __init__(self, figure: Figure, layout: Layout, marks: Marks, prefix: str, style: bool) -> None:
        self.figure, self.layout, self.style = figure, layout, style
        self.marks = lit(figure, marks)
        self.prefix = re.sub(r"[^A-Za-z0-9_-]", "-", prefix)
        self.frames = [box for _, box in layout.frames]

    def svg(self) -> str:
        nodes = list(self.figure.every_node())
        parts, paint = [*self._head()], _paint(LIGHT.frame, LIGHT.frame_line)
        grounds = [(box, f'<path class="frame" d="{rounded(box, 10)}" {paint}/>') for box in self.frames]
        grounds += [(self.layout.boxes[node.name], self._node(node)) for node in nodes if node.inside is not None]
        # What holds other things is larger than they are, and drawn before them.
        grounds.sort(key=lambda ground: -ground[0].width * ground[0].height)
        parts += [text for _, text in grounds]
        parts += [self._edge(route) for route in self.layout.routes]
        parts += [text for route in self.layout.routes if (text := self._label(route))]
        parts += [self._node(node) for node in nodes if node.inside is None]
        return "\n".join([*parts, "</svg>"]) + "\n"

    def _head(self) -> Iterator[str]:
        width, height = number(self.layout.width), number(self.layout.height)
        classes = f"{ROOT} live" if self.marks.states else ROOT
        yield (
            f'<svg xmlns="http://www.w3.org/2000/svg" class="{classes}" width="{width}" height="{height}" '
            f'viewBox="0 0 {width} {height}" role="img" aria-labelledby="{self.prefix}-title {self.prefix}-about" '
            'font-family="system-ui, sans-serif" text-anchor="middle">'
        )
        yield f'<title id="{self.prefix}-title">{_escaped(self.figure.title)}</title>'
        yield f'<desc id="{self.prefix}-about">{_escaped(" ".join(self._about()))}</desc>'
        if self.style:
            yield f"<style>\n{stylesheet()}\n</style>"
        yield "<defs>"
        for state, path in BADGES.items():
            # Colours come from where a badge is used, so that they follow the mode.
            glyph = f'<path d="{path}" fill="none" stroke-width="1.8" stroke-linecap="round" stroke-linejoin="round"/>'
            yield f'<g id="{self.prefix}-{state}"><circle r="8" stroke="none"/>{glyph}</g>'
        yield "</defs>"
        yield f'<rect class="paper" width="{width}" height="{height}" rx="10" fill="{LIGHT.paper}"/>'

    def _about(self) -> Iterator[str]:
        """The picture in sentences."""
        if self.figure.about:
            yield self.figure.about
        for node in self.figure.nodes:
            if node.about:
                yield node.about
            for edge in self.figure.edges:
                if edge.source == node.name:
                    yield _sentence(edge)

    # Nodes --------------------------------------------------------------------------------------

    def _node(self, node: Node) -> str:
        box, tone = self.layout.boxes[node.name], LIGHT.tones[node.kind]
        state = self.marks.states.get(node.name)
        classes = ["node", node.kind, *(["open"] if node.inside else []), *([state] if state else [])]
        if self.marks.on_path(node.name):
            classes.append("counterexample")
        told = f"{node.title or WORDS[node.kind]} ({node.kind}){', ' + state if state else ''}"
        shapes = outlines(node.kind, box)
        weight = 1.8 if node.kind == "end" else 1.4
        paint = _paint(LIGHT.paper if node.inside else tone.ground, tone.line)
        parts = [
            f'<g class="{" ".join(classes)}" data-step={_quoted(node.name)}>',
            f"<title>{_escaped(told + ('. ' + node.about if node.about else ''))}</title>",
            f'<path class="halo" d="{shapes[0]}" fill="none" stroke="{tone.line}" stroke-width="9" '
            'stroke-opacity=".35" stroke-linejoin="round" display="none"/>',
            *(
                f'<path class="shape" d="{shape}" {paint} stroke-width="{weight}" stroke-linejoin="round"/>'
                for shape in shapes
            ),
            *(self._pill(node, box) if node.kind in ("start", "end") else self._lines(node, face(node.kind, box))),
        ]
        if node.kind not in ("start", "end"):
            at = f'x="{number(box.right - 7)}" y="{number(box.top + 1)}"'
            parts += [
                f'<g class="badge badge-{state}" {_paint(LIGHT.states[state], LIGHT.paper)} display="none">'
                f'<use href="#{self.prefix}-{state}" {at}/></g>'
                for state in BADGES
            ]
        return "".join(parts) + "</g>"

    def _pill(self, node: Node, box: Box) -> Iterator[str]:
        """START or END in one line, with the name of the end."""
        word, tone = WORDS[node.kind], LIGHT.tones[node.kind]
        long = text_width(word, WORD_SIZE, bold=True, spacing=WORD_SPACING)
        whole = long + (8 + text_width(title_line(node), TITLE_SIZE, bold=True) if node.title else 0)
        left, y = box.middle[0] - whole / 2, box.middle[1]
        yield _text("word", word, left + long / 2, y + 3.6, WORD_SIZE, tone.word, spaced=True)
        if node.title:
            yield _text(
                "name",
                title_line(node),
                left + long + 8 + (whole - long - 8) / 2,
                y + 5,
                TITLE_SIZE,
                LIGHT.text,
                bold=True,
            )

    def _lines(self, node: Node, box: Box) -> Iterator[str]:
        x = box.middle[0]
        details = detail_lines(node)
        height = WORD_LINE + (TITLE_LINE if node.title else 0) + DETAIL_LINE * len(details)
        y = box.top + PAD_Y if node.inside else box.middle[1] - height / 2
        yield from _headed(node.kind, WORDS[node.kind], x, y)
        y += WORD_LINE
        if node.title:
            yield _text("name", title_line(node), x, y + 14.5, TITLE_SIZE, LIGHT.text, bold=True)
            y += TITLE_LINE
        for line in details:
            yield _text("detail", line, x, y + 10.5, DETAIL_SIZE, LIGHT.muted)
            y += DETAIL_LINE

    # Arrows -------------------------------------------------------------------------------------

    def _classes(self, route: Route) -> str:
        edge, classes = route.edge, ["edge"]
        classes += ["approval"] if edge.approval else ["trouble"] if edge.trouble else []
        classes += ["back"] if route.back else []
        classes += ["taken"] if edge.index >= 0 and edge.index in self.marks.taken else []
        classes += ["counterexample"] if self.marks.follows(edge) else []
        return " ".join(classes)

    def _edge(self, route: Route) -> str:
        edge, way = route.edge, curves(route)
        colour = LIGHT.tones["approve"].line if edge.approval else LIGHT.trouble if edge.trouble else LIGHT.line
        dashes = ' stroke-dasharray="5 4"' if route.back else ""
        ends = f"data-from={_quoted(edge.source)} data-to={_quoted(edge.target)}"
        which = f' data-edge="{edge.index}"' if edge.index >= 0 else ""
        return (
            f'<g class="{self._classes(route)}" {ends}{which}>'
            f"<title>{_escaped(_sentence(edge))}</title>"
            f'<path class="line" d="{way.path()}" fill="none" stroke="{colour}" stroke-width="1.6"{dashes}/>'
            f'<path class="tip" d="{way.tip_path()}" fill="{colour}"/></g>'
        )

    def _label(self, route: Route) -> str:
        """What stands on an arrow, on a ground that covers it."""
        box, edge = route.label, route.edge
        if box is None:
            return ""
        x, y = box.middle[0], box.top
        parts = [f'<g class="{self._classes(route)}">']
        if lines := label_lines(edge):
            high = LABEL_LINE * len(lines)
            wide = max(text_width(line, LABEL_SIZE) for line in lines) + 6
            framed = self._framed((x, y))
            ground = Box(x - wide / 2, y, wide, high)
            colour = LIGHT.frame if framed else LIGHT.paper
            parts.append(
                f'<path class="ground{" framed" if framed else ""}" d="{rounded(ground, 4)}" fill="{colour}"/>'
            )
            for place, line in enumerate(lines):
                parts.append(_text("label", line, x, y + LABEL_LINE * place + 11, LABEL_SIZE, LIGHT.muted))
            y += high + 3
        if edge.approval:
            wide, high = gate_size(edge)
            parts += self._gate(edge, Box(x - wide / 2, y, wide, high))
        return "".join(parts) + "</g>"

    def _framed(self, point: Point) -> bool:
        """Whether the ground at a point is that of a frame: the smallest thing that holds it is one."""
        holding = [(box.width * box.height, True) for box in self.frames if _inside(box, point)]
        whole = [self.layout.boxes[node.name] for node in self.figure.every_node() if node.inside is not None]
        holding += [(box.width * box.height, False) for box in whole if _inside(box, point)]
        return min(holding)[1] if holding else False

    def _gate(self, edge: Edge, box: Box) -> Iterator[str]:
        """The gate of an approval: nothing passes until people have agreed."""
        tone, x, y = LIGHT.tones["approve"], box.middle[0], box.top + GATE_PAD_Y
        paint = _paint(tone.ground, tone.line)
        yield f'<path class="gate" d="{octagon(box, 9)}" {paint} stroke-width="1.6" stroke-linejoin="round"/>'
        yield from _headed("approve", GATE_WORD, x, y)
        first, *others = gate_lines(edge)
        yield _text("name", first, x, y + WORD_LINE + 11, LABEL_SIZE, LIGHT.text, bold=True)
        for place, line in enumerate(others):
            below = y + WORD_LINE + LABEL_LINE + DETAIL_LINE * place + 10.5
            yield _text("detail", line, x, below, DETAIL_SIZE, LIGHT.muted)


def _inside(box: Box, point: Point) -> bool:
    return box.left < point[0] < box.right and box.top < point[1] < box.bottom


def _headed(kind: NodeKind, word: str, x: float, y: float) -> Iterator[str]:
    """The sign of a kind with a word beside it, around `x`."""
    tone, sign = LIGHT.tones[kind], SIGNS[kind]
    long = text_width(word, WORD_SIZE, bold=True, spacing=WORD_SPACING)
    left = x - (long + ICON + ICON_GAP) / 2
    paint = f'class="sign filled" fill="{tone.word}"' if sign.filled else f'class="sign" {_paint("none", tone.word)}'
    yield (
        f'<path {paint} d="{sign.path}" transform="translate({number(left)} {number(y + 1)})" stroke-width="1.4" '
        'stroke-linecap="round" stroke-linejoin="round"/>'
    )
    yield _text("word", word, left + ICON + ICON_GAP + long / 2, y + 11, WORD_SIZE, tone.word, spaced=True)


def _sentence(edge: Edge) -> str:
    """An arrow in words."""
    said = [*([" or ".join(edge.on)] if edge.on else []), *edge.when]
    when = f" ({'; '.join(said)})" if said else ""
    gate = f", after the approval {', '.join(edge.approval)}" if edge.approval else ""
    return f"{edge.source} to {edge.target}{when}{gate}."


_NOT_XML = re.compile("[^\\t\\n\\r\\x20-\\ud7ff\\ue000-\\ufffd\\U00010000-\\U0010ffff]")
"""What must not stand in XML, not even escaped."""


def _escaped(text: str) -> str:
    return saxutils.escape(_NOT_XML.sub("\ufffd", text))


def _quoted(text: str) -> str:
    return saxutils.quoteattr(_NOT_XML.sub("\ufffd", text))


def _paint(fill: str, stroke: str) -> str:
    return f'fill="{fill}" stroke="{stroke}"'


def _text(
    name: str, text: str, x: float, y: float, size: float, fill: str, *, bold: bool = False, spaced: bool = False
) -> str:
    weight = ' font-weight="700"' if spaced else ' font-weight="600"' if bold else ""
    spacing = f' letter-spacing="{WORD_SPACING}"' if spaced else ""
    return (
        f'<text class="{name}" x="{number(x)}" y="{number(y)}" font-size="{number(size)}" fill="{fill}"'
        f"{weight}{spacing}>{_escaped(text)}</text>"
    )
