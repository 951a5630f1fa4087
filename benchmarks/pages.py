"""How long pages take on a home with 100,000 runs and 10,000 requests: `python -m benchmarks.pages --json`.

Each page is asked for through the whole application, without a socket, and timed from the request to the last byte:
`wall` with everything that a disk and other programs add, `cpu` what this process computed.  `refresh` is the list as
200 reviewers refresh it, each every ten seconds, over a real socket; and all 200 of them at one moment.
"""

from __future__ import annotations

import argparse
import asyncio
import json
import statistics
import tempfile
import threading
import time
from collections.abc import Callable, Sequence
from pathlib import Path
from socket import create_server
from typing import Any

import httpx

from benchmarks.crowd import Crowd, crowd, token
from interlock.store.run_lists import RunFilter, RunLists
from interlock.web.application import make_web
from interlock.web.origins import loopback
from interlock.web.server import server_of

RUNS, WAITING = 100_000, 10_000
TIMES = 60
WARM = 5
REVIEWERS, EVERY, LASTING = 200, 10.0, 30.0
"""Reviewers, the seconds between two refreshes of one of them, and the seconds that they are watched."""

BASE = "http://127.0.0.1:8642"

BOUNDS = {"queue": 200, "queue_filtered": 200, "api_list": 200, "item": 150}
"""Milliseconds that the 95th percentile of a page may take; 200 where nothing stands here."""


def pages(known: Crowd) -> dict[str, Callable[[int], str]]:
    """Addresses of each page, by the number of the try."""
    lists = RunLists(known.engine.services.database)
    ended = [run.id for run in lists.page(RunFilter(status="done"), limit=TIMES + WARM).runs]
    with known.engine.services.database.read():
        waiting = [run.id for run in lists.page(RunFilter(status="waiting"), limit=TIMES + WARM).runs]
    asked = [f"ap-{run_id[4:]}" for run_id in waiting if run_id[4] == "w"]
    marks = [run.id for run in lists.page(RunFilter(), limit=400).runs][::6]
    return {
        "queue": lambda number: "/",
        "queue_filtered": lambda number: ("/?risk=high", "/?q=Contoso", "/?sort=due")[number % 3],
        "api_list": lambda number: "/api/approvals",
        "item": lambda number: f"/approvals/{asked[number % len(asked)]}",
        "runs": lambda number: "/runs" if number % 2 else f"/runs?after={marks[number % len(marks)]}",
        "runs_filtered": lambda number: (
            "/runs?status=waiting&waits=person", "/runs?by=clerk-7&status=done", "/runs?graph=pay_invoice%401&age=30d",
            "/runs?waits=doubt",
        )[number % 4],
        "runs_searched": lambda number: f"/runs?q=2026-{number:05}",
        "run": lambda number: f"/runs/{ended[number % len(ended)]}",
        "run_driven": lambda number: f"/runs/{known.done[number % len(known.done)]}",
        "run_waiting": lambda number: f"/runs/{waiting[number % len(waiting)]}",
        "state": lambda number: f"/runs/{known.done[number % len(known.done)]}/at/1",
        "graphs": lambda number: "/graphs",
        "health": lambda number: "/health",
    }  # fmt: skip


async def timed(client: httpx.AsyncClient, address: Callable[[int], str]) -> dict[str, float]:
    """Milliseconds of a page: the median and the 95th percentile."""
    wall, cpu, size = [], [], 0
    for number in range(WARM + TIMES):
        began, used = time.perf_counter(), time.process_time()
        answer = await client.get(address(number))
        spent = time.perf_counter() - began, time.process_time() - used
        assert answer.status_code == 200, (address(number), answer.status_code, answer.text[:300])
        if number >= WARM:
            wall.append(spent[0] * 1000)
            cpu.append(spent[1] * 1000)
            size = len(answer.content)
    return {"wall_p50_ms": _at(wall, 50), "wall_p95_ms": _at(wall, 95), "cpu_p50_ms": _at(cpu, 50),
            "cpu_p95_ms": _at(cpu, 95), "bytes": size}  # fmt: skip


def _at(found: Sequence[float], percent: int) -> float:
    return round(statistics.quantiles(found, n=100, method="inclusive")[percent - 1], 1)


