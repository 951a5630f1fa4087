"""Security floor, secrets: state holds `secret://name` alone; the value goes to the provider and is written nowhere."""

from __future__ import annotations

import base64
import logging
import re
from pathlib import Path
from typing import Any

import pytest
from langchain_core.callbacks import BaseCallbackHandler

from interlock.digest import Json
from interlock.errors import EffectNotDone
from interlock.settings import Settings
from interlock.source import SourceError
from interlock.tools.secret import Secrets, scrub_logs
from tests.attacks.house import House

VALUE = 'k3y"with/odd+letters=='

TOOLS = '''
"""A service behind a token, which tells more than it should."""

import base64
import logging
import re
from pathlib import Path

from interlock.errors import EffectFailed
from interlock.tools.action import ActionContext, Arguments, Probe, Result, about, action
from interlock.tools.secret import SecretName


class Call(Arguments):
    token: SecretName = about("Where the token is kept.")
    text: str = about("What to say.")


class Called(Result):
    said: dict[str, list[str]]


def look(arguments: Call, context: ActionContext) -> Probe:
    token = context.secret(arguments.token)
    return Probe("happened", result=Called(said={token: [token]}), because=f"seen with {token}")


@action("service.call", effect="queryable", risk="low", probe=look)
def call(arguments: Call, context: ActionContext) -> Called:
    """Call the service."""
    token = context.secret(arguments.token)
    with Path(context.home, "provider").open("a") as provider:
        provider.write(token + "\\\\n")
    logging.getLogger("service").warning("called with %s", token)
    word = arguments.text
    if word == "fail":
        raise EffectFailed(f"the token {token} was refused")
    if word == "lose":
        raise OSError(f"lost with {token}")
    return Called(said={token: [f"Bearer {token}", base64.b64encode(token.encode()).decode()]})
'''

POLICY = """
policy: service
version: 1
applies_to: [service.call]
inputs: {text: {type: string}}
rules: [{id: all, when: {text: {ne: ""}}, then: auto, because: it is only a service}]
"""

GRAPH = """
graph: call
version: 1
input: {text: {type: string}, name: {type: string, optional: true}, amount: {type: integer, optional: true}}
steps:
  call: {call: service.call, bind: {token: TOKEN, text: $.text}, writes: called}
edges:
  - START -> call
  - call -> END
  - {from: call, on: [rejected, expired, denied, failed], to: END, outcome: not_called}
output: [called]
"""


@pytest.fixture
def service(house: House, monkeypatch: pytest.MonkeyPatch) -> House:
    """The shop with a service in it, and the token in the environment."""
    house.write("tools/service.py", TOOLS.replace("\\\\", "\\"))
    house.write("policies/service.yaml", POLICY)
    house.write("graphs/call.yaml", GRAPH.replace("TOKEN", "secret://service"))
    monkeypatch.setenv("INTERLOCK_SECRET_SERVICE", VALUE)
    return house


def forms() -> list[bytes]:
    """The value as it could stand in a file."""
    return [VALUE.encode(), VALUE.replace('"', '\\"').encode(), base64.b64encode(VALUE.encode()).rstrip(b"=")]


def holding(folder: Path) -> list[str]:
    """The files that hold the value in any form, but for what the provider itself keeps."""
    files = [path for path in folder.rglob("*") if path.is_file() and path.name != "provider"]
    return [path.name for path in files if any(form in path.read_bytes() for form in forms())]


@pytest.mark.parametrize("word", ["tell", "fail", "lose"])
def test_the_value_is_written_nowhere(
    word: str, service: House, caplog: pytest.LogCaptureFixture, capsys: pytest.CaptureFixture[str]
) -> None:
    """Not in the database, a checkpoint, the audit, an error, a probe's answer, a log, or what is printed."""
    scrub_logs()
    run = service.begun("call", text=word)
    assert VALUE in (service.home / "provider").read_text()
    assert (run.status, run.effect.state) == (("failed", "failed") if word == "fail" else ("done", "verified"))
    run.engine.services.database.engine.dispose()
    assert holding(service.home) == []
    told = str(run.engine.history(run.id)) + str(run.engine.services.runs.get(run.id)) + str(run.effect)
    assert VALUE not in told
    assert "secret://service" in told
    assert VALUE not in caplog.text
    assert "called with secret://service" in caplog.text
    printed = service.command("runs", "show", run.id, "--json")
    assert VALUE not in printed.out + printed.err + "".join(capsys.readouterr())


class Tracer(BaseCallbackHandler):
    """Keeps whatever a tracing service would be sent."""

    def __init__(self) -> None:
        self.heard: list[str] = []

    def __getattribute__(self, name: str) -> Any:
        if name.startswith("on_"):
            return lambda *args, **named: self.heard.append(repr((name, args, named)))
        return super().__getattribute__(name)


