"""P…: policies and people, in `policies/`."""

from __future__ import annotations

from interlock.graphs.catalogue.code import Code

CODES: dict[str, Code] = {
    "P001": Code(
        "Unknown key in a policy.",
        "A misspelt key would be a rule that nobody applies. A part of a sentence as the key comes from a comma inside "
        "`{…}`, which starts the next key.",
        "Take the key that the hint names, or put the text that holds the comma in quotes.",
        fault="aplies_to: [house.pay]",
        mended="applies_to: [house.pay]",
    ),
    "P002": Code(
        "A key is missing from a policy.",
        "This key has no default that would be right for everybody.",
        "Add the key. Every rule says `because`: reviewers and the audit read it.",
    ),
    "P003": Code(
        "A value in a policy has the wrong form.",
        "Files are read strictly: text is not taken for a number, nor a number for text.",
        "Write the value in the form that the message names.",
    ),
    "P004": Code(
        "A policy, rule or approval is declared twice.",
        "Names stand in verdicts and in the audit; two things with one name could not be told apart.",
        "Rename or delete one.",
        fault="- {id: small, when: {amount: {gt: 100}}, then: {approve: two}, because: it is large}",
        mended="- {id: large, when: {amount: {gt: 100}}, then: {approve: two}, because: it is large}",
    ),
    "P005": Code(
        "Unknown approval in a rule.",
        "The rule names a requirement that no policy declares under `approvals`, so nobody would know who must agree.",
        "Correct the name, or declare it.",
        fault="then: {approve: tow}",
        mended="then: {approve: two}",
    ),
    "P006": Code(
        "A condition on an input that is not declared.",
        "A rule may look only at what the policy declares under `inputs`; a misspelt name would make the rule never "
        "apply.",
        "Correct the name, or declare the input.",
        fault="when: {amont: {gt: 100}}",
        mended="when: {amount: {gt: 100}}",
    ),
    "P007": Code(
        "A comparison that does not fit the type of its input.",
        "The comparison would always give the same answer, or none.",
        "Take an operator that the hint names, and a value of the input's type.",
        fault="when: {amount: {at_least: user}}",
        mended="when: {amount: {gt: 100}}",
    ),
    "P008": Code(
        "A name or pattern that matches no action.",
        "The policy seems to guard something that is not there, and the action that was meant has no rule.",
        "Correct the name; the actions are declared in `tools/`.",
        fault="applies_to: [house.pay, mouse.*]",
        mended="applies_to: [house.pay, house.*]",
    ),
    "P009": Code(
        "More people must agree than there are.",
        "`people.yaml` names fewer people with this role than must agree, so every such question could only expire.",
        "Lower `count`, name another role, or give the role to more people.",
        fault="two: {count: 3, role: owner}",
        mended="two: {count: 2, role: owner}",
    ),
    "P010": Code(
        "An input that the policy's actions do not have, or have with another type.",
        "Inputs are arguments of the actions, where each came from (`…_from`), and the facts that a tool computes. "
        "This one would always be missing, and what is missing is denied.",
        "Correct the name or the type, or declare the fact with the action.",
        fault="payee_knwon: {type: bool}",
        mended="payee_known: {type: bool}",
    ),
    "P011": Code(
        "A `never` that is not true.",
        "The policy says what must not be decided, and some values are decided so all the same; the message names them "
        "and the rules that decide. What is asserted has to hold for the policy alone and for all policies of the "
        "action together. An assertion that cannot be proven, because the rules depend on too many inputs at once, is "
        "refused as well.",
        "Correct the rule, or the assertion.",
        fault="- {effect: auto, when: {amount: {gt: 50}}}",
        mended="- {effect: auto, when: {amount: {gt: 100}}}",
    ),
    "P012": Code(
        "Conditions that never hold together.",
        "No value satisfies them all, so the rule never applies and the assertion asserts nothing. What was meant is "
        "left to other rules, or denied.",
        "Correct the bounds, or delete it.",
        fault="when: {amount: {gt: 100, le: 50}}",
        mended="when: {amount: {gt: 50, le: 100}}",
    ),
    "P013": Code(
        "A rule that never changes the outcome.",
        "Of all rules that hold the strictest wins. Wherever this one holds, another asks for at least as much: a "
        "broad rule that asks silences a narrow one that says `auto`.",
        "Leave out of the broad rule what shall go alone, or delete the rule that has no effect.",
        fault="- {id: all, when: {amount: {le: 100}, payee_known: true, payee_from: {at_least: record}}, "
        "then: {approve: two}, because: money leaves}",
        mended="- {id: all, when: {amount: {le: 0}, payee_known: true, payee_from: {at_least: record}}, "
        "then: {approve: two}, because: money leaves}",
        severity="warning",
    ),
    "P014": Code(
        "An `auto` and a `deny` for the same values.",
        "The two rules contradict each other. It is denied, since the strictest wins; whoever wrote `auto` may have "
        "meant something else.",
        "Leave out of the `auto` what is denied.",
        fault="then: deny, because: nothing over 80}",
        mended="then: {approve: two}, because: nothing over 80}",
        severity="warning",
    ),
    "P015": Code(
        "Values that no rule decides.",
        "They are denied. That is safe, and often not what was meant: two bounds that do not meet, or a case nobody "
        "thought of.",
        "Write a rule for them. One that says `deny` tells readers that it is meant.",
        fault="- {id: large, when: {amount: {gt: 200}}, then: {approve: two}, because: it is large}",
        mended="- {id: large, when: {amount: {gt: 100}}, then: {approve: two}, because: it is large}",
        severity="warning",
    ),
    "P016": Code(
        "A more trusted label is decided more strictly.",
        "An action whose argument comes from a better source must not be refused, or asked about more, than the same "
        "action with a worse one. Often a label was left out of a list, and what no rule decides is denied.",
        "Give the more trusted labels what the less trusted ones get, or more.",
        fault="payee_from: {in: [untrusted, model]}",
        mended="payee_from: {in: [untrusted, model, record]}",
    ),
    "P017": Code(
        "A target that no rule looks at.",
        "The action can pass without a person, and its tool says that this argument decides who is affected; the rules "
        "compare neither the value nor where it came from.",
        "Compare the value, or `ARGUMENT_from`.",
        severity="warning",
    ),
    "P018": Code(
        "Rules that cannot be analysed in full.",
        "The outcome depends on so many inputs at once that not all cases can be looked at; then a `never` that could "
        "not be proven is refused. Or `matches` has a pattern that is not understood, with look-around, references "
        "back, anchors or flags; then texts are tried on examples, and a `never` holds for these. Decisions are not "
        "affected.",
        "Split the policy by action, compare fewer inputs in its rules, or write a plainer pattern.",
        severity="warning",
    ),
    "P019": Code(
        "A rule that cannot be evaluated for one of the actions.",
        "The action has no such argument or fact, so the rule cannot be decided, and what cannot be decided denies.",
        "Say in the rule which actions it is about, with the input `action`.",
        severity="warning",
    ),
    "P020": Code(
        "An input with two types.",
        "Two policies decide the same action and read the same input as different types, so no value is right for "
        "both: one of them always denies.",
        "Give it the same type in both.",
        fault="payee_known: {type: string}",
        mended="payee_known: {type: bool}",
    ),
    "P030": Code(
        "A derived input that cannot be computed.",
        "A sum needs an argument that is a number, `by` and `seen` need an argument, each in every action that counts, "
        "and each kind gives one type. This one would be missing, and what is missing is denied.",
        "Do what the message says. Where the policy applies to actions without the argument, name those that count: "
        "`of: [family.action]`.",
        fault="day_total: {type: decimal, derived: {sum: amuont, over: 1d}}",
        mended="day_total: {type: decimal, derived: {sum: amount, over: 1d}}",
    ),
    "P031": Code(
        "Unknown calendar in a derived input.",
        "The policy declares no calendar of that name, so nobody could say whether now is inside it.",
        "Correct the name, or declare the calendar under `calendars` of the same file.",
        fault="in_office: {type: bool, derived: {calendar: ofice}}",
        mended="in_office: {type: bool, derived: {calendar: office}}",
    ),
    "P032": Code(
        "One name of an input means two things for one action.",
        "Several policies decide an action together, on one value for each name. A name that is computed otherwise in "
        "two of them, or in one only, would have none.",
        "Rename one, or say the same in both: `over`, `by` and `of` too, which is by default what a policy applies to.",
    ),
    "P033": Code(
        "Unknown policy engine, or one that is not installed.",
        "Without its engine the policy could only deny everything.",
        "Correct the name, or install the package that brings the engine; `cedar` comes with `interlock[cedar]`.",
        fault="engine: ceder",
        mended="engine: cedar",
    ),
    "P034": Code(
        "The text of a policy engine cannot be used.",
        "The file is not there, or the engine cannot read it; what cannot be read denies everything.",
        "Put the file beside the policy, or correct it where the message says.",
        fault="source: house.ceder",
        mended="source: house.cedar",
    ),
}
