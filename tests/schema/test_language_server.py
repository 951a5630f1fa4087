"""What an author sees in an editor: yaml-language-server, driven over its protocol, with the committed schemas.

The texts stand for unsaved changes of shipped files, so their schema is the one that their first line names.
"""

from __future__ import annotations

from pathlib import Path

import pytest

from interlock.cli.author import make_project
from interlock.cli.schema import FOLDER, schema
from tests.schema.judged import ROOT, kind_of
from tests.schema.language_server import LanguageServer

GRAPH = ROOT / "graphs" / "polish_and_send.yaml"
CARD = ROOT / "nodes" / "polish.yaml"
POLICY = ROOT / "policies" / "payments.yaml"
PEOPLE = ROOT / "policies" / "people.yaml"
SHIPPED = [
    path for top in ("graphs", "nodes", "policies", "tests/accepted") for path in sorted((ROOT / top).glob("*.yaml"))
]


def changed(path: Path, old: str, new: str) -> tuple[str, int]:
    """The text of a file with one thing changed, and the line of the change."""
    text = path.read_text(encoding="utf-8")
    assert text.count(old) == 1, f"{path.name} holds `{old}` {text.count(old)} times"
    return text.replace(old, new), text[: text.index(old)].count("\n") + 1


def cursor(path: Path, old: str, new: str) -> tuple[str, int, int]:
    """The text of a file with one thing changed, and where ¦ stands in it; ¦ itself is left out."""
    text = changed(path, old, new)[0]
    before = text[: text.index("¦")]
    return text.replace("¦", ""), before.count("\n") + 1, len(before) - before.rfind("\n")


@pytest.mark.parametrize("path", SHIPPED, ids=lambda path: path.relative_to(ROOT).as_posix())
def test_a_shipped_file_has_no_marks(server: LanguageServer, path: Path) -> None:
    """What the check accepts, the editor leaves alone."""
    assert server.open(path) == []


def test_the_schema_comes_from_the_first_line(server: LanguageServer) -> None:
    """Without its modeline nothing is known of a file, so nothing is found in it."""
    text, line = changed(GRAPH, "version: 1", "versoin: 1")
    assert [(found.line, found.text) for found in server.open(GRAPH, text)] == [(2, "g"), (line, "versoin")]
    assert server.open(GRAPH, text.partition("\n")[2]) == []


@pytest.mark.parametrize(
    ("path", "old", "new", "underlined", "message"),
    [
        (GRAPH, "    reads: [request, pol", "    raeds: [request, pol", "raeds", "Property raeds is not allowed"),
        (GRAPH, "  send:\n    node:", "  send:\n    nod:", "send", "exactly one of `node`, `call`"),
        (GRAPH, "visits: 3", "visits: many", "many", 'Expected "integer"'),
        (GRAPH, "backoff: 2s", "backoff: 2 s", "2 s", "write a duration such as 500ms, 30s, 15m, 24h or 7d"),
        (GRAPH, "draft:   {type: string", "draft:   {type: sting", "sting", 'Valid values: "string", "integer"'),
        (GRAPH, "draft:   {type: string, ", "draft:   {", "draft", 'Missing property "type"'),
        (GRAPH, "START -> polish", "START to polish", "START to polish", "an edge is written `A -> B`"),
        (GRAPH, "bind: {to: $.to", "bind: {to: $to", "$to", "write $.key or $.key.field"),
        (GRAPH, "  revise: {node", "  Revise: {node", "Revise", "a name is small letters, digits and _"),
        (CARD, "kind: reason", "kind: raeson", "raeson", 'Valid values: "reason", "act", "route"'),
        (CARD, "goal:", "gaol:", "gaol", "Property gaol is not allowed"),
        (POLICY, "then: auto\n    because: small", "then: allow\n    because: small", "allow", '"auto", "deny"'),
        (POLICY, "then: {approve: {count: 2", "then: {approve: {cuont: 2", "cuont", "Property cuont is not allowed"),
        (POLICY, "payee_from: {at_least: record}", "payee_from: {at_least: recrod}", "recrod", "Valid values"),
        (PEOPLE, "treasurer: [finance]", "treasurer: finance", "finance", 'Expected "array"'),
    ],
)  # fmt: skip
def test_a_fault_is_underlined_where_it_stands(
    server: LanguageServer, path: Path, old: str, new: str, underlined: str, message: str
) -> None:
    """A misspelt key, a wrong word, a wrong value, a missing key: each at its line, with what would be right."""
    text, line = changed(path, old, new)
    found = server.open(path, text)
    assert any(one.line == line and one.text == underlined and message in one.message for one in found), found
    assert {one.line for one in found} <= {2, line}  # what is missing at the top is told at the first key


def test_one_mistake_is_one_mark(server: LanguageServer) -> None:
    """A misspelt key in one kind of step is not judged by the forms of all the other kinds."""
    text, line = changed(GRAPH, "    bind: {to:", "    bnid: {to:")
    [found] = server.open(GRAPH, text)
    assert (found.line, found.text) == (line, "bnid")


