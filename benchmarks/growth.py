"""How the speed of checkpointed steps goes on as a run grows: `python -m benchmarks.growth --json --svg FOLDER`.

The graph of `benchmarks.checkpoints`, looked at in windows of one run: our saver over a file, LangGraph's own saver
over a file under the same durability, and LangGraph without a checkpointer, whose own cost of copying the list is in
all three.
"""

from __future__ import annotations

import argparse
import json
import operator
import time
from itertools import pairwise
from pathlib import Path
from random import Random
from typing import Annotated, Any, TypedDict

from langgraph.checkpoint.base import BaseCheckpointSaver
from langgraph.graph import END, START, StateGraph

from benchmarks.checkpoints import our_file, stock_file
from benchmarks.plots import lines

WINDOWS = 10
STOCK_SHARE = 5
"""LangGraph's saver writes the whole list each time, so it gets this part of the steps."""
SVG = "checkpoint_growth.svg"


class State(TypedDict):
    items: Annotated[list[str], operator.add]


def speeds(saver: BaseCheckpointSaver[str] | None, steps: int) -> list[tuple[int, float]]:
    """Steps at the end of each window, and steps a second within it."""
    texts, window = Random(0), max(steps // WINDOWS, 1)
    times = [time.perf_counter()]

    def say(state: State) -> State:
        if state["items"] and len(state["items"]) % window == 0:
            times.append(time.perf_counter())
        return {"items": [texts.randbytes(500).hex()]}

    builder = StateGraph(State)
    builder.add_node("say", say)
    builder.add_edge(START, "say")
    builder.add_conditional_edges("say", lambda state: END if len(state["items"]) >= steps else "say")
    config: Any = {"configurable": {"thread_id": "bench"}, "recursion_limit": steps + 5}
    how: Any = {"durability": "sync"} if saver is not None else {}
    builder.compile(checkpointer=saver).invoke({"items": []}, config, **how)
    times.append(time.perf_counter())
    return [
        (window * (number + 1), round(window / (after - before), 1))
        for number, (before, after) in enumerate(pairwise(times))
    ]


def measure(steps: int = 5000, svg: Path | None = None) -> dict[str, Any]:
    """Steps a second in ten windows of each run."""
    found: dict[str, Any] = {"steps": steps, "without_checkpoints": speeds(None, steps)}
    with our_file() as (saver, _):
        found["ours"] = speeds(saver, steps)
    with stock_file() as (saver, _):
        found["stock"] = speeds(saver, steps // STOCK_SHARE)
    if svg is not None:
        names = {"without_checkpoints": "no checkpoints", "ours": "Interlock", "stock": "LangGraph's SQLite saver"}
        drawn = {name: found[key] for key, name in names.items()}
        title = "Steps a second as a list grows by 1 kB a step"
        (svg / SVG).write_text(lines(title, drawn, across="steps so far", up="steps a second"), encoding="utf-8")
    return found


def main() -> None:
    """Measure, print, and draw where asked to."""
    parser = argparse.ArgumentParser(description=(__doc__ or "").partition("\n")[0])
    parser.add_argument("--steps", type=int, default=5000)
    parser.add_argument("--svg", type=Path, help="folder to draw the picture into")
    parser.add_argument("--json", action="store_true", help="one object; it is printed so in any case")
    asked = parser.parse_args()
    print(json.dumps(measure(asked.steps, asked.svg)))


if __name__ == "__main__":
    main()
