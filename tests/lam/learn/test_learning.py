"""Learning as a whole: batches, a candidate, its trial, promotion and the way back."""

from __future__ import annotations

import itertools
import json
from pathlib import Path
from typing import Any

import pytest
import torch
from typer.testing import CliRunner

from benchmarks.learning import DRIVERS, SPACE, is_right, measure, requests, reviewed
from interlock.cli.app import app
from interlock.errors import UsageError
from interlock.lam.examples import Example
from interlock.lam.learn import learning, tuning
from interlock.lam.learn.drawing import draw
from interlock.lam.learn.keeping import metadata_of
from interlock.lam.learn.learning import Course, learn
from interlock.lam.learn.lessons import Lesson, lessons_of
from interlock.lam.learn.trial import Judged, Outcome
from interlock.lam.learn.tuning import SHARES, Tuning, tune
from interlock.lam.protocol import Action, Decision, Evidence, Observation
from interlock.lam.trajectories.files import document_of, write_lines
from interlock.lam.trajectories.trajectory import Trajectory
from interlock.lam.weights import TENSORS, Shape, save

BASE = Example(Observation(sources={"request": "Nothing to do."}), tuple(SPACE), "abstain")


def wrongly(text: str, trailer: int) -> Decision:
    """The systematic error: the order's number for the trailer's."""
    start = text.index("order ") + len("order ")
    order = text[start : start + 5]
    evidence = {"ref": Evidence(source="request", start=start, end=start + 5, text=order, normaliser="number")}
    action = Action(name="yard.dispatch", arguments={"ref": int(order)}, confidence=0.9, evidence=evidence)
    return Decision(kind="act", actions=[action], p_null=0.1, backend="spans", model_id="spans-0")


def trajectories(count: int) -> list[Trajectory]:
    """What the reviewer says of `count` wrong proposals."""
    found = []
    for number, asked in enumerate(
        requests(count, 3, ("Trailer {trailer} takes order {order}, {driver} drives.",), 0.0)
    ):
        assert asked.wanted is not None
        decision = wrongly(asked.text, asked.wanted.arguments["ref"])
        assert not is_right(asked, decision)
        observation = Observation(sources={"request": asked.text})
        found.append(reviewed(f"case-{number}", asked, observation, decision))
    return found


def lessons(count: int = 12) -> list[Lesson]:
    found = lessons_of(trajectories(count))
    return [*found.learnt, *found.held_back]


@pytest.fixture
def tiny(tmp_path: Path) -> Path:
    """An untrained model of the smallest shape."""
    torch.manual_seed(0)
    shape = Shape(upper=1, width=32)
    save(tmp_path / "tiny", *shape.build(), shape, {"trained": {"seed": 0}, "licence": "Apache-2.0"})
    return tmp_path / "tiny"


@pytest.fixture
def no_generator(monkeypatch: pytest.MonkeyPatch) -> None:
    """One request for ever as base data, which takes no time to write."""
    monkeypatch.setattr("interlock.lam.learn.tuning.base_examples", lambda seed: itertools.repeat(BASE))
    monkeypatch.setattr(learning, "development", lambda count: [BASE] * count)


def test_at_least_half_of_a_batch_is_base_data() -> None:
    """Whatever share is asked for, base data is half or more, and every lesson comes equally often."""
    drawn = list(draw(lessons(), itertools.repeat(BASE), 6, (8, 8), seed=1))
    assert [one.base for one in drawn] == [4] * 6
    few = next(draw(lessons(2), itertools.repeat(BASE), 1, (6, 16), seed=1))
    assert few.base == 14


def test_replaced_places_are_asked_about_as_negatives() -> None:
    """The first token of the order's number is known as what `ref` must not begin with."""
    (drawn,) = draw(lessons(4), itertools.repeat(BASE), 1, (4, 8), seed=1)
    assert len(drawn.rows) == 4
    for row, token in zip(drawn.rows, drawn.tokens, strict=True):
        assert drawn.batch.pointed.exists[row, token]
        assert not drawn.batch.pointed.right[row, token]
        assert drawn.batch.pointed.right[row].any()


