"""Tools of MCP servers as actions: pinned, declared, called over stdio and HTTP, and what a hostile server gets."""

from __future__ import annotations

import json
import os
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import pytest

from interlock.errors import EffectFailed, EffectNotDone
from interlock.settings import Settings
from interlock.tools.action import Action, ActionContext
from interlock.tools.connect.http import AnswerUnknown
from interlock.tools.connect.mcp import McpServer
from interlock.tools.connect.place import place_of
from interlock.tools.drawer import inspect_actions
from interlock.tools.toolsets.pinning import offered, write_pins
from tests.tools.notes_server import Notes, serving_notes

ROUGH = Path(__file__).with_name("rough_server.py")
TOOLSET = f"""
mcp: notes
server: {{command: [python, {ROUGH}, server], env: {{NOTES_TOKEN: secret://notes_token}}}}
seconds: 20
tools:
  search: {{effect: read, records: [notes.id]}}
  add: {{effect: keyed, key_argument: request_id, risk: medium, targets: [tag], title: '"{{text}}"'}}
  wipe: {{}}
"""

Make = Callable[..., ActionContext]


class Shop:
    """A project whose toolset is a rough server, and what it did."""

    def __init__(self, root: Path, monkeypatch: pytest.MonkeyPatch) -> None:
        self.root = root
        self.server = root / "server"
        self.file = root / "tools" / "notes.yaml"
        for folder in (self.server, self.file.parent):
            folder.mkdir(parents=True)
        self.file.write_text(TOOLSET)
        monkeypatch.setenv("INTERLOCK_SECRET_NOTES_TOKEN", "t0ken-of-notes")

    def pin(self) -> list[tuple[str, str]]:
        """Pin what is offered now; how each tool stood before."""
        offer = offered(self.file.parent, "notes", Settings(home=self.root / "home"))
        write_pins(offer)
        return [(change.tool, change.what) for change in offer.changes]

    def actions(self) -> dict[str, Action]:
        """The actions, of a drawer without a fault."""
        actions, findings = inspect_actions(self.file.parent)
        assert findings == []
        return actions

    def be(self, mode: str) -> None:
        """Tell the server how to misbehave."""
        (self.server / "mode").write_text(mode)

    @property
    def calls(self) -> list[Any]:
        """What the server was called with."""
        found = self.server / "calls"
        return [json.loads(line) for line in found.read_text().splitlines()] if found.exists() else []


