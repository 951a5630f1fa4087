"""Where each key of a workflow's state comes from: the label its value has at worst."""

from __future__ import annotations

from interlock.graphs.spec import ApproveStep, ReasonStep, Spec
from interlock.policies.provenance import Label, join, through_model


def labels(spec: Spec) -> dict[str, Label]:
    """The least trusted label each key can have, over every step that may write it.

    Input comes from the user, answers of reviewers from a person; a reason step writes `model` at
    best, and what a tool returns is `untrusted`.  Labels only fall, so the loop ends.
    """
    found: dict[str, Label] = dict.fromkeys(spec.input, "user")
    for edge in spec.edges:
        if edge.writes:
            found[edge.writes] = "user"
    changed = True
    while changed:
        changed = False
        for step in spec.steps.values():
            if step.writes is None:
                continue
            if isinstance(step, ReasonStep):
                label = through_model(found.get(key, "user") for key in step.reads)
            elif isinstance(step, ApproveStep):
                label = "user"
            else:
                label = "untrusted"
            lower = join([label, found[step.writes]]) if step.writes in found else label
            if found.get(step.writes) != lower:
                found[step.writes] = lower
                changed = True
    return found
