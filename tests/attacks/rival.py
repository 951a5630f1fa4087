"""One of several processes that resume, approve or reject the same thing at the same moment.

Called as `python -m tests.attacks.rival ROOT RUN WHAT`: it gets ready, says so, waits for a line, and acts.
"""

from __future__ import annotations

import sys
from pathlib import Path

from langgraph.types import Command

from interlock.errors import InterlockError
from tests.attacks.house import House, Run


def main(root: str, run_id: str, what: str) -> None:
    house = House(Path(root))
    engine = house.engine()
    run = Run(house, engine, run_id)
    graph = run.raw()
    open_requests = list(engine.services.approvals.waiting(run_id))
    print("ready", flush=True)
    sys.stdin.readline()
    try:
        match what:
            case "resume":
                graph.invoke(Command(resume={"woken": True}), run.config)
            case "drive":
                engine.drive(run_id)
            case "reject":
                engine.services.approvals.reject(open_requests[0].id, "rival", comment="no")
            case person:
                engine.approve(open_requests[0].id, person)
    except InterlockError as error:
        print(f"{type(error).__name__}: {error.message}", flush=True)
    else:
        print("ok", flush=True)


if __name__ == "__main__":
    main(*sys.argv[1:])
