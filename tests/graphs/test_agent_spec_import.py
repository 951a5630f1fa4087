"""Open Agent Spec flows of others: what they become here, what is still to be written, and what is refused by name."""

from __future__ import annotations

import copy
import json
import re
import shutil
import sys
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest
import yaml
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st
from typer.testing import CliRunner, Result

from interlock.cli.app import app
from interlock.errors import ProjectError
from interlock.graphs.agent_spec.importing import import_document
from interlock.graphs.agent_spec.reader import REFUSED, components, read_data
from interlock.source import SourceError, parse_document

FOLDER = Path(__file__).parent / "agent_spec"
HOUSE = Path(__file__).parents[1] / "accepted"
sys.path.insert(0, str(FOLDER))

import flows  # noqa: E402  # beside its documents

TOOL = '''
from interlock.tools.action import ActionContext, Arguments, Result, about, action


class Wish(Arguments):
    place: str = about("Where.")
    guests: int = about("How many.")
    outside: bool = about("Whether outside.", default=False)


class Booked(Result):
    booking: str


@action("imported.book_table", effect="{effect}", risk="medium")
def book(arguments: Wish, context: ActionContext) -> Booked:
    """Book a table."""
    return Booked(booking=context.key)
'''


@pytest.fixture
def project(tmp_path: Path) -> Path:
    """A project with tools and policies, and no graphs."""
    folder = tmp_path / "project"
    for drawer in ("tools", "policies"):
        shutil.copytree(HOUSE / drawer, folder / drawer)
    return folder


def call(*words: object) -> Result:
    return CliRunner().invoke(app, [str(word) for word in words])


def by_hand() -> dict[str, Any]:
    data: dict[str, Any] = yaml.safe_load((FOLDER / "by_hand.yaml").read_text())
    return data


def translated(data: dict[str, Any], file: str = "flow.yaml") -> Any:
    return import_document(parse_document(json.dumps(data), file), {}, {}, plain=True)


def refusal(data: dict[str, Any]) -> str:
    with pytest.raises(ProjectError) as error:
        translated(data)
    return error.value.message


@pytest.mark.parametrize("name", flows.FLOWS)
def test_a_flow_of_the_formats_library_passes_our_checks(name: str, project: Path) -> None:
    """Lines, branches, loops, flows in flows and maps become graphs that `interlock check` accepts as they are."""
    (project / "flow.json").write_text(flows.as_json(flows.FLOWS[name]()))
    result = call("import", project / "flow.json", project, "--json")
    assert result.exit_code == 0, result.output
    found = json.loads(result.stdout)
    assert (found["ok"], found["restored"], found["graph"], found["needed"]) == (True, False, name, [])
    assert f"graphs/{name}.yaml" in found["files"]
    assert all((project / path).read_text().startswith("# yaml-language-server: $schema=") for path in found["files"])


def test_flows_side_by_side_become_a_fork_and_a_join(project: Path) -> None:
    """Each flow is a branch with a graph of its own, and what comes after reads what both wrote."""
    result = call("import", FOLDER / "side_by_side.json", project, "--json")
    assert (result.exit_code, json.loads(result.stdout)["check"]["findings"]) == (0, [])
    steps = parse_document((project / "graphs" / "side_by_side.yaml").read_text(), "graph.yaml").data["steps"]
    assert steps["both"] == {"fork": ["front", "back"]}
    assert steps["both_join"] == {"join": "both"}
    assert steps["both_sum"]["reads"] == ["front", "back"]


def test_a_flow_whose_ends_all_have_names_is_left_by_these(project: Path) -> None:
    """No edge is made for an end that the inner flow does not have."""
    data = json.loads((FOLDER / "nested.json").read_text())
    for made in components(data):
        if made["id"] == "inner.good":
            made["branch_name"] = "accepted"
        if made["component_type"] == "ControlFlowEdge" and made["from_node"] == {"$component_ref": "outer.step"}:
            made["from_branch"] = made["from_branch"].replace("next", "accepted")
    path = project / "flow.json"
    path.write_text(json.dumps(data))
    result = call("import", path, project, "--json")
    assert (result.exit_code, json.loads(result.stdout)["check"]["findings"]) == (0, [])


