"""U…: mapping files of `interlock upgrade`."""

from __future__ import annotations

from interlock.graphs.catalogue.code import Code

CODES: dict[str, Code] = {
    "U001": Code(
        "Unknown key in a mapping.",
        "A misspelt part of the mapping would map nothing, and runs would be moved without it.",
        "Take the key that the hint names: `steps`, `keys`, `values`, `entered` or `answers`.",
    ),
    "U002": Code(
        "A key is missing from a mapping.",
        "This key has no default that would be right for everybody.",
        "Add the key.",
    ),
    "U003": Code(
        "A value in a mapping has the wrong form.",
        "Names are small letters, digits and `_`; `answers` is a list, the other parts are mappings.",
        "Write the value in the form that the message names.",
    ),
    "U010": Code(
        "A mapping names a step or key that the old graph does not have.",
        "The runs that are moved were started with the old graph, so nothing in them has this name.",
        "Correct the name on the left.",
    ),
    "U011": Code(
        "A mapping names a step or key that the new graph does not have.",
        "A run that was moved there could not go on.",
        "Correct the name on the right.",
    ),
    "U012": Code(
        "Two things would have one name.",
        "Where two steps or keys became one, it would be unclear whose visits, effects or value it has.",
        "Map one of them elsewhere, or leave it out.",
    ),
    "U013": Code(
        "A step is mapped to one of another kind.",
        "What a run has recorded at a step, such as its proposal or its timer, means nothing to another kind of step.",
        "Map it to a step of the same kind, or let its runs end under the graph they were started with.",
    ),
    "U014": Code(
        "A key or value of the mapping does not fit.",
        "The new graph reads the key as another type than the old one wrote.",
        "Map another key, or give a value of the type that the new graph reads.",
    ),
    "U015": Code(
        "`entered` names a step from which not exactly one edge leads there.",
        "The edge by which a run comes into a step says which approval its action needs, so it must be clear which.",
        "Name the step before it from which exactly one edge leads there.",
    ),
}
