"""`ChatOpenAI` against an OpenAI-compatible server on loopback: what goes over the wire, and comes back."""

from __future__ import annotations

import json
import threading
from collections.abc import Iterator
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from typing import Any

import pytest

from interlock.errors import ModelError, ModelUnavailable
from interlock.lam.protocol import ActionSchema
from interlock.nodes.agent import Answer, react
from interlock.nodes.models import chat_model
from interlock.nodes.reason import reason
from interlock.settings import Settings

pytest.importorskip("langchain_openai")

VALUES = {"request": "Polish it.", "draft": "hi anna"}
GOOD = {"subject": "Hello", "body": "Hi Anna,"}


def completion(content: str | None, **message: Any) -> tuple[int, dict[str, Any]]:
    """A recorded answer of `/v1/chat/completions` with this content."""
    return 200, {
        "id": "chatcmpl-9",
        "object": "chat.completion",
        "created": 1767600000,
        "model": "tiny-1",
        "choices": [
            {
                "index": 0,
                "message": {"role": "assistant", "content": content, "refusal": None, **message},
                "finish_reason": "tool_calls" if message.get("tool_calls") else "stop",
                "logprobs": None,
            }
        ],
        "usage": {"prompt_tokens": 41, "completion_tokens": 9, "total_tokens": 50},
    }


def failure(status: int, code: str) -> tuple[int, dict[str, Any]]:
    return status, {"error": {"message": f"{code} happened", "type": code, "param": None, "code": code}}


class Server:
    """Answers from a list and keeps what it was asked."""

    def __init__(self) -> None:
        self.replies: list[tuple[int, dict[str, Any]]] = []
        self.asked: list[dict[str, Any]] = []
        self.headers: list[dict[str, str]] = []
        server = self

        class Handler(BaseHTTPRequestHandler):
            def do_POST(self) -> None:
                body = json.loads(self.rfile.read(int(self.headers["Content-Length"])))
                server.asked.append(body)
                server.headers.append({key.lower(): value for key, value in self.headers.items()})
                known = self.path == "/v1/chat/completions"
                status, reply = server.replies.pop(0) if known else failure(404, "not_found")
                sent = json.dumps(reply).encode()
                self.send_response(status)
                self.send_header("Content-Type", "application/json")
                self.send_header("Content-Length", str(len(sent)))
                self.end_headers()
                self.wfile.write(sent)

            def log_message(self, format: str, *args: Any) -> None:
                """Say nothing."""

        self.http = ThreadingHTTPServer(("127.0.0.1", 0), Handler)
        self.url = f"http://127.0.0.1:{self.http.server_address[1]}/v1"


@pytest.fixture
def server(monkeypatch: pytest.MonkeyPatch) -> Iterator[Server]:
    monkeypatch.setenv("NO_PROXY", "127.0.0.1")
    monkeypatch.setenv("OPENAI_API_KEY", "sk-belongs-to-openai")
    found = Server()
    thread = threading.Thread(target=found.http.serve_forever, kwargs={"poll_interval": 0.01}, daemon=True)
    thread.start()
    yield found
    found.http.shutdown()
    found.http.server_close()
    thread.join()


def model_of(server: Server) -> Any:
    return chat_model(f"openai:tiny-1@{server.url}", Settings(model_timeout=5))


def test_the_request_carries_the_schema_and_no_key(server, polish_card, meter):
    """The answer is asked for as `json_schema`, and the key of OPENAI_API_KEY does not leave for another server."""
    server.replies = [completion(json.dumps(GOOD))]
    assert reason(polish_card, VALUES, model_of(server), meter) == GOOD
    asked = server.asked[0]
    assert asked["model"] == "tiny-1"
    assert asked["response_format"]["type"] == "json_schema"
    schema = asked["response_format"]["json_schema"]["schema"]
    assert schema["required"] == ["subject", "body"]
    assert schema["properties"]["subject"] == {"type": "string", "minLength": 1, "maxLength": 120}
    assert [message["role"] for message in asked["messages"]] == ["system", "user"]
    assert "tools" not in asked
    assert "sk-belongs" not in json.dumps(server.headers)
    assert meter.usages[0]["input_tokens"] == 41
    assert meter.usages[0]["output_tokens"] == 9


