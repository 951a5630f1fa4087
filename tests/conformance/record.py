"""Records what clients show and send, by driving their own libraries: `python -m tests.conformance.record`.

Each file of `recorded/` holds one dialect: the library and version that made it, the request as the client is asked
it, and the answers that the client gives.  All are about one call: `shop.pay` of 10 to anna, as call `call-1`.
"""

from __future__ import annotations

import json
from collections.abc import Callable
from importlib.metadata import version
from pathlib import Path
from typing import Any

HERE = Path(__file__).with_name("recorded")

NAME, ARGS, CALL = "shop.pay", {"amount": 10, "to": "anna"}, "call-1"
EDITED = {"amount": 9, "to": "anna"}
INTERRUPT = "ap-0123456789"
WHY = "too much"


def _agent(mode: str) -> tuple[Any, list[Any]]:
    """A LangChain agent whose one tool waits for a person, and the payments it made."""
    from langchain.agents import create_agent
    from langchain.agents.middleware import HumanInTheLoopMiddleware
    from langchain_core.tools import tool
    from langgraph.checkpoint.memory import InMemorySaver

    from interlock.testing import ScriptedChatModel, calls

    paid: list[Any] = []

    @tool(NAME)
    def pay(amount: int, to: str) -> str:
        """Pay money."""
        paid.append({"amount": amount, "to": to})
        return "paid"

    model = ScriptedChatModel([calls(NAME, ARGS, call_id=CALL), "done"])
    middleware: Any = HumanInTheLoopMiddleware(interrupt_on={NAME: True}, interrupt_mode=mode)  # type: ignore[arg-type]
    return create_agent(model, [pay], middleware=[middleware], checkpointer=InMemorySaver()), paid


def _langchain(mode: str, answers: dict[str, Any]) -> dict[str, Any]:
    """What the middleware of LangChain asks, once it has taken each of these answers as it should."""
    from langgraph.types import Command

    asked: Any = None
    for word, answer in answers.items():
        agent, paid = _agent(mode)
        config = {"configurable": {"thread_id": word}}
        found = agent.invoke({"messages": [{"role": "user", "content": "pay"}]}, config)
        asked = found["__interrupt__"][0]
        resume = answer if mode == "batched" else {asked.id: answer}
        agent.invoke(Command(resume=resume), config)
        assert paid == {"approve": [ARGS], "edit": [EDITED]}.get(word, []), (word, paid)
    return {"made_by": f"langchain {version('langchain')}", "request": asked.value, "answers": answers}


def batched() -> dict[str, Any]:
    """LangChain's `HumanInTheLoopMiddleware` in mode `batched`."""
    decisions: dict[str, Any] = per_call_answers()
    return _langchain("batched", {word: {"decisions": [decision]} for word, decision in decisions.items()})


def per_call() -> dict[str, Any]:
    """LangChain's `HumanInTheLoopMiddleware` in mode `per_call`."""
    return _langchain("per_call", per_call_answers())


def per_call_answers() -> dict[str, Any]:
    return {
        "approve": {"type": "approve"},
        "edit": {"type": "edit", "edited_action": {"name": NAME, "args": EDITED}},
        "reject": {"type": "reject", "message": WHY},
        "reject without a reason": {"type": "reject"},
    }


def agent_inbox() -> dict[str, Any]:
    """Agent Inbox, whose types LangGraph ships; the page is not a package, so its answers are those of its source.

    `use-interrupted-actions.tsx` sends a list of one `HumanResponse`, an `accept` with the unchanged action where
    edits are allowed too.  Where the request came from LangChain's middleware, `ThreadContext.tsx` wraps it
    in `decisions` and renames its type.
    """
    import warnings

    from pydantic import TypeAdapter

    with warnings.catch_warnings():
        warnings.simplefilter("ignore")
        from langgraph.prebuilt.interrupt import HumanInterrupt, HumanResponse
    config = {"allow_ignore": False, "allow_respond": True, "allow_edit": True, "allow_accept": True}
    same, other = {"action": NAME, "args": ARGS}, {"action": NAME, "args": EDITED}
    request = {"action_request": same, "config": config, "description": "10 to anna"}
    answers: dict[str, Any] = {
        "approve": [{"type": "accept", "args": None}],
        "approve the unchanged action": [{"type": "accept", "args": same}],
        "edit": [{"type": "edit", "args": other}],
        "reject": [{"type": "response", "args": WHY}],
    }
    for answer in answers.values():
        TypeAdapter(list[HumanResponse]).validate_python(answer, strict=True)
    wrapped: dict[str, Any] = {
        "approve, to LangChain": {"decisions": [{"type": "approve", "args": None}]},
        "approve the unchanged action, to LangChain": {"decisions": [{"type": "approve", "args": same}]},
        "edit, to LangChain": {"decisions": [{"type": "edit", "args": other}]},
        "reject, to LangChain": {"decisions": [{"type": "reject", "args": WHY}]},
    }
    return {
        "made_by": f"langgraph-prebuilt {version('langgraph-prebuilt')}, agent-inbox 0263e34",
        "request": TypeAdapter(HumanInterrupt).validate_python(request),
        "answers": answers | wrapped,
    }


