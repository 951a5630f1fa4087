"""Reads action spaces: JSON-Schema functions as models and benchmarks write them.

Accepted: `{"name", "description", "parameters"}`, the same wrapped as `{"type": "function",
"function": {...}}`, and parameter types spelled as Python types (`dict`, `float`, `tuple`, `any`).
"""

from __future__ import annotations

import json
from collections.abc import Iterable
from pathlib import Path
from typing import Any

from interlock.errors import InputError, UsageError
from interlock.lam.protocol import ActionSchema

_TYPES = {"dict": "object", "float": "number", "tuple": "array", "list": "array", "str": "string", "int": "integer"}
_TYPES |= {"bool": "boolean", "double": "number", "long": "integer", "hashmap": "object", "arraylist": "array"}


def standard_schema(schema: Any) -> Any:
    """`schema` with its type names replaced by JSON Schema's; `any` means no type at all."""
    if isinstance(schema, list):
        return [standard_schema(part) for part in schema]
    if not isinstance(schema, dict):
        return schema
    out: dict[str, Any] = {}
    for key, value in schema.items():
        if key == "type" and isinstance(value, str):
            name = _TYPES.get(value.lower(), value.lower())
            if name != "any":
                out[key] = name
        elif key == "properties" and isinstance(value, dict):
            out[key] = {name: standard_schema(part) for name, part in value.items()}
        elif key in {"enum", "default", "const", "examples", "required", "description", "title"}:
            out[key] = value
        else:
            out[key] = standard_schema(value)
    return out


def read_function(document: Any, where: str) -> ActionSchema:
    """One function as an `ActionSchema`.

    Args:
        where: what to call the document in an error, such as `tools.json, function 2`.

    Raises:
        InputError: it is not a function; the message names `where` and what is wrong.
    """
    if isinstance(document, dict) and isinstance(document.get("function"), dict):
        document = document["function"]
    if not isinstance(document, dict):
        raise InputError(f"{where}: a tool is a JSON object with name, description and parameters.")
    name = document.get("name")
    if not isinstance(name, str) or not name.strip():
        raise InputError(f'{where}: the tool has no name; give it one under "name".')
    parameters = document.get("parameters") or {"type": "object", "properties": {}}
    if not isinstance(parameters, dict) or not isinstance(parameters.get("properties", {}), dict):
        raise InputError(f'{where}: "parameters" of {name} must be a JSON Schema with "properties".')
    return ActionSchema(
        name=name, description=str(document.get("description") or ""), parameters=standard_schema(parameters)
    )


def read_functions(documents: Any, where: str) -> list[ActionSchema]:
    """A list of functions (or one function) as an action space.

    Raises:
        InputError: not a list of functions, or two with the same name.
    """
    if isinstance(documents, dict):
        documents = [documents]
    if not isinstance(documents, list):
        raise InputError(f"{where}: expected a JSON list of tools.")
    space = [read_function(document, f"{where}, tool {number}") for number, document in enumerate(documents, 1)]
    names = [schema.name for schema in space]
    for name in names:
        if names.count(name) > 1:
            raise InputError(f"{where}: the tool {name} is listed twice; keep one.")
    return space


def read_tools_file(path: Path) -> list[ActionSchema]:
    """The action space written in a JSON file.

    Raises:
        UsageError: there is no such file.
        InputError: it is not JSON, or not a list of functions.
    """
    if not path.is_file():
        raise UsageError(f"There is no tools file {path}; give the path of a JSON list of functions.")
    try:
        documents = json.loads(path.read_text(encoding="utf-8"))
    except (json.JSONDecodeError, UnicodeDecodeError) as error:
        raise InputError(f"{path} is not JSON ({error}); it should hold a list of functions.") from error
    return read_functions(documents, str(path))


def shipped_space() -> list[ActionSchema]:
    """The functions the packaged weights were trained for: e-mail, calendar, payments, records."""
    path = Path(__file__).with_name("weights") / "space.json"
    return read_functions(json.loads(path.read_text(encoding="utf-8")), path.name)


def named(space: Iterable[ActionSchema], name: str) -> ActionSchema | None:
    """The action called `name`, if the space has it."""
    return next((schema for schema in space if schema.name == name), None)
