"""Fits the confidence of the embedded model on generated requests kept apart from training, and certifies it.

Three sets of requests, each with a seed of its own: one fits the calibrator and fixes the thresholds to test, one
tests them, one shows what came of it.  Each holds requests for the shipped actions in the words of
`wordings/calibration.yaml`, and requests for functions of its own of `wordings/apart`; training sees neither.
"""

from __future__ import annotations

import math
import multiprocessing
from collections.abc import Callable, Iterator, Sequence
from concurrent.futures import ProcessPoolExecutor
from dataclasses import dataclass
from datetime import UTC, datetime
from functools import lru_cache
from pathlib import Path
from typing import TYPE_CHECKING, Any

from interlock.digest import canonical
from interlock.lam.confidence.calibrator import UNCALIBRATED, Calibration, fit
from interlock.lam.confidence.certificate import ANY, Certificates, families, family_of
from interlock.lam.confidence.certification import Column, Origin, certified, checked
from interlock.lam.confidence.reliability import calibration_error, reliability
from interlock.lam.confidence.risk_coverage import area, selective
from interlock.lam.confidence.seal import sealed
from interlock.lam.confidence.signals import NAMES, Signals, read_signals
from interlock.lam.examples import Example
from interlock.lam.functions import shipped_space
from interlock.lam.generator.drafts import random_from
from interlock.lam.generator.mixture import Source
from interlock.lam.generator.scenes import Scenes
from interlock.lam.generator.spaces import Shelf
from interlock.lam.generator.wordbook import read_apart
from interlock.lam.parameters import nest
from interlock.lam.requests import Generator
from interlock.lam.wordings.lexicon import read_lexicon

if TYPE_CHECKING:
    from interlock.lam.spans import SpanModel

REQUESTS = 9_000
"""Enough for each family of the shipped actions; about 75 ms of one processor each."""
FEWEST = 50
"""Decisions that a calibrator is fitted on at least."""
CHUNK = 50
"""Requests that one process takes at a time."""


@dataclass(frozen=True)
class Part:
    """One of the three sets: its seed, and its shares of all requests by source."""

    seed: int
    office: float
    functions: float


PARTS = {
    "fit": Part(5_000, 0.07, 0.10),
    "test": Part(6_400, 0.43, 0.26),
    "check": Part(8_000, 0.06, 0.08),
}
"""The seeds are far from those of training (1 and a few more) and of measuring (7000)."""


@dataclass(frozen=True)
class Observed:
    """One decision to act on a generated request."""

    group: str
    signals: Signals
    right: bool
    p_null: float
    arguments: int
    tools: int


def observe(model: SpanModel, example: Example, source: str) -> Observed | None:
    """The calls a model would make, and whether all of it is right; `None` when it would not act."""
    reading = model.read(example.observation, example.space)
    made = model.calls(reading)
    if not made or any(call.filled.missing for call in made):
        return None
    calls = [(example.space[call.tool].name, nest(call.filled.arguments)) for call in made]
    wanted = [(call.name, nest(call.arguments)) for call in example.calls]
    return Observed(
        family_of(calls[0][0]) if source == "office" else ANY,
        read_signals(reading, made),
        example.kind == "act" and sorted(map(canonical, calls)) == sorted(map(canonical, wanted)),
        min(1.0, math.exp(reading.log_null)),
        sum(len(arguments) for _, arguments in calls),
        len(example.space),
    )


TOGETHER = 4
"""So many functions that stand beside each other, which are easily confused, go to the same part."""
DEALT = ("fit", "test", "fit", "test", "check", "test")
"""To which part they go, over and over."""


