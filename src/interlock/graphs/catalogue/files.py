"""Y…: how any YAML file is read."""

from __future__ import annotations

from interlock.graphs.catalogue.code import Code

CODES: dict[str, Code] = {
    "Y001": Code(
        "The file cannot be read.",
        "The operating system refused to open it: it is not there, it is a folder, or its permissions forbid it.",
        "Look at the path and at who may read it.",
    ),
    "Y002": Code(
        "The file is larger than 1 MB.",
        "A file of this size was not written by a person. Reading it would take long and could exhaust the memory.",
        "Keep data out of graph files: give it to the run as an input, or let a tool fetch it.",
    ),
    "Y003": Code(
        "The file is not UTF-8.",
        "In another encoding the same bytes are other letters, so a reviewer and the engine could read two texts.",
        "Save the file as UTF-8; the finding stands at the first byte that is not.",
    ),
    "Y004": Code(
        "A control character, or one that reorders the text around it.",
        "Such a character is not seen, but changes what is seen: a reviewer would approve a text that the engine "
        "reads differently. It is refused in the file and behind an escape.",
        "Delete the character and type the text again.",
    ),
    "Y005": Code(
        "The text is not YAML.",
        "The file breaks YAML's own rules, so nothing in it can be understood. A bracket that was never closed is "
        "reported where it was opened.",
        "Most often a bracket or a quote is not closed, an indent is a tab, or a text that holds `: ` or starts with "
        "`*`, `&`, `!` or `@` is not in quotes.",
        fault="output: [sent",
        mended="output: [sent]",
    ),
    "Y006": Code(
        "The file is empty.",
        "There is nothing in the file but perhaps comments.",
        "Write the file, or delete it.",
    ),
    "Y007": Code(
        "A second document in the file.",
        "`---` starts a new document. Some readers take the first, some the last, some all; here a file is one thing.",
        "Put the second document into a file of its own.",
        fault="---\ngraph: other",
        mended="# another graph has a file of its own",
    ),
    "Y008": Code(
        "The file does not hold a mapping.",
        "Every file of a project is a mapping of keys to values; this one holds a list or a single word.",
        "Write `key: value`, one a line, without a dash before it.",
    ),
    "Y009": Code(
        "A key stands twice.",
        "Most readers silently keep the last of the two, so a second `approval:` further down would replace the one "
        "that was reviewed.",
        "Delete one of the two; the hint names the line of the first.",
    ),
    "Y010": Code(
        "An anchor or alias.",
        "An alias stands for a text that is written elsewhere, so what is read here is not what stands here; a few "
        "lines of aliases can also unfold to gigabytes.",
        "Write the value out. Requirements that are used often have names: declare them under `approvals` of a policy.",
        fault="request: &text {type: string}",
        mended="request: {type: string}",
    ),
    "Y011": Code(
        "A tag.",
        "A tag tells the reader to make something else of the text, in some readers even to run code.",
        "Leave it out. Text in quotes stays text; a plain number is a number.",
        fault='version: !!int "1"',
        mended="version: 1",
    ),
    "Y012": Code(
        "A merge key.",
        "`<<` takes over keys of another mapping, and readers disagree which of two equal keys wins.",
        "Write the keys out.",
        fault="tell: {<<: {node: notify}, reads: [draft]}",
        mended="tell: {node: notify, reads: [draft], bind: {to: $.to, text: $.draft.text}, writes: sent}",
    ),
    "Y013": Code(
        "A key that is not text.",
        "`12`, `true` and `null` are no text, and JSON, in which a graph is stored, has only text for keys.",
        'Put the key in quotes: `"12"`. In a graph, names are small letters, digits and `_`, and start with a letter.',
    ),
    "Y014": Code(
        "Nested deeper than 50 levels.",
        "No graph needs it, and deep nesting is a known way to exhaust a reader.",
        "Flatten the value.",
    ),
    "Y015": Code(
        "A number with more digits than can be kept exactly.",
        "Numbers travel through JSON, where more than 15 digits change on the way: an account number would become "
        "another one.",
        "Put it in quotes if it is a name or a number of something; round it if it is a measure.",
        fault="limits: {steps: 12345678901234567}",
        mended="limits: {steps: 12}",
    ),
}
