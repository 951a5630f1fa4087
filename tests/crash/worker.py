"""Processes of the crash tests: each works on a run and, when told to, dies of SIGKILL at a named boundary.

The boundaries are functions that this process alone wraps (`tests.crash.points`); the program under test knows
nothing of them.  `work` is what a forked child does; as a program, ``python -m tests.crash.worker POINT -- ARGS``
is the command line `interlock ARGS` that dies at POINT, and with ``stop POINT`` or ``hang POINT`` stops there as a
whole, or lets the thread that comes there say so and go no further.
"""

from __future__ import annotations

import os
import signal
import sys
import threading
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from multiprocessing.connection import Connection
from pathlib import Path
from typing import Any

from sqlmodel import Session

from interlock.engine.project import Project
from interlock.engine.service import Engine, Standing
from interlock.errors import InterlockError
from interlock.lam.protocol import Action as ProposedAction
from interlock.lam.protocol import Decision
from interlock.settings import load_settings
from interlock.store.checkpoints import Checkpoints
from interlock.store.database import Database
from interlock.store.tables import Approval
from interlock.testing import ScriptedActionModel, ScriptedChatModel
from tests.crash.points import POINTS, at

REPOSITORY = Path(__file__).parents[2]
POLISHED = {"subject": "Late delivery", "body": "Dear Anna,\n\nthe delivery is late.\n"}


@dataclass(frozen=True)
class Job:
    """What one process does.

    `verb`: start, resume, approve, respond, whole (start or resume, approve and finish), compiled (drive the bare
    LangGraph object, past the run's lock) or plain (a LangGraph node that acts without a ledger).
    """

    verb: str
    home: Path
    root: Path = REPOSITORY
    graph: str = "polish_and_send"
    values: dict[str, Any] = field(default_factory=dict)
    run: str = ""
    person: str = "reviewer"
    happened: bool = False
    settings: dict[str, Any] = field(default_factory=dict)
    die: str | None = None
    """The boundary at which to die."""
    hold: str | None = None
    """The boundary at which to tell the parent and wait for its word."""
    die_after_commit: int = 0
    """Die after this many commits of the store or the checkpoints; 0 means never."""
    patience: float = 0.0
    """Seconds to wait for another process that drives the run."""
    parks: bool = False
    """Stay alive after the work until killed."""
    tables: bool = True
    """Make the tables of a new home before commits are counted; the first that counts then only looks at them."""


def work(job: Job, wire: Connection) -> None:
    """Do the job; whatever is told goes over `wire`."""
    for name in [name for name in os.environ if name.startswith("INTERLOCK_")]:
        del os.environ[name]
    os.chdir(job.root)
    if job.verb == "plain":
        _plain_langgraph(job, wire)
        return
    if job.die:
        at(job.die, lambda: _die(wire, job.die))
    if job.hold:
        at(job.hold, lambda: _hold(wire, job.hold))
    if job.tables:
        open_project(job.home, job.root, **job.settings).database.engine.dispose()
    commits = count_commits(lambda n: _die(wire, f"commit {n}") if n == job.die_after_commit else None)
    try:
        told = _told(_do(job, wire))
    except InterlockError as error:
        told = {"error": type(error).__name__, "message": error.message}
    wire.send(("told", told | {"commits": commits()}))
    if job.parks:
        signal.pause()


def count_commits(then: Callable[[int], None]) -> Callable[[], int]:
    """Call `then(n)` after the n-th commit of the store or the checkpoints; the result tells how many there were."""
    done = 0

    def one_more() -> None:
        nonlocal done
        done += 1
        then(done)

    write = Database.write

    @contextmanager
    def counted_write(self: Database) -> Iterator[Session]:
        with write(self) as session:
            yield session
        one_more()

    Database.write = counted_write  # type: ignore[method-assign]
    for name in ("put", "put_writes"):
        inner = getattr(Checkpoints, name)

        def counted(*args: Any, _inner: Any = inner, **kwargs: Any) -> Any:
            result = _inner(*args, **kwargs)
            one_more()
            return result

        setattr(Checkpoints, name, counted)
    return lambda: done


def scripted_action_model() -> ScriptedActionModel:
    """Always takes the only action of the space and chooses no argument itself."""
    return ScriptedActionModel(
        lambda _observation, space: Decision(
            kind="act",
            actions=[ProposedAction(name=space[0].name, arguments={}, confidence=0.99)],
            p_null=0.01,
            backend="scripted",
            model_id="scripted",
        )
    )


