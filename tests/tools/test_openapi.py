"""Operations of OpenAPI documents as actions: safe by default, pinned, sent as documented, refused by name."""

from __future__ import annotations

import copy
import json
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import pytest
from fastapi import FastAPI
from pydantic import BaseModel
from typer.testing import CliRunner

from interlock.cli.app import app
from interlock.errors import EffectFailed, EffectNotDone
from interlock.settings import Settings
from interlock.source import Finding
from interlock.tools.action import Action, ActionContext
from interlock.tools.connect.http import AnswerUnknown
from interlock.tools.drawer import inspect_actions
from interlock.tools.toolsets.operations import form_of, operations
from interlock.tools.toolsets.pinning import offered, write_pins
from interlock.tools.toolsets.schemas import Unfit
from tests.servers import Server, serving

Make = Callable[..., ActionContext]
Document = dict[str, Any]

ORDER = {
    "type": "object",
    "properties": {"id": {"type": "string"}, "total": {"type": "number"}, "note": {"type": "string"}},
    "required": ["id", "total"],
}
DOCUMENT: Document = {
    "openapi": "3.1.0",
    "info": {"title": "Shop", "version": "1"},
    "servers": [{"url": "http://169.254.169.254/latest"}],
    "security": [{"token": []}],
    "paths": {
        "/orders": {
            "get": {
                "operationId": "listOrders",
                "summary": "List orders.",
                "parameters": [
                    {"name": "status", "in": "query", "schema": {"enum": ["open", "paid"]}},
                    {"name": "tag", "in": "query", "schema": {"type": "array", "items": {"type": "string"}}},
                    {"name": "all", "in": "query", "schema": {"type": "boolean", "default": False}},
                    {"$ref": "#/components/parameters/Trace"},
                ],
                "responses": {"200": {"$ref": "#/components/responses/Orders"}},
            }
        },
        "/orders/{order-id}/refunds": {
            "parameters": [{"name": "order-id", "in": "path", "required": True, "schema": {"type": "string"}}],
            "post": {
                "operationId": "createRefund",
                "summary": "Give money back.",
                "parameters": [{"name": "Idempotency-Key", "in": "header", "schema": {"type": "string"}}],
                "requestBody": {
                    "required": True,
                    "content": {"application/json": {"schema": {"$ref": "#/components/schemas/Refund"}}},
                },
                "responses": {
                    "201": {"description": "Made.", "content": {"application/json": {"schema": ORDER}}},
                    "422": {"description": "No."},
                },
            },
        },
        "/orders/{id}": {
            "delete": {
                "summary": "Remove an order.",
                "parameters": [{"name": "id", "in": "path", "required": True, "schema": {"type": "string"}}],
                "responses": {"204": {"description": "Gone."}},
            }
        },
    },
    "components": {
        "parameters": {"Trace": {"name": "X-Trace", "in": "header", "schema": {"type": "string", "maxLength": 8}}},
        "responses": {
            "Orders": {
                "description": "The orders.",
                "content": {"application/json": {"schema": {"type": "array", "items": ORDER}}},
            }
        },
        "schemas": {
            "Refund": {
                "type": "object",
                "properties": {
                    "amount": {"type": "number", "exclusiveMinimum": 0},
                    "made": {"type": "string", "readOnly": True},
                    "reason": {"type": "string"},
                },
                "required": ["amount"],
            }
        },
    },
}

TOOLS = """
  orders: {operation: listOrders, records: [value]}
  refund: {operation: createRefund, effect: keyed, key_header: Idempotency-Key, targets: [order_id],
           title: "{amount} for {order_id}"}
  remove: {operation: "DELETE /orders/{id}"}
"""


class Shop:
    """A project with a document of a service on loopback."""

    def __init__(self, root: Path, url: str) -> None:
        self.root, self.url = root, url
        (root / "tools").mkdir(parents=True)
        (root / "graphs").mkdir()
        self.describe(DOCUMENT)
        self.declare()

    def describe(self, document: Document) -> None:
        """Write the document."""
        (self.root / "shop.json").write_text(json.dumps(document))

    def declare(self, server: str | None = None, tools: str = TOOLS, document: str = "shop.json") -> None:
        """Write the toolset."""
        where = server or f"{{url: '{self.url}/v1', private: true, bearer: secret://shop}}"
        (self.root / "tools" / "shop.yaml").write_text(
            f"openapi: shop\ndocument: {document}\nserver: {where}\nseconds: 5\ntools:{tools}"
        )

    def pin(self) -> list[tuple[str, str]]:
        """Pin the operations; how each stood before."""
        offer = offered(self.root / "tools", "shop", Settings(home=self.root / "home"))
        write_pins(offer)
        return [(change.tool, change.what) for change in offer.changes]

    def inspected(self) -> tuple[dict[str, Action], list[Finding]]:
        """The drawer."""
        return inspect_actions(self.root / "tools")

    def actions(self) -> dict[str, Action]:
        """The actions of a drawer without a fault."""
        actions, findings = self.inspected()
        assert findings == []
        return actions


