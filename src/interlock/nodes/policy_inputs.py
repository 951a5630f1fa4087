"""What policies are given: arguments, labels, the hour and weekday, facts of the action, and derived inputs.

The gate asks with all of them and keeps what it asked with.  The monitor asks once more in the
transaction that begins the action: facts, hour and weekday as they were kept, derived inputs anew.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from datetime import datetime
from typing import Any

from interlock.digest import Json, plain
from interlock.nodes.context import context_of
from interlock.nodes.services import Services
from interlock.policies.adapters import decided
from interlock.policies.calendars import WEEKDAYS
from interlock.policies.decide import Verdict
from interlock.policies.derived import Derivation, Records, derivations, derive
from interlock.policies.language import Policy
from interlock.policies.replay import AT, DERIVED
from interlock.store.authorising import Again
from interlock.store.tables import Effect
from interlock.tools.action import Action


def moment(now: datetime) -> dict[str, Any]:
    """The hour and the weekday, of the local clock of this machine."""
    local = now.astimezone()
    return {"hour": local.hour, "weekday": WEEKDAYS[local.weekday()]}


def facts(effect: Effect, action: Action, services: Services) -> dict[str, Any]:
    """What the action's own look-up says; whatever a tool may raise."""
    if action.facts is None:
        return {}
    context = context_of(effect, services)
    found = action.facts(action.validate(effect.arguments), context)
    return {name: context.secrets.redacted(plain(value)) for name, value in found.items() if name in action.fact_names}


def inputs(effect: Effect, known: Mapping[str, Any], derived: Mapping[str, Any]) -> dict[str, Any]:
    """All that policies may compare, by name; a derived input is nothing else, whatever has its name too.

    Args:
        known: the moment and the facts.
    """
    labels = {f"{name}_from": label for name, label in effect.labels.items()}
    return {**effect.arguments, **labels, **known, "action": effect.action, **derived}


def kept(
    effect: Effect,
    policies: Iterable[Policy],
    found: Mapping[str, Any],
    wanted: Mapping[str, Derivation | None],
    now: datetime,
) -> dict[str, Json]:
    """What to keep of the inputs: all but arguments and labels, which stand on the row, that no policy compares."""
    compared = {name for policy in policies if policy.covers(effect.action) for name in policy.inputs}
    there = {*effect.arguments, *(f"{name}_from" for name in effect.labels)}
    values = {name: plain(value) for name, value in found.items() if name in compared or name not in there}
    meant: dict[str, Json] = {name: how.text if how else None for name, how in wanted.items()}
    return values | {AT: now.isoformat()} | ({DERIVED: meant} if meant else {})


def decided_again(effect: Effect, services: Services) -> Again | None:
    """How the policies decide an effect once more, on what counts by then; None where nothing can have changed."""
    policies = services.policies.policies
    wanted = derivations(policies, effect.action)
    if not wanted:
        return None
    action, now = services.action(effect.action), services.clock()

    def again(row: Effect, records: Records) -> Verdict | None:
        before = row.inputs or {}
        known = moment(now) | {name: before[name] for name in ("hour", "weekday", *action.fact_names) if name in before}
        derived = derive(wanted, row.action, row.arguments, records, now)
        return decided(policies, row.action, inputs(row, known, derived), services.policies.approvals)

    return again
