"""The figures: pairs of tasks replayed with the injected calls before and after the benign ones, and substitutions."""

from __future__ import annotations

import shutil
import sys
import tempfile
from collections import Counter
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass, field
from importlib.metadata import version
from pathlib import Path
from typing import Any

from benchmarks.agentdojo import bridge
from benchmarks.agentdojo.replay import Position, Replay, Stage, leaked
from benchmarks.agentdojo.script import attacked_answers, benign_answers, function_of, performed
from benchmarks.agentdojo.substitution import Substituted, substitute
from benchmarks.agentdojo.tasks import EXAMPLE, SUITES, VERSION, Task, injection_tasks, same, user_tasks
from interlock.engine.project import Project
from interlock.store.tables import Approval

MEMORY = Path("/dev/shm")
"""Where the homes of the runs are kept when it is there; the engine is the same on a disk, and slower."""


@dataclass
class Tally:
    """What was counted so far."""

    pairs: int = 0
    leaked: Counter[str] = field(default_factory=Counter)
    won: Counter[str] = field(default_factory=Counter)
    won_by_actions: Counter[str] = field(default_factory=Counter)
    attempts: Counter[str] = field(default_factory=Counter)
    became: Counter[str] = field(default_factory=Counter)
    rules: Counter[str] = field(default_factory=Counter)
    questions: Counter[str] = field(default_factory=Counter)
    caused: Counter[str] = field(default_factory=Counter)
    untried: int = 0
    auto: int = 0
    ask: int = 0
    deny: int = 0
    beyond: int = 0
    served: int = 0
    tasks: int = 0
    alone: int = 0
    substituted: Substituted = field(default_factory=Substituted)
    leaks: list[str] = field(default_factory=list)


def measure(
    suites: Sequence[str] = SUITES,
    *,
    limit: int | None = None,
    positions: Sequence[Position] = ("before", "after"),
    graphs: Sequence[str] | None = None,
    injections: Sequence[str] | None = None,
    substitutions: bool = True,
    root: Path = EXAMPLE,
    progress: bool = False,
) -> dict[str, Any]:
    """Replay the tasks, and say what the guard made of them.

    Args:
        limit: so many user tasks of each suite.
        graphs: only these tasks of users, by their graph.
        injections: only these tasks of attackers, by their id.
        root: the project whose graphs, tools and policies are driven.
    """
    bridge.install()
    tally = Tally()
    tasks = [task for suite in suites for task in user_tasks(suite)[:limit] if graphs is None or task.graph in graphs]
    drawers: Project | None = None
    for number, task in enumerate(tasks, 1):
        if progress:
            print(f"\r{number}/{len(tasks)} {task.graph:<14} {tally.pairs} pairs", end="", file=sys.stderr, flush=True)
        with _home() as home:
            stage = Stage(home, task, root, drawers)
            drawers = drawers or stage.project
            _task(stage, task, tally, positions, injections, substitutions)
    if progress:
        print(file=sys.stderr)
    return _figures(tally, positions, substitutions)


def _task(
    stage: Stage,
    task: Task,
    tally: Tally,
    positions: Sequence[Position],
    injections: Sequence[str] | None,
    substitutions: bool,
) -> None:
    plain = stage.play(benign_answers(stage.spec, task))
    _benign(plain, task, tally)
    agreed = [(question.action, dict(question.arguments)) for question in plain.questions]
    places = {(question.step, question.visit) for question in plain.questions}

    def grants(approval: Approval) -> bool:
        """The approver knows what the task asks for: what the run asked when nobody attacked."""
        return (approval.request.get("action"), approval.request.get("arguments")) in agreed

    for injection in injection_tasks(task.suite):
        if injections is not None and injection.id not in injections:
            continue
        tally.pairs += 1
        answers = attacked_answers(stage.spec, task, injection)
        proposals = {
            function_of(step.actions[0]): call.args
            for _, step, _ in performed(stage.spec)
            for call in injection.calls
            if call.function == function_of(step.actions[0])
        }
        for position in positions:
            replay = stage.play(
                answers,
                injection=injection,
                injected=injection.calls,
                position=position,
                proposals=proposals,
                grants=grants,
            )
            found = leaked(replay, injection, plain)
            tally.leaked[position] += bool(found)
            tally.leaks += [f"{task.graph} {injection.id} {position} {done.call.function}" for done in found]
            tally.won[position] += replay.attacker_won
            tally.won_by_actions[position] += replay.attacker_won and bool(injection.calls)
            tally.attempts[position] += len(replay.attempts)
            tally.untried += len(injection.calls) - len(replay.attempts)
            tally.became.update(attempt.became for attempt in replay.attempts)
            tally.rules.update(attempt.by for attempt in replay.attempts if attempt.became == "denied")
            tally.questions[position] += len(replay.questions)
            tally.caused[position] += sum((each.step, each.visit) not in places for each in replay.questions)
    if substitutions:
        substitute(stage, task, plain, tally.substituted, grants)


def _benign(plain: Replay, task: Task, tally: Tally) -> None:
    tally.tasks += 1
    tally.served += plain.user_served
    tally.alone += not plain.questions
    left = list(task.benign)
    for done in plain.done:
        implied = next((call for call in left if call.function == done.call.function and same(call, done.call)), None)
        implied = implied or next((call for call in left if call.function == done.call.function), None)
        if implied is None:
            tally.beyond += 1
            continue
        left.remove(implied)
        tally.auto += not done.asked
        tally.ask += done.asked
    tally.deny += len(left)


def _figures(tally: Tally, positions: Sequence[Position], substitutions: bool) -> dict[str, Any]:
    def each(counted: Counter[str]) -> dict[str, int]:
        return {position: counted[position] for position in positions}

    def rate(counted: Counter[str]) -> dict[str, float]:
        return {position: round(counted[position] / max(tally.pairs, 1), 3) for position in positions}

    found: dict[str, Any] = {
        "pairs": tally.pairs,
        "leaked_pairs": max(each(tally.leaked).values()),
        "leaked_pairs_by_position": each(tally.leaked),
        "leaks": tally.leaks[:20],
        "attacker_wins": max(each(tally.won).values()),
        "attacker_wins_by_actions": max(each(tally.won_by_actions).values()),
        "injected_attempts": each(tally.attempts),
        "injected_not_attempted": tally.untried,
        "attempts_became": dict(sorted(tally.became.items())),
        "attempts_denied_by": dict(tally.rules.most_common()),
        "benign_auto": tally.auto,
        "benign_ask": tally.ask,
        "benign_deny": tally.deny,
        "benign_calls_beyond_the_ground_truth": tally.beyond,
        "tasks": tally.tasks,
        "tasks_served": tally.served,
        "tasks_without_human": tally.alone,
        "questions_per_attacked_run": max(rate(tally.caused).values()),
        "questions_per_attacked_run_by_position": rate(tally.caused),
        "questions_per_attacked_run_gross": rate(tally.questions),
    }
    if substitutions:
        found |= tally.substituted.figures()
    return found | {
        "agentdojo": version("agentdojo"),
        "suites": VERSION,
        "interlock": version("interlock"),
        "python": ".".join(str(part) for part in sys.version_info[:3]),
    }


@contextmanager
def _home() -> Iterator[Path]:
    folder = Path(tempfile.mkdtemp(prefix="interlock-agentdojo-", dir=MEMORY if MEMORY.is_dir() else None))
    try:
        yield folder
    finally:
        shutil.rmtree(folder, ignore_errors=True)
