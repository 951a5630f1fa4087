"""Flows of others, imported, run as they say."""

from __future__ import annotations

import json
import shutil
from pathlib import Path
from typing import Any

import pytest
from langchain_core.messages import AIMessage, BaseMessage
from langchain_core.outputs import ChatGeneration, ChatResult

from interlock.engine.project import Project
from interlock.engine.service import Engine, Standing
from interlock.graphs.agent_spec.importing import KnownAction, import_document
from interlock.graphs.agent_spec.reader import read_data
from interlock.settings import load_settings
from interlock.testing import ScriptedChatModel, count_words

TESTS = Path(__file__).parents[1]
FLOWS = TESTS / "graphs" / "agent_spec"


class ByWords(ScriptedChatModel):
    """Answers by the words of the question, for questions that are asked at once."""

    def _generate(self, messages: list[BaseMessage], *rest: Any, **more: Any) -> ChatResult:
        asked = messages[-1].text
        answer = AIMessage(json.dumps(next(reply for words, reply in self.replies if words in asked)))
        answer.usage_metadata = count_words(messages, answer)
        return ChatResult(generations=[ChatGeneration(message=answer)])


@pytest.fixture
def folder(tmp_path: Path) -> Path:
    folder = tmp_path / "project"
    for drawer in ("tools", "policies"):
        shutil.copytree(TESTS / "accepted" / drawer, folder / drawer)
    return folder


def imported(name: str, folder: Path, replies: list[Any] | ScriptedChatModel) -> tuple[Engine, str]:
    """An engine of a project with this flow in it, and the name of its graph."""
    known = {"house.notify": KnownAction(consequential=True, covered=True)}
    made = import_document(read_data(FLOWS / f"{name}.json"), known, {})
    for path, text in made.files.items():
        (folder / path).parent.mkdir(exist_ok=True)
        (folder / path).write_text(text, encoding="utf-8")
    (folder / "nodes").mkdir(exist_ok=True)
    chat = replies if isinstance(replies, ScriptedChatModel) else ScriptedChatModel(replies)
    settings = load_settings(home=folder / ".interlock")
    return Engine(Project(root=folder, settings=settings, make_chat_model=lambda provider: chat)), made.graph


def run(engine: Engine, graph: str, **values: Any) -> Standing:
    workflow = engine.project.workflow(engine.project.root / "graphs" / f"{graph}.yaml")
    return engine.drive(engine.start(workflow, values, "requester").id)


def test_a_loop_goes_round_until_its_judge_agrees(folder: Path) -> None:
    """The judge reads the draft first and its better version then, as both feed it."""
    replies = [{"text": "one"}, {"verdict": "no"}, {"text": "two"}, {"verdict": "yes"}]
    engine, graph = imported("loop", folder, replies)
    standing = run(engine, graph, request="the weather")
    assert (standing.run.status, standing.run.output) == ("done", {"loop_draft": {"text": "two"}})
    steps = [visit.step for visit in engine.project.services.runs.visits(standing.run.id)]
    assert steps == ["loop_draft", "loop_judge", "loop_better", "loop_judge"]


def test_a_line_ends_in_the_call(folder: Path) -> None:
    """What the model wrote, and the constant of the flow, are the arguments of the action."""
    engine, graph = imported("line", folder, [{"answer": "It rains."}])
    standing = run(engine, graph, request="the weather", to="anna@example.org")
    assert standing.run.status == "done"
    [effect] = engine.project.services.ledger.of_run(standing.run.id)
    assert effect.action == "house.notify"
    assert effect.arguments == {"to": "anna@example.org", "text": "It rains.", "urgent": False}


@pytest.mark.parametrize(
    ("values", "end"),
    [
        ({"mood": "merry", "weather": "rain"}, "dance"),
        ({"mood": "sad", "weather": "rain"}, "stay"),
        ({"mood": "sad", "weather": "sun"}, "walk"),
        ({"mood": "none", "weather": "rain"}, "rest"),
    ],
)
def test_branches_lead_where_the_flow_says(folder: Path, values: dict[str, str], end: str) -> None:
    """Each combination of the two compared values reaches the end that the flow has for it."""
    engine, graph = imported("fork_in_the_road", folder, [{"thought": "Well."}])
    assert run(engine, graph, **values).run.outcome == end


def test_a_map_runs_its_flow_for_each_item(folder: Path) -> None:
    """One child run an item, in the order of the list."""
    engine, graph = imported("each", folder, [{"summary": "a"}, {"summary": "b"}])
    standing = run(engine, graph, articles=["first", "second"])
    items = standing.run.output["map"]
    assert [item["output"] for item in items] == [{"one_think": {"summary": "a"}}, {"one_think": {"summary": "b"}}]


def test_flows_side_by_side_run_apart_and_come_together(folder: Path) -> None:
    """What both wrote stands in the state after the join."""
    replies = [
        ("Look at the front", {"front": "a door"}),
        ("Look at the back", {"back": "a garden"}),
        ("a door</front> and <back>a garden", {"view": "a door and a garden"}),
    ]
    engine, graph = imported("side_by_side", folder, ByWords(replies))
    project = engine.project
    steps = project.workflow(folder / "graphs" / f"{graph}.yaml").spec.steps
    assert [step.kind for step in steps.values()] == ["fork", "graph", "graph", "join", "reason"]
    standing = run(engine, graph, request="the house")
    assert standing.run.output == {"both_sum": {"view": "a door and a garden"}}


def test_a_question_to_a_person_waits_for_one(folder: Path) -> None:
    """An input message is a form that a person fills in; the answer chooses the end of the inner flow."""
    engine, graph = imported("nested", folder, [{"answer": "Gladly."}])
    standing = run(engine, graph, request="the weather")
    [question] = standing.waiting
    assert question.request["form"]["properties"].keys() >= {"said"}
    engine.approve(question.id, "first", answer={"said": "yes"})
    assert engine.drive(standing.run.id).run.outcome == "done"
