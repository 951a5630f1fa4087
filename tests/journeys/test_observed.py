"""What real processes tell of themselves: spans by OTLP, a log of JSON lines, and the batches that LangSmith gets."""

from __future__ import annotations

import gzip
import json
import os
import shutil
import subprocess
import threading
from collections.abc import Iterator
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path

import pytest
from opentelemetry.proto.collector.trace.v1.trace_service_pb2 import ExportTraceServiceRequest

from tests.attacks.house import CONSOLE_SCRIPT

EXAMPLE = Path(__file__).parents[2] / "examples" / "pay_invoice"
SECRET = "Northwind under the table"


class Collector:
    """A server on loopback that keeps what is posted to it."""

    def __init__(self) -> None:
        self.bodies: list[tuple[str, bytes]] = []
        kept = self.bodies

        class Handler(BaseHTTPRequestHandler):
            def do_GET(self) -> None:
                self._answer(b"{}")

            def do_POST(self) -> None:
                body = self.rfile.read(int(self.headers["content-length"]))
                kept.append((self.path, gzip.decompress(body) if body[:2] == b"\x1f\x8b" else body))
                self._answer(b"{}" if "v1/traces" not in self.path else b"")

            def _answer(self, body: bytes) -> None:
                self.send_response(200)
                self.send_header("content-length", str(len(body)))
                self.end_headers()
                self.wfile.write(body)

            def log_message(self, *_: object) -> None:
                """Say nothing."""

        self.server = ThreadingHTTPServer(("127.0.0.1", 0), Handler)
        self.url = f"http://127.0.0.1:{self.server.server_port}"
        threading.Thread(target=self.server.serve_forever, daemon=True).start()

    def told(self, part: str) -> list[bytes]:
        """What was posted to addresses with a part."""
        return [body for path, body in self.bodies if part in path]


@pytest.fixture
def collector() -> Iterator[Collector]:
    """One collector, closed after the test."""
    made = Collector()
    yield made
    made.server.shutdown()
    made.server.server_close()


@pytest.fixture
def project(tmp_path: Path) -> Path:
    """A copy of an example of its own."""
    return Path(shutil.copytree(EXAMPLE, tmp_path / "project", ignore=shutil.ignore_patterns(".interlock")))


def pay(project: Path, **environment: str) -> subprocess.CompletedProcess[str]:
    """Run the example until it waits."""
    environment = {"INTERLOCK_HOME": str(project / ".home"), "NO_COLOR": "1"} | environment
    words = ["run", "pay_invoice", "-i", f"payee={SECRET}", "-i", "amount=480", "-i", "invoice=1", "--as", "clerk"]
    return subprocess.run(
        [CONSOLE_SCRIPT, *words],
        cwd=project, env={**os.environ, **environment}, capture_output=True, text=True, timeout=120, check=False,
    )  # fmt: skip


def test_spans_are_sent_by_otlp_when_the_process_ends(project: Path, collector: Collector) -> None:
    """With OpenTelemetry's own variable alone; a waiting approval is no error, and no value is in them."""
    ended = pay(project, OTEL_EXPORTER_OTLP_ENDPOINT=collector.url)
    assert ended.returncode == 3, ended.stderr
    found = [ExportTraceServiceRequest.FromString(body) for body in collector.told("/v1/traces")]
    spans = [
        span for each in found for whole in each.resource_spans for scope in whole.scope_spans for span in scope.spans
    ]
    assert "invoke_workflow pay_invoice" in {span.name for span in spans}
    assert {span.status.code for span in spans} == {0}
    assert len({span.trace_id for span in spans}) == 1
    resource = found[0].resource_spans[0].resource
    assert {"service.name": "interlock"}.items() <= {a.key: a.value.string_value for a in resource.attributes}.items()
    assert SECRET not in "".join(str(each) for each in found)


def test_an_exporter_that_nobody_knows_is_named(project: Path) -> None:
    """A slip in the variable ends the command with what it may be, and no run."""
    ended = pay(project, OTEL_TRACES_EXPORTER="zipkin")
    assert ended.returncode == 2
    assert "otlp, console or none" in ended.stderr
    assert not (project / ".home").exists()


@pytest.mark.parametrize("content", ["false", "true"])
def test_langsmith_gets_runs_without_their_content(project: Path, collector: Collector, content: str) -> None:
    """Its own variables turn it on; what a run is about is sent only where that is wanted, and its wait is no error."""
    ended = pay(
        project,
        LANGSMITH_TRACING="true",
        LANGSMITH_ENDPOINT=collector.url,
        LANGSMITH_API_KEY="none",
        LANGSMITH_DISABLE_RUN_COMPRESSION="true",
        INTERLOCK_TRACE_CONTENT=content,
    )
    assert ended.returncode == 3, ended.stderr
    sent = b"".join(collector.told("runs"))
    assert b"pay_invoice" in sent
    assert (SECRET.encode() in sent) is (content == "true")
    assert b"GraphInterrupt" not in sent


def test_a_server_logs_each_entry_of_the_audit_as_a_json_line(project: Path) -> None:
    """Who, what and which, with moments and levels; the server ends by a signal."""
    environment = os.environ | {"INTERLOCK_HOME": str(project / ".home"), "INTERLOCK_LOG_FORMAT": "json"}
    command = [CONSOLE_SCRIPT, "serve", "--port", "0"]
    server = subprocess.Popen(
        command, cwd=project, env=environment, stderr=subprocess.PIPE, stdout=subprocess.PIPE, text=True
    )
    assert server.stdout is not None
    assert server.stderr is not None
    try:
        for line in server.stdout:
            if line.startswith("Serving at"):
                break
        lines = iter(server.stderr.readline, "")
        first = json.loads(next(lines))
    finally:
        server.terminate()
        server.wait(60)
        rest = server.stderr.read()
        server.stdout.close()
        server.stderr.close()
    told = [first, *(json.loads(line) for line in rest.splitlines())]
    assert all({"event", "level", "timestamp", "logger"} <= line.keys() for line in told)
