"""The function files: functions with their parameters, values and templates of requests, and pools of values."""

from __future__ import annotations

import re
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, field, replace
from functools import cached_property, lru_cache
from pathlib import Path
from typing import Any

import yaml

from interlock.errors import InputError
from interlock.lam.generator.names import known_name, words_of
from interlock.lam.generator.templates import Template, parse

FOLDER = Path(__file__).parent.parent / "wordings" / "functions"
APART = FOLDER.with_name("apart")
TYPES = ("string", "integer", "number", "boolean", "array", "object")
KINDS = ("int", "float", "money", "percent", "fraction", "year", "date", "time", "datetime", "duration", "email",
         "phone", "url", "digits", "id", "text")  # fmt: skip
_ARGUMENTS = {"int": 2, "float": 2, "money": 2, "year": 2, "digits": 1, "id": 1}


@dataclass(frozen=True)
class Slot:
    """One parameter; one of a nested object has a dotted path."""

    path: str
    type: str
    about: str
    required: bool = True
    values: str | tuple[str, ...] = ()
    """A kind of value with its bounds, such as `int 1 9`, a pool's name, or the values themselves."""
    items: str = "string"
    default: Any = None
    has_default: bool = False
    enum: tuple[Any, ...] = ()
    says: Mapping[Any, tuple[str, ...]] = field(default_factory=dict)
    """Words that say an option or a flag."""
    format: str = ""
    tag: str = ""
    """What its source calls it, where that is not its path."""


@dataclass(frozen=True)
class Function:
    """A tool as the generator knows it."""

    name: str
    domain: str
    abouts: tuple[str, ...]
    slots: tuple[Slot, ...]
    requests: tuple[Template, ...] = ()
    several: tuple[Template, ...] = ()
    """Templates of requests that need more than one call."""
    objects: Mapping[str, tuple[str, bool]] = field(default_factory=dict)
    """Dotted path of a nested object to its description and whether it is required."""

    @property
    def required(self) -> frozenset[str]:
        return frozenset(slot.path for slot in self.slots if slot.required)

    def slot(self, path: str) -> Slot | None:
        """The parameter with this path, or the only one whose path ends in it."""
        exact = [slot for slot in self.slots if slot.path == path]
        last = exact or [slot for slot in self.slots if slot.path.rsplit(".", 1)[-1] == path]
        return last[0] if len(last) == 1 else None

    def parts(self, path: str) -> tuple[Slot, ...]:
        """The parameters that a slot of a template writes: one, or all of an object."""
        one = self.slot(path)
        return (one,) if one else tuple(slot for slot in self.slots if slot.path.startswith(path + "."))


SHARED = "&"
"""Between the paths of parameters that one value serves."""


@dataclass(frozen=True)
class Together:
    """Functions that are asked for together, and templates whose slots begin with the number of their function."""

    functions: tuple[Function, ...]
    requests: tuple[Template, ...]

    @cached_property
    def spoken(self) -> Function:
        """The parameters of all functions as optional ones of a single function."""
        known = {
            f"{number}.{slot.path}": replace(slot, path=f"{number}.{slot.path}", required=False)
            for number, function in enumerate(self.functions, 1)
            for slot in function.slots
        }
        joint = sorted({hole.path for template in self.requests for hole in template.holes if SHARED in hole.path})
        shared = [replace(known[path.split(SHARED)[0]], path=path) for path in joint]
        return Function("together", self.functions[0].domain, ("",), (*known.values(), *shared))


@dataclass(frozen=True)
class Wordbook:
    """Everything the function files say."""

    pools: Mapping[str, tuple[str, ...]]
    functions: tuple[Function, ...]
    together: tuple[Together, ...] = ()


def _strings(value: Any) -> tuple[str, ...]:
    return tuple(str(entry) for entry in (value if isinstance(value, list) else [value]))


def _fault(where: str, problem: str) -> InputError:
    return InputError(f"{where}: {problem}.")