@pytest.mark.parametrize("name", flows.FLOWS)
def test_a_later_release_writes_the_same_flow(name: str) -> None:
    """The stored documents, written by a later release, become the same files as what the library writes now."""
    stored = import_document(read_data(FOLDER / f"{name}.json"), {}, {})
    now = import_document(parse_document(flows.as_json(flows.FLOWS[name]()), "flow.yaml"), {}, {})
    assert stored.files == now.files
    assert stored.notes == now.notes


def test_names_stand_for_data_edges_where_there_are_none() -> None:
    """A flow without data edges joins equal names, and becomes the same graph as with the edges written out."""
    data = json.loads((FOLDER / "loop.json").read_text())
    assert translated(data | {"data_flow_connections": None}).files == translated(data).files


def test_nodes_that_feed_one_input_write_one_key() -> None:
    """Where a draft and its better version feed one judge, the last one that ran counts: both write the same key."""
    graph = yaml.safe_load(translated(json.loads((FOLDER / "loop.json").read_text())).files["graphs/loop.yaml"])
    steps = graph["steps"]
    assert steps["loop_draft"]["writes"] == steps["loop_better"]["writes"] == "loop_draft"
    assert steps["loop_judge"]["reads"] == ["loop_draft"]
    assert steps["loop_judge"]["visits"] == steps["loop_better"]["visits"] == 10


def test_branching_nodes_become_conditions() -> None:
    """One behind the other they compare two values at once; the last way is the one that is left."""
    made = translated(json.loads((FOLDER / "fork_in_the_road.json").read_text()))
    text = made.files["graphs/fork_in_the_road.yaml"]
    edges = parse_document(text, "graph.yaml").data["edges"]
    assert [edge.get("when") for edge in edges if edge["from"] == "START"] == [
        {"$.mood": {"in": ["glad", "merry"]}},
        {"$.mood": "sad", "$.weather": "rain"},
        {"$.mood": "sad", "$.weather": {"ne": "rain"}},
        None,
    ]
    assert [edge.get("outcome") for edge in edges] == ["dance", "stay", "walk", None, "rest"]


def test_an_unknown_tool_waits_for_a_person_and_is_asked_for(project: Path) -> None:
    """Nothing is guessed about it: the action to be written is named with its arguments, and each call is approved."""
    result = call("import", FOLDER / "by_hand.yaml", project, "--json")
    assert result.exit_code == 1
    found = json.loads(result.stdout)
    [needed] = found["needed"]
    assert (needed["what"], needed["name"], needed["about"]) == ("action", "imported.book_table", "Book a table.")
    assert [item["title"] for item in needed["inputs"]] == ["place", "guests", "outside"]
    assert [item["title"] for item in needed["outputs"]] == ["booking"]
    graph = parse_document((project / "graphs" / "book_a_table.yaml").read_text(), "graph.yaml").data
    assert graph["steps"]["approve_book"] == {
        "approve": "May imported.book_table be called with these values?",
        "reads": ["find_a_place", "guests"],
        "covers": "book",
    }
    assert {"G011"} <= {finding["code"] for finding in found["check"]["findings"]}
    shown = call("import", FOLDER / "by_hand.yaml", project)
    assert "to be written in tools/: the action `imported.book_table`" in shown.output
    assert "declare its effect and risk there" in shown.output


def test_once_the_action_is_written_the_graph_passes_its_checks(project: Path) -> None:
    """With an effect of its own the call stays behind the person's approval, and nothing else is missing."""
    (project / "tools" / "book.py").write_text(TOOL.format(effect="keyed"))
    result = call("import", FOLDER / "by_hand.yaml", project, "--json")
    found = json.loads(result.stdout)
    assert (result.exit_code, found["needed"], found["check"]["findings"]) == (0, [], [])
    assert "approve_book" in (project / "graphs" / "book_a_table.yaml").read_text()


def test_an_action_that_only_reads_asks_nobody(project: Path) -> None:
    """Where the project says that the action changes nothing, there is nothing to confirm, and that is said."""
    (project / "tools" / "book.py").write_text(TOOL.format(effect="read"))
    found = json.loads(call("import", FOLDER / "by_hand.yaml", project, "--json").stdout)
    assert found["ok"]
    assert "approve_book" not in (project / "graphs" / "book_a_table.yaml").read_text()
    assert any("nobody is asked" in note for note in found["notes"])


