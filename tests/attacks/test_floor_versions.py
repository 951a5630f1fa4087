"""Security floor, versions: what is installed, and what may be installed, holds the fixes of known flaws."""

from __future__ import annotations

import tomllib
from importlib.metadata import PackageNotFoundError, version
from pathlib import Path

import pytest
from packaging.requirements import Requirement
from packaging.version import Version

PROJECT = tomllib.loads((Path(__file__).parents[2] / "pyproject.toml").read_text(encoding="utf-8"))["project"]

FIXED = {
    "CVE-2025-64439": ("langgraph-checkpoint", "3.0.0"),
    "CVE-2025-67644": ("langgraph-checkpoint-sqlite", "3.0.1"),
    "CVE-2026-28277": ("langgraph", "1.0.10"),
    "CVE-2026-27794": ("langgraph-checkpoint", "4.0.0"),
    "CVE-2025-68664": ("langchain-core", "1.2.5"),
    "CVE-2025-65106": ("langchain-core", "1.0.7"),
    "CVE-2026-34070": ("langchain-core", "1.2.22"),
    "CVE-2026-26013": ("langchain-core", "1.2.11"),
    "CVE-2026-41488": ("langchain-openai", "1.1.14"),
}
"""Each flaw with the package and the first release that holds its fix, as its advisory says."""


def allowed(package: str) -> list[Requirement]:
    """What the project says of a package, in its own needs and in every extra."""
    extras = [item for items in PROJECT["optional-dependencies"].values() for item in items]
    found = [Requirement(item) for item in (*PROJECT["dependencies"], *extras)]
    return [item for item in found if item.name == package]


@pytest.mark.parametrize("flaw", FIXED)
def test_no_release_with_a_known_flaw_may_be_installed(flaw: str) -> None:
    """The lower bound of the project's own requirement is at or above the fix, and so is what is installed."""
    package, fixed = FIXED[flaw]
    assert allowed(package), f"{package} is not among what the project asks for"
    for requirement in allowed(package):
        lowest = max(Version(item.version) for item in requirement.specifier if item.operator in (">=", "=="))
        assert lowest >= Version(fixed), f"{requirement} admits releases with {flaw}, fixed in {fixed}"
    try:
        installed = version(package)
    except PackageNotFoundError:
        pytest.skip(f"{package} is not installed")
    assert Version(installed) >= Version(fixed)
