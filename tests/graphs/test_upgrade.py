"""Two specs compared, mappings checked, and where a run of one would stand in the other."""

from __future__ import annotations

import itertools
import random
from collections.abc import Mapping
from dataclasses import replace
from datetime import timedelta
from pathlib import Path
from typing import Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from interlock.engine.compiler import choose
from interlock.graphs.cards import Limits, PythonCard, Schema
from interlock.graphs.endings import possible
from interlock.graphs.proofs.shapes import state_shapes
from interlock.graphs.spec import (
    END,
    START,
    ApproveStep,
    CallStep,
    CompensateStep,
    Edge,
    PythonStep,
    Spec,
    Step,
    WaitStep,
    outcomes,
)
from interlock.graphs.upgrades.differences import differences
from interlock.graphs.upgrades.mapping import SpecMapping, read_mapping
from interlock.graphs.upgrades.standing import GONE, Judged, Passed, Standing
from interlock.graphs.upgrades.upgrade import Upgrade
from interlock.source import SourceError
from tests.graphs.random_specs import ACTIONS, PYTHON, made

NAMES = SpecMapping()
TEXT = Schema(type="string")
PAY = CallStep(call="house.pay", bind={"payee": "$.a"}, writes="paid")
LOOK = CallStep(call="house.look", bind={"payee": "$.a"}, writes="seen")


def line(version: int = 1, **steps: Step) -> Spec:
    """The steps one after the other, each left by its first outcome; other outcomes end the run."""
    names = [START, *steps, END]
    edges = [
        Edge(source=source, target=target, on=[] if source == START else [outcomes(steps[source])[0]])
        for source, target in itertools.pairwise(names)
    ]
    return Spec(graph="line", version=version, input={"a": TEXT}, steps=steps, edges=edges)


def standing(*visits: tuple[str, str | None], **values: Any) -> Standing:
    """A run on a `line` whose steps are visited in order; the last may be open."""
    passed = [
        Passed(step, 1, outcome, index, index + 1 if outcome else None) for index, (step, outcome) in enumerate(visits)
    ]
    return Standing({"a": "x"}, {"a": "x"} | values, passed)


def judged(old: Spec, new: Spec, run: Standing, mapping: SpecMapping = NAMES) -> Judged:
    return Upgrade(old, new, mapping, ACTIONS, choose).judge(run)


# One change each ----------------------------------------------------------------------------------

OLD = line(look=LOOK, pay=PAY)
SEEN = {"seen": {"payee": "x"}}
AT_PAY = standing(("look", "done"), ("pay", None), **SEEN)

