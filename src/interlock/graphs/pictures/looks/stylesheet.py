"""The style of pictures: colours of both modes, live states, the path of a finding.  It moves nothing."""

from __future__ import annotations

from collections.abc import Iterator
from functools import cache

from interlock.graphs.pictures.looks.palette import DARK, LIGHT, Palette

ROOT = "interlock-graph"
"""The class of every picture; all rules begin with it."""

FONT = "ui-sans-serif, system-ui, -apple-system, 'Segoe UI', Roboto, 'Helvetica Neue', Arial, 'DejaVu Sans', sans-serif"


@cache
def stylesheet() -> str:
    """The rules as CSS.  A page may bring them for all its pictures; a picture that stands alone holds them itself.

    The dark mode follows the system; the class `dark` or `light` on the picture, or on what it stands in, decides
    where it is given.
    """
    root = f".{ROOT}"
    dark = _variables(DARK)
    rules = [
        f"{root}{{{_variables(LIGHT)}font-family:{FONT}}}",
        f"@media (prefers-color-scheme:dark){{{root}:not(.light):not(.light *){{{dark}}}}}",
        f"{root}.dark,.dark {root}:not(.light){{{dark}}}",
        *(f"{root} {rule}" for rule in _RULES),
        *_kinds(root),
        *_states(root),
        f"@media (prefers-reduced-motion:no-preference){{{root} .running .halo{{animation:interlock-pulse 1.6s "
        "ease-in-out infinite}}",
        "@keyframes interlock-pulse{50%{stroke-opacity:.12}}",
    ]
    # What knows no variables keeps to the attributes of the light mode, instead of painting everything black.
    return "\n".join(["@supports (fill:var(--a)){", *rules, "}"])


def _variables(palette: Palette) -> str:
    found = {
        "paper": palette.paper, "frame": palette.frame, "frame-line": palette.frame_line, "text": palette.text,
        "muted": palette.muted, "line": palette.line, "trouble": palette.trouble, "path": palette.path,
    }  # fmt: skip
    for kind, tone in palette.tones.items():
        found |= {f"{kind}-ground": tone.ground, f"{kind}-line": tone.line, f"{kind}-word": tone.word}
    found |= {str(state): colour for state, colour in palette.states.items()}
    return "".join(f"--ig-{name}:{value};" for name, value in found.items())


_RULES = (
    ".paper{fill:var(--ig-paper)}",
    ".frame{fill:var(--ig-frame);stroke:var(--ig-frame-line)}",
    ".name{fill:var(--ig-text)}",
    ".detail{fill:var(--ig-muted)}",
    ".label{fill:var(--ig-muted)}",
    ".ground{fill:var(--ig-paper)}",
    ".ground.framed{fill:var(--ig-frame)}",
    ".line{stroke:var(--ig-line)}",
    ".tip{fill:var(--ig-line)}",
    ".trouble .line{stroke:var(--ig-trouble)}",
    ".trouble .tip{fill:var(--ig-trouble)}",
    ".approval .line{stroke:var(--ig-approve-line)}",
    ".approval .tip{fill:var(--ig-approve-line)}",
    ".gate{fill:var(--ig-approve-ground);stroke:var(--ig-approve-line)}",
    ".start .name{fill:var(--ig-start-word)}",
    ".badge{stroke:var(--ig-paper)}",
)


def _kinds(root: str) -> Iterator[str]:
    for kind in LIGHT.tones:
        yield f"{root} .{kind} .shape{{fill:var(--ig-{kind}-ground);stroke:var(--ig-{kind}-line)}}"
        holders = (f"{root} .{kind}", f"{root} .approval") if kind == "approve" else (f"{root} .{kind}",)
        for holder in holders:
            yield f"{holder} .word{{fill:var(--ig-{kind}-word)}}"
            yield f"{holder} .sign{{stroke:var(--ig-{kind}-word)}}"
            yield f"{holder} .sign.filled{{fill:var(--ig-{kind}-word);stroke:none}}"


def _states(root: str) -> Iterator[str]:
    for state in LIGHT.states:
        yield f"{root} .badge-{state}{{fill:var(--ig-{state})}}"
        yield f"{root} .node.{state} .badge-{state}{{display:inline}}"
    for state in ("running", "waiting", "failed"):
        yield f"{root} .node.{state} .halo{{display:inline;stroke:var(--ig-{state})}}"
        yield f"{root} .node.{state} .shape{{stroke:var(--ig-{state});stroke-width:2.5}}"
    yield f"{root} .open > .shape{{fill:var(--ig-paper)}}"
    # In a live picture colour fills what the run has entered; the rest is only outlined.
    entered = "".join(f":not(.{state})" for state in LIGHT.states)
    yield f"{root}.live .node{entered}:not(.start) .shape{{fill:var(--ig-paper)}}"
    yield f"{root} .edge.taken .line{{stroke:var(--ig-done);stroke-width:2.5}}"
    yield f"{root} .edge.taken .tip{{fill:var(--ig-done)}}"
    yield f"{root} .node.counterexample .halo{{display:inline;stroke:var(--ig-path)}}"
    yield f"{root} .node.counterexample .shape{{stroke:var(--ig-path);stroke-width:3}}"
    yield f"{root} .edge.counterexample .line{{stroke:var(--ig-path);stroke-width:3}}"
    yield f"{root} .edge.counterexample .tip{{fill:var(--ig-path)}}"
    yield f"{root} .edge.counterexample .label{{fill:var(--ig-path)}}"
