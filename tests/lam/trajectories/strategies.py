"""Any trajectory, for tests that hold for all of them."""

from __future__ import annotations

from typing import Any

from hypothesis import strategies as st

from interlock.lam.protocol import ActionSchema, Evidence, Observation
from interlock.lam.trajectories.trajectory import FunctionCall, Lam, Message, Redaction, ToolCall, Trajectory, Verdict

VERDICTS: list[Verdict | None] = [None, "approved", "edited", "rejected", "executed_ok", "executed_error"]

texts = st.text(max_size=20).filter(lambda text: not any(0xD800 <= ord(letter) < 0xE000 for letter in text))
names = st.text("abcdefghij_.", min_size=1, max_size=8)
scalars = (
    st.none() | st.booleans() | st.integers(-(2**53), 2**53) | st.floats(allow_nan=False, allow_infinity=False) | texts
)
values: st.SearchStrategy[Any] = st.recursive(
    scalars, lambda part: st.lists(part, max_size=3) | st.dictionaries(texts, part, max_size=3), max_leaves=6
)
arguments = st.dictionaries(names, values, max_size=4)
shares = st.floats(0, 1)

calls = st.builds(FunctionCall, name=names, arguments=arguments)
evidence = st.builds(
    Evidence, source=names, start=st.integers(0, 9), end=st.integers(9, 20), text=texts, normaliser=st.none() | names
)
observations = st.builds(
    Observation,
    sources=st.dictionaries(names, texts, max_size=3),
    bound=arguments,
    today=st.none() | st.just("2026-03-04"),
)
records = st.builds(
    Lam,
    backend=names,
    model_id=names,
    decision=st.sampled_from(["act", "ask", "abstain"]),
    confidence=st.none() | shares,
    evidence=st.dictionaries(names, evidence, max_size=2),
    p_null=st.none() | shares,
    missing=st.lists(names, max_size=2),
    offered=st.lists(names, max_size=2),
    observation=st.none() | observations,
)


@st.composite
def schemas(draw: st.DrawFn) -> list[ActionSchema]:
    found = draw(st.lists(names, max_size=3, unique=True))
    kinds = st.sampled_from(["string", "integer", "number", "boolean"])
    return [
        ActionSchema(
            name=name,
            description=draw(texts),
            parameters={
                "type": "object",
                "properties": {key: {"type": draw(kinds)} for key in draw(st.lists(names, max_size=3, unique=True))},
                "required": [],
            },
        )
        for name in found
    ]


@st.composite
def trajectories(draw: st.DrawFn) -> Trajectory:
    conversation = [Message(role="user", content=draw(texts))]
    for number in range(draw(st.integers(0, 4))):
        verdict = draw(st.sampled_from(VERDICTS))
        edit = draw(calls) if verdict == "edited" else None
        made = [
            ToolCall(id=f"call-{number}-{place}", function=call)
            for place, call in enumerate(draw(st.lists(calls, max_size=2)))
        ]
        conversation.append(
            Message(
                role="assistant",
                content=draw(texts),
                tool_calls=made,
                lam=draw(st.none() | records),
                verdict=verdict,
                edited_action=edit,
            )
        )
        conversation += [Message(role="tool", content=draw(texts), tool_call_id=call.id) for call in made]
    return Trajectory(
        unique_trajectory_id=draw(names),
        task_instruction=draw(texts),
        tools=draw(schemas()),
        conversation=conversation,
        split=draw(st.sampled_from([None, "train", "dev"])),
        licence=draw(st.none() | names),
        source=draw(st.none() | names),
        redaction=draw(st.none() | st.builds(Redaction, fields=st.lists(names, max_size=2), values=st.integers(0, 5))),
    )
