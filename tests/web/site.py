"""A shop with its page: people with tokens, and browsers that behave as browsers do, or as attackers make them."""

from __future__ import annotations

import html
import itertools
import re
from concurrent.futures import Future
from dataclasses import dataclass, field
from datetime import timedelta
from typing import Any

import httpx
from starlette.testclient import TestClient

from interlock.engine.service import Engine
from interlock.store.users import Role
from interlock.testing import FakeClock
from interlock.web.application import make_web
from interlock.web.origins import Origins, loopback
from tests.attacks.house import House, Run

HOST = "127.0.0.1:8642"
BASE = f"http://{HOST}"
FROM_HERE = {"sec-fetch-site": "same-origin", "origin": BASE}
"""What a browser says when a page of this server sends a form."""


PEOPLE: dict[str, tuple[Role, ...]] = {
    "fay": ("reviewer",),
    "finn": ("reviewer",),
    "anna": ("author", "reviewer"),
    "otto": ("operator",),
    "ada": ("admin",),
}
"""Who has access to a site, and in which roles."""

_ADDRESSES = itertools.count(2)


@dataclass
class Site:
    """One server over one house."""

    house: House
    origins: Origins = field(default_factory=lambda: loopback(8642))
    tokens: dict[str, str] = field(default_factory=dict)

    def __post_init__(self) -> None:
        self.engine = Engine(self.house.project())
        self.serve(self.origins)
        if not self.tokens:
            for name, roles in PEOPLE.items():
                self.engine.services.users.add(name, roles, by="owner")
            self.tokens = {name: self.issue(name) for name in PEOPLE}

    def serve(self, origins: Origins) -> None:
        """Make the application, and remember what it drives on."""
        self.origins, self.web = origins, make_web(self.engine, origins)
        self.driven: list[Future[None]] = []
        go_on = self.web.driving.go_on

        def remembered(run_id: str) -> Future[None]:
            self.driven.append(go_on(run_id))
            return self.driven[-1]

        self.web.driving.go_on = remembered  # type: ignore[method-assign]

    def issue(self, person: str, lasting: timedelta = timedelta(days=30)) -> str:
        return self.engine.services.credentials.issue(person, by="owner", lasting=lasting)[1]

    @property
    def clock(self) -> FakeClock:
        clock = self.house.clock
        assert isinstance(clock, FakeClock)
        return clock

    def stranger(self, base: str = BASE, **headers: str) -> TestClient:
        """A browser that has not signed in, at an address of its own."""
        return TestClient(
            self.web.app, base_url=base, headers=headers, raise_server_exceptions=False, follow_redirects=False,
            client=(f"127.0.0.{next(_ADDRESSES)}", 50000),
        )  # fmt: skip

    def browser(self, person: str, base: str = BASE) -> TestClient:
        """A browser in which this person has signed in."""
        browser = self.stranger(base)
        answer = browser.post("/sign-in", data={"token": self.tokens[person]}, headers=FROM_HERE | {"origin": base})
        assert answer.status_code == 303, answer.text
        return browser

    def program(self, person: str) -> TestClient:
        """A client of the API with this person's token."""
        return self.stranger(authorization=f"Bearer {self.tokens[person]}")

    def asked(self, graph: str = "pay", requester: str = "anna", **values: Any) -> Run:
        """A run that waits for a person."""
        workflow = self.engine.project.workflow(self.house.root / "graphs" / f"{graph}.yaml")
        run = self.engine.start(workflow, {"amount": 10} | values, requester)
        self.engine.drive(run.id)
        return Run(self.house, self.engine, run.id)

    @property
    def only(self) -> Run:
        """The one run there is, which waits."""
        (run,) = self.engine.services.runs.list()
        return Run(self.house, self.engine, run.id)

    def settled(self) -> None:
        """Wait until everything that was decided has been driven on."""
        for future in self.driven:
            future.result(60)

    def close(self) -> None:
        """End, as a server does."""
        self.web.driving.close()
        self.engine.services.database.engine.dispose()


def say(client: httpx.Client, run: Run, decision: str = "approve", **more: Any) -> httpx.Response:
    """Decide through the API, on the revision that stands unless another is given."""
    body = {"decision": decision, "revision": run.asked.revision} | more
    return client.post(f"/api/approvals/{run.asked.id}/decision", json=body)


def fill(browser: TestClient, run: Run, decision: str, **more: str) -> httpx.Response:
    """Send the form of a page that was just read, with its hidden fields as they stand there, by one of its buttons."""
    page = browser.get(f"/approvals/{run.asked.id}").text
    (form,) = re.findall(r'<form id="decide".*?</form>', page, re.DOTALL)
    hidden = dict(re.findall(r'<input type="hidden" name="(\w+)" value="(\w+)">', form))
    assert hidden.get("decision") == decision or f'name="decision" value="{decision}"' in form
    (action,) = re.findall(r'action="([^"]+)"', form)
    return browser.post(html.unescape(action), data=hidden | {"decision": decision} | more, headers=FROM_HERE)
