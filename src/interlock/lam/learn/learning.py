"""From a file of verdicts to a promoted model, or to a reason why not: what `interlock lam learn` does."""

from __future__ import annotations

import tempfile
from collections.abc import Callable
from dataclasses import dataclass, field, replace
from pathlib import Path
from typing import Any

from interlock.errors import UsageError
from interlock.lam.calibrate import REQUESTS, calibrate
from interlock.lam.learn.keeping import holds_model, metadata_of, promote
from interlock.lam.learn.lessons import Lessons, lessons_of
from interlock.lam.learn.trial import DEV_SEED, Judged, Outcome, development, judged, on_base, on_lessons, open_fresh
from interlock.lam.learn.tuning import Tuning, tune
from interlock.lam.trajectories.files import read_trajectories
from interlock.lam.weights import digest_of, packaged_folder, write_metadata

Progress = Callable[[str, int, int], None]
"""Called with what is being done, how much of it is done, and how much there is."""

STAGES = ("tuning", "trying", "calibrating")


@dataclass(frozen=True)
class Course:
    """What one learning takes, and how thoroughly it is tried."""

    verdicts: Path
    out: Path
    base: Path | None = None
    """The model to begin with; the one in `out`, or the packaged one, when `None`."""
    tuning: Tuning = field(default_factory=Tuning)
    development: int = 400
    """Requests of the base development set."""
    calibration: int = REQUESTS
    """Requests that a promoted model is calibrated and certified on."""

    @property
    def begins_with(self) -> Path:
        if self.base is not None:
            return self.base
        return self.out if holds_model(self.out) else packaged_folder()


@dataclass(frozen=True)
class Learnt:
    """What came of it."""

    judged: Judged
    lessons: Lessons
    metadata: dict[str, Any]
    """Of the candidate; of what serves in `out` where it was promoted."""
    seed: int

    def report(self, out: Path) -> dict[str, Any]:
        """One object for `--json`."""
        learnt = self.metadata["learnt"]
        return {
            "promoted": self.judged.promoted,
            "because": self.judged.because,
            "model_id": self.metadata["model_id"],
            "parent": learnt["parent"],
            "verdicts": self.lessons.counts(),
            "figures": self.judged.figures(self.seed),
            "steps": learnt["steps"],
            "share": learnt["share"],
            "seed": self.seed,
            "out": str(out),
        }


def learn(course: Course, progress: Progress | None = None) -> Learnt:
    """Train a candidate, try it, and promote it into `course.out` where it is better.

    A refused candidate changes nothing.  A promoted one is calibrated and certified anew: what was certified for
    its parent says nothing about it.

    Raises:
        UsageError: there is no such file, or no verdict in it to learn from.
        InputError: a line is no trajectory.
        ModelError: the base is no intact model.
    """
    tell = progress or (lambda stage, done, of: None)
    lessons = lessons_of(read_trajectories(course.verdicts))
    if not lessons.learnt:
        why = ", ".join(f"{reason}: {count}" for reason, count in sorted(lessons.skipped.items()))
        if lessons.held_back:
            why = f"{len(lessons.held_back)} are held back for the trial" + (f", {why}" if why else "")
        why = why or "it is empty"
        raise UsageError(f"{course.verdicts} holds no verdict to learn from ({why}).")
    base, seed = course.begins_with, course.tuning.seed
    parent = metadata_of(base)
    with tempfile.TemporaryDirectory(prefix="interlock-learn-") as folder:
        candidate = Path(folder) / "candidate"
        steps = course.tuning.steps_for(len(lessons.learnt))
        lineage = {
            "parent": {"model_id": parent["model_id"], "digest": parent["digest"]},
            "verdicts": lessons.counts(), "file": digest_of(course.verdicts), "seed": seed, "steps": steps,
        }  # fmt: skip
        kept = {name: parent[name] for name in ("trained", "licence") if name in parent}
        metadata = tune(
            base, candidate, lessons.learnt, replace(course.tuning, steps=steps), kept | {"learnt": lineage},
            lambda done, of: tell("tuning", done, of),
        )  # fmt: skip
        found = _try(base, candidate, lessons, course, tell)
        if not found.promoted:
            return Learnt(found, lessons, metadata, seed)
        metadata["learnt"]["figures"] = found.figures(seed) | {"development_seed": DEV_SEED}
        write_metadata(candidate, metadata)
        metadata = calibrate(candidate, course.calibration, lambda done: tell("calibrating", done, course.calibration))
        promote(candidate, base, course.out)
    return Learnt(found, lessons, metadata, seed)


def _try(base: Path, candidate: Path, lessons: Lessons, course: Course, tell: Progress) -> Judged:
    """Both models on the base development set and on the verdicts that were held back."""
    examples = list(development(course.development))
    count, done = 2 * (len(examples) + len(lessons.held_back)), 0

    def tick() -> None:
        nonlocal done
        done += 1
        tell("trying", done, count)

    right = []
    for folder in (base, candidate):
        model = open_fresh(folder)
        right.append((on_base(model, examples, tick), on_lessons(model, lessons.held_back, tick)))
    (old_base, old_new), (new_base, new_new) = right
    return judged(Outcome(old_base, new_base), Outcome(old_new, new_new), course.tuning.seed)
