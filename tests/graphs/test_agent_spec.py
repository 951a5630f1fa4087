"""Graphs as Open Agent Spec flows: the format's own library reads them, and our import restores them whole."""

from __future__ import annotations

import json
import shutil
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any, cast

import pytest
import yaml
from all_kinds import every_kind
from hypothesis import HealthCheck, given, settings
from pyagentspec.flows.flow import Flow
from pyagentspec.flows.nodes import LlmNode
from pyagentspec.serialization import AgentSpecDeserializer, AgentSpecSerializer
from pyagentspec.versioning import AgentSpecVersionEnum
from random_specs import ACTIONS, specs

from interlock.errors import ProjectError
from interlock.graphs.agent_spec.exporting import Exported, export
from interlock.graphs.agent_spec.importing import KnownAction, import_document
from interlock.graphs.agent_spec.reader import components, read_data
from interlock.graphs.agent_spec.vocabulary import FIRST_VERSION, OURS, REFERENCED, STRUCTURED_VERSION
from interlock.graphs.authored import functions, shared
from interlock.graphs.loader import load_spec
from interlock.graphs.spec import Spec
from interlock.nodes.drawer import read_cards
from interlock.policies.drawer import PolicyDrawer, read_policies
from interlock.policies.language import People, Policy, Requirement
from interlock.source import parse_document
from interlock.tools.action import Action
from interlock.tools.drawer import read_actions

ROOT = Path(__file__).parents[2]
HOUSES = {
    "starter": (ROOT, ROOT / "graphs"),
    "accepted": (ROOT / "tests" / "accepted", ROOT / "tests" / "accepted"),
    "pay_invoice": (ROOT / "examples" / "pay_invoice", ROOT / "examples" / "pay_invoice" / "graphs"),
}
GRAPHS = {
    f"{house}/{path.stem}": (root, path)
    for house, (root, folder) in HOUSES.items()
    for path in sorted(folder.glob("*.yaml"))
}
READABLE = {version.value for version in AgentSpecVersionEnum}
"""Versions that the library in use can read."""


@dataclass(frozen=True)
class House:
    """The drawers of one project."""

    root: Path

    def spec(self, path: Path) -> Spec:
        loaded = load_spec(
            path, read_cards(self.root / "nodes").cards, self.actions, read_policies(self.root / "policies")
        )
        assert loaded.spec is not None, [finding.message for finding in loaded.findings]
        return loaded.spec

    @property
    def actions(self) -> Mapping[str, Action]:
        return read_actions(self.root / "tools")

    def known(self) -> dict[str, KnownAction]:
        policies = read_policies(self.root / "policies")
        return {
            name: KnownAction(action.consequential, bool(policies.covering(name)))
            for name, action in self.actions.items()
        }


def exported(name: str) -> Exported:
    root, path = GRAPHS[name]
    return export(House(root).spec(path), House(root).actions)


def nodes(document: Any, kind: str) -> dict[str, dict[str, Any]]:
    return {made["name"]: made for made in components(document) if made["component_type"] == kind}


def restored(name: str, file: Path, folder: Path) -> Spec:
    """What is read from a document, in a new project with the same tools, policies and functions."""
    root, _ = GRAPHS[name]
    for drawer in ("tools", "policies"):
        shutil.copytree(root / drawer, folder / drawer)
    (folder / "nodes").mkdir()
    for function in (root / "nodes").glob("*.py"):
        shutil.copy(function, folder / "nodes")
    house = House(folder)
    made = import_document(read_data(file), house.known(), read_policies(folder / "policies").approvals)
    assert made.restored
    assert [item.what for item in made.needed if item.what != "function"] == []
    for path, text in made.files.items():
        (folder / path).parent.mkdir(exist_ok=True)
        (folder / path).write_text(text, encoding="utf-8")
    return house.spec(folder / "graphs" / f"{made.graph}.yaml")


@pytest.mark.parametrize("name", GRAPHS)
@pytest.mark.parametrize("form", ["json", "yaml"])
def test_export_and_import_give_the_same_spec(name: str, form: str, tmp_path: Path) -> None:
    """A graph that went out and came back has the digest that it had, cards and subgraphs included."""
    document = exported(name).document
    file = tmp_path / f"flow.{form}"
    file.write_text(json.dumps(document) if form == "json" else shared(document), encoding="utf-8")
    root, path = GRAPHS[name]
    assert restored(name, file, tmp_path / "project").digest() == House(root).spec(path).digest()


