"""Every code a finding may carry, with its page.  Codes are stable: scripts rely on them.

To add one: an entry in the module of its family under `catalogue/`, a document of `tests/refused/` that
has this fault and no other, and `python docs/diagnostics.py`, which writes the pages.
"""

from __future__ import annotations

from interlock.graphs.catalogue import cards, files, flows, policies, proofs, tools, toolsets, upgrades, words
from interlock.graphs.catalogue.code import Code

FAMILIES: dict[str, tuple[str, dict[str, Code]]] = {
    "Any file": (
        "How YAML is read: its plain core only. Each of what is refused here has let two readers see two different "
        "files.",
        files.CODES,
    ),
    "Graph files: words and shape": (
        "Each name exists, and each outcome leads somewhere exactly one way.",
        words.CODES,
    ),
    "Graph files: what flows where": ("Keys, paths, arguments, prompts and conditions fit.", flows.CODES),
    "Graph files: proofs": (
        "What holds for every run, on every path. The finding's `path` is the shortest walk to the fault.",
        proofs.CODES,
    ),
    "Node cards": ("What a step does when it runs.", cards.CODES),
    "Policies": ("Who may do what, and who must agree.", policies.CODES),
    "Tools": ("The actions there are.", tools.CODES),
    "Toolsets": ("Actions made of tools that somebody else wrote.", toolsets.CODES),
    "Mappings": (
        "What steps and keys are called in a new graph, for the runs that wait in the old one.",
        upgrades.CODES,
    ),
}
"""The codes by what they are about, each family with one sentence."""

CODES: dict[str, Code] = {code: page for _, found in FAMILIES.values() for code, page in found.items()}
