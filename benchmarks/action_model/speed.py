"""How long a decision takes, how long the model takes to load, and what it weighs."""

from __future__ import annotations

import json
import subprocess
import sys
import time
from collections.abc import Sequence
from pathlib import Path
from random import Random
from typing import Any

from interlock.lam.functions import shipped_space
from interlock.lam.load import load_action_model
from interlock.lam.measures import snips
from interlock.lam.protocol import ActionModel, ActionSchema, Observation
from interlock.lam.train import use_threads
from interlock.lam.weights import packaged_folder
from interlock.tools.drawer import read_actions

ROOT = Path(__file__).parents[2]
SIZES = (1, 3, 20)
SEED = 11
REQUESTS = (
    ("payments.transfer", "Transfer 250 euros to Acme with the reference invoice 2041."),
    ("email.send", 'Send an e-mail to anna@example.org with the subject "Report" about the parcel of Friday.'),
    ("calendar.add", "Put a meeting with Northwind Supplies into my calendar on 12 May 2026 at 15:30."),
    ("records.find", "Show me the invoice 2041."),
    ("play_music", "Play the album Bath by Thelma Aoyama on Spotify."),
    ("book_restaurant", "Book a table for four at the City Tavern in Vienna tomorrow at noon."),
    ("get_weather", "Will it be sunny in Lavina next week?"),
    ("search_creative_work", "Find the TV show called Spyforce."),
)  # fmt: skip

_LOAD = """
import json, time
begun = time.perf_counter()
from interlock.lam.load import load_action_model
from interlock.lam.protocol import ActionSchema, Observation
from interlock.lam.measures.report import peak_memory
imported = time.perf_counter()
model = load_action_model({folder}, threads=1)
loaded = time.perf_counter()
tool = ActionSchema(name="payments.transfer", description="Pay money by bank transfer.", parameters={{
    "type": "object", "properties": {{"payee": {{"type": "string"}}, "amount": {{"type": "number"}}}}}})
model.decide(Observation(sources={{"request": "Transfer 250 euros to Acme."}}), [tool], risk=1)
decided = time.perf_counter()
print(json.dumps({{"import_s": imported - begun, "load_s": loaded - imported, "first_decision_s": decided - loaded,
    "total_s": decided - begun, "cpu_s": time.process_time(), "peak_memory_mib": peak_memory()}}))
"""


def all_tools() -> dict[str, ActionSchema]:
    """Functions of ours to choose candidates from, by name."""
    drawer = read_actions(ROOT / "tools").values()
    made = [ActionSchema(name=a.name, description=a.description, parameters=a.parameters()) for a in drawer]
    return {schema.name: schema for schema in [*made, *shipped_space(), *snips.intent_tools()]}


def spaces(size: int) -> list[tuple[Observation, list[ActionSchema]]]:
    """Each request with its own tool and others beside it, `size` in all."""
    tools, chance = all_tools(), Random(SEED)
    found = []
    for name, text in REQUESTS:
        others = chance.sample(sorted(tools.keys() - {name}), size - 1)
        space = [tools[other] for other in (name, *others)]
        chance.shuffle(space)
        found.append((Observation(sources={"request": text}, today="2026-03-04"), space))
    return found


def latency(model: ActionModel, size: int, repeats: int = 15) -> dict[str, Any]:
    """Milliseconds of a decision among `size` tools that were met before: by the clock, and of processor time."""
    cases = spaces(size)
    for observation, space in cases:
        model.decide(observation, space, risk=1.0)
    wall, spent = [], []
    for _ in range(repeats):
        for observation, space in cases:
            began, used = time.perf_counter(), time.process_time()
            model.decide(observation, space, risk=1.0)
            spent.append(1000 * (time.process_time() - used))
            wall.append(1000 * (time.perf_counter() - began))
    return {
        "tools": size, "decisions": len(wall), "p50_ms": _at(wall, 0.5), "p95_ms": _at(wall, 0.95),
        "cpu_p50_ms": _at(spent, 0.5), "cpu_p95_ms": _at(spent, 0.95),
    }  # fmt: skip


def _at(values: Sequence[float], share: float) -> float:
    ordered = sorted(values)
    return round(ordered[min(len(ordered) - 1, int(len(ordered) * share))], 1)


def cold_load(folder: Path | None = None, times: int = 3) -> dict[str, Any]:
    """Seconds from the import to the first decision in fresh processes (the best of `times`), and their memory."""
    code = _LOAD.format(folder=f"__import__('pathlib').Path({str(folder)!r})" if folder else "None")
    found: list[dict[str, float]] = []
    for _ in range(times):
        ran = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True, timeout=300)
        found.append(json.loads(ran.stdout))
    best = min(found, key=lambda one: one["total_s"])
    return {name: round(value, 2) for name, value in best.items()}


def weight(folder: Path | None = None) -> dict[str, Any]:
    """Megabytes (10^6 bytes) of the trained tensors and their number of parameters."""
    place = folder or packaged_folder()
    size = sum(path.stat().st_size for path in place.glob("*.safetensors"))
    parameters = json.loads((place / "model.json").read_text(encoding="utf-8")).get("parameters")
    return {"own_weights_mb": round(size / 1e6, 2), "parameters": parameters}


def measure(folder: Path | None = None) -> dict[str, Any]:
    """All of it, on one thread."""
    use_threads(1)
    model = load_action_model(folder, threads=1)
    return {
        "latency": [latency(model, size) for size in SIZES],
        "cold_load": cold_load(folder),
        **weight(folder),
    }
