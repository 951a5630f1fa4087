"""What a process counts of its own work, for Prometheus.

Models are told by the names that OpenTelemetry's conventions for generative AI give them
(https://opentelemetry.io/docs/specs/semconv/gen-ai/gen-ai-metrics/), in the spelling of Prometheus.  No label holds
what a person or a model wrote: each is one of a closed list or stands in a file of the project.
"""

from __future__ import annotations

import time
from collections.abc import Iterator
from contextlib import contextmanager

from prometheus_client import Counter, Histogram

EVENTS = Counter("interlock_events", "Audit entries that this process committed.", ["event"])
DURATION = Histogram(
    "gen_ai_client_operation_duration_seconds",
    "How long models and tools took.",
    ["gen_ai_operation_name", "name", "error_type"],
    buckets=(0.01, 0.03, 0.1, 0.3, 1, 3, 10, 30, 100),
)
TOKENS = Counter("gen_ai_client_token_usage", "Tokens that chat models read and wrote.", ["model", "gen_ai_token_type"])


@contextmanager
def timed(operation: str, name: str) -> Iterator[None]:
    """Count a block and how long it took; an error that leaves it by its class."""
    begun, error = time.perf_counter(), ""
    try:
        yield
    except Exception as raised:
        error = type(raised).__name__
        raise
    finally:
        DURATION.labels(operation, name, error).observe(time.perf_counter() - begun)