def test_prompts_are_text_and_values_in_tags() -> None:
    """Placeholders become references in tags of their own, and a dollar sign stays one; no address is taken over."""
    made = translated(by_hand())
    card = yaml.safe_load(made.files["nodes/book_a_table_find_a_place.yaml"])
    assert card["prompt"] == "A guest wants: <wish>$wish</wish>\n\nName one place for at most $$40 a head."
    assert card["goal"] == "Find a place that fits the wish."
    assert card["output"]["street"] == {"type": "string", "description": "Where it is."}
    assert "somewhere.invalid" not in "".join(made.files.values())
    assert any("it asked for some-model" in note for note in made.notes)


# What is refused ------------------------------------------------------------------------------------


def with_node(kind: str, **fields: Any) -> dict[str, Any]:
    """The flow with another component in the place of its thought."""
    data = by_hand()
    data["$referenced_components"]["think"] |= {"component_type": kind, "name": "Odd one", **fields}
    return data


def with_tool(kind: str) -> dict[str, Any]:
    data = by_hand()
    data["$referenced_components"]["book"]["tool"] |= {"component_type": kind, "name": "Odd one"}
    return data


@pytest.mark.parametrize("kind", REFUSED)
def test_a_component_without_a_counterpart_is_refused_by_its_name(kind: str) -> None:
    """The message names kind and name of the component, and says what to do instead."""
    data = with_tool(kind) if kind.endswith("Tool") else with_node(kind)
    message = refusal(data)
    assert f"{kind} `Odd one`" in message
    assert REFUSED[kind] in message


@pytest.mark.parametrize("kind", ["Agent", "Swarm", "ManagerWorkers", "RemoteAgent", "OllamaConfig"])
def test_only_a_flow_is_a_workflow(kind: str) -> None:
    """What has no steps of its own cannot be a graph."""
    assert f"{kind} `Book a Table!`: only a Flow is a workflow" in refusal(by_hand() | {"component_type": kind})


def test_an_unheard_of_component_is_refused() -> None:
    """A component of a later version, or of a plugin, is not taken for something else."""
    assert "PluginNode `Odd one`: there is no such step here" in refusal(with_node("PluginNode"))


def test_the_line_of_a_refused_component_is_told() -> None:
    """A YAML document has lines."""
    text = (FOLDER / "by_hand.yaml").read_text().replace("component_type: LlmNode", "component_type: ApiNode")
    line = text.split("component_type: ApiNode")[0].count("\n") + 1
    with pytest.raises(ProjectError, match=f"line {line}: ApiNode `Find a place`"):
        import_document(parse_document(text, "flow.yaml"), {}, {})


def _without_source(data: dict[str, Any]) -> None:
    del data["data_flow_connections"][0]


def _to_nowhere(data: dict[str, Any]) -> None:
    data["control_flow_connections"][0]["to_node"] = {"$component_ref": "nobody"}


def _two_ways(data: dict[str, Any]) -> None:
    data["control_flow_connections"].append(data["control_flow_connections"][0] | {"id": "c9"})


def _no_way(data: dict[str, Any]) -> None:
    del data["control_flow_connections"][1]


def _odd_branch(data: dict[str, Any]) -> None:
    data["control_flow_connections"][0]["from_branch"] = "sideways"


def _two_starts(data: dict[str, Any]) -> None:
    data["$referenced_components"]["think"]["component_type"] = "StartNode"


def _no_output(data: dict[str, Any]) -> None:
    data["data_flow_connections"][1]["source_output"] = "weather"


def _no_input(data: dict[str, Any]) -> None:
    data["data_flow_connections"][1]["destination_input"] = "weather"


def _same_id(data: dict[str, Any]) -> None:
    data["$referenced_components"]["think"]["llm_config"]["id"] = "book"


def _no_prompt(data: dict[str, Any]) -> None:
    data["$referenced_components"]["think"]["prompt_template"] = " "


