"""What the guard costs: runs of one guarded call against the bare effect, `python -m benchmarks.spine --json`."""

from __future__ import annotations

import json
import statistics
import tempfile
import time
from pathlib import Path
from typing import Any

from interlock.engine.project import Project
from interlock.engine.service import Engine
from interlock.settings import load_settings

TOOL = '''
"""A line in a file."""
from interlock.tools.action import ActionContext, Arguments, Result, about, action

class Line(Arguments):
    text: str = about("The line.")

class Done(Result):
    ok: bool

@action("line.add", effect="keyed")
def add(arguments: Line, context: ActionContext) -> Done:
    """Add a line."""
    with (context.home / "lines.txt").open("a") as file:
        file.write(arguments.text)
    return Done(ok=True)
'''
POLICY = "policy: line\nversion: 1\napplies_to: [line.add]\nrules: [{id: any, then: auto, because: harmless}]\n"
GRAPH = """
graph: one
version: 1
input: {text: {type: string}}
steps: {add: {call: line.add, bind: {text: $.text}}}
edges:
  - START -> add
  - add -> END
  - {from: add, on: [rejected, expired, denied], to: END}
"""


def measure(runs: int = 30) -> dict[str, Any]:
    """Milliseconds from accepting a run of one automatic action to its end, every transition on disk."""
    with tempfile.TemporaryDirectory() as folder:
        root = Path(folder)
        for name in ("graphs", "nodes", "tools", "policies"):
            (root / name).mkdir()
        (root / "tools" / "line.py").write_text(TOOL)
        (root / "policies" / "line.yaml").write_text(POLICY)
        (root / "graphs" / "one.yaml").write_text(GRAPH)
        project = Project(root=root, settings=load_settings(home=root / "home"))
        engine, workflow = Engine(project), project.workflow(root / "graphs" / "one.yaml")
        taken = []
        for _ in range(runs + 3):
            started = time.perf_counter()
            run = engine.start(workflow, {"text": "x"}, "bench")
            assert engine.drive(run.id).run.status == "done"
            taken.append((time.perf_counter() - started) * 1000)
        warm = taken[3:]
        assert len((root / "home" / "lines.txt").read_text()) == runs + 3
    return {"runs": runs, "p50_ms": round(statistics.median(warm), 1), "max_ms": round(max(warm), 1)}


if __name__ == "__main__":
    print(json.dumps(measure()))
