"""Adding people to the file of people, and names that look alike."""

from __future__ import annotations

from pathlib import Path

import pytest

from interlock.errors import ProjectError
from interlock.policies.drawer import read_policies
from interlock.policies.lookalikes import lookalike
from interlock.policies.people import add_person


@pytest.mark.parametrize(
    ("before", "after"),
    [
        (None, "people:\n  anna: [finance]\n"),
        ("people:\n  bob: [finance]\n", "people:\n  bob: [finance]\n  anna: [finance]\n"),
        ("people:\n  bob: [finance]", "people:\n  bob: [finance]\n  anna: [finance]"),
        (
            "# who\npeople:\n    bob:   # the boss\n      - finance\n      - clerk\n# the end\n",
            "# who\npeople:\n    bob:   # the boss\n      - finance\n      - clerk\n    anna: [finance]\n# the end\n",
        ),
    ],
)
def test_a_person_is_one_more_line(tmp_path: Path, before: str | None, after: str) -> None:
    """Comments, order and indentation stay, and the drawer reads the new person."""
    file = tmp_path / "people.yaml"
    if before is not None:
        file.write_text(before)
    assert add_person(tmp_path, "anna", ["finance"]) == file
    assert file.read_text() == after
    assert read_policies(tmp_path).people.people["anna"] == ["finance"]
    assert [path.name for path in tmp_path.iterdir()] == ["people.yaml"]


@pytest.mark.parametrize("name", ["true", "12", "o.neill+x@example.org", "null", "\u043e\u043b\u044f"])
def test_odd_names_stay_text(tmp_path: Path, name: str) -> None:
    """Whatever a name reads like to YAML, it comes back letter by letter."""
    add_person(tmp_path, name, [])
    assert read_policies(tmp_path).people.people == {name: []}


@pytest.mark.parametrize(
    ("before", "name", "roles", "because"),
    [
        ("people: {bob: [finance]}\n", "anna", ["finance"], "add by hand, under `people`: anna: \\[finance\\]"),
        ("people:\n  anna: [clerk]\n", "anna", ["finance"], "stands in"),
        ("folk: {}\n", "anna", [], "has no `people`"),
        ("people:\n  bob: [clerk]\n", "anna", ["Chief Clerk"], "is no role's name"),
        ("people:\n  bob: &a [clerk]\n", "anna", [], "Y0"),
    ],
)
def test_what_cannot_be_added_to_is_left_alone(
    tmp_path: Path, before: str, name: str, roles: list[str], because: str
) -> None:
    """Where one line would not do, or the person is there, the file stays as it is."""
    file = tmp_path / "people.yaml"
    file.write_text(before)
    with pytest.raises(ProjectError, match=because):
        add_person(tmp_path, name, roles)
    assert file.read_text() == before


@pytest.mark.parametrize(
    ("name", "seen"),
    [
        ("ann\u0430", "anna"),
        ("\u00e4nna", "anna"),
        ("ANN\u0410", "anna"),
        ("b0b", "bob"),
        ("anna", None),
        ("Anna", None),
        ("hanna", None),
        ("\u043e\u043b\u044f", None),
    ],
)
def test_a_name_that_could_be_taken_for_another_is_found(name: str, seen: str | None) -> None:
    """Other scripts, accents and digits are seen through; the same name in capitals is the same person."""
    assert lookalike(name, ["bob", "anna"]) == seen
