"""What the steps of a compiled graph cost against LangGraph written by hand: `python -m benchmarks.overhead --json`.

One reason step asks a chat model and one call step writes a line to a file.  Both sides ask the same model the same
two messages, check the answer against the same schema, check the arguments by the same class and call the same
function; both are compiled once, both have no checkpointer, and they take turns.  What only ours does: it asks the
policy, and has every step, the model's call, the verdict, the intent and the outcome on the disk, with their audit.

The model is a sleep: it answers after so many milliseconds, so the ratio depends on how long that is.  0 shows what
ours adds by itself.  `run` is a whole durable run, with checkpoints, as `interlock run` makes it.
"""

from __future__ import annotations

import argparse
import json
import statistics
import tempfile
import time
from collections.abc import Callable
from pathlib import Path
from typing import Any, TypedDict

from jsonschema import Draft202012Validator
from langchain_core.callbacks import CallbackManagerForLLMRun
from langchain_core.language_models.chat_models import BaseChatModel
from langchain_core.messages import AIMessage, BaseMessage
from langchain_core.outputs import ChatGeneration, ChatResult
from langgraph.graph import END, START, StateGraph

from interlock.engine.project import Project
from interlock.engine.service import Engine
from interlock.graphs.cards import object_schema
from interlock.nodes.reason import question
from interlock.settings import load_settings
from interlock.tools.action import ActionContext

LATENCIES = (0, 100, 300, 1000)
"""Milliseconds that the model takes; a hosted model takes 300 to several thousand for an answer of some sentences."""

TOOL = '''
"""A line in a file."""
from interlock.tools.action import ActionContext, Arguments, Result, about, action

class Line(Arguments):
    text: str = about("The line.")

class Done(Result):
    ok: bool

@action("line.add", effect="keyed")
def add(arguments: Line, context: ActionContext) -> Done:
    """Add a line."""
    with (context.home / "lines.txt").open("a") as file:
        file.write(arguments.text)
    return Done(ok=True)
'''
CARD = """
node: shorten
kind: reason
goal: Shorten a text to one line.
prompt: |
  <text>
  $text
  </text>
output:
  line: {type: string, min_length: 1, max_length: 400}
"""
POLICY = "policy: line\nversion: 1\napplies_to: [line.add]\nrules: [{id: any, then: auto, because: harmless}]\n"
GRAPH = """
graph: one
version: 1
input: {text: {type: string}}
output: [short]
steps:
  think: {node: shorten, reads: [text], writes: short}
  add: {call: line.add, bind: {text: $.short.line}}
edges:
  - START -> think
  - think -> add
  - add -> END
  - {from: add, on: [rejected, expired, denied], to: END}
"""


class Sleeping(BaseChatModel):
    """A model that answers after `seconds`."""

    seconds: float

    @property
    def _llm_type(self) -> str:
        return "sleeping"

    def _generate(
        self,
        messages: list[BaseMessage],
        stop: list[str] | None = None,
        run_manager: CallbackManagerForLLMRun | None = None,
        **options: Any,
    ) -> ChatResult:
        time.sleep(self.seconds)
        return ChatResult(generations=[ChatGeneration(message=AIMessage('{"line": "a short line"}'))])


class State(TypedDict, total=False):
    text: str
    short: dict[str, Any]
    done: dict[str, Any]


def by_hand(project: Project, model: BaseChatModel) -> Any:
    """The same two steps in LangGraph, without anything of ours around them."""
    card, action = project.cards["shorten"], project.actions["line.add"]
    schema = object_schema(card.output) | {"title": card.node, "description": card.goal}
    validator = Draft202012Validator(schema)
    context = ActionContext(key="by-hand", run="by-hand", settings=project.settings, now=project.clock())

    def think(state: State) -> State:
        answer = model.invoke(question(card, {"text": state["text"]}, schema))
        found = json.loads(str(answer.content))
        validator.validate(found)
        return {"short": found}

    def add(state: State) -> State:
        arguments = action.arguments.model_validate({"text": state["short"]["line"]})
        return {"done": action.run(arguments, context).model_dump()}

    builder = StateGraph(State)
    builder.add_node("think", think)
    builder.add_node("add", add)
    builder.add_edge(START, "think")
    builder.add_edge("think", "add")
    builder.add_edge("add", END)
    return builder.compile()


