"""What reviewers said of proposals, as lessons.

| verdict               | lesson                                                                        |
|-----------------------|-------------------------------------------------------------------------------|
| `approved`            | the proposal is right                                                         |
| `edited`              | the edit is right, and the proposal is what must not win over it again        |
| `rejected`            | none for that tool: it does not fit the request                               |
| `executed_error`      | none: that an action failed does not say which one would have been right      |
| `executed_ok`, none   | none: nobody judged it, and a model that learns from itself keeps its errors  |

Values are learnt as places in the context.  One that stands nowhere teaches nothing about pointing: it is
left out and counted, while its tool and its other arguments are learnt.
"""

from __future__ import annotations

import hashlib
from collections import Counter
from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any, Literal

from interlock.errors import InputError
from interlock.lam.candidates import MEANS, whole_span
from interlock.lam.examples import Call, Example, Span
from interlock.lam.learn.pointing import alike, place_of
from interlock.lam.parameters import Parameter, read_parameters
from interlock.lam.protocol import ActionSchema, Evidence, Observation
from interlock.lam.rows import sources_of_messages
from interlock.lam.spans import by_path
from interlock.lam.toolbox import is_bound
from interlock.lam.trajectories.trajectory import FunctionCall, Message, Trajectory

Rule = Literal["approved", "edited", "rejected"]

HELD_BACK = 3
"""One trajectory in so many is kept for the trial, by the hash of its id, beside all those of the split `dev`."""


@dataclass(frozen=True)
class Wrong:
    """A place that was proposed for an argument, and that a reviewer replaced."""

    tool: str
    parameter: str
    span: Span


@dataclass(frozen=True)
class Lesson:
    """One verdict as something to learn from, or to be tried on."""

    id: str
    rule: Rule
    example: Example
    """What is trained: for a rejection a space of the rejected tool alone, which does not fit."""
    space: tuple[ActionSchema, ...]
    """All tools that were offered: what a model is tried over."""
    refused: tuple[str, ...] = ()
    """Tools that were proposed and are not right here."""
    wrong: tuple[Wrong, ...] = ()
    held_back: bool = False


@dataclass
class Lessons:
    """The lessons of a file, and what became of the verdicts that gave none."""

    learnt: list[Lesson] = field(default_factory=list)
    held_back: list[Lesson] = field(default_factory=list)
    skipped: Counter[str] = field(default_factory=Counter)
    """How many steps gave no lesson, by the reason."""
    unfound: int = 0
    """Arguments whose value stands nowhere in the context."""

    def counts(self) -> dict[str, Any]:
        """Numbers for the record."""
        rules = Counter(lesson.rule for lesson in (*self.learnt, *self.held_back))
        return {
            **{rule: rules[rule] for rule in ("approved", "edited", "rejected")},
            "learnt_from": len(self.learnt),
            "held_back": len(self.held_back),
            "arguments_found_nowhere": self.unfound,
            "skipped": dict(sorted(self.skipped.items())),
        }


def lessons_of(trajectories: Iterable[Trajectory]) -> Lessons:
    """The lessons of all steps; those of the split `test` are left alone, those of `dev` are for the trial.

    Raises:
        InputError: a trajectory holds no request.
    """
    found = Lessons()
    for trajectory in trajectories:
        for place, message in trajectory.steps():
            if trajectory.split == "test":
                found.skipped["kept for testing"] += 1
                continue
            reason = _no_lesson(message)
            if reason is not None:
                found.skipped[reason] += 1
                continue
            lesson, unfound = _lesson(trajectory, place, message)
            if lesson is None:
                found.skipped["its tool is not among those offered"] += 1
                continue
            found.unfound += unfound
            (found.held_back if lesson.held_back else found.learnt).append(lesson)
    return found


def _no_lesson(message: Message) -> str | None:
    """Why a step teaches nothing, before anybody looks at its values."""
    match message.verdict:
        case None | "executed_ok":
            return "nobody judged it"
        case "executed_error":
            return "the action failed"
        case "rejected" if not message.calls:
            return "a rejection of no call"
        case "approved" if message.lam is not None and message.lam.decision == "ask":
            return "approved before it was complete"
    return None


def is_held_back(trajectory: Trajectory) -> bool:
    """Whether a trajectory is for the trial; the same one always is, however many others are in the file."""
    digest = hashlib.sha256(trajectory.unique_trajectory_id.encode()).digest()
    return trajectory.split == "dev" or int.from_bytes(digest[:4], "big") % HELD_BACK == 0


