"""The proof that who or what an action affects does not come from a model, or from outside, unasked.

A *target* is an argument that says who is paid or written to.  Where its value may be `model` or
`untrusted`, and the policies may let such a call pass by themselves, a person must lie between: on the
edge into the step, or in an approve step that covers it after the value was written.

Labels flow along paths: what a step writes has the label of what it read on that path, each part its own.
A value that a binding checks against a source (`stands_in`) counts with the label that it has by itself:
whether it stands there is known only when it runs.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from functools import cached_property, reduce
from itertools import product

from interlock.graphs.bind import Bound, Only, bound_keys, path_parts, sources, well_formed
from interlock.graphs.fault import Fault
from interlock.graphs.flow import Arc, Flow, TooMany, flow, shortest_of
from interlock.graphs.labels import USER, bound_marks, labels, wrote
from interlock.graphs.parallel import FAILING
from interlock.graphs.proofs.assigned import ANSWERED, Keys, Surely, solve, writing
from interlock.graphs.proofs.shapes import argument_shapes, reports_error
from interlock.graphs.proofs.structure import consequential
from interlock.graphs.spec import ActStep, ApproveStep, GraphStep, MapStep, Performing, Spec, Step
from interlock.policies.provenance import Label, Marks, join
from interlock.source import Loc
from interlock.tools.action import Action

MayAuto = Callable[[str, Mapping[str, str]], bool]
"""Whether the policies may let an action pass by themselves, given the labels of some of its arguments."""

BAD: tuple[Label, ...] = ("model", "untrusted")


@dataclass(frozen=True)
class Target:
    """One target argument of a consequential action, and where in the state its value may come from.

    An input of a nested graph is one when a bad label of it would make a target of that graph bad.
    """

    step: str
    what: str
    """The action or the graph."""
    argument: str
    at: Loc
    sources: tuple[Bound, ...]
    """Bindings, one of which gives the value."""
    by_model: bool
    """Whether an action model that is not the embedded one may make the value up."""
    auto: frozenset[Label]
    """The labels, of `BAD`, with which the policies may let the action pass."""

    @property
    def keys(self) -> tuple[str, ...]:
        """The keys that the value may come from, or that vouch for it."""
        return tuple(bound_keys(self.sources))

    def label(self, known: Mapping[str, Marks]) -> Label:
        found = join(bound_marks(source, known).at() for source in self.sources)
        return join([found, "model"]) if self.by_model else found


def integrity(spec: Spec, paths: Flow, actions: Mapping[str, Action], may_auto: MayAuto) -> Iterator[Fault]:
    """Every target that a model or the outside may set without anybody being asked, with the shortest path."""
    worst = labels(spec, actions)
    surely: Surely | None = None
    for target in _targets(spec, actions, may_auto):
        if target.label(worst) not in BAD:
            continue
        if all(edge.approval is not None for edge in spec.entering(target.step)):
            continue
        if surely is None:
            surely = solve(Keys(spec, paths.blocks), paths)
        found = _Search(spec, paths, surely, target, actions).path()
        if found is not None:
            label, path = found
            where = "a model" if label == "model" else "outside"
            message = f"`{target.argument}` of `{target.what}` may come from {where}, and the policies may let it pass"
            hint = "add an approval to the edge, or bind a value that the user or a record gives"
            if isinstance(spec.steps[target.step], GraphStep | MapStep):
                hint = f"bind a value that the user or a record gives, or add an approval in `{target.what}`"
            yield Fault("G212", message, target.at, key=len(target.at) == 2, hint=hint, path=path)


def _targets(spec: Spec, actions: Mapping[str, Action], may_auto: MayAuto) -> Iterator[Target]:
    """The target arguments whose value is not fixed, of actions that a policy may let pass with a bad label."""
    for name, step in spec.steps.items():
        if isinstance(step, GraphStep | MapStep):
            yield from _inputs(name, step, actions, may_auto)
        if not isinstance(step, Performing):
            continue
        fixed = {argument: "user" for argument, value in step.bind.items() if not sources(value)}
        for action in consequential(step, actions):
            for argument in actions[action].targets if action in actions else ():
                if argument in fixed or _asks_anyway(step, actions[action]):
                    continue
                given, by_model = _sources(spec, step, step.bind.get(argument))
                auto = frozenset(label for label in BAD if may_auto(action, fixed | {argument: label}))
                if auto and (given or by_model):
                    at = ("steps", name, "bind", argument) if argument in step.bind else ("steps", name)
                    yield Target(name, action, argument, at, given, by_model, auto)


def _inputs(name: str, step: GraphStep | MapStep, actions: Mapping[str, Action], may_auto: MayAuto) -> Iterator[Target]:
    """The inputs of a nested graph that decide who or what its actions affect."""
    given: dict[str, tuple[Bound, Loc]] = {
        argument: (value, ("steps", name, "bind", argument)) for argument, value in step.bind.items() if sources(value)
    }
    if isinstance(step, MapStep):
        given[step.item] = step.over, ("steps", name, "map", "over")
    for argument, (value, at) in given.items():
        schema = step.spec.input.get(argument)
        if schema is None:
            continue
        auto = set()
        for label in BAD:
            inputs = step.spec.input | {argument: schema.model_copy(update={"provenance": label})}
            inner = step.spec.model_copy(update={"input": inputs})
            if next(integrity(inner, flow(inner), actions, may_auto), None) is not None:
                auto.add(label)
        if auto:
            yield Target(name, step.spec.graph, argument, at, (value,), False, frozenset(auto))


def _asks_anyway(step: Performing, action: Action) -> bool:
    """Whether a person is asked because an action model chose the action or filled in an argument.

    The gate does so for every irreversible action, whatever the policies say.
    """
    if not isinstance(step, ActStep) or action.risk_class != "irreversible":
        return False
    required = argument_shapes(action)[1]
    return len(step.actions) > 1 or any(argument not in step.bind for argument in required)


def _sources(spec: Spec, step: Performing, value: Bound | None) -> tuple[tuple[Bound, ...], bool]:
    """The bindings that an argument's value may come from, and whether a model may write it itself."""
    proposes = isinstance(step, ActStep) and step.card.model != "default"
    reads = tuple(f"$.{key}" for key in step.reads) if isinstance(step, ActStep) else ()
    if value is None:
        return reads, proposes
    path = next(iter(sources(value).values()))  # of the value itself
    given = spec.input.get(path_parts(path)[0]) if well_formed(path) else None
    optional = given is not None and given.optional and given.default is None
    if optional or isinstance(value, Only):  # when it is missing, the model looks for it
        return tuple(dict.fromkeys([value, *reads])), proposes
    return (value,), False


