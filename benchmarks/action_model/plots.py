"""Bars and curves as SVG: one file that needs nothing else, readable on a light and on a dark page."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from xml.sax.saxutils import escape

WIDTH, LEFT, RIGHT, TOP, BOTTOM = 640, 150, 24, 44, 46
COLOURS = ("#2f6fb3", "#c2622d", "#4a8c4a", "#8a5aa8")
_STYLE = (
    "text{font:12px system-ui,sans-serif;fill:#333}.title{font-size:14px;font-weight:600}.axis{stroke:#999}"
    ".grid{stroke:#ddd}@media(prefers-color-scheme:dark){text{fill:#ddd}.grid{stroke:#444}}"
)


def _document(title: str, about: str, height: int, parts: Sequence[str]) -> str:
    head = (
        f'<svg xmlns="http://www.w3.org/2000/svg" viewBox="0 0 {WIDTH} {height}" role="img" aria-labelledby="t d">'
        f'<title id="t">{escape(title)}</title><desc id="d">{escape(about)}</desc><style>{_STYLE}</style>'
    )
    return "\n".join([head, f'<text class="title" x="12" y="22">{escape(title)}</text>', *parts, "</svg>"]) + "\n"


def bars(title: str, values: Mapping[str, float], *, unit: str, most: float) -> str:
    """A bar for each value, with the value beside it."""
    parts, span = [], WIDTH - LEFT - RIGHT - 60
    for number, (name, value) in enumerate(values.items()):
        y = TOP + 26 * number
        long = max(0.0, min(1.0, value / most)) * span
        parts.append(f'<text x="{LEFT - 8}" y="{y + 14}" text-anchor="end">{escape(name)}</text>')
        parts.append(f'<rect x="{LEFT}" y="{y}" width="{long:.1f}" height="18" rx="2" fill="{COLOURS[0]}"/>')
        parts.append(f'<text x="{LEFT + long + 6:.1f}" y="{y + 14}">{value:g}{escape(unit)}</text>')
    about = ", ".join(f"{name} {value:g}{unit}" for name, value in values.items())
    return _document(title, about, TOP + 26 * len(values) + 12, parts)


def curves(title: str, lines: Mapping[str, Sequence[tuple[float, float]]], *, across: str, up: str) -> str:
    """Lines over percent in both directions."""
    height, high = 360, 360 - TOP - BOTTOM
    left, wide = 56, WIDTH - 56 - RIGHT

    def place(x: float, y: float) -> tuple[float, float]:
        return left + wide * x / 100, TOP + high * (1 - y / 100)

    parts = []
    for mark in range(0, 101, 20):
        (x, base), (start, y) = place(mark, 0), place(0, mark)
        parts.append(f'<line class="grid" x1="{start:.1f}" y1="{y:.1f}" x2="{start + wide:.1f}" y2="{y:.1f}"/>')
        parts.append(f'<text x="{start - 8:.1f}" y="{y + 4:.1f}" text-anchor="end">{mark}</text>')
        parts.append(f'<text x="{x:.1f}" y="{base + 18:.1f}" text-anchor="middle">{mark}</text>')
    parts.append(f'<text x="{left + wide / 2:.0f}" y="{height - 8}" text-anchor="middle">{escape(across)}</text>')
    parts.append(f'<text x="12" y="{TOP - 8}">{escape(up)}</text>')
    for number, (name, points) in enumerate(lines.items()):
        colour = COLOURS[number % len(COLOURS)]
        path = " ".join(f"{x:.1f},{y:.1f}" for x, y in (place(*point) for point in points))
        parts.append(f'<polyline points="{path}" fill="none" stroke="{colour}" stroke-width="2"/>')
        parts.append(
            f'<rect x="{left + 12}" y="{TOP + high - 18 * (number + 1)}" width="12" height="4" fill="{colour}"/>'
        )
        parts.append(f'<text x="{left + 30}" y="{TOP + high - 18 * (number + 1) + 7}">{escape(name)}</text>')
    about = "; ".join(f"{name}: " + ", ".join(f"{x:g}/{y:g}" for x, y in line) for name, line in lines.items())
    return _document(title, about, height, parts)