@pytest.fixture
def library(monkeypatch: pytest.MonkeyPatch) -> Callable[[dict[str, Any]], Flow]:
    """The format's own reader.

    Later releases do not install beside our pydantic, and the first one lacks three additions of 25.4.2:
    several outputs of an LLM node, which are added here; a flag on tools; and parallel nodes.
    """
    if STRUCTURED_VERSION in READABLE:
        return lambda document: cast(Flow, AgentSpecDeserializer().from_dict(document))
    inferred = LlmNode._get_inferred_outputs
    monkeypatch.setattr(LlmNode, "_get_inferred_outputs", lambda node: node.outputs or inferred(node))

    def read(document: dict[str, Any]) -> Flow:
        older = json.loads(json.dumps(document).replace('"ParallelMapNode"', '"MapNode"'))
        for made in components(older):
            made.pop("requires_confirmation", None)
        if nodes(older, "ParallelFlowNode"):
            pytest.skip("this release of pyagentspec has no parallel flows")
        return cast(Flow, AgentSpecDeserializer().from_dict(older | {"agentspec_version": FIRST_VERSION}))

    return read


@pytest.mark.parametrize("name", GRAPHS)
def test_the_formats_library_reads_what_we_write(name: str, library: Callable[[dict[str, Any]], Flow]) -> None:
    """Every node, type and edge of a flow passes the library's own checks."""
    document = exported(name).document
    flow = library(document)
    assert [node.id for node in flow.nodes] == [item["$component_ref"] for item in document["nodes"]]
    assert len(flow.control_flow_connections) == len(document["control_flow_connections"])
    assert len(flow.data_flow_connections or []) == len(document["data_flow_connections"])


@pytest.mark.parametrize("name", ["read_only", "one_look", "route_else", "wait_event", "any_value"])
def test_what_another_program_wrote_again_is_restored(name: str, tmp_path: Path) -> None:
    """The library moves components about and adds defaults; what the flow does is the same, and so is the spec."""
    name = f"accepted/{name}"
    flow = AgentSpecDeserializer().from_dict(exported(name).document)
    (tmp_path / "flow.json").write_text(AgentSpecSerializer().to_json(flow), encoding="utf-8")
    (tmp_path / "flow.yaml").write_text(AgentSpecSerializer().to_yaml(flow), encoding="utf-8")
    root, path = GRAPHS[name]
    for form in ("json", "yaml"):
        spec = restored(name, tmp_path / f"flow.{form}", tmp_path / form)
        assert spec.digest() == House(root).spec(path).digest()


def test_a_call_behind_an_approval_is_exported_with_a_warning_that_nobody_overlooks() -> None:
    """The tool asks for confirmation, as far as the format goes, and the lost guard comes first in the list."""
    made = exported("starter/polish_and_send")
    [tool] = nodes(made.document, "ServerTool").values()
    assert (tool["name"], tool["requires_confirmation"]) == ("email.send", True)
    assert tool["metadata"][OURS] == {"effect": "queryable", "risk": "high"}
    lost = [loss.text() for loss in made.losses if loss.guard]
    assert lost == [loss.text() for loss in made.losses][: len(lost)]
    assert any("polish -> send" in text and "outbound_mail" in text and "NOT enforced" in text for text in lost)
    assert any("email.send" in text and "no policy" in text for text in lost)


def test_a_thought_is_a_prompt_with_typed_outputs() -> None:
    """Fields of values are inputs of their own, fed from each node that writes the key."""
    document = exported("starter/polish_and_send").document
    polish = nodes(document, "LlmNode")["polish"]
    assert polish["prompt_template"].startswith(
        "Polish the draft of an email without changing what it says.\n\n{{request}}"
    )
    assert [item["title"] for item in polish["outputs"]] == ["subject", "body"]
    fed = {(edge["source_node"]["$component_ref"], edge["source_output"], edge["destination_input"])
           for edge in document["data_flow_connections"]
           if edge["destination_node"]["$component_ref"] == "polish_and_send.send"}  # fmt: skip
    assert fed == {
        ("polish_and_send.START", "to", "to"),
        ("polish_and_send.polish", "subject", "subject"),
        ("polish_and_send.polish", "body", "body"),
    }


def test_a_step_without_a_node_of_its_own_cannot_be_passed_by() -> None:
    """Waiting becomes a tool that the other runtime must have, and the user is told its name."""
    made = exported("accepted/wait_span")
    assert "interlock.wait.rest" in nodes(made.document, "ServerTool")
    assert any("interlock.wait.rest" in loss.message for loss in made.losses)


