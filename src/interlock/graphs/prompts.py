"""What the prompt of a reason card names."""

from __future__ import annotations

import re

_PROMPT_NAME = re.compile(r"\$(?:\$|([a-z][a-z0-9_]*(?:\.[A-Za-z0-9_]+)*))")


def prompt_paths(prompt: str) -> list[str]:
    """The values that a prompt names: `polished.subject` for `$polished.subject`; `$$` is a dollar sign."""
    return list(dict.fromkeys(match[1] for match in _PROMPT_NAME.finditer(prompt) if match[1]))