def test_an_invalid_answer_is_repaired_over_the_wire(server, polish_card, meter):
    """Broken JSON, then a wrong object, then a right one: three requests, the last with both complaints."""
    server.replies = [completion('{"subject": "Hel'), completion('{"subject": ""}'), completion(json.dumps(GOOD))]
    assert reason(polish_card, VALUES, model_of(server), meter) == GOOD
    assert [len(asked["messages"]) for asked in server.asked] == [2, 4, 6]
    assert "no JSON object" in server.asked[1]["messages"][-1]["content"]
    assert "'body' is a required property" in server.asked[2]["messages"][-1]["content"]
    assert (meter.calls, len(meter.usages)) == (3, 3)


@pytest.mark.parametrize(("status", "code"), [(429, "rate_limit_exceeded"), (500, "server_error"), (503, "overloaded")])
def test_busy_servers_are_retryable_and_asked_once(server, polish_card, meter, status, code):
    """429 and 5xx are `ModelUnavailable`; the client does not try again by itself."""
    server.replies = [failure(status, code), completion(json.dumps(GOOD))]
    with pytest.raises(ModelUnavailable, match=f"tiny-1 answered {status}"):
        reason(polish_card, VALUES, model_of(server), meter)
    assert (len(server.asked), meter.calls, meter.usages) == (1, 1, [])


@pytest.mark.parametrize(("status", "code"), [(401, "invalid_api_key"), (403, "forbidden"), (404, "model_not_found")])
def test_refusals_are_terminal(server, polish_card, meter, status, code):
    """A refused key or an unknown model is a terminal `ModelError` after one request."""
    server.replies = [failure(status, code)]
    with pytest.raises(ModelError, match=str(status)) as raised:
        reason(polish_card, VALUES, model_of(server), meter)
    assert not raised.value.retryable
    assert len(server.asked) == 1


def test_a_server_without_response_format_is_asked_again_in_words(server, polish_card, meter):
    """A server that refuses `response_format` gets the same question without it, as one of the repairs."""
    server.replies = [failure(400, "unsupported_parameter"), completion(f"```json\n{json.dumps(GOOD)}\n```")]
    assert reason(polish_card, VALUES, model_of(server), meter) == GOOD
    assert "response_format" in server.asked[0]
    assert "response_format" not in server.asked[1]
    assert meter.calls == 2


def test_a_refusal_in_the_message_is_no_answer(server, polish_card, meter):
    """OpenAI's `refusal` leaves no text, so the step ends in an error that says so."""
    server.replies = [completion(None, refusal="I cannot help with that.")] * 3
    with pytest.raises(ModelError, match="no usable answer"):
        reason(polish_card, VALUES, model_of(server), meter)


def test_a_server_that_is_gone_is_retryable(server, polish_card, meter):
    """A closed port is `ModelUnavailable`."""
    model = chat_model("openai:tiny-1@http://127.0.0.1:9/v1", Settings(model_timeout=2))
    with pytest.raises(ModelUnavailable, match="could not be reached"):
        reason(polish_card, VALUES, model, meter)


def test_the_loop_speaks_the_tool_protocol(server):
    """Tools go out under names without dots, the call comes back as `email.search`, its answer as a tool message."""
    call = {
        "id": "call_7",
        "type": "function",
        "function": {"name": "email__search", "arguments": '{"query": "Friday"}'},
    }
    server.replies = [completion(None, tool_calls=[call]), completion("Found one.")]
    seen: list[tuple[str, dict[str, Any]]] = []

    def act(name: str, arguments: dict[str, Any]) -> Answer:
        seen.append((name, arguments))
        return Answer("done", "1 message")

    tool = ActionSchema(name="email.search", description="Search the mail.")
    transcript = react(model_of(server), "Look for Friday.", [tool], act)
    assert (transcript.ended, transcript.text) == ("answered", "Found one.")
    assert seen == [("email.search", {"query": "Friday"})]
    assert server.asked[0]["tools"][0]["function"]["name"] == "email__search"
    assert server.asked[1]["messages"][-1] == {"role": "tool", "tool_call_id": "call_7", "content": "done: 1 message"}
