"""A causal model from the command line, as the setting names it too."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import pytest
from typer.testing import CliRunner

from interlock.cli.model import app
from interlock.engine.project import Project
from interlock.lam.causal.model import CausalModel
from tests.lam.causal.conftest import ACTIONS, REQUESTS, SCORES
from tests.lam.causal.tiny import make_model, save


@pytest.fixture(scope="module")
def reference(tmp_path_factory: pytest.TempPathFactory, tokenizer: Any) -> str:
    folder = save(tmp_path_factory.mktemp("command") / "tiny-llama", make_model("llama", SCORES, 3), tokenizer)
    return f"hf:{folder}?copy_only=1"


def test_propose_asks_the_named_model(tmp_path: Path, reference: str) -> None:
    """`propose --model hf:FOLDER` prints the decision of that model, whose evidence is in the text."""
    tools = tmp_path / "tools.json"
    tools.write_text(json.dumps([action.model_dump() for action in ACTIONS]), encoding="utf-8")
    given = ["propose", "--model", reference, "--tools", str(tools), "--risk", "1", "--json"]
    for text in REQUESTS[:3]:
        result = CliRunner().invoke(app, [*given, "--text", text])
        assert result.exit_code == 0, result.output
        answer = json.loads(result.stdout)
        assert (answer["backend"], answer["model_id"]) == ("causal", "tiny-llama:generic:fp32+copy")
        assert all(text[e["start"] : e["end"]] == e["text"] for e in answer["evidence"].values())


def test_the_setting_names_it_for_every_run(tmp_path: Path, reference: str, monkeypatch: pytest.MonkeyPatch) -> None:
    """With `INTERLOCK_ACTION_MODEL=hf:FOLDER` the act steps of a project ask it."""
    monkeypatch.setenv("INTERLOCK_ACTION_MODEL", reference)
    (tmp_path / "graphs").mkdir()
    (tmp_path / "tools").mkdir()
    assert isinstance(Project.at(tmp_path).services.action_model(), CausalModel)
