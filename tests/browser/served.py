"""A shop with its pages on a real socket, over a real database, and the people who sign in there."""

from __future__ import annotations

import shutil
import socket
import threading
from collections.abc import Iterator
from concurrent.futures import Future
from contextlib import contextmanager
from dataclasses import dataclass, field
from datetime import timedelta
from pathlib import Path
from typing import Any

from interlock.engine.project import Project
from interlock.engine.service import Engine
from interlock.settings import load_settings
from interlock.store.tables import Approval, Run
from interlock.store.users import Role
from interlock.testing import FakeClock, ScriptedChatModel
from interlock.web.application import Web, make_web
from interlock.web.origins import loopback
from interlock.web.server import server_of

SHOP = Path(__file__).parent / "shop"

PEOPLE = ("fay", "finn", "fred", "stella", "anna", "otto")

ROLES: dict[str, tuple[Role, ...]] = {"anna": ("author", "reviewer"), "otto": ("operator",)}
"""Whoever is not named here is a reviewer."""

PLAN = {
    "amount": 240,
    "reason": "Parcel lost in transit",
    "because": "The carrier's last scan was on 14 November and the customer asked twice. The order is worth 240 EUR, "
    "and goods that got lost are refunded in full after seven days without a scan.",
}
"""What the model of the shop says to every customer."""


@dataclass
class Served:
    """One server, its engine and its clock."""

    root: Path
    engine: Engine
    clock: FakeClock
    web: Web
    base: str
    tokens: dict[str, str] = field(default_factory=dict)
    driven: list[Future[None]] = field(default_factory=list)

    def asked(self, graph: str, requester: str = "anna", **values: Any) -> Approval:
        """A new run, driven until it asks; what it asks."""
        run = self.begun(graph, requester, **values)
        (approval,) = self.engine.services.approvals.waiting(run.id)
        return approval

    def begun(self, graph: str, requester: str = "anna", **values: Any) -> Run:
        """A new run, driven until it waits or ends."""
        workflow = self.engine.project.workflow(self.root / "graphs" / f"{graph}.yaml")
        run = self.engine.start(workflow, values, requester)
        self.engine.drive(run.id)
        return self.engine.services.runs.get(run.id)

    def refund(self, number: str = "8812", **values: Any) -> Approval:
        """A refund that asks two people of finance."""
        wish = "My parcel never came. Refund all of it to me at once!"
        return self.asked("refund", number=number, day="2026-01-07", **{"wish": wish} | values)

    def now(self, approval: Approval) -> Approval:
        """A request as it stands now."""
        return self.engine.services.approvals.get(approval.id)

    def settled(self) -> None:
        """Wait until everything that was decided has been driven on."""
        for future in self.driven:
            future.result(60)

    @property
    def happened(self) -> list[str]:
        """What the shop did."""
        path = self.root / ".interlock" / "happened"
        return path.read_text(encoding="utf-8").splitlines() if path.exists() else []


@contextmanager
def served(folder: Path) -> Iterator[Served]:
    """The shop, served until the end of the block."""
    root, clock = folder / "shop", FakeClock()
    shutil.copytree(SHOP, root)
    project = Project(
        root=root,
        settings=load_settings(home=root / ".interlock"),
        clock=clock,
        make_chat_model=lambda provider: ScriptedChatModel([PLAN], loop=True),
    )
    engine = Engine(project)
    listener = socket.create_server(("127.0.0.1", 0))
    port = listener.getsockname()[1]
    web = make_web(engine, loopback(port))
    shop = Served(root, engine, clock, web, f"http://127.0.0.1:{port}")
    for name in PEOPLE:
        shop.tokens[name] = engine.services.credentials.issue(name, by="owner", lasting=timedelta(days=30))[1]
    for name, roles in ROLES.items():
        engine.services.users.give(name, roles, by="owner")
    go_on = web.driving.go_on

    def remembered(run_id: str) -> Future[None]:
        shop.driven.append(go_on(run_id))
        return shop.driven[-1]

    web.driving.go_on = remembered  # type: ignore[method-assign]
    with _serving(web, listener):
        yield shop
    engine.services.database.engine.dispose()


@contextmanager
def _serving(web: Web, listener: socket.socket) -> Iterator[None]:
    server, ready = server_of(web), threading.Event()
    server.config.timeout_graceful_shutdown = 1
    startup = server.startup

    async def started(sockets: list[socket.socket] | None = None) -> None:
        await startup(sockets)
        ready.set()

    server.startup = started  # type: ignore[method-assign]
    thread = threading.Thread(target=server.run, kwargs={"sockets": [listener]}, daemon=True)
    thread.start()
    assert ready.wait(30)
    try:
        yield
    finally:
        server.should_exit = True
        thread.join(30)
        listener.close()
    assert not thread.is_alive()
