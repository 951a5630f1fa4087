"""What is said of the cost of checkpoints: that it is linear, and told of both savers in one run."""

from __future__ import annotations

import pytest

from benchmarks.checkpoints import measure


@pytest.mark.parametrize(
    "database",
    ["sqlite", pytest.param("postgresql", marks=pytest.mark.slow)],  # a server of its own is started
)
def test_bytes_are_linear_and_below_those_of_the_stock_saver(database: str) -> None:
    """Each of 200 more steps of 1 kB takes less than 6 kB, and less than each of the first 100 with the tables."""
    found = measure(100, database, growth=300, rounds=1)[database]
    first, all_of_it = 100 * found["bytes_per_step"], 300 * found["growth_bytes_per_step"]
    assert (all_of_it - first) / 200 < min(6_000, found["bytes_per_step"] * 1.1)
    assert found["stock_bytes_per_step"] > 3 * found["bytes_per_step"]
    assert found["ratio_vs_stock"] > 0
    assert "no commit waits for the disk" in found["durability"]
