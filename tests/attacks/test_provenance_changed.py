"""A value that was passed on, changed in a checkpoint, or carried into another version keeps the label it had."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import pytest

from interlock.engine.service import Engine
from interlock.engine.upgrade import Upgrading
from interlock.graphs.upgrades.mapping import SpecMapping
from tests.attacks.house import Run, attempt
from tests.attacks.mailroom import Office, ends

EXTRACT = "extract: {node: extract, reads: [request, letter], writes: facts}"
INPUT = "input: {request: {type: string}, letter: {type: string, provenance: untrusted}}\n"
WHO = "input: {to: {type: string}}\n"

GRAPHS = {
    "later": """
input: {to: {type: string}, request: {type: string, default: ""}}
steps:
  ask: {approve: Go on?, writes: review}
  send: {call: office.send, bind: {to: $.to}}
edges:
  - START -> ask
  - ask -> send
  - {from: ask, on: [rejected, expired], to: END, outcome: refused}
""" + ends("send"),
    "checked_later": """
input: {request: {type: string}}
steps:
  read: {call: office.read, bind: {title: Lunch}, writes: letter}
  ask: {approve: Go on?}
  send: {call: office.send, bind: {to: {value: $.letter.body, stands_in: $.request}}}
edges:
  - START -> read
  - read -> ask
  - ask -> send
  - {from: ask, on: [rejected, expired], to: END, outcome: refused}
""" + ends("send"),
    "answered_later": """
input: {}
steps:
  form: {approve: Who?, form: {to: {type: string}}, writes: who}
  ask: {approve: Go on?}
  send: {call: office.send, bind: {to: $.who.to}}
edges:
  - START -> form
  - form -> ask
  - {from: form, on: [rejected, expired], to: END, outcome: refused}
  - ask -> send
  - {from: ask, on: [rejected, expired], to: END, outcome: refused}
""" + ends("send"),
    "child": WHO + "steps:\n  send: {call: office.send, bind: {to: $.to}}\nedges:\n  - START -> send\n" + ends("send"),
    "nested": INPUT + f"""
steps:
  {EXTRACT}
  below: {{graph: child, bind: {{to: {{value: $.facts.to, stands_in: $.request}}}}}}
edges:
  - START -> extract
  - extract -> below
  - below -> END
  - {{from: below, on: refused, to: END, outcome: refused}}
""",
    "each": INPUT + f"""
steps:
  {EXTRACT}
  each: {{map: {{over: $.facts.ids, as: to, graph: child, at_most: 5}}}}
edges:
  - START -> extract
  - extract -> each
  - each -> END
  - {{from: each, on: failed, to: END, keeps: [each]}}
""",
    "card": """
input: {title: {type: string}}
steps:
  find: {call: office.card, bind: {title: $.title}, writes: found}
edges:
  - START -> find
  - find -> END
output: [found]
""",
    "given_back": """
input: {title: {type: string}}
steps:
  below: {graph: card, bind: {title: $.title}, writes: below}
  send: {call: office.send, bind: {to: $.below.found.address}}
edges:
  - START -> below
  - below -> send
""" + ends("send"),
    "extracted": INPUT + f"""
steps:
  {EXTRACT}
  ask: {{approve: Go on?}}
  send: {{call: office.send, bind: {{to: $.facts.to}}}}
edges:
  - START -> extract
  - extract -> ask
  - ask -> send
  - {{from: ask, on: [rejected, expired], to: END, outcome: refused}}
""" + ends("send"),
}  # fmt: skip


@pytest.fixture
def office(tmp_path: Path) -> Office:
    made = Office(tmp_path).build()
    for name, text in GRAPHS.items():
        made.graph(name, text)
    return made


def label(office: Office, run: Run) -> str:
    return office.proposal(run, "send").labels["to"]


def forged(run: Run, **values: Any) -> None:
    """Write values into the checkpoint of a run that waits, and let it go on with the answer that it waits for."""
    graph = run.raw()
    node = next(iter(graph.get_state(run.config).next)).replace(".approve", ".propose")
    attempt(lambda: graph.update_state(run.config, {**graph.get_state(run.config).values, **values}, as_node=node))
    run.approve()
    attempt(run.drive)


def test_an_input_that_was_changed_is_nobodys(office: Office) -> None:
    """An input is the user's only while it is what the run was accepted with."""
    run = office.run("later", to="anna@example.org")
    forged(run, to="eve@evil.com")
    assert (office.effects, label(office, run)) == ([], "untrusted")
    assert run.asked.request["origins"]["to"]["words"] == "not what this run wrote: it was changed from outside"


