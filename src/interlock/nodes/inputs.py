"""The input of a run: completed with defaults, and checked against the graph's schema."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from jsonschema import Draft202012Validator

from interlock.digest import canonical
from interlock.errors import InputError
from interlock.graphs.cards import object_schema
from interlock.graphs.formats import FORMATS, LIKE
from interlock.graphs.spec import Spec
from interlock.source import did_you_mean


def check_input(spec: Spec, values: Mapping[str, Any]) -> None:
    """Check a run's input.

    Raises:
        InputError: a key is missing, unknown or of the wrong type, or has no exact JSON form; the message names
            it and the next step.
    """
    for name, value in values.items():
        try:
            canonical(value)
        except (ValueError, TypeError) as error:
            raise InputError(f"input {name} cannot be kept exactly as JSON: {_short(error)}.", field=name) from None
    faults = sorted(
        Draft202012Validator(object_schema(spec.input), format_checker=FORMATS).iter_errors(dict(values)),
        key=lambda fault: list(map(str, fault.absolute_path)),
    )
    if not faults:
        return
    fault = faults[0]
    name = ".".join(str(part) for part in fault.absolute_path)
    known = ", ".join(spec.input)
    match fault.validator:
        case "required":
            missing = [key for key, schema in spec.input.items() if not schema.optional and key not in values]
            unknown = next((key for key in values if key not in spec.input), None)
            if unknown is not None and (close := did_you_mean(unknown, missing)):
                raise InputError(f"{spec.graph} has no input {unknown}; did you mean {close}?", field=unknown)
            raise InputError(
                f"input {missing[0]} is missing; pass -i {missing[0]}=... (a file: -i {missing[0]}=@path).",
                field=missing[0],
            )
        case "additionalProperties":
            strange = sorted(set(values) - set(spec.input))
            raise InputError(f"{spec.graph} has no input {strange[0]}; it takes {known}.", field=strange[0])
        case "maxLength":
            raise InputError(
                f"input {name} has {len(fault.instance)} characters, at most {fault.validator_value} are allowed.",
                field=name,
            )
        case "minLength":
            raise InputError(f"input {name} is empty; give it at least {fault.validator_value} characters.", field=name)
        case "format":
            raise InputError(
                f"input {name} is not a valid {fault.validator_value}: {_short(fault.instance)}; "
                f"write it like {LIKE[fault.validator_value]}.",
                field=name,
            )
    raise InputError(f"input {name}: {_short(fault.message)}; pass another value.", field=name or None)


def complete(spec: Spec, values: Mapping[str, Any]) -> dict[str, Any]:
    """`values` with the defaults of the graph's input, checked.

    Raises:
        InputError: see `check_input`.
    """
    defaults = {name: schema.default for name, schema in spec.input.items() if schema.default is not None}
    whole = {**defaults, **values}
    check_input(spec, whole)
    return whole


def _short(value: object) -> str:
    text = str(value)
    return text if len(text) <= 120 else text[:117] + "..."
