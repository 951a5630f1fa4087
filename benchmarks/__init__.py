"""Every published figure has its command here: `python -m benchmarks.NAME --json`."""