def _lesson(trajectory: Trajectory, place: int, message: Message) -> tuple[Lesson | None, int]:
    space = tuple(trajectory.offered(message))
    known = {schema.name: schema for schema in space}
    wanted = message.calls if message.verdict == "rejected" else message.right_calls
    if any(call.name not in known for call in wanted):
        return None, 0
    observation = _observation(trajectory, place, message)
    id, held_back = f"{trajectory.unique_trajectory_id}#{place}", is_held_back(trajectory)
    if message.verdict == "rejected":
        tools = tuple(dict.fromkeys(call.name for call in wanted))
        example = Example(observation, tuple(known[name] for name in tools), "abstain")
        return Lesson(id, "rejected", example, space, refused=tools, held_back=held_back), 0
    edited = message.edited_action is not None
    given = {} if message.lam is None else message.lam.evidence
    calls, unfound = [], 0
    for call in wanted:
        evidence = _still_right(message, call, given) if edited else given
        made, lost = _target(known[call.name], call, observation, evidence if len(wanted) == 1 else {})
        calls.append(made)
        unfound += lost
    example = Example(observation, space, "act" if calls else "abstain", tuple(calls))
    right = {call.name for call in calls}
    refused = tuple(dict.fromkeys(call.name for call in message.calls if edited and call.name not in right))
    wrong = tuple(_replaced(message, calls[0], observation)) if edited and calls else ()
    rule: Rule = "edited" if edited else "approved"
    return Lesson(id, rule, example, space, refused, wrong, held_back), unfound


def _observation(trajectory: Trajectory, place: int, message: Message) -> Observation:
    """What the model read: as it was recorded, else the messages before the step."""
    if message.lam is not None and message.lam.observation is not None:
        return message.lam.observation
    before = [{"role": m.role, "content": m.content} for m in trajectory.conversation[:place]]
    where = f"trajectory {trajectory.unique_trajectory_id}"
    if not any(m["role"] == "user" for m in before):
        raise InputError(f"{where}: no message of the user stands before its step {place + 1}.")
    return Observation(sources=sources_of_messages(before, where))


def _still_right(message: Message, edit: FunctionCall, given: Mapping[str, Evidence]) -> dict[str, Evidence]:
    """The evidence of the arguments that an edit left as they were."""
    before = next((call for call in message.calls if call.name == edit.name), None)
    if before is None:
        return {}
    kept = {}
    for name, evidence in given.items():
        one, other = _at(before.arguments, name), _at(edit.arguments, name)
        if one is not None and other is not None and alike(one, other):
            kept[name] = evidence
    return kept


def _at(arguments: Mapping[str, Any], path: str) -> Any:
    """The argument at a path without lists."""
    found: Any = arguments
    for name in path.split("."):
        found = found.get(name) if isinstance(found, Mapping) else None
    return found


def _target(
    schema: ActionSchema, call: FunctionCall, observation: Observation, evidence: Mapping[str, Evidence]
) -> tuple[Call, int]:
    """A call with the places of its arguments, and how many values stand nowhere."""
    parameters = read_parameters(schema)
    arguments, spans, unfound = {}, dict[str, Span](), 0
    values = by_path(parameters, call.arguments)
    ordered = sorted(parameters, key=lambda p: p.name not in evidence)  # what is known first, so that it is taken
    for parameter in ordered:
        if parameter.name not in values or is_bound(parameter, observation.bound):
            continue
        value = values[parameter.name]
        span = _span_of(parameter, value, observation, evidence.get(parameter.name), list(spans.values()))
        if span is None and parameter.default is not None and alike(value, parameter.default):
            continue  # filled in by the schema, not chosen
        arguments[parameter.name] = value
        if span is not None:
            spans[parameter.name] = span
        elif parameter.kind not in ("option", "flag"):
            unfound += 1
    return Call(schema.name, arguments, spans), unfound


def _span_of(
    parameter: Parameter, value: Any, observation: Observation, evidence: Evidence | None, taken: Sequence[Span]
) -> Span | None:
    if evidence is None:
        return place_of(parameter, value, observation, taken)
    if (evidence.normaliser or "").startswith(MEANS):
        return None  # an option that no words name
    return _evident(observation, evidence)


def _evident(observation: Observation, evidence: Evidence) -> Span | None:
    """The place that evidence names, where the source really reads so."""
    text = observation.sources.get(evidence.source, "")
    if not evidence.text or text[evidence.start : evidence.end] != evidence.text:
        return None
    whole = evidence.source != "request" and whole_span(text) == (evidence.start, evidence.end)
    return Span(evidence.source, evidence.start, evidence.end, whole)


def _replaced(message: Message, right: Call, observation: Observation) -> Iterator[Wrong]:
    """The places that the proposal gave to arguments of the right tool, and the edit did not."""
    given = {} if message.lam is None else message.lam.evidence
    if not any(call.name == right.name for call in message.calls):
        return
    for name, evidence in given.items():
        span = _evident(observation, evidence)
        if span is not None and span != right.spans.get(name) and name in right.spans:
            yield Wrong(right.name, name, span)
