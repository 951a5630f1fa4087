"""The reader of policies/: rules, named approvals and people."""

from __future__ import annotations

from pathlib import Path

import pytest

from interlock.policies.drawer import inspect_policies, policy_findings, read_policies
from interlock.source import SourceError
from interlock.tools.drawer import read_actions

HOUSE = Path(__file__).parents[1] / "refused"
PEOPLE = "people:\n  first: [owner]\n  second: [owner, clerk]\n"
POLICY = """policy: house
version: 1
applies_to: [house.*]
approvals:
  both: {count: 2, role: owner}
inputs:
  amount: {type: decimal}
  hour: {type: int}
  currency: {type: string, enum: [EUR, USD]}
  payee_from: {type: provenance}
rules:
  - {id: all, when: {amount: {gt: 0}}, then: {approve: both}, because: always}
"""


@pytest.fixture
def folder(tmp_path: Path) -> Path:
    (tmp_path / "people.yaml").write_text(PEOPLE)
    (tmp_path / "house.yaml").write_text(POLICY)
    return tmp_path


def test_a_drawer_knows_its_approvals_and_people(folder: Path) -> None:
    """Named requirements are found over all files; people are eligible who hold every role asked for."""
    drawer = read_policies(folder)
    requirement = drawer.requirement("both")
    assert requirement is not None
    assert requirement.count == 2
    assert drawer.requirement("neither") is None
    assert drawer.eligible(requirement) == ["first", "second"]
    assert drawer.eligible(requirement.model_copy(update={"role": ["owner", "clerk"]})) == ["second"]
    assert [policy.policy for policy in drawer.covering("house.pay")] == ["house"]


def test_a_right_drawer_has_no_findings_against_its_actions(folder: Path) -> None:
    """Arguments, provenance, the hour and the action's name may be compared."""
    (folder / "house.yaml").write_text(POLICY.replace("house.*", "house.wire"))
    assert policy_findings(read_policies(folder), read_actions(HOUSE / "tools")) == []


def test_a_missing_folder_has_no_policies(tmp_path: Path) -> None:
    """A project without policies decides nothing by rule."""
    assert read_policies(tmp_path / "policies").policies == []


@pytest.mark.parametrize(
    ("old", "new", "code", "says"),
    [
        ("amount: {gt: 0}", "amount: {gt: many}", "P007", "compared with a number"),
        ("amount: {gt: 0}", "amount: {matches: a}", "P007", "`matches` says nothing"),
        ("amount: {gt: 0}", "hour: {lt: 2.5}", "P007", "compared with a whole number"),
        ("amount: {gt: 0}", "currency: {lt: EUR}", "P007", "`lt` says nothing"),
        ("amount: {gt: 0}", "currency: EURO", "P007", "`currency` is never 'EURO'"),
        ("amount: {gt: 0}", "payee_from: {at_least: record, lt: 3}", "P007", "`lt` says nothing"),
        ("amount: {gt: 0}", "payee_from: recrod", "P007", "is never 'recrod'"),
        ("amount: {gt: 0}", "amount: {at_least: user}", "P007", "`at_least` says nothing"),
        ("approve: both", "approve: bath", "P005", "unknown approval `bath`"),
        ("approve: both", "approve: {count: 2, role: clerk}", "P009", "2 must agree, but 1 hold `clerk`"),
        ("then: {approve: both}", "then: maybe", "P003", "`then`"),
        ("because: always", "becuase: always", "P001", "unknown key `becuase`"),
    ],
)
def test_a_faulty_policy_is_refused(folder: Path, old: str, new: str, code: str, says: str) -> None:
    """Each fault is one finding, whose message names the offender."""
    (folder / "house.yaml").write_text(POLICY.replace(old, new))
    with pytest.raises(SourceError) as refused:
        read_policies(folder)
    assert [finding.code for finding in refused.value.findings] == [code]
    assert says in refused.value.findings[0].message


def test_without_a_role_anybody_may_agree(folder: Path) -> None:
    """A requirement that names no role can be met by people who are not in the file."""
    (folder / "house.yaml").write_text(POLICY.replace("approve: both", "approve: {count: 5}"))
    assert len(read_policies(folder).policies) == 1


def test_names_are_unique_over_files(folder: Path) -> None:
    """A second file may repeat neither a policy's name nor an approval's."""
    (folder / "other.yaml").write_text(POLICY.replace("policy: house", "policy: other"))
    (folder / "third.yaml").write_text(POLICY)
    _, findings = inspect_policies(folder)
    assert [(Path(f.file).name, f.code, f.line) for f in findings] == [
        ("other.yaml", "P004", 5),
        ("third.yaml", "P004", 1),
    ]


def test_a_broken_people_file_makes_no_quorum_look_wrong(folder: Path) -> None:
    """Where people.yaml cannot be read, only that is reported."""
    (folder / "people.yaml").write_text("people:\n  first: owner\n")
    _, findings = inspect_policies(folder)
    assert [(Path(finding.file).name, finding.code) for finding in findings] == [("people.yaml", "P003")]


def test_an_unknown_action_in_a_condition_is_found(folder: Path) -> None:
    """A rule that compares `action` with a name no covered action has would never match."""
    text = POLICY.replace("amount: {gt: 0}", "action: {in: [house.pay, house.apy]}")
    (folder / "house.yaml").write_text(text.replace("inputs:\n", "inputs:\n  action: {type: string}\n"))
    findings = [found for found in policy_findings(read_policies(folder), read_actions(HOUSE / "tools")) if found.fatal]
    assert [(finding.code, finding.hint) for finding in findings] == [("P008", "did you mean `house.pay`?")]
