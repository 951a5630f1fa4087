"""The spans of a run: `invoke_workflow`, its steps, `chat` with models, and `execute_tool`.

A run that waits for days is driven many times, so each drive is an `invoke_workflow` of its own; what belongs
together carries the same `interlock.run.id`, which is also its `gen_ai.conversation.id`.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager
from contextvars import ContextVar
from dataclasses import dataclass
from typing import Any, TypeVar

from langchain_core.language_models.chat_models import BaseChatModel
from langchain_core.messages import AIMessage, BaseMessage
from opentelemetry.trace import Span, SpanKind

from interlock.graphs.spec import Spec
from interlock.lam.protocol import Decision
from interlock.metrics import TOKENS, timed
from interlock.nodes.models import model_name
from interlock.nodes.moves import Leave, Move, Onward
from interlock.nodes.services import Place
from interlock.store.tables import Effect, Run
from interlock.telemetry import messages, span

T = TypeVar("T")

_CONTENT: ContextVar[bool] = ContextVar("interlock_trace_content", default=False)
"""Whether spans carry what people and models wrote."""

_ROLES = {"human": "user", "ai": "assistant", "system": "system", "tool": "tool"}


@contextmanager
def workflow(run: Run, spec: Spec, *, content: bool) -> Iterator[Span]:
    """One drive of a run."""
    token = _CONTENT.set(content)
    try:
        with span(
            f"invoke_workflow {spec.graph}",
            {
                "gen_ai.operation.name": "invoke_workflow",
                "gen_ai.workflow.name": spec.graph,
                "gen_ai.conversation.id": run.id,
                "interlock.run.id": run.id,
                "interlock.run.parent": run.parent_id,
                "interlock.graph.version": spec.version,
                "interlock.graph.digest": run.spec_digest,
            },
        ) as current:
            yield current
    finally:
        _CONTENT.reset(token)


@dataclass
class Step:
    """The span of one node of a step."""

    span: Span

    def left(self, move: Move) -> None:
        """Say how the node ended.  An outcome such as `rejected` is an answer, and no error."""
        if isinstance(move, Leave):
            self.span.set_attribute("interlock.step.outcome", move.outcome)
            if move.kind is not None:
                self.span.set_attribute("error.type", move.kind)
        elif isinstance(move, Onward):
            self.span.set_attribute("interlock.step.next", move.node)
            if move.request:
                self.span.add_event("interlock.waits", {"interlock.wait.kind": _kind_of(move.request)})


def _kind_of(request: Any) -> str:
    ours = request.get("interlock") if isinstance(request, dict) else None
    return str(ours.get("kind")) if isinstance(ours, dict) else "unknown"


@contextmanager
def step(place: Place, node: str) -> Iterator[Step]:
    """One node of a visit to a step."""
    attributes = {
        "interlock.run.id": place.run,
        "interlock.step.name": place.step,
        "interlock.step.visit": place.visit,
        "interlock.step.node": node,
    }
    with span(f"step {place.step}", attributes) as current:
        yield Step(current)


def chat(model: BaseChatModel, said: Sequence[BaseMessage], ask: Callable[[], T]) -> T:
    """What `ask` gives: one call of a chat model, its tokens told and, where content is wanted, its messages."""
    name = model_name(model)
    attributes = {
        "gen_ai.operation.name": "chat",
        "gen_ai.provider.name": _provider(model),
        "gen_ai.request.model": name,
        "gen_ai.input.messages": _texts(said) if _CONTENT.get() else None,
    }
    with timed("chat", name), span(f"chat {name}", attributes, kind=SpanKind.CLIENT) as current:
        answered = ask()
        answer = answered.get("raw") if isinstance(answered, dict) else answered
        if isinstance(answer, AIMessage):
            _tell(current, name, answer)
        return answered


def _tell(current: Span, name: str, answer: AIMessage) -> None:
    if answer.usage_metadata is not None:
        for kind in ("input", "output"):
            count = answer.usage_metadata[f"{kind}_tokens"]  # type: ignore[literal-required]
            current.set_attribute(f"gen_ai.usage.{kind}_tokens", count)
            TOKENS.labels(name, kind).inc(count)
    told = answer.response_metadata
    for key, attribute in (("model_name", "gen_ai.response.model"), ("id", "gen_ai.response.id")):
        if isinstance(told.get(key), str):
            current.set_attribute(attribute, told[key])
    if isinstance(reason := told.get("finish_reason"), str):
        current.set_attribute("gen_ai.response.finish_reasons", [reason])
    if _CONTENT.get():
        current.set_attribute("gen_ai.output.messages", _texts([answer]))


def _texts(said: Sequence[BaseMessage]) -> str:
    return messages([(_ROLES.get(each.type, each.type), each.text) for each in said])


def _provider(model: BaseChatModel) -> str:
    """The provider as LangChain names it, which is how the conventions do."""
    return str(model._get_ls_params().get("ls_provider") or model._llm_type)


def decided(decide: Callable[[], Decision]) -> Decision:
    """What `decide` gives: one decision of an action model."""
    operation = "generate_content"
    with timed(operation, "action model"), span(operation, {"gen_ai.operation.name": operation}) as current:
        decision = decide()
        current.update_name(f"generate_content {decision.model_id}")
        current.set_attributes(
            {
                "gen_ai.provider.name": decision.backend,
                "gen_ai.request.model": decision.model_id,
                "interlock.decision": decision.kind,
                "interlock.decision.calls": [action.name for action in decision.actions],
            }
        )
        return decision


@contextmanager
def tool(effect: Effect) -> Iterator[Span]:
    """One attempt at an effect, at the outside; its arguments and result are told by name only."""
    attributes = {
        "gen_ai.operation.name": "execute_tool",
        "gen_ai.tool.name": effect.action,
        "gen_ai.tool.type": "function",
        "gen_ai.tool.call.id": effect.id,
        "interlock.run.id": effect.run_id,
        "interlock.effect.attempt": effect.attempt,
        "interlock.effect.digest": effect.digest,
    }
    with (
        timed("execute_tool", effect.action),
        span(f"execute_tool {effect.action}", attributes, kind=SpanKind.CLIENT) as current,
    ):
        yield current