@pytest.fixture
def shop(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Shop:
    made = Shop(tmp_path / "shop", monkeypatch)
    made.pin()
    return made


def run(action: Action, context: ActionContext, **arguments: Any) -> Any:
    """Perform an action as the monitor would, without its ledger."""
    return action.run(action.validate(arguments), context).model_dump()


def test_a_tool_is_an_action_with_what_people_declared(shop: Shop) -> None:
    """Undeclared is consequential, blind and of high risk, whatever the server hints; the key is nobody's argument."""
    found = shop.actions()
    assert [(a.name, a.effect, a.risk) for a in found.values()] == [
        ("notes.search", "read", "low"), ("notes.add", "keyed", "medium"), ("notes.wipe", "blind", "high"),
    ]  # fmt: skip
    assert (found["notes.add"].description, list(found["notes.add"].arguments.model_fields)) == (
        "Add a note.", ["text", "tag"],
    )  # fmt: skip
    assert found["notes.add"].parameters()["properties"]["text"] == {
        "type": "string", "maxLength": 200, "description": "The note.", "title": "Text",
    }  # fmt: skip
    assert found["notes.search"].record_parts == (("notes", "*", "id"),)


def test_a_call_is_made_once_with_the_effects_key(shop: Shop, context: Make) -> None:
    """The key goes where it was declared to go; a repeat of the effect changes nothing more."""
    add, search = shop.actions()["notes.add"], shop.actions()["notes.search"]
    assert run(add, context("k1"), text="Buy milk") == run(add, context("k1"), text="Buy milk") == {"id": 1}
    assert shop.calls[0] == ["add", {"text": "Buy milk", "request_id": "k1"}]
    found = run(search, context("k2"), query="milk")
    assert found == {"notes": [{"id": 1, "text": "Buy milk"}]}, "what was not declared is left out"
    assert shop.calls[-1] == ["search", {"query": "milk", "most": 10}]


def test_a_secret_reaches_the_server_and_is_taken_out_of_its_answer(shop: Shop, context: Make) -> None:
    """The server is started with its token; what it says of it is not written down."""
    with_key = context("k")
    answer = run(shop.actions()["notes.wipe"], with_key)
    assert "t0ken-of-notes" in answer["text"]
    assert "t0ken-of-notes" not in str(with_key.secrets.redacted(answer))


@pytest.mark.parametrize(
    "wrong", [{"text": "x" * 201}, {"text": 7}, {"text": "x", "tag": "play"}, {"text": "x", "more": 1}, {}]
)
def test_arguments_are_held_to_the_pinned_schema(shop: Shop, wrong: dict[str, Any]) -> None:
    """The server's own schema is checked here, and closed: nothing else is sent."""
    with pytest.raises(ValueError, match="validation error"):
        shop.actions()["notes.add"].validate(wrong)


@pytest.mark.parametrize("mode", ["description", "schema", "output"])
def test_a_tool_that_changes_after_it_was_pinned_is_not_called(shop: Shop, context: Make, mode: str) -> None:
    """A rug pull: another description or schema is refused until people have pinned it anew."""
    add = shop.actions()["notes.add"]
    shop.be(mode)
    with pytest.raises(EffectFailed, match="has changed its tool add since it was pinned; nothing was called"):
        run(add, context(), text="Buy milk")
    assert shop.calls == []
    run(shop.actions()["notes.search"], context(), query="x")  # the others are what they were
    assert shop.pin() == [("add", "changed"), ("search", "same"), ("wipe", "same")]
    assert shop.actions()["notes.add"].schema_digest() != add.schema_digest(), "an earlier approval is void"


def test_a_tool_that_is_gone_or_new_changes_nothing_for_the_others(shop: Shop, context: Make) -> None:
    """One that is no longer offered is not called, and a new one is no action."""
    add = shop.actions()["notes.add"]
    shop.be("gone")
    with pytest.raises(EffectFailed, match="no longer offers the tool add"):
        run(add, context(), text="Buy milk")
    shop.be("more")
    assert shop.pin() == [("add", "same"), ("add_fast", "new"), ("search", "same"), ("wipe", "same")]
    assert sorted(shop.actions()) == ["notes.add", "notes.search", "notes.wipe"]


@pytest.mark.parametrize(
    ("mode", "error", "says"),
    [
        ("invalid", AnswerUnknown, "is not as declared: id: 'seven' is not of type 'integer'"),
        ("error", AnswerUnknown, "answered with an error: the disk is full"),
        ("refuses", EffectFailed, "refused the call: no such tag; it was not carried out"),
        ("dies", AnswerUnknown, "whether it was carried out is not known"),
        ("junk", AnswerUnknown, "is no message of MCP"),
        ("huge", AnswerUnknown, "it answered more than 1000000 bytes"),
    ],
)
def test_what_a_server_does_instead_says_how_certain_it_is(
    shop: Shop, context: Make, mode: str, error: type[Exception], says: str
) -> None:
    """After the call was sent, only the protocol's own refusal is certain; all else is a doubt."""
    add = shop.actions()["notes.add"]
    shop.be(mode)
    with pytest.raises(error, match=says):
        run(add, context(), text="Buy milk")


def test_a_server_that_hangs_is_ended(shop: Shop, context: Make) -> None:
    """The time of the call includes all of it, and the program does not outlive it."""
    shop.file.write_text(TOOLSET.replace("seconds: 20", "seconds: 3"))
    wipe = shop.actions()["notes.wipe"]
    shop.be("hangs")
    with pytest.raises(AnswerUnknown, match="no answer within 3 seconds; whether it was carried out is not known"):
        run(wipe, context())
    with pytest.raises(ProcessLookupError):
        os.kill(int((shop.server / "pid").read_text()), 0)


def test_a_server_that_cannot_start_is_certain(shop: Shop, context: Make) -> None:
    """Nothing was called, and its last words say why."""
    (shop.server / "broken").write_text("")
    with pytest.raises(EffectNotDone, match=r"nothing was called\. It said: no such database"):
        run(shop.actions()["notes.wipe"], context())


def test_a_server_that_asks_for_a_model_is_refused(shop: Shop, context: Make) -> None:
    """Sampling, elicitation and roots are not offered: a server gets an error."""
    wipe = shop.actions()["notes.wipe"]
    shop.be("asks")
    assert "Sampling not supported" in run(wipe, context())["text"]


@pytest.mark.parametrize(
    ("old", "new", "code", "says"),
    [
        ("effect: read", "effect: queryable", "C003", "should be 'read', 'idempotent', 'keyed' or 'blind'"),
        ("key_argument: request_id, ", "", "C006", "a keyed effect needs `key_argument`"),
        ("key_argument: request_id", "key_argument: nothing", "C006", "the tool takes no text `nothing`"),
        ("targets: [tag]", "targets: [payee]", "C006", "the target `payee` is not an argument; there are text, tag"),
        ("records: [notes.id]", "records: [notes.name]", "C006", "has no field `name`"),
        ("wipe: {}", "wipe: {tool: delete}", "C004", "the server's tool `delete` has not been pinned"),
        ("wipe: {}", "wipe: {efect: read}", "C001", "unknown key `efect`"),
        ("mcp: notes", "mpc: notes", "C001", "the file does not say what tools it has"),
        ("server: {", "server: {url: 'https://a.example', ", "C006", "either a `command` or a `url`"),
        ("secret://notes_token", "secret:notes", "C006", "name a secret as secret://name"),
    ],
)
def test_a_faulty_declaration_is_told_at_its_place(shop: Shop, old: str, new: str, code: str, says: str) -> None:
    """Each fault has its code and a position in the file."""
    assert old in TOOLSET
    shop.file.write_text(TOOLSET.replace(old, new))
    _, findings = inspect_actions(shop.file.parent)
    assert [(finding.code, says in finding.message) for finding in findings] == [(code, True)], findings


def test_nothing_is_an_action_before_somebody_looked(shop: Shop) -> None:
    """Without pins, and with pins that were edited by hand, the drawer says so and has no actions."""
    lock = shop.file.with_name("notes.lock.json")
    pins = lock.read_text()
    lock.write_text(pins.replace("Delete every note.", "Keep every note."))
    for _ in range(2):
        actions, [finding] = inspect_actions(shop.file.parent)
        assert (actions, finding.code) == ({}, "C004")
        lock.unlink(missing_ok=True)
    assert finding.hint == "look at them: interlock tools pin notes"


@pytest.fixture
def notes() -> Iterator[Notes]:
    with serving_notes() as running:
        yield running


def test_a_server_over_http_is_called_with_its_token(
    notes: Notes, tmp_path: Path, context: Make, monkeypatch: pytest.MonkeyPatch
) -> None:
    """A real server of the SDK, over streamable HTTP: pinned, called, and nobody else gets the token."""
    monkeypatch.setenv("INTERLOCK_SECRET_CRM", "b3arer-value")
    drawer = tmp_path / "tools"
    drawer.mkdir()
    toolset = TOOLSET.split("server:")[0] + f"server: {{url: '{notes.url}', private: true, bearer: secret://crm}}\n"
    (drawer / "notes.yaml").write_text(toolset + "tools: {add: {effect: keyed, key_argument: request_id}}\n")
    write_pins(offered(drawer, "notes", Settings(home=tmp_path)))
    [add] = inspect_actions(drawer)[0].values()
    assert run(add, context("k9"), text="Buy milk") == run(add, context("k9"), text="Buy milk") == {"id": 1}
    assert notes.kept == [("k9", "Buy milk")]
    assert {headers.get("authorization") for headers in notes.headers} == {"Bearer b3arer-value"}


def test_a_redirect_of_a_server_is_not_followed(notes: Notes, context: Make) -> None:
    """Wherever it leads: the request ends there."""
    notes.redirects = True
    server = McpServer("notes", place=place_of(notes.url, private=True))
    with pytest.raises(EffectNotDone, match="answered 307, a redirect"):
        server.offers(context())


def test_a_server_inside_is_not_reached_unless_it_was_declared(notes: Notes, context: Make) -> None:
    """The same floor as for any request: an address that is not public is refused before anything is sent."""
    server = McpServer("notes", place=place_of(notes.url.replace("http:", "https:"), private=False))
    with pytest.raises(EffectFailed, match="not a public address; nothing was sent"):
        server.offers(context())
    assert notes.headers == []
