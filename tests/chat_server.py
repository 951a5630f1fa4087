"""A chat server on loopback whose model is a few rules: it reads the schema or the tools it is sent, and the request.

It is no imitation of a language model but of a server: which fields it keeps to, leaves out or refuses, which form its
answers have, and which log-probabilities it tells.
"""

from __future__ import annotations

import json
import re
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from typing import Any, Literal

from interlock.lam.endpoint.model import EndpointModel
from interlock.lam.endpoint.options import Options
from tests.servers import Asked, Reply, Server, serving

Function = tuple[str, dict[str, Any]]
"""An action that is offered: its name and the properties of its arguments."""
Call = dict[str, Any]
Brain = Callable[[str, list[Function]], list[Call]]
"""Which calls a request gets."""
Form = Literal["message", "xlam-1", "xlam-2", "hermes"]

JSON = {"content-type": "application/json; charset=utf-8"}
SURE, DOUBTFUL = -0.001, -4.0
"""Log-probabilities of a token that the model would have written itself, and of any other."""


def by_words(text: str, offered: list[Function]) -> list[Call]:
    """A call of each action whose name has a word that stands in the request, filled with what stands there."""
    words = set(re.findall(r"[a-z]+", text.lower().replace("pay ", "payments ")))
    chosen = [one for one in offered if set(re.findall(r"[a-z]+", one[0].lower())) & words]
    return [
        {"name": name, "arguments": arguments}
        for name, properties in chosen
        for arguments in _payments(properties, text) or [_filled(properties, text)]
    ]


def _payments(properties: dict[str, Any], text: str) -> list[dict[str, Any]]:
    """Every `250 EUR to Northwind Supplies` of a text, for an action that pays."""
    found = re.findall(r"(\d+(?:\.\d+)?) ([A-Z]{3}) to ([A-Z]\w+(?: [A-Z]\w+)*)", text)
    read = [{"payee": payee, "amount": json.loads(amount), "currency": code} for amount, code, payee in found]
    return read if {"payee", "amount", "currency"} <= set(properties) else []


def _filled(properties: dict[str, Any], text: str) -> dict[str, Any]:
    addresses = re.findall(r"[\w.]+@\S+\.\w+", text)
    quoted = [part for part in re.findall(r'"([^"]*)"', text) if part not in addresses]
    numbers = [int(number) for number in re.findall(r"\b\d+\b", text)]
    found: dict[str, Any] = {}
    for name, schema in properties.items():
        options = [option for option in schema.get("enum") or [] if str(option).lower() in text.lower()]
        kind = schema.get("type")
        if options:
            found[name] = options[0]
        elif schema.get("enum"):
            continue
        elif kind in ("integer", "number") and numbers:
            found[name] = numbers.pop(0)
        elif kind == "boolean":
            found[name] = name in text
        elif kind == "array" and len(quoted) > 1:
            found[name], quoted = quoted, []
        elif kind == "object":
            found[name] = _filled(schema.get("properties") or {}, text)
        elif kind == "string" and name == "to" and addresses:
            found[name] = addresses.pop(0)
        elif kind == "string" and name != "to" and quoted:
            found[name] = quoted.pop(0)
    return found