def test_a_route_is_a_question_and_a_branching_node() -> None:
    """Each label is a branch, and whatever else the model says takes the way of abstaining."""
    document = exported("accepted/route_auto").document
    choice = nodes(document, "BranchingNode")["sort.choice"]
    assert choice["mapping"] == {"money": "money", "talk": "talk"}
    ways = {edge["from_branch"] for edge in document["control_flow_connections"]
            if edge["from_node"]["$component_ref"] == choice["id"]}  # fmt: skip
    assert ways == {"money", "talk", "default"}


@pytest.mark.parametrize(
    ("graph", "kind"),
    [
        ("subgraph", "FlowNode"),
        ("map_list", "ParallelMapNode"),
        ("fork_join", "ParallelFlowNode"),
        ("approval_step", "InputMessageNode"),
        ("lookup_loop", "AgentNode"),
        ("read_only", "ToolNode"),
    ],
)
def test_each_kind_of_step_has_its_node(graph: str, kind: str) -> None:
    """The kinds that the format shares are its own nodes."""
    assert nodes(exported(f"accepted/{graph}").document, kind)


def test_only_outcomes_that_the_format_has_are_edges() -> None:
    """Edges on failure, rejection or doubt are named as lost, one line each, and so is a step that only they reach."""
    losses = {loss.step: loss.message for loss in exported("starter/polish_and_send").losses}
    assert "rejected" in losses["send -> revise"]
    assert "abstained, denied, expired, failed" in losses["send -> END"]
    assert "left out" in losses["revise"]


def test_a_graph_of_which_nothing_is_left_is_not_exported() -> None:
    """Where every way to an end is one that the format has no edge for, there is no flow."""
    root, path = GRAPHS["accepted/read_only"]
    spec = House(root).spec(path)
    step = next(iter(spec.steps))
    edges = [edge if edge.source != step else edge.model_copy(update={"on": ["failed"]}) for edge in spec.edges]
    with pytest.raises(ProjectError, match="no end is reached"):
        export(spec.model_copy(update={"edges": edges}), House(root).actions)


def test_the_document_is_plain_and_the_same_every_time() -> None:
    """Exporting twice gives the same bytes, and the YAML form holds the same data without anchors or tags."""
    first, second = exported("starter/front_desk").document, exported("starter/front_desk").document
    assert json.dumps(first) == json.dumps(second)
    text = shared(first)
    assert yaml.safe_load(text) == json.loads(json.dumps(first))
    assert list(first[REFERENCED]) == sorted(first[REFERENCED])


def test_a_step_of_every_kind_is_kept_and_read_by_the_library(
    library: Callable[[dict[str, Any]], Flow], monkeypatch: pytest.MonkeyPatch
) -> None:
    """A graph with everything that there is comes back whole from its document, tools unknown."""
    spec = every_kind()
    document = export(spec, {}).document
    assert kept(document) == spec
    made = import_document(parse_document(json.dumps(document), "flow.yaml"), {}, {})
    assert {item.what for item in made.needed} == {"action", "function", "approval"}
    assert {f"graphs/{spec.graph}.yaml", "nodes/think.yaml", "nodes/sort.yaml"} <= set(made.files)


def kept(document: Mapping[str, Any]) -> Spec:
    return Spec.model_validate_json(json.dumps(document["metadata"][OURS]["spec"]))


@settings(max_examples=80, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(specs())
def test_random_graphs_come_back_as_they_were(
    library: Callable[[dict[str, Any]], Flow], tmp_path_factory: pytest.TempPathFactory, spec: Spec
) -> None:
    """Whatever the steps and edges: the library reads the flow, and the files restored from it say the same graph."""
    requirement = Requirement(count=2)
    agreed = [edge.model_copy(update={"requires": requirement if edge.approval else None}) for edge in spec.edges]
    spec = spec.model_copy(update={"edges": agreed})
    try:
        document = export(spec, ACTIONS).document
    except ProjectError:
        return  # no end is reached by what the format has
    if not nodes(document, "ParallelFlowNode"):
        library(document)
    made = import_document(parse_document(json.dumps(document), "flow.yaml"), {}, {})
    folder = tmp_path_factory.mktemp("random")
    for path, text in made.files.items():
        (folder / path).parent.mkdir(exist_ok=True)
        (folder / path).write_text(text, encoding="utf-8")
    named = {"policy": "named", "version": 1, "approvals": {"two": {"count": 2}}}
    policies = PolicyDrawer([Policy.model_validate(named)], People(people={"first": [], "second": []}))
    cards = {**read_cards(folder / "nodes").cards, **functions(spec)}
    loaded = load_spec(folder / "graphs" / "random.yaml", cards, ACTIONS, policies)
    assert loaded.partial is not None
    assert loaded.partial.digest() == spec.digest()
