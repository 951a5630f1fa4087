"""A compiled graph whose checkpoints are on the disk before the next node begins, whatever its caller asks for.

With LangGraph's other durabilities a kill leaves the checkpoint several nodes behind what the run has recorded,
or leaves none at all; then nothing happens twice, but the run, whose values are lost, cannot go on.
"""

from __future__ import annotations

from typing import Any

from langgraph.graph.state import CompiledStateGraph


class Durable(CompiledStateGraph[Any, Any, Any, Any]):
    """A `CompiledStateGraph` that always runs with durability `sync`."""

    @classmethod
    def of(cls, graph: CompiledStateGraph[Any, Any, Any, Any]) -> Durable:
        """The same graph, durable."""
        return cls(**{name: value for name, value in vars(graph).items() if name != "__orig_class__"})

    def _defaults(self, *arguments: Any, **options: Any) -> Any:
        """What LangGraph makes of the options of every way to run a graph; the last four are of its surroundings."""
        *others, checkpointer, store, cache, durability = super()._defaults(*arguments, **options)
        return (*others, checkpointer, store, cache, durability if checkpointer is None else "sync")
