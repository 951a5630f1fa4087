"""The colours of a picture, in light and in dark.  Text on each of them has a contrast of 4.5 to 1 or more."""

from __future__ import annotations

from dataclasses import dataclass

from interlock.graphs.pictures.figure import NodeKind, State


@dataclass(frozen=True)
class Tone:
    """The colours of one kind of node: its ground, its outline, and its word."""

    ground: str
    line: str
    word: str


@dataclass(frozen=True)
class Palette:
    """All colours of one mode."""

    paper: str
    frame: str
    frame_line: str
    text: str
    muted: str
    """Details in nodes, and the text on arrows."""
    line: str
    """Arrows."""
    trouble: str
    """Arrows that are taken when a step could not do its work."""
    path: str
    """A counterexample."""
    tones: dict[NodeKind, Tone]
    states: dict[State, str]


LIGHT = Palette(
    paper="#ffffff", frame="#f4f6f9", frame_line="#c3cad5", text="#1c2230", muted="#535c6b", line="#7f899a",
    trouble="#a8505a", path="#c8102e",
    tones={
        "start": Tone("#1c2230", "#1c2230", "#ffffff"), "end": Tone("#ffffff", "#1c2230", "#535c6b"),
        "reason": Tone("#eeeafd", "#6a4fd3", "#5435b5"), "act": Tone("#dcf2ed", "#0f7c6d", "#0a5f54"),
        "call": Tone("#e3f0fb", "#2273b8", "#18588f"), "approve": Tone("#fde8da", "#c2480f", "#96350d"),
        "route": Tone("#fbf1cd", "#a06a08", "#784a05"), "python": Tone("#e9f3dd", "#55830f", "#3e6210"),
        "wait": Tone("#eceff4", "#64748b", "#445164"), "graph": Tone("#e6ebfd", "#4358cc", "#3346ab"),
        "map": Tone("#f7e7fb", "#a023b0", "#831c90"), "fork": Tone("#e7eaef", "#4d5868", "#384252"),
        "join": Tone("#e7eaef", "#4d5868", "#384252"), "compensate": Tone("#fde6eb", "#c01844", "#9c1239"),
    },
    states={"done": "#1a7f45", "running": "#1f6fd6", "waiting": "#b45309", "failed": "#c8102e"},
)  # fmt: skip

DARK = Palette(
    paper="#12161e", frame="#181d27", frame_line="#3a4454", text="#e9ecf3", muted="#a9b2c3", line="#76829a",
    trouble="#d98590", path="#ff6b81",
    tones={
        "start": Tone("#e9ecf3", "#e9ecf3", "#12161e"), "end": Tone("#12161e", "#e9ecf3", "#a9b2c3"),
        "reason": Tone("#262046", "#9f89f6", "#c5b8fc"), "act": Tone("#10302c", "#35b5a2", "#82decf"),
        "call": Tone("#13293f", "#4fa1e2", "#9accf5"), "approve": Tone("#3a1e0f", "#ef8442", "#fbb68c"),
        "route": Tone("#33290c", "#d4a22e", "#f0ce72"), "python": Tone("#1f2c13", "#86ba3d", "#b8de7f"),
        "wait": Tone("#242a36", "#8595ac", "#bac5d6"), "graph": Tone("#1e254a", "#8192f1", "#b6c0f9"),
        "map": Tone("#331740", "#d265e1", "#edabf4"), "fork": Tone("#2a303c", "#98a3b5", "#cad2de"),
        "join": Tone("#2a303c", "#98a3b5", "#cad2de"), "compensate": Tone("#3c1521", "#f15c80", "#fca4b9"),
    },
    states={"done": "#3fbf74", "running": "#5ca4f5", "waiting": "#f2a33a", "failed": "#ff6b81"},
)  # fmt: skip


def contrast(one: str, other: str) -> float:
    """The contrast of two colours, from 1 to 21, as WCAG 2.2 defines it."""
    high, low = sorted((_luminance(one), _luminance(other)), reverse=True)
    return (high + 0.05) / (low + 0.05)


def _luminance(colour: str) -> float:
    parts = [int(colour[start : start + 2], 16) / 255 for start in (1, 3, 5)]
    red, green, blue = (part / 12.92 if part <= 0.04045 else ((part + 0.055) / 1.055) ** 2.4 for part in parts)
    return 0.2126 * red + 0.7152 * green + 0.0722 * blue
