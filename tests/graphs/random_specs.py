"""Small random workflows, made as specs without any file."""

from __future__ import annotations

from typing import Any

from hypothesis import strategies as st

from interlock.graphs.cards import ReasonCard, Schema
from interlock.graphs.spec import END, START, ApproveStep, CallStep, Edge, ReasonStep, Spec

KEYS = ("a", "b")
OUTCOMES = {
    "reason": ("done", "exhausted"),
    "call": ("done", "rejected", "exhausted"),
    "approve": ("approved", "rejected"),
}
TEXT = Schema(type="string")


def card(name: str = "think", prompt: str = "Think.") -> ReasonCard:
    """A reason card whose answer is one text."""
    return ReasonCard(node=name, kind="reason", goal="Think.", prompt=prompt, output={"text": TEXT})


@st.composite
def specs(draw: st.DrawFn) -> Spec:
    """A workflow of up to four steps: thinking, paying (undecided by any policy) and asking, wired at random."""
    names = ["s1", "s2", "s3", "s4"][: draw(st.integers(2, 4))]
    keys = st.sampled_from(KEYS)
    steps: dict[str, Any] = {}
    for name in names:
        # The second step pays and is what most questions are about, so that approvals meet their actions.
        kind = "call" if name == "s2" else draw(st.sampled_from(["reason", "reason", "call", "approve", "approve"]))
        visits = draw(st.sampled_from([None, None, 1, 2]))
        if kind == "reason":
            steps[name] = ReasonStep(card=card(), reads=[draw(keys)], writes=draw(keys), visits=visits)
        elif kind == "call":
            bind = {"payee": f"$.{draw(keys)}"}
            writes = draw(st.one_of(st.none(), keys))
            steps[name] = CallStep(call="house.pay", bind=bind, writes=writes, visits=visits)
        else:
            covers = draw(st.sampled_from([None, "s2", "s2", "s2", names[-1]]))
            writes = draw(st.one_of(st.none(), keys))
            steps[name] = ApproveStep(approve="Go on?", covers=covers, writes=writes, visits=visits)
    onward = st.sampled_from([*names[1:], *names, END])
    aside = st.sampled_from([END, END, END, *names])  # most bad ends end the run, or they would hide all other paths
    edges = [Edge(source=START, target=draw(st.sampled_from([names[0], names[-1]])))]
    for name, step in steps.items():
        for place, outcome in enumerate(OUTCOMES[step.kind]):
            targets = st.lists(aside, min_size=1, max_size=1) if place else st.lists(onward, min_size=1, max_size=2)
            for target in dict.fromkeys(draw(targets)):
                approval = draw(st.sampled_from([None, None, None, "two"])) if target != END else None
                writes = draw(keys) if approval else None
                edges.append(Edge(source=name, on=[outcome], target=target, approval=approval, writes=writes))
    return Spec(graph="random", version=1, input={"a": TEXT}, steps=steps, edges=edges)
