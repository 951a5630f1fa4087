"""Labels are a lattice, and the marks of a value's parts never promise more than its labels say."""

from __future__ import annotations

from hypothesis import given
from hypothesis import strategies as st

from interlock.graphs.cards import ReasonCard, Schema
from interlock.graphs.labels import wrote
from interlock.graphs.spec import ReasonStep
from interlock.policies.origins import Origin, from_json, holding, least, traced, vouched
from interlock.policies.provenance import EACH, Label, Marks, join, made, raised, rank, through_model

LABELS: list[Label] = ["untrusted", "model", "record", "user"]
label = st.sampled_from(LABELS)
part = st.lists(st.sampled_from(["a", "b", EACH, "0", "1"]), max_size=3).map(tuple)
marks = st.builds(made, label, st.lists(st.tuples(part, label), max_size=4))


@given(label, label, label)
def test_join_is_a_lattice(a: Label, b: Label, c: Label) -> None:
    """It is commutative, associative, idempotent, and never above what it joins; `user` is its neutral element."""
    assert join([a, b]) == join([b, a])
    assert join([join([a, b]), c]) == join([a, join([b, c])])
    assert join([a, a]) == a == join([a, "user"])
    assert rank(join([a, b])) <= min(rank(a), rank(b))
    assert rank(raised(a, b)) >= rank(a)


@given(marks, part)
def test_a_whole_is_trusted_no_more_than_its_parts(found: Marks, path: tuple[str, ...]) -> None:
    """Whatever is inside a value counts for it."""
    assert rank(found.at()) <= rank(found.at(path))
    for end in range(len(path)):
        assert rank(found.at(path[:end])) <= rank(found.at(path))


@given(marks, part, part)
def test_a_part_by_itself_keeps_its_marks(found: Marks, path: tuple[str, ...], rest: tuple[str, ...]) -> None:
    """Taking a part out of a value changes no label, whether it is asked there or by itself."""
    assert found.inside(path).at(rest) == found.at(path + rest)


@given(marks, marks, part)
def test_joined_marks_are_trusted_no_more(one: Marks, other: Marks, path: tuple[str, ...]) -> None:
    """A value that may be one or the other has at no path a better label than either."""
    both = one.joined(other)
    assert rank(both.at(path)) <= min(rank(one.at(path)), rank(other.at(path)))
    assert rank(one.best(other).whole) >= max(rank(one.whole), rank(other.whole))


@given(label, label, st.lists(label, max_size=3))
def test_an_untrusted_value_never_raises_what_a_model_writes(first: Label, added: Label, more: list[Label]) -> None:
    """Whatever a reason step reads besides, its answer is trusted no more than without it, and never above `model`."""
    assert rank(through_model([first, added, *more])) <= rank(through_model([first, *more])) <= rank("model")


@given(label, label)
def test_only_what_the_prompt_names_counts(named: Label, unnamed: Label) -> None:
    """A model's answer is as trusted as the values that stand in its prompt, part by part."""
    card = ReasonCard(node="n", kind="reason", goal="g", prompt="$a.id", output={"text": Schema(type="string")})
    step = ReasonStep(card=card, reads=["a"], writes="b")
    known = {"a": made(unnamed, [(("id",), named)])}
    assert wrote(step, known, {}).at() == through_model([named])


@given(marks, label, part)
def test_what_is_kept_is_what_was_known(found: Marks, by: Label, path: tuple[str, ...]) -> None:
    """Marks come back from the database as they went in, and a validator never lowers."""
    origin = Origin(kind="text", of="mail.read")
    known = traced(found.whole, origin, {place: (mark, origin) for place, mark in found.parts})
    again = from_json(known.as_json())
    assert again.at(path) == known.at(path)
    assert rank(vouched(known, by, "$.request").at()[0]) == max(rank(known.at()[0]), rank(by))
    assert holding({("x",): known}).at(("x", *path))[0] == known.at(path)[0]
    assert least([known.at(), ("user", origin)])[0] == known.at()[0]
