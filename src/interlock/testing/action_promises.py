"""What one decision promises, whoever made it: read from the decision alone."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any

from interlock.lam.candidates import evidenced
from interlock.lam.functions import named
from interlock.lam.invented import flat_arguments
from interlock.lam.parameters import Parameter, faults, read_parameters
from interlock.lam.protocol import Action, ActionSchema, Decision, Evidence, Observation
from interlock.lam.quoting import invented


def broken(decision: Decision, observation: Observation, space: Sequence[ActionSchema], *, copies: bool) -> list[str]:
    """One sentence for each promise that `decision` breaks."""
    if decision.kind == "abstain":
        found = ["an abstention carries an action"] if decision.actions else []
        return found + (["an abstention misses something"] if decision.missing else [])
    found = [] if decision.actions else [f"{decision.kind} carries no action"]
    if decision.kind == "act" and decision.missing:
        found.append(f"an act misses {', '.join(decision.missing)}")
    if decision.kind == "ask" and not decision.missing:
        found.append("an ask does not say what is missing")
    known = {schema.name for schema in space} | {path for schema in space for path in _paths(schema)}
    found += [f"{path} is missing, and no action has it" for path in decision.missing if path not in known]
    for action in decision.actions:
        schema = named(space, action.name)
        if schema is None:
            found.append(f"{action.name} is not in the action space")
            continue
        found += _arguments(decision, action, schema, observation)
        found += _evidence(action, schema, observation, copies)
    return found


def _paths(schema: ActionSchema) -> set[str]:
    paths = {parameter.name for parameter in read_parameters(schema)}
    return paths | set(schema.parameters.get("properties") or {})


def _arguments(decision: Decision, action: Action, schema: ActionSchema, observation: Observation) -> list[str]:
    properties: Mapping[str, Any] = schema.parameters.get("properties") or {}
    found = [f"{action.name} has no argument {name}" for name in action.arguments if name not in properties]
    bound = {name: value for name, value in observation.bound.items() if name in properties}
    for name, value in bound.items():
        if action.arguments.get(name, value) != value:
            found.append(f"{name} is bound, but the model chose {action.arguments[name]!r}")
    whole = {name: value for name, value in {**action.arguments, **bound}.items() if name in properties}
    lacking = [name for name in schema.parameters.get("required") or () if name not in whole]
    if decision.kind == "act":
        found += [f"an act of {action.name} lacks {', '.join(lacking)}"] if lacking else []
    else:
        found += [
            f"an ask of {action.name} lacks {name} and does not say so" for name in lacking if not _said(name, decision)
        ]
    wrong = [path for path in faults(schema, whole) if not _absent(path, whole) and path.split(".")[0] not in bound]
    return found + [f"{path or action.name} does not fit its schema" for path in wrong if not _said(path, decision)]


def _said(path: str, decision: Decision) -> bool:
    """Whether an ask lists a path, or something inside it, or the action as a whole."""
    inside = (path + ".", path + "[")
    whole = {action.name for action in decision.actions}
    return any(name == path or name in whole or name.startswith(inside) for name in decision.missing)


def _absent(path: str, arguments: Mapping[str, Any]) -> bool:
    return path != "" and path not in arguments and path.split(".")[0].split("[")[0] not in arguments


def _evidence(action: Action, schema: ActionSchema, observation: Observation, copies: bool) -> list[str]:
    parameters = {parameter.name: parameter for parameter in read_parameters(schema)}
    values = {**action.arguments, **flat_arguments(schema, action.arguments)}
    found = list[str]()
    for path, evidence in action.evidence.items():
        source = observation.sources.get(evidence.source)
        if source is None or not evidence.text or source[evidence.start : evidence.end] != evidence.text:
            found.append(f"the evidence of {path} is no quotation: {evidence.text!r} from {evidence.source}")
        elif path not in values:
            found.append(f"there is evidence for {path}, but no such argument")
        else:
            found += _reads(path, values[path], evidence, parameters.get(path), observation)
    if copies:
        for path, value in flat_arguments(schema, action.arguments).items():
            if path in action.evidence or path in observation.bound or path.split(".")[0] in observation.bound:
                continue
            listed = [*parameters[path].options, parameters[path].schema.get("const"), parameters[path].default]
            if (isinstance(value, str) and value not in listed) or invented(parameters[path], value, observation):
                found.append(f"{path} = {value!r} has no evidence")
    return found


def _reads(
    path: str, value: Any, evidence: Evidence, parameter: Parameter | None, observation: Observation
) -> list[str]:
    """Whether the named rule reads the quotation as the value."""
    if evidence.normaliser is None:
        same = str(value) == evidence.text
        return [] if same else [f"{path} differs from its evidence, and no normaliser says why"]
    read = evidenced(parameter, evidence, observation.sources, observation.today) if parameter else None
    if read == value and isinstance(read, bool) is isinstance(value, bool):
        return []
    return [f"the evidence of {path} is read by {evidence.normaliser} as {read!r}, not {value!r}"]
