"""Runs killed at random moments, all in one home."""

from __future__ import annotations

import random
import signal
import time
from multiprocessing.connection import wait
from pathlib import Path

from tests.crash.harness import VALUES, Child, Scene, Spawn, outbox

RUNS = 25
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
    """Of 25 runs that share a home and are killed, some twice, each accepted one ends with its own one message."""
    chance = random.Random(SEED)
    began = time.monotonic()
    first = Scene(spawn, home, values=VALUES | {"to": "unkilled@example.org"})
    assert first.do("whole")["status"] == "done"
    usual = time.monotonic() - began
    killed = 0
    addresses = ["unkilled@example.org"]
    for number in range(RUNS):
        address = f"run-{number}@example.org"
        scene = Scene(spawn, home, values=VALUES | {"to": address})
        child = scene.begin("whole")
        killed += kill_within(child, chance.uniform(0.1, 1.0) * usual)
        scene.run = accepted(child)
        if not scene.run:
            told = scene.do("start")  # nothing was promised; whoever asked asks again
            scene.run = told["run"]
        if chance.random() < 0.5:
            kill_within(scene.begin("resume"), chance.uniform(0.1, 1.0) * usual / 2)
        assert scene.do("whole")["status"] == "done"
        scene.left().check_whole()
        addresses.append(address)
    assert killed
    sent = [str(message["To"]) for message in outbox(home)]
    assert [address for address in addresses if sent.count(address) != 1] == []
