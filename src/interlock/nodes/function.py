"""What a pure function is: typed values in, one typed result out, and nothing else.

A node's author writes::

    class Lines(Values):
        lines: list[int]

    class Total(Result):
        total: int

    @node("sum_lines")
    def sum_lines(lines: Lines) -> Total:
        "The sum of all lines."
        return Total(total=sum(lines.lines))

The decorated name is a `Function`.  Unlike an action it may be called by anybody, tests above all: it
changes nothing.
"""

from __future__ import annotations

import inspect
import json
import re
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from typing import Any, TypeVar, get_type_hints

from pydantic import BaseModel, ConfigDict

from interlock.digest import Json, canonical, plain
from interlock.errors import ProjectError
from interlock.graphs.cards import PythonCard
from interlock.policies.declared import NAME
from interlock.tools.action import Result


class Values(BaseModel):
    """Base of what a pure function reads: strict, closed, and without NaN or infinity.

    Each field is a key of the state.  One with a default may be missing from it.
    """

    model_config = ConfigDict(extra="forbid", frozen=True, strict=True, allow_inf_nan=False)


@dataclass(frozen=True)
class Function:
    """A declared pure function."""

    name: str
    description: str
    values: type[Values]
    result: type[Result]
    run: Callable[[Any], Any] = field(repr=False)
    source: str = ""
    """Digest of the file that declares it; empty until a drawer has been read."""

    def __call__(self, values: Values) -> Any:
        return self.run(values)

    def read(self, values: Mapping[str, Any]) -> Values:
        """State values as this function's own copy; None counts as missing where a field has a default.

        Raises:
            ValueError: they do not fit, or have no JSON form.
        """
        fields = self.values.model_fields
        given = {
            name: value
            for name, value in values.items()
            if value is not None or name not in fields or fields[name].is_required()
        }
        try:
            text = json.dumps(plain(given), allow_nan=False)
        except TypeError as error:
            raise ValueError(str(error)) from None
        return self.values.model_validate_json(text)

    def written(self, result: Any) -> dict[str, Json]:
        """What the function returned, as the plain JSON that goes into the state.

        Raises:
            ValueError: it is not what was declared, or has no JSON form.
        """
        if not isinstance(result, self.result):
            raise ValueError(f"it returned {type(result).__name__}, not {self.result.__name__}")
        try:
            checked = plain(self.result.model_validate(result.model_dump(warnings=False)).model_dump())
            canonical(checked)
        except TypeError as error:
            raise ValueError(str(error)) from None
        assert isinstance(checked, dict)
        return checked

    def card(self) -> PythonCard:
        """The function as a spec pins it."""
        return PythonCard(
            node=self.name,
            goal=self.description,
            reads=self.values.model_json_schema(mode="validation"),
            output=self.result.model_json_schema(mode="serialization"),
            source=self.source,
        )


V = TypeVar("V", bound=Values)
R = TypeVar("R", bound=Result)


def node(name: str) -> Callable[[Callable[[V], R]], Function]:
    """Declare the decorated function as a node; see the module's docstring for an example.

    Raises:
        ProjectError: the declaration contradicts itself; the message says how.
    """
    if not re.fullmatch(NAME, name):
        raise ProjectError(f"node {name!r}: a name has small letters, digits and underscores, a letter first.")

    def declare(function: Callable[[V], R]) -> Function:
        hints = get_type_hints(function)
        parameters = list(inspect.signature(function).parameters)
        values = hints.get(parameters[0]) if len(parameters) == 1 else None
        result = hints.get("return")
        if not (inspect.isclass(values) and issubclass(values, Values)):
            raise ProjectError(f"node {name}: its one parameter must be typed with a subclass of Values.")
        if not (inspect.isclass(result) and issubclass(result, Result)):
            raise ProjectError(f"node {name}: its return value must be typed with a subclass of Result.")
        if inspect.iscoroutinefunction(function) or inspect.isgeneratorfunction(function):
            raise ProjectError(f"node {name}: a pure function returns its result; it awaits and yields nothing.")
        if not function.__doc__:
            raise ProjectError(f"node {name}: write a docstring; people read there what it works out.")
        return Function(
            name=name,
            description=inspect.cleandoc(function.__doc__).splitlines()[0],
            values=values,
            result=result,
            run=function,
        )

    return declare
