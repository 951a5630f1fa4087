"""What each verdict teaches: a lesson of its own kind or none, with the places where its values stand."""

from __future__ import annotations

from typing import Any

import pytest

from interlock.errors import InputError
from interlock.lam.examples import Span
from interlock.lam.learn.lessons import Lesson, Lessons, Wrong, lessons_of
from interlock.lam.protocol import ActionSchema, Evidence, Observation
from interlock.lam.trajectories.trajectory import FunctionCall, Lam, Message, ToolCall, Trajectory

TEXT = "Trailer 412 takes order 88213 to Vega Textiles, Ana Petrov drives."
DISPATCH = ActionSchema(
    name="yard.dispatch",
    description="Enter a departure.",
    parameters={
        "type": "object",
        "required": ["ref", "party"],
        "properties": {
            "ref": {"type": "integer", "description": "Reference."},
            "party": {"type": "string", "description": "Party."},
            "urgent": {"type": "boolean", "default": False},
        },
    },
)
REPAIR = ActionSchema(
    name="yard.repair",
    description="Report damage.",
    parameters={"type": "object", "required": ["vehicle"], "properties": {"vehicle": {"type": "integer"}}},
)
PROPOSED = {"ref": 88213, "party": "Vega Textiles"}
RIGHT = {"ref": 412, "party": "Ana Petrov"}


def at(text: str) -> tuple[int, int]:
    start = TEXT.index(text)
    return start, start + len(text)


def evidence(text: str, rule: str) -> Evidence:
    start, end = at(text)
    return Evidence(source="request", start=start, end=end, text=text, normaliser=rule)


GIVEN = {"ref": evidence("88213", "number"), "party": evidence("Vega Textiles", "verbatim")}


def reviewed(
    verdict: Any, *, call: dict[str, Any] | None = PROPOSED, edit: dict[str, Any] | None = None,
    name: str = "yard.dispatch", observed: bool = True, **fields: Any,
) -> Trajectory:  # fmt: skip
    """One proposal with a reviewer's word."""
    lam = Lam(
        backend="spans", model_id="spans-1", decision="act" if call else "abstain", confidence=0.7 if call else None,
        evidence=GIVEN if call == PROPOSED else {},
        observation=Observation(sources={"request": TEXT}) if observed else None,
    )  # fmt: skip
    said = Message(
        role="assistant", lam=lam, verdict=verdict,
        tool_calls=[ToolCall(function=FunctionCall(name=name, arguments=call))] if call else [],
        edited_action=FunctionCall(name="yard.dispatch", arguments=edit) if edit else None,
    )  # fmt: skip
    conversation = [Message(role="user", content=TEXT), said]
    whole: dict[str, Any] = {"unique_trajectory_id": "run-2", "tools": [DISPATCH, REPAIR], "conversation": conversation}
    return Trajectory(**whole | fields)


def lesson_of(trajectory: Trajectory) -> tuple[Lesson, Lessons]:
    found = lessons_of([trajectory])
    (lesson,) = [*found.learnt, *found.held_back]
    return lesson, found


def test_an_approval_is_a_positive() -> None:
    """The proposal is right, and its values are learnt where the evidence says they stand."""
    lesson, _ = lesson_of(reviewed("approved"))
    (call,) = lesson.example.calls
    assert (lesson.rule, lesson.example.kind, call.arguments) == ("approved", "act", PROPOSED)
    assert call.spans == {"ref": Span("request", *at("88213")), "party": Span("request", *at("Vega Textiles"))}
    assert (lesson.refused, lesson.wrong) == ((), ())


def test_an_edit_is_the_positive_and_the_proposal_the_hard_negative() -> None:
    """The edited values are found in the text; the places that were proposed are what must not win again."""
    lesson, found = lesson_of(reviewed("edited", edit=RIGHT))
    (call,) = lesson.example.calls
    assert (lesson.rule, call.arguments) == ("edited", RIGHT)
    assert call.spans == {"ref": Span("request", *at("412")), "party": Span("request", *at("Ana Petrov"))}
    assert set(lesson.wrong) == {
        Wrong("yard.dispatch", "ref", Span("request", *at("88213"))),
        Wrong("yard.dispatch", "party", Span("request", *at("Vega Textiles"))),
    }
    assert found.unfound == 0


def test_an_edit_keeps_the_evidence_of_what_it_left() -> None:
    """An argument that the reviewer did not touch stays where the model pointed, and is no negative."""
    lesson, _ = lesson_of(reviewed("edited", edit={"ref": 412, "party": "Vega Textiles"}))
    assert lesson.example.calls[0].spans["party"] == Span("request", *at("Vega Textiles"))
    assert [wrong.parameter for wrong in lesson.wrong] == ["ref"]