def _itself(data: dict[str, Any]) -> None:
    data["$referenced_components"]["think"] |= {"component_type": "FlowNode", "subflow": {"$component_ref": "flow"}}


def _averaged(data: dict[str, Any]) -> None:
    inner = json.loads((FOLDER / "line.json").read_text())
    data["$referenced_components"] |= inner.pop("$referenced_components", {})
    data["$referenced_components"]["think"] |= {
        "component_type": "MapNode", "subflow": inner, "reducers": {"id": "average"},
    }  # fmt: skip


def _alone(data: dict[str, Any]) -> None:
    data["$referenced_components"]["think"] |= {"component_type": "ParallelFlowNode", "subflows": []}


def _from_two(data: dict[str, Any]) -> None:
    edge = data["data_flow_connections"][1]
    data["data_flow_connections"].append(edge | {"id": "d9", "source_output": "street"})


def _like_a_path(data: dict[str, Any]) -> None:
    del data["data_flow_connections"][2]
    data["$referenced_components"]["book"]["tool"]["inputs"][1] = {
        "title": "guests", "type": "string", "default": "$.wish",
    }  # fmt: skip


def _new_version(data: dict[str, Any]) -> None:
    data["agentspec_version"] = "31.1.0"


@pytest.mark.parametrize(
    ("change", "words"),
    [
        (_without_source, "input `wish` of LlmNode `Find a place`: nothing feeds it, and it has no default"),
        (_to_nowhere, "there is no component `nobody`"),
        (_two_ways, "two edges leave StartNode `start` by `next`"),
        (_no_way, "no edge leaves LlmNode `Find a place` by `next`"),
        (_odd_branch, "StartNode `start` has no branch `sideways`"),
        (_two_starts, "Flow `Book a Table!` has 2 start nodes, not one"),
        (_no_output, "LlmNode `Find a place` has no output `weather`"),
        (_no_input, "ToolNode `Book` has no input `weather`"),
        (_same_id, "two components have the id `book`"),
        (_no_prompt, "LlmNode `Find a place` has no prompt"),
        (_itself, "a flow cannot be a step of itself"),
        (_averaged, "MapNode `Find a place`: it reduces by average"),
        (_alone, "ParallelFlowNode `Find a place` runs 0 flows"),
        (_from_two, "input `place` of ToolNode `Book` takes its value from"),
        (_like_a_path, "its default reads like a path"),
        (_new_version, "agentspec_version 31.1.0 is not known"),
    ],
    ids=lambda value: value.__name__ if callable(value) else "",
)
def test_a_flow_that_means_nothing_here_is_refused(change: Callable[[dict[str, Any]], None], words: str) -> None:
    """Each fault is named with the component it is in."""
    data = by_hand()
    change(data)
    assert words in refusal(data)


def test_feeding_nodes_must_feed_all_alike() -> None:
    """Two nodes of one key, of which another input takes only one, would mean something else here."""
    data = json.loads((FOLDER / "loop.json").read_text())
    gone = next(edge for edge in components(data) if edge["id"] == "loop.d4")
    data["data_flow_connections"] = [edge for edge in data["data_flow_connections"] if edge["id"] != gone["id"]]
    assert "input `text` of LlmNode `loop.better` must take its value from `loop.better` too" in refusal(data)


# Untrusted documents --------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("text", "words"),
    [
        ('{"a": 1, "a": 2}', "stands twice"),
        ('{"a": NaN}', "no number"),
        ('{"a": Infinity}', "no number"),
        ('{"a": ' + "[" * 60 + "]" * 60 + "}", "deeper than"),
        ("[" * 100_000 + "]" * 100_000, "nested too deep"),
        ("[1]", "one object"),
        ('{"a": "\\u0007"}', "U\\+0007"),
        ('{"a": "\\u202e"}', "U\\+202E"),
        ('{"a": 12345678901234567890}', "digits"),
        ('{"a": 1', "not JSON"),
        ('{"a": "' + "x" * 1_000_001 + '"}', "larger than"),
    ],
    ids=["twice", "nan", "infinity", "deep", "deeper", "list", "bell", "order", "digits", "cut", "large"],
)
def test_json_is_held_to_the_rules_of_our_yaml(text: str, words: str, tmp_path: Path) -> None:
    """What two readers could read differently, or what hides, is refused before anything looks at it."""
    path = tmp_path / "flow.json"
    path.write_text(text, encoding="utf-8")
    with pytest.raises(ProjectError, match=words):
        read_data(path)


