"""What the record has to say of effects: each move is an arrow of the ledger, and the last is how the row stands."""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterator, Mapping, Sequence
from typing import Any

from interlock.store.effects import ARROWS
from interlock.store.tables import Effect


def off_the_record(effects: Sequence[Effect], entries: Sequence[Mapping[str, Any]]) -> Iterator[str]:
    """Every way in which the ledger and the audit of one run disagree, or show what must never be."""
    consumed = Counter(entry["subject"] for entry in entries if entry["event"] == "approval.consumed")
    yield from (f"approval {name} was used {times} times" for name, times in consumed.items() if times > 1)
    executed = Counter(entry["subject"] for entry in entries if entry["event"] == "effect.executed")
    yield from (f"{name} was executed {times} times" for name, times in executed.items() if times > 1)
    for effect in effects:
        state = "proposed"
        for move in (entry["data"] for entry in entries if entry["subject"] == effect.id and "to" in entry["data"]):
            if move["from"] != state:
                yield f"the record has {effect.id} go from {move['from']}, but it was {state}"
            if move["to"] not in ARROWS[move["from"]]:
                yield f"the record has {effect.id} go from {move['from']} to {move['to']}"
            state = move["to"]
        if state != effect.state:
            yield f"the record has {effect.id} as {state}, the ledger as {effect.state}"