def ag_ui() -> dict[str, Any]:
    """AG-UI's own models, with the payload that its documentation recommends for tool calls."""
    from ag_ui.core import Interrupt, ResumeEntry

    schema = {
        "type": "object",
        "properties": {"approved": {"type": "boolean"}, "editedArgs": {"type": "object"}},
        "required": ["approved"],
    }
    request = Interrupt(
        id=INTERRUPT, reason="tool_call", message="10 to anna", tool_call_id=CALL, response_schema=schema,
        expires_at="2026-01-05T10:00:00+00:00",
    )  # fmt: skip
    payloads: dict[str, Any] = {
        "approve": {"approved": True},
        "edit": {"approved": True, "editedArgs": EDITED},
        "reject": {"approved": False, "reason": WHY},
        "reject without a reason": {"approved": False},
    }
    entries = {
        word: ResumeEntry(interrupt_id=INTERRUPT, status="resolved", payload=payload)
        for word, payload in payloads.items()
    }
    entries["reject by cancelling"] = ResumeEntry(interrupt_id=INTERRUPT, status="cancelled")
    sent = {word: entry.model_dump(mode="json", by_alias=True) for word, entry in entries.items()}
    return {
        "made_by": f"ag-ui-protocol {version('ag-ui-protocol')}",
        "request": request.model_dump(mode="json", by_alias=True),
        "answers": {word: {"resume": [entry]} for word, entry in sent.items()}
        | {f"{word}, the list alone": [entry] for word, entry in sent.items()},
    }


def pydantic_ai() -> dict[str, Any]:
    """A Pydantic AI agent whose tool requires approval, and the results it goes on with."""
    from pydantic import TypeAdapter
    from pydantic_ai import Agent, DeferredToolRequests, DeferredToolResults, Tool, ToolApproved, ToolDenied
    from pydantic_ai.messages import ModelMessage, ModelResponse, TextPart, ToolCallPart
    from pydantic_ai.models.function import AgentInfo, FunctionModel

    paid: list[Any] = []

    def pay(amount: int, to: str) -> str:
        paid.append({"amount": amount, "to": to})
        return "paid"

    def model(messages: list[ModelMessage], info: AgentInfo) -> ModelResponse:
        if len(messages) == 1:
            return ModelResponse([ToolCallPart(NAME, ARGS, tool_call_id=CALL)])
        return ModelResponse([TextPart("done")])

    tool = Tool(pay, name=NAME, requires_approval=True, takes_ctx=False)
    agent: Any = Agent(FunctionModel(model), tools=[tool], output_type=[str, DeferredToolRequests])
    asked = agent.run_sync("pay")
    results: dict[str, Any] = {
        "approve": ToolApproved(),
        "approve by true": True,
        "edit": ToolApproved(override_args=EDITED),
        "reject": ToolDenied(WHY),
        "reject by false": False,
    }
    answers: dict[str, Any] = {}
    adapter, single = TypeAdapter(DeferredToolResults), TypeAdapter(ToolApproved | ToolDenied)
    for word, result in results.items():
        paid.clear()
        given = DeferredToolResults(approvals={CALL: result})
        agent.run_sync(message_history=asked.all_messages(), deferred_tool_results=given)
        assert paid == ([EDITED] if word == "edit" else [ARGS] if word.startswith("approve") else []), (word, paid)
        answers[word] = adapter.dump_python(given, mode="json")
        if not isinstance(result, bool):
            answers[f"{word}, the result alone"] = single.dump_python(result, mode="json")
    return {
        "made_by": f"pydantic-ai-slim {version('pydantic-ai-slim')}",
        "request": TypeAdapter(DeferredToolRequests).dump_python(asked.output, mode="json"),
        "answers": answers,
    }


RECORDERS: dict[str, Callable[[], dict[str, Any]]] = {
    "langchain": batched,
    "langchain-per-call": per_call,
    "agent-inbox": agent_inbox,
    "ag-ui": ag_ui,
    "pydantic-ai": pydantic_ai,
}


def recorded(dialect: str) -> dict[str, Any]:
    """What is on file for a dialect."""
    found: dict[str, Any] = json.loads((HERE / f"{dialect}.json").read_text(encoding="utf-8"))
    return found


if __name__ == "__main__":
    for name, recorder in RECORDERS.items():
        text = json.dumps(recorder(), indent=2, ensure_ascii=False)
        (HERE / f"{name}.json").write_text(text + "\n", encoding="utf-8")