@pytest.mark.parametrize(
    ("text", "code"),
    [("a: &x 1\nb: *x\n", "Y010"), ("a: !!python/name:os.system x\n", "Y011"), ("a: 1\na: 2\n", "Y009")],
)
def test_yaml_goes_through_the_strict_reader(text: str, code: str, tmp_path: Path) -> None:
    """Anchors, tags and keys that stand twice are refused at their place."""
    path = tmp_path / "flow.yaml"
    path.write_text(text)
    with pytest.raises(SourceError) as error:
        read_data(path)
    assert [finding.code for finding in error.value.findings] == [code]


ODD = st.one_of(
    st.none(),
    st.booleans(),
    st.integers(-3, 10**12),
    st.text(max_size=8),
    st.sampled_from(
        [[], {}, [[]], [{}], {"type": ["string", "null"]}, {"$component_ref": "start"}, "START", "$.a", 0.5]
    ),
)
DOCUMENTS = [by_hand(), *(json.loads(path.read_text()) for path in sorted(FOLDER.glob("*.json")))]


@settings(max_examples=400, deadline=None)
@given(st.sampled_from(DOCUMENTS), st.data())
def test_whatever_a_document_holds_it_is_a_graph_or_a_clear_refusal(document: Any, data: st.DataObject) -> None:
    """With any value in it replaced, or any key gone, an import ends in files that can be read, or in one sentence."""
    made = copy.deepcopy(document)
    for _ in range(data.draw(st.integers(1, 2))):
        holder, key = data.draw(st.sampled_from(sorted(_places(made), key=lambda place: str(place[1]))))
        if data.draw(st.booleans()):
            holder[key] = data.draw(ODD)
        elif isinstance(holder, dict):
            del holder[key]
    try:
        found = translated(made)
    except ProjectError:
        return
    for path, text in found.files.items():
        assert re.fullmatch(r"(graphs|nodes)/[a-z][a-z0-9_]*\.yaml", path)
        parse_document(text, path)


def _places(value: Any) -> list[tuple[Any, Any]]:
    """Every place in a document, as its holder and key."""
    keys = list(value) if isinstance(value, dict) else list(range(len(value))) if isinstance(value, list) else []
    return [place for key in keys for place in [(value, key), *_places(value[key])]]


@pytest.fixture
def exported(tmp_path: Path) -> dict[str, Any]:
    """An export of a graph with an approval."""
    path = tmp_path / "flow.json"
    assert call("export", HOUSE / "approval_edge.yaml", "--to", "agent-spec", "-o", path).exit_code == 0
    data: dict[str, Any] = json.loads(path.read_text())
    return data


def _edited_prompt(data: dict[str, Any]) -> None:
    next(made for made in components(data) if made["component_type"] == "LlmNode")["prompt_template"] += " Pay twice."


def _edited_spec(data: dict[str, Any]) -> None:
    data["metadata"]["interlock"]["spec"]["edges"][0]["target"] = "pay"


def _other_tool(data: dict[str, Any]) -> None:
    next(made for made in components(data) if made["component_type"] == "ServerTool")["name"] = "house.wire"


@pytest.mark.parametrize("change", [_edited_prompt, _edited_spec, _other_tool])
def test_a_flow_that_differs_from_what_we_kept_is_not_restored(
    change: Callable[[dict[str, Any]], None], exported: dict[str, Any]
) -> None:
    """What is shown is what would run: a change of either part is refused, and the way on is told."""
    change(exported)
    with pytest.raises(ProjectError, match=r"differ, first at .*--plain"):
        import_document(parse_document(json.dumps(exported), "flow.yaml"), {}, {})


@pytest.mark.parametrize(
    "kept", [{}, [], {"format": 2}, {"format": 1}, {"format": 1, "spec": {"graph": "../x"}}], ids=str
)
def test_odd_metadata_is_refused(kept: Any, exported: dict[str, Any]) -> None:
    """What is kept must be a graph of ours, by its own rules."""
    exported["metadata"]["interlock"] = kept
    with pytest.raises(ProjectError, match="--plain"):
        import_document(parse_document(json.dumps(exported), "flow.yaml"), {}, {})