CASES: dict[str, tuple[Spec, Standing, dict[str, Any], str, str]] = {
    "nothing": (line(2, look=LOOK, pay=PAY), AT_PAY, {}, "safe", "it goes on at pay"),
    "not begun": (line(2, pay=PAY), standing(), {}, "safe", "it has not begun"),
    "between two steps": (
        line(2, look=LOOK, pay=PAY), standing(("look", "done"), **SEEN), {}, "safe", "it goes on at pay",
    ),
    "the step is gone": (
        line(2, look=LOOK, spend=PAY), AT_PAY, {}, "needs_mapping",
        "step pay, where it stands, is gone; say under `steps` what it is called",
    ),
    "the step is renamed": (
        line(2, look=LOOK, spend=PAY), AT_PAY, {"steps": {"pay": "spend"}}, "safe", "it goes on at spend",
    ),
    "another kind": (
        line(2, look=LOOK, pay=ApproveStep(approve="Pay?")), AT_PAY, {}, "needs_mapping",
        "step pay, where it stands, is of kind call, and pay of kind approve",
    ),
    "the step before is gone": (
        line(2, pay=PAY), AT_PAY, {}, "needs_mapping",
        "it came to pay from look, which is gone; say under `entered` which step that is now",
    ),
    "the step before is gone, declared": (
        line(2, pay=PAY), AT_PAY, {"entered": {"pay": "START"}}, "safe", "it goes on at pay",
    ),
    "the step before is gone, not entered yet": (
        line(2, pay=PAY), standing(("look", "done"), **SEEN), {"entered": {"pay": "START"}}, "impossible",
        "it has not entered pay yet; resume it until it waits there",
    ),
    "the start leads elsewhere": (
        line(2, see=LOOK, pay=PAY), AT_PAY, {"entered": {"pay": "START"}}, "needs_mapping",
        "it came to pay from START, and the way from START leads to see now",
    ),
    "another step before": (
        line(2, look=LOOK, see=LOOK, pay=PAY), AT_PAY, {}, "needs_mapping",
        "it came to pay from look on done, and the way from look on done leads to see now",
    ),
    "another step before, declared": (
        line(2, look=LOOK, see=LOOK, pay=PAY), AT_PAY, {"entered": {"pay": "see"}}, "safe", "it goes on at pay",
    ),
    "a key is read that nothing wrote": (
        line(2, look=LOOK, pay=CallStep(call="house.pay", bind={"payee": "$.who"})).model_copy(
            update={"input": {"a": TEXT, "who": TEXT}}
        ),
        AT_PAY, {}, "needs_mapping", "step pay reads `who`, which nothing has written; map it, or give a value",
    ),
    "a key with a value": (
        line(2, look=LOOK, pay=CallStep(call="house.pay", bind={"payee": "$.who"})).model_copy(
            update={"input": {"a": TEXT, "who": TEXT}}
        ),
        AT_PAY, {"values": {"who": "x"}}, "safe", "it goes on at pay",
    ),
    "a key with a default": (
        line(2, look=LOOK, pay=CallStep(call="house.pay", bind={"payee": "$.who"})).model_copy(
            update={"input": {"a": TEXT, "who": Schema(type="string", default="x")}}
        ),
        AT_PAY, {}, "safe", "it goes on at pay",
    ),
    "a key of another type": (
        line(2, look=LOOK, pay=PAY).model_copy(update={"input": {"a": Schema(type="integer")}}),
        AT_PAY, {}, "needs_mapping", "step pay reads `a`, whose value does not fit: 'x' is not of type 'integer'",
    ),
    "fewer visits": (
        line(2, look=LOOK, pay=PAY.model_copy(update={"visits": 1})),
        replace(AT_PAY, visits=[*AT_PAY.visits[:1], Passed("pay", 1, "done", 1, 1), Passed("pay", 2, None, 1, None)]),
        {}, "impossible", "it comes to pay on visit 2, and 1 are allowed now",
    ),
    "a lower limit": (
        line(2, look=LOOK, pay=PAY).model_copy(update={"limits": Limits(model_calls=2)}),
        replace(AT_PAY, used={"model_calls": 3}), {}, "impossible", "it has used 3 model_calls, and the new limit is 2",
    ),
    "less time": (
        line(2, look=LOOK, pay=PAY).model_copy(update={"limits": Limits(time=timedelta(minutes=1))}),
        replace(AT_PAY, used={"seconds": 61}), {}, "impossible", "it has used 61 seconds, and the new limit is 60",
    ),
    "a name that means another step": (
        line(2, see=LOOK, look=PAY), AT_PAY, {"steps": {"look": "see", "pay": "look"}},
        "impossible", "it has been at look, and another step is called so now",
    ),
    "an older name that means another step": (
        line(2, look=LOOK, pay=PAY, once=LOOK), replace(AT_PAY, names=frozenset({"once", "pay"})), {},
        "impossible", "it has been at a step once called once, and another is called so now",
    ),
    "a new question before": (
        line(2, ask=ApproveStep(approve="Pay?"), look=LOOK, pay=PAY), AT_PAY, {}, "impossible",
        "people are asked at ask before pay now, and were not",
    ),
    "the end": (
        line(2, look=LOOK, pay=PAY), standing(("look", "done"), ("pay", "done")), {}, "impossible",
        "it is about to end; resume it",
    ),
    "what was done cannot be undone": (
        line(2, look=LOOK, pay=PAY, undo=CompensateStep(compensate="look", undoing=["house.release"])),
        replace(AT_PAY, performed=[("look", "house.look")]), {}, "impossible",
        "look performed house.look, which undo cannot undo",
    ),
}  # fmt: skip


@pytest.mark.parametrize("name", CASES)
def test_a_verdict_has_its_reason(name: str) -> None:
    """One change, one verdict, one sentence."""
    new, run, mapping, word, reason = CASES[name]
    found = judged(OLD, new, run, SpecMapping.model_validate(mapping))
    assert (found.word, found.reason) == (word, reason)


def test_a_wait_for_something_else_is_not_moved() -> None:
    """What is waited for stays; how long was decided when it began, and may differ."""
    event = WaitStep(event="paid", payload={"id": TEXT}, writes="came")
    old, run = line(wait=event), standing(("wait", None))
    longer = event.model_copy(update={"within": None, "visits": 3})
    assert judged(old, line(2, wait=longer), run).word == "safe"
    other = judged(old, line(2, wait=event.model_copy(update={"event": "sent"})), run)
    assert (other.word, other.reason) == ("impossible", "it waits at wait for something that wait does not wait for")


UNTRUSTED = Schema(type="string", provenance="untrusted")


