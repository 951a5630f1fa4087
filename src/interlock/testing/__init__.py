"""Test doubles and conformance checks for whoever builds on Interlock; no network, no torch.

* `ScriptedChatModel` answers from a list, `ScriptedActionModel` decides from one;
  `certificates_for` lets what it is sure of go on without a person.
* `wrong_tool`, `invented_argument` and `endless_loop` play the three classic failures of an agent.
* `FakeClock` is a clock that stands still until it is told to advance.
* `action_model_conformance` holds any action model to the protocol's promises, `action_cases` are what it tries.
* `check_pure` holds a function of `nodes/` to its purity.
* `UNCLEAR_ANSWERS` are answers to a request that whoever takes answers must refuse, `answers_conformance` tries them.
"""

from __future__ import annotations

from interlock.nodes.dialects.unclear import UNCLEAR_ANSWERS
from interlock.testing.action_cases import action_cases
from interlock.testing.action_models import ScriptedActionModel, certificates_for
from interlock.testing.answers import answers_conformance
from interlock.testing.chat_models import (
    CLASSIC_FAILURES,
    Reply,
    ScriptedChatModel,
    ScriptEnded,
    calls,
    count_words,
    endless_loop,
    invented_argument,
    wrong_tool,
)
from interlock.testing.clock import FakeClock
from interlock.testing.conformance import action_model_conformance
from interlock.testing.purity import check_pure

__all__ = [
    "CLASSIC_FAILURES",
    "UNCLEAR_ANSWERS",
    "FakeClock",
    "Reply",
    "ScriptEnded",
    "ScriptedActionModel",
    "ScriptedChatModel",
    "action_cases",
    "action_model_conformance",
    "answers_conformance",
    "calls",
    "certificates_for",
    "check_pure",
    "count_words",
    "endless_loop",
    "invented_argument",
    "wrong_tool",
]
