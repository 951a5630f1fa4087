"""The worst case of a loop is never exceeded, whatever model and machine do, and it is reached."""

from __future__ import annotations

import contextlib
import tempfile
from pathlib import Path
from typing import Any

from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from interlock.errors import ModelError, ModelUnavailable
from interlock.graphs.calls import lookups, model_calls
from interlock.graphs.proofs.bounds import bounds
from interlock.testing import ScriptedChatModel
from tests.attacks.house import House
from tests.attacks.loops import ANSWER, ENOUGH, Desk, look

KILLED = "killed"
REPLIES = st.sampled_from(
    ["new", "new", "new", "same", "invalid", "unknown", ENOUGH, "", "answer", "wrong", "away", "refused", KILLED]
)


class Random(ScriptedChatModel):
    """A model that follows a list of words; `killed` is a process that dies in the call."""

    def __init__(self, words: list[str]) -> None:
        super().__init__([])
        self._words = words
        self._made: list[int] = []

    def _generate(self, *arguments: Any, **named: Any) -> Any:
        self._made.append(1)
        word = self._words.pop(0) if self._words else "wrong"
        self.replies = [
            {
                "new": look(f"thing {len(self._words)}"),
                "same": look("thing"),
                "invalid": look(None),
                "unknown": look("x").model_copy(
                    update={"tool_calls": [{"name": "shop.pay", "args": {}, "id": "1", "type": "tool_call"}]}
                ),
                "answer": ANSWER,
                "wrong": {"no": "answer"},
                "away": ModelUnavailable("away"),
                "refused": ModelError("refused"),
            }.get(word, word)
        ]
        if word == KILLED:
            raise KeyboardInterrupt
        self.received.clear()
        return super()._generate(*arguments, **named)


def desk_of(folder: str, turns: int, repairs: int, step: dict[str, Any]) -> Desk:
    desk = Desk(House(Path(folder) / "shop").build(), step)
    desk.house.change("nodes/lookup.yaml", "turns: 4", f"turns: {turns}")
    desk.house.change("nodes/lookup.yaml", "repairs: 1", f"repairs: {repairs}")
    return desk


def used(desk: Desk, words: list[str]) -> tuple[int, int]:
    """Model calls and lookups of the one visit, driven by new processes until the run has ended."""
    made = 0
    for _ in range(100):
        model = Random(words)
        with contextlib.suppress(KeyboardInterrupt):
            desk.drive(model)
        made += len(model._made)
        if desk.ended.status in ("done", "failed"):
            break
    assert desk.ended.status in ("done", "failed"), "the run does not end"
    assert desk.visit.model_calls == made
    return made, len(desk.rows)


@settings(max_examples=40, deadline=None, suppress_health_check=[HealthCheck.too_slow])
@given(
    st.integers(1, 4),
    st.integers(0, 2),
    st.integers(1, 3),
    st.none() | st.integers(1, 6),
    st.lists(REPLIES, max_size=40),
)
def test_no_run_goes_past_its_bound(
    turns: int, repairs: int, attempts: int, most: int | None, words: list[str]
) -> None:
    """Model calls and lookups stay within what was proven, over every crash, and the run ends."""
    step: dict[str, Any] = {
        "retry": {"attempts": attempts, "on": ["unavailable", "timeout", "invalid"], "backoff": "1s"}
    }
    if most is not None:
        step["limits"] = {"model_calls": most}
    with tempfile.TemporaryDirectory() as folder:
        desk = desk_of(folder, turns, repairs, step)
        spec = desk.house.project().workflow(desk.house.root / "graphs/desk.yaml").spec
        asked, looked = used(desk, list(words))
        assert asked <= min(model_calls(spec.steps["think"]), most or 1000)
        assert looked <= lookups(spec.steps["think"])
        proven = bounds(spec, desk.house.project().actions).model_calls
        assert proven is not None
        assert asked <= proven
        assert desk.whole


def test_the_bound_is_reached(tmp_path: Path) -> None:
    """A model that uses every turn and every repair of every attempt makes exactly as many calls as were proven."""
    desk = desk_of(str(tmp_path), 3, 1, {"retry": {"attempts": 2, "on": ["invalid"], "backoff": "1s"}})
    step = desk.house.project().workflow(desk.house.root / "graphs/desk.yaml").spec.steps["think"]
    assert used(desk, ["new", "new", "new", "wrong", "wrong"] * 2) == (model_calls(step), lookups(step)) == (10, 6)
    assert (desk.visit.error_kind, desk.visit.attempts) == ("invalid", 2)
