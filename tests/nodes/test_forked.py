"""When two effects are on the same target, so that one of a fork may be a repetition of an earlier one."""

from __future__ import annotations

from typing import Any

import pytest

from interlock.nodes.forked import same_target
from interlock.store.tables import Effect
from interlock.tools.action import Action, ActionContext, Arguments, Result, about, action


class Sending(Arguments):
    to: list[str] = about("Who receives it.")
    account: str | None = about("Whose account it is.", default=None)
    text: str = about("What is sent.", default="")


class Sent(Result):
    done: bool


@action("mail.send", effect="blind", risk="high", targets=["to", "account"])
def send(arguments: Sending, context: ActionContext) -> Sent:
    """Send it."""
    return Sent(done=True)


@action("mail.note", effect="blind", risk="high")
def note(arguments: Sending, context: ActionContext) -> Sent:
    """Note it."""
    return Sent(done=True)


def effect(**arguments: Any) -> Effect:
    return Effect(
        id="", run_id="run", step="send", visit=1, slot=0, state="proposed", action="mail.send", arguments=arguments,
        missing=[], labels={}, evidence={}, model={}, proposed_by=[],
    )  # fmt: skip


@pytest.mark.parametrize(
    ("how", "one", "other", "same"),
    [
        (send, {"to": ["anna"]}, {"to": ["anna"], "text": "something else"}, True),
        (send, {"to": ["anna"]}, {"to": ["ben"]}, False),
        (send, {"to": ["anna", "ben"]}, {"to": ["ben", "carl"]}, True),
        (send, {"to": ["Anna  B"]}, {"to": [" anna b"]}, True),
        (send, {"to": ["anna"], "account": "7"}, {"to": ["ben"], "account": "7"}, True),
        (send, {"to": []}, {"to": ["ben"]}, True),
        (send, {"to": ["anna"]}, {}, True),
        (note, {"to": ["anna"]}, {"to": ["ben"]}, True),
    ],
)
def test_a_shared_target_is_enough_and_an_unknown_one_counts(
    how: Action, one: dict[str, Any], other: dict[str, Any], same: bool
) -> None:
    """However the target is written; where an action names none, or an effect has none, nobody can tell."""
    assert same_target(how)(effect(**one), effect(**other)) is same
