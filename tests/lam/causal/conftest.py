"""Random models of two architectures over one space of actions, made once for the folder."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from typing import Any

import pytest
import torch

pytest.importorskip("llguidance", reason="llguidance is not installed: pip install 'interlock[hf]'")

from interlock.lam.causal.dialects import DIALECTS
from interlock.lam.causal.model import CausalModel
from interlock.lam.causal.tokens import Tokens
from interlock.lam.protocol import ActionSchema
from tests.lam.causal.tiny import TOOLS_TEMPLATE, make_model, make_tokenizer, words_of

Make = Callable[..., CausalModel]
SCORES = 512
"""Tokens that a model scores: some more than its tokenizer knows, as real ones do."""


def action(name: str, about: str, required: list[str], **properties: dict[str, Any]) -> ActionSchema:
    """An action as JSON Schema."""
    return ActionSchema(
        name=name, description=about, parameters={"type": "object", "properties": properties, "required": required}
    )


ACTIONS = [
    action(
        "payments.pay", "Pay money to somebody.", ["payee", "amount"],
        payee={"type": "string", "maxLength": 30}, amount={"type": "number", "exclusiveMinimum": 0, "maximum": 9000},
        currency={"type": "string", "enum": ["EUR", "USD"]}, urgent={"type": "boolean"},
    ),
    action(
        "calendar_add", "Add an appointment.", ["title", "day"],
        title={"type": "string", "minLength": 1, "maxLength": 40}, day={"type": "string", "format": "date"},
        start={"type": "string", "format": "time"}, minutes={"type": "integer", "minimum": 1, "maximum": 600},
    ),
    action(
        "shipIt", "Send goods somewhere.", ["items", "to"],
        items={"type": "array", "items": {"type": "string", "maxLength": 12}, "minItems": 1, "maxItems": 3},
        to={
            "type": "object", "required": ["city"],
            "properties": {"city": {"type": "string", "maxLength": 20}, "zip": {"type": "integer", "maximum": 99999}},
        },
        note={"anyOf": [{"type": "string", "maxLength": 20}, {"type": "null"}]},
    ),
    action("stop_all", "Stop everything.", []),
]  # fmt: skip
REQUESTS = [
    "Pay 12.50 EUR to Anna Smith for invoice 77, please.",
    "Put the dentist on my calendar for tomorrow at 3pm, 45 minutes.",
    "Ship two lamps and a desk to Graz, 8010.",
    "Stop.",
    'He said "hello\\there"\nFoo bar; then — naïve — nothing: 3,400.75 and 東京タワー.',
]


@pytest.fixture(scope="session", autouse=True)
def _one_thread() -> Iterator[None]:
    """Two threads that share a core with other tests wait for each other."""
    before = torch.get_num_threads()
    torch.set_num_threads(1)
    yield
    torch.set_num_threads(before)


@pytest.fixture(scope="session")
def tokenizer() -> Any:
    texts = words_of(ACTIONS) * 9 + [action.description for action in ACTIONS] + REQUESTS
    return make_tokenizer(texts, template=TOOLS_TEMPLATE)


@pytest.fixture(scope="session")
def make(tokenizer: Any) -> Make:
    """Makes an action model over random weights; the same arguments give the same weights."""
    known: dict[tuple[str, int], Any] = {}

    def made(kind: str = "llama", seed: int = 0, dialect: str = "generic", **options: Any) -> CausalModel:
        if (kind, seed) not in known:
            known[kind, seed] = make_model(kind, SCORES, seed)
        weights = known[kind, seed]
        tokens = Tokens(tokenizer, weights.config.vocab_size, [tokenizer.eos_token_id])
        return CausalModel(weights, tokens, DIALECTS[dialect], model_id=f"{kind}-{seed}", **options)

    return made
