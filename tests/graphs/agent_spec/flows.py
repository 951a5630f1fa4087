"""Flows built with the format's own library; `python tests/graphs/agent_spec/flows.py FOLDER` writes them as JSON.

The documents beside this file were written so by pyagentspec 26.3.1.
"""

from __future__ import annotations

import sys
from collections.abc import Callable, Iterable
from pathlib import Path

from pyagentspec.flows.edges import ControlFlowEdge, DataFlowEdge
from pyagentspec.flows.flow import Flow
from pyagentspec.flows.node import Node
from pyagentspec.flows.nodes import (
    BranchingNode,
    EndNode,
    FlowNode,
    InputMessageNode,
    LlmNode,
    MapNode,
    StartNode,
    ToolNode,
)
from pyagentspec.llms import VllmConfig
from pyagentspec.property import Property
from pyagentspec.serialization import AgentSpecSerializer
from pyagentspec.tools import ServerTool

MODEL = VllmConfig(id="model", name="a model", model_id="some-model", url="http://127.0.0.1:8000/v1")


def text(title: str, **more: object) -> Property:
    return Property(json_schema={"title": title, "type": "string", **more})


def joined(
    name: str, steps: Iterable[tuple[Node, str | None, Node]], data: Iterable[tuple[Node, str, Node, str]]
) -> Flow:
    """A flow of these control and data edges; its nodes are those that the edges name, in that order."""
    steps = list(steps)
    nodes: dict[str, Node] = {}
    for source, _, target in steps:
        nodes |= {source.id: source, target.id: target}
    control = [
        ControlFlowEdge(id=f"{name}.c{index}", name=f"c{index}", from_node=source, from_branch=branch, to_node=target)
        for index, (source, branch, target) in enumerate(steps)
    ]
    flows = [
        DataFlowEdge(
            id=f"{name}.d{index}", name=f"d{index}", source_node=source, source_output=output,
            destination_node=target, destination_input=inner,
        )
        for index, (source, output, target, inner) in enumerate(data)
    ]  # fmt: skip
    return Flow(
        id=name, name=name, start_node=steps[0][0], nodes=list(nodes.values()), control_flow_connections=control,
        data_flow_connections=flows,
    )  # fmt: skip


def asks(name: str, prompt: str, inputs: list[Property], output: Property) -> LlmNode:
    return LlmNode(id=name, name=name, llm_config=MODEL, prompt_template=prompt, inputs=inputs, outputs=[output])


def line() -> Flow:
    """A thought, then a call with a constant."""
    start = StartNode(id="line.start", name="start", inputs=[text("request"), text("to")])
    think = asks("line.think", "Answer {{ request }} for $5, please.", [text("request")], text("answer"))
    urgent = Property(json_schema={"title": "urgent", "type": "boolean", "default": False})
    tool = ServerTool(
        id="line.tool", name="house.notify", description="Tell somebody.", inputs=[text("to"), text("text"), urgent],
        outputs=[text("id")],
    )  # fmt: skip
    tell = ToolNode(id="line.tell", name="Tell them!", tool=tool)
    end = EndNode(id="line.end", name="end", outputs=[text("id")])
    return joined(
        "line",
        [(start, None, think), (think, None, tell), (tell, None, end)],
        [
            (start, "request", think, "request"),
            (start, "to", tell, "to"),
            (think, "answer", tell, "text"),
            (tell, "id", end, "id"),
        ],
    )


def fork_in_the_road() -> Flow:
    """Two branching nodes in a row, and three ends of their own names."""
    start = StartNode(id="road.start", name="start", inputs=[text("mood"), text("weather")])
    mood = BranchingNode(
        id="road.mood", name="mood", mapping={"glad": "up", "merry": "up", "sad": "down"}, inputs=[text("mood")]
    )
    sky = BranchingNode(id="road.sky", name="sky", mapping={"rain": "wet"}, inputs=[text("weather")])
    ends = {name: EndNode(id=f"road.{name}", name=name, branch_name=name) for name in ("dance", "walk", "stay", "rest")}
    think = asks("road.think", "Think about {{mood}}.", [text("mood")], text("thought"))
    return joined(
        "fork_in_the_road",
        [
            (start, None, mood),
            (mood, "up", ends["dance"]),
            (mood, "down", sky),
            (mood, "default", think),
            (sky, "wet", ends["stay"]),
            (sky, "default", ends["walk"]),
            (think, None, ends["rest"]),
        ],
        [(start, "mood", mood, "mood"), (start, "weather", sky, "weather"), (start, "mood", think, "mood")],
    )


