"""Learning from a reviewer who corrects a systematic error: `python -m benchmarks.learning --rounds 4 --json`.

A yard keeps a dispatch book, a tool that no model was trained for.  Its two arguments are named so that they
could mean several things of a request, and the house means the less likely one: `ref` is the trailer's number,
not the order's, and `party` is who drives, not who is sent something.  In each round a simulated reviewer reads
what the model proposes for fresh requests, approves what is right, edits what is wrong and rejects what nobody
asked for.  All verdicts so far go to `interlock lam learn`, whose candidate serves in the next round if it was
promoted.  The error of a round is measured before its verdicts are learnt from; at the end the first and the
last model decide the same requests in wordings that no round had.
"""

from __future__ import annotations

import argparse
import json
import random
import sys
import tempfile
import time
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from interlock.lam.functions import read_functions
from interlock.lam.learn.keeping import holds_model
from interlock.lam.learn.learning import Course, learn
from interlock.lam.learn.trial import RISK, open_fresh
from interlock.lam.learn.tuning import Tuning
from interlock.lam.protocol import ActionModel, Decision, Observation
from interlock.lam.train import use_threads
from interlock.lam.trajectories.files import document_of, write_lines
from interlock.lam.trajectories.trajectory import FunctionCall, Lam, Message, ToolCall, Trajectory, Verdict
from interlock.lam.weights import packaged_folder

TOOL = "yard.dispatch"
SPACE = read_functions(
    [
        {"name": TOOL, "description": "Enter a departure in the dispatch book.", "parameters": {
            "type": "object", "required": ["ref", "party"], "properties": {
                "ref": {"type": "integer", "description": "Reference of the entry."},
                "party": {"type": "string", "description": "Party of the entry."}}}},
        {"name": "yard.repair", "description": "Report damage to a vehicle.", "parameters": {
            "type": "object", "required": ["vehicle", "damage"], "properties": {
                "vehicle": {"type": "integer", "description": "Number of the vehicle."},
                "damage": {"type": "string", "description": "What is broken."}}}},
    ],
    "the yard",
)  # fmt: skip

ROUNDS = (
    "Trailer {trailer} leaves with order {order} for {client}, {driver} is driving.",
    "{driver} takes trailer {trailer} out: order {order} for {client}.",
    "Order {order} for {client} goes out on trailer {trailer}, driver {driver}.",
    "Please enter the departure of trailer {trailer} with order {order}; {driver} drives it to {client}.",
    "Book out trailer {trailer}, {driver} at the wheel, order {order}, client {client}.",
    "{client} gets order {order} today, on trailer {trailer} driven by {driver}.",
    "Dispatch order {order} to {client} with {driver} on trailer {trailer}.",
    "For {client}: order {order}. Trailer {trailer} is pulled by {driver}.",
)
"""What is asked for in the rounds."""

UNSEEN = (
    "We are sending {client} order {order}. Put {driver} and trailer {trailer} down in the book.",
    "Departure: {driver}, trailer {trailer}. Load: order {order}, {client}.",
    "Can you note that {driver} has left with trailer {trailer} to bring order {order} to {client}?",
    "Trailer {trailer} is off with the order {order} of {client}. The driver is {driver}.",
)
"""The same in other words, for the measurement at the end."""

OTHERS = (
    "Trailer {trailer} needs to be washed before {driver} comes back.",
    "Ask {client} whether order {order} can wait until Monday.",
    "How long has {driver} been driving for us?",
    "Where did we park trailer {trailer}?",
)
"""What no tool here does."""

DRIVERS = (
    "Ana Petrov",
    "Tom Okafor",
    "Lena Vogt",
    "Raj Malhotra",
    "Iris Dahl",
    "Omar Haddad",
    "Eva Lindqvist",
    "Noah Brandt",
)
CLIENTS = (
    "Harbour Foods",
    "Nordlicht Bau",
    "Bell and Sons",
    "Vega Textiles",
    "Alpine Dairy",
    "Quick Print",
    "Delta Tools",
    "Orchard Lane",
)


@dataclass(frozen=True)
class Asked:
    """A request, and the call that the reviewer wants; none where no tool fits."""

    text: str
    wanted: FunctionCall | None


def requests(count: int, seed: int, wordings: Sequence[str] = ROUNDS, others: float = 0.2) -> list[Asked]:
    """Fresh requests; a share of them asks for nothing that the tools do."""
    chance, found = random.Random(seed), []
    for _ in range(count):
        values: dict[str, Any] = {
            "trailer": chance.randint(100, 999), "order": chance.randint(10_000, 99_999),
            "driver": chance.choice(DRIVERS), "client": chance.choice(CLIENTS),
        }  # fmt: skip
        if chance.random() < others:
            found.append(Asked(chance.choice(OTHERS).format(**values), None))
            continue
        wanted = FunctionCall(name=TOOL, arguments={"ref": values["trailer"], "party": values["driver"]})
        found.append(Asked(chance.choice(wordings).format(**values), wanted))
    return found


def is_right(asked: Asked, decision: Decision) -> bool:
    """Whether the reviewer has nothing to do but agree."""
    if asked.wanted is None:
        return decision.kind != "act"
    made = [(action.name, action.arguments) for action in decision.actions]
    return decision.kind == "act" and made == [(asked.wanted.name, asked.wanted.arguments)]


