"""What is on file is what the installed libraries show and send today."""

from __future__ import annotations

import pytest

from tests.conformance.record import RECORDERS, recorded


@pytest.mark.parametrize("dialect", RECORDERS)
def test_the_record_is_what_the_libraries_do(dialect: str) -> None:
    """Driven again, the client's own library asks and takes exactly what is on file; only its version may differ."""
    now, then = RECORDERS[dialect](), recorded(dialect)
    assert (now["request"], now["answers"]) == (then["request"], then["answers"])
