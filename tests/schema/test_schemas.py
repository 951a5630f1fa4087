"""The committed schemas are those of the models, and judge every file of the repository as the check does."""

from __future__ import annotations

import json
import os
import re
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st
from jsonschema import Draft7Validator
from typer.testing import CliRunner

from interlock.cli.app import app
from interlock.cli.author import make_project
from interlock.cli.schema import FOLDER, schema_files
from interlock.graphs.arrows import parse_arrow
from interlock.graphs.schema import CARDS, KINDS, STEPS, Kind, Names, file_name, schema
from interlock.graphs.steps import KINDS as STEP_KINDS
from interlock.source.schema import references
from tests.schema.judged import FORM, ROOT, SCHEMAS, data_of, kind_of, schema_faults, validator

MODELINE = re.compile(r"# yaml-language-server: \$schema=(\S+)\n")
SHIPPED = [
    path
    for top in ("graphs", "nodes", "policies", "examples", "tests/accepted")
    for path in sorted((ROOT / top).rglob("*.yaml"))
]
EXPECT = re.compile(r"# expect: ([A-Z][0-9]{3}) ")
REFUSED = {
    path.relative_to(ROOT / "tests" / "refused").as_posix(): (match[1], path)
    for path in sorted((ROOT / "tests" / "refused").rglob("*.yaml"))
    if (match := EXPECT.search(path.read_text(encoding="utf-8", errors="replace"))) and data_of(path) is not None
}

UNSEEN = {
    "missing_key.yaml": "a reason step needs `writes`; that it is one, its card says, which is another file",
    "default_of_wrong_type.yaml": "a schema does not judge a value by the schema that stands beside it",
    "projects/policy_calendar_zone/policies/house.yaml": "which time zones there are, the machine's own files say",
    "projects/policy_derived_window/policies/house.yaml": "`over` is needed beside `count`, and must not stand beside "
    "`calendar`",
}
"""Documents with a fault of form that a schema cannot see, and why."""


def test_the_committed_schemas_are_up_to_date() -> None:
    """Each file is what the models make now; `interlock schema -o docs/schema` writes them anew."""
    assert {path.name: path.read_text(encoding="utf-8") for path in SCHEMAS.glob("*.schema.json")} == schema_files()


@pytest.mark.parametrize("kind", KINDS)
def test_a_schema_is_sound(kind: Kind) -> None:
    """It is draft-07, every definition it names is there, and none is there that it does not need."""
    found = json.loads((SCHEMAS / file_name(kind)).read_text(encoding="utf-8"))
    Draft7Validator.check_schema(found)
    assert set(references(found)) == set(found.get("definitions", {}))
    assert (found["$id"], found["title"]) == (file_name(kind), f"Interlock {kind}".replace("node", "node card"))


@pytest.mark.parametrize("kind", KINDS)
def test_every_key_is_described(kind: Kind) -> None:
    """Whatever key an editor points at, it has a sentence to show."""
    silent = [place for place, about in _properties(schema(kind)) if not about.get("description")]
    assert not silent


def _properties(node: Any, place: str = "") -> Iterator[tuple[str, dict[str, Any]]]:
    """Every key of every object that a schema describes; conditions (`if`) describe nothing."""
    for key, value in node.items():
        if key in ("properties", "definitions"):
            for name, about in value.items():
                if key == "properties":
                    yield f"{place}.{name}", about
                yield from _properties(about, f"{place}.{name}")
        elif key != "if":
            for part in value if isinstance(value, list) else [value]:
                if isinstance(part, dict):
                    yield from _properties(part, place)


def test_every_kind_of_step_and_card_has_its_form() -> None:
    """The schema tells steps apart by the same keys as the reader, and knows every kind of card that is a file."""
    assert tuple(STEPS) == STEP_KINDS
    assert set(CARDS) == set(schema("node")["properties"]["kind"]["enum"])
    assert all(form.model_fields["kind"].annotation.__args__ == (kind,) for kind, form in CARDS.items())


@pytest.mark.parametrize("path", SHIPPED, ids=lambda path: path.relative_to(ROOT).as_posix())
def test_a_shipped_file_fits_the_schema_that_it_names(path: Path) -> None:
    """Its first line leads to the schema of its kind, and that has nothing to say against it."""
    wanted = os.path.relpath(SCHEMAS / file_name(kind_of(path)), path.parent)
    first, _, _ = path.read_text(encoding="utf-8").partition("\n")
    assert first == f"# yaml-language-server: $schema={wanted}"
    assert schema_faults(kind_of(path), data_of(path)) == []


