"""Examples as text for people to read, with what was pointed at between marks."""

from __future__ import annotations

import json
from collections.abc import Iterable

from interlock.lam.examples import Example


def shown(example: Example, title: str) -> str:
    """An example in a few lines: `⟦…⟧` around each span, the calls, the names in its space."""
    lines = [f"--- {title} · {example.kind}"]
    for name, text in example.observation.sources.items():
        spans = {(s.start, s.end) for call in example.calls for s in call.spans.values() if s.source == name}
        for start, end in sorted(spans, reverse=True):
            text = f"{text[:start]}⟦{text[start:end]}⟧{text[end:]}"
        lines.append(f"{name}: {text}")
    for call in example.calls:
        lines.append(f"  → {call.name} {json.dumps(call.arguments, ensure_ascii=False)}")
    if example.missing:
        lines.append(f"  missing: {', '.join(example.missing)}")
    lines.append("  space: " + " | ".join(signature(schema.parameters, schema.name) for schema in example.space))
    return "\n".join(lines)


def signature(parameters: dict[str, object], name: str) -> str:
    """`name(required, optional?)`."""
    properties, required = parameters.get("properties"), parameters.get("required")
    names = list(properties) if isinstance(properties, dict) else []
    needed: Iterable[object] = required if isinstance(required, list) else ()
    return f"{name}({', '.join(n if n in needed else n + '?' for n in names)})"
