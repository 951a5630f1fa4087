"""The packaged model, loaded once for the folder, on one thread."""

from __future__ import annotations

import pytest

from interlock.lam.functions import shipped_space
from interlock.lam.load import load_action_model
from interlock.lam.protocol import ActionSchema
from interlock.lam.spans import SpanModel


@pytest.fixture(scope="session")
def model() -> SpanModel:
    return load_action_model(threads=1)


@pytest.fixture(scope="session")
def space() -> list[ActionSchema]:
    return shipped_space()
