"""Decoding: what is forced is not asked of the model, and nothing else about the answer changes."""

from __future__ import annotations

import math

import pytest
import torch

from interlock.errors import ModelError
from interlock.lam.causal.decoding import Answer, decode, log_probability
from interlock.lam.causal.model import CausalModel
from interlock.lam.causal.rows import Question, Row
from interlock.lam.protocol import Observation
from tests.lam.causal.conftest import ACTIONS, REQUESTS, Make

ARCHITECTURES = ("llama", "qwen2")


def questions(model: CausalModel) -> list[Question]:
    """One for each request, of different lengths, with and without further texts."""
    seen = [Observation(sources={"request": text}, today="2026-03-04") for text in REQUESTS]
    seen.append(Observation(sources={"mail": REQUESTS[4], "request": REQUESTS[0]}))
    return [model._question(one, ACTIONS, model._answers(one, ACTIONS)) for one in seen]


def answered(model: CausalModel, asked: list[Question], *, skip: bool = True) -> list[Answer]:
    return decode(model.model, model.tokens, asked, most=500, skip=skip)


@pytest.mark.parametrize("kind", ARCHITECTURES)
@pytest.mark.parametrize("dialect", ["generic", "xlam-1"])
def test_skipping_changes_no_token(make: Make, kind: str, dialect: str) -> None:
    """With and without jump-ahead the tokens are the same one by one, in far fewer passes."""
    for copy_only in (True, False):
        model = make(kind, seed=3, dialect=dialect, copy_only=copy_only)
        asked = questions(model)
        skipped, masked = answered(model, asked), answered(model, asked, skip=False)
        assert [answer.tokens for answer in skipped] == [answer.tokens for answer in masked]
        for one, other in zip(skipped, masked, strict=True):
            assert one.p_null == pytest.approx(other.p_null, abs=1e-4)
            assert math.fsum(one.log_p) == pytest.approx(math.fsum(other.log_p), abs=1e-2)
            assert other.passes == len(other.tokens)
            assert one.passes <= other.passes
        assert sum(answer.passes for answer in skipped) < sum(len(answer.tokens) for answer in skipped)


@pytest.mark.parametrize("kind", ARCHITECTURES)
def test_rows_of_a_batch_are_as_alone(make: Make, kind: str) -> None:
    """Left padding and gaps in the cache change nothing: each row is, token for token, what it is by itself."""
    model = make(kind, seed=5, copy_only=True)
    asked = questions(model)
    together = answered(model, asked)
    for question, answer in zip(asked, together, strict=True):
        alone = answered(model, [question])[0]
        assert (alone.tokens, alone.nothing) == (answer.tokens, answer.nothing)
        assert alone.log_p == pytest.approx(answer.log_p, abs=1e-3)
        assert alone.passes == answer.passes
    assert len({answer.text for answer in together}) > 1


def test_calling_and_calling_nothing_are_both_reached(make: Make) -> None:
    """Over a few random models some answers call and some do not, each on the likelier side of one half."""
    kinds = set()
    for seed in range(20):
        model = make(seed=seed, copy_only=True)
        if kinds == {True, False}:
            break
        for answer in answered(model, questions(model)[:3]):
            assert answer.nothing is (answer.text == model.dialect.nothing)
            assert answer.nothing is (answer.p_null > 0.5)
            kinds.add(answer.nothing)
    assert kinds == {True, False}


def test_prose_calls_nothing(make: Make) -> None:
    """Where any text but a call says so, a model that would rather write text calls nothing, after one pass."""
    for dialect in ("xlam-2", "hermes"):
        model = make(dialect=dialect)
        answer = answered(model, questions(model)[:1])[0]
        assert (answer.nothing, answer.tokens, answer.passes) == (True, [], 1)
        assert answer.p_null > 0.5


@pytest.mark.parametrize("kind", ARCHITECTURES)
def test_the_score_of_a_call_is_its_probability_token_by_token(make: Make, kind: str) -> None:
    """Read in one pass, a call has the log-probability that it has when each token is asked for by itself."""
    model = make(kind, seed=2, copy_only=True)
    question = questions(model)[0]
    text = model.dialect.write([("payments.pay", {"payee": "Anna Smith", "amount": 12.5, "currency": "EUR"})]).encode()
    row, total = Row(model.tokens, question, skip=False), 0.0
    while not row.done:
        choice = row.choice()
        token = model.tokens.next_of(text[len(row.text) :], choice.going)
        assert token is not None
        with torch.inference_mode():
            ids = torch.tensor([[*question.prompt, *row.written]])
            scores = model.model(input_ids=ids).logits[0, -1, : model.tokens.size].float()
        row.weigh(choice, scores)
        total += float(torch.log_softmax(scores.masked_fill(~choice.going, -math.inf), 0)[token])
        row.take(token, 0.0)
    assert row.text == text
    score = log_probability(model.model, model.tokens, question, text)
    assert score == pytest.approx(total + math.log(row.called), abs=1e-2)
    assert score < 0
    for other in (text + b" ", text[:-1], text.replace(b"Anna", b"Ann"), text.replace(b"EUR", b"GBP")):
        assert log_probability(model.model, model.tokens, question, other) == -math.inf


def test_an_answer_without_an_end_is_an_error(make: Make) -> None:
    """A model that goes on for ever is stopped, and the error says what to change."""
    model = make(seed=3)
    asked = questions(model)
    assert any(not answer.nothing for answer in answered(model, asked))
    with pytest.raises(ModelError, match="did not end its answer within 3 tokens"):
        decode(model.model, model.tokens, asked, most=3)