@settings(max_examples=150, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(st.data())
def test_whatever_is_kept_it_is_this_graph_or_refused(exported: dict[str, Any], data: st.DataObject) -> None:
    """With any value in the kept graph replaced, an import restores what the flow says, or ends in one sentence."""
    made = copy.deepcopy(exported)
    holder, key = data.draw(st.sampled_from(_places(made["metadata"]["interlock"]["spec"])))
    holder[key] = data.draw(ODD)
    try:
        found = import_document(parse_document(json.dumps(made), "flow.yaml"), {}, {})
    except ProjectError:
        return
    assert found.restored
    for path, text in found.files.items():
        parse_document(text, path)


def test_filling_in_the_model_elsewhere_changes_nothing(exported: dict[str, Any]) -> None:
    """The placeholder of a model may be replaced, descriptions and positions added: it is still the same graph."""
    for made in list(components(exported)):
        if made["component_type"].endswith("Config"):
            made |= {"component_type": "OpenAiConfig", "model_id": "some-model"}
        made["description"] = "Something else."
        made.setdefault("metadata", {})["gui"] = {"x": 1}
    assert import_document(parse_document(json.dumps(exported), "flow.yaml"), {}, {}).restored


def test_missing_approvals_are_asked_for(exported: dict[str, Any], project: Path) -> None:
    """A graph restored where a policy is missing says which requirement it meant."""
    made = import_document(parse_document(json.dumps(exported), "flow.yaml"), {}, {})
    assert [(item.what, item.name) for item in made.needed] == [
        ("action", "house.pay"),
        ("approval", "owner_agrees"),
    ]
    assert '"role": "owner"' in made.needed[1].about


# The command ----------------------------------------------------------------------------------------


def test_nothing_is_overwritten(project: Path) -> None:
    """A file that says something else stops the import before anything is written."""
    (project / "nodes").mkdir()
    card = project / "nodes" / "book_a_table_find_a_place.yaml"
    card.write_text("mine\n")
    result = call("import", FOLDER / "by_hand.yaml", project)
    assert result.exit_code == 1
    assert isinstance(result.exception, ProjectError)
    assert "says something else; nothing was written" in result.exception.message
    assert card.read_text() == "mine\n"
    assert not (project / "graphs").exists()


def test_importing_twice_is_the_same_as_once(project: Path) -> None:
    """The same document gives the same files, byte for byte."""
    first = call("import", FOLDER / "by_hand.yaml", project, "--json")
    texts = {path: path.read_text() for path in project.rglob("*.yaml")}
    assert call("import", FOLDER / "by_hand.yaml", project, "--json").stdout == first.stdout
    assert {path: path.read_text() for path in project.rglob("*.yaml")} == texts


def test_the_export_says_what_is_lost_and_keeps_stdout_clean(tmp_path: Path) -> None:
    """The document is all of stdout; the guards that are lost come first on stderr."""
    result = call("export", HOUSE / "approval_edge.yaml", "--to", "agent-spec")
    assert result.exit_code == 0
    assert json.loads(result.stdout)["component_type"] == "Flow"
    assert result.stderr.startswith("GUARDS THAT ARE LOST in any other runtime:\n")
    assert "owner_agrees" in result.stderr
    found = json.loads(call("export", HOUSE / "approval_edge.yaml", "--to", "agent-spec", "--json").stdout)
    assert found["graph"] == "approval_edge"
    assert {"step", "message", "guard"} == set(found["losses"][0])
    assert found["losses"][0]["guard"] is True


def test_unknown_formats_and_graphs_are_refused() -> None:
    """A format that is not there is a usage error, a graph that is not there a failure."""
    assert call("export", HOUSE / "form.yaml", "--to", "bpmn").exit_code == 2
    assert call("import", FOLDER / "by_hand.yaml", "--from", "bpmn").exit_code == 2
    assert isinstance(call("export", "no_such_graph", "--to", "agent-spec").exception, ProjectError)
