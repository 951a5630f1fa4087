"""N…: node cards, in `nodes/`."""

from __future__ import annotations

from interlock.graphs.catalogue.code import Code

CODES: dict[str, Code] = {
    "N001": Code(
        "Unknown key in a node card.",
        "A misspelt key would be a wish that nobody hears.",
        "Take the key that the hint names.",
        fault="repair: 1",
        mended="repairs: 1",
    ),
    "N002": Code(
        "A key is missing from a node card.",
        "This key has no default that would be right for everybody.",
        "Add the key.",
    ),
    "N003": Code(
        "A value in a node card has the wrong form.",
        "Files are read strictly: text is not taken for a number, nor a number for text.",
        "Write the value in the form that the message names.",
        fault="repairs: many",
        mended="repairs: 1",
    ),
    "N004": Code(
        "A node is declared twice.",
        "Two cards with one name: which of them runs would depend on the names of their files.",
        "Rename or delete one; the message names the other file.",
        fault="node: think",
        mended="node: think_again",
    ),
    "N005": Code(
        "An action of a card is unknown or stands twice.",
        "The list is the closed space in which the action model chooses; a name that is not there could never be "
        "chosen.",
        "Correct the name, or delete the second.",
        fault="actions: [house.payy]",
        mended="actions: [house.pay]",
    ),
    "N006": Code(
        "A node written in Python; these are not supported yet.",
        "Only cards (`*.yaml`) are read from `nodes/`, so the file would do nothing.",
        "Write a card, or move the function into an action of `tools/`.",
    ),
    "N007": Code(
        "A dollar sign in a prompt that names no value.",
        "`$name` puts in a value that the step reads. This dollar sign looks like one, but is none, so the model would "
        "read it as it stands.",
        "Write `$name` or `$name.field` in small letters, and `$$` for a dollar sign.",
    ),
    "N010": Code(
        "A label of a route has a name that means something else already.",
        "Labels become the outcomes of the step. Every route also has `abstained`, `failed` and `exhausted`, and "
        "`none` is what a chat model answers when no label fits; a label of that name could not be told from it.",
        "Call the label something else.",
        fault="labels: {refund: Money back., none: Anything else.}",
        mended="labels: {refund: Money back., other: Anything else.}",
    ),
}
