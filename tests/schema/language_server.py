"""A small client of the Language Server Protocol: JSON-RPC over the server's standard input and output.

https://microsoft.github.io/language-server-protocol/specifications/lsp/3.17/specification/
"""

from __future__ import annotations

import json
import queue
import subprocess
import threading
from collections.abc import Mapping
from pathlib import Path
from typing import IO, Any, NamedTuple

PATIENCE = 60.0
"""Seconds to wait for a message before the server is taken for hung."""

SETTINGS = {
    "yaml": {"validate": True, "hover": True, "completion": True, "schemaStore": {"enable": False}},
    "http": {"proxyStrictSSL": False},
}
"""As an editor sends them; the store of public schemas stays off, so nothing is fetched."""


class Diagnostic(NamedTuple):
    """What the server finds in a file; the line counts from 1."""

    line: int
    text: str
    """The text that is underlined."""
    message: str


class LanguageServer:
    """One running server, spoken to in turn: what is asked is waited for."""

    def __init__(self, command: list[str], folder: Path) -> None:
        self._folder = folder
        self._process = subprocess.Popen(command, stdin=subprocess.PIPE, stdout=subprocess.PIPE, cwd=folder)
        self._messages: queue.Queue[Mapping[str, Any] | None] = queue.Queue()
        self._asked = 0
        self._versions: dict[str, int] = {}
        threading.Thread(target=self._listen, args=(self._process.stdout,), daemon=True).start()
        capabilities = {
            "workspace": {"configuration": True, "didChangeConfiguration": {"dynamicRegistration": True}},
            "textDocument": {
                "completion": {"completionItem": {"snippetSupport": True, "documentationFormat": ["markdown"]}},
                "hover": {"contentFormat": ["markdown"]},
                "publishDiagnostics": {"relatedInformation": True},
            },
        }
        self._ask("initialize", {"processId": None, "rootUri": folder.as_uri(), "capabilities": capabilities})
        self._tell("initialized", {})
        self._tell("workspace/didChangeConfiguration", {"settings": SETTINGS})

    def open(self, path: Path, text: str | None = None) -> list[Diagnostic]:
        """Open a file, with other text than it has where given, and wait for what the server finds in it."""
        text = path.read_text(encoding="utf-8") if text is None else text
        uri = path.as_uri()
        if uri in self._versions:
            self._tell("textDocument/didClose", {"textDocument": {"uri": uri}})
            self._published(uri)
        self._versions[uri] = self._versions.get(uri, 0) + 1
        document = {"uri": uri, "languageId": "yaml", "version": self._versions[uri], "text": text}
        self._tell("textDocument/didOpen", {"textDocument": document})
        lines = text.split("\n")
        return sorted(self._diagnostic(found, lines) for found in self._published(uri))

    def completions(self, path: Path, line: int, column: int) -> dict[str, Mapping[str, Any]]:
        """What the server offers at a place (counted from 1) of an open file, by label."""
        found = self._ask("textDocument/completion", self._at(path, line, column))
        items = found["items"] if isinstance(found, dict) else found
        return {item["label"]: item for item in items}

    def hover(self, path: Path, line: int, column: int) -> str:
        """What the server tells of a place (counted from 1) of an open file, as Markdown."""
        found = self._ask("textDocument/hover", self._at(path, line, column))
        contents = found["contents"] if found else ""
        return contents["value"] if isinstance(contents, dict) else str(contents)

    def close(self) -> None:
        """Ask the server to end, and wait until it has."""
        try:
            self._ask("shutdown", None)
            self._tell("exit", None)
            self._process.wait(PATIENCE)
        finally:
            self._process.kill()
            self._process.wait()

    @staticmethod
    def _at(path: Path, line: int, column: int) -> dict[str, Any]:
        return {"textDocument": {"uri": path.as_uri()}, "position": {"line": line - 1, "character": column - 1}}

    @staticmethod
    def _diagnostic(found: Mapping[str, Any], lines: list[str]) -> Diagnostic:
        start, end = found["range"]["start"], found["range"]["end"]
        line = lines[start["line"]] if start["line"] < len(lines) else ""
        stop = end["character"] if end["line"] == start["line"] else len(line)
        return Diagnostic(start["line"] + 1, line[start["character"] : stop], found["message"])

    def _published(self, uri: str) -> list[Mapping[str, Any]]:
        """The diagnostics of a file, once the server sends them."""
        while True:
            message = self._next()
            if message.get("method") == "textDocument/publishDiagnostics" and message["params"]["uri"] == uri:
                found: list[Mapping[str, Any]] = message["params"]["diagnostics"]
                return found

    def _ask(self, method: str, params: Any) -> Any:
        self._asked += 1
        self._send({"id": self._asked, "method": method, "params": params})
        while True:
            message = self._next()
            if message.get("id") == self._asked and "method" not in message:
                assert "error" not in message, message
                return message["result"]

    def _next(self) -> Mapping[str, Any]:
        """The next message; what the server asks is answered on the way."""
        message = self._messages.get(timeout=PATIENCE)
        if message is None:
            raise ConnectionError(f"the server ended with {self._process.wait(PATIENCE)}")
        if "id" in message and "method" in message:
            wanted = message["params"].get("items", []) if message["method"] == "workspace/configuration" else None
            answer = [SETTINGS.get(item["section"]) for item in wanted] if wanted is not None else None
            self._send({"id": message["id"], "result": answer})
        return message

    def _tell(self, method: str, params: Any) -> None:
        self._send({"method": method, "params": params})

    def _send(self, message: Mapping[str, Any]) -> None:
        assert self._process.stdin is not None
        body = json.dumps({"jsonrpc": "2.0", **message}).encode()
        self._process.stdin.write(b"Content-Length: %d\r\n\r\n" % len(body) + body)
        self._process.stdin.flush()

    def _listen(self, stream: IO[bytes]) -> None:
        """Put every message on the queue, and None at the end."""
        length = 0
        while header := stream.readline():
            if header.lower().startswith(b"content-length:"):
                length = int(header.split(b":")[1])
            elif not header.strip():
                self._messages.put(json.loads(stream.read(length)))
        self._messages.put(None)
