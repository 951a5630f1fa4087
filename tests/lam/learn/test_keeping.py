"""The folder of a model that learns: promotion keeps the parent, rollback brings it back, damage changes nothing."""

from __future__ import annotations

import json
from pathlib import Path

import pytest

from interlock.errors import ModelError, UsageError
from interlock.lam.learn.keeping import EARLIER, metadata_of, promote, roll_back
from interlock.lam.weights import METADATA, TENSORS, digest_of


def model(folder: Path, body: bytes, parent: Path | None = None) -> Path:
    """A folder that looks like a model, learnt from another where there is one."""
    folder.mkdir(parents=True)
    (folder / TENSORS).write_bytes(body)
    digest = digest_of(folder / TENSORS)
    document = {"digest": digest, "model_id": f"spans-{digest[:12]}"}
    if parent is not None:
        known = metadata_of(parent)
        learnt = {"parent": {"model_id": known["model_id"], "digest": known["digest"]}}
        document = {**document, "learnt": learnt}  # type: ignore[dict-item]
    (folder / METADATA).write_text(json.dumps(document))
    return folder


def test_a_promotion_can_be_taken_back_twice(tmp_path: Path) -> None:
    """Two promotions and two rollbacks end at the first model, byte for byte, and lose no head."""
    out, first = tmp_path / "out", model(tmp_path / "first", b"one")
    second = model(tmp_path / "second", b"two", parent=first)
    promote(second, first, out)
    third = model(tmp_path / "third", b"three", parent=out)
    promote(third, out, out)
    assert (out / TENSORS).read_bytes() == b"three"
    assert roll_back(out)["model_id"] == metadata_of(second)["model_id"]
    assert (out / TENSORS).read_bytes() == b"two"
    assert roll_back(out) == metadata_of(first)
    assert (out / METADATA).read_text() == (first / METADATA).read_text()
    kept = {path.name for path in (out / EARLIER).iterdir()}
    assert kept == {metadata_of(one)["model_id"] for one in (first, second, third)}


def test_what_was_not_learnt_has_nothing_to_go_back_to(tmp_path: Path) -> None:
    """A model that was trained from its beginning is no promotion."""
    with pytest.raises(UsageError, match="not learnt from verdicts"):
        roll_back(model(tmp_path / "one", b"one"))
    with pytest.raises(ModelError, match="no trained action model"):
        roll_back(tmp_path / "nothing")


@pytest.mark.parametrize("damage", ["changed", "gone"])
def test_a_damaged_parent_serves_nobody(tmp_path: Path, damage: str) -> None:
    """A parent that is not intact is refused, and the model in the folder stays."""
    out, first = tmp_path / "out", model(tmp_path / "first", b"one")
    promote(model(tmp_path / "second", b"two", parent=first), first, out)
    tensors = out / EARLIER / metadata_of(first)["model_id"] / TENSORS
    tensors.write_bytes(b"other") if damage == "changed" else tensors.unlink()
    with pytest.raises(ModelError, match=METADATA):
        roll_back(out)
    assert (out / TENSORS).read_bytes() == b"two"
    metadata_of(out)


def test_a_damaged_candidate_is_not_promoted(tmp_path: Path) -> None:
    """What does not match its digest replaces nothing."""
    out, first = tmp_path / "out", model(tmp_path / "first", b"one")
    promote(model(tmp_path / "second", b"two", parent=first), first, out)
    bad = model(tmp_path / "bad", b"three")
    (bad / TENSORS).write_bytes(b"thr")
    with pytest.raises(ModelError):
        promote(bad, out, out)
    assert (out / TENSORS).read_bytes() == b"two"