def _slot(path: str, document: Any, where: str) -> Slot:
    if not isinstance(document, dict) or document.get("type") not in TYPES:
        raise _fault(where, f"{path} needs a type of {', '.join(TYPES)}")
    unknown = document.keys() - {"type", "about", "values", "optional", "default", "enum", "says", "items", "format"}
    if unknown:
        raise _fault(where, f"{path} has the unknown key {sorted(unknown)[0]}")
    values = document.get("values", ())
    items = document.get("items", "string")
    if isinstance(items, dict):
        values, items = values or items.get("values", ()), items.get("type", "string")
    says = {key: _strings(words) for key, words in (document.get("says") or {}).items()}
    enum = tuple(document.get("enum") or ())
    if document["type"] == "boolean":
        says = {key if isinstance(key, bool) else str(key).lower() == "true": words for key, words in says.items()}
    elif says and not enum:
        enum = tuple(says)
    if set(says) - set(enum) and document["type"] != "boolean":
        raise _fault(where, f"{path} says {sorted(map(str, set(says) - set(enum)))[0]}, which is none of its options")
    return Slot(
        path=path, type=document["type"], about=str(document.get("about") or ""),
        required=not document.get("optional", False) and "default" not in document,
        values=values if isinstance(values, str) else _strings(list(values)), items=str(items),
        default=document.get("default"), has_default="default" in document, enum=enum, says=says,
        format=str(document.get("format") or ""),
    )  # fmt: skip


def _leaves(
    parameters: Any, where: str, prefix: str, objects: dict[str, tuple[str, bool]], needed: bool
) -> Iterable[Slot]:
    for name, document in (parameters or {}).items():
        path = f"{prefix}{name}"
        if isinstance(document, dict) and document.get("type") == "object":
            required = needed and not document.get("optional", False)
            objects[path] = (str(document.get("about") or ""), not document.get("optional", False))
            yield from _leaves(document.get("properties"), where, path + ".", objects, required)
        else:
            slot = _slot(path, document, where)
            yield slot if needed or not slot.required else Slot(**{**slot.__dict__, "required": False})


def read_function(document: Any, domain: str, where: str) -> Function:
    """One entry of a function file.

    Raises:
        InputError: it does not keep the form; the message begins with `where`.
    """
    if not isinstance(document, dict) or not isinstance(document.get("name"), str):
        raise _fault(where, "a function needs a name")
    where = f"{where}, {document['name']}"
    objects: dict[str, tuple[str, bool]] = {}
    slots = tuple(_leaves(document.get("parameters"), where, "", objects, True))
    templates: dict[str, tuple[Template, ...]] = {}
    for part in ("requests", "several"):
        try:
            templates[part] = tuple(parse(text) for text in _strings(document.get(part) or []))
        except ValueError as error:
            raise _fault(where, str(error)) from error
    if not templates["requests"]:
        raise _fault(where, "it has no requests")
    made = Function(
        document["name"], domain, (str(document.get("about") or ""), *_strings(document.get("also") or [])), slots,
        templates["requests"], templates["several"], objects,
    )  # fmt: skip
    for template in (*made.requests, *made.several):
        for path in sorted(template.paths):
            if not made.parts(path):
                raise _fault(where, f"{{{path}}} is none of its parameters")
    return made


def read_together(document: Any, functions: Sequence[Function], where: str) -> Together:
    """One entry of a function file's `together`.

    Raises:
        InputError: it names an unknown function or parameter, or a template is malformed.
    """
    named = {function.name: function for function in functions}
    names = document.get("of") if isinstance(document, dict) else None
    if not isinstance(names, list) or len(names) < 2 or not document.get("requests"):
        raise _fault(where, "an entry of together needs `of`, two functions or more, and `requests`")
    for name in names:
        if name not in named:
            raise _fault(where, f"together names {name}, which is no function of this file")
    try:
        requests = tuple(parse(str(text)) for text in document["requests"])
    except ValueError as error:
        raise _fault(where, str(error)) from error
    made = Together(tuple(named[name] for name in names), requests)
    paths = {f"{number}.{slot.path}" for number, function in enumerate(made.functions, 1) for slot in function.slots}
    for template in requests:
        for path in sorted(part for hole in template.holes for part in hole.path.split(SHARED)):
            if path not in paths:
                raise _fault(where, f"{{{path}}} in {template.text!r} is no parameter of {', '.join(names)}")
    return made


