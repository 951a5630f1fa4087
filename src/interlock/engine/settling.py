"""Writing the checkpoint of a run that was moved to another spec.

The move is a transaction of the store, which holds the whole new state; the checkpoint follows.  Until
it is known to be written, whoever drives the run writes it first, so a process may die in between.
"""

from __future__ import annotations

from typing import Any

from langchain_core.runnables import RunnableConfig
from langgraph.checkpoint.base import BaseCheckpointSaver
from langgraph.graph.state import CompiledStateGraph

from interlock.nodes.services import Services
from interlock.store.upgrades import Upgrades


def upgrades_of(services: Services) -> Upgrades:
    """The moves of a project's runs."""
    return Upgrades(services.database, services.audit, services.clock, services.ledger, services.approvals)


def settle(graph: CompiledStateGraph[Any, Any, Any, Any], run_id: str, services: Services) -> None:
    """Write the checkpoint of a run's last move, where that is not known to have been done.

    Args:
        graph: of the spec that the run was moved to, with its checkpointer.
    """
    upgrades = upgrades_of(services)
    move = upgrades.unsettled(run_id)
    saver = graph.checkpointer
    if move is None or not isinstance(saver, BaseCheckpointSaver):
        return
    config: RunnableConfig = {"configurable": {"thread_id": run_id}}
    if move.source:
        saved = saver.get_tuple(config)
        # By its id, so that nothing which an old node left pending on it is taken into the new state.
        graph.update_state(saved.config if saved else config, move.state, as_node=move.source)
    elif not services.runs.visits(run_id):
        saver.delete_thread(run_id)  # it begins again, with its input as the new spec reads it
    upgrades.settle(move)
