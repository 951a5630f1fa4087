"""An answer to a form: what does not fit is refused with the next thing to type, and the question stays open."""

from __future__ import annotations

import shutil
from pathlib import Path
from typing import Any

import pytest

from interlock.engine.project import Project
from interlock.engine.service import Engine
from interlock.errors import DecisionRefused
from interlock.settings import load_settings

EXAMPLE = Path(__file__).resolve().parents[2] / "examples" / "pay_invoice"


@pytest.fixture
def asked(tmp_path: Path) -> tuple[Engine, str]:
    """A run of the example that waits for its form, and the id of the question."""
    root = tmp_path / "project"
    shutil.copytree(EXAMPLE, root, ignore=shutil.ignore_patterns("__pycache__", ".interlock"))
    engine = Engine(Project(root=root, settings=load_settings(home=tmp_path / "home", _env_file=None)))
    given = {"payee": "Eastgate Tools", "amount": 2300, "invoice": "7"}
    run = engine.start(engine.project.workflow(engine.project.graph_file("pay_invoice")), given, "clerk")
    [question] = engine.drive(run.id).waiting
    return engine, question.id


@pytest.mark.parametrize(
    ("answer", "says"),
    [
        ({}, r"goods is missing: add --set goods=\.\.\.; the question is still open"),
        ({"good": "complete"}, r"the form has no field good; did you mean goods\? The question is still open"),
        ({"colour": "red"}, "the form has no field colour; it has goods, note"),
        ({"goods": "lost"}, "the form does not accept this: 'lost' is not one of"),
    ],
)
def test_what_does_not_fit_is_refused(asked: tuple[Engine, str], answer: dict[str, Any], says: str) -> None:
    """The message names the field and what to type; nothing is decided by it."""
    engine, question = asked
    with pytest.raises(DecisionRefused, match=says):
        engine.approve(question, "storekeeper", answer=answer)
    assert engine.services.approvals.get(question).state == "waiting"
    engine.approve(question, "storekeeper", answer={"goods": "missing"})
    assert engine.services.approvals.get(question).state != "waiting"
