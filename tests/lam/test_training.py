"""Training: a small run works, and an interrupted one ends with the same weights as an unbroken one."""

from __future__ import annotations

import json
from pathlib import Path

import pytest
import torch

from interlock.errors import ModelError
from interlock.lam.load import load_action_model
from interlock.lam.train import CHECKPOINT, Plan, train
from interlock.lam.weights import METADATA, TENSORS, Shape

PLAN = Plan(seed=5, examples=64, batch=8, save_every=3, shape=Shape(upper=1, width=32))


def test_an_interrupted_run_ends_like_an_unbroken_one(tmp_path: Path) -> None:
    """Stopped after three batches and resumed, the weights are the same to the last bit."""
    threads = torch.get_num_threads()
    torch.set_num_threads(1)
    try:
        whole = train(tmp_path / "whole", PLAN)
        assert train(tmp_path / "parts", PLAN, stop_after=3) is None
        assert (tmp_path / "parts" / CHECKPOINT).is_file()
        parts = train(tmp_path / "parts", PLAN, resume=True)
    finally:
        torch.set_num_threads(threads)
    assert whole is not None
    assert parts is not None
    assert whole["digest"] == parts["digest"]
    assert not (tmp_path / "parts" / CHECKPOINT).exists()
    assert load_action_model(tmp_path / "parts").model_id == whole["model_id"]


def test_resuming_needs_a_checkpoint_of_the_same_plan(tmp_path: Path) -> None:
    """Without a checkpoint, or with one of another seed, the message says so."""
    with pytest.raises(ModelError, match="no checkpoint"):
        train(tmp_path, PLAN, resume=True)
    train(tmp_path, PLAN, stop_after=1)
    with pytest.raises(ModelError, match="another plan"):
        train(tmp_path, Plan(seed=6, examples=64, batch=8, shape=PLAN.shape), resume=True)


def test_damaged_weights_are_refused(tmp_path: Path) -> None:
    """A file that does not match its digest is not loaded."""
    train(tmp_path, Plan(seed=5, examples=8, batch=8, shape=PLAN.shape))
    (tmp_path / TENSORS).write_bytes((tmp_path / TENSORS).read_bytes()[:-1] + b"x")
    with pytest.raises(ModelError, match=METADATA):
        load_action_model(tmp_path)
    assert json.loads((tmp_path / METADATA).read_text())["licence"] == "Apache-2.0"
