"""G2…: what is proven about every run of a graph."""

from __future__ import annotations

from interlock.graphs.catalogue.code import Code

CODES: dict[str, Code] = {
    "G201": Code(
        "A consequential action can be reached without an approval or a policy that decides it.",
        "The finding's path is the shortest way to it. It may be the second time round a loop, because an approval is "
        "used up by the action it was for, or a value that is written again after the approval.",
        "Give the edge into the step an `approval`, or write a policy that applies to the action.",
        fault="- think -> pay",
        mended="- {from: think, to: pay, approval: owner_agrees}",
    ),
    "G202": Code(
        "`covers` names a step whose action is not exactly known.",
        "An approval is for one exact action. Where the model still chooses the action or fills in an argument, the "
        "reviewer would sign a blank.",
        "Bind every required argument of the covered step, or put an `approval` on the edge into it: that one asks "
        "when the action is known.",
    ),
    "G203": Code(
        "A cycle without a visit limit.",
        "Nothing ends the cycle that the finding's path shows: it could go round for ever, and cost money each time.",
        "Give one of its steps `visits`, and lead its `exhausted` out of the cycle.",
    ),
    "G204": Code(
        "More people must agree than there are.",
        "`policies/people.yaml` names fewer people with this role than must agree, so the question could only expire.",
        "Lower `count`, name another role, or give the role to more people.",
        fault="requires: {count: 3, role: owner}",
        mended="requires: {count: 2, role: owner}",
    ),
    "G205": Code(
        "A limit is lower than a path needs.",
        "Already the longest path without any repetition goes past the limit, so a run on it ends as failed.",
        "Raise the limit, or leave it out: the proven bounds hold without it.",
        severity="warning",
    ),
    "G206": Code(
        "A retry of an action of which nobody can know whether it happened.",
        "The action's effect is `blind`: after a lost answer a second attempt may do it twice.",
        "Delete `retry`; after a doubt a person is asked whether it happened. Or make the action `keyed` or "
        "`queryable`, if its provider can.",
        fault="bind: {payee: $.to, amount: $.sum}, writes: paid, retry: {attempts: 3}}",
        mended="bind: {payee: $.to, amount: $.sum}, writes: paid}",
    ),
    "G220": Code(
        "The worst case is above what was allowed on the command line.",
        "`interlock check` was given `--max-steps`, `--max-model-calls`, `--max-tokens` or `--max-cost`, and a run of "
        "this graph can take more. The message says how much.",
        "Lower the `visits`, retries or limits of the steps, set `limits` in the graph, which are enforced while it "
        "runs, or allow more.",
    ),
    "G221": Code(
        "Nothing bounds what was limited on the command line.",
        "`interlock check` was given a maximum, but no bound follows from the graph: the worst case is unknown, which "
        "is above any number.",
        "Set the limit in the graph: `limits: {cost: {usd: 0.50}}`.",
    ),
}
