"""Structure, parallel blocks, disjoint conditions and retries against their definitions, played out."""

from __future__ import annotations

import random
from dataclasses import replace
from itertools import product
from typing import Any, get_args

from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st
from random_specs import ACTIONS, made, specs

from interlock.graphs.cards import Retry, Schema
from interlock.graphs.endings import possible
from interlock.graphs.flow import flow
from interlock.graphs.parallel import blocks
from interlock.graphs.proofs.bounds import bounds
from interlock.graphs.proofs.disjoint import disjoint, together
from interlock.graphs.proofs.prove import prove
from interlock.graphs.proofs.retries import retries
from interlock.graphs.proofs.shapes import Shape
from interlock.graphs.proofs.structure import connected
from interlock.graphs.spec import END, START, CallStep, Edge, ForkStep, JoinStep, Spec, outcomes
from interlock.policies.comparing import compare
from interlock.policies.language import Comparison
from interlock.tools.action import EffectClass

many = settings(max_examples=2200, deadline=None, suppress_health_check=[HealthCheck.too_slow])


def after(spec: Spec, name: str) -> set[str]:
    """What can follow a step; a join fails only where a failure in one of its branches is not routed."""
    step = spec.steps[name]
    words = {word for word in outcomes(step) if possible(step, word)}
    if isinstance(step, JoinStep):
        failing = any(fails(spec, step.join, branch) for branch in branches(spec, step.join))
        words -= set() if failing else {"failed"}
    return {edge.target for word in words for edge in spec.leaving(name, word)}


def branches(spec: Spec, fork: str) -> list[str]:
    step = spec.steps[fork]
    return step.fork if isinstance(step, ForkStep) else []


def inside(spec: Spec, fork: str, branch: str) -> set[str]:
    """The steps between a fork and its join, by one branch."""
    join = next(n for n, s in spec.steps.items() if isinstance(s, JoinStep) and s.join == fork)
    found: set[str] = set()
    waiting = [edge.target for edge in spec.leaving(fork, branch)]
    while waiting:
        name = waiting.pop()
        if name not in found and name not in (join, END):
            found.add(name)
            waiting += [edge.target for edge in spec.leaving(name)]
    return found


def fails(spec: Spec, fork: str, branch: str) -> bool:
    """Whether a step of the branch has a failure that no edge takes; one in an inner block ends at the inner join."""
    names = inside(spec, fork, branch)
    deeper = {name for other in names for inner in branches(spec, other) for name in inside(spec, other, inner)}
    for name in names - deeper:
        step = spec.steps[name]
        for word in ("failed", "exhausted"):
            if word in outcomes(step) and possible(step, word) and not spec.leaving(name, word):
                if not isinstance(step, JoinStep):
                    return True
                if any(fails(spec, step.join, inner) for inner in branches(spec, step.join)):
                    return True
    return False


def closure(spec: Spec, start: set[str]) -> set[str]:
    found: set[str] = set()
    waiting = list(start)
    while waiting:
        name = waiting.pop()
        if name not in found:
            found.add(name)
            waiting += after(spec, name) if name != END else ()
    return found


@many
@given(specs())
def test_structure_agrees_with_reachability(spec: Spec) -> None:
    """A step is called unreachable, or without an end, exactly when no path says otherwise."""
    paths = flow(spec)
    if paths.disjointed:
        return
    faults = list(connected(spec, paths))
    if any(fault.code == "G028" for fault in faults):
        stuck = next(fault for fault in faults if fault.code == "G028")
        assert END not in closure(spec, {str(stuck.at[1])})
        return
    reached = closure(spec, {edge.target for edge in spec.leaving(START)})
    assert {str(fault.at[1]) for fault in faults if fault.code == "G027"} == set(spec.steps) - reached
    assert all(END in closure(spec, {name}) for name in reached)


def is_block(spec: Spec, fork: str) -> bool:
    """Whether every way out of each branch is the join, every way in the fork, and no step is of two branches."""
    joins = [n for n, s in spec.steps.items() if isinstance(s, JoinStep) and s.join == fork]
    if len(joins) != 1:
        return False
    members = [inside(spec, fork, branch) for branch in branches(spec, fork)]
    if members[0] & members[1] or any(not names or fork in names for names in members):
        return False
    for branch, names in zip(branches(spec, fork), members, strict=True):
        for edge in spec.edges:
            if edge.source in names and edge.target not in {*names, joins[0]}:
                return False
            if edge.target in names and edge.source not in names and (edge.source, edge.on) != (fork, [branch]):
                return False
        for name in names:
            step = spec.steps[name]
            pair = step.join if isinstance(step, JoinStep) else None
            if isinstance(step, ForkStep):
                pair = next((n for n, s in spec.steps.items() if isinstance(s, JoinStep) and s.join == name), None)
            if pair is not None and pair not in names:
                return False
    return all(edge.source in members[0] | members[1] for edge in spec.entering(joins[0]))


def bent(spec: Spec, seed: int) -> Spec:
    """The same with one edge that leads somewhere else."""
    choice = random.Random(seed)
    edges = list(spec.edges)
    index = choice.randrange(len(edges))
    edges[index] = edges[index].model_copy(update={"target": choice.choice([*spec.steps, END])})
    return spec.model_copy(update={"edges": edges})


@many
@given(st.integers(0, 2**32), st.integers(1, 12), st.booleans())
def test_the_proofs_always_answer(seed: int, size: int, bend: bool) -> None:
    """Whatever is wrong with a workflow, every proof gives its faults, each at a place of the file; none raises."""
    spec = made(seed, size, True, True)
    spec = bent(spec, seed) if bend else spec
    bounds(spec, ACTIONS)
    for fault in prove(spec, ACTIONS, lambda action: False, None, lambda action, labels: True):
        assert fault.at[0] in ("steps", "edges", "limits", "output")
        assert set(fault.path) <= {START, END, *spec.steps}


