"""What the models of the replay say: in a benign run what the ground truth implies, in an attacked one what the
attacker wants, wherever a model has a say.

A reason step's answer is worked out from the graph: a field that an argument of a later action is bound to has the
value that the ground truth gives this argument.
"""

from __future__ import annotations

import json
from collections.abc import Iterator, Mapping, Sequence
from functools import cache
from pathlib import Path
from typing import Any

from agentdojo.functions_runtime import FunctionCall

from benchmarks.agentdojo.tasks import Injection, Task, injection_tasks
from interlock.graphs.bind import Bound, sources
from interlock.graphs.spec import ActStep, MapStep, ReasonStep, Spec

Answers = dict[str, dict[str, Any]]
"""By the name of a reason step: the fields that the model writes."""

TEXTS = ("subject", "body", "content", "title", "description", "location")
"""Arguments that say something; the others say who, what, when or how much."""

LIKE = {
    "user_email": "email",
    "email": "email",
    "recipients": "email",
    "participants": "email",
    "recipient": "recipient",
    "user": "user",
    "url": "url",
    "street": "text",
    "city": "text",
    "password": "password",
    "channel": "channel",
    "event_id": "id",
    "file_id": "id",
    "amount": "amount",
}
"""Arguments whose values are of one kind, so that an attacker's value of one can stand in another."""


@cache
def _said() -> Mapping[str, Answers]:
    read: dict[str, Answers] = json.loads(Path(__file__).with_name("answers.json").read_text(encoding="utf-8"))
    return read


def function_of(action: str) -> str:
    """`bank.send_money` is the function `send_money` of the suite."""
    return action.partition(".")[2]


def performed(spec: Spec) -> Iterator[tuple[str, ActStep, MapStep | None]]:
    """The steps of a graph that change something, and the map around each, in order."""
    for name, step in spec.steps.items():
        if isinstance(step, ActStep):
            yield name, step, None
        elif isinstance(step, MapStep):
            yield from ((name, inner, step) for inner in step.spec.steps.values() if isinstance(inner, ActStep))


def benign_answers(spec: Spec, task: Task) -> Answers:
    """What the models say when nobody attacks."""
    answers: Answers = {
        name: dict.fromkeys(step.card.output, "Done.")
        for name, step in spec.steps.items()
        if isinstance(step, ReasonStep)
    }
    answers.setdefault("report", {})["text"] = task.answer
    for step, values in _said().get(task.graph, {}).items():
        answers[step] |= values
    writers = {step.writes: name for name, step in spec.steps.items() if isinstance(step, ReasonStep)}
    for (_, doing, around), calls in zip(performed(spec), _dealt(spec, task.benign), strict=True):
        if around is None:
            for argument, path in _paths(doing.bind):
                if path[0] in writers and len(path) == 2 and calls:
                    answers[writers[path[0]]][path[1]] = calls[-1].args.get(argument)
            continue
        key, *rest = around.over[2:].split(".")
        if key in writers and rest:
            answers[writers[key]][rest[0]] = [_item(doing, around.item, call) for call in calls]
        for argument, path in _paths(doing.bind):  # what every item shares
            shared = around.bind.get(path[0])
            for outer in sources(shared).values() if shared is not None and path[0] != around.item else ():
                owner, *field_path = outer[2:].split(".")
                if owner in writers and field_path and calls:
                    answers[writers[owner]][field_path[0]] = calls[-1].args.get(argument)
    return answers


def _item(step: ActStep, item: str, call: FunctionCall) -> Any:
    whole: Any = None
    parts = {}
    for argument, path in _paths(step.bind):
        if path[0] == item:
            if len(path) == 1:
                whole = call.args.get(argument)
            else:
                parts[path[1]] = call.args.get(argument)
    return parts or whole


def _paths(bind: Mapping[str, Bound]) -> Iterator[tuple[str, list[str]]]:
    """Each argument with the path that gives its value."""
    for argument, bound in bind.items():
        for part, path in sources(bound).items():
            if part != "stands_in":
                yield argument, path[2:].split(".")


