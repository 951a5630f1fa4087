"""The page of each code, and the list of all, as Markdown."""

from __future__ import annotations

import textwrap

from interlock.graphs.catalogue.codes import CODES, FAMILIES

START, STOP = "<!-- codes -->\n", "<!-- end of codes -->\n"
"""What stands between these in `docs/diagnostics.md` is written from the catalogue."""

_WHERE = {
    "Y": "any YAML file",
    "G": "a graph file",
    "N": "a node card",
    "P": "a policy",
    "T": "a tools file",
    "C": "a toolset, a YAML file of `tools/`",
    "U": "a mapping",
}


def page(code: str) -> str:
    """The page of one code."""
    about = CODES[code]
    kind = "An *error*" if about.severity == "error" else "A *warning*"
    parts = [
        f"# {code}: {about.title}",
        f"{kind} in {_WHERE[code[0]]}.",
        _wrapped(about.meaning),
        _wrapped(f"**What to do.** {about.mend}"),
    ]
    if about.fault:
        parts += [f"```{about.language}\n{about.fault}\n```", "Right:", f"```{about.language}\n{about.mended}\n```"]
    return "\n\n".join(parts) + "\n"


def _wrapped(text: str) -> str:
    return textwrap.fill(text, 118, break_long_words=False, break_on_hyphens=False)


def pages() -> dict[str, str]:
    """All pages by their path under `docs/`."""
    return {f"diagnostics/{code}.md": page(code) + "\n[All codes](../diagnostics.md)\n" for code in CODES}


def index() -> str:
    """The tables of all codes, by family."""
    parts = []
    for family, (sentence, codes) in FAMILIES.items():
        rows = [f"| [`{code}`](diagnostics/{code}.md) | {about.title} |" for code, about in codes.items()]
        parts.append("\n".join([f"## {family}", "", sentence, "", "| code | meaning |", "|---|---|", *rows]))
    return "\n\n".join(parts) + "\n"


def with_index(text: str) -> str:
    """`text` of `docs/diagnostics.md` with the tables as they are now.

    Raises:
        ValueError: the text has no place for them.
    """
    before, found, rest = text.partition(START)
    _, stop, after = rest.partition(STOP)
    if not found or not stop:
        raise ValueError(f"the page needs the lines {START.strip()} and {STOP.strip()}")
    return f"{before}{START}\n{index()}\n{STOP}{after}"
