"""G1…: which values flow where."""

from __future__ import annotations

from interlock.graphs.catalogue.code import Code

CODES: dict[str, Code] = {
    "G101": Code(
        "A key is read that nothing writes.",
        "Neither the input nor a step writes this key, so the step would never find it.",
        "Correct the name, declare it under `input`, or let a step write it.",
        fault="reads: [draft, requst]",
        mended="reads: [draft, request]",
    ),
    "G102": Code(
        "A key is read before it is written on some path.",
        "On the path that the finding shows, the step runs before the key was written, or after the step that writes "
        "it has failed.",
        "Lead the path through the step that writes the key, or do not read the key there.",
    ),
    "G103": Code(
        "A path goes to a field that the value does not have.",
        "The type of the value is declared, by the input, a card or a tool, and it has no such field.",
        "Take the field that the hint names.",
        fault="text: $.draft.txt",
        mended="text: $.draft.text",
    ),
    "G104": Code(
        "A prompt uses a key that its step does not read.",
        "A step sees only the keys that it declares, so the name in the prompt would stay empty.",
        "Add the key to `reads`.",
        fault="think: {node: think, reads: [to], writes: draft}",
        mended="think: {node: think, reads: [request], writes: draft}",
    ),
    "G105": Code(
        "A binding names an argument that the action does not have.",
        "The value would be bound to nothing, and the argument that was meant would be left to the model.",
        "Correct the name; the arguments are declared in the tool's file.",
        fault="bind: {too: $.to, text: $.draft.text}",
        mended="bind: {to: $.to, text: $.draft.text}",
    ),
    "G106": Code(
        "A required argument is not bound.",
        "A step with `call` uses no model, so nobody else could fill in what is missing.",
        "Bind every argument that has no default.",
        fault="look: {call: house.look, writes: sent}",
        mended="look: {call: house.look, bind: {name: $.to}, writes: sent}",
    ),
    "G107": Code(
        "A binding does not fit the type of its argument.",
        "The tool would refuse the value in every run.",
        "Bind a value of the declared type, or correct the constant.",
        fault="pay: {node: pay, bind: {payee: $.to, amount: $.draft.text}, writes: paid}",
        mended="pay: {node: pay, bind: {payee: $.to, amount: $.sum}, writes: paid}",
    ),
    "G108": Code(
        "A condition does not fit the type of its value.",
        "The comparison would always give the same answer: a word that the value never is, or an order of things "
        "that have none.",
        "Compare with a value that can occur.",
        fault="when: {$.draft.mood: gald}",
        mended="when: {$.draft.mood: glad}",
    ),
    "G109": Code(
        "An output that nothing writes.",
        "The run would promise a result that it cannot have.",
        "Correct the name, or let a step write it.",
        fault="output: [snet]",
        mended="output: [sent]",
    ),
    "G110": Code(
        "A key is read but never used.",
        "The step declares a key that its prompt does not name. It does no harm, but says that the answer depends on "
        "something on which it does not.",
        "Delete it from `reads`, or use it in the prompt.",
        severity="warning",
    ),
    "G111": Code(
        "Not a path into the state.",
        "A value that starts with `$` is a path, and a path is `$.key` or `$.key.field`; anything else is taken for a "
        "slip, not for text.",
        "Write `$.key.field`.",
        fault="to: $to,",
        mended="to: $.to,",
    ),
    "G112": Code(
        "A condition that never holds.",
        "Its comparisons exclude each other, so no value fits and the edge is never taken.",
        "Correct the comparisons, or delete the edge.",
    ),
}
