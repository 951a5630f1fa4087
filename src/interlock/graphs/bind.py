"""Bindings: what an argument of an action, or an input of a nested graph, is given.

::

    bind:
      kind: customer                                          # a constant
      subject: $.order.subject                                # a path into the state
      to: {value: $.facts.to, stands_in: $.request}           # a value, checked against a source
      event: {only: $.found.events, field: id}                # the one element of a list
"""

from __future__ import annotations

import re
from collections.abc import Iterable
from typing import Annotated

from pydantic import Field, WithJsonSchema

from interlock.policies.declared import Declared

PATH = r"^\$\.[a-z][a-z0-9_]*(\.[A-Za-z0-9_]+)*$"

Path = Annotated[str, WithJsonSchema({"type": "string", "pattern": PATH})]
"""`$.key.field`: a value of the state.  The proofs say what is wrong with one."""


class StandsIn(Declared):
    """A declared validator: the value is as trusted as the source where it stands there literally and as a whole.

    Where it does not stand there it is passed on all the same, with the label that it has.
    """

    value: Path = Field(description="The value.")
    stands_in: Path = Field(description="The source that vouches for it, such as `$.request`.")


class Only(Declared):
    """The one element of a list; where there are none or several, the argument is missing."""

    only: Path = Field(description="The list.")
    field: str | None = Field(
        default=None, pattern=r"^[A-Za-z0-9_]+$", description="The field of that element; without it, the element."
    )


Bound = bool | int | float | str | StandsIn | Only
"""A binding: a constant, a path `$.key.field` into the state, or one of the forms above."""


def is_path(value: object) -> bool:
    """Whether a binding is a path into the state."""
    return isinstance(value, str) and value.startswith("$.")


def path_parts(path: str) -> tuple[str, ...]:
    """`$.polished.body` as `("polished", "body")`; the first part is the state key.

    Raises:
        ValueError: it is not a path.
    """
    if not re.fullmatch(PATH, path):
        raise ValueError(f"{path} is not a path; write $.key or $.key.field")
    return tuple(path[2:].split("."))


def well_formed(path: str) -> bool:
    """Whether it is a path `$.key.field`."""
    return re.fullmatch(PATH, path) is not None


def sources(value: Bound) -> dict[str, str]:
    """What a binding reads: each path under the field of the form it stands in; empty for the binding itself.

    Whatever begins like a path is one here, also where it is written wrongly.
    """
    match value:
        case StandsIn():
            return {"value": value.value, "stands_in": value.stands_in}
        case Only():
            return {"only": value.only}
        case str() if value.startswith("$"):
            return {"": value}
    return {}


def bound_keys(bind: Iterable[Bound]) -> list[str]:
    """The state keys that bindings read."""
    paths = [path for value in bind for path in sources(value).values()]
    return sorted({path_parts(path)[0] for path in paths if well_formed(path)})
