"""Whether policies may let an action pass without a person, for some values of their inputs."""

from __future__ import annotations

from collections.abc import Iterable, Mapping

from interlock.policies.domains import Setting, domains
from interlock.policies.language import Policy
from interlock.policies.outcome import AUTO
from interlock.policies.regions import Group, Sweep, Unfinished, Witness


def may_auto(policies: Iterable[Policy], action: str, labels: Mapping[str, str]) -> bool:
    """Whether some values exist for which the policies decide `action` as `auto`.

    What an engine says nobody can tell beforehand.  It can only make a decision stricter, so beside rules it
    is left out, and alone it may say anything.  Rules that depend on too many inputs at once may say anything
    too.

    Args:
        labels: the labels of arguments, where they are known; any other label may be any.
    """
    deciding = [policy for policy in policies if policy.covers(action)]
    covering = [policy for policy in deciding if policy.engine is None]
    if not covering:
        return bool(deciding)
    try:
        return auto_witness(covering, Setting(action, labels=labels)) is not None
    except Unfinished:
        return True


def auto_witness(covering: list[Policy], setting: Setting) -> Witness | None:
    """Values for which policies of rules let an action pass without a person; None where there are none.

    Args:
        covering: policies that all cover the action.

    Raises:
        Unfinished: the rules depend on too many inputs at once.
    """
    sweep = Sweep([Group(policy) for policy in covering], domains(covering, setting))
    passing = sweep.said_by(lambda _, outcome: outcome == AUTO)
    return sweep.find(
        lambda said: all(outcome == AUTO for outcome in said),
        hopeless=sweep.all_said & ~passing,
        needed=[sweep.able(number, AUTO) for number in range(len(covering))],
    )
