"""Rows of the SNIPS custom intents: a request, its intent and its typed slots, in one file for each intent.

The slots are the arguments of seven functions of ours (`snips_tools.json`).  Only the held-out rows are measured.
"""

from __future__ import annotations

import json
import re
from collections.abc import Sequence
from pathlib import Path
from typing import Any

from interlock.errors import InputError, UsageError
from interlock.lam.functions import named, read_functions
from interlock.lam.heldout import held_out
from interlock.lam.jsonl import read_objects, text_in
from interlock.lam.measures.cases import Case, GoldCall, sample
from interlock.lam.measures.outcomes import Outcome
from interlock.lam.measures.report import percent
from interlock.lam.measures.slots import argument_scores, tool_scores
from interlock.lam.normalisers import NUMBERS, first_rule
from interlock.lam.protocol import ActionSchema, Observation


def intent_tools() -> list[ActionSchema]:
    """The seven intents as functions."""
    path = Path(__file__).with_name("snips_tools.json")
    return read_functions(json.loads(path.read_text(encoding="utf-8")), path.name)


def tool_of(intent: str) -> str:
    """The function of an intent: `AddToPlaylist` is `add_to_playlist`."""
    return re.sub(r"(?<=[a-z])(?=[A-Z])", "_", intent).lower()


def read_snips(folder: Path, limit: int | None = None) -> list[Case]:
    """The held-out rows of all intents, at most `limit` of them.

    Raises:
        UsageError: a file is missing.
        InputError: a row is malformed; the message names file and line.
    """
    space = tuple(intent_tools())
    files = sorted(folder.glob("*.jsonl")) if folder.is_dir() else []
    if not files:
        raise UsageError(f"{folder} holds no file INTENT.jsonl; give the folder of the SNIPS rows.")
    found = []
    for path in files:
        for number, (where, document) in enumerate(read_objects(path), 1):
            tool = named(space, tool_of(text_in(document, "intent", where)))
            if tool is None:
                raise InputError(f"{where}: {document['intent']} is none of the seven intents.")
            text, slots = _read_slots(document.get("data"), where, tool)
            if held_out(text):
                case_id, observation = f"{path.stem}/{number}", Observation(sources={"request": text.strip()})
                found.append(Case(case_id, document["intent"], observation, space, (GoldCall(tool.name, slots),)))
    return sample(found, limit)


def _read_slots(pieces: Any, where: str, tool: ActionSchema) -> tuple[str, dict[str, list[Any]]]:
    if not isinstance(pieces, list) or not all(isinstance(p, dict) and isinstance(p.get("text"), str) for p in pieces):
        raise InputError(f'{where}: "data" must be a list of pieces with a text.')
    slots: dict[str, list[Any]] = {}
    for piece in pieces:
        name = piece.get("slot_name") or piece.get("entity")
        if name is None:
            continue
        declared = tool.parameters["properties"].get(name)
        if declared is None:
            raise InputError(f"{where}: {tool.name} has no slot {name}.")
        value: Any = piece["text"].strip()
        if declared["type"] == "integer":
            read = first_rule(value, NUMBERS, None)
            value = read[1] if read else value
        slots.setdefault(name, []).append(value)  # a slot that is named twice: either is right
    return "".join(piece["text"] for piece in pieces), slots


def snips_figures(outcomes: Sequence[Outcome]) -> dict[str, Any]:
    """Intent accuracy in percent, slot F1 and exact calls."""
    hits = sum(o.case.gold[0].name == o.decision.actions[0].name for o in outcomes if o.decision.actions)
    return {
        "intent_accuracy": percent(hits, len(outcomes)),
        "slots": argument_scores(outcomes),
        "tools": tool_scores(outcomes),
        "exact_calls": percent(sum(outcome.right for outcome in outcomes), len(outcomes)),
    }
