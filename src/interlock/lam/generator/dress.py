"""Schemas of functions as different authors would write them, so that no wording of a schema is learnt by heart."""

from __future__ import annotations

import re
from collections.abc import Collection, Iterable
from dataclasses import dataclass
from random import Random
from typing import Any

from interlock.lam.generator.names import camel, known_name, restyled, words_of
from interlock.lam.generator.wordbook import Function, Slot
from interlock.lam.parameters import Parameter, read_parameters
from interlock.lam.protocol import ActionSchema

_SENTENCE = re.compile(r"(?<=[.!?])\s+")
_FORMATTED = re.compile(r"format|YYYY|/")
_EXAMPLE = re.compile(r"\s*(?:\((?:e\.g\.|for example|such as|like)[^)]*\)|,? ?(?:e\.g\.|such as) .*$)")
_OTHER_NAMES = {
    "city": ("location", "city_name", "place"), "location": ("place", "city"), "country": ("country_name", "nation"),
    "date": ("day", "on_date"), "name": ("full_name", "title"), "number": ("num", "value"),
    "count": ("quantity", "num"), "amount": ("value", "sum"), "quantity": ("count", "number"),
    "text": ("content", "message"), "query": ("q", "search_term"), "limit": ("max_results", "top_k"),
    "start_date": ("from_date", "begin"), "end_date": ("to_date", "until"), "category": ("type", "kind"),
    "destination": ("to", "arrival"), "origin": ("from", "source"), "user_id": ("uid", "id"),
    "language": ("lang", "target_language"), "unit": ("units", "measure"), "year": ("in_year", "yr"),
}  # fmt: skip


@dataclass(frozen=True)
class Dressed:
    """One function as one author would write it."""

    schema: ActionSchema
    names: dict[str, str]
    """Path of a parameter to its path in the schema."""

    def readers(self, slots: Iterable[Slot]) -> dict[str, Parameter]:
        """The parameters that read these slots' words, by the slot's path."""
        known = {parameter.name: parameter for parameter in read_parameters(self.schema)}
        return {slot.path: known[self.names[slot.path]] for slot in slots}


def _about(slot: Slot, random: Random) -> str:
    text, chance = slot.about, random.random()
    if chance < 0.06:
        return ""
    if chance < 0.14:
        return words_of(slot.path.rsplit(".", 1)[-1]).capitalize() + random.choice((".", ""))
    if chance < 0.26:
        text = _SENTENCE.split(text)[0]
    elif chance < 0.34:
        text = _EXAMPLE.sub("", text)
    if slot.has_default and slot.default is not None and "efault" not in text and random.random() < 0.6:
        said = random.choice((". Defaults to {}.", ". Default is {}.", " (default: {})", ", {} by default"))
        text = text.rstrip(".") + said.format(slot.default)
    if slot.enum and slot.type != "array" and random.random() < 0.15:
        text = text.rstrip(".") + f". One of {', '.join(str(option) for option in slot.enum)}."
    return text.rstrip(".") if random.random() < 0.15 else text


def _property(slot: Slot, random: Random, loose: bool) -> dict[str, Any]:
    kind = slot.type
    if loose and kind == "integer":
        kind = "number"
    made: dict[str, Any] = {"type": kind}
    text = _about(slot, random)
    if text:
        made["description"] = text
    if kind == "array":
        made["items"] = {"type": slot.items}
        if slot.enum:
            made["items"]["enum"] = list(slot.enum)
    elif slot.enum:
        made["enum"] = list(slot.enum)
        if kind == "string" and random.random() < 0.5:
            random.shuffle(made["enum"])
    if slot.format:
        made["format"] = slot.format
    elif (
        slot.values == "date"
        and kind == "string"
        and not re.search(r"format|YYYY|/", slot.about)
        and random.random() < 0.2
    ):
        made["format"] = "date"
    if slot.has_default and random.random() < 0.75:
        made["default"] = slot.default
    return made


def _names(function: Function, slots: Iterable[Slot], random: Random) -> dict[str, str]:
    """How the parameters are called this time."""
    paths = [slot.path for slot in slots]
    as_camel, rename = random.random() < 0.12, random.random() < 0.25
    taken = set(paths)
    made: dict[str, str] = {}
    for path in paths:
        head, _, last = path.rpartition(".")
        new = last
        if rename and last in _OTHER_NAMES and random.random() < 0.6:
            new = random.choice(_OTHER_NAMES[last])
        if as_camel and "_" in new:
            new = camel(words_of(new).split())
        whole = f"{head}.{new}" if head else new
        if whole != path and whole in taken:
            whole = path
        taken.add(whole)
        made[path] = whole
    return made


def dress(
    function: Function, random: Random, given: Collection[str] = (), extra: tuple[Slot, ...] = (), plain: bool = False
) -> Dressed:
    """A schema of `function`.

    Args:
        given: parameters that the request gives; one of them may become required, and one that it does not
            give never does.
        extra: further optional parameters, of other functions.
        plain: keep the name as it is.
    """
    slots = [*function.slots, *extra]
    if random.random() < 0.3:
        random.shuffle(slots)
    names = _names(function, slots, random)
    loose = random.random() < 0.12
    root: dict[str, Any] = {"type": "object", "properties": {}, "required": []}
    for slot in slots:
        place, prefix = root, ""
        *heads, last = names[slot.path].split(".")
        for head in heads:
            prefix = f"{prefix}.{head}" if prefix else head
            about, needed = function.objects.get(prefix, ("", True))
            if head not in place["properties"]:
                place["properties"][head] = {"type": "object", "description": about, "properties": {}, "required": []}
                if needed and any(path.startswith(prefix + ".") for path in function.required):
                    place["required"].append(head)
            place = place["properties"][head]
        place["properties"][last] = _property(slot, random, loose)
        required = slot.required
        if not heads and slot.path in given and random.random() < (0.12 if not required else 0.04):
            required = not required
            if required:
                place["properties"][last].pop("default", None)
        if required:
            place["required"].append(last)
    about = random.choice(function.abouts)
    if random.random() < 0.1:
        about = _SENTENCE.split(about)[0]
    if random.random() < 0.1:
        about = about.rstrip(".")
    name = function.name if plain or random.random() < 0.5 else restyled(function.name, function.domain, random)
    if known_name(name):
        name = function.name
    return Dressed(ActionSchema(name=name, description=about, parameters=root), names)