def test_an_input_that_was_not_changed_is_the_users(office: Office) -> None:
    """The same run, let alone, goes on by itself."""
    run = office.run("later", to="anna@example.org")
    forged(run)
    assert (office.effects, label(office, run)) == (["send anna@example.org"], "user")


def test_a_source_that_was_changed_vouches_for_nothing(office: Office) -> None:
    """Writing the attacker's address into the request does not make it the user's."""
    office.put("letter", {"id": "l1", "body": "eve@evil.com"})
    run = office.run("checked_later", request="Answer it.")
    forged(run, request="Answer eve@evil.com")
    assert (office.effects, label(office, run)) == ([], "untrusted")


def test_an_answer_that_was_changed_is_nobodys(office: Office) -> None:
    """What stands under the key of a person's answer is theirs only while it is what they wrote."""
    run = office.run("answered_later")
    run.approve(answer={"to": "anna@example.org"})
    run.drive()
    forged(run, who={"to": "eve@evil.com", "decision": "approve", "comment": "", "by": "bob"})
    assert (office.effects, label(office, run)) == ([], "untrusted")


def test_a_key_that_nobody_wrote_is_nobodys(office: Office) -> None:
    """A value that appears before the step that writes its key is not that step's."""
    office.change("graphs/answered_later.yaml", "START -> form", "START -> ask")
    office.change("graphs/answered_later.yaml", "form -> ask", "form -> send")
    office.change("graphs/answered_later.yaml", "  - ask -> send", "  - ask -> form")
    run = office.run("answered_later")
    forged(run, who={"to": "eve@evil.com"})
    assert office.effects == []
    assert run.asked.request["question"] == "Who?"


def test_through_a_nested_graph(office: Office) -> None:
    """What is passed to a nested graph keeps its label there, raised or not."""
    office.answer = {"to": "eve@evil.com", "title": "", "ids": []}
    run = office.run("nested", request="Answer it.", letter="I am eve@evil.com")
    assert (run.status, office.effects, label(office, run)) == ("waiting", [], "untrusted")
    office.answer = {"to": "anna@example.org", "title": "", "ids": []}
    run = office.run("nested", request="Answer anna@example.org", letter="")
    assert (run.status, office.effects, label(office, run)) == ("done", ["send anna@example.org"], "user")


def test_through_a_map(office: Office) -> None:
    """Each item of a list that a model wrote is as little trusted as the list."""
    office.answer = {"to": "", "title": "", "ids": ["anna@example.org", "eve@evil.com"]}
    run = office.run("each", request="Answer anna@example.org", letter="and eve@evil.com")
    assert (run.status, office.effects) == ("waiting", [])
    services = run.engine.services
    rows = [row for child in services.runs.children(run.id) for row in services.ledger.of_run(child.id)]
    assert [row.labels for row in rows] == [{"to": "untrusted"}] * 2


def test_what_a_nested_graph_gives_back(office: Office) -> None:
    """A record that a nested graph looked up for the user is a record above it, and free text is not."""
    run = office.run("given_back", title="Anna")
    assert (office.effects, label(office, run)) == (["send anna@example.org"], "record")
    words = office.proposal(run, "send").origins["to"]
    assert (words["of"], words["field"], words["by"]) == ("office.card", "address", {"title": "the request's title"})


def test_through_an_upgrade(office: Office) -> None:
    """A value that goes on under another name in another version is trusted no more than before."""
    office.answer = {"to": "eve@evil.com", "title": "", "ids": []}
    run = office.run("extracted", request="Answer it.", letter="I am eve@evil.com")
    text = (
        (office.root / "graphs/extracted.yaml")
        .read_text()
        .replace("facts", "known")
        .replace("version: 1", "version: 2")
    )
    office.write("graphs/extracted.yaml", text)
    engine = Engine(office.project())
    old, new = (
        engine.project.pinned(run.engine.services.runs.get(run.id).spec_digest),
        office.workflow("extracted", engine),
    )
    (moved,) = Upgrading(old, new, SpecMapping(keys={"facts": "known"})).apply("ann", voiding=True)
    assert moved.moved, moved.reason
    again = Run(office, engine, run.id)
    again.drive()
    again.approve()
    again.drive()
    assert (office.effects, label(office, again)) == ([], "untrusted")
    row = engine.services.runs.written(run.id, ["known", "facts"])
    assert [*row] == ["known"]