def check_values(functions: Iterable[Function], pools: Mapping[str, tuple[str, ...]]) -> None:
    """Raises InputError for a parameter whose values are neither a kind nor a pool."""
    for function in functions:
        for slot in function.slots:
            if not slot.enum and slot.type != "boolean" and not _known(slot.values, pools):
                raise _fault(
                    f"{function.domain}, {function.name}", f"{slot.path} has no values it knows: {slot.values!r}"
                )


def _known(values: str | tuple[str, ...], pools: Mapping[str, tuple[str, ...]]) -> bool:
    if not isinstance(values, str):
        return bool(values)
    kind, *bounds = values.split()
    return values in pools or (kind in KINDS and len(bounds) >= _ARGUMENTS.get(kind, 0))


def read_files(paths: Iterable[Path]) -> Wordbook:
    """The function files of a folder.

    Raises:
        InputError: a file does not keep the form, or two pools share a name.
    """
    pools: dict[str, tuple[str, ...]] = {}
    functions: list[Function] = []
    together: list[Together] = []
    loader = getattr(yaml, "CSafeLoader", yaml.SafeLoader)
    for path in sorted(paths):
        try:
            document = yaml.load(path.read_text(encoding="utf-8"), Loader=loader) or {}
        except yaml.YAMLError as error:
            raise InputError(f"{path.name} is not YAML: {error}.") from error
        for name, entries in (document.get("pools") or {}).items():
            if name in pools:
                raise InputError(f"{path.name}: the pool {name} is in another file too; rename one.")
            pools[name] = _strings(entries)
        own = [read_function(entry, path.stem, path.name) for entry in document.get("functions") or []]
        together += [read_together(entry, own, path.name) for entry in document.get("together") or []]
        functions += own
    if "first_name" in pools and "last_name" in pools:
        pools["person"] = tuple(
            f"{first} {pools['last_name'][(7 * place + 3 * turn) % len(pools['last_name'])]}"
            for turn in range(4)
            for place, first in enumerate(pools["first_name"])
        )
    check_values(functions, pools)
    return Wordbook(
        pools,
        tuple(f for f in functions if not known_name(f.name)),
        tuple(entry for entry in together if not any(known_name(f.name) for f in entry.functions)),
    )


@lru_cache(maxsize=1)
def read_wordbook() -> Wordbook:
    """The function files of this package that a model is trained on."""
    return read_files(FOLDER.glob("*.yaml"))


@lru_cache(maxsize=1)
def read_apart() -> Wordbook:
    """The functions that are kept apart from training, with the pools of all files."""
    files = list(APART.glob("*.yaml"))
    domains = {path.stem for path in files}
    book = read_files([*FOLDER.glob("*.yaml"), *files])
    return Wordbook(
        book.pools,
        tuple(function for function in book.functions if function.domain in domains),
        tuple(entry for entry in book.together if entry.functions[0].domain in domains),
    )


_STOP = frozenset(
    """a an and are as at be by for from get given has have in into is it its of on or that the this to using with
    which whose all any based between can do does how what when where specific certain""".split()  # noqa: SIM905  # a list of words reads best as text
)


@lru_cache(maxsize=65_536)
def content(text: str) -> frozenset[str]:
    """Words of a name or description that carry its meaning, cut to their stems."""
    return frozenset(
        re.sub(r"(?:ations?|ates?|ings?|ed|es|s|e)$", "", word) for word in words_of(text).split() if word not in _STOP
    )


def alike(one: Function, other: Function) -> float:
    """How far two functions seem to do the same, 0 to 1: words shared by their names, or by their descriptions."""
    found = 0.0
    for first, second in ((one.name, other.name), (one.abouts[0], other.abouts[0])):
        a, b = content(first), content(second)
        if a and b:
            found = max(found, len(a & b) / min(len(a), len(b)))
    return found
