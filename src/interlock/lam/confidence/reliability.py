"""Whether a confidence of 0.8 is right eight times in ten: bins, the expected calibration error, and a diagram."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from html import escape

BINS = 10


@dataclass(frozen=True)
class Bin:
    """Decisions whose confidence is above `low` and at most `high`."""

    low: float
    high: float
    n: int
    confidence: float
    """Mean of theirs."""
    right: float
    """Share that was right."""


def reliability(confidence: Sequence[float], right: Sequence[bool], bins: int = BINS) -> list[Bin]:
    """Equal-width bins; the empty ones are left out."""
    inside: list[list[int]] = [[] for _ in range(bins)]
    for number, value in enumerate(confidence):
        inside[min(bins - 1, max(0, -int(-value * bins // 1) - 1))].append(number)
    return [
        Bin(place / bins, (place + 1) / bins, len(rows), sum(confidence[i] for i in rows) / len(rows),
            sum(right[i] for i in rows) / len(rows))
        for place, rows in enumerate(inside) if rows
    ]  # fmt: skip


def calibration_error(confidence: Sequence[float], right: Sequence[bool], bins: int = BINS) -> float:
    """Expected calibration error over equal-width bins (Naeini et al. 2015), 0 to 1."""
    found = reliability(confidence, right, bins)
    return sum(row.n * abs(row.confidence - row.right) for row in found) / max(1, len(confidence))


_SIZE, _LEFT, _TOP = 320, 56, 44
_COUNTS = 60
_STYLE = (
    "text{font:12px system-ui,sans-serif;fill:#333}.title{font-size:14px;font-weight:600}.grid{stroke:#ddd}"
    ".even{stroke:#999;stroke-dasharray:4 4}.bar{fill:#2f6fb3}.count{fill:#9bb8d6}.asked{stroke:#c2622d}"
    "@media(prefers-color-scheme:dark){text{fill:#ddd}.grid{stroke:#444}}"
)


def diagram(bins: Sequence[Bin], title: str, thresholds: Sequence[tuple[str, float]] = ()) -> str:
    """A reliability diagram (Niculescu-Mizil and Caruana 2005) as SVG: one file, readable on light and dark pages.

    Above, the share that was right in each bin, against the diagonal on which a calibrated model lies; below,
    how many decisions each bin holds.

    Args:
        thresholds: names and places of lines to draw, such as the certified thresholds.
    """
    total, most = sum(row.n for row in bins), max((row.n for row in bins), default=1)
    error = sum(row.n * abs(row.confidence - row.right) for row in bins) / max(1, total)
    height, base = _TOP + _SIZE + 44 + _COUNTS + 16, _TOP + _SIZE

    def x(value: float) -> float:
        return round(_LEFT + _SIZE * value, 1)

    def y(value: float) -> float:
        return round(base - _SIZE * value, 1)

    about = "; ".join(f"{row.low:g} to {row.high:g}: {row.n} decisions, {row.right:.0%} right" for row in bins)
    parts = [
        f'<svg xmlns="http://www.w3.org/2000/svg" viewBox="0 0 {_LEFT + _SIZE + 130} {height}" role="img" '
        f'aria-labelledby="t d"><title id="t">{escape(title)}</title><desc id="d">{escape(about)}</desc>'
        f"<style>{_STYLE}</style>",
        f'<text class="title" x="12" y="22">{escape(title)}</text>',
    ]
    for tenth in range(0, 11, 2):
        mark = tenth / 10
        parts.append(f'<line class="grid" x1="{x(0)}" y1="{y(mark)}" x2="{x(1)}" y2="{y(mark)}"/>')
        parts.append(f'<text x="{_LEFT - 8}" y="{y(mark) + 4}" text-anchor="end">{mark:g}</text>')
        parts.append(f'<text x="{x(mark)}" y="{base + 18}" text-anchor="middle">{mark:g}</text>')
    for row in bins:
        wide = x(row.high) - x(row.low) - 4
        parts.append(
            f'<rect class="bar" x="{x(row.low) + 2}" y="{y(row.right)}" width="{wide:.1f}" '
            f'height="{base - y(row.right):.1f}"/>'
        )
        high = _COUNTS * row.n / most
        foot = base + 40 + _COUNTS
        parts.append(
            f'<rect class="count" x="{x(row.low) + 2}" y="{foot - high:.1f}" width="{wide:.1f}" height="{high:.1f}"/>'
        )
        parts.append(f'<text x="{x((row.low + row.high) / 2)}" y="{foot + 14}" text-anchor="middle">{row.n}</text>')
    parts.append(f'<line class="even" x1="{x(0)}" y1="{y(0)}" x2="{x(1)}" y2="{y(1)}"/>')
    for number, (name, value) in enumerate(thresholds):
        parts.append(f'<line class="asked" x1="{x(value)}" y1="{y(1)}" x2="{x(value)}" y2="{base}"/>')
        parts.append(f'<text x="{x(1) + 8}" y="{_TOP + 34 + 18 * number}">{escape(name)}: {value:.3f}</text>')
    parts.append(f'<text x="{x(1) + 8}" y="{_TOP + 12}">error {error:.3f}</text>')
    parts.append(f'<text x="{x(0.5)}" y="{base + 36}" text-anchor="middle">confidence</text>')
    parts.append(f'<text x="12" y="{_TOP - 8}">share right</text>')
    return "\n".join([*parts, "</svg>"]) + "\n"