@pytest.fixture
def server() -> Iterator[Server]:
    with serving() as running:
        yield running


@pytest.fixture
def shop(tmp_path: Path, server: Server, monkeypatch: pytest.MonkeyPatch) -> Shop:
    monkeypatch.setenv("INTERLOCK_SECRET_SHOP", "t0ken-of-shop")
    made = Shop(tmp_path / "shop", server.url)
    made.pin()
    return made


def run(action: Action, context: ActionContext, **arguments: Any) -> Any:
    """Perform an action as the monitor would, without its ledger."""
    return action.run(action.validate(arguments), context).model_dump()


def test_get_reads_and_the_rest_may_change_something(shop: Shop) -> None:
    """Until a file says more, every other method is blind and of high risk."""
    assert [(a.name, a.effect, a.risk) for a in shop.actions().values()] == [
        ("shop.orders", "read", "low"), ("shop.refund", "keyed", "high"), ("shop.remove", "blind", "high"),
    ]  # fmt: skip
    refund = shop.actions()["shop.refund"]
    assert list(refund.arguments.model_fields) == ["order_id", "amount", "reason"], "no key, nothing that is read only"
    assert refund.headline({"amount": 5, "order_id": "A-1"}) == "shop.refund: 5 for A-1"


def test_a_request_is_made_as_the_document_says(shop: Shop, server: Server, context: Make) -> None:
    """Path, query, headers and body by their names outside, the token by reference, the key for the keyed one alone."""
    server.replies = [(201, {}, b'{"id": "R-1", "total": 5.5, "more": true}')]
    assert run(shop.actions()["shop.refund"], context("k1"), order_id="A/../1", amount=5.5) == {
        "id": "R-1", "total": 5.5, "note": None,
    }  # fmt: skip
    asked = server.asked[0]
    assert (asked.method, asked.target) == ("POST", "/v1/orders/A%2F..%2F1/refunds")
    assert json.loads(asked.body) == {"amount": 5.5}
    assert (asked.headers["authorization"], asked.headers["idempotency-key"]) == ("Bearer t0ken-of-shop", "k1")
    server.replies = [(200, {}, b"[]")]
    assert run(shop.actions()["shop.orders"], context(), status="open", tag=["a b", "c"], x_trace="t") == {"value": []}
    assert server.asked[1].target == "/v1/orders?status=open&tag=a+b&tag=c&all=false"
    assert (server.asked[1].headers["x-trace"], "idempotency-key" in server.asked[1].headers) == ("t", False)
    server.replies = [(204, {}, b"")]
    assert run(shop.actions()["shop.remove"], context(), id="A-1") == {"status": 204}
    assert "idempotency-key" not in server.asked[2].headers


@pytest.mark.parametrize(
    ("name", "reply", "error", "says"),
    [
        ("refund", (201, b'{"id": 7, "total": 1}'), AnswerUnknown, "not as its document says: id: 7 is not of type"),
        ("refund", (200, b'{"id": "R", "total": 1}'), AnswerUnknown, "it is 200, not 201"),
        ("refund", (201, b"<html>"), AnswerUnknown, "not JSON"),
        ("refund", (201, b'{"id": "R", "total": NaN}'), AnswerUnknown, "not as its document says"),
        ("refund", (422, b"too much"), EffectFailed, "answered 422: too much"),
        ("refund", (500, b""), AnswerUnknown, "answered 500"),
        ("orders", (200, b'[{"id": "A"}]'), EffectFailed, "'total' is a required property"),
        ("orders", (500, b""), EffectNotDone, "answered 500"),
        ("orders", (302, b""), EffectFailed, "a redirect"),
    ],
)  # fmt: skip
def test_an_answer_is_held_to_the_document(
    shop: Shop, server: Server, context: Make, name: str, reply: tuple[int, bytes], error: type[Exception], says: str
) -> None:
    """What it does not describe is no answer: a read has failed, and of a change nobody knows."""
    server.replies = [(reply[0], {"location": "http://169.254.169.254/"}, reply[1])]
    given = {"order_id": "A-1", "amount": 1} if name == "refund" else {}
    with pytest.raises(error, match=says):
        run(shop.actions()[f"shop.{name}"], context(), **given)
    assert len(server.asked) == 1


