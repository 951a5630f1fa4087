"""A run whose action model is behind an endpoint: it proposes, and a person decides."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

from interlock.engine.project import Project
from tests.chat_server import ChatServer, chatting
from tests.engine.conftest import start
from tests.engine.test_runs import ACT, CARD

Make = Callable[..., Project]


def brain(text: str, offered: list[Any]) -> list[dict[str, Any]]:
    return [{"name": "counter.add", "arguments": {"amount": 5}}] if "Add 5" in text else []


def test_what_an_endpoint_proposes_waits_for_a_person(make: Make) -> None:
    """Nothing is measured for it, so whatever the policy says, the gate asks; the record tells who proposed."""
    with chatting(ChatServer(brain=brain), way="response_format") as (model, _, _):
        project = make({"act": ACT}, act=model, nodes_act=CARD)
        engine, run_id = start(project, "act", request="Add 5")
        approval = engine.standing(run_id).waiting[0]
        assert approval.request["reasons"][0]["rule"] == "confidence"
        engine.approve(approval.id, "two")
        assert engine.drive(run_id).run.output == {"total": {"total": 5}}


def test_an_endpoint_that_finds_nothing_leaves_by_the_edge(make: Make) -> None:
    """An empty list of calls is the abstention that the graph has an edge for."""
    with chatting(ChatServer(brain=brain), way="response_format") as (model, _, _):
        project = make({"act": ACT}, act=model, nodes_act=CARD)
        engine, run_id = start(project, "act", request="What is the capital of France?")
        assert engine.standing(run_id).run.outcome == "not_ours"


def test_an_endpoint_that_is_away_fails_the_step(make: Make) -> None:
    """Nothing is proposed and nothing done; the run says who did not answer."""
    with chatting(ChatServer(says=[(503, {}, b"")] * 9), way="tools", attempts=1) as (model, _, _):
        project = make({"act": ACT}, act=model, nodes_act=CARD)
        engine, run_id = start(project, "act", request="Add 5")
        run = engine.standing(run_id).run
        assert run.status == "failed"
        assert model.wire.host in (run.error or "")
