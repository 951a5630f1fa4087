"""Runs killed at random moments, all in one home."""

from __future__ import annotations

import random
import signal
import time
from multiprocessing.connection import wait
from pathlib import Path

from tests.crash.harness import VALUES, Child, Scene, Spawn, outbox

KILLS = 25
SEED = 20260105


def kill_within(child: Child, seconds: float) -> bool:
    """Kill the child after `seconds`; False when it had ended by then."""
    if not wait([child.process.sentinel], seconds):
        child.signal(signal.SIGKILL)
    child.process.join()
    return child.process.exitcode == -signal.SIGKILL


def accepted(child: Child) -> str:
    """The run that the child said it had started, or nothing."""
    while child.wire.poll():
        try:
            word, value = child.wire.recv()
        except EOFError:
            break
        if word == "accepted":
            return str(value)
    return ""


def test_no_run_is_lost_and_each_sends_one_message_when_killed_at_random(home: Path, spawn: Spawn) -> None:
    """Of the runs that share a home while 25 kills fall, some twice on one, each ends with its own one message."""
    chance = random.Random(SEED)
    addresses = []

    def asked() -> Scene:
        addresses.append(f"run-{len(addresses)}@example.org")
        return Scene(spawn, home, values=VALUES | {"to": addresses[-1]})

    for _ in range(2):  # the first one also waits for the program to be loaded
        began = time.monotonic()
        assert asked().do("whole")["status"] == "done"
        usual = time.monotonic() - began
    killed = 0
    while killed < KILLS:
        scene = asked()
        child = scene.begin("whole")
        killed += kill_within(child, chance.uniform(0, usual))
        scene.run = accepted(child)
        if not scene.run:
            scene.run = scene.do("start")["run"]  # nothing was promised; whoever asked asks again
        if chance.random() < 0.5:
            kill_within(scene.begin("resume"), chance.uniform(0, usual / 2))
        assert scene.do("whole")["status"] == "done"
        scene.left().check_whole()
    sent = [str(message["To"]) for message in outbox(home)]
    assert [address for address in addresses if sent.count(address) != 1] == []
