"""An answer to a request as a value: one closed word, and what belongs to it."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any, Literal, get_args

from interlock.nodes.dialects.question import Word

Dialect = Literal["interlock", "langchain", "langchain-per-call", "agent-inbox", "ag-ui", "pydantic-ai"]
DIALECTS: tuple[Dialect, ...] = get_args(Dialect)
"""Every dialect that is emitted; the two of LangChain differ in what they show, and are read alike."""


@dataclass(frozen=True)
class Answer:
    """What somebody answered.  Who it was is not part of it: that comes from authentication."""

    word: Word
    dialect: Dialect
    reason: str = ""
    changes: Mapping[str, Any] = field(default_factory=dict)
    """For edit: the arguments that differ from those asked about."""
    form: Mapping[str, Any] = field(default_factory=dict)
    """For approve: the fields of a form."""
    happened: bool | None = None
    """For respond: whether the action in doubt happened."""
    revision: int | None = None
    """The revision that was read, where the answer names one."""
