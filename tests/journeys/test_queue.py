"""`interlock queue`: what is set for the runs of a graph, and who set it."""

from __future__ import annotations

import pytest

from interlock.cli.queue import rate_text, read_rate
from interlock.errors import UsageError
from interlock.store.tables import QueueSettings
from tests.journeys.terminal import Desk


@pytest.mark.usefixtures("home")
def test_settings_are_set_one_by_one_listed_and_taken_back(desk: Desk) -> None:
    """What is not named stays; `any` takes one limit back and `clear` all of them; each change is on record."""
    assert desk.interlock("queue", "list", "--json").json() == {"queues": []}
    assert "interlock queue set" in desk.interlock("queue", "list").out
    graph, by = "polish_and_send", ("--as", "clerk")
    said = desk.interlock("queue", "set", graph, "--at-once", "4", "--rate", "30/1m", *by)
    assert said.out.strip() == "polish_and_send: 4 at once, begun at 30/1m, priority 0."
    desk.interlock("queue", "set", graph, "--priority", "7", "--at-once", "any", *by)
    expected = {"graph": graph, "at_once": None, "rate": "30/1m", "priority": 7}
    assert desk.interlock("queue", "list", "--json").json() == {"queues": [expected]}
    assert "30/1m" in desk.interlock("queue", "list").out
    assert desk.interlock("queue", "clear", graph, "--json", *by).json() == {"queue": None}
    assert desk.interlock("queue", "list", "--json").json() == {"queues": []}
    assert desk.interlock("audit", "verify", "--json").json()["entries"] == 3


@pytest.mark.parametrize("text", ["1/1s", "30/1m", "1000000/24h", "5/1500ms"])
def test_a_rate_is_written_as_it_is_read(text: str) -> None:
    """Whatever is accepted is shown in a form that is accepted again and means the same."""
    number, period = read_rate(text)
    shown = rate_text(QueueSettings(graph="shop", rate=number, period=period))
    assert shown is not None
    assert read_rate(shown) == (number, period)


@pytest.mark.parametrize(
    "text", ["", "/", "30", "30/", "/1m", "0/1m", "-1/1m", "3/0s", "3/25h", "3/1m/1m", "\u0663/1m"]
)
def test_what_is_no_rate_is_refused(text: str) -> None:
    """With the form that is expected."""
    with pytest.raises(UsageError, match="N/PERIOD"):
        read_rate(text)
