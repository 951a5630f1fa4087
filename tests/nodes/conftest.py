"""What the tests of this room share."""

from __future__ import annotations

from pathlib import Path

import pytest
import yaml
from langchain_core.messages.ai import UsageMetadata

from interlock.errors import LimitExceeded
from interlock.graphs.cards import ReasonCard

REPOSITORY = Path(__file__).resolve().parents[2]


class CountingMeter:
    """A meter that counts, and stops after `limit` calls."""

    def __init__(self, limit: int = 100) -> None:
        self.calls = 0
        self.limit = limit
        self.usages: list[UsageMetadata | None] = []

    def call(self) -> None:
        if self.calls >= self.limit:
            raise LimitExceeded("no model call is left")
        self.calls += 1

    def usage(self, metadata: UsageMetadata | None) -> None:
        self.usages.append(metadata)


@pytest.fixture
def meter() -> CountingMeter:
    return CountingMeter()


@pytest.fixture
def polish_card() -> ReasonCard:
    """The repository's own card."""
    return shipped_card("polish")


def shipped_card(name: str) -> ReasonCard:
    return ReasonCard.model_validate(yaml.safe_load((REPOSITORY / "nodes" / f"{name}.yaml").read_text()))


@pytest.fixture
def revise_card() -> ReasonCard:
    return shipped_card("revise")


@pytest.fixture
def answer_card() -> ReasonCard:
    return shipped_card("answer")
