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
    "G207": Code(
        "A timeout on an action that changes something.",
        "Giving up waiting does not stop the action: it may still happen after the run went on as if it had not.",
        "Delete `timeout`, and give the tool itself one: it knows what became of the request.",
    ),
    "G208": Code(
        "A run can end as failed while an effect stands that could be undone.",
        "On the path that the finding shows something was done, and then a later step failed. Half of the work would "
        "stay, and nobody decided that.",
        "Lead the failure through a step with `compensate`, or say `keeps: [STEP]` on the edge to END.",
    ),
    "G209": Code(
        "A run can end as failed while an effect stands that cannot be undone.",
        "On the path that the finding shows something was done that no action takes back, and then a later step "
        "failed.",
        "Say `keeps: [STEP]` on the edge to END, so that whoever reads the graph knows; or do what can fail first.",
    ),
    "G210": Code(
        "A key of several branches without a reducer that fits.",
        "Several branches or items write the key, and it is not said how their values become one, or the reducer does "
        "not go with their type.",
        "Name a fitting one under `reduce`: `concat`, `merge`, `sum`, `min`, `max`, `all`, `any` or `first`.",
    ),
    "G211": Code(
        "A fork and its join are no block.",
        "Every branch runs for itself between its fork and its join: each has steps of its own, nothing leads into it "
        "from elsewhere, and all end at the one join.",
        "Lead the edge to the join, or give the branch steps of its own.",
    ),
    "G212": Code(
        "Who or what an action is for may come from a model or from outside.",
        "The argument is one of the action's targets, and on the path that the finding shows its value was written by "
        "a model or is text from outside, while a policy may let the action pass by itself. An injected text could "
        "choose the payee.",
        "Put an `approval` on the edge, bind a value of the run's input or of a record, or let the policy ask where "
        "the argument came from: `payee_from: {at_least: record}`.",
    ),
    "G213": Code(
        "A reducer that is not needed.",
        "Fewer than two branches write this key, so there is nothing to bring together.",
        "Delete it.",
        severity="warning",
    ),
    "G214": Code(
        "A step undoes what lies outside its branch.",
        "A branch runs for itself and cannot see what was done before its fork or in another branch.",
        "Compensate it after the join.",
    ),
    "G215": Code(
        "`covers` names a step of another branch.",
        "Branches run apart, and an approval is for its own run.",
        "Put both steps into the same branch, or use an `approval` on the edge into the step.",
    ),
    "G216": Code(
        "A retry for an error that cannot happen here.",
        "`invalid` is about the answer of a model, and this step uses none.",
        "Delete the word.",
        severity="warning",
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
