"""Random workflows that are right by construction: sequences, choices, bounded loops and forks, nested."""

from __future__ import annotations

from random import Random
from typing import Any

from interlock.graphs.cards import ReasonCard, Retry, Schema
from interlock.graphs.spec import END, START, ApproveStep, CallStep, Edge, ForkStep, JoinStep, ReasonStep, Spec

Out = tuple[str, list[str]]
"""A step and those of its outcomes that lead onward."""

TROUBLE = ["rejected", "expired", "denied", "failed"]
OUTPUT = {"verdict": Schema(type="string", enum=["go", "stop"])}


class Maker:
    """Makes one workflow of at most about a dozen steps."""

    def __init__(self, random: Random) -> None:
        self.random = random
        self.steps: dict[str, Any] = {}
        self.edges: list[Edge] = []

    def spec(self) -> Spec:
        """The workflow."""
        entry, outs = self.sequence(2)
        self.edges.insert(0, Edge(source=START, target=entry))
        self.lead(outs, END)
        question = {"question": Schema(type="string")}
        return Spec(graph="random", version=1, input=question, steps=self.steps, edges=self.edges)

    def lead(self, outs: list[Out], target: str) -> None:
        """Lead these outcomes to `target`."""
        self.edges += [Edge(source=source, on=on, target=target, **self.named(target, on)) for source, on in outs]

    def named(self, target: str, on: list[str]) -> dict[str, Any]:
        """A failed end says that what was added stays."""
        if target != END or not {"failed", "exhausted"} & set(on):
            return {}
        return {"outcome": "over", "keeps": [name for name in self.steps if name.startswith("add")]}

    def name(self, kind: str) -> str:
        return f"{kind}_{len(self.steps)}"

    def sequence(self, depth: int) -> tuple[str, list[Out]]:
        """One to three parts, one after the other."""
        entry, outs = self.part(depth)
        for _ in range(self.random.randint(0, 2)):
            if len(self.steps) > 8:
                break
            following, after = self.part(depth)
            self.lead(outs, following)
            outs = after
        return entry, outs

    def part(self, depth: int) -> tuple[str, list[Out]]:
        """One step, or a choice, loop or fork around some."""
        kinds = ["think", "add", "ask", "look"]
        if depth and len(self.steps) < 8:
            kinds += ["choice", "loop", "fork", "fork"]
        made: tuple[str, list[Out]] = getattr(self, self.random.choice(kinds))(depth)
        return made

    def think(self, depth: int) -> tuple[str, list[Out]]:
        name = self.thought()
        return name, [(name, ["done", "failed"])]

    def thought(self, visits: int | None = None) -> str:
        name = self.name("think")
        repairs, attempts = self.random.randint(0, 1), self.random.randint(1, 2)
        card = ReasonCard(
            node="think", kind="reason", goal="Decide.", prompt="$question", output=OUTPUT, repairs=repairs
        )
        retry = Retry(attempts=attempts, on=["invalid"])
        self.steps[name] = ReasonStep(card=card, reads=["question"], writes=name, retry=retry, visits=visits)
        return name

    def add(self, depth: int) -> tuple[str, list[Out]]:
        name = self.name("add")
        self.steps[name] = CallStep(call="counter.add", bind={"amount": self.random.choice([1, 50])})
        return name, [(name, ["done", *TROUBLE])]

    def look(self, depth: int) -> tuple[str, list[Out]]:
        name = self.name("look")
        self.steps[name] = CallStep(call="counter.look", writes=name)
        return name, [(name, ["done", "failed"])]

    def ask(self, depth: int) -> tuple[str, list[Out]]:
        name = self.name("ask")
        self.steps[name] = ApproveStep(approve="Go on?")
        return name, [(name, ["approved", "rejected", "expired"])]

    def choice(self, depth: int) -> tuple[str, list[Out]]:
        name = self.thought()
        left, left_outs = self.sequence(depth - 1)
        right, right_outs = self.sequence(depth - 1)
        said: Any = {f"$.{name}.verdict": {"eq": "go"}}
        self.edges.append(Edge.model_validate({"source": name, "on": ["done"], "target": left, "when": said}))
        self.edges.append(Edge(source=name, on=["done"], target=right, otherwise=True))
        return name, [*left_outs, *right_outs, (name, ["failed"])]

    def loop(self, depth: int) -> tuple[str, list[Out]]:
        name = self.thought(visits=self.random.randint(1, 3))
        body, outs = self.sequence(depth - 1)
        self.lead(outs, name)
        said: Any = {f"$.{name}.verdict": {"eq": "go"}}
        self.edges.append(Edge.model_validate({"source": name, "on": ["done"], "target": body, "when": said}))
        after = self.name("look")
        self.steps[after] = CallStep(call="counter.look", writes=after)
        self.edges.append(Edge(source=name, on=["done"], target=after, otherwise=True))
        self.edges.append(Edge(source=name, on=["failed", "exhausted"], target=after))
        return name, [(after, ["done", "failed"])]

    def fork(self, depth: int) -> tuple[str, list[Out]]:
        name = self.name("fork")
        self.steps[name] = None  # takes the name; its place is before what it leads to
        branches = ["one", "two", "three"][: self.random.randint(2, 3)]
        parts = [self.sequence(depth - 1) for _ in branches]
        join = self.name("join")
        self.steps[name] = ForkStep(fork=branches, concurrency=1)
        self.steps[join] = JoinStep(join=name)
        for branch, (entry, outs) in zip(branches, parts, strict=True):
            self.edges.append(Edge(source=name, on=[branch], target=entry))
            self.lead(outs, join)
        return name, [(join, ["done", "failed"])]
