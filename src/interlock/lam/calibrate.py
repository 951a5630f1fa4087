"""Fits the confidence of a trained model on generated requests kept apart from training."""

from __future__ import annotations

from collections.abc import Callable, Iterable
from pathlib import Path
from typing import Any

from interlock.lam.confidence import ALPHA, Signals, calibration_error, fit, threshold
from interlock.lam.evaluate import HELD_OUT_SEED, is_right
from interlock.lam.functions import shipped_space
from interlock.lam.requests import Example, Generator
from interlock.lam.spans import SpanModel
from interlock.lam.weights import load, write_metadata
from interlock.lam.wordings.lexicon import read_lexicon

CALIBRATION_SEED = 5_000


def observe(model: SpanModel, example: Example) -> tuple[Signals, bool] | None:
    """The signals of the call the model would make, and whether it is right; `None` when it would not act."""
    decision = model.decide(example.observation, list(example.space), risk=1.0)
    if decision.kind != "act":
        return None
    reading = model.read(example.observation, example.space)
    return model.signals(reading, model.calls(reading)), is_right(example, decision)


def calibrate(folder: Path, count: int = 2000, progress: Callable[[int], None] | None = None) -> dict[str, Any]:
    """Fit the calibrator and the act-thresholds of a saved model and write them into its metadata.

    Returns:
        The metadata with `calibration` and `thresholds` per risk class.
    """
    encoder, head, metadata = load(folder)
    model = SpanModel(encoder, head, model_id=metadata["model_id"])
    seen: list[tuple[Signals, bool]] = []
    for number, example in enumerate(
        Generator(read_lexicon("calibration"), shipped_space(), CALIBRATION_SEED).examples(0, count), 1
    ):
        found = observe(model, example)
        if found is not None:
            seen.append(found)
        if progress:
            progress(number)
    fitted = fit([signals for signals, _ in seen], [ok for _, ok in seen])
    confidence, right = [fitted.probability(signals) for signals, _ in seen], [ok for _, ok in seen]
    metadata["calibration"] = {
        "weights": list(fitted.weights), "bias": fitted.bias, "decisions": len(seen), "seed": CALIBRATION_SEED,
        "held_out_seed": HELD_OUT_SEED, "error": round(calibration_error(confidence, right), 4),
    }  # fmt: skip
    metadata["thresholds"] = {name: threshold(confidence, right, alpha) for name, alpha in ALPHA.items()}
    metadata["thresholds"]["irreversible"] = None
    write_metadata(folder, metadata)
    return metadata


def held_out_error(model: SpanModel, examples: Iterable[Example]) -> float:
    """Expected calibration error of a model's confidence over the calls it makes for examples."""
    seen = [found for example in examples if (found := observe(model, example)) is not None]
    confidence = [model.calibration.probability(signals) for signals, _ in seen]
    return round(calibration_error(confidence, [ok for _, ok in seen]), 4)
