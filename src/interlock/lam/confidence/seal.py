"""The seal: a digest over everything in a model's metadata that decides how sure the model is said to be.

It is over the weights' digest, the calibration, the certificates and the samples that drift is measured against,
so none of them can be changed, or brought from another model, without its being seen.  It is no signature: whoever
may write the folder can make another model.  Pinning the seal (`INTERLOCK_ACTION_MODEL_SEAL`) shows that too.
"""

from __future__ import annotations

from collections.abc import Mapping
from pathlib import Path
from typing import Any

from interlock.digest import digest
from interlock.errors import ModelError

SEALED = ("digest", "model_id", "shape", "calibration", "certificates", "references")


def seal_of(metadata: Mapping[str, Any]) -> str:
    """The seal that a model's metadata should have."""
    return digest({name: metadata.get(name) for name in SEALED})


def sealed(metadata: Mapping[str, Any]) -> dict[str, Any]:
    """The metadata with its seal."""
    return {**metadata, "seal": seal_of(metadata)}


def check_seal(metadata: Mapping[str, Any], where: Path, pinned: str | None = None) -> None:
    """Raise unless calibration and certificates are those that the seal was put on.

    Args:
        where: the file, for the message.
        pinned: the only seal that is accepted.

    Raises:
        ModelError: they were changed, or brought from another model, or are not the pinned ones.
    """
    own = any(metadata.get(name) for name in ("calibration", "certificates", "references"))
    if (own or "seal" in metadata) and metadata.get("seal") != seal_of(metadata):
        raise ModelError(
            f"{where}: calibration or certificates were changed after they were made; run `interlock lam calibrate "
            f"--model {where.parent}`, or restore the file."
        )
    if pinned is not None and metadata.get("seal") != pinned:
        raise ModelError(
            f"{where} has the seal {metadata.get('seal')}, not the one that INTERLOCK_ACTION_MODEL_SEAL pins; "
            "restore the model, or pin the seal that `interlock lam calibrate` printed."
        )