@pytest.mark.parametrize("name", REFUSED)
def test_a_refused_file_is_refused_for_its_form_only(name: str) -> None:
    """The schema refuses each document whose fault is one of form, except those listed, and no other."""
    code, path = REFUSED[name]
    seen = bool(schema_faults(kind_of(path), data_of(path)))
    assert seen == (code in FORM and name not in UNSEEN)


def test_what_a_schema_cannot_see_is_listed_for_a_reason() -> None:
    """Each document listed as unseen exists and has a fault of form."""
    assert {REFUSED[name][0] for name in UNSEEN} <= FORM


@given(st.from_regex(r"[ab>\- \t]{0,12}", fullmatch=True) | st.text(max_size=12))
def test_an_arrow_is_an_arrow_to_both(text: str) -> None:
    """A text is an edge to the schema exactly when the reader finds its two ends."""
    edges = {"graph": "g", "version": 1, "steps": {"a": {"call": "x.y"}}, "edges": [text]}
    assert validator("graph").is_valid(edges) == (parse_arrow(text) is not None)


def run(*words: str) -> tuple[int, str]:
    """The exit code of `interlock schema …` and what it prints."""
    result = CliRunner().invoke(app, ["schema", *words])
    return result.exit_code, result.output


def test_a_new_project_has_the_schemas_its_files_name(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """`interlock init` writes them where the first line of each file leads, and `--check` agrees."""
    make_project(tmp_path)
    found = sorted(tmp_path.rglob("*.yaml"))
    assert {kind_of(path) for path in found} == set(KINDS) - {"toolset"}
    for path in found:
        modeline = MODELINE.match(path.read_text(encoding="utf-8"))
        assert modeline
        assert (path.parent / modeline[1]).resolve() == tmp_path / FOLDER / file_name(kind_of(path))
    monkeypatch.chdir(tmp_path)
    assert run("--check") == (0, "")


def test_check_tells_what_is_missing_or_behind(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """It names each such file and the command that writes it, exits with 1, and writes nothing."""
    make_project(tmp_path)
    monkeypatch.chdir(tmp_path)
    (FOLDER / "node.schema.json").write_text("{}")
    (FOLDER / "people.schema.json").unlink()
    code, told = run("--check")
    assert code == 1
    assert "node.schema.json is not up to date" in told
    assert "people.schema.json is missing" in told
    assert "interlock schema -o docs/schema" in told
    assert run("graph", "--check") == (0, "")
    assert (FOLDER / "node.schema.json").read_text() == "{}"
    assert run("-o", FOLDER.as_posix())[1].count("wrote") == 2
    assert run("--check") == (0, "")


def test_one_schema_is_printed() -> None:
    """With a kind and no folder the schema itself is what stands on stdout."""
    code, told = run("policy")
    assert code == 0
    assert told == (SCHEMAS / "policy.schema.json").read_text(encoding="utf-8")


def test_names_of_the_project_are_offered(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """`--project` writes what the drawers declare, and names outside them still fit."""
    make_project(tmp_path)
    monkeypatch.chdir(tmp_path)
    assert run("--project", "-o", FOLDER.as_posix())[0] == 0
    assert run("--project", "--check") == (0, "")
    assert run("--check")[0] == 1
    made = {kind: json.loads((FOLDER / file_name(kind)).read_text(encoding="utf-8")) for kind in KINDS}
    steps = made["graph"]["definitions"]
    assert _offered(steps["step_node"], "node") >= {"polish", "desk"}
    assert _offered(steps["step_call"], "call") >= {"email.send", "payments.transfer"}
    assert _offered(steps["edge"], "approval") == {"outbound_mail"}
    assert _offered(steps["step_graph"], "graph") == {path.stem for path in Path("graphs").glob("*.yaml")}
    assert _offered(made["policy"], "applies_to") >= {"email.*", "email.send"}
    assert _offered(made["policy"]["definitions"]["requirement"], "role") >= {"finance"}
    for path in sorted(tmp_path.rglob("*.yaml")):
        assert Draft7Validator(made[kind_of(path)]).is_valid(data_of(path))
    elsewhere = schema("graph", Names(nodes=["other"], actions=["other.act"], approvals=["other"], graphs=["other"]))
    assert Draft7Validator(elsewhere).is_valid(data_of(ROOT / "graphs" / "polish_and_send.yaml"))


def _offered(node: dict[str, Any], key: str) -> set[str]:
    """The words that an editor offers for a key, or for the items of its list."""
    about = node["properties"][key]
    return set(about.get("items", about)["anyOf"][0]["enum"])


def test_an_unknown_kind_is_a_usage_error() -> None:
    """A kind that there is none of, or nothing to do, is told with what there is."""
    for words in (["grph"], []):
        result = CliRunner().invoke(app, ["schema", *words])
        assert "graph, node, policy, people" in str(result.exception)
