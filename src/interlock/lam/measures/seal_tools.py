"""The development rows of Seal-Tools: requests with one or several gold calls.

The candidates of a row are its gold tools and a few more of the same field, chosen by the row's id.  Rows that
take an argument from the response of an earlier call (`API_call_1`) cannot be answered in one decision; they
are measured with the others, and their share is told.
"""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path
from random import Random
from typing import Any

from interlock.errors import InputError
from interlock.lam.functions import read_function
from interlock.lam.jsonl import read_objects, text_in
from interlock.lam.measures.cases import Case, GoldCall, sample
from interlock.lam.measures.outcomes import Outcome
from interlock.lam.measures.report import percent
from interlock.lam.measures.slots import argument_scores, tool_scores
from interlock.lam.protocol import ActionSchema, Observation

DISTRACTORS = 5
"""How many tools of the same field stand beside the gold ones."""


class _Tools:
    """The tools by name, and the names of each field from the narrow to the wide."""

    def __init__(self, path: Path) -> None:
        self.known: dict[str, ActionSchema] = {}
        self.field: dict[str, str] = {}
        for where, document in read_objects(path):
            name = text_in(document, "api_name", where)
            parameters = {
                "type": "object",
                "properties": document.get("parameters") or {},
                "required": document.get("required") or [],
            }
            about = {"name": name, "description": document.get("api_description"), "parameters": parameters}
            self.known[name] = read_function(about, where)
            self.field[name] = text_in(document, "field", where)

    def beside(self, gold: Sequence[str], chance: Random) -> list[str]:
        """Distractors: of the same narrow field first, then of the same wide one."""
        narrow = {self.field[name] for name in gold}
        wide = {field.partition("/")[0] for field in narrow}
        groups: tuple[list[str], list[str]] = ([], [])
        for name, field in self.field.items():
            if name not in gold and field.partition("/")[0] in wide:
                groups[field not in narrow].append(name)
        for group in groups:
            chance.shuffle(group)
        return (groups[0] + groups[1])[:DISTRACTORS]


def read_seal_tools(folder: Path, limit: int | None = None) -> list[Case]:
    """The rows of `dev.jsonl` over the tools of `tool.jsonl`, at most `limit` of them.

    Raises:
        UsageError: a file is missing.
        InputError: a row is malformed; the message names file and line.
    """
    tools = _Tools(folder / "tool.jsonl")
    found = []
    for where, document in read_objects(folder / "dev.jsonl"):
        id, text = text_in(document, "id", where), text_in(document, "query", where)
        gold = _read_calls(document.get("calling"), where, tools.known)
        chance = Random(id)
        names = list(dict.fromkeys(call.name for call in gold))
        names += tools.beside(names, chance)
        chance.shuffle(names)
        space = tuple(tools.known[name] for name in names)
        found.append(
            Case(
                id,
                "one_call" if len(gold) == 1 else "several_calls",
                Observation(sources={"request": text}),
                space,
                gold,
            )
        )
    return sample(found, limit)


def _read_calls(document: Any, where: str, known: dict[str, ActionSchema]) -> tuple[GoldCall, ...]:
    if not isinstance(document, list) or not document:
        raise InputError(f'{where}: "calling" must be a list of calls.')
    found = []
    for part in document:
        if not isinstance(part, dict) or part.get("api") not in known or not isinstance(part.get("parameters"), dict):
            raise InputError(f"{where}: a call needs an api of tool.jsonl and its parameters.")
        found.append(GoldCall(part["api"], {name: [value] for name, value in part["parameters"].items()}))
    return tuple(found)


def refers_back(case: Case) -> bool:
    """Whether an argument of a gold call is the response of an earlier one."""
    return any("API_call_" in str(value) for call in case.gold for value in call.arguments.values())


def seal_tools_figures(outcomes: Sequence[Outcome]) -> dict[str, Any]:
    """F1 of tools and arguments, and exact answers, over all rows and over those that can be answered at once."""
    closed = [outcome for outcome in outcomes if not refers_back(outcome.case)]
    return {
        "tools": tool_scores(outcomes),
        "arguments": argument_scores(outcomes),
        "exact_calls": percent(sum(outcome.right for outcome in outcomes), len(outcomes)),
        "refer_back": percent(len(outcomes) - len(closed), len(outcomes)),
        "exact_calls_without_those": percent(sum(outcome.right for outcome in closed), len(closed)),
    }
