"""`interlock --help` and completion answer at once: nothing heavy is imported for them."""

from __future__ import annotations

import os
import subprocess
import sys
from pathlib import Path

from tests.attacks.house import CONSOLE_SCRIPT

HEAVY = ("pydantic", "sqlalchemy", "langgraph", "langchain_core", "torch", "transformers", "fastapi", "structlog",
         "opentelemetry", "prometheus_client", "dbos", "mcp", "playwright", "numpy", "yaml")  # fmt: skip


def test_the_commands_are_there_without_what_they_work_with() -> None:
    """Reading all commands imports none of what only their work needs."""
    code = f"import sys, interlock.cli.app; print(*sorted(set({HEAVY!r}) & set(sys.modules)))"
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, timeout=60, check=True)
    assert done.stdout.strip() == ""


def test_the_shell_is_offered_the_graphs_of_the_project(tmp_path: Path) -> None:
    """After `interlock run po` and TAB, in a folder below the project."""
    (tmp_path / "graphs").mkdir()
    (tmp_path / "below").mkdir()
    for name in ("polish", "post", "refund"):
        (tmp_path / "graphs" / f"{name}.yaml").touch()
    asked = {"_INTERLOCK_COMPLETE": "complete_bash", "COMP_WORDS": "interlock run po", "COMP_CWORD": "2"}
    done = subprocess.run(
        [CONSOLE_SCRIPT], cwd=tmp_path / "below", env=os.environ | asked, capture_output=True, text=True, timeout=60,
        check=False,
    )  # fmt: skip
    assert done.stdout.split() == ["polish", "post"]
