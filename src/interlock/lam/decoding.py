"""What decoding goes from and to: the scores of one tool over one context, and the arguments found.

Every argument is a span of the context under a named rule, or a declared option, true or false.  `offers` says
what could fill each parameter, `filling` makes one call of a tool, `calling` as many as the request asks for.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass, field
from functools import cached_property
from typing import Any

from interlock.lam.candidates import Candidate
from interlock.lam.parameters import Parameter, read_parameters
from interlock.lam.protocol import ActionSchema


@dataclass(frozen=True)
class ParameterScores:
    """What the network says about one parameter; all logits are comparable with `null`."""

    null: float
    """Threshold: a token, option or truth value below it is no value of the parameter."""
    start: Sequence[float]
    """(T,) that a value begins at each token of the context."""
    options: Sequence[float] = ()
    """One for each declared option, of the parameter or, for a list, of its items; else empty."""
    flag: Sequence[float] = ()
    """False and true, for a boolean parameter; else empty."""


@dataclass(frozen=True)
class ToolScores:
    """What the network says about one tool over one context of T tokens."""

    schema: ActionSchema
    fits: float
    """Log-odds of the tool against none."""
    scores: Sequence[ParameterScores]
    """One for each of `parameters`."""
    ends: Callable[[int, Sequence[int]], Sequence[Sequence[float]]] = field(repr=False)
    """`ends(number, firsts)`: for parameter `number` and N first tokens, (N, T) log-probabilities of the last token."""

    @cached_property
    def parameters(self) -> tuple[Parameter, ...]:
        return read_parameters(self.schema)


@dataclass(frozen=True)
class Filled:
    """The arguments found for one call, by the paths of their parameters."""

    arguments: dict[str, Any]
    """Bound ones included, those that are missing left out; `parameters.nest` makes them the arguments of a call."""
    chosen: dict[str, Candidate]
    """Where each that is not bound stands."""
    confidence: dict[str, float]
    """Probability of each chosen one."""
    missing: list[str]
    """Required ones without evidence, and those that break the schema."""

    @property
    def weakest(self) -> float:
        return min(self.confidence.values(), default=1.0)
