"""What a check found, for people and as the one object that programs read."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, field
from datetime import timedelta
from decimal import Decimal
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from interlock.graphs.proofs.bounds import Bounds
    from interlock.source import Document, Finding

WORDS = {
    "steps": ("step", "steps"),
    "model_calls": ("chat-model call", "chat-model calls"),
    "actions": ("action", "actions"),
    "approvals": ("question to people", "questions to people"),
    "tokens": ("token", "tokens"),
    "cost": ("USD", "USD"),
}
"""What bounds count, one and many."""


@dataclass(frozen=True)
class Report:
    """What checking some graph files found, with the bounds of each that is right."""

    findings: list[Finding]
    graphs: dict[str, Bounds | None]
    documents: list[Document] = field(default_factory=list, repr=False)

    @property
    def ok(self) -> bool:
        return not any(finding.fatal for finding in self.findings)

    def json(self) -> dict[str, Any]:
        """The object that `interlock check --json` prints; `graphs` is there when there are several files."""
        bounds = {file: None if found is None else _plain(found) for file, found in self.graphs.items()}
        known = [found for found in bounds.values() if found is not None]
        most = {name: _most([found[name] for found in known]) for name in known[0]} if known else None
        findings = [finding.model_dump(exclude={"length"}) for finding in self.findings]
        report: dict[str, Any] = {"ok": self.ok, "findings": findings, "bounds": most}
        if len(bounds) > 1:
            report["graphs"] = [{"file": file, "bounds": found} for file, found in bounds.items()]
        return report

    def text(self, *, colour: bool = False) -> str:
        """The findings with their source lines, one line a graph, and the command to type next."""
        from interlock.source import render

        blocks = [render(self.findings, self.documents, colour=colour)] if self.findings else []
        if self.graphs:
            blocks.append("\n".join(self.lines()))
        if self.findings:
            errors = sum(finding.fatal for finding in self.findings)
            blocks.append(f"{_count(errors, 'error')}, {_count(len(self.findings) - errors, 'warning')}")
        if not self.ok:
            codes = dict.fromkeys(finding.code for finding in self.findings if finding.fatal)
            blocks.append(f"Next: interlock explain {' '.join(codes)}")
        elif self.graphs:
            blocks.append(f"Next: interlock run {next(iter(self.graphs))} -i KEY=VALUE ...")
        return "\n\n".join(blocks)

    def lines(self) -> list[str]:
        """One line a graph: what a run takes at most, or that it is faulty."""
        faulty = {finding.file for finding in self.findings if finding.fatal}
        return [f"{file}: {self._state(file, found, file in faulty)}" for file, found in self.graphs.items()]

    def _state(self, file: str, found: Bounds | None, faulty: bool) -> str:
        if found is None:
            return "has errors" if faulty else "not checked, because of the errors above"
        return f"{'has errors' if faulty else 'ok'}; a run takes at most {sentence(found)}"


def sentence(bounds: Bounds) -> str:
    """Bounds in words; time where it has a limit.

    Tokens and money only where a model is used, and with a warning where neither has a limit.
    """
    spent = {name: value for name, value in bounds if name in ("tokens", "cost") and bounds.model_calls != 0}
    shown = {name: value for name, value in bounds if name not in ("tokens", "cost", "seconds")}
    shown |= {name: value for name, value in spent.items() if value is not None}
    words = ", ".join(counted(name, value) for name, value in shown.items())
    if bounds.seconds is not None:
        from interlock.policies.declared import duration_text

        words += f" and {duration_text(timedelta(seconds=bounds.seconds))}"
    endless = spent and all(value is None for value in spent.values())
    return f"{words}; nothing limits its tokens or cost" if endless else words


def counted(name: str, value: int | Decimal | None) -> str:
    """A bound in words: `3 steps`, `0.25 USD`, `any number of actions`."""
    one, many = WORDS.get(name, (name, name))
    if value is None:
        return f"any number of {many}"
    return f"{value:,} {one if value == 1 else many}"


def _plain(bounds: Bounds) -> dict[str, Any]:
    return {name: float(value) if isinstance(value, Decimal) else value for name, value in bounds}


def _most(values: Sequence[float | None]) -> float | None:
    """The largest; None, which means without limit, is larger than any."""
    known = [value for value in values if value is not None]
    return max(known) if len(known) == len(values) else None


def _count(number: int, noun: str) -> str:
    return f"{number} {noun}{'' if number == 1 else 's'}"