def test_a_trace_holds_the_name_alone(service: House) -> None:
    """Whatever LangChain tells its callbacks of a run, the value is not among it."""
    project = service.project()
    graph = project.workflow(service.root / "graphs" / "call.yaml").compile(project.checkpoints)
    tracer = Tracer()
    graph.invoke({"text": "tell"}, {"configurable": {"thread_id": "run-traced"}, "callbacks": [tracer]})
    assert VALUE in (service.home / "provider").read_text()
    assert len(tracer.heard) > 4
    assert all(VALUE not in item for item in tracer.heard)


@pytest.mark.parametrize("token", ["$.text", "$.name", "k3y", "secret://", "{value: $.name, stands_in: $.text}"])
def test_only_the_graph_names_a_secret(token: str, service: House) -> None:
    """A binding that a value of the run could fill, or that is a value itself, is refused before anything runs."""
    service.write("graphs/call.yaml", GRAPH.replace("TOKEN", token).replace(", optional: true}, amount", "}, amount"))
    with pytest.raises(SourceError, match=r"error\[G107\]: `token` of `service.call`"):
        service.begun("call", text="secret://service", name="secret://service")


def test_no_model_fills_in_a_secret(service: House) -> None:
    """Where an action model would have to name it, the graph is refused."""
    service.write("nodes/caller.yaml", "node: caller\nkind: act\ngoal: Call it.\nactions: [service.call]\n")
    step = "call: {node: caller, reads: [text], writes: called}"
    graph = re.sub(r"call: \{call: .*\}", step, GRAPH).replace("denied, failed]", "denied, failed, abstained]")
    service.write("graphs/call.yaml", graph)
    with pytest.raises(SourceError, match=r"error\[G106\]: `service.call` needs `token`"):
        service.begun("call", text="secret://service")


def test_an_edit_names_no_other_secret(service: House, monkeypatch: pytest.MonkeyPatch) -> None:
    """A reviewer who puts another reference into an action has it denied."""
    monkeypatch.setenv("INTERLOCK_SECRET_OTHER", "another-value")
    service.change("policies/service.yaml", "then: auto", "then: {approve: {count: 1}}")
    run = service.begun("call", text="tell")
    run.engine.edit(run.asked.id, "bob", {"token": "secret://other"})
    run.drive()
    assert (run.outcome, run.effect.state) == ("not_called", "denied")
    assert not (service.home / "provider").exists()


def test_a_secret_that_is_not_there_does_nothing(service: House, monkeypatch: pytest.MonkeyPatch) -> None:
    """It is named, with where to put it; the action certainly did not happen."""
    monkeypatch.delenv("INTERLOCK_SECRET_SERVICE")
    run = service.begun("call", text="tell")
    assert run.effect.state == "failed"
    assert "secret://service is not there; nothing was done" in str(run.effect.error)


def test_a_file_that_others_read_is_refused(tmp_path: Path) -> None:
    """A secret that the whole machine can read is none."""
    secrets = Secrets(Settings(home=tmp_path))
    path = tmp_path / "secrets" / "crm"
    path.parent.mkdir()
    path.write_text("value\n")
    path.chmod(0o644)
    with pytest.raises(EffectNotDone, match=f"chmod 600 {path}"):
        secrets.get("secret://crm")
    path.chmod(0o600)
    assert secrets.get("secret://crm") == "value"


@pytest.mark.parametrize(
    "name", ["secret://../audit.key", "secret://a/b", "secret://", "crm", "secret://A", "secret://a\n"]
)
def test_a_name_is_no_path(name: str, tmp_path: Path) -> None:
    """Only lower-case words name a secret."""
    with pytest.raises(EffectNotDone, match="names no secret"):
        Secrets(Settings(home=tmp_path)).get(name)


def test_settings_that_are_secret_are_taken_out_too(tmp_path: Path) -> None:
    """A mail server that repeats the password in its refusal does not get it written down."""
    secrets = Secrets(Settings(home=tmp_path, smtp_password="hunter22"))  # type: ignore[arg-type]
    told: Json = {"error": ["535 hunter22 is wrong"]}
    assert secrets.redacted(told) == {"error": ["535 secret://smtp_password is wrong"]}
    assert "hunter22" not in repr(Settings(home=tmp_path, smtp_password="hunter22"))  # type: ignore[arg-type]


def test_an_exception_in_a_log_is_scrubbed(service: House, caplog: pytest.LogCaptureFixture, tmp_path: Path) -> None:
    """Also where the value stands in a traceback."""
    scrub_logs()
    secrets = Secrets(Settings(home=tmp_path))
    try:
        raise ValueError(secrets.get("secret://service"))
    except ValueError:
        logging.getLogger("service").exception("it broke")
    assert VALUE not in caplog.text
    assert "secret://service" in caplog.text
