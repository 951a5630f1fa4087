"""Where a run is: the store's word against the newest checkpoint's.

Whoever holds the compiled graph can move a checkpoint's position at will.  That causes nothing, since
each node asks the store, but the run would stand at a place it cannot go on from.  So a drive first
looks for the newest checkpoint that agrees with the store, and goes on from there.
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

from langchain_core.runnables import RunnableConfig
from langgraph.checkpoint.base import BaseCheckpointSaver
from langgraph.errors import InvalidUpdateError
from langgraph.graph.state import CompiledStateGraph
from langgraph.types import StateSnapshot

from interlock.engine.compiler import BEGIN, EDGE, FINISH, VISITS, at_end
from interlock.graphs.spec import Spec
from interlock.store.tables import Visit

FIRST = ("", "propose", "start")
"""The names of the nodes by which a step is entered."""

COPY = "__copy__"
"""LangGraph's name for a new newest checkpoint that equals an older one."""


def agreed(
    graph: CompiledStateGraph[Any, Any, Any, Any], config: RunnableConfig, spec: Spec, visits: Sequence[Visit]
) -> StateSnapshot:
    """The newest checkpoint, once it agrees with the store; an older one is made the newest where it must be.

    Args:
        visits: the run's visits so far, in order.
    """
    try:
        newest = graph.get_state(config)
    except InvalidUpdateError:  # what was left pending on it contradicts itself
        if not restored(graph, config, spec, visits):
            raise
        return graph.get_state(config)
    if newest.created_at is None or agrees(newest, spec, visits):
        return newest
    return graph.get_state(config) if restored(graph, config, spec, visits) else newest


def restored(
    graph: CompiledStateGraph[Any, Any, Any, Any],
    config: RunnableConfig,
    spec: Spec,
    visits: Sequence[Visit],
    *,
    besides: str | None = None,
) -> bool:
    """Make a copy of the newest checkpoint that agrees with the store the newest, without what was left pending on it.

    Args:
        besides: a node that one is not to go on at: the store has refused it, and an earlier one of its
            visit leads on.

    Returns:
        whether there is one.
    """
    saver = graph.checkpointer
    listed = saver.list(config) if isinstance(saver, BaseCheckpointSaver) else ()
    for place in [saved.config for saved in listed]:  # not their values, of which each may be the whole state
        try:
            found = graph.get_state(place)
        except InvalidUpdateError:
            continue
        if agrees(found, spec, visits) and found.tasks[0].name != besides:
            graph.update_state(found.config, None, as_node=COPY)
            return True
    return False


def next_node(graph: CompiledStateGraph[Any, Any, Any, Any], config: RunnableConfig) -> str | None:
    """The node that the newest checkpoint goes on at; None where it names none, or not one."""
    try:
        tasks = graph.get_state(config).tasks
    except InvalidUpdateError:
        return None
    return tasks[0].name if len(tasks) == 1 else None


def unwritten(graph: CompiledStateGraph[Any, Any, Any, Any], config: RunnableConfig) -> None:
    """Do away with what stands under the id of a run that has not entered a step: it begins from its input alone.

    The id of a child run can be known before there is one, so somebody may have written a state for it.
    """
    saver = graph.checkpointer
    if isinstance(saver, BaseCheckpointSaver) and saver.get_tuple(config) is not None:
        saver.delete_thread(config["configurable"]["thread_id"])


def agrees(snapshot: StateSnapshot, spec: Spec, visits: Sequence[Visit]) -> bool:
    """Whether the one node to run next is where the store says that the run is.

    The store may be one node ahead: a process that dies leaves what it wrote, but not its checkpoint.
    """
    if len(snapshot.tasks) != 1:
        return False
    last = visits[-1] if visits else None
    node = snapshot.tasks[0].name
    if node in ("__start__", BEGIN):
        return last is None
    if node == FINISH:
        return at_end(spec, last, snapshot.values)
    step, _, inner = node.partition(".")
    counted = snapshot.values.get(VISITS)
    count = counted.get(step, 0) if isinstance(counted, dict) else None
    edge = snapshot.values.get(EDGE)
    if inner in FIRST:
        here = sum(visit.step == step for visit in visits)
        if last is not None and last.step == step and (count, edge) == (here - 1, last.entered_by):
            return True
        return count == here and (edge == last.left_by if last else True)
    return last is not None and (last.step, last.visit) == (step, count)
