"""The command line, killed at four boundaries of one run and gone on with as its own messages say."""

from __future__ import annotations

import json
import os
import signal
import subprocess
import sys
from pathlib import Path

from tests.crash.harness import PATIENCE, VALUES, outbox
from tests.crash.worker import REPOSITORY

INTERLOCK = Path(sys.executable).parent / "interlock"


def test_the_command_line_goes_on_where_it_was_killed(tmp_path: Path) -> None:
    """`run`, `resume` and `review approve` die in turn; the last resume ends the run with one message."""
    home = tmp_path / "home"
    file = tmp_path / "input.json"
    file.write_text(json.dumps(VALUES), encoding="utf-8")
    clean = {name: value for name, value in os.environ.items() if not name.startswith("INTERLOCK_")}

    def call(*command: str | Path, expected: int) -> str:
        done = subprocess.run(
            command,
            cwd=REPOSITORY,
            env=clean | {"INTERLOCK_HOME": str(home), "NO_COLOR": "1"},
            capture_output=True,
            text=True,
            timeout=PATIENCE,
        )
        assert done.returncode == expected, done.stdout + done.stderr
        return done.stdout

    def killed(point: str, *arguments: str) -> None:
        call(sys.executable, "-m", "tests.crash.worker", point, "--", *arguments, expected=-signal.SIGKILL)

    killed("after propose", "run", "graphs/polish_and_send.yaml", "--input", str(file), "--as", "author")
    [run] = json.loads(call(INTERLOCK, "runs", "list", "--json", expected=0))["runs"]
    killed("after the request is filed", "runs", "resume", run["id"])
    waiting = call(INTERLOCK, "runs", "resume", run["id"], expected=3)
    [command] = [line.split("Decide:")[1].strip() for line in waiting.splitlines() if "Decide:" in line]
    assert command.startswith("interlock review approve ap-")
    decide = command.replace("NAME", "reviewer").split()[1:]
    killed("after intent", *decide)
    killed("after the rename", "runs", "resume", run["id"])
    assert f"done {run['id']}" in call(INTERLOCK, "runs", "resume", run["id"], expected=0)
    assert len(outbox(home)) == 1
    assert "whole" in call(INTERLOCK, "audit", "verify", expected=0)