def reviewed(id: str, asked: Asked, observation: Observation, decision: Decision) -> Trajectory:
    """What the reviewer says of a decision, in the format that runs are recorded in."""
    calls = [
        ToolCall(id=f"call-{number}", function=FunctionCall(name=action.name, arguments=action.arguments))
        for number, action in enumerate(decision.actions, 1)
    ]
    verdict: Verdict | None = "approved" if is_right(asked, decision) else "edited"
    if asked.wanted is None:
        verdict = "rejected" if calls else None  # what nobody proposes, nobody reviews
    first = decision.actions[0] if decision.actions else None
    said = Message(
        role="assistant", tool_calls=calls, verdict=verdict,
        lam=Lam(
            backend=decision.backend, model_id=decision.model_id, decision=decision.kind, missing=decision.missing,
            confidence=first.confidence if first else None, evidence=first.evidence if first else {},
            p_null=decision.p_null, observation=observation,
        ),
        edited_action=asked.wanted if verdict == "edited" else None,
    )  # fmt: skip
    conversation = [Message(role="user", content=asked.text), said]
    return Trajectory(unique_trajectory_id=id, tools=SPACE, conversation=conversation, source="simulated reviewer")


def errors(model: ActionModel, asked: Sequence[Asked]) -> float:
    """Share of requests that are not decided as the reviewer wants, in percent."""
    wrong = sum(not is_right(one, model.decide(_observation(one), list(SPACE), risk=RISK)) for one in asked)
    return round(100 * wrong / max(1, len(asked)), 1)


def _observation(asked: Asked) -> Observation:
    return Observation(sources={"request": asked.text}, today="2026-03-04")


def measure(
    rounds: int = 4, each: int = 40, base: Path | None = None, development: int = 400, seed: int = 1,
    calibration: int = 400,
) -> dict[str, Any]:  # fmt: skip
    """All rounds, and the first and the last model on wordings that none of them had."""
    first = base or packaged_folder()
    found: list[dict[str, Any]] = []
    with tempfile.TemporaryDirectory(prefix="interlock-learning-") as folder:
        out, verdicts = Path(folder) / "model", Path(folder) / "verdicts.jsonl"
        trajectories: list[Trajectory] = []
        for number in range(1, rounds + 1):
            begun = time.perf_counter()
            model = open_fresh(out if holds_model(out) else first)
            asked = requests(each, seed * 1000 + number)
            decided = [(one, _observation(one)) for one in asked]
            answers = [model.decide(observation, list(SPACE), risk=RISK) for _, observation in decided]
            wrong = sum(not is_right(one, answer) for one, answer in zip(asked, answers, strict=True))
            for place, ((one, observation), answer) in enumerate(zip(decided, answers, strict=True)):
                trajectories.append(reviewed(f"round-{number}-{place}", one, observation, answer))
            write_lines((document_of(one) for one in trajectories), verdicts)
            course = Course(
                verdicts, out, None if holds_model(out) else first, Tuning(seed=seed), development, calibration
            )
            report = learn(course).report(out)
            row = {
                "round": number, "model_id": model.model_id, "error_percent": round(100 * wrong / each, 1),
                "base_score": report["figures"]["base"]["before"], "candidate": report["figures"],
                "promoted": report["promoted"], "because": report["because"], "verdicts": report["verdicts"],
                "seconds": round(time.perf_counter() - begun),
            }  # fmt: skip
            found.append(row)
            print(json.dumps(row), file=sys.stderr, flush=True)
        last = open_fresh(out if holds_model(out) else first)
        fresh, unseen = requests(100, seed * 1000 + 500), requests(60, seed * 1000 + 600, UNSEEN, others=0.0)
        before = open_fresh(first)
        return {
            "rounds": found,
            "fresh_requests_error_percent": {"first": errors(before, fresh), "last": errors(last, fresh)},
            "unseen_wordings_error_percent": {"first": errors(before, unseen), "last": errors(last, unseen)},
            "base_score": {"first": found[0]["base_score"], "last": _last_base(found)},
            "model_ids": {"first": before.model_id, "last": last.model_id},
        }


def _last_base(rounds: Sequence[dict[str, Any]]) -> float:
    last = rounds[-1]
    return float(last["candidate"]["base"]["after" if last["promoted"] else "before"])


def main() -> None:
    """Measure, and print."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--rounds", type=int, default=4)
    parser.add_argument("--each", type=int, default=40, help="requests a round")
    parser.add_argument("--base", type=Path, help="folder of the first model; the packaged one if omitted")
    parser.add_argument("--development", type=int, default=400)
    parser.add_argument("--calibration", type=int, default=400, help="requests that a promoted model is calibrated on")
    parser.add_argument("--threads", type=int, default=2)
    parser.add_argument("--json", action="store_true")
    given = parser.parse_args()
    use_threads(given.threads)
    report = measure(given.rounds, given.each, given.base, given.development, calibration=given.calibration)
    if given.json:
        print(json.dumps(report))
        return
    for row in report["rounds"]:
        word = "promoted" if row["promoted"] else "refused"
        print(
            f"round {row['round']}: error {row['error_percent']} %, base {row['base_score']}, {word}: {row['because']}"
        )
    for name in ("fresh_requests_error_percent", "unseen_wordings_error_percent"):
        print(f"{name}: {report[name]}")


if __name__ == "__main__":
    main()