@many
@given(st.integers(0, 2**32), st.integers(4, 12), st.booleans())
def test_blocks_agree_with_their_definition(seed: int, size: int, bend: bool) -> None:
    """Forks and joins are called blocks exactly when nothing leads in or out beside them; one edge bent or not."""
    spec = made(seed, size, True, True)
    spec = bent(spec, seed) if bend else spec
    found, faults = blocks(spec)
    forks = [name for name, step in spec.steps.items() if isinstance(step, ForkStep)]
    assert bool(faults) == (not all(is_block(spec, fork) for fork in forks))
    if not faults:
        assert set(found.of) == set(forks)
        for block in found.of.values():
            assert {branch: set(names) for branch, names in block.branches.items()} == {
                branch: inside(spec, block.fork, branch) for branch in branches(spec, block.fork)
            }


SHAPES: dict[str, dict[str, Any]] = {
    "whole": {"type": "integer"},
    "few": {"type": "integer", "minimum": 0, "maximum": 3},
    "number": {"type": "number", "maximum": 2},
    "flag": {"type": "boolean"},
    "word": {"type": "string", "enum": ["x", "y", "z"]},
    "text": {"type": "string"},
}
VALUES: dict[str, list[Any]] = {
    "whole": list(range(-4, 7)),
    "few": [0, 1, 2, 3],
    "number": [value / 4 for value in range(-9, 9)],
    "flag": [True, False],
    "word": ["x", "y", "z"],
    "text": ["x", "y", "z", "", "w", "vv"],
}
"""Values of each shape: all there are, or one for every gap between the constants below."""


def comparison(choice: random.Random, key: str) -> Comparison:
    """A comparison that says something about values of this shape."""

    def several(constants: list[Any]) -> list[Any]:
        return [choice.choice(constants) for _ in range(choice.randint(1, 3))]

    if key == "flag":
        return Comparison.model_validate({choice.choice(["eq", "ne"]): choice.random() < 0.5})
    words, constants = ["eq", "ne", "in", "not_in"], ["x", "y", "z"]
    if key not in ("word", "text"):
        words = [*words, "lt", "le", "gt", "ge"]
        constants = list(range(-2, 5)) if key != "number" else [-1, 0, 0.5, 1]
    chosen = choice.sample(words, 1 if key in ("word", "text") else choice.randint(1, 2))
    return Comparison.model_validate(
        {name: several(constants) if "in" in name else choice.choice(constants) for name in chosen}
    )


def conditions(seed: int) -> list[dict[str, Comparison]]:
    """Two or three conditions over at most three keys."""
    choice = random.Random(seed)
    keys = choice.sample(sorted(SHAPES), choice.randint(1, 3))
    return [
        {f"$.{key}": comparison(choice, key) for key in choice.sample(keys, choice.randint(1, min(2, len(keys))))}
        for _ in range(choice.randint(2, 3))
    ]


def holds(when: dict[str, Comparison], values: dict[str, Any]) -> bool:
    return all(compare(comparison, values[path[2:]]) for path, comparison in when.items())


@many
@given(st.builds(conditions, st.integers(0, 2**32)))
def test_disjoint_agrees_with_every_value(when: list[dict[str, Comparison]]) -> None:
    """Two conditions are said to overlap, or one never to hold, exactly when values show it; the witness is true."""
    shapes = {key: [Shape(schema)] for key, schema in SHAPES.items()}
    edges = [Edge(source=START, target="s", when=one) for one in when]
    spec = Spec(graph="g", version=1, input={key: Schema(type="any") for key in SHAPES}, steps={}, edges=edges)
    used = sorted({path[2:] for one in when for path in one})
    grid = [dict(zip(used, values, strict=True)) for values in product(*(VALUES[key] for key in used))]
    faults = list(disjoint(spec, shapes, set()))
    never = {place for place, one in enumerate(when) if not any(holds(one, values) for values in grid)}
    assert {fault.at[1] for fault in faults if fault.code == "G112"} == never
    overlapping = {
        later
        for later in range(len(when))
        for earlier in range(later)
        if not {later, earlier} & never
        and any(holds(when[later], values) and holds(when[earlier], values) for values in grid)
    }
    assert {fault.at[1] for fault in faults if fault.code == "G032"} == overlapping
    for later, earlier in product(overlapping, repeat=2):
        if earlier < later and (found := together(edges[earlier], edges[later], shapes)) is not None:
            values = {path[2:]: value for path, value in found.items()}
            assert holds(when[earlier], values)
            assert holds(when[later], values)


@many
@given(st.sampled_from(get_args(EffectClass)), st.integers(1, 4), st.sampled_from([None, "30s"]))
def test_retries_are_refused_exactly_where_nobody_could_know(effect: Any, attempts: int, timeout: str | None) -> None:
    """A second attempt is for what can be asked about or repeated; giving up is for what only reads."""
    known = {"house.pay": replace(ACTIONS["house.pay"], effect=effect)}
    step = CallStep.model_validate(
        {"call": "house.pay", "bind": {"payee": "x"}, "retry": Retry(attempts=attempts), "timeout": timeout}
    )
    spec = Spec(graph="g", version=1, input={}, steps={"s": step}, edges=[])
    expected: set[str] = set()
    if effect == "blind" and attempts > 1:
        expected.add("G206")
    if effect != "read" and timeout is not None:
        expected.add("G207")
    assert {fault.code for fault in retries(spec, known)} == expected