@pytest.mark.parametrize(
    ("path", "old", "new", "offered", "not_offered"),
    [
        (GRAPH, "    node: send_email\n", "    node: send_email\n    ¦\n", {"timeout", "limits"}, {"fork", "covers"}),
        (GRAPH, "    reads: [request, polished, to]\n", "    ¦\n", {"reads", "limits"}, {"writes", "retry", "form"}),
        (GRAPH, "  revise: {", "  ask:\n    ¦\n  revise: {",
         {"node", "call", "approve", "wait", "graph", "map", "fork", "join", "compensate"}, {"reads", "retry"}),
        (GRAPH, "  revise: {", "  ask:\n    approve: Now?\n    ¦\n  revise: {",
         {"reads", "form", "requires", "covers", "writes", "visits"}, {"retry", "bind", "timeout"}),
        (GRAPH, "  revise: {", "  later:\n    wait:\n      ¦\n  revise: {", {"until", "event"}, {"over"}),
        (GRAPH, "draft:   {type: string", "draft:   {type: ¦", {"string", "integer", "array", "any"}, {"decimal"}),
        (GRAPH, "  - send -> END\n", "  - from: send\n    ¦\n", {"to", "on", "when", "else", "approval"}, {"node"}),
        (GRAPH, "  - send -> END\n", "  - from: send\n    on: ¦\n", {"done", "rejected", "abstained"}, {"from"}),
        (CARD, "kind: reason", "kind: ¦", {"reason", "act", "route"}, {"python"}),
        (CARD, "goal: ", "¦\ngoal: ", {"model", "repairs", "turns"}, {"labels", "on_abstain"}),
        (POLICY, "then: auto\n    because: small", "then: ¦\n    because: small", {"auto", "deny"}, {"allow"}),
        (POLICY, "then: auto\n    because: small", "then:\n      approve:\n        ¦\n    because: small",
         {"count", "role", "within", "execute_within"}, {"approve"}),
    ],
)  # fmt: skip
def test_what_may_stand_there_is_offered(
    server: LanguageServer, path: Path, old: str, new: str, offered: set[str], not_offered: set[str]
) -> None:
    """Keys of the step, card or rule that the cursor stands in, and words of a closed list; not those of others."""
    text, line, column = cursor(path, old, new)
    server.open(path, text)
    found = set(server.completions(path, line, column))
    assert offered <= found
    assert not not_offered & found


@pytest.mark.parametrize(
    ("path", "old", "new", "told"),
    [
        (GRAPH, "    retry: {attempts: 3, backoff: 2s}", "    re¦try: {attempts: 3}", "failed attempt is made again"),
        (GRAPH, "    retry: {attempts: 3, backoff: 2s}", "    retry: {att¦empts: 3}", "Attempts in all"),
        (GRAPH, "    reads: [request, polished, to]", "    re¦ads: [request]", "keys of the state that it sees"),
        (GRAPH, "{from: send, on: rejected", "{from: send, o¦n: rejected", "outcomes of"),
        (CARD, "prompt: |", "pro¦mpt: |", "stands for a value the step reads"),
        (POLICY, "applies_to: [", "appl¦ies_to: [", "actions it decides"),
        (PEOPLE, "people:", "peo¦ple:", "roles of each person"),
    ],
)
def test_a_key_tells_what_it_holds(server: LanguageServer, path: Path, old: str, new: str, told: str) -> None:
    """Pointing at a key shows its sentence from the model that the check reads it with."""
    text, line, column = cursor(path, old, new)
    server.open(path, text)
    assert told in server.hover(path, line, column)


def test_the_names_of_a_project_are_offered(
    server: LanguageServer, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """After `interlock schema --project`, nodes, actions and approvals are offered, and no name is marked."""
    make_project(tmp_path)
    monkeypatch.chdir(tmp_path)
    schema(output=FOLDER, project=True)
    graph = tmp_path / "graphs" / "polish_and_send.yaml"
    for old, new, offered in (
        ("    node: send_email\n", "    node: ¦\n", {"polish", "revise", "send_email"}),
        ("    node: send_email\n", "    call: ¦\n", {"email.send", "payments.transfer"}),
        ("  - {from: polish, to: send, approval: ", "  - {from: polish, to: send, approval: ¦", {"outbound_mail"}),
    ):
        text, line, column = cursor(graph, old, new)
        server.open(graph, text)
        assert offered <= set(server.completions(graph, line, column)), new
    text, _ = changed(graph, "    node: send_email", "    node: declared_a_minute_ago")
    assert server.open(graph, text) == []


def test_a_new_project_works_in_the_editor(server: LanguageServer, tmp_path: Path) -> None:
    """The first line of its files leads to the schemas of `interlock init`: marks where there is a fault, else none."""
    make_project(tmp_path)
    for path in sorted(tmp_path.rglob("*.yaml")):
        assert server.open(path) == [], path
    faulty = {"graph": "graphs/front_desk.yaml", "node": "nodes/desk.yaml", "policy": "policies/email.yaml"}
    for kind, name in faulty.items():
        path = tmp_path / name
        text = path.read_text(encoding="utf-8") + "nonsense: 1\n"
        assert kind_of(path) == kind
        assert [(one.line, one.text) for one in server.open(path, text)] == [(text.count("\n"), "nonsense")]
