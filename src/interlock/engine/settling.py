"""Writing the checkpoint of a run that was moved to another spec, or begins at a position of another run.

The move, or the fork, is a transaction of the store, which holds the whole new state; the checkpoint follows.
Until it is known to be written, whoever drives the run writes it first, so a process may die in between.
"""

from __future__ import annotations

from typing import Any

from langchain_core.runnables import RunnableConfig
from langgraph.checkpoint.base import BaseCheckpointSaver
from langgraph.graph.state import CompiledStateGraph

from interlock.nodes.services import Services
from interlock.store.forks import Forks
from interlock.store.sealing import ring_of
from interlock.store.upgrades import Upgrades


def upgrades_of(services: Services) -> Upgrades:
    """The moves of a project's runs."""
    return Upgrades(services.database, services.audit, services.clock, services.ledger, services.approvals)


def forks_of(services: Services) -> Forks:
    """The forks among a project's runs."""
    return Forks(services.database, services.audit, services.clock, ring_of(services.settings))


def settle(graph: CompiledStateGraph[Any, Any, Any, Any], run_id: str, services: Services) -> None:
    """Write the first checkpoint of a fork, and that of a run's last move, where that is not known to have been done.

    Args:
        graph: of the spec that the run was moved to, with its checkpointer.
    """
    _begin_fork(graph, run_id, services)
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


def _begin_fork(graph: CompiledStateGraph[Any, Any, Any, Any], run_id: str, services: Services) -> None:
    forks = forks_of(services)
    fork = forks.unsettled(run_id)
    saver = graph.checkpointer
    if fork is None or not isinstance(saver, BaseCheckpointSaver):
        return
    state = forks.state(fork)
    config: RunnableConfig = {"configurable": {"thread_id": run_id}}
    if saver.get_tuple(config) is not None:  # of a process that died here, or of somebody who foresaw the id
        saver.delete_thread(run_id)
    graph.update_state(config, state, as_node=fork.source)
    forks.settle(run_id)
