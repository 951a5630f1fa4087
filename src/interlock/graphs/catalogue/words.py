"""G0…: the words and the shape of a graph file."""

from __future__ import annotations

from interlock.graphs.catalogue.code import Code

CODES: dict[str, Code] = {
    "G001": Code(
        "Unknown key in a graph file.",
        "A misspelt key would be a wish that nobody hears: an approval written as `aproval` would never be asked for. "
        "A part of a sentence as the key comes from a comma inside `{…}`, which starts the next key.",
        "Take the key that the hint names, or put the text that holds the comma in quotes.",
        fault="read: [draft]",
        mended="reads: [draft]",
    ),
    "G002": Code(
        "A key is missing from a graph file.",
        "This key has no default that would be right for everybody.",
        "Add the key.",
        fault="think: {node: think, reads: [request]}",
        mended="think: {node: think, reads: [request], writes: draft}",
    ),
    "G003": Code(
        "A value in a graph file has the wrong form.",
        "Files are read strictly: text is not taken for a number, nor a number for text.",
        "Write the value in the form that the message names.",
        fault="version: one",
        mended="version: 1",
    ),
    "G004": Code(
        "A step has not exactly one key that says its kind.",
        "The key says what the step is: `node` uses a card, `call` an action without a model, `approve` asks a person, "
        "and so on. With none or with two of them it would be unclear what runs.",
        "Keep one; make a second step of the other.",
        fault="tell: {node: notify, call: house.notify, bind: {to: $.to, text: $.draft.text}, writes: sent}",
        mended="tell: {node: notify, bind: {to: $.to, text: $.draft.text}, writes: sent}",
    ),
    "G005": Code(
        "A name has the wrong form.",
        "Names appear in paths, in the database and in pictures, so they are small letters, digits and `_`, and start "
        "with a letter.",
        "Choose such a name.",
        fault="Sum: {type: number}",
        mended="sum: {type: number}",
    ),
    "G006": Code(
        "An edge is neither `A -> B` nor a mapping.",
        "Other arrows are not read, because an edge that is guessed is a way that nobody drew.",
        "Write `A -> B`, or `{from: A, to: B, …}` where the edge says more.",
        fault="- think => tell",
        mended="- think -> tell",
    ),
    "G010": Code(
        "Unknown node card.",
        "The step names a card that is not in `nodes/`.",
        "Correct the name, or write the card.",
        fault="think: {node: thimk, reads: [request], writes: draft}",
        mended="think: {node: think, reads: [request], writes: draft}",
    ),
    "G011": Code(
        "Unknown action.",
        "The step calls an action that no file of `tools/` declares.",
        "Correct the name, or declare the action.",
        fault="tell: {call: house.notfy, bind: {to: $.to, text: $.draft.text}, writes: sent}",
        mended="tell: {call: house.notify, bind: {to: $.to, text: $.draft.text}, writes: sent}",
    ),
    "G012": Code(
        "Unknown approval.",
        "The graph names a requirement that no policy declares under `approvals`, so nobody would know who must agree.",
        "Correct the name, declare it in a file of `policies/`, or write it out: `{count: 1, role: owner}`.",
        fault="- {from: think, to: tell, approval: owner_agree}",
        mended="- {from: think, to: tell, approval: owner_agrees}",
    ),
    "G013": Code(
        "Unknown graph.",
        "The step runs another graph, and there is no file of that name beside this one.",
        "Correct the name, or write the graph.",
    ),
    "G014": Code(
        "A graph that is used as a step has errors of its own.",
        "What it does is not known, so nothing could be proven about this graph either.",
        "Check that graph; the hint has the command.",
    ),
    "G015": Code(
        "A graph is a step of itself.",
        "Directly or through others it would run itself for ever. The message shows the circle.",
        "Take the step out, or make a loop of edges with `visits`.",
    ),
    "G020": Code(
        "An edge goes to an unknown step.",
        "A run that took this edge would have nowhere to go.",
        "Correct the name, or write the step.",
        fault="- {from: think, to: tel}",
        mended="- {from: think, to: tell}",
    ),
    "G021": Code(
        "An edge comes from an unknown step.",
        "No run could ever take this edge, though a reader believes that it is there.",
        "Correct the name, or delete the edge.",
        fault="- thinc -> tell",
        mended="- think -> tell",
    ),
    "G022": Code(
        "An outcome that this kind of step does not have.",
        "Each kind of step ends with one of a few words; an edge for another word would never be taken.",
        "Take one of the outcomes that the hint names.",
        fault="- {from: tell, on: [refused, rejected, expired, denied, abstained], to: END}",
        mended="- {from: tell, on: [rejected, expired, denied, abstained], to: END}",
    ),
    "G023": Code(
        "An outcome goes nowhere.",
        "A step that changes something can be rejected, expire or be denied. A run that ended so would not know "
        "how to go on.",
        "Say where the run goes then; `to: END` with an `outcome` is a fine answer.",
        fault="- {from: tell, on: [rejected, denied, abstained], to: END}",
        mended="- {from: tell, on: [rejected, expired, denied, abstained], to: END}",
    ),
    "G024": Code(
        "An outcome is routed twice.",
        "Two edges for one outcome without a condition: it is unclear which one a run takes.",
        "Delete one, or give them conditions, the last one `else: true`.",
        fault="- think -> END",
        mended="# think goes to tell",
    ),
    "G025": Code(
        "Conditional edges without exactly one `else`.",
        "Conditions are looked at in order, and it may be that none holds. The last sibling says `else: true`, so "
        "that there is always a way, and only one.",
        "Add the edge with `else: true`, or take the second one away.",
        fault="- {from: think, to: tell, when: {$.draft.mood: glad}}",
        mended="- {from: think, to: tell, when: {$.draft.mood: glad}}\n- {from: think, to: END, else: true}",
    ),
    "G026": Code(
        "START or END is used wrongly.",
        "Every run leaves START once and ends at END: no edge leads into START or out of END, and START has no "
        "outcomes.",
        "Lead the edge to the step that is meant.",
        fault="- {from: tell, to: START}",
        mended="- {from: tell, to: END}",
    ),
    "G027": Code(
        "A step that cannot be reached.",
        "No path from START leads to it, so it never runs, though a reader believes that it does.",
        "Lead an edge to it, or delete it.",
    ),
    "G028": Code(
        "A step from which END cannot be reached.",
        "A run that comes here never ends. The finding's path is the circle it stays in.",
        "Lead one of its outcomes out.",
    ),
    "G029": Code(
        "A key that says nothing on this edge.",
        "A reader would believe in a guard or a name that is not there: an `approval` on an edge to a step that "
        "changes nothing, `writes` without one, an `outcome` on an edge that does not go to END, or `keeps` on an edge "
        "that is no failed end.",
        "Delete the key, or move it to the edge it was meant for.",
        fault="- {from: START, to: think, approval: owner_agrees}",
        mended="- START -> think",
    ),
    "G030": Code(
        "`covers` names an unknown step.",
        "The answer would authorise an action that is not there.",
        "Correct the name.",
        fault="covers: pays}",
        mended="covers: pay}",
    ),
    "G031": Code(
        "An edge for an outcome that cannot happen.",
        "`exhausted` needs a step with `visits`; `abstained` needs a card with `on_abstain: edge`. The edge does no "
        "harm, but it draws a way that no run takes.",
        "Delete the edge, or give the step what makes the outcome possible.",
        severity="warning",
    ),
    "G032": Code(
        "Two conditions of one outcome can hold together.",
        "The first would win by its place in the file, and the second would not mean what it says. The message has "
        "values with which both hold.",
        "Exclude the values from one of them.",
    ),
    "G033": Code(
        "An edge out of a route or a fork without `on`.",
        "Such a step has no outcome that is the usual one: each edge says which label or branch it is for.",
        "Add `on`; the hint lists the words.",
    ),
    "G034": Code(
        "`keeps` names a step whose effect cannot stand there.",
        "On no path to this end has the step done anything that was not undone. A reader would believe that it had.",
        "Delete the name.",
        severity="warning",
    ),
    "G035": Code(
        "`compensate` names a step that cannot be undone.",
        "There is no such step, or none of its actions names an action that compensates it.",
        "Correct the name, or declare `compensate=` on the action in `tools/`.",
    ),
    "G036": Code(
        "`join` names an unknown step.",
        "A join ends the branches of one fork, and there is no step of that name.",
        "Correct the name.",
    ),
    "G037": Code(
        "An action that a thinking step may not use.",
        "The actions of a reason card are for looking things up: they exist, and they only read. A chat model alone "
        "decides that they are called, so nothing that changes anything may stand there.",
        "Correct the name, or make the action a step of its own, behind a policy or an approval.",
    ),
    "G038": Code(
        "`keeps` names an unknown step.",
        "The effect that was meant would not be kept knowingly.",
        "Correct the name.",
    ),
}
