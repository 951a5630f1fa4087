"""T…: actions, in `tools/`."""

from __future__ import annotations

from interlock.graphs.catalogue.code import Code

CODES: dict[str, Code] = {
    "T001": Code(
        "A tools file is not Python.",
        "The file cannot be parsed, so none of its actions is known.",
        "Correct the line; what depends on the actions is checked once the file can be read.",
        language="python",
    ),
    "T002": Code(
        "A tools file cannot be loaded.",
        "The file is Python, but running it ended with the error that the message names: a package that is not "
        "installed, or a declaration that `action` refuses.",
        "Correct the line, or install what it imports.",
        language="python",
    ),
    "T003": Code(
        "An action is declared twice.",
        "Two functions with one name: which of them acts would depend on the names of their files.",
        "Rename or delete one; the message names the other place.",
        language="python",
    ),
    "T004": Code(
        "`compensate` names no action.",
        "When the effect has to be undone, there would be nothing to undo it with.",
        "Correct the name, or declare the compensating action.",
        language="python",
    ),
    "T005": Code(
        "A tools file imports another file of a drawer.",
        "Drawers are read by path, each file for itself; an import would run a file a second time, or another file of "
        "the same name.",
        "Put what several files share into an installed package, and import that.",
        language="python",
    ),
}
