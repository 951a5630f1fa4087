"""Every trap F1 to F16 has its file of attacks, and each of them tries something."""

from __future__ import annotations

import ast
import re
from pathlib import Path

import pytest

ROWS = 16
HERE = Path(__file__).parent


@pytest.mark.parametrize("row", range(1, ROWS + 1))
def test_the_row_is_attacked(row: int) -> None:
    """There is a `test_fNN_….py` whose docstring names the row and that has tests which assert something."""
    files = sorted(HERE.glob(f"test_f{row:02}_*.py"))
    assert files, f"F{row} has no file"
    for path in files:
        module = ast.parse(path.read_text(encoding="utf-8"))
        assert (ast.get_docstring(module) or "").startswith((f"F{row}: ", f"F{row}, ")), path.name
        tests = [item for item in module.body if isinstance(item, ast.FunctionDef) and item.name.startswith("test_")]
        assert tests, path.name
        for test in tests:
            asserts = any(isinstance(node, ast.Assert) for node in ast.walk(test))
            raises = "pytest.raises" in ast.unparse(test)
            assert asserts or raises, f"{path.name}: {test.name} cannot fail"


def test_no_file_names_a_row_that_there_is_not() -> None:
    """The numbers in the names of files are those of the rows."""
    numbers = {int(found[1]) for path in HERE.glob("test_f*.py") if (found := re.match(r"test_f(\d\d)_", path.name))}
    assert numbers == set(range(1, ROWS + 1))