@pytest.mark.parametrize(
    "wrong", [{"amount": 0}, {"amount": "5"}, {"amount": 1, "made": "x"}, {"amount": 1, "more": 1}, {"reason": "x"}]
)
def test_arguments_are_held_to_the_document(shop: Shop, wrong: dict[str, Any]) -> None:
    """Checked before anything is sent, and closed."""
    with pytest.raises(ValueError, match="validation error"):
        shop.actions()["shop.refund"].validate({"order_id": "A-1"} | wrong)


def test_a_document_that_changed_is_pinned_anew(shop: Shop) -> None:
    """Only what changed is no action any more, until somebody has looked at it."""
    before = shop.actions()["shop.refund"].schema_digest()
    changed = copy.deepcopy(DOCUMENT)
    changed["components"]["schemas"]["Refund"]["properties"]["payee"] = {"type": "string"}
    shop.describe(changed)
    actions, [finding] = shop.inspected()
    assert (sorted(actions), finding.code, finding.line) == (["shop.orders", "shop.remove"], "C004", 7)
    assert "is not what was pinned" in finding.message
    assert ("POST /orders/{order-id}/refunds", "changed") in shop.pin()
    assert shop.actions()["shop.refund"].schema_digest() != before


def test_another_server_voids_an_approval(shop: Shop, server: Server) -> None:
    """Who agreed to the order at one service did not agree to it at another."""
    before = shop.actions()["shop.refund"].schema_digest()
    shop.declare(server="{url: 'https://shop.example.org', bearer: secret://shop}")
    assert shop.actions()["shop.refund"].schema_digest() != before


@pytest.mark.parametrize(
    ("declared", "code", "says"),
    [
        ({"server": "{url: 'https://169.254.169.254/latest', bearer: secret://shop}"}, "C006", "no public address"),
        ({"server": "{url: 'https://[::ffff:10.0.0.1]/', bearer: secret://shop}"}, "C006", "no public address"),
        ({"server": "{url: 'http://shop.example.org', bearer: secret://shop}"}, "C006", "private services only"),
        ({"server": "{url: 'https://me@shop.example.org', bearer: secret://shop}"}, "C006", "without user"),
        ({"server": "{url: 'https://shop.example.org'}"}, "C006", "asks who calls"),
        ({"server": "{url: 'https://shop.example.org', headers: {X: secret:shop}}"}, "C006", "secret://name"),
        ({"document": "../shop.json"}, "C007", "does not stand in the project"),
        ({"document": "/etc/passwd"}, "C007", "does not stand in the project"),
        ({"document": "none.json"}, "C007", "cannot be read"),
        ({"document": "tools/shop.yaml"}, "C007", "no OpenAPI document of version 3"),
        ({"tools": "\n  orders: {operation: listOrdrs}\n"}, "C006", "no operation `listOrdrs`"),
        ({"tools": "\n  refund: {operation: createRefund, effect: keyed}\n"}, "C006", "needs `key_header`"),
        ({"tools": "\n  orders: {operation: listOrders, effect: keyed, key_header: K}\n"}, "C006", "carries no key"),
        ({"tools": "\n  refund: {operation: createRefund, targets: [payee]}\n"}, "C006", "is not an argument"),
    ],
)
def test_a_faulty_declaration_is_told_at_its_place(shop: Shop, declared: dict[str, str], code: str, says: str) -> None:
    """Addresses inside, plain http and documents elsewhere are refused before anything is called."""
    shop.declare(**declared)
    _, findings = shop.inspected()
    assert findings, "nothing was found"
    assert {(finding.code, says in finding.message) for finding in findings} == {(code, True)}, findings


def parameter(**more: Any) -> Document:
    return {"parameters": [{"name": "x", "in": "query"} | more]}