def test_an_edit_to_another_tool_refuses_the_first() -> None:
    """The tool that was proposed is read beside the right one, as one that does not fit."""
    lesson, _ = lesson_of(reviewed("edited", call={"vehicle": 412}, name="yard.repair", edit=RIGHT))
    assert lesson.refused == ("yard.repair",)
    assert lesson.example.name == "yard.dispatch"


def test_an_edit_of_what_stands_nowhere_teaches_nothing_about_pointing() -> None:
    """A value that the reviewer knew from elsewhere has no place: it is counted, and the other is learnt."""
    lesson, found = lesson_of(reviewed("edited", edit={"ref": 999, "party": "Ana Petrov"}))
    assert set(lesson.example.calls[0].spans) == {"party"}
    assert found.unfound == found.counts()["arguments_found_nowhere"] == 1
    assert [wrong.parameter for wrong in lesson.wrong] == ["party"]


def test_a_rejection_is_null_for_that_tool_alone() -> None:
    """The rejected tool fits nothing here; of the others a rejection says nothing."""
    lesson, _ = lesson_of(reviewed("rejected"))
    assert (lesson.rule, lesson.example.kind, lesson.refused) == ("rejected", "abstain", ("yard.dispatch",))
    assert [schema.name for schema in lesson.example.space] == ["yard.dispatch"]
    assert [schema.name for schema in lesson.space] == ["yard.dispatch", "yard.repair"]


@pytest.mark.parametrize(
    ("trajectory", "reason"),
    [
        (reviewed("executed_error"), "the action failed"),
        (reviewed("executed_error", edit=RIGHT), "the action failed"),
        (reviewed("executed_ok"), "nobody judged it"),
        (reviewed(None), "nobody judged it"),
        (reviewed("rejected", call=None), "a rejection of no call"),
        (reviewed("approved", split="test"), "kept for testing"),
        (reviewed("approved", tools=[REPAIR]), "its tool is not among those offered"),
    ],
    ids=["failed", "edit failed", "nobody", "open", "nothing", "test", "unknown"],
)
def test_other_steps_give_no_lesson(trajectory: Trajectory, reason: str) -> None:
    """What failed, what nobody judged and what is kept for testing is counted and not learnt from."""
    found = lessons_of([trajectory])
    assert (found.learnt, found.held_back, dict(found.skipped)) == ([], [], {reason: 1})


def test_an_abstention_that_a_person_completed_is_a_positive() -> None:
    """Where the model found nothing and a person made the call, the call is learnt."""
    lesson, _ = lesson_of(reviewed("edited", call=None, edit=RIGHT))
    assert (lesson.rule, lesson.example.kind, lesson.refused, lesson.wrong) == ("edited", "act", (), ())


def test_a_default_that_was_filled_in_is_no_choice() -> None:
    """An argument that equals its default and has no evidence was written by the schema, so it is not asked for."""
    lesson, _ = lesson_of(reviewed("edited", edit={**RIGHT, "urgent": False}))
    assert "urgent" not in lesson.example.calls[0].arguments


def test_amounts_are_found_however_they_are_written() -> None:
    """An argument that the action wrote as text with two decimals stands where the number stands."""
    lesson, found = lesson_of(reviewed("edited", edit={"ref": "412.00", "party": "Ana Petrov"}))
    assert lesson.example.calls[0].spans["ref"] == Span("request", *at("412"))
    assert found.unfound == 0


def test_messages_stand_for_what_was_not_recorded() -> None:
    """Without a recorded observation the messages before the step are read; without a request there is no lesson."""
    lesson, _ = lesson_of(reviewed("edited", edit=RIGHT, observed=False))
    assert lesson.example.observation.sources == {"request": TEXT}
    alone = reviewed("edited", edit=RIGHT, observed=False).conversation[1:]
    with pytest.raises(InputError, match="run-2: no message of the user"):
        lessons_of([reviewed("approved", conversation=alone)])


def test_what_is_held_back_stays_held_back() -> None:
    """The same trajectories are for the trial whatever else is in the file, about one in three, and all of `dev`."""
    ids = [f"run-{number}" for number in range(400)]
    found = lessons_of(reviewed("approved", unique_trajectory_id=id) for id in ids)
    assert 100 < len(found.held_back) < 170
    again = lessons_of(reviewed("approved", unique_trajectory_id=id) for id in ids[:50])
    assert {lesson.id for lesson in again.held_back} < {lesson.id for lesson in found.held_back}
    assert lessons_of([reviewed("approved", split="dev")]).held_back
