"""What child runs cost: a map over many items, one and four at once, `python -m benchmarks.children --json`."""

from __future__ import annotations

import json
import resource
import sys
import tempfile
import time
from pathlib import Path
from typing import Any

from benchmarks.spine import GRAPH, POLICY, TOOL
from interlock.engine.project import Project
from interlock.engine.service import Engine
from interlock.settings import load_settings

MAP = """
graph: each
version: 1
input: {texts: {type: array, items: {type: string}}}
steps:
  all: {map: {over: $.texts, as: text, graph: one, at_most: 1000, concurrency: AT_ONCE}, writes: results}
edges:
  - START -> all
  - all -> END
  - {from: all, on: failed, to: END, outcome: some, keeps: [all]}
"""


def measure(items: int = 100) -> dict[str, Any]:
    """Seconds that a map takes whose every item does one automatic action, each transition on disk."""
    found: dict[str, Any] = {"items": items}
    for at_once in (1, 4):
        with tempfile.TemporaryDirectory() as folder:
            engine, run_id, taken = _mapped(Path(folder), items, at_once)
            found[f"s_{at_once}_at_once"] = round(taken, 2)
            started = time.perf_counter()
            assert len(engine.history(run_id)) > 5 * items
            engine.standing(run_id)
            found["history_s"] = round(time.perf_counter() - started, 2)
    kilobytes = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss // (1 if sys.platform != "darwin" else 1024)
    return found | {"peak_mb": kilobytes // 1024}


def _mapped(root: Path, items: int, at_once: int) -> tuple[Engine, str, float]:
    for name in ("graphs", "nodes", "tools", "policies"):
        (root / name).mkdir()
    (root / "tools" / "line.py").write_text(TOOL)
    (root / "policies" / "line.yaml").write_text(POLICY)
    (root / "graphs" / "one.yaml").write_text(GRAPH)
    (root / "graphs" / "each.yaml").write_text(MAP.replace("AT_ONCE", str(at_once)))
    project = Project(root=root, settings=load_settings(home=root / "home"))
    engine, workflow = Engine(project), project.workflow(root / "graphs" / "each.yaml")
    run = engine.start(workflow, {"texts": ["x"] * items}, "bench")
    started = time.perf_counter()
    assert engine.drive(run.id).run.status == "done"
    taken = time.perf_counter() - started
    assert len((root / "home" / "lines.txt").read_text()) == items
    return engine, run.id, taken


if __name__ == "__main__":
    print(json.dumps(measure(1000)))
