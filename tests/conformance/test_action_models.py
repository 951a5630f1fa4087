"""One suite over the three backends: the embedded model, a causal model in process, and one behind an endpoint.

Promises of the protocol hold for any weights, so random ones try them as well as trained ones, and in odder places.
"""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

import pytest

from interlock.lam.endpoint.options import Way
from interlock.lam.protocol import Action, Decision
from interlock.testing import action_cases, action_model_conformance
from tests.chat_server import ChatServer, Form, chatting

TELLING = ("logprobs", "prompt_logprobs")
RIGHT = Action(name="email.send", arguments={"to": "anna@example.org", "body": "See you at nine."}, confidence=1)
WRONG = RIGHT.model_copy(update={"arguments": {"to": "anna@example.org", "body": "nine"}})
ORDERED = {"a plain request": [RIGHT, WRONG]}


def by_case(decisions: list[Decision]) -> dict[str, Decision]:
    return dict(zip(action_cases(), decisions, strict=True))


@pytest.fixture
def one_thread() -> Iterator[None]:
    """Two threads that share a core with other tests wait for each other."""
    import torch

    before = torch.get_num_threads()
    torch.set_num_threads(1)
    yield
    torch.set_num_threads(before)


# -- behind an endpoint -----------------------------------------------------------------------------------


@pytest.mark.parametrize("copy_only", [False, True])
@pytest.mark.parametrize("way", ["structured_outputs", "response_format"])
def test_an_endpoint_under_a_schema_keeps_every_promise(way: Way, copy_only: bool) -> None:
    """As vLLM serves it: log-probabilities of answers and of prompts, so it scores too."""
    with chatting(ChatServer(tells=TELLING), way=way, copy_only=copy_only) as (model, _, _):
        found = by_case(action_model_conformance(model, action_cases(), copies=copy_only, ordered=ORDERED))
    assert found["a plain request"].actions[0].arguments == RIGHT.arguments
    assert found["nothing to choose from"].kind == found["a request that no action fits"].kind == "abstain"
    assert found["a required argument that is not said"].missing == ["body"]
    assert [action.arguments["amount"] for action in found["several calls in one request"].actions] == [250, 40]


@pytest.mark.parametrize("form", ["message", "xlam-1", "xlam-2", "hermes"])
def test_an_endpoint_with_tools_keeps_every_promise(form: Form) -> None:
    """In each form of calls; how a call is written there nobody knows, so it does not score."""
    with chatting(ChatServer(form=form), way="tools", copy_only=True) as (model, _, _):
        action_model_conformance(model, action_cases(), risk=1, scores=False)


# -- the embedded model -----------------------------------------------------------------------------------


@pytest.mark.slow  # it reads every case several times
def test_the_embedded_model_keeps_every_promise() -> None:
    """With the packaged weights: what it proposes, asks for and scores."""
    from interlock.lam.load import load_action_model

    found = by_case(action_model_conformance(load_action_model(threads=1), action_cases(), risk=1))
    assert found["nothing to choose from"].kind == "abstain"


@pytest.mark.slow  # it reads every case several times
@pytest.mark.parametrize("seed", [0, 1])
def test_an_untrained_embedded_model_keeps_every_promise(seed: int, one_thread: None) -> None:
    """Random weights point anywhere, and still cannot leave the context or the action space."""
    import torch

    from interlock.lam.spans import SpanModel
    from interlock.lam.weights import Shape

    torch.manual_seed(seed)
    encoder, head = Shape().build()
    model = SpanModel(encoder, head, model_id=f"untrained-{seed}")
    found = action_model_conformance(model, action_cases(), risk=1)
    assert {decision.kind for decision in found} == {"act", "ask", "abstain"}


# -- a causal model in process ----------------------------------------------------------------------------


def causal(dialect: str, seed: int, **options: Any) -> Any:
    """An action model over random weights, with a tokenizer that has learnt the words of the cases."""
    pytest.importorskip("llguidance", reason="llguidance is not installed: pip install 'interlock[hf]'")
    from interlock.lam.causal.dialects import DIALECTS
    from interlock.lam.causal.model import CausalModel
    from interlock.lam.causal.tokens import Tokens
    from tests.lam.causal.tiny import HERMES_TEMPLATE, TOOLS_TEMPLATE, make_model, make_tokenizer

    cases = action_cases().values()
    texts = [text for observation, _ in cases for text in observation.sources.values()]
    texts += [schema.model_dump_json() for _, space in cases for schema in space]
    template = HERMES_TEMPLATE if dialect == "hermes" else TOOLS_TEMPLATE
    tokenizer = make_tokenizer(texts, template=template, size=1500)
    weights = make_model("llama", len(tokenizer), seed)
    if dialect in ("xlam-2", "hermes"):
        _incline(weights, tokenizer)
    tokens = Tokens(tokenizer, weights.config.vocab_size, [tokenizer.eos_token_id])
    return CausalModel(weights, tokens, DIALECTS[dialect], model_id=f"random-{seed}", **options)


def _incline(weights: Any, tokenizer: Any) -> None:
    """Make a model begin with a call, which random weights never do where any other text means none."""
    import torch

    head = weights.lm_head
    weights.lm_head = torch.nn.Linear(head.in_features, head.out_features)
    with torch.no_grad():
        weights.lm_head.weight.copy_(head.weight)
        openings = [token for token in range(len(tokenizer)) if tokenizer.decode([token]).startswith(("[", "<tool"))]
        weights.lm_head.bias.zero_()[openings] = 100.0


@pytest.mark.slow  # a grammar for each case, and every token by a model
@pytest.mark.parametrize(("dialect", "seed"), [("xlam-1", 1), ("xlam-2", 4), ("hermes", 0), ("generic", 1)])
def test_a_causal_model_that_copies_keeps_every_promise(dialect: str, seed: int, one_thread: None) -> None:
    """Random weights under a grammar of the actions and the context: no value of their own, whatever they write."""
    model = causal(dialect, seed, copy_only=True, most=160)
    found = action_model_conformance(model, action_cases(), risk=1, errors=True)
    assert {decision.kind for decision in found} >= {"act", "abstain"}


@pytest.mark.slow  # a grammar for each case, and every token by a model
def test_a_causal_model_that_writes_keeps_every_promise(one_thread: None) -> None:
    """What it writes freely still fits the schemas; an answer that does not end is a `ModelError`."""
    model = causal("generic", 2, most=160)
    found = action_model_conformance(model, action_cases(), risk=1, copies=False, errors=True)
    assert found
