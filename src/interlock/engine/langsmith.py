"""LangSmith, where its own variables turn it on: runs that wait are no errors there, and content stays here.

LangSmith can be told to hide inputs and outputs, but not what an error says, and LangGraph stops a run that waits by an
error that holds the whole question.  So what becomes of errors is decided here.
"""

from __future__ import annotations

from typing import Any

from langchain_core.callbacks import BaseCallbackHandler
from langchain_core.tracers.langchain import LangChainTracer
from langchain_core.tracers.schemas import Run
from langgraph.errors import GraphBubbleUp
from langsmith import Client
from langsmith.utils import tracing_is_enabled

from interlock.settings import Settings


class Tracer(LangChainTracer):
    """LangChain's tracer, for which a pause is no error."""

    content = True
    """Whether an error is told in full, or by its class alone.  Of the class: LangChain makes copies of tracers."""

    def _errored_chain_run(self, error: BaseException, *args: Any, **named: Any) -> Run:
        return self._told(super()._errored_chain_run(error, *args, **named), error)

    def _errored_llm_run(self, error: BaseException, *args: Any, **named: Any) -> Run:
        return self._told(super()._errored_llm_run(error, *args, **named), error)

    def _errored_tool_run(self, error: BaseException, *args: Any, **named: Any) -> Run:
        return self._told(super()._errored_tool_run(error, *args, **named), error)

    def _told(self, run: Run, error: BaseException) -> Run:
        if isinstance(error, GraphBubbleUp):
            run.error = None
        elif not self.content:
            run.error = type(error).__name__
        return run


class Discreet(Tracer):
    """Tells of errors by their class alone."""

    content = False


def tracers(settings: Settings) -> list[BaseCallbackHandler]:
    """What is told of runs to LangSmith; nothing, unless its variables turn it on."""
    if tracing_is_enabled() is not True:
        return []
    if settings.trace_content:
        return [Tracer(client=Client())]
    return [Discreet(client=Client(hide_inputs=True, hide_outputs=True))]
