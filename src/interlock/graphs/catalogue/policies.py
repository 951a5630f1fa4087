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