@lru_cache(maxsize=len(PARTS))
def apart(part: str) -> Source:
    """The functions of a part, which neither training nor another part sees; chances come from outside."""
    book = read_apart()
    own = [f for number, f in enumerate(book.functions) if DEALT[number // TOGETHER % len(DEALT)] == part]
    entries = [entry for entry in book.together if all(function in own for function in entry.functions)]
    return Scenes(Shelf(own), book.pools, together=entries)


def requests(part: str, source: str, seed: int, start: int, count: int) -> Iterator[Example]:
    """Requests number `start` and on of a source of a part; a number that gives none is left out."""
    if source == "office":
        yield from Generator(read_lexicon("calibration"), shipped_space(), seed).examples(start, count)
        return
    for index in range(start, start + count):
        made = apart(part).example(random_from(seed, index))
        if made is not None:
            yield made


Job = tuple[str, str, int, int, int]
"""Part, source, seed, first request, how many."""


def jobs(count: int) -> list[Job]:
    """All requests of the three parts, in pieces that processes can share."""
    found: list[Job] = []
    for name, part in PARTS.items():
        for source in ("office", "functions"):
            total = max(1, round(count * getattr(part, source)))
            found += [(name, source, part.seed, at, min(CHUNK, total - at)) for at in range(0, total, CHUNK)]
    return found


def _work(model: SpanModel, job: Job) -> list[Observed]:
    source = job[1]
    seen = (observe(model, example, source) for example in requests(*job))
    return [one for one in seen if one is not None]


_opened: list[SpanModel] = []
"""The model of a process that shares the work."""


def _open(folder: Path) -> None:
    _opened[:] = [open_unsealed(folder)]


def _shared(job: Job) -> list[Observed]:
    return _work(_opened[0], job)


def open_unsealed(folder: Path) -> SpanModel:
    """The model of a folder on one thread, whatever its metadata say of its confidence.

    Raises:
        ModelError: the folder holds no intact weights.
    """
    from interlock.lam.reader import halves
    from interlock.lam.spans import SpanModel
    from interlock.lam.weights import load

    encoder, head, metadata = load(folder, checked=False)
    return SpanModel(encoder, head, model_id=metadata["model_id"], threads=1, half=halves())


def observed(
    folder: Path, count: int, processes: int = 1, progress: Callable[[int], None] | None = None
) -> dict[str, list[Observed]]:
    """The decisions of each part, the same whatever the number of processes."""
    found: dict[str, list[Observed]] = {name: [] for name in PARTS}
    work, done = jobs(count), 0
    if processes == 1:
        model = open_unsealed(folder)
        results: Iterator[list[Observed]] = (_work(model, job) for job in work)
        pool = None
    else:
        pool = ProcessPoolExecutor(
            processes, mp_context=multiprocessing.get_context("spawn"), initializer=_open, initargs=(folder,)
        )
        results = pool.map(_shared, work)
    try:
        for job, seen in zip(work, results, strict=True):
            found[job[0]] += seen
            done += job[4]
            if progress:
                progress(done)
    finally:
        if pool is not None:
            pool.shutdown(cancel_futures=True)
    return found


def column(rows: Sequence[Observed], calibration: Calibration) -> Column:
    """Decisions as a column, with the confidence that a calibration gives them."""
    confidence = [calibration.probability(row.signals) for row in rows]
    seen = {
        "confidence": confidence,
        "p_null": [row.p_null for row in rows],
        "arguments": [float(row.arguments) for row in rows],
        "tools": [float(row.tools) for row in rows],
    }
    return Column(confidence, [row.right for row in rows], seen)


def by_group(rows: Sequence[Observed], calibration: Calibration) -> dict[str, Column]:
    names = dict.fromkeys(row.group for row in rows)
    return {name: column([row for row in rows if row.group == name], calibration) for name in names}


def calibrate(
    folder: Path, count: int = REQUESTS, progress: Callable[[int], None] | None = None, *, processes: int = 1,
    out: Path | None = None,
) -> dict[str, Any]:  # fmt: skip
    """Fit and certify the confidence of a saved model, and write both into its metadata under a new seal.

    Args:
        out: folder to write the model to; the same folder when `None`.

    Returns:
        The metadata, with a `report` beside them that is not written.

    Raises:
        ModelError: the folder holds no intact weights.
    """
    from interlock.lam.weights import copy_to, read_metadata

    metadata = read_metadata(folder)
    parts = observed(folder, count, processes, progress)
    document, report = calibrated(metadata, parts, count)
    copy_to(folder, out or folder, document)
    return {**document, "report": report}


def calibrated(
    metadata: dict[str, Any], parts: dict[str, list[Observed]], count: int
) -> tuple[dict[str, Any], dict[str, Any]]:
    """New metadata, and a report on them, from the decisions of the three parts.

    A model that acts on next to nothing is left uncalibrated, and nothing is certified for it.
    """
    rows = parts["fit"]
    fitted = fit([row.signals for row in rows], [row.right for row in rows]) if len(rows) >= FEWEST else UNCALIBRATED
    origin = Origin(
        metadata["model_id"], "generated", "requests of wordings/calibration.yaml and for functions of wordings/apart",
        datetime.now(UTC).isoformat(timespec="seconds"), PARTS["test"].seed,
    )  # fmt: skip
    certificates, references = certified(
        by_group(parts["fit"], fitted), by_group(parts["test"], fitted), families(shipped_space()), origin
    )
    check = column(parts["check"], fitted)
    error = round(calibration_error(check.confidence, check.right), 4)
    kept = {name: value for name, value in metadata.items() if name not in ("thresholds", "seal")}
    document = sealed(
        kept
        | {
            "calibration": {
                **fitted.document(),
                "requests": count,
                "decisions": {name: len(rows) for name, rows in parts.items()},
                "seeds": {name: part.seed for name, part in PARTS.items()},
                "error": error,
            },
            "certificates": certificates.document(),
            "references": references,
        }
    )
    return document, _report(document, certificates, parts, fitted, check)


def _report(
    document: dict[str, Any], certificates: Certificates, parts: dict[str, list[Observed]], fitted: Calibration,
    check: Column,
) -> dict[str, Any]:  # fmt: skip
    """What the command prints; shares are between 0 and 1."""
    groups = by_group(parts["check"], fitted)
    test = column(parts["test"], fitted)
    return {
        "model_id": document["model_id"],
        "seal": document["seal"],
        "requests": document["calibration"]["requests"],
        "decisions": document["calibration"]["decisions"],
        "right": round(sum(check.right) / max(1, len(check)), 4),
        "calibration_error": {
            "check": document["calibration"]["error"],
            "test": round(calibration_error(test.confidence, test.right), 4),
        },
        "risk_coverage_area": round(area(selective(check.confidence, check.right)), 4),
        "signals": influences(parts["fit"], parts["test"], fitted) if len(parts["fit"]) >= FEWEST else {},
        "certificates": [certificate.model_dump(mode="json") for certificate in certificates.held],
        "refused": certificates.document()["refused"],
        "checked": checked(certificates, groups),
        "reliability": [
            {"low": b.low, "high": b.high, "n": b.n, "confidence": round(b.confidence, 4), "right": round(b.right, 4)}
            for b in reliability(check.confidence, check.right)
        ],
    }


def influences(fit_on: Sequence[Observed], test_on: Sequence[Observed], full: Calibration) -> dict[str, Any]:
    """Each signal's weight, and by how much the log loss on other decisions grows without it."""
    base = _loss(full, test_on)
    found: dict[str, Any] = {}
    for place, name in enumerate(NAMES):
        without = [Signals(*(0.0 if k == place else v for k, v in enumerate(o.signals.row()))) for o in fit_on]
        refitted = fit(without, [one.right for one in fit_on])
        weights = tuple(0.0 if k == place else w for k, w in enumerate(refitted.weights))
        worse = _loss(Calibration(weights, refitted.bias), test_on) - base
        found[name] = {"weight": round(full.weights[place], 4), "loss_without": round(worse, 5)}
    return found


def _loss(calibration: Calibration, rows: Sequence[Observed]) -> float:
    """Mean negative log-likelihood of what was right."""
    total = 0.0
    for row in rows:
        p = min(max(calibration.probability(row.signals), 1e-9), 1 - 1e-9)
        total -= math.log(p if row.right else 1 - p)
    return total / max(1, len(rows))


def held_out_error(model: SpanModel, examples: Iterator[Example] | Sequence[Example]) -> float:
    """Expected calibration error of a model's confidence over the calls it makes for examples."""
    seen = [one for example in examples if (one := observe(model, example, "office")) is not None]
    confidence = [model.calibration.probability(one.signals) for one in seen]
    return round(calibration_error(confidence, [one.right for one in seen]), 4)
