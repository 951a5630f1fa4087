"""What a run's family has done, and what that asks of a proposal of the run.

A fork begins where another run was, and its steps would do again what that run, or another fork of it, has done.  A
person is asked first, and the question names the earlier effect.  What people agreed to in another run counts for that
run alone: where a fork stands after such an approval, its actions are asked about.
"""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

from interlock.digest import plain
from interlock.nodes.services import Place, Services
from interlock.policies.decide import Verdict, approve
from interlock.policies.language import Requirement
from interlock.store.families import REPEATS, Same, base_of
from interlock.store.tables import Effect
from interlock.tools.action import Action

RULE = "fork"

PASSED = ("approved", "done")


def same_target(action: Action) -> Same:
    """Whether an effect by the action may be on something that another one is on: one of its targets is the same.

    Where the action names no targets, or one of the two effects has none, nobody can tell, so it may.
    """

    def same(effect: Effect, earlier: Effect) -> bool:
        one, other = _targets(action, effect), _targets(action, earlier)
        return not one or not other or bool(one & other)

    return same


def _targets(action: Action, effect: Effect) -> set[str]:
    return {text for name in action.targets for text in _texts(effect.arguments.get(name))}


def _texts(value: Any) -> Iterator[str]:
    """What a target names, however it is written."""
    match value:
        case None:
            return
        case list() | tuple():
            for item in value:
                yield from _texts(item)
        case dict():
            for item in value.values():
                yield from _texts(item)
        case _:
            yield " ".join(str(plain(value)).split()).casefold()


def repeats(effect: Effect, action: Action, services: Services) -> dict[str, Any]:
    """What a request says of the effects that its action would repeat."""
    found = services.ledger.repeated(effect, same_target(action)) if action.consequential else ()
    return {REPEATS: [earlier.id for earlier in found]} if found else {}


def forked(effect: Effect, action: Action, place: Place, services: Services) -> list[Verdict]:
    """What must be asked before the action, because of what other runs of the family did."""
    if not action.consequential:
        return []
    found = [_again(earlier, action, services) for earlier in services.ledger.repeated(effect, same_target(action))]
    if effect.undoes is not None and base_of(undone := services.ledger.get(effect.undoes).run_id) != base_of(place.run):
        found.append(approve(RULE, f"it undoes {effect.undoes}, which run {undone} did", Requirement()))
    return [*found, *_granted_elsewhere(place, services)]


def _again(earlier: Effect, action: Action, services: Services) -> Verdict:
    """That people must agree to a repetition: at least those who had to agree to the first."""
    asked = Verdict.model_validate(earlier.verdict).requirement if earlier.verdict else None
    state = earlier.state.replace("_", " ")
    because = f"{action.headline(earlier.arguments)} is {state} already, as {earlier.id}; this would do it again"
    return approve(RULE, because, asked or Requirement())


def _granted_elsewhere(place: Place, services: Services) -> Iterator[Verdict]:
    """The approvals of other runs that the run stands after and has not asked for itself since."""
    granted = services.approvals.granted_before(place.run)
    if not granted:
        return
    visits = services.runs.visits(base_of(place.run))
    names = {visit.position: visit.step for visit in visits}
    cut = max(ancestor.up_to for ancestor in services.runs.ancestry(place.run))
    own = {visit.step for visit in visits if visit.position > cut and visit.outcome in PASSED}
    for position, approval in granted:
        if names.get(position) not in own:
            because = f"what {approval.run_id} was allowed at {approval.step} ({approval.id}) counts for no fork of it"
            yield approve(RULE, because, Requirement.model_validate(approval.requirement))
