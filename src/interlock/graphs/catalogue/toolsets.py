"""C…: toolsets, the YAML files of `tools/`."""

from __future__ import annotations

from interlock.graphs.catalogue.code import Code

CODES: dict[str, Code] = {
    "C001": Code(
        "Unknown key in a toolset.",
        "The key has no meaning there, so what it was meant to say of a tool would not hold. The first key of the file "
        "says where its tools come from.",
        "Correct the word; the hint names the closest one that there is.",
        fault="read: {efect: read}",
        mended="read: {effect: read}",
    ),
    "C002": Code(
        "A key is missing in a toolset.",
        "Without it the tools cannot be reached, or are not known.",
        "Add the key.",
    ),
    "C003": Code(
        "A value in a toolset is wrong.",
        "The value has another type, or is not one of the words that are known.",
        "Correct the value; the message says what fits.",
        fault="read: {effect: reads}",
        mended="read: {effect: read}",
    ),
    "C004": Code(
        "A tool is not pinned.",
        "What a server or a document offers can change at any time. Nobody has looked at this tool's name, description "
        "and schema, or the file of pins was changed by other means.",
        "Look at what is offered and pin it: `interlock tools pin NAME`. The file `NAME.lock.json` belongs into "
        "version control.",
        fault="read: {effect: read, tool: look}",
        mended="read: {effect: read}",
    ),
    "C005": Code(
        "What a tool takes or answers cannot be expressed.",
        "Its schema says something that could not be checked here, such as a reference that leads outside the "
        "document, one that leads to itself, or a keyword that is not read. What is not checked would reach the "
        "provider unchecked.",
        "Leave the tool out, or ask its author for a plainer schema; the message names the place.",
    ),
    "C006": Code(
        "A declaration does not fit the tool.",
        "What is declared contradicts what the tool takes and answers, or itself: a target that is no argument, a key "
        "for an effect that is not keyed, a server with two addresses.",
        "Correct the declaration; the message says what the tool has.",
        fault="read: {effect: read, targets: [payee]}",
        mended="read: {effect: read, targets: [line]}",
    ),
    "C007": Code(
        "A document cannot be used.",
        "The OpenAPI document that the file names is not there, is no such document, or stands outside the project.",
        "Correct the path, or put the document into the project.",
    ),
}