@pytest.mark.parametrize("read", [True, False])
def test_a_new_name_makes_no_value_more_trusted(read: bool) -> None:
    """What came from outside is not taken for a person's word; where nobody reads it, it is left behind."""
    pay = PAY.model_copy(update={"bind": {"payee": "$.who" if read else "$.a"}})
    old = line(look=LOOK, pay=PAY).model_copy(update={"input": {"a": TEXT, "mail": UNTRUSTED}})
    new = line(2, look=LOOK, pay=pay).model_copy(update={"input": {"a": TEXT, "who": TEXT}})
    run = standing(("look", "done"), ("pay", None), mail="x", **SEEN)
    found = judged(old, new, run, SpecMapping(keys={"mail": "who"}))
    if read:
        why = "step pay reads `who` as user, and the value it would be given is untrusted"
        assert (found.word, found.reason) == ("needs_mapping", f"{why}; map another key, or give a value")
        assert judged(old, new, run, SpecMapping(values={"who": "x"})).word == "safe"
    else:
        assert (found.word, "who" in found.values) == ("safe", False)
    lower = new.model_copy(update={"input": {"a": TEXT, "who": UNTRUSTED}})
    assert judged(old, lower, run, SpecMapping(keys={"mail": "who"})).values["who"] == "x"


def test_an_input_is_not_made_more_trusted_before_a_run_begins() -> None:
    """Accepted as text from outside, it is not begun with as a person's word."""
    old = line(pay=PAY).model_copy(update={"input": {"a": UNTRUSTED}})
    found = judged(old, line(2, pay=PAY), standing())
    why = "the input `a` is user, and the value it would be given is untrusted"
    assert (found.word, found.reason) == ("needs_mapping", f"{why}; map another key, or give a value")


def test_a_step_of_a_still_earlier_version_is_no_step_of_the_next() -> None:
    """A visit of a step that the present version does not have keeps its name, and no later step may take it."""
    run = replace(AT_PAY, visits=[Passed("gone", 1, "done", 0, 1), AT_PAY.visits[1]])
    found = judged(OLD, line(2, look=LOOK, pay=PAY, gone=LOOK), run)
    assert (found.word, found.reason) == (
        "impossible",
        "it has been at a step once called gone, and another is called so now",
    )


def test_an_edge_that_is_gone_is_no_other_edge() -> None:
    """A visit of a step that is gone keeps no edge of the new spec but the one into the position."""
    new = line(2, see=LOOK, pay=PAY)
    found = judged(OLD, new, AT_PAY, SpecMapping(entered={"pay": "see"}))
    assert found.word == "safe"
    assert found.edges == {("look", 1): (GONE, 1), ("pay", 1): (1, None)}


def test_every_difference_is_told() -> None:
    """Steps that came, went or changed, edges, inputs, and the source of a Python function."""
    pure = PythonStep(card=PYTHON, reads=["a"], writes="b")
    moved = PythonStep(card=PythonCard(**(PYTHON.model_dump() | {"source": "sha256:1"})), reads=["a"], writes="b")
    old = line(pure=pure, look=LOOK)
    new = line(2, pure=moved, see=LOOK.model_copy(update={"visits": 2}), ask=ApproveStep(approve="Go on?"))
    new = new.model_copy(update={"input": {"c": TEXT}})
    assert differences(old, new, SpecMapping(steps={"look": "see"})) == [
        "step pure: the source of the function pure has changed",
        "step look is called see",
        "step see: visits changed",
        "step ask is new",
        "edge look -> END on done is gone",
        "edge see -> ask on done is new",
        "edge ask -> END on approved is new",
        "input: a is gone, c is new",
    ]


# Mapping files ------------------------------------------------------------------------------------

FILES = {
    "an unknown part": ("stepps: {pay: spend}\n", "U001", 1, 1),
    "a value of the wrong form": ("steps: [pay]\n", "U003", 1, 8),
    "an old step that is not there": ("steps:\n  pey: spend\n", "U010", 2, 3),
    "a new step that is not there": ("steps: {pay: spent}\n", "U011", 1, 14),
    "two steps become one": ("steps: {look: spend, pay: spend}\n", "U012", 1, 27),
    "a step of another kind": ("steps: {pay: ask}\n", "U013", 1, 14),
    "an old key that is not there": ("keys: {b: a}\n", "U010", 1, 8),
    "a key of another type": ("keys: {a: count}\n", "U014", 1, 11),
    "a value that does not fit": ("values: {count: many}\n", "U014", 1, 17),
    "a value of no key": ("values: {coumt: 1}\n", "U011", 1, 10),
    "a key that is given twice": ("keys: {a: who}\nvalues: {who: x}\n", "U012", 2, 10),
    "no edge": ("entered: {spend: spend}\n", "U015", 1, 18),
    "an answer of no approve step": ("answers: [pay]\n", "U010", 1, 11),
    "an anchor": ("steps: &a {pay: spend}\n", "Y010", 1, 8),
}


