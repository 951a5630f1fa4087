"""F10: killed after an effect and before its checkpoint, plain LangGraph repeats it; here one effect is one effect."""

from __future__ import annotations

import signal
import subprocess
import sys
from pathlib import Path
from typing import Any

import pytest

from interlock.engine.durable import Durable
from tests.attacks import killed
from tests.attacks.house import REPOSITORY, House, Run
from tests.attacks.killed import LETHAL, STEPS

DURABILITIES = ("sync", "async", "exit")
RUN = "run-killed"


def dies(kind: str, folder: Path, durability: str) -> None:
    """A process of its own that drives the graph, and kills itself right after the third effect."""
    command = [sys.executable, "-m", "tests.attacks.killed", kind, str(folder), RUN, durability]
    ended = subprocess.run(command, cwd=REPOSITORY, capture_output=True, text=True, timeout=120)
    assert ended.returncode == -signal.SIGKILL, ended.stderr


def happened(home: Path) -> list[str]:
    return [line.split()[0] for line in (home / "effects").read_text().splitlines()]


@pytest.mark.parametrize(
    ("durability", "least", "most"), [("sync", 1, 1), ("async", 1, 2), ("exit", LETHAL, LETHAL)], ids=DURABILITIES
)
def test_plain_langgraph_repeats_effects(tmp_path: Path, durability: str, least: int, most: int) -> None:
    """The attack works where nothing stands in its way: one effect is repeated, with the default two, or all."""
    dies("plain", tmp_path, durability)
    assert happened(tmp_path) == list(STEPS[:LETHAL])
    (tmp_path / "spared").touch()
    killed.plain(tmp_path, RUN, durability)
    assert least <= len(happened(tmp_path)) - len(STEPS) <= most


@pytest.fixture
def till(house: House) -> House:
    """A house with the workflow of four payments, each of which the policy lets pass."""
    house.home.mkdir(exist_ok=True)
    for name, text in {"tools/till.py": killed.TOOLS, "policies/till.yaml": killed.POLICY}.items():
        house.write(name, text)
    return house


@pytest.mark.parametrize(
    ("effect", "durability"),
    [("queryable", "sync"), ("keyed", "async"), ("keyed", "exit"), ("blind", "exit")],
)
def test_one_effect_whatever_durability_is_asked_for(till: House, effect: str, durability: str) -> None:
    """The killed run goes on through the same graph to four effects, or asks about the one that nobody can know."""
    till.write("graphs/till.yaml", killed.graph(effect))
    dies("ours", till.root, durability)
    assert happened(till.home) == list(STEPS[:LETHAL])
    (till.home / "spared").touch()
    killed.ours(till.root, RUN, durability)
    run = Run(till, till.engine(), RUN)
    if effect == "blind":
        assert (happened(till.home), run.asked.kind) == (list(STEPS[:LETHAL]), "doubt")
        run.engine.services.approvals.respond(run.asked.id, "bob", happened=True)
        run.drive()
    assert happened(till.home) == list(STEPS)
    assert (run.status, run.outcome) == ("done", "done")
    assert run.whole()


@pytest.mark.parametrize("durability", ["exit", "async", None])
def test_every_way_to_run_the_graph_is_durable(house: House, durability: Any) -> None:
    """No caller can choose another durability: each node's checkpoint stands before the next node begins."""
    graph = house.raw("note")
    served = graph.copy({"checkpointer": house.project().checkpoints}).with_config(tags=["served"])
    for number, compiled in enumerate((graph, served), start=1):
        assert isinstance(compiled, Durable)
        config: Any = {"configurable": {"thread_id": f"run-{number}"}}
        written = [
            len(list(house.project().checkpoints.list(config)))
            for _ in compiled.stream({"amount": 10}, config, durability=durability)
        ]
        assert written == sorted(set(written)), "a step had no checkpoint of its own"
        assert len(written) > 3
    assert house.effects == ["note 10 anna"] * 2
