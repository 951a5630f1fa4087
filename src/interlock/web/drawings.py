"""Pictures of graphs on pages: drawn once for each state that a run can be in, and then remembered."""

from __future__ import annotations

from functools import lru_cache

from markupsafe import Markup

from interlock.graphs.pictures.depiction import depicted
from interlock.graphs.pictures.drawing import drawn
from interlock.graphs.pictures.figure import Marks, State
from interlock.graphs.spec import Spec

REMEMBERED = 512


def picture(spec: Spec, marks: Marks | None = None, *, prefix: str = "graph") -> Markup:
    """The picture of a graph, without its style, which the page brings.

    Args:
        marks: how far a run has come in it.
    """
    marks = marks or Marks()
    states = tuple(sorted(marks.states.items()))
    return _drawn(spec.digest(), spec.model_dump_json(by_alias=True), states, marks.taken, prefix)


@lru_cache(maxsize=REMEMBERED)
def _drawn(_: str, body: str, states: tuple[tuple[str, State], ...], taken: frozenset[int], prefix: str) -> Markup:
    figure = depicted(Spec.model_validate_json(body))
    # The drawing escapes every text itself.
    return Markup(drawn(figure, Marks(dict(states), taken), prefix=prefix, style=False))
