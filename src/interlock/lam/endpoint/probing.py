"""Finds out which way an endpoint keeps to.

That a request is taken says nothing: some servers leave out fields that they do not know.  So the endpoint is asked
a question whose only possible answer, under the schema sent with it, is one that no model would give by itself.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from typing import Any

from interlock.lam.endpoint.forms import Unreadable
from interlock.lam.endpoint.options import Way
from interlock.lam.endpoint.ways import kept_to, message_of
from interlock.lam.endpoint.wire import Declined
from interlock.lam.strict_json import NotStrict, read_strictly

ANSWER = {"interlock": "q7-0419"}
"""What a server that keeps to schemas has to answer."""

TOKENS = 512
"""Room for a model that thinks before it answers."""


def find_way(ask: Callable[[dict[str, Any]], Mapping[str, Any]]) -> Way:
    """The first way that the endpoint keeps to; `tools` where it keeps to no schema.

    Args:
        ask: sends the body of a request, without model and limits.

    Raises:
        ModelUnavailable: the endpoint cannot be asked now.
        ModelError: its answers cannot be used.
    """
    ways: tuple[Way, ...] = ("structured_outputs", "response_format")
    for way in ways:
        try:
            response = ask(probe(way))
        except Declined:
            continue
        if _keeps(response):
            return way
    return "tools"


def probe(way: Way) -> dict[str, Any]:
    """The body of the question for one way."""
    properties = {name: {"type": "string", "enum": [value]} for name, value in ANSWER.items()}
    schema = {"type": "object", "properties": properties, "required": list(ANSWER), "additionalProperties": False}
    messages = [{"role": "user", "content": "Answer with a JSON object."}]
    return {"messages": messages, **kept_to(way, schema), "max_tokens": TOKENS}


def _keeps(response: Mapping[str, Any]) -> bool:
    try:
        _, message = message_of(response)
        return bool(read_strictly(str(message.get("content"))).value == ANSWER)
    except (Unreadable, NotStrict):
        return False