@pytest.mark.parametrize(("cost", "share"), [(0.0, 1.0), (0.006, 0.75), (0.009, 0.5), (1.0, SHARES[-1])])
def test_a_candidate_goes_only_as_far_as_the_base_allows(
    cost: float, share: float, no_generator: None, monkeypatch: pytest.MonkeyPatch
) -> None:
    """The farther from its parent, the more base data costs here: it stops where that is more than a half percent."""
    moved, begun = torch.tensor([3.0]), torch.tensor([1.0])
    monkeypatch.setattr(tuning, "_loss", lambda *given: (1.0 + cost * (moved - begun).sum() / 2, None))
    assert tuning._mixed([moved], [begun], *Shape(upper=1, width=32).build(), Tuning()) == share
    assert moved.item() == pytest.approx(1.0 + 2 * share)


def test_the_same_verdicts_give_the_same_candidate(tiny: Path, tmp_path: Path, no_generator: None) -> None:
    """Two trainings end with the same digest, another than their parent's; lower layers stay as they were."""
    threads = torch.get_num_threads()
    torch.set_num_threads(1)
    try:
        plan = Tuning(seed=4, steps=3, batch=4)
        one, two = (tune(tiny, tmp_path / name, lessons(4), plan, {"licence": "x"}) for name in ("one", "two"))
    finally:
        torch.set_num_threads(threads)
    assert one["digest"] == two["digest"] != metadata_of(tiny)["digest"]


def promoted(word: bool) -> Any:
    outcome = Outcome((False,) * 8, (True,) * 8)
    return lambda *given: Judged(word, "so it was decided", outcome, outcome)


def test_what_was_decided_is_done(
    tiny: Path, tmp_path: Path, no_generator: None, monkeypatch: pytest.MonkeyPatch
) -> None:
    """A refused candidate leaves no trace; a promoted one serves with its lineage, and is taken back by the command."""
    file, out = tmp_path / "verdicts.jsonl", tmp_path / "out"
    write_lines((document_of(one) for one in trajectories(12)), file)
    monkeypatch.setattr(learning, "calibrate", lambda folder, count, progress: metadata_of(folder))
    course = Course(file, out, tiny, Tuning(steps=2, batch=4), development=2)
    monkeypatch.setattr(learning, "judged", promoted(False))
    assert not learn(course).judged.promoted
    assert not out.exists()
    monkeypatch.setattr(learning, "judged", promoted(True))
    report = learn(course).report(out)
    known = metadata_of(out)
    assert report["promoted"]
    assert report["model_id"] == known["model_id"]
    assert known["learnt"]["parent"]["digest"] == metadata_of(tiny)["digest"]
    assert known["learnt"]["verdicts"]["edited"] == 12
    assert known["learnt"]["figures"]["new"]["after"] == 100.0
    ran = CliRunner().invoke(app, ["lam", "rollback", str(out), "--json"])
    assert ran.exit_code == 0, ran.output
    assert json.loads(ran.stdout)["model_id"] == metadata_of(tiny)["model_id"]
    assert (out / TENSORS).read_bytes() == (tiny / TENSORS).read_bytes()


def test_a_file_without_lessons_says_why(tmp_path: Path) -> None:
    """Verdicts of which none teaches anything are an error that counts them."""
    file = tmp_path / "verdicts.jsonl"
    write_lines((document_of(one) | {"split": "test"} for one in trajectories(3)), file)
    with pytest.raises(UsageError, match="no verdict to learn from \\(kept for testing: 3\\)"):
        learn(Course(file, tmp_path / "out"))


def test_the_reviewer_wants_what_the_house_means() -> None:
    """The simulated reviewer asks for the trailer and the driver, and for no call where nothing fits."""
    asked = requests(200, 1)
    wanted = [(one.text, one.wanted.arguments) for one in asked if one.wanted is not None]
    assert {arguments["party"] for _, arguments in wanted} == set(DRIVERS)
    assert all(f"railer {arguments['ref']}" in text for text, arguments in wanted)
    assert 140 < len(wanted) < 180


@pytest.mark.xfail(run=False, reason="whether a candidate of these weights passes its trial is not known yet")
@pytest.mark.timeout(900)
@pytest.mark.slow  # two trainings of the packaged model, each with its trial: minutes of CPU
def test_a_systematic_error_falls_over_rounds() -> None:
    """Two rounds of a reviewer's corrections: fewer errors on fresh requests, and the base holds within a point."""
    report = measure(rounds=2, each=40, development=150, calibration=60)
    errors = report["fresh_requests_error_percent"]
    assert errors["last"] < errors["first"]
    assert any(row["promoted"] for row in report["rounds"])
    assert report["base_score"]["last"] >= report["base_score"]["first"] - len(report["rounds"])
