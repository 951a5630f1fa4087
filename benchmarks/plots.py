"""Lines over two axes as SVG: one file that needs nothing else, readable on a light and on a dark page."""

from __future__ import annotations

import math
from collections.abc import Mapping, Sequence
from xml.sax.saxutils import escape

from benchmarks.action_model.plots import BOTTOM, COLOURS, RIGHT, TOP, WIDTH, _document

HEIGHT, LEFT = 360, 64

Points = Sequence[tuple[float, float]]


def lines(title: str, drawn: Mapping[str, Points], *, across: str, up: str) -> str:
    """A line for each name; both axes begin at zero."""
    most_x = _round(max(x for points in drawn.values() for x, _ in points))
    most_y = _round(max(y for points in drawn.values() for _, y in points))
    wide, high = WIDTH - LEFT - RIGHT, HEIGHT - TOP - BOTTOM

    def place(x: float, y: float) -> tuple[float, float]:
        return LEFT + wide * x / most_x, TOP + high * (1 - y / most_y)

    parts = [
        f'<text x="{LEFT + wide / 2:.0f}" y="{HEIGHT - 8}" text-anchor="middle">{escape(across)}</text>',
        f'<text x="12" y="{TOP - 8}">{escape(up)}</text>',
    ]
    for part in range(6):
        (x, base), (start, y) = place(most_x * part / 5, 0), place(0, most_y * part / 5)
        parts.append(f'<line class="grid" x1="{start:.1f}" y1="{y:.1f}" x2="{start + wide:.1f}" y2="{y:.1f}"/>')
        parts.append(f'<text x="{start - 8:.1f}" y="{y + 4:.1f}" text-anchor="end">{most_y * part / 5:g}</text>')
        parts.append(f'<text x="{x:.1f}" y="{base + 18:.1f}" text-anchor="middle">{most_x * part / 5:g}</text>')
    for number, (name, points) in enumerate(drawn.items()):
        colour = COLOURS[number % len(COLOURS)]
        path = " ".join(f"{x:.1f},{y:.1f}" for x, y in (place(*point) for point in points))
        parts.append(f'<polyline points="{path}" fill="none" stroke="{colour}" stroke-width="2"/>')
        beside = TOP + 12 + 18 * number
        parts.append(f'<rect x="{LEFT + wide - 230}" y="{beside}" width="12" height="4" fill="{colour}"/>')
        parts.append(f'<text x="{LEFT + wide - 212}" y="{beside + 7}">{escape(name)}</text>')
    about = "; ".join(f"{name}: " + ", ".join(f"{x:g}/{y:g}" for x, y in each) for name, each in drawn.items())
    return _document(title, about, HEIGHT, parts)


def _round(most: float) -> float:
    """The next 1, 2 or 5 with zeros behind it that is no smaller."""
    power = 10.0 ** math.floor(math.log10(most))
    return next(step * power for step in (1, 2, 5, 10) if step * power >= most)
