"""Times, sizes and sums as people say them."""

from __future__ import annotations

from datetime import datetime, timedelta

UNITS = ((86_400, "d"), (3_600, "h"), (60, "min"))


def span(length: timedelta) -> str:
    """A length of time in its two largest units: `2 d 3 h`, `4 min 10 s`, `1.2 s`, `30 ms`."""
    seconds = length.total_seconds()
    if seconds < 1:
        return f"{round(max(seconds, 0) * 1000)} ms"
    if seconds < 60:
        return f"{seconds:.1f}".removesuffix(".0") + " s"
    for (size, name), (below, small) in zip(UNITS, (*UNITS[1:], (1, "s")), strict=True):
        if seconds >= size:
            rest = int(seconds % size // below)
            return f"{int(seconds // size)} {name}" + (f" {rest} {small}" if rest else "")
    return ""


def ago(moment: datetime, now: datetime) -> str:
    """How long ago something was: `just now`, `3 min`, `2 d`; its largest unit alone."""
    seconds = (now - moment).total_seconds()
    for size, name in UNITS:
        if seconds >= size:
            return f"{int(seconds // size)} {name} ago"
    return "just now"


def until(moment: datetime, now: datetime) -> str:
    """How long it is to a moment: `in 4 h`, or that it has come."""
    return f"in {span(moment - now)}" if moment > now else "now"


def usd(micro: int) -> str:
    """Millionths of a dollar as dollars, small sums to the first digits that tell something."""
    dollars = micro / 1_000_000
    return f"${dollars:,.2f}" if dollars >= 0.1 or not micro else f"${dollars:.4f}"


def size(count: int) -> str:
    """Bytes: `812 B`, `3.4 MB`."""
    value = float(count)
    for unit in ("B", "kB", "MB", "GB"):
        if value < 1000:
            return f"{value:.0f} {unit}" if unit == "B" or value >= 100 else f"{value:.1f} {unit}"
        value /= 1000
    return f"{value:.1f} TB"


def counted(count: int, at_most: int) -> str:
    """A count that was not taken beyond some number: `1,204`, `10,000+`."""
    return f"{at_most:,}+" if count > at_most else f"{count:,}"


def several(count: int, one: str, more: str | None = None) -> str:
    """A count with its noun: `1 step`, `3 steps`."""
    return f"{count:,} {one if count == 1 else more or one + 's'}"
