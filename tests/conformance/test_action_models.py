"""One suite over the three backends: the embedded model, a causal model in process, and one behind an endpoint."""

from __future__ import annotations

import pytest

from interlock.lam.endpoint.options import Way
from interlock.lam.protocol import Action, Decision
from interlock.testing import action_cases, action_model_conformance
from tests.chat_server import ChatServer, Form, chatting

TELLING = ("logprobs", "prompt_logprobs")
RIGHT = Action(name="email.send", arguments={"to": "anna@example.org", "body": "See you at nine."}, confidence=1)
ORDERED = {
    "a plain request": [
        RIGHT,
        RIGHT.model_copy(update={"arguments": {"to": "anna@example.org", "body": "nine"}}),
    ]
}


def by_case(decisions: list[Decision]) -> dict[str, Decision]:
    return dict(zip(action_cases(), decisions, strict=True))


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
