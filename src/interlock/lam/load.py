"""Opens the action model that a setting or an option names, once a process."""

from __future__ import annotations

from functools import lru_cache
from pathlib import Path

from interlock.lam.confidence import UNCALIBRATED, Calibration
from interlock.lam.protocol import ActionModel
from interlock.lam.spans import SpanModel
from interlock.lam.weights import load, packaged_folder


def open_action_model(reference: str | None = None) -> ActionModel:
    """The action model that `reference` names: a folder of trained weights, or the packaged ones without it.

    The same reference gives the same object for as long as the process lives.

    Raises:
        ModelError: there is no intact model.
    """
    return load_action_model(Path(reference) if reference else None)


def load_action_model(path: Path | None = None, *, threads: int | None = None) -> SpanModel:
    """The embedded model of a folder written by `interlock lam train`, or the packaged one.

    The same folder gives the same object for as long as the process lives.

    Args:
        threads: CPU threads for a decision; torch's own setting when `None`.

    Raises:
        ModelError: the folder holds no intact model.
    """
    return _load((path or packaged_folder()).resolve(), threads)


@lru_cache(maxsize=4)
def _load(folder: Path, threads: int | None) -> SpanModel:
    encoder, head, metadata = load(folder)
    kept = metadata.get("calibration")
    calibration = Calibration(tuple(kept["weights"]), kept["bias"]) if kept else UNCALIBRATED
    return SpanModel(
        encoder, head, model_id=metadata["model_id"], calibration=calibration,
        thresholds=metadata.get("thresholds"), threads=threads,
    )  # fmt: skip
