"""The generator: reproducible, consistent with its own answers, and disjoint between splits."""

from __future__ import annotations

import re

import pytest

from interlock.lam.candidates import typed_candidates
from interlock.lam.parameters import faults, read_parameters
from interlock.lam.protocol import ActionSchema
from interlock.lam.requests import Example, Generator, utterance
from interlock.lam.wordings.lexicon import SPLITS, Lexicon, read_lexicon

SHARED_WORDS = 4_000


def templates(lexicon: Lexicon) -> set[str]:
    """Every template of a split in a plain form: no alternatives' marks, no case."""
    groups = [*lexicon.requests.values(), *lexicon.goals.values(), lexicon.outside, lexicon.near]
    return {re.sub(r"[^\w{}]+", " ", template).strip().lower() for group in groups for template in group}


def examples(split: str, space: list[ActionSchema], count: int, seed: int = 3) -> list[Example]:
    return list(Generator(read_lexicon(split), space, seed).examples(0, count))


def test_an_example_is_a_function_of_seed_and_number(space: list[ActionSchema]) -> None:
    """The same seed and number give the same example, another seed another one."""
    assert examples("training", space, 30) == examples("training", space, 30)
    assert examples("training", space, 30) != examples("training", space, 30, seed=4)


@pytest.mark.parametrize(
    ("one", "two"),
    [("training", "heldout"), ("training", "idioms"), ("training", "calibration"), ("calibration", "heldout")],
)
def test_no_template_is_shared_between_splits(one: str, two: str) -> None:
    """Training, calibration and measuring have no template in common."""
    assert not templates(read_lexicon(one)) & templates(read_lexicon(two))


def test_openings_closings_and_names_of_the_measured_split_are_its_own() -> None:
    """Polite words, small talk, people, companies, subjects and titles of the held-out split are not trained on."""
    train, held = read_lexicon("training"), read_lexicon("heldout")
    for part in ("openings", "closings", "chatter", "negations"):
        assert not set(getattr(train, part)) & set(getattr(held, part)), part
    for pool in ("first", "last", "company", "topic", "happens", "sentence", "title", "query", "account", "note_does"):
        assert not set(train.pools[pool]) & {entry for entry in held.pools[pool] if "{" not in entry}, pool


def test_no_held_out_request_occurs_in_training(space: list[ActionSchema]) -> None:
    """No held-out utterance with a value in it is ever generated for training."""
    trained = {utterance(example) for example in examples("training", space, SHARED_WORDS, seed=1)}
    measured = {utterance(example) for example in examples("heldout", space, 1000, seed=7000)}
    assert not trained & measured


@pytest.mark.parametrize("split", SPLITS)
def test_every_answer_can_be_pointed_at(split: str, space: list[ActionSchema]) -> None:
    """The right value of a typed argument is a candidate at its span, and a right call is valid."""
    lost = total = 0
    for example in examples(split, space, 500):
        if example.name is None:
            continue
        schema = next(schema for schema in space if schema.name == example.name)
        known = {parameter.name: parameter for parameter in read_parameters(schema)}
        observation = example.observation
        for name, span in example.spans.items():
            if known[name].kind != "text":
                found = typed_candidates(known[name], observation.sources, observation.today)
                here = [c.value for c in found if (c.source, c.start, c.end) == (span.source, span.start, span.end)]
                total, lost = total + 1, lost + (example.arguments[name] not in here)
        if example.kind == "act":
            assert faults(schema, example.arguments) == []
    assert lost <= 0.005 * total


def test_every_kind_of_example_occurs(space: list[ActionSchema]) -> None:
    """Act, ask and abstain, bound arguments, further sources and every action are in a thousand examples."""
    made = examples("training", space, 1000)
    assert {example.kind for example in made} == {"act", "ask", "abstain"}
    assert {example.name for example in made if example.name} == {schema.name for schema in space}
    assert any(example.observation.bound for example in made)
    assert any(len(example.observation.sources) > 2 for example in made)
