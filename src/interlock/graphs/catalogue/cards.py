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
    "N011": Code(
        "A Python file of `nodes/` is not Python.",
        "The file cannot be parsed, so none of its functions is known.",
        "Correct the line; what depends on the functions is checked once the file can be read.",
        language="python",
    ),
    "N012": Code(
        "A Python file of `nodes/` cannot be loaded.",
        "The file is Python, but running it ended with the error that the message names; often it is a declaration "
        "that `node` refuses.",
        "Correct the line. A function takes one subclass of `Values`, returns a subclass of `Result`, and says in its "
        "docstring what it works out.",
        fault="def count(values) -> Counted:",
        mended="def count(values: Request) -> Counted:",
        language="python",
    ),
    "N013": Code(
        "A pure function imports what is not pure.",
        "A function of `nodes/` may be called again when a run goes on, and must give the same then. So its file may "
        "import only `interlock` and those modules of the standard library that depend on their arguments alone: no "
        "clock, no chance, no files, no network, no other file of the project.",
        "Work it out from the values that the step reads. What has to ask the outside is an action of `tools/`.",
        fault="import random",
        mended="import statistics",
        language="python",
    ),
    "N014": Code(
        "A pure function does what is not pure.",
        "It would read the clock or a file, print, keep something from one call to the next, or reach into what is "
        "not its own. Then a run that goes on after a crash could get another result. These rules catch mistakes; "
        "they are no sandbox.",
        "Take the value from the state, and return what is new.",
        fault="day = date.today()",
        mended="day = values.day",
        language="python",
    ),
    "N015": Code(
        "A Python file of `nodes/` declares no node.",
        "No step can use what is in it, and no other file may import it.",
        "Decorate a function with `@node(...)`, or delete the file.",
        language="python",
    ),
}
