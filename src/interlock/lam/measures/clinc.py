"""Held-out rows of CLINC150: a request belongs to one of 150 intents or to none.

Each intent is a function without arguments (`clinc_tools.json`); all of them are offered at once.
"""

from __future__ import annotations

import json
from collections.abc import Sequence
from pathlib import Path
from typing import Any

from interlock.errors import InputError, UsageError
from interlock.lam.functions import read_functions
from interlock.lam.heldout import held_out
from interlock.lam.jsonl import read_objects, text_in
from interlock.lam.measures.cases import Case, GoldCall, sample
from interlock.lam.measures.outcomes import Outcome
from interlock.lam.measures.report import percent
from interlock.lam.measures.selective import rejected_at
from interlock.lam.protocol import ActionSchema, Observation

NONE = "oos"
"""The label of a request that belongs to no intent."""


def intent_tools() -> list[ActionSchema]:
    """The 150 intents as functions."""
    path = Path(__file__).with_name("clinc_tools.json")
    about: dict[str, str] = json.loads(path.read_text(encoding="utf-8"))
    return read_functions([{"name": name, "description": text} for name, text in about.items()], path.name)


def read_clinc(folder: Path, limit: int | None = None) -> list[Case]:
    """The held-out rows of all files, at most `limit` of them.

    Raises:
        UsageError: there is no file.
        InputError: a row is malformed; the message names file and line.
    """
    space = tuple(intent_tools())
    known = {schema.name for schema in space}
    files = sorted(folder.glob("*.jsonl")) if folder.is_dir() else []
    if not files:
        raise UsageError(f"{folder} holds no file NAME.jsonl; give the folder of the CLINC rows.")
    found = []
    for path in files:
        for number, (where, document) in enumerate(read_objects(path), 1):
            text, intent = text_in(document, "text", where), text_in(document, "intent", where)
            if intent != NONE and intent not in known:
                raise InputError(f"{where}: {intent} is none of the 150 intents.")
            if held_out(text):
                gold = () if intent == NONE else (GoldCall(intent, {}),)
                column = "out_of_scope" if intent == NONE else "in_scope"
                case_id, observation = f"{path.stem}/{number}", Observation(sources={"request": text})
                found.append(Case(case_id, column, observation, space, gold))
    return sample(found, limit)


def clinc_figures(outcomes: Sequence[Outcome]) -> dict[str, Any]:
    """In-scope accuracy, and out-of-scope recall when 95 in 100 in-scope requests must be accepted."""
    inside = [outcome for outcome in outcomes if outcome.case.gold]
    return {
        "in_scope_accuracy": percent(sum(outcome.right for outcome in inside), len(inside)),
        "out_of_scope": rejected_at(outcomes),
    }