Frame = tuple[tuple[Marks, ...], int]
"""The labels of each key of a slice, and the keys written in this run, as bits."""

State = tuple[tuple[Frame, ...], bool, str | None]
"""A frame for the run and one for each branch it is in; whether a person has approved the action; and the key
that the answer of a review still to come would write."""


class _Search:
    """The walks on which one target has a bad label, over the keys that it can depend on."""

    def __init__(self, spec: Spec, paths: Flow, surely: Surely, target: Target, actions: Mapping[str, Action]) -> None:
        self.spec = spec
        self.actions = actions
        self.paths = paths
        self.surely = surely
        self.target = target
        self.keys = _slice(spec, target.keys)
        self.place = {key: place for place, key in enumerate(self.keys)}

    def path(self) -> tuple[Label, tuple[str, ...]] | None:
        start: State = ((self._first(),), False, None)
        reached: list[Label] = []

        def wrong(arc: Arc, state: State) -> bool:
            if arc.target != self.target.step or arc.edge is None or self.spec.edges[arc.edge].approval is not None:
                return False
            for frames, approved, _ in self._after(arc, state):
                label = self.target.label(dict(zip(self.keys, frames[-1][0], strict=True)))
                if not approved and label in self.target.auto:
                    reached.append(label)
                    return True
            return False

        try:
            found = shortest_of(self.paths, start, self._after, wrong)
        except TooMany:  # so many labels meet here that no path can be shown; what is not proven is refused
            return max(self.target.auto), ()
        return (reached[0], tuple(found[0])) if found else None

    def _first(self) -> Frame:
        given = (self.spec.input.get(key) for key in self.keys)
        return tuple(Marks(schema.provenance) if schema is not None else USER for schema in given), 0

    def _after(self, arc: Arc, state: State) -> Iterator[State]:
        before, agreed, review = state
        step = self.spec.steps.get(arc.source)
        ways = [(before, agreed)] if step is None else [self._left(arc, step, before, agreed)]
        if review is not None and arc.outcome in ANSWERED:
            answered = [self._write(frames, approved, review, USER) for frames, approved in ways]
            ways = answered if arc.outcome == "rejected" else ways + answered
        edge = self.spec.edges[arc.edge] if arc.edge is not None else None
        review = None
        if edge is not None and edge.writes:
            if reports_error(edge):
                ways = [self._write(frames, approved, edge.writes, Marks("untrusted")) for frames, approved in ways]
            else:
                review = edge.writes
        for frames, approved in ways:
            for after, still in self._across(arc, frames, approved):
                yield after, still, review

    def _across(self, arc: Arc, frames: tuple[Frame, ...], approved: bool) -> Iterator[tuple[tuple[Frame, ...], bool]]:
        """Into a branch, out of it, or neither."""
        blocks = self.paths.blocks
        if arc.source in blocks.of:
            inside = any(self.target.step in names for names in blocks.of[arc.source].branches.values())
            yield (*frames, (frames[-1][0], 0)), approved and not inside
        elif arc.target in blocks.joins:
            yield self._joined(blocks.home[arc.source], frames, approved)
        elif arc.target.endswith(FAILING):
            yield from _failed(frames, approved and not self._touches(frames[-1][1]))
        else:
            yield frames, approved

    def _left(self, arc: Arc, step: Step, frames: tuple[Frame, ...], approved: bool) -> tuple[tuple[Frame, ...], bool]:
        if arc.source == self.target.step and arc.outcome != "exhausted":
            approved = False
        if isinstance(step, ApproveStep) and step.covers == self.target.step and arc.outcome == "approved":
            approved = True
        if step.writes is not None and arc.outcome in writing(step) and step.writes in self.place:
            known = dict(zip(self.keys, frames[-1][0], strict=True))
            return self._write(frames, approved, step.writes, wrote(step, known, self.actions))
        return frames, approved

    def _write(
        self, frames: tuple[Frame, ...], approved: bool, key: str, marks: Marks
    ) -> tuple[tuple[Frame, ...], bool]:
        if key not in self.place:
            return frames, approved
        place = self.place[key]
        known, written = frames[-1]
        frame = (*known[:place], marks, *known[place + 1 :]), written | 1 << place
        return (*frames[:-1], frame), approved and key not in self.target.keys

    def _touches(self, written: int) -> bool:
        return any(written >> self.place[key] & 1 for key in self.target.keys)

    def _joined(
        self, inside: tuple[str, str], frames: tuple[Frame, ...], approved: bool
    ) -> tuple[tuple[Frame, ...], bool]:
        """After a join: what this branch wrote, and for the rest what stood at the fork.

        What only another branch wrote is taken at its best: the walk through that branch tells the worst.
        """
        fork, branch = inside
        *outer, (before, written_before), (known, written) = frames
        found = []
        for place, key in enumerate(self.keys):
            marks = known[place] if written >> place & 1 else before[place]
            others = [
                other
                for other in self.paths.blocks.of[fork].branches
                if other != branch and other not in self.surely.lacking(fork, key)
            ]
            if others:
                best = reduce(Marks.joined, (self._best.get((fork, other, key), USER) for other in others))
                marks = marks.joined(best) if written >> place & 1 else best
            found.append(marks)
        frame = tuple(found), written_before | written
        return (*outer, frame), approved and not self._touches(written)

    @cached_property
    def _best(self) -> Mapping[tuple[str, str, str], Marks]:
        """The best labels with which each branch can write each key, whatever it reads."""
        found: dict[tuple[str, str, str], Marks] = {}
        for name, step in self.spec.steps.items():
            for fork, branch in self.paths.blocks.around(name):
                if step.writes in self.place:
                    place, marks = (fork, branch, step.writes), wrote(step, {}, self.actions)
                    found[place] = found[place].best(marks) if place in found else marks
        return found


def _failed(frames: tuple[Frame, ...], approved: bool) -> Iterator[tuple[tuple[Frame, ...], bool]]:
    """After a failed join: which of the branch's writes there are is not known."""
    *outer, (before, written_before), (known, written) = frames
    options = [list(dict.fromkeys([before[place], known[place]])) for place in range(len(known))]
    for choice in product(*options):
        yield (*outer, (tuple(choice), written_before | written)), approved


def _slice(spec: Spec, keys: Sequence[str]) -> tuple[str, ...]:
    """Every key that the values of `keys` can depend on."""
    writers: dict[str, list[Step]] = {}
    for step in spec.steps.values():
        if step.writes is not None:
            writers.setdefault(step.writes, []).append(step)
    found = dict.fromkeys(keys)
    waiting = list(keys)
    while waiting:
        for step in writers.get(waiting.pop(), ()):
            for key in step.reads:
                if key not in found:
                    found[key] = None
                    waiting.append(key)
    return tuple(found)
