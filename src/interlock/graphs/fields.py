"""The fields of a graph file as an author writes them; the loader resolves them into a spec."""

from __future__ import annotations

from typing import Annotated, Any, Literal

from pydantic import ConfigDict, Field

from interlock.graphs.cards import Limits, Retry, Schema
from interlock.graphs.spec import Bound
from interlock.policies.language import NAME, Conditions, Declared, Requirement

Name = Annotated[str, Field(pattern=NAME)]


class GraphFields(Declared):
    """The top of a graph file; inputs, steps and edges are read one by one, so one fault hides no other."""

    graph: Name
    version: int = Field(ge=1)
    description: str = ""
    input: dict[str, Any] = Field(default_factory=dict)
    steps: dict[str, Any] = Field(min_length=1)
    edges: list[Any] = Field(min_length=1)
    limits: Limits = Limits()
    output: list[str] = Field(default_factory=list)


class _StepFields(Declared):
    visits: int | None = Field(default=None, ge=1, le=1000, description="How often a run may enter this step.")


class ReasonFields(_StepFields):
    """A step whose card is of kind `reason`."""

    node: str
    reads: list[str]
    writes: Name
    retry: Retry = Retry()


class ActFields(_StepFields):
    """A step whose card is of kind `act`."""

    node: str
    reads: list[str] = Field(default_factory=list)
    writes: Name | None = None
    bind: dict[str, Bound] = Field(default_factory=dict)
    retry: Retry = Retry()


class CallFields(_StepFields):
    """A step that calls an action without a model."""

    call: str
    bind: dict[str, Bound] = Field(default_factory=dict)
    writes: Name | None = None
    retry: Retry = Retry()


class ApproveFields(_StepFields):
    """A step that a person answers."""

    approve: str = Field(min_length=1)
    reads: list[str] = Field(default_factory=list)
    form: dict[Name, Schema] = Field(default_factory=dict)
    requires: Requirement | str = Requirement()
    covers: str | None = None
    writes: Name | None = None


class EdgeFields(Declared):
    """An edge written as a mapping."""

    model_config = ConfigDict(populate_by_name=False)

    source: str = Field(alias="from")
    target: str = Field(alias="to")
    on: str | list[str] | None = None
    when: Conditions | None = Field(default=None, min_length=1)
    otherwise: Literal[True] | None = Field(default=None, alias="else")
    approval: str | None = None
    writes: Name | None = None
    outcome: Name | None = None
