"""Where a run of one spec would stand in another, and whether it could go on from there.

A run that is moved comes into its present step anew: the step proposes, asks or waits again by what
the new spec says of it.  So what must fit is the way in, what was written before, and every count.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from math import ceil
from typing import Any

from interlock.digest import Json
from interlock.graphs.cards import Schema
from interlock.graphs.flow import flow, reachable
from interlock.graphs.labels import labels
from interlock.graphs.proofs.assigned import assigned
from interlock.graphs.proofs.bounds import bounds
from interlock.graphs.proofs.shapes import state_shapes
from interlock.graphs.spec import (
    END,
    START,
    ApproveStep,
    CompensateStep,
    Edge,
    JoinStep,
    Spec,
    Step,
    WaitStep,
    keys_of,
    outcomes,
)
from interlock.graphs.upgrades.differences import changed_in
from interlock.graphs.upgrades.mapping import SpecMapping, misfit
from interlock.graphs.upgrades.standing import GONE, Judged, Passed, Position, Standing, Word
from interlock.policies.provenance import rank
from interlock.tools.action import Action

Choose = Callable[[Spec, str, str, Mapping[str, Any]], int]
"""The index of the edge that leaves a step by an outcome, with these values in the state."""


class _Cannot(Exception):
    def __init__(self, word: Word, reason: str) -> None:
        super().__init__(reason)
        self.judged = Judged(word, reason)


@dataclass(frozen=True)
class Upgrade:
    """Two specs, and what the mapping says has become of the old one's names."""

    old: Spec
    new: Spec
    mapping: SpecMapping
    actions: Mapping[str, Action]
    choose: Choose

    def judge(self, run: Standing) -> Judged:
        """What would become of a run that stands between two nodes."""
        try:
            return self._judge(run)
        except _Cannot as cannot:
            return cannot.judged

    def _judge(self, run: Standing) -> Judged:
        given, values = self._renamed(run.input, self.new.input), self._renamed(run.values, keys_of(self.new))
        if not run.visits:
            self._given(run)
            return Judged("safe", "it has not begun", input=given)
        self._counted(run)
        position = self._position(run, given, values)
        self._names(run)
        self._answers(run)
        self._asked(run, position)
        here = self._from(position, values)
        readers = self._assigned(here, values)
        values = self._trusted(run, values, readers)
        self._undoable(run, here)
        edges = self._edges(run, position)
        reason = f"it goes on at {position.step}"
        return Judged("safe", reason, position, given, values, edges, bounds(here, self.actions))

    # Values -------------------------------------------------------------------------------------

    def _renamed(self, values: Mapping[str, Json], keys: Sequence[str] | Mapping[str, Schema]) -> dict[str, Json]:
        """The values under the new spec's keys; declared values and defaults where the old one had none."""
        found: dict[str, Json] = {
            name: schema.default for name, schema in self.new.input.items() if schema.default is not None
        }
        found |= self.mapping.values
        for name, value in values.items():
            key = self.mapping.key(name, self.new)
            if key is not None and value is not None:
                found[key] = value
        return {key: value for key, value in found.items() if key in keys}

    def _given(self, run: Standing) -> None:
        """Check that no input would be trusted more than it was."""
        for name, schema in self.old.input.items():
            key = self.mapping.key(name, self.new)
            after = self.new.input.get(key) if key is not None else None
            if run.input.get(name) is not None and after and rank(schema.provenance) < rank(after.provenance):
                why = f"the input `{key}` is {after.provenance}, and the value it would be given is {schema.provenance}"
                raise _Cannot("needs_mapping", f"{why}; map another key, or give a value")

    def _assigned(self, here: Spec, values: Mapping[str, Json]) -> dict[str, str]:
        """Check that whatever is read from here on is there, and has the type that its readers expect.

        Returns:
            the keys that are read before anything writes them again, each with who reads it.
        """
        shapes = state_shapes(self.new, self.actions)
        empty = here.model_copy(update={"input": {}})
        missing = {str(fault.part) for fault in assigned(here, flow(here))}
        readers = dict.fromkeys(self.new.output, "the output holds")
        for fault in assigned(empty, flow(empty)):
            key, reader = str(fault.part), str(fault.at[1])
            readers[key] = where = f"step {reader} reads" if reader in self.new.steps else "an edge reads"
            if key in missing:
                raise _Cannot("needs_mapping", f"{where} `{key}`, which nothing has written; map it, or give a value")
            why = misfit(values[key], shapes.get(key, [])) if values.get(key) is not None else None
            if why:
                raise _Cannot("needs_mapping", f"{where} `{key}`, whose value does not fit: {why}")
        return readers

    def _trusted(self, run: Standing, values: Mapping[str, Json], readers: Mapping[str, str]) -> dict[str, Json]:
        """The values without those that nobody reads and that would be trusted more than they were.

        Where a value comes from is known by its key alone, so a new name must not raise it.
        """
        before = {key: marks.at() for key, marks in labels(self.old, self.actions).items()}
        after = {key: marks.at() for key, marks in labels(self.new, self.actions).items()}
        found = dict(values)
        for name, label in before.items():
            key = self.mapping.key(name, self.new)
            if key not in found or run.values.get(name) is None or rank(label) >= rank(after.get(key, "user")):
                continue
            if key in readers:
                why = f"{readers[key]} `{key}` as {after.get(key, 'user')}, and the value it would be given is {label}"
                raise _Cannot("needs_mapping", f"{why}; map another key, or give a value")
            del found[key]
        return found

    def _from(self, position: Position, values: Mapping[str, Json]) -> Spec:
        """The new spec as it is from the position on: it starts there, with the keys that are there."""
        into = self.new.edges[position.edge]
        start = Edge(
            source=START,
            target=position.step,
            approval=into.approval,
            requires=into.requires,
            writes=into.writes if into.approval is not None else None,
        )
        there = {key: Schema(type="any") for key, value in values.items() if value is not None}
        edges = [start, *(edge for edge in self.new.edges if edge.source != START)]
        return self.new.model_copy(update={"input": there, "edges": edges})

    # Position -----------------------------------------------------------------------------------

    def _position(self, run: Standing, given: Mapping[str, Json], values: Mapping[str, Json]) -> Position:
        last = run.visits[-1]
        opened = last.outcome is None
        taken = last.entered_by if opened else last.left_by
        into = self.old.edges[taken] if taken is not None and taken >= 0 else None
        name = last.step if opened else (into.target if into is not None else END)
        if name == END or into is None:
            raise _Cannot("impossible", "it is about to end; resume it")
        if isinstance(self.old.steps[name], JoinStep):
            raise _Cannot("impossible", f"it is on its way into {name}; resume it until it waits")
        image = self.mapping.step(name, self.new)
        if image is None:
            raise _Cannot(
                "needs_mapping", f"step {name}, where it stands, is gone; say under `steps` what it is called"
            )
        before, after = self.old.steps[name], self.new.steps[image]
        if before.kind != after.kind:
            why = f"step {name}, where it stands, is of kind {before.kind}, and {image} of kind {after.kind}"
            raise _Cannot("needs_mapping", why)
        if (
            opened
            and isinstance(before, WaitStep)
            and isinstance(after, WaitStep)
            and _awaited(before) != _awaited(after)
        ):
            raise _Cannot("impossible", f"it waits at {name} for something that {image} does not wait for")
        if image in flow(self.new).blocks.home:
            raise _Cannot("impossible", f"step {image} lies in a branch of a fork now; resume it")
        visit = sum(each.step == name for each in run.visits) + (0 if opened else 1)
        limit = after.visits
        if limit is not None and visit > limit and (before.visits is None or visit <= before.visits):
            raise _Cannot("impossible", f"it comes to {image} on visit {visit}, and {limit} are allowed now")
        previous = run.visits[-2] if opened and len(run.visits) > 1 else None if opened else last
        if self.mapping.entered.get(image) == START and not opened:
            raise _Cannot("impossible", f"it has not entered {image} yet; resume it until it waits there")
        started = START in (into.source, self.mapping.entered.get(image))
        edge = self._way(into, previous, image, given if started else values)
        return Position(image, visit, edge, opened)

    def _way(self, into: Edge, previous: Passed | None, image: str, values: Mapping[str, Json]) -> int:
        """The new spec's edge into the position: the one it would have taken, or the one declared."""
        declared = self.mapping.entered.get(image)
        if declared is not None and declared != START:
            return next(
                index for index, edge in enumerate(self.new.edges) if (edge.source, edge.target) == (declared, image)
            )
        source = START if START in (into.source, declared) else self.mapping.step(into.source, self.new)
        outcome = "" if previous is None or source == START else previous.outcome or ""
        if source is None:
            why = f"it came to {image} from {into.source}, which is gone; say under `entered` which step that is now"
            raise _Cannot("needs_mapping", why)
        known = source == START or outcome in outcomes(self.new.steps[source])
        chosen = self.choose(self.new, source, outcome, values) if known else -1
        target = self.new.edges[chosen].target if chosen >= 0 else END
        if target != image:
            way = f"from {source} on {outcome}" if outcome else f"from {source}"
            leads = f"the way {way} leads to {target} now" if known else f"{source} has no outcome {outcome} any more"
            raise _Cannot("needs_mapping", f"it came to {image} {way}, and {leads}")
        return chosen

    def _edges(self, run: Standing, position: Position) -> dict[tuple[str, int], tuple[int, int | None]]:
        """Every edge that was taken, by its index in the new spec."""

        def index(taken: int | None, outcome: str | None) -> int | None:
            if taken is None or taken < 0:
                return taken
            edge = self.old.edges[taken]
            ends = [
                name if name in (START, END) else self.mapping.step(name, self.new)
                for name in (edge.source, edge.target)
            ]
            alike = [
                place
                for place, other in enumerate(self.new.edges)
                if [other.source, other.target] == ends and (outcome is None or not other.on or outcome in other.on)
            ]
            same = [place for place in alike if self.new.edges[place].when == edge.when]
            return (same or alike or [GONE])[0]

        found: dict[tuple[str, int], tuple[int, int | None]] = {}
        outcome: str | None = None
        for each in run.visits:
            entered = index(each.entered_by, outcome)
            found[each.step, each.visit] = (GONE if entered is None else entered, index(each.left_by, each.outcome))
            outcome = each.outcome
        last = run.visits[-1]
        entered_by, _ = found[last.step, last.visit]
        found[last.step, last.visit] = (position.edge, None) if position.open else (entered_by, position.edge)
        if position.open and len(run.visits) > 1:
            before = run.visits[-2]
            found[before.step, before.visit] = (found[before.step, before.visit][0], position.edge)
        return found

    # History ------------------------------------------------------------------------------------

    def _counted(self, run: Standing) -> None:
        limits = self.new.limits
        most = {"steps": limits.steps, "model_calls": limits.model_calls, "tokens": limits.tokens}
        most["micro_usd"] = int(limits.cost.usd * 1_000_000) if limits.cost else None
        most["seconds"] = ceil(limits.time.total_seconds()) if limits.time is not None else None
        for counter, limit in most.items():
            used = run.used.get(counter, 0)
            if limit is not None and used + (counter == "steps" and run.visits[-1].outcome is not None) > limit:
                raise _Cannot("impossible", f"it has used {used} {counter}, and the new limit is {limit}")

    def _names(self, run: Standing) -> None:
        """Check that no name of a step it has been at means another step now: rows are found by these names."""
        visited = dict.fromkeys(each.step for each in run.visits)
        for name in visited:
            if name in self.new.steps and self.mapping.step(name, self.new) != name:
                raise _Cannot("impossible", f"it has been at {name}, and another step is called so now")
        earlier = run.names.union(visited) - {name for name in visited if name in self.old.steps}
        for name in sorted(earlier):
            if name in self.new.steps:
                raise _Cannot("impossible", f"it has been at a step once called {name}, and another is called so now")

    def _answers(self, run: Standing) -> None:
        """Check that what people were asked, and said yes to, is what is asked now."""
        for name in dict.fromkeys(each.step for each in run.visits if each.outcome == "approved"):
            image, step = self.mapping.step(name, self.new), self.old.steps.get(name)
            if image is None or not isinstance(step, ApproveStep) or name in self.mapping.answers:
                continue
            parts = [part for part in changed_in(self.old, name, self.new, image) if part not in ("reads", "visits")]
            if isinstance(self.new.steps[image], ApproveStep) and "covers" in parts and step.covers is not None:
                same = self.mapping.step(step.covers, self.new) == getattr(self.new.steps[image], "covers", None)
                parts = [part for part in parts if part != "covers" or not same]
            if (
                "writes" in parts
                and step.writes
                and self.mapping.key(step.writes, self.new) == self.new.steps[image].writes
            ):
                parts.remove("writes")
            if parts:
                why = f"{name} was answered, and asks otherwise now ({', '.join(parts)}); does it count? see `answers`"
                raise _Cannot("needs_mapping", why)

    def _asked(self, run: Standing, position: Position) -> None:
        """Check that some way leads here on which people were asked all that is asked on it, and answered so."""
        answers: dict[str, set[str]] = {
            name: set() for name, step in self.new.steps.items() if isinstance(step, ApproveStep)
        }
        for each in run.visits:
            image = self.mapping.step(each.step, self.new)
            if image in answers and each.outcome is not None:
                answers[image].add(each.outcome)
        following = {
            name: [arc.target for arc in arcs if name not in answers or arc.outcome in answers[name]]
            for name, arcs in flow(self.new).leaving.items()
        }
        known = reachable(following, [START])
        if position.step not in known:
            asked = next(name for name in answers if name in known and name != position.step)
            how = "were answered otherwise" if answers[asked] else "were not"
            raise _Cannot("impossible", f"people are asked at {asked} before {position.step} now, and {how}")

    def _undoable(self, run: Standing, here: Spec) -> None:
        """Check that what was performed can still be undone where the new spec may undo it."""
        ahead = reachable(flow(here).successors(), [START])
        for name, step in here.steps.items():
            if not isinstance(step, CompensateStep) or name not in ahead:
                continue
            for done, action in run.performed:
                undoes = self.actions[action].compensate if action in self.actions else None
                if self.mapping.step(done, self.new) == step.compensate and undoes not in step.undoing:
                    raise _Cannot("impossible", f"{done} performed {action}, which {name} cannot undo")


def _awaited(step: Step) -> tuple[object, ...]:
    """What a wait step waits for; how long is decided when it begins to wait, and stays."""
    return (step.event, step.payload, step.until) if isinstance(step, WaitStep) else ()
