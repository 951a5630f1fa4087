"""The figures as Markdown tables and as pictures."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from pathlib import Path
from typing import Any

from benchmarks.action_model.plots import bars, curves
from interlock.lam.measures.outcomes import Outcome
from interlock.lam.measures.selective import curve


def markdown(figures: dict[str, Any]) -> str:
    """Tables of the sets, and of speed and size."""
    return "\n".join(_lines(figures)) + "\n"


def _lines(figures: dict[str, Any]) -> Iterator[str]:
    for name, report in figures["sets"].items():
        yield f"| {name} | n | accuracy | acted | asked | abstained |"
        yield "|---|---|---|---|---|---|"
        for column, row in report["columns"].items():
            cells = (row[key] for key in ("n", "accuracy", "acted", "asked", "abstained"))
            yield f"| {column} | " + " | ".join(str(cell) for cell in cells) + " |"
        own = {key: report[key] for key in ("invented_values", "invalid_actions", "rejection") if key in report}
        yield ""
        yield ", ".join(f"{key}: {value}" for key, value in own.items())
        yield ""
    yield "| figure | value |"
    yield "|---|---|"
    for row in figures["speed"]["latency"]:
        cpu = f"processor time {row['cpu_p50_ms']} / {row['cpu_p95_ms']} ms"
        yield f"| decision among {_tools(row['tools'])}, p50 / p95 | {row['p50_ms']} / {row['p95_ms']} ms, {cpu} |"
    load = figures["speed"]["cold_load"]
    parts = ", ".join(str(load[key]) for key in ("import_s", "load_s", "first_decision_s"))
    yield f"| fresh process: import, load, first decision | {parts} s, processor time {load['cpu_s']} s |"
    yield f"| peak memory of that process | {load['peak_memory_mib']} MiB |"
    yield f"| own weights | {figures['speed']['own_weights_mb']} MB, {figures['speed']['parameters']} parameters |"


def _tools(count: int) -> str:
    return "1 tool" if count == 1 else f"{count} tools"


def draw(folder: Path, figures: dict[str, Any], outcomes: dict[str, Sequence[Outcome]]) -> list[Path]:
    """Write `NAME_columns.svg` for each set, `coverage.svg` and `latency.svg`; returns their paths."""
    folder.mkdir(parents=True, exist_ok=True)
    made: dict[str, str] = {}
    for name, report in figures["sets"].items():
        values = {column: row["accuracy"] for column, row in report["columns"].items() if row["accuracy"] is not None}
        made[f"{name}_columns.svg"] = bars(f"{name}: fully right, percent", values, unit="", most=100)
    lines = {
        name: [(p["coverage"], p["accuracy"]) for p in curve(found) if p["coverage"] is not None]
        for name, found in outcomes.items()
    }
    lines = {name: line for name, line in lines.items() if line}
    if lines:
        title = "Acting only when sure"
        made["coverage.svg"] = curves(title, lines, across="requests acted on, percent", up="fully right, percent")
    spent = {_tools(row["tools"]): row["p50_ms"] for row in figures["speed"]["latency"]}
    most = max([60.0, *spent.values()])
    made["latency.svg"] = bars("One decision on one thread, median", spent, unit=" ms", most=most)
    for name, text in made.items():
        (folder / name).write_text(text, encoding="utf-8")
    return [folder / name for name in made]