def measure(latencies: tuple[int, ...] = LATENCIES, pairs: int = 15) -> dict[str, Any]:
    """Medians over pairs that take turns, for each latency of the model in milliseconds."""
    found: dict[str, Any] = {"pairs": pairs, "model_milliseconds": {}}
    for milliseconds in latencies:
        with tempfile.TemporaryDirectory() as folder:
            found["model_milliseconds"][str(milliseconds)] = _paired(Path(folder), milliseconds / 1000, pairs)
    least = [int(latency) for latency, each in found["model_milliseconds"].items() if each["ratio"] <= 1.25]
    found["ratio_within_1_25_from_milliseconds"] = min(least, default=None)
    return found


def _paired(root: Path, seconds: float, pairs: int) -> dict[str, Any]:
    for name in ("graphs", "nodes", "tools", "policies"):
        (root / name).mkdir()
    (root / "tools" / "line.py").write_text(TOOL)
    (root / "nodes" / "shorten.yaml").write_text(CARD)
    (root / "policies" / "line.yaml").write_text(POLICY)
    (root / "graphs" / "one.yaml").write_text(GRAPH)
    model = Sleeping(seconds=seconds)
    project = Project(root=root, settings=load_settings(home=root / "home"), make_chat_model=lambda name: model)
    engine, workflow = Engine(project), project.workflow(root / "graphs" / "one.yaml")
    written, compiled = by_hand(project, model), workflow.compile()
    numbers = iter(range(10_000))

    def ours() -> None:
        result = compiled.invoke({"text": "a text"}, {"configurable": {"thread_id": f"run-bench{next(numbers)}"}})
        assert result["short"] == {"line": "a short line"}, result

    def theirs() -> None:
        assert written.invoke({"text": "a text"})["done"] == {"ok": True}

    def run() -> None:
        assert engine.drive(engine.start(workflow, {"text": "a text"}, "bench").id).run.status == "done"

    sides = {"compiled": ours, "by_hand": theirs, "run": run}
    for side in sides.values():
        side()
    taken: dict[str, list[float]] = {name: [] for name in sides}
    on_processor: dict[str, list[float]] = {name: [] for name in sides}
    for _ in range(pairs):
        for name, side in sides.items():
            wall, busy = _milliseconds(side)
            taken[name].append(wall)
            on_processor[name].append(busy)
    assert len((root / "home" / "lines.txt").read_text()) == 3 * (pairs + 1) * len("a short line")
    median = {name: statistics.median(each) for name, each in taken.items()}
    return {
        "ratio": round(statistics.median(a / b for a, b in zip(taken["compiled"], taken["by_hand"], strict=True)), 3),
        **{f"{name}_ms": round(each, 1) for name, each in median.items()},
        "added_ms": round(median["compiled"] - median["by_hand"], 1),
        **{f"{name}_processor_ms": round(statistics.median(each), 1) for name, each in on_processor.items()},
    }


def _milliseconds(side: Callable[[], None]) -> tuple[float, float]:
    """How long a side took, and how much of it on the processor."""
    started, busy = time.perf_counter(), time.process_time()
    side()
    return (time.perf_counter() - started) * 1000, (time.process_time() - busy) * 1000


def main() -> None:
    """Measure, and print."""
    parser = argparse.ArgumentParser(description=(__doc__ or "").partition("\n")[0])
    parser.add_argument("--pairs", type=int, default=15)
    parser.add_argument("--json", action="store_true", help="one object; it is printed so in any case")
    print(json.dumps(measure(pairs=parser.parse_args().pairs)))


if __name__ == "__main__":
    main()