def open_project(home: Path, root: Path = REPOSITORY, **settings: Any) -> Project:
    """The project with scripted models; only the given settings count."""
    return Project(
        root=root,
        settings=load_settings(home=home, _env_file=None, **settings),
        sleep=lambda _seconds: None,
        action_model=scripted_action_model,
        make_chat_model=lambda _provider: ScriptedChatModel([POLISHED], loop=True),
    )


def _do(job: Job, wire: Connection) -> Standing:
    project = open_project(job.home, job.root, **job.settings)
    engine = Engine(project)
    if job.verb in ("start", "whole"):
        run = job.run
        if not run:
            run = engine.start(project.workflow(project.graph_file(job.graph)), job.values, "author").id
            wire.send(("accepted", run))
        standing = engine.drive(run)
        if job.verb == "whole" and standing.waiting:
            engine.approve(standing.waiting[0].id, job.person)
            standing = engine.drive(run)
        return standing
    if job.verb == "compiled":
        saver = project.checkpoints
        graph = project.pinned(engine.services.runs.get(job.run).spec_digest).compile(saver)
        graph.invoke(None, {"configurable": {"thread_id": job.run}}, durability="sync")
        return engine.standing(job.run)
    if job.verb == "approve":
        engine.approve(_question(engine, job).id, job.person)
    if job.verb == "respond":
        engine.services.approvals.respond(_question(engine, job).id, job.person, happened=job.happened)
    return engine.drive(job.run, patience=job.patience)


class NothingWaits(InterlockError):
    """The run asks nothing now."""


def _question(engine: Engine, job: Job) -> Approval:
    waiting = engine.standing(job.run).waiting
    if not waiting:
        raise NothingWaits
    return waiting[0]


def _told(standing: Standing) -> dict[str, Any]:
    return {
        "run": standing.run.id,
        "status": standing.run.status,
        "outcome": standing.run.outcome,
        "waiting": [{"id": row.id, "kind": row.kind, "request": row.request} for row in standing.waiting],
    }


def _die(wire: Connection | None, name: str | None) -> None:
    if wire is not None:
        wire.send(("died", name))
    os.kill(os.getpid(), signal.SIGKILL)


def _hang(name: str) -> None:
    print(f"hangs {name}", flush=True)
    threading.Event().wait()


def _hold(wire: Connection, name: str | None) -> None:
    wire.send(("holding", name))
    wire.recv()


def _plain_langgraph(job: Job, wire: Connection) -> None:
    """The same kind of effect in a plain LangGraph node, with its own durable checkpoints and no ledger."""
    import sqlite3
    from typing import TypedDict

    from langgraph.checkpoint.sqlite import SqliteSaver
    from langgraph.graph import END, START, StateGraph

    class State(TypedDict):
        text: str

    def send(state: State) -> State:
        with (job.home / "sent.txt").open("a", encoding="utf-8") as file:
            file.write(state["text"] + "\n")
        if job.die:
            _die(wire, job.die)
        return state

    builder = StateGraph(State)
    builder.add_node("send", send)
    builder.add_edge(START, "send")
    builder.add_edge("send", END)
    saver = SqliteSaver(sqlite3.connect(job.home / "plain.db", check_same_thread=False))
    graph = builder.compile(checkpointer=saver)
    known = saver.get_tuple({"configurable": {"thread_id": "run"}})
    graph.invoke({"text": "paid"} if known is None else None, {"configurable": {"thread_id": "run"}}, durability="sync")
    wire.send(("told", {"status": "done"}))


def main() -> None:
    """The command line that dies at a boundary, with a scripted action model in the place of the embedded one."""
    point, dashes, *arguments = sys.argv[1:]
    assert dashes == "--"
    Project._named_model = lambda _self: scripted_action_model()  # type: ignore[method-assign,assignment]
    how, _, place = point.partition(" ")
    if point in POINTS:
        at(point, lambda: _die(None, point))
    elif how == "stop":
        at(place, lambda: os.kill(os.getpid(), signal.SIGSTOP))
    elif how == "hang":
        at(place, lambda: _hang(place))
    sys.argv = ["interlock", *arguments]
    from interlock.cli.app import main as interlock

    interlock()


if __name__ == "__main__":
    main()