@dataclass
class ChatServer:
    """How the server behaves, and what it is asked."""

    keeps: tuple[str, ...] = ("structured_outputs", "response_format", "tools")
    """Fields that it knows; others are left out silently, as most servers do."""
    refuses: tuple[str, ...] = ()
    """Fields for which it answers 422."""
    tells: tuple[str, ...] = ()
    """`logprobs`, `prompt_logprobs`."""
    form: Form = "message"
    """How it answers with tools: in `tool_calls`, or as text in one of the forms."""
    model: str = "tiny"
    brain: Brain = by_words
    says: list[Reply] = field(default_factory=list)
    """Replies that come first, whatever is asked."""
    bodies: list[dict[str, Any]] = field(default_factory=list)

    def answer(self, asked: Asked) -> Reply:
        if asked.method == "GET":
            return reply({"object": "list", "data": [{"id": self.model, "object": "model"}]})
        body: dict[str, Any] = json.loads(asked.body)
        self.bodies.append(body)
        if self.says:
            return self.says.pop(0)
        unknown = [name for name in self.refuses if name in body]
        if unknown:
            return 422, JSON, json.dumps({"error": f"unexpected fields {unknown}"}).encode()
        if body["model"] != self.model:
            return 404, JSON, b'{"error": "no such model"}'
        schema = self._schema(body)
        request = next(m["content"] for m in reversed(body["messages"]) if m["role"] == "user")
        if schema is not None:
            return self._told(body, {"content": json.dumps(self._under(schema, request), ensure_ascii=False)}, request)
        if body.get("tools") and "tools" in self.keeps:
            offered = [(t["function"]["name"], t["function"]["parameters"]["properties"]) for t in body["tools"]]
            return self._told(body, self._message(self.brain(request, offered)), request)
        return self._told(body, {"content": "I would rather talk about it."}, request)

    def _schema(self, body: dict[str, Any]) -> dict[str, Any] | None:
        found: Any = None
        if "structured_outputs" in self.keeps:
            found = (body.get("structured_outputs") or {}).get("json")
        if found is None and "response_format" in self.keeps:
            found = ((body.get("response_format") or {}).get("json_schema") or {}).get("schema")
        return found if isinstance(found, dict) else None

    def _under(self, schema: dict[str, Any], request: str) -> Any:
        calls = schema["properties"].get("tool_calls")
        if calls is None:  # any other schema here has only one answer
            return {name: part["enum"][0] for name, part in schema["properties"].items()}
        offered = [
            (one["properties"]["name"]["enum"][0], one["properties"]["arguments"]["properties"])
            for one in calls["items"]["anyOf"]
        ]
        return {"tool_calls": self.brain(request, offered)}

    def _message(self, calls: list[Call]) -> dict[str, Any]:
        if self.form == "message":
            if not calls:
                return {"content": "None of my tools does that."}
            made = [
                {"id": f"call-{n}", "type": "function",
                 "function": {"name": c["name"], "arguments": json.dumps(c["arguments"], ensure_ascii=False)}}
                for n, c in enumerate(calls)
            ]  # fmt: skip
            return {"content": None, "tool_calls": made}
        if self.form == "xlam-1":
            return {"content": json.dumps({"tool_calls": calls}, ensure_ascii=False)}
        if not calls:
            return {"content": "None of my tools does that."}
        if self.form == "xlam-2":
            return {"content": json.dumps(calls, ensure_ascii=False)}
        tags = [f"<tool_call>\n{json.dumps(call, ensure_ascii=False)}\n</tool_call>" for call in calls]
        return {"content": "\n".join(tags)}

    def _told(self, body: dict[str, Any], message: dict[str, Any], request: str) -> Reply:
        ended = "tool_calls" if message.get("tool_calls") else "stop"
        choice: dict[str, Any] = {"index": 0, "finish_reason": ended, "message": {"role": "assistant", **message}}
        if "logprobs" in self.tells and body.get("logprobs"):
            pieces = _pieces(str(message["content"]))
            told = [{"token": t, "logprob": SURE, "bytes": list(t.encode()), "top_logprobs": []} for t in pieces]
            choice["logprobs"] = {"content": told}
        answer: dict[str, Any] = {"object": "chat.completion", "model": self.model, "choices": [choice]}
        if "prompt_logprobs" in self.tells and "prompt_logprobs" in body:
            answer["prompt_logprobs"] = self._of_prompt(body, request)
        return reply(answer)

    def _of_prompt(self, body: dict[str, Any], request: str) -> list[Any]:
        """As vLLM tells them: nothing for the first token, for each other its own text and log-probability."""
        final = body["messages"][-1]["content"]
        actions = body["messages"][0]["content"].rpartition("one a line:\n")[2].splitlines()
        offered = [(one["name"], one["parameters"]["properties"]) for one in map(json.loads, actions)]
        own = _pieces(json.dumps({"tool_calls": self.brain(request, offered)}, ensure_ascii=False))
        told: list[Any] = [None, {"5": {"logprob": -2.0, "rank": 4, "decoded_token": "\n"}}]
        for place, piece in enumerate(_pieces(final)):
            likely = own[place : place + 1] == [piece]
            told.append({"7": {"logprob": SURE if likely else DOUBTFUL, "rank": 1, "decoded_token": piece}})
        return told


def _pieces(text: str) -> list[str]:
    return re.findall(r"\w+|\W", text)


def reply(document: Any, status: int = 200) -> Reply:
    return status, JSON, json.dumps(document, ensure_ascii=False).encode()


def said(content: str | None, **more: Any) -> Reply:
    """A reply whose message has this text."""
    ended = more.pop("finish_reason", "stop")
    message = {"role": "assistant", "content": content, **more}
    return reply({"choices": [{"index": 0, "message": message, "finish_reason": ended}]})


@contextmanager
def chatting(chat: ChatServer | None = None, **options: Any) -> Iterator[tuple[EndpointModel, ChatServer, Server]]:
    """An action model over a running chat server."""
    chat = chat or ChatServer()
    with serving() as server:
        server.play = chat.answer
        yield EndpointModel(Options(server.url + "/v1", **({"model": chat.model} | options))), chat, server