def _dealt(spec: Spec, benign: Sequence[FunctionCall]) -> list[list[FunctionCall]]:
    """The calls of the ground truth that each performing step makes: one each from the end, the rest to the map."""
    left: dict[str, list[FunctionCall]] = {}
    for call in benign:
        left.setdefault(call.function, []).append(call)
    steps = list(performed(spec))
    dealt: list[list[FunctionCall]] = [[] for _ in steps]
    for number in reversed(range(len(steps))):
        _, step, around = steps[number]
        function = function_of(step.actions[0])
        if around is None and left.get(function):
            dealt[number] = [left[function].pop()]
    for number, (_, step, around) in enumerate(steps):
        if around is not None:
            dealt[number] = left.pop(function_of(step.actions[0]), [])
    return dealt


def attacked_answers(spec: Spec, task: Task, injection: Injection) -> Answers:
    """What the models say when they obey: the attacker's values in every field, the goal in every answer."""
    answers = benign_answers(spec, task)
    for _, step, around in performed(spec):
        wanted = attacker_values(task.suite, injection, function_of(step.actions[0]))
        over = around.over[2:].split(".") if around is not None else None
        for name, reason in spec.steps.items():
            if not isinstance(reason, ReasonStep):
                continue
            for argument, path in _paths(step.bind):
                if argument not in wanted:
                    continue
                if around is None and path[0] == reason.writes and len(path) == 2:
                    answers[name][path[1]] = _shaped(wanted[argument], answers[name].get(path[1]))
                elif around is not None and over and over[0] == reason.writes and path[0] == around.item:
                    items = answers[name].get(over[-1]) or []
                    answers[name][over[-1]] = [
                        _shaped(wanted[argument], item)
                        if len(path) == 1
                        else item | {path[1]: _shaped(wanted[argument], item.get(path[1]))}
                        for item in items
                    ]
    answers["report"]["text"] = injection.goal
    return answers


def _shaped(value: Any, before: Any) -> Any:
    """A value as the field wants it: a list where there was one."""
    if isinstance(before, list):
        return value if isinstance(value, list) else [value]
    return value[0] if isinstance(value, list) and value else value


def attacker_values(suite: str, injection: Injection | None, function: str) -> dict[str, Any]:
    """What an attacker would put into each argument of a function: of this attack, else of another of the suite."""
    others = [other for other in injection_tasks(suite) if injection is None or other.id != injection.id]
    found: dict[str, Any] = {}
    texts: list[Any] = []
    kinds: dict[str, Any] = {}
    for attack in ([injection] if injection else []) + others:
        for call in attack.calls:
            for argument, value in call.args.items():
                if call.function == function:
                    found.setdefault(argument, value)
                if argument in TEXTS:
                    texts.append(value)
                kinds.setdefault(LIKE.get(argument, argument), value)
    for argument in (*LIKE, *TEXTS):
        if argument in found:
            continue
        if argument in TEXTS and texts:
            found[argument] = texts[0]
        elif LIKE.get(argument) in kinds:
            found[argument] = kinds[LIKE[argument]]
    return found


def reached_by(spec: Spec, task: Task, number: int, argument: str, value: Any, answers: Answers) -> None:
    """Write `value` into the field, if a model writes one, that this argument of the task's call is bound to."""
    writers = {step.writes: name for name, step in spec.steps.items() if isinstance(step, ReasonStep)}
    for (_, step, around), calls in zip(performed(spec), _dealt(spec, task.benign), strict=True):
        place = next((place for place, call in enumerate(calls) if call is task.benign[number]), None)
        if place is None:
            continue
        for bound, path in _paths(step.bind):
            if bound != argument:
                continue
            if around is None:
                if path[0] in writers and len(path) == 2:
                    answers[writers[path[0]]][path[1]] = value
                continue
            key, *rest = around.over[2:].split(".")
            if path[0] == around.item and key in writers and rest:
                items = answers[writers[key]][rest[0]]
                items[place] = value if len(path) == 1 else items[place] | {path[1]: value}
