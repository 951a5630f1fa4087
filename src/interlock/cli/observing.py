"""Sets up what a process tells of itself: its log, and where its spans go."""

from __future__ import annotations

import logging
import os
import sys
from typing import TYPE_CHECKING, Any

from interlock.errors import UsageError

if TYPE_CHECKING:  # they take longer to import than `--help` may take
    from structlog.typing import EventDict

    from interlock.settings import Settings

_EXPORTER, _ENDPOINTS = "OTEL_TRACES_EXPORTER", ("OTEL_EXPORTER_OTLP_ENDPOINT", "OTEL_EXPORTER_OTLP_TRACES_ENDPOINT")


def log(settings: Settings) -> None:
    """Write the log to stderr: a line an event, or a JSON object a line with `INTERLOCK_LOG_FORMAT=json`.

    Lines of other libraries take the same form, and within a span each names its trace.
    """
    import structlog

    known: list[Any] = [
        structlog.contextvars.merge_contextvars,
        structlog.stdlib.add_logger_name,
        structlog.stdlib.add_log_level,
        structlog.stdlib.ExtraAdder(),
        structlog.processors.TimeStamper(fmt="iso", utc=True),
        _in_span,
    ]
    shown: list[Any] = [structlog.stdlib.ProcessorFormatter.remove_processors_meta]
    if settings.log_format == "json":
        shown += [structlog.processors.dict_tracebacks, structlog.processors.JSONRenderer(ensure_ascii=False)]
    else:
        colours = sys.stderr.isatty() and "NO_COLOR" not in os.environ
        shown += [structlog.dev.ConsoleRenderer(colors=colours)]
    structlog.configure(
        processors=[
            structlog.stdlib.filter_by_level,
            *known,
            structlog.stdlib.PositionalArgumentsFormatter(),
            structlog.stdlib.ProcessorFormatter.wrap_for_formatter,
        ],
        logger_factory=structlog.stdlib.LoggerFactory(),
        wrapper_class=structlog.stdlib.BoundLogger,
        cache_logger_on_first_use=True,
    )
    handler = logging.StreamHandler()
    handler.setFormatter(structlog.stdlib.ProcessorFormatter(foreign_pre_chain=known, processors=shown))
    logging.basicConfig(level=settings.log_level, handlers=[handler], force=True)


def _in_span(_: Any, __: str, line: EventDict) -> EventDict:
    from opentelemetry.trace import format_span_id, format_trace_id, get_current_span

    found = get_current_span().get_span_context()
    if found.is_valid:
        line["trace_id"], line["span_id"] = format_trace_id(found.trace_id), format_span_id(found.span_id)
    return line


def trace() -> None:
    """Send spans where OpenTelemetry's own variables say, unless the program has set that up itself.

    `OTEL_EXPORTER_OTLP_ENDPOINT` (or `OTEL_TRACES_EXPORTER=otlp`) sends them by OTLP over HTTP; `console` prints them.

    Raises:
        UsageError: the variables ask for what is not installed or not known here.
    """
    wanted = os.environ.get(_EXPORTER, "otlp" if any(os.environ.get(name) for name in _ENDPOINTS) else "none")
    if wanted == "none":
        return
    from opentelemetry import trace as api

    if not isinstance(api.get_tracer_provider(), api.ProxyTracerProvider):
        return  # as under `opentelemetry-instrument`
    try:
        from opentelemetry.sdk.resources import OTELResourceDetector, Resource
        from opentelemetry.sdk.trace import TracerProvider
        from opentelemetry.sdk.trace.export import BatchSpanProcessor

        exporter = _exporter(wanted)
    except ImportError as error:
        raise UsageError(f"sending spans needs {error.name}: pip install 'interlock[otel]'.") from None
    resource = Resource.create({"service.name": "interlock"}).merge(OTELResourceDetector().detect())
    provider = TracerProvider(resource=resource)
    provider.add_span_processor(BatchSpanProcessor(exporter))
    api.set_tracer_provider(provider)  # it sends what is left when the process ends


def _exporter(wanted: str) -> Any:
    if wanted == "console":
        from opentelemetry.sdk.trace.export import ConsoleSpanExporter

        return ConsoleSpanExporter(out=sys.stderr)
    if wanted != "otlp":
        raise UsageError(f"{_EXPORTER} is otlp, console or none, not {wanted!r}.")
    from opentelemetry.exporter.otlp.proto.http.trace_exporter import OTLPSpanExporter

    return OTLPSpanExporter()
