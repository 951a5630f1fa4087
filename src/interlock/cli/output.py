"""How commands speak: JSON on stdout for programs, text for people, progress on stderr."""

from __future__ import annotations

import json
import os
import sys
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from rich.console import Console

    from interlock.store.tables import Approval, Run, Worker

EXIT_DONE, EXIT_FAILED, EXIT_USAGE, EXIT_WAITING = 0, 1, 2, 3


def console(*, stderr: bool = False) -> Console:
    """A console that honours NO_COLOR and never folds lines when piped."""
    from rich.console import Console

    stream = sys.stderr if stderr else sys.stdout
    return Console(
        stderr=stderr, highlight=False, soft_wrap=True, no_color="NO_COLOR" in os.environ or not stream.isatty()
    )


def print_json(value: Any) -> None:
    """One JSON object on one line of stdout."""
    from interlock.digest import plain

    sys.stdout.write(json.dumps(plain(value), ensure_ascii=False) + "\n")
    sys.stdout.flush()


def exit_code(run: Run) -> int:
    """The exit code that tells how a run stands."""
    return {"done": EXIT_DONE, "failed": EXIT_FAILED, "cancelled": EXIT_FAILED}.get(run.status, EXIT_WAITING)


def worker_object(worker: Worker) -> dict[str, Any]:
    """A worker as JSON."""
    return {
        "id": worker.id,
        "host": worker.host,
        "pid": worker.pid,
        "state": worker.state,
        "at_once": worker.at_once,
        "started_at": worker.started_at,
        "beat_at": worker.beat_at,
    }


def form_fields(approval: Approval) -> dict[str, Any]:
    """The fields of a form's answer by name; none when the request is no form."""
    return dict((approval.request.get("form") or {}).get("properties", {})) if approval.kind == "form" else {}


def next_step(approval: Approval) -> str:
    """The command that answers a request."""
    role = approval.requirement.get("role")
    roles = " and ".join([role] if isinstance(role, str) else role or [])
    who = f"--as NAME (who holds the role {roles})" if roles else "--as NAME"
    match approval.kind:
        case "question":
            missing = " ".join(f"--set {name}=..." for name in approval.request.get("missing", []))
            return f"interlock review edit {approval.id} {missing} {who}"
        case "doubt":
            return f"interlock review respond {approval.id} --happened (or --did-not-happen) {who}"
    answers = "".join(f" --set {name}=..." for name in form_fields(approval))
    return f"interlock review approve {approval.id}{answers} {who}"