@pytest.mark.parametrize("name", FILES)
def test_a_faulty_mapping_is_refused_at_its_place(tmp_path: Path, name: str) -> None:
    """Each fault has its code, line and column."""
    text, code, row, column = FILES[name]
    new = line(2, look=LOOK, spend=PAY, ask=ApproveStep(approve="Go on?"))
    new = new.model_copy(update={"input": {"a": TEXT, "count": Schema(type="integer"), "who": TEXT}})
    (tmp_path / "mapping.yaml").write_text(text)
    with pytest.raises(SourceError) as refused:
        read_mapping(tmp_path / "mapping.yaml", OLD, new, ACTIONS)
    assert [(found.code, found.line, found.column) for found in refused.value.findings] == [(code, row, column)]


def test_a_mapping_is_read(tmp_path: Path) -> None:
    """What fits both specs is taken as it stands."""
    (tmp_path / "mapping.yaml").write_text("steps: {pay: spend}\nentered: {spend: look}\n")
    found = read_mapping(tmp_path / "mapping.yaml", OLD, line(2, look=LOOK, spend=PAY), ACTIONS)
    assert found == SpecMapping(steps={"pay": "spend"}, entered={"spend": "look"})


# A law --------------------------------------------------------------------------------------------


def sample(schema: Mapping[str, Any]) -> Any:
    """Some value of this shape."""
    match schema.get("type"):
        case "object":
            return {name: sample(inner) for name, inner in schema.get("properties", {}).items()}
        case "array":
            return []
        case "integer" | "number":
            return 1
    return (schema.get("enum") or ["x"])[0]


def walked(spec: Spec, rng: random.Random) -> Standing:
    """A run somewhere on its way: every edge the first that takes the outcome, as a run chooses it."""
    values = {key: sample(shapes[0].resolved()) for key, shapes in state_shapes(spec, ACTIONS).items()}
    visits: list[Passed] = []
    edge = choose(spec, START, "", values)
    for _ in range(rng.randint(0, 12)):
        step = spec.edges[edge].target
        if step == END:
            break
        count = sum(visit.step == step for visit in visits) + 1
        limit = spec.steps[step].visits
        ends = [word for word in outcomes(spec.steps[step]) if possible(spec.steps[step], word) and word != "exhausted"]
        outcome = "exhausted" if limit is not None and count > limit else rng.choice(ends)
        left = choose(spec, step, outcome, values)
        if left < 0 or spec.edges[left].target == END:
            visits += [Passed(step, count, None, edge, None)] if outcome != "exhausted" else []
            break
        visits.append(Passed(step, count, outcome, edge, left))
        edge = left
    return Standing({"a": "x"}, values, visits)


@given(st.integers(0, 2**32), st.integers(1, 12), st.booleans(), st.randoms(use_true_random=False))
@settings(max_examples=300, deadline=None)
def test_a_run_follows_new_names_anywhere(seed: int, size: int, loops: bool, rng: random.Random) -> None:
    """All steps renamed and all edges in another order: with the mapping every position is the same one, safely."""
    old = made(seed, size, False, loops)
    old = old.model_copy(update={"input": old.input | {"b": TEXT, "c": TEXT}})
    names = {name: f"t_{name}" for name in old.steps}
    new = renamed(old, names, rng)
    run = walked(old, rng)
    found = judged(old, new, run, SpecMapping(steps=names))
    assert found.word == "safe", found.reason
    if not run.visits:
        return
    last = run.visits[-1]
    here = last.step if last.outcome is None else old.edges[last.left_by or 0].target
    assert found.position is not None
    assert found.position.step == names[here]
    for visit in run.visits:
        pairs = zip((visit.entered_by, visit.left_by), found.edges[visit.step, visit.visit], strict=True)
        for taken, instead in pairs:
            if taken is not None and instead is not None:
                before, after = old.edges[taken], new.edges[instead]
                assert (names.get(before.source, START), names[before.target]) == (after.source, after.target)
                assert before.requires == after.requires
            else:
                assert taken is instead is None


def renamed(spec: Spec, names: Mapping[str, str], rng: random.Random) -> Spec:
    """The same graph with other names of steps; the order of its edges is kept only where it means something."""

    def name(word: str) -> str:
        return names.get(word, word)

    def told(step: Step) -> Step:
        if isinstance(step, ApproveStep) and step.covers:
            return step.model_copy(update={"covers": name(step.covers)})
        if isinstance(step, CompensateStep):
            return step.model_copy(update={"compensate": name(step.compensate)})
        return step

    sources = sorted({edge.source for edge in spec.edges})
    rng.shuffle(sources)
    edges = [
        edge.model_copy(update={"source": name(edge.source), "target": name(edge.target)})
        for source in sources
        for edge in spec.edges
        if edge.source == source
    ]
    return spec.model_copy(
        update={"steps": {name(key): told(step) for key, step in spec.steps.items()}, "edges": edges}
    )