async def alone(known: Crowd, secret: str, only: Sequence[str]) -> dict[str, Any]:
    """Every page by itself."""
    web = make_web(known.engine, loopback(8642))
    found: dict[str, Any] = {}
    transport = httpx.ASGITransport(app=web.app)
    headers = {"sec-fetch-site": "same-origin", "origin": BASE}
    async with httpx.AsyncClient(transport=transport, base_url=BASE, headers=headers, timeout=120) as client:
        signed_in = await client.post("/sign-in", data={"token": secret})
        assert signed_in.status_code == 303, signed_in.text
        for name, address in pages(known).items():
            if only and name not in only:
                continue
            found[name] = await timed(client, address)
            found[name]["bound_ms"] = BOUNDS.get(name, 200)
    web.driving.close()
    return found


async def crowded(base: str, secret: str) -> dict[str, Any]:
    """The list as many reviewers refresh it."""
    limits = httpx.Limits(max_connections=REVIEWERS, max_keepalive_connections=REVIEWERS, keepalive_expiry=4)
    took: list[float] = []
    refused = 0
    headers = {"sec-fetch-site": "same-origin", "origin": base}
    async with httpx.AsyncClient(base_url=base, headers=headers, limits=limits, timeout=120) as client:
        signed_in = await client.post("/sign-in", data={"token": secret})
        assert signed_in.status_code == 303, signed_in.text

        async def refresh() -> None:
            nonlocal refused
            began = time.perf_counter()
            answer = await client.get("/", headers={"hx-request": "true"})
            took.append(time.perf_counter() - began)
            refused += answer.status_code != 200

        async def reviewer(number: int) -> None:
            await asyncio.sleep(EVERY * number / REVIEWERS)
            end = time.perf_counter() + LASTING - EVERY
            while True:
                began = time.perf_counter()
                await refresh()
                if time.perf_counter() > end:
                    return
                await asyncio.sleep(max(EVERY - (time.perf_counter() - began), 0))

        began = time.perf_counter()
        await asyncio.gather(*(reviewer(number) for number in range(REVIEWERS)))
        whole = time.perf_counter() - began
        spent = [each * 1000 for each in took]
        steady = {"refreshes": len(took), "a_second": round(len(took) / whole, 1), "refused": refused}
        steady |= {"p50_ms": _at(spent, 50), "p95_ms": _at(spent, 95)}
        took, refused = [], 0
        began = time.perf_counter()
        await asyncio.gather(*(refresh() for _ in range(REVIEWERS)))
        burst = {"refreshes": REVIEWERS, "refused": refused, "all_after_s": round(time.perf_counter() - began, 2)}
    return {"reviewers": REVIEWERS, "steady": steady, "at_one_moment": burst}


def served(known: Crowd, secret: str) -> dict[str, Any]:
    """Serve on a socket, and let the reviewers come."""
    listener = create_server(("127.0.0.1", 0))
    port = listener.getsockname()[1]
    server = server_of(make_web(known.engine, loopback(port)))
    thread = threading.Thread(target=server.run, kwargs={"sockets": [listener]}, daemon=True)
    thread.start()
    try:
        return asyncio.run(crowded(f"http://127.0.0.1:{port}", secret))
    finally:
        server.should_exit = True
        thread.join(60)
        listener.close()


def measure(runs: int = RUNS, waiting: int = WAITING, only: Sequence[str] = ()) -> dict[str, Any]:
    """Times of each page, and of the crowd of reviewers."""
    with tempfile.TemporaryDirectory(prefix="interlock-pages-") as folder:
        began = time.perf_counter()
        known = crowd(Path(folder), runs, waiting)
        filled = time.perf_counter() - began
        secret = token(known.engine, "olga", "operator", "reviewer")
        found = asyncio.run(alone(known, secret, only))
        if not only or "refresh" in only:
            found["refresh"] = served(known, secret)
        database = known.engine.services.database
        size = sum(path.stat().st_size for path in known.engine.project.home.glob("interlock.db*"))
        entries = known.engine.audit_head().entries
        database.engine.dispose()
    known_size = {"audit_entries": entries, "database_mb": round(size / 1e6), "fill_s": round(filled)}
    return {"runs": runs, "waiting": waiting} | known_size | {"pages": found}


def main() -> None:
    """Measure, and print."""
    options = argparse.ArgumentParser(description=__doc__)
    options.add_argument("--json", action="store_true", help="one JSON object; else a line for each page")
    options.add_argument("--runs", type=int, default=RUNS)
    options.add_argument("--waiting", type=int, default=WAITING)
    options.add_argument("--only", nargs="*", default=[], help="these pages")
    chosen = options.parse_args()
    found = measure(chosen.runs, chosen.waiting, chosen.only)
    if chosen.json:
        print(json.dumps(found))
        return
    print({name: value for name, value in found.items() if name != "pages"})
    for name, page in found["pages"].items():
        print(f"{name:16} {page}")


if __name__ == "__main__":
    main()
