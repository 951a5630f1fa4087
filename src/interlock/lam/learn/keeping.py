"""The folder of a model that learns: its head now, and every earlier one, so that a promotion can be taken back.

::

    DIR/model.safetensors, DIR/model.json      the model that serves
    DIR/earlier/MODEL_ID/…                     the heads before it, and those that were taken back
"""

from __future__ import annotations

import json
import shutil
from pathlib import Path
from typing import Any

from interlock.errors import ModelError, UsageError
from interlock.lam.weights import METADATA, TENSORS, digest_of

EARLIER = "earlier"


def metadata_of(folder: Path) -> dict[str, Any]:
    """What a folder says of its model.

    Raises:
        ModelError: the folder holds no model, or one that is not intact.
    """
    try:
        found: dict[str, Any] = json.loads((folder / METADATA).read_text(encoding="utf-8"))
    except (OSError, json.JSONDecodeError) as error:
        raise ModelError(
            f"There is no trained action model in {folder}; name a folder that holds {METADATA}."
        ) from error
    if not (folder / TENSORS).is_file() or digest_of(folder / TENSORS) != found.get("digest"):
        raise ModelError(f"{folder / TENSORS} is not the file that {METADATA} describes; restore it.")
    return found


def holds_model(folder: Path) -> bool:
    return (folder / METADATA).is_file()


def promote(candidate: Path, base: Path, out: Path) -> None:
    """Let `candidate` serve in `out`; its parent, and whatever served there before, are kept.

    Raises:
        ModelError: a model is not intact; then `out` is as it was.
    """
    metadata_of(candidate)
    for kept in [base, out] if holds_model(out) else [base]:
        _keep(kept, out)
    _put(candidate, out)


def roll_back(out: Path) -> dict[str, Any]:
    """Let the parent of the model in `out` serve again; the model itself is kept among the earlier ones.

    Returns:
        The metadata of the model that serves now.

    Raises:
        UsageError: the model was not made by `interlock lam learn`.
        ModelError: a model is missing or not intact; then nothing changed.
    """
    learnt = metadata_of(out).get("learnt")
    if not isinstance(learnt, dict):
        raise UsageError(f"The model in {out} was not learnt from verdicts, so there is nothing to roll back to.")
    parent = out / EARLIER / str(learnt["parent"]["model_id"])
    known = metadata_of(parent)
    if known["digest"] != learnt["parent"]["digest"]:
        raise ModelError(f"{parent} is not the parent of the model in {out}; restore that one.")
    _keep(out, out)
    _put(parent, out)
    return known


def _keep(model: Path, out: Path) -> None:
    """Copy a model among the earlier ones of `out`, where it is not yet."""
    place = out / EARLIER / str(metadata_of(model)["model_id"])
    if place.resolve() != model.resolve():
        place.mkdir(parents=True, exist_ok=True)
        _put(model, place)


def _put(model: Path, out: Path) -> None:
    """Copy both files; whoever reads in between finds that they do not belong together, and loads neither."""
    out.mkdir(parents=True, exist_ok=True)
    for name in (TENSORS, METADATA):
        part = out / f"{name}.part"
        shutil.copyfile(model / name, part)
        part.replace(out / name)