@pytest.mark.parametrize(
    ("change", "says"),
    [
        (parameter(schema={"$ref": "https://evil.example/s.json"}), "leads outside the document"),
        (parameter(schema={"$ref": "file:///etc/passwd"}), "leads outside the document"),
        ({"parameters": [{"$ref": "http://169.254.169.254/latest"}]}, "leads outside the document"),
        ({"parameters": [{"$ref": "#/components/parameters/None"}]}, "names nothing"),
        ({"requestBody": {"$ref": "./body.yaml"}}, "leads outside the document"),
        ({"responses": {"200": {"$ref": "../../secrets.json"}}}, "leads outside the document"),
        (parameter(schema={"type": "object"}), "cannot be expressed"),
        (parameter(schema={"type": "array", "items": {"type": "string"}}, explode=False), "cannot be expressed"),
        (parameter(schema={"type": "string"}, allowReserved=True), "plain form"),
        (parameter(content={"application/json": {}}), "plain form"),
        ({"parameters": [{"name": "s", "in": "cookie", "required": True, "schema": {}}]}, "cookie parameter s"),
        ({"requestBody": {"content": {"multipart/form-data": {}}}}, "only application/json"),
        ({"requestBody": {"content": {"application/json": {"schema": {"not": {}}}}}}, "`not` cannot be expressed"),
        ({"responses": {"200": {"content": {"application/pdf": {}}}}}, "only application/json and text"),
        ({"responses": {"default": {"description": "x"}}}, "no answer 200 to 299"),
        (
            {"responses": {"200": {"content": {"application/json": {"schema": ORDER}}}, "202": {"description": "x"}}},
            "two forms; say which",
        ),
        ({"summary": "Pay \u202eeno\u202c."}, "not seen"),
    ],
)
def test_what_cannot_be_expressed_is_refused_by_name(change: Document, says: str) -> None:
    """No reference leads out of the document, and no form is guessed."""
    document = copy.deepcopy(DOCUMENT)
    document["paths"] = {"/x": {"post": {"summary": "X.", "responses": {"204": {"description": "x"}}} | change}}
    [operation] = operations(document)
    with pytest.raises(Unfit, match=says):
        form_of(operation, document)


@pytest.mark.parametrize("path", ["/../admin", "//evil.example/x", "/x?y=1", "/x#y", "/a b", "/{id", "x", "/x/{other}"])
def test_a_path_is_one_below_the_service(path: str) -> None:
    """A document cannot lead a request elsewhere by its paths."""
    document = {"paths": {path: {"get": {"summary": "X.", "responses": {"204": {}}}}}}
    [operation] = operations(document)
    if path == "//evil.example/x":
        assert form_of(operation, document).answers == (204,), "it stays below the base: the slashes are a path"
        return
    with pytest.raises(Unfit):
        form_of(operation, document)


class Note(BaseModel):
    text: str
    stars: int = 3


def test_the_document_of_a_real_service_is_imported(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """What FastAPI publishes becomes a toolset that passes the check, and what cannot be expressed is told."""
    service = FastAPI(title="Notes")

    @service.get("/notes/{number}")
    def read_note(number: int) -> Note:
        """Read one note."""
        return Note(text=str(number))

    @service.put("/notes/{number}")
    def write_note(number: int, note: Note, loud: bool = False) -> Note:
        """Write one note."""
        return note

    @service.get("/search")
    def search(session: str, filter: str | None = None) -> dict[str, list[Note]]:
        """Search the notes."""
        return {}

    document = service.openapi()
    document["paths"]["/search"]["get"]["parameters"].append(
        {"name": "who", "in": "cookie", "required": True, "schema": {"type": "string"}}
    )
    (tmp_path / "graphs").mkdir()
    (tmp_path / "tools").mkdir()
    (tmp_path / "notes.json").write_text(json.dumps(document))
    monkeypatch.chdir(tmp_path)
    command = ["tools", "import", "openapi", "notes.json", "--url", "http://127.0.0.1:9/", "--private"]
    done = CliRunner().invoke(app, [*command, "--json"])
    told = json.loads(done.output)
    assert [left["operation"] for left in told["left_out"]] == ["GET /search"]
    actions, findings = inspect_actions(tmp_path / "tools")
    assert findings == []
    assert {name: (action.effect, list(action.arguments.model_fields)) for name, action in actions.items()} == {
        "notes.read_note_notes_number_get": ("read", ["number"]),
        "notes.write_note_notes_number_put": ("blind", ["number", "loud", "text", "stars"]),
    }
    assert CliRunner().invoke(app, command).exit_code == 1, "nothing is overwritten"
    refused = CliRunner().invoke(app, ["tools", "import", "openapi", "notes.json", "--name", "n"])
    assert "does not say where the service stands" in str(refused.exception)
