"""What a request looks like to others: one payload for every client, or one dialect alone."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

from interlock.errors import UsageError
from interlock.nodes.dialects import ag_ui, agent_inbox, langchain, pydantic_ai
from interlock.nodes.dialects.answer import Dialect
from interlock.nodes.dialects.question import Question, question_of
from interlock.store.tables import Approval

SHAPES: dict[Dialect, Callable[[Question], dict[str, Any]]] = {
    "langchain": langchain.batched,
    "langchain-per-call": langchain.per_call,
    "agent-inbox": agent_inbox.shape,
    "ag-ui": ag_ui.shape,
    "pydantic-ai": pydantic_ai.shape,
}


def payload(approval: Approval) -> dict[str, Any]:
    """The request as the interrupt carries it: plain JSON that clients of LangChain and of AG-UI read as it is.

    Ours stands under `interlock`.  The other shapes are made by `shown` from the same request: each would hold
    the arguments once more, in every checkpoint.
    """
    question = question_of(approval)
    ours = {
        "id": approval.id,
        "kind": approval.kind,
        "revision": approval.revision,
        "run": approval.run_id,
        "step": approval.step,
        "visit": approval.visit,
        "digest": approval.digest,
        "requirement": approval.requirement,
        "decide_before": approval.decide_before.isoformat(),
        "request": approval.request,
    }
    theirs = ag_ui.shape(question) | langchain.batched(question)
    theirs.pop("metadata", None)
    return theirs | {"interlock": ours}


def shown(approval: Approval, dialect: Dialect) -> dict[str, Any]:
    """The request in one dialect alone.

    Raises:
        UsageError: that dialect only knows actions, and the request is about none.
    """
    question = question_of(approval)
    if dialect == "interlock":
        return payload(approval)
    if question.action is None and dialect != "ag-ui":
        raise UsageError(f"{approval.id} is a question without an action, which {dialect} has no shape for; try ag-ui.")
    return SHAPES[dialect](question)
