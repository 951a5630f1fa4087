"""Records: the fields of a read action's result that a provider's own database gives, not free text.

An author names them by the fields of the result model: `id`, `event.start`; a list is looked through, so
that `events.start` is the field `start` of each element of `events`.
"""

from __future__ import annotations

import inspect
import types
from collections.abc import Iterator, Sequence
from typing import Any, Union, get_args, get_origin

from pydantic import BaseModel

EACH = "*"


def record_part(result: type[BaseModel], field: str) -> tuple[str, ...]:
    """The path of one field into a result: `events.start` is `("events", "*", "start")`.

    Raises:
        ValueError: the result has no such field, or it is one of several models; the message says which.
    """
    path: list[str] = []
    here: Any = result
    for name in field.split("."):
        here, lists = _element(here)
        path += [EACH] * lists
        if not (inspect.isclass(here) and issubclass(here, BaseModel)):
            raise ValueError(f"`{'.'.join(part for part in path if part != EACH)}` has no fields that are declared")
        if name not in here.model_fields:
            known = ", ".join(here.model_fields) or "none"
            raise ValueError(f"{here.__name__} has no field `{name}`; it has {known}")
        path.append(name)
        here = here.model_fields[name].annotation
    return tuple(path)


def only_records(result: type[BaseModel], records: Sequence[str]) -> bool:
    """Whether every field of a result is named, by itself or with what it is part of."""
    return all(
        any(field == known or field.startswith(f"{known}.") for known in records) for field in _leaves(result, 0)
    )


def _leaves(model: type[BaseModel], depth: int) -> Iterator[str]:
    for name, field in model.model_fields.items():
        inner, _ = _element(field.annotation)
        if depth < 10 and inspect.isclass(inner) and issubclass(inner, BaseModel) and inner.model_fields:
            yield from (f"{name}.{leaf}" for leaf in _leaves(inner, depth + 1))
        else:
            yield name


def _element(kind: Any) -> tuple[Any, int]:
    """What a type is a list of, and how many lists deep; `None` beside it counts for nothing."""
    lists = 0
    while True:
        origin, inner = get_origin(kind), [one for one in get_args(kind) if one is not type(None)]
        if origin in (Union, types.UnionType) and len(inner) == 1:
            kind = inner[0]
        elif origin in (list, tuple, Sequence) and inner:
            kind, lists = inner[0], lists + 1
        elif hasattr(kind, "__metadata__"):
            kind = inner[0]
        else:
            return kind, lists