def loop() -> Flow:
    """A draft, a judgement, and a better draft until it is good: two nodes feed one input."""
    start = StartNode(id="loop.start", name="start", inputs=[text("request")])
    draft = asks("loop.draft", "Write about {{request}}.", [text("request")], text("text"))
    judge = asks("loop.judge", "Is this good? {{text}} Answer yes or no.", [text("text")], text("verdict"))
    better = asks("loop.better", "Improve {{text}}", [text("text")], text("text"))
    good = BranchingNode(id="loop.good", name="good", mapping={"yes": "good"}, inputs=[text("verdict")])
    end = EndNode(id="loop.end", name="end", outputs=[text("text")])
    return joined(
        "loop",
        [
            (start, None, draft),
            (draft, None, judge),
            (judge, None, good),
            (good, "good", end),
            (good, "default", better),
            (better, None, judge),
        ],
        [
            (start, "request", draft, "request"),
            (draft, "text", judge, "text"),
            (better, "text", judge, "text"),
            (draft, "text", better, "text"),
            (better, "text", better, "text"),
            (judge, "verdict", good, "verdict"),
            (draft, "text", end, "text"),
            (better, "text", end, "text"),
        ],
    )


def nested() -> Flow:
    """A flow in a flow, left by the names of its ends, and a question to a person."""
    start = StartNode(id="inner.start", name="start", inputs=[text("request")])
    asked = InputMessageNode(id="inner.ask", name="ask", message="May we? {{request}}", outputs=[text("said")])
    yes = BranchingNode(id="inner.yes", name="yes", mapping={"yes": "yes"}, inputs=[text("said")])
    good, bad = EndNode(id="inner.good", name="good"), EndNode(id="inner.bad", name="bad", branch_name="refused")
    inner = joined(
        "inner",
        [(start, None, asked), (asked, None, yes), (yes, "yes", good), (yes, "default", bad)],
        [(start, "request", asked, "request"), (asked, "said", yes, "said")],
    )
    first = StartNode(id="outer.start", name="start", inputs=[text("request")])
    step = FlowNode(id="outer.step", name="step", subflow=inner)
    think = asks("outer.think", "Answer {{request}}", [text("request")], text("answer"))
    done, stopped = EndNode(id="outer.end", name="end"), EndNode(id="outer.no", name="no", branch_name="stopped")
    return joined(
        "nested",
        [(first, None, step), (step, "next", think), (step, "refused", stopped), (think, None, done)],
        [(first, "request", step, "request"), (first, "request", think, "request")],
    )


def each() -> Flow:
    """One flow for each item of a list."""
    start = StartNode(id="one.start", name="start", inputs=[text("article")])
    think = asks("one.think", "Sum up {{article}}", [text("article")], text("summary"))
    end = EndNode(id="one.end", name="end", outputs=[text("summary")])
    one = joined(
        "one",
        [(start, None, think), (think, None, end)],
        [(start, "article", think, "article"), (think, "summary", end, "summary")],
    )
    articles = Property(json_schema={"title": "articles", "type": "array", "items": {"type": "string"}})
    first = StartNode(id="each.start", name="start", inputs=[articles])
    over = MapNode(
        id="each.map", name="map", subflow=one,
        inputs=[Property(json_schema={"title": "iterated_article", "type": "array", "items": {"type": "string"}})],
    )  # fmt: skip
    last = EndNode(
        id="each.end", name="end",
        outputs=[Property(json_schema={"title": "summaries", "type": "array", "items": {"type": "string"}})],
    )  # fmt: skip
    return joined(
        "each",
        [(first, None, over), (over, None, last)],
        [(first, "articles", over, "iterated_article"), (over, "collected_summary", last, "summaries")],
    )


def side_by_side() -> Flow:
    """Two flows at once, and a thought about both; from release 25.4.2 on."""
    from pyagentspec.flows.nodes import ParallelFlowNode

    def one(name: str) -> Flow:
        start = StartNode(id=f"{name}.start", name="start", inputs=[text("request")])
        think = asks(f"{name}.think", "Look at the " + name + " of {{request}}", [text("request")], text(name))
        end = EndNode(id=f"{name}.end", name="end", outputs=[text(name)])
        return joined(
            name,
            [(start, None, think), (think, None, end)],
            [(start, "request", think, "request"), (think, name, end, name)],
        )

    first = StartNode(id="both.start", name="start", inputs=[text("request")])
    both = ParallelFlowNode(id="both.both", name="both", subflows=[one("front"), one("back")])
    sums = asks("both.sum", "{{front}} and {{back}}", [text("front"), text("back")], text("view"))
    last = EndNode(id="both.end", name="end", outputs=[text("view")])
    return joined(
        "side_by_side",
        [(first, None, both), (both, None, sums), (sums, None, last)],
        [
            (first, "request", both, "request"),
            (both, "front", sums, "front"),
            (both, "back", sums, "back"),
            (sums, "view", last, "view"),
        ],
    )


FLOWS: dict[str, Callable[[], Flow]] = {made.__name__: made for made in (line, fork_in_the_road, loop, nested, each)}


def as_json(flow: Flow) -> str:
    return AgentSpecSerializer().to_json(flow, indent=1)


if __name__ == "__main__":
    for name, made in {**FLOWS, "side_by_side": side_by_side}.items():
        Path(sys.argv[1], f"{name}.json").write_text(as_json(made()) + "\n", encoding="utf-8")
