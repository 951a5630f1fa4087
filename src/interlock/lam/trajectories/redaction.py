"""Takes the values of named arguments out of a trajectory: from its calls, and from every text they stand in."""

from __future__ import annotations

from collections.abc import Collection, Mapping
from typing import Any

from interlock.lam.protocol import ActionSchema
from interlock.lam.trajectories.trajectory import Redaction, Trajectory

REDACTED = "[redacted]"

SHORTEST = 4
"""Characters of a value that is taken out of texts too; a shorter one would take out half the language."""


def secret_fields(tools: Collection[ActionSchema]) -> set[str]:
    """Arguments that their schema calls secret: `writeOnly`, or the format `password`."""
    return {
        name
        for tool in tools
        for name, schema in (tool.parameters.get("properties") or {}).items()
        if isinstance(schema, dict) and (schema.get("writeOnly") is True or schema.get("format") == "password")
    }


def redact(trajectory: Trajectory, fields: Collection[str] = ()) -> Trajectory:
    """The trajectory without the values of `fields` and of the arguments that a schema calls secret.

    A field is the name of an argument, or of a part of one at any depth.  Its value is replaced by `[redacted]` in
    calls and edits, its evidence is dropped, and where it is a text or number of some length it is replaced in every
    text of the conversation as well, also in the observations that a model read.
    """
    names = set(fields) | secret_fields(trajectory.tools)
    if not names:
        return trajectory
    values: set[str] = set()
    for message in trajectory.conversation:
        calls = [*message.calls, *([message.edited_action] if message.edited_action else [])]
        for call in calls:
            _collect(call.arguments, names, values)
        for path, evidence in (message.lam.evidence if message.lam else {}).items():
            if set(_parts(path)) & names and len(evidence.text) >= SHORTEST:
                values.add(evidence.text)
        if message.lam is not None and message.lam.observation is not None:
            _collect(message.lam.observation.bound, names, values)
    document = trajectory.model_dump(mode="json")
    count = _Taker(names, sorted(values, key=len, reverse=True)).trajectory(document)
    known = trajectory.redaction or Redaction(fields=[])
    document["redaction"] = {"fields": sorted(names | set(known.fields)), "values": known.values + count}
    return Trajectory.model_validate(document)


def _parts(path: str) -> list[str]:
    return path.replace("[]", "").split(".")


def _collect(value: Any, names: Collection[str], values: set[str], inside: bool = False) -> None:
    """Note the texts and numbers under the names."""
    if isinstance(value, Mapping):
        for name, part in value.items():
            _collect(part, names, values, inside or name in names)
    elif isinstance(value, list):
        for part in value:
            _collect(part, names, values, inside)
    elif inside and isinstance(value, str | int | float) and len(str(value)) >= SHORTEST and value != REDACTED:
        values.add(str(value))


class _Taker:
    """Changes a trajectory's document in place."""

    def __init__(self, names: Collection[str], values: list[str]) -> None:
        self.names, self.values, self.count = names, values, 0

    def trajectory(self, document: dict[str, Any]) -> int:
        document["task_instruction"] = self.text(document["task_instruction"])
        for message in document["conversation"]:
            message["content"] = self.text(message["content"])
            for call in message["tool_calls"]:
                call["function"]["arguments"] = self.arguments(call["function"]["arguments"])
            if message["edited_action"]:
                message["edited_action"]["arguments"] = self.arguments(message["edited_action"]["arguments"])
            if message["lam"]:
                self.lam(message["lam"])
        return self.count

    def lam(self, lam: dict[str, Any]) -> None:
        """Evidence points at characters, which move when a text changes: what points into a changed text goes."""
        sources: dict[str, str] = (lam["observation"] or {}).get("sources", {})
        kept = {path: item for path, item in lam["evidence"].items() if not set(_parts(path)) & set(self.names)}
        changed = {name: self.text(text) for name, text in sources.items()}
        moved = {name for name, text in changed.items() if text != sources[name]}
        lam["evidence"] = {
            path: item
            for path, item in kept.items()
            if item["source"] not in moved and not any(value in item["text"] for value in self.values)
        }
        if lam["observation"]:
            lam["observation"]["sources"] = changed
            lam["observation"]["bound"] = self.arguments(lam["observation"]["bound"])

    def arguments(self, value: Any) -> Any:
        if isinstance(value, dict):
            return {
                name: self._all(part) if name in self.names else self.arguments(part) for name, part in value.items()
            }
        if isinstance(value, list):
            return [self.arguments(part) for part in value]
        return self.text(value) if isinstance(value, str) else value

    def _all(self, value: Any) -> str:
        self.count += value != REDACTED
        return REDACTED

    def text(self, text: str) -> str:
        for value in self.values:
            self.count += text.count(value)
            text = text.replace(value, REDACTED)
        return text
