"""The proof that nothing is tried again, or given up, of which nobody could know whether it happened."""

from __future__ import annotations

from collections.abc import Iterator, Mapping

from interlock.graphs.fault import Fault
from interlock.graphs.proofs.structure import consequential
from interlock.graphs.spec import CallStep, CompensateStep, Performing, ReasonStep, Spec
from interlock.source import hint_for
from interlock.tools.action import Action


def retries(spec: Spec, actions: Mapping[str, Action]) -> Iterator[Fault]:
    """Retries of blind actions, timeouts of actions that change something, and retries of what cannot occur."""
    for name, step in spec.steps.items():
        if isinstance(step, ReasonStep):
            yield from _looking_up(name, step, actions)
        if not isinstance(step, Performing):
            continue
        blind = [action for action in step.actions if action in actions and actions[action].effect == "blind"]
        if blind and step.retry.attempts > 1:
            message = f"nobody can know whether `{blind[0]}` happened, so it must not be tried again"
            yield Fault("G206", message, ("steps", name, "retry"), key=True)
        risky = consequential(step, actions)
        if risky and step.timeout is not None:
            message = f"`{risky[0]}` may still happen after the step has given it up"
            hint = "delete it, and give the tool itself a timeout"
            yield Fault("G207", message, ("steps", name, "timeout"), key=True, hint=hint)
        if isinstance(step, CallStep | CompensateStep) and "invalid" in step.retry.on and step.retry.attempts > 1:
            message = "`invalid` is about the answer of a model, and this step uses none"
            yield Fault("G216", message, ("steps", name, "retry", "on"), part="invalid", severity="warning")


def _looking_up(name: str, step: ReasonStep, actions: Mapping[str, Action]) -> Iterator[Fault]:
    """The actions of a reason card only read."""
    for action in step.card.actions:
        if action not in actions:
            hint = hint_for(action, actions)
            yield Fault(
                "G037", f"`{step.card.node}` uses the unknown action `{action}`", ("steps", name, "node"), hint=hint
            )
        elif actions[action].consequential:
            message = f"`{step.card.node}` may look things up, but `{action}` changes something"
            yield Fault("G037", message, ("steps", name, "node"), hint="make it a step of its own")
