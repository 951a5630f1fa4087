"""What the API answers, held to its own document by schemathesis: requests made at random of that document.

`INTERLOCK_API_EXAMPLES=500` tries more of each operation.
"""

from __future__ import annotations

import json
import os
import re
from pathlib import Path
from typing import Any

import pytest
import schemathesis
from hypothesis import HealthCheck, Phase, given, seed, settings
from hypothesis import strategies as st
from schemathesis import Case
from schemathesis.checks import CHECKS, load_all_checks
from schemathesis.generation import GenerationMode
from starlette.testclient import TestClient

from interlock.web.api.documents import text
from tests.attacks.house import Run
from tests.web.api.conftest import EVERYBODY
from tests.web.site import BASE, Site

ROOT = Path(__file__).resolve().parents[3]

EXAMPLES = int(os.environ.get("INTERLOCK_API_EXAMPLES", "5"))

HELD = ("not_a_server_error", "status_code_conformance", "content_type_conformance", "response_headers_conformance",
        "response_schema_conformance")  # fmt: skip

PEOPLE = [EVERYBODY, EVERYBODY, EVERYBODY, "ada", "arthur", "fay", "otto"]
"""Who asks: mostly somebody who may do everything, else somebody with one role."""

SCHEMA = schemathesis.openapi.from_dict(json.loads(text()))
OPERATIONS = {operation.label: operation for operation in (found.ok() for found in SCHEMA.get_all_operations())}  # type: ignore[union-attr]
"""A document that cannot be read at all fails here."""

load_all_checks()
CHECKED: list[Any] = [check for check in CHECKS.get_all() if check.__name__ in HELD]


def real(case: Case[Any], run: Run) -> None:
    """Let a case be about the run and the request that there are."""
    known = {"run_id": run.id, "approval_id": run.asked.id, "name": "pay", "position": "0"}
    for name in case.path_parameters or {}:
        case.path_parameters[name] = known[name]


def send(client: TestClient, case: Case[Any]) -> Any:
    sent = case.as_transport_kwargs(base_url=BASE)
    headers = {name: value for name, value in sent.get("headers", {}).items() if _fits(name, str(value))}
    body = {
        "content" if name == "data" else name: sent[name] for name in ("json", "data") if sent.get(name) is not None
    }
    return client.request(sent["method"], sent["url"], params=sent.get("params"), headers=headers, **body)


def _fits(name: str, value: str) -> bool:
    """Whether a client can send this header, and it takes the sign-in from nobody."""
    return name.lower() not in ("authorization", "cookie") and value.isascii() and value.isprintable()


def test_the_document_is_whole() -> None:
    """Every operation has an id of its own, and every answer a program can get is described."""
    document: Any = SCHEMA.raw_schema
    operations = [each for path in document["paths"].values() for each in path.values()]
    ids = [each["operationId"] for each in operations]
    assert len(ids) == len(set(ids))
    assert document["openapi"].startswith("3.1")
    for operation in operations:
        assert {"401", "403", "429", "500", "503"} <= set(operation["responses"])
        assert "HTTPValidationError" not in str(operation)
    assert {"token", "signIn"} == set(document["components"]["securitySchemes"])


def test_the_copy_that_is_kept_is_this_document() -> None:
    """Whoever reads the repository reads what the server says; anew: `interlock schema api -o docs/schema`."""
    assert (ROOT / "docs" / "schema" / "openapi.json").read_text(encoding="utf-8") == text()


def test_the_page_about_the_api_has_every_operation() -> None:
    """Its table of addresses is whole, and names nothing that there is not; so is its table of problems."""
    page = (ROOT / "docs" / "api.md").read_text(encoding="utf-8")
    told = re.findall(r"^\| `((?:GET|POST) /api/[^`]*)` \|", page, re.MULTILINE)
    assert sorted(told) == sorted(OPERATIONS)
    statuses = set(re.findall(r"^\| `(\d\d\d)` \|", page, re.MULTILINE))
    described = {
        each for path in SCHEMA.raw_schema["paths"].values() for op in path.values() for each in op["responses"]
    }
    assert statuses == {each for each in described if each[0] in "45"}


@pytest.mark.parametrize("label", OPERATIONS)
def test_an_operation_keeps_to_the_document(still: Site, label: str) -> None:
    """Requests that fit and that do not, about things that are there and that are not: no 500, nothing undescribed."""
    run = Run(still.house, still.engine, still.engine.services.runs.list()[-1].id)
    operation, clients = OPERATIONS[label], {name: still.program(name) for name in PEOPLE}

    @seed(7)
    @settings(
        max_examples=EXAMPLES, deadline=None, database=None, phases=[Phase.explicit, Phase.generate],
        suppress_health_check=list(HealthCheck),
    )  # fmt: skip
    @given(
        case=operation.as_strategy(generation_mode=GenerationMode.POSITIVE)
        | operation.as_strategy(generation_mode=GenerationMode.NEGATIVE),
        person=st.sampled_from(PEOPLE),
        there=st.booleans(),
    )
    def tried(case: Case[Any], person: str, there: bool) -> None:
        if there and label not in ("POST /api/runs/{run_id}/cancel", "POST /api/approvals/{approval_id}/decision"):
            real(case, run)
        case.validate_response(send(clients[person], case), checks=CHECKED)

    tried()
