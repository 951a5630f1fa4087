"""Runs of the shop as operators find them: one that waits, one that failed, one in doubt, one with child runs."""

from __future__ import annotations

from collections.abc import Mapping
from datetime import timedelta

from interlock.store.tables import Run
from tests.browser.served import Served


def trouble(shop: Served, word: str) -> None:
    """What the depot does from now on: `broken`, `lost`, or as it should."""
    (shop.root / ".interlock" / "trouble").write_text(word)


def delivered(shop: Served, number: str, word: str = "", street: str = "Storgatan 4, Malmö") -> Run:
    """A delivery whose goods were packed after a night; what the depot then did with them."""
    run = shop.begun("deliver", number=number, street=street)
    shop.clock.advance(timedelta(hours=9, minutes=40))
    shop.engine.send(run.id, "packed", {}, "stella")
    trouble(shop, word)
    shop.engine.drive(run.id)
    trouble(shop, "")
    return shop.engine.services.runs.get(run.id)


def operated(shop: Served) -> Mapping[str, str]:
    """The ids of runs by what became of them."""
    found = {"failed": delivered(shop, "7001", "broken").id}
    shop.clock.advance(timedelta(minutes=3))
    found["doubt"] = delivered(shop, "7002", "lost").id
    shop.clock.advance(timedelta(minutes=12))
    found["done"] = delivered(shop, "7003").id
    found["children"] = shop.begun("deliver_all", numbers=["7101", "7102", "7103"], street="Hamngatan 2, Lund").id
    shop.clock.advance(timedelta(hours=2))
    found["waiting"] = shop.refund().run_id
    shop.clock.advance(timedelta(minutes=7))
    return found
