"""The example's `langgraph.json`: a server loads its graph, brings a checkpointer, and the guard stands as always."""

from __future__ import annotations

import asyncio
import importlib.util
import json
import re
import shutil
import sys
import uuid
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest
from langchain_core.runnables import RunnableConfig
from langgraph.checkpoint.memory import InMemorySaver
from langgraph.graph.state import CompiledStateGraph
from langgraph.pregel import Pregel
from langgraph.types import Command

from interlock.engine.project import Project
from interlock.engine.service import Engine

EXAMPLE = Path(__file__).parents[2] / "examples" / "langgraph"
NOTICE = {"text": "Water off on Monday", "until": "2026-12-01"}


@pytest.fixture
def folder(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """A copy of the example, with its state in it."""
    copy = tmp_path / "example"
    shutil.copytree(EXAMPLE, copy, ignore=shutil.ignore_patterns("__pycache__", ".interlock"))
    monkeypatch.setenv("INTERLOCK_HOME", str(copy / ".interlock"))
    return copy


@pytest.fixture
def graph(folder: Path) -> Iterator[Any]:
    """The graph that the file names, loaded as a server loads it: the module by its path, the variable by its name."""
    [reference] = json.loads((folder / "langgraph.json").read_text())["graphs"].values()
    path, _, variable = reference.partition(":")
    name = path.replace("/", "__").replace(".py", "").lstrip(".")
    found = importlib.util.spec_from_file_location(name, folder / path)
    assert found is not None
    assert found.loader is not None
    module = importlib.util.module_from_spec(found)
    sys.modules[name] = module
    found.loader.exec_module(module)
    yield module.__dict__[variable]
    del sys.modules[name]


def served(graph: Any) -> Any:
    """The copy that a server makes for a request: with its own checkpointer, whatever the graph was compiled with."""
    return graph.copy(update={"checkpointer": InMemorySaver(), "store": None})


def thread() -> RunnableConfig:
    return {"configurable": {"thread_id": str(uuid.uuid4())}}


def board(folder: Path) -> list[dict[str, Any]]:
    path = folder / ".interlock" / "board.jsonl"
    return [json.loads(line) for line in path.read_text().splitlines()] if path.exists() else []


def test_the_file_has_what_a_server_needs(folder: Path) -> None:
    """It names dependencies that exist, graphs as `path:variable`, a Python version and settings as text."""
    config = json.loads((folder / "langgraph.json").read_text())
    assert set(config) == {"$schema", "python_version", "dependencies", "graphs", "env"}
    assert all((folder / path).is_dir() for path in config["dependencies"])
    assert all(re.fullmatch(r"\./\w+\.py:\w+", reference) for reference in config["graphs"].values())
    assert tuple(map(int, config["python_version"].split("."))) >= (3, 11)
    assert all(name.startswith("INTERLOCK_") and isinstance(value, str) for name, value in config["env"].items())


def test_the_graph_is_compiled_and_leaves_persistence_to_the_server(graph: Any) -> None:
    """What is loaded is a compiled graph under the workflow's own name, without checkpointer or store."""
    assert isinstance(graph, CompiledStateGraph)
    assert isinstance(graph, Pregel)
    assert graph.name == "post_notice"
    assert graph.checkpointer is None
    assert graph.store is None


def test_a_served_run_waits_for_the_person_and_acts_once(graph: Any, folder: Path) -> None:
    """Driven as a server drives it, the run stops at the approval and posts once, after the recorded decision."""
    server, config = served(graph), thread()
    state = asyncio.run(server.ainvoke(NOTICE, config))
    [question] = state["__interrupt__"]
    assert question.value["action_requests"][0]["args"] == NOTICE
    assert board(folder) == []

    Engine(Project.at(folder)).approve(question.value["interlock"]["id"], "caretaker")
    for _ in range(2):
        state = asyncio.run(server.ainvoke(Command(resume={"look": "again"}), config))
    assert state["notice"] == {"number": 1}
    assert [line["text"] for line in board(folder)] == [NOTICE["text"]]
    run = Project.at(folder).services.runs.get(config["configurable"]["thread_id"])
    assert (run.status, run.output) == ("done", {"notice": {"number": 1}})


@pytest.mark.parametrize(
    "answer",
    [{"decision": "approve"}, {"decisions": [{"type": "approve"}]}, "approved", True, {"by": "caretaker"}],
    ids=str,
)
def test_what_a_client_sends_as_resume_decides_nothing(graph: Any, folder: Path, answer: Any) -> None:
    """Whoever may call the server can wake the run up, and it asks the same question again."""
    server, config = served(graph), thread()
    first = server.invoke(NOTICE, config)["__interrupt__"][0]
    again = server.invoke(Command(resume=answer), config)["__interrupt__"][0]
    assert again.value["interlock"]["id"] == first.value["interlock"]["id"]
    assert board(folder) == []
