"""Holds any action model to the promises of its protocol: the embedded one, a causal one, an endpoint, yours."""

from __future__ import annotations

import math
from collections.abc import Mapping, Sequence
from typing import Any

from interlock.errors import ModelError
from interlock.lam.functions import named
from interlock.lam.protocol import Action, ActionModel, ActionSchema, Decision, Observation
from interlock.testing.action_cases import Case
from interlock.testing.action_promises import broken

ROUNDING = 1e-6
"""How much above 1 a sum of probabilities may come out."""


def action_model_conformance(
    model: ActionModel,
    cases: Sequence[Case] | Mapping[str, Case],
    *,
    risk: float = 0.1,
    copies: bool = True,
    scores: bool = True,
    errors: bool = False,
    ordered: Mapping[str, Sequence[Action]] | None = None,
) -> list[Decision]:
    """Hold `model` to the protocol on `cases` (observation and action space); its decisions, for further checks.

    * An act or ask names actions of the space and fits their JSON Schemas, formats included; no argument is unknown.
    * Bound arguments keep their values.
    * Each piece of evidence is a true quotation, and the rule that it names reads it as the value.
    * An act misses nothing; an ask lists everything that is missing; an abstention carries nothing, and is the
      answer where there is nothing to choose from.
    * The same question gets the same answer, alone and among others (`decide_all`, where the model has it), and what
      is given stays as it was.
    * What it does at a low risk it does at a higher one too.
    * Its own acts have a finite score, what it cannot produce has `-inf`, and no scores add up to more than 1.
    * Where it gives no answer, that is a `ModelError` and nothing else.

    Args:
        copies: whether the model can only copy: then no value may stand nowhere in the context.
        scores: whether it can score; where not, `score` says so by a `ModelError` for what might be produced.
        errors: whether a `ModelError` will do for an answer, for models that may fail to end one.
        ordered: for cases by name, actions that it must score in this order, the likeliest first.

    Raises:
        AssertionError: one line per broken promise.
    """
    known = cases if isinstance(cases, Mapping) else {str(number): case for number, case in enumerate(cases)}
    faults: list[str] = []
    decisions: dict[str, Decision] = {}
    for name, (observation, space) in known.items():
        found = list[str]()
        before = _dumped(observation, space)
        decision = _answer(model, observation, space, risk, errors, found)
        if decision is not None:
            decisions[name] = decision
            found += broken(decision, observation, space, copies=copies)
            found += _decided(model, observation, space, decision, risk)
            found += _scored(model, observation, space, decision, scores)
            found += _in_order(model, observation, space, (ordered or {}).get(name, ()))
        if _dumped(observation, space) != before:
            found.append("what it was given is not as it was")
        faults += [f"case {name}: {fault}" for fault in found]
    faults += _together(model, {name: known[name] for name in decisions}, decisions, risk)
    if faults:
        raise AssertionError("\n".join(faults))
    return list(decisions.values())


def _answer(
    model: ActionModel,
    observation: Observation,
    space: list[ActionSchema],
    risk: float,
    errors: bool,
    faults: list[str],
) -> Decision | None:
    """The decision; where there is none, what is wrong with that goes to `faults`."""
    try:
        return model.decide(observation, space, risk=risk)
    except AssertionError:
        raise
    except ModelError as error:
        if not errors:
            faults.append(f"it gave no answer: {error.message}")
    except Exception as error:
        faults.append(f"it raised {type(error).__name__}, which is no ModelError: {error}")
    return None


def _dumped(observation: Observation, space: Sequence[ActionSchema]) -> tuple[str, list[str]]:
    return observation.model_dump_json(), [schema.model_dump_json() for schema in space]


def _decided(
    model: ActionModel, observation: Observation, space: list[ActionSchema], decision: Decision, risk: float
) -> list[str]:
    """Whether the same question gets the same answer, and a higher risk no less of one."""
    found = list[str]()
    if model.decide(observation, space, risk=risk) != decision:
        found.append("the same question got another answer")
    if decision.kind == "act":
        bolder = model.decide(observation, space, risk=1.0)
        if bolder.kind != "act" or _calls(bolder) != _calls(decision):
            found.append(f"it acts at the risk {risk}, but at 1 it would {bolder.kind}")
    return found


def _calls(decision: Decision) -> list[tuple[str, dict[str, Any]]]:
    return [(action.name, action.arguments) for action in decision.actions]


def _together(
    model: ActionModel, cases: Mapping[str, Case], decisions: Mapping[str, Decision], risk: float
) -> list[str]:
    """Whether many questions at once get the answers that each gets alone."""
    decide_all = getattr(model, "decide_all", None)
    if decide_all is None or not cases:
        return []
    found = dict(zip(cases, decide_all(list(cases.values()), risk=risk), strict=True))
    return [
        f"case {name}: among others it got another answer: {found[name].kind}"
        for name, decision in decisions.items()
        if not _alike(found[name], decision)
    ]


def _alike(one: Decision, other: Decision) -> bool:
    """The same decision, where probabilities may differ by how many rows were computed at once."""
    return (one.kind, _calls(one), one.missing) == (other.kind, _calls(other), other.missing) and all(
        math.isclose(a.confidence, b.confidence, abs_tol=1e-3) for a, b in zip(one.actions, other.actions, strict=True)
    )


# -- scores -----------------------------------------------------------------------------------------------


def _scored(
    model: ActionModel, observation: Observation, space: list[ActionSchema], decision: Decision, scores: bool
) -> list[str]:
    found = list[str]()
    for name, impossible in _impossible(decision, observation, space).items():
        if model.score(observation, space, impossible) != -math.inf:
            found.append(f"{name} has a probability")
    total = list[float]()
    proposed = decision.actions if decision.kind == "act" else []
    for action in _distinct([*decision.actions, *(_bare(schema, observation) for schema in space)]):
        try:
            score = model.score(observation, space, action)
        except ModelError as error:
            found += [f"it does not score {action.name}: {error.message}"] if scores else []
            continue
        total.append(score)
        if math.isnan(score) or score > 0:
            found.append(f"the log-probability of {action.name} is above 0" if score > 0 else "a score is no number")
        elif score == -math.inf and action in proposed:
            found.append(f"its own act of {action.name} has no probability")
    if math.fsum(map(math.exp, total)) > 1 + ROUNDING:
        found.append(f"the probabilities of different actions add up to {math.fsum(map(math.exp, total)):.4f}")
    return found


def _bare(schema: ActionSchema, observation: Observation) -> Action:
    properties = schema.parameters.get("properties") or {}
    bound = {name: value for name, value in observation.bound.items() if name in properties}
    return Action(name=schema.name, arguments=bound, confidence=1.0)


def _distinct(actions: Sequence[Action]) -> list[Action]:
    found: list[Action] = []
    for action in actions:
        if all((action.name, action.arguments) != (other.name, other.arguments) for other in found):
            found.append(action)
    return found


def _impossible(decision: Decision, observation: Observation, space: Sequence[ActionSchema]) -> dict[str, Action]:
    """Changes of what it proposed that no model may produce, by what they are."""
    found: dict[str, Action] = {}
    for action in decision.actions:
        found["an action outside the space"] = action.model_copy(update={"name": action.name + ".elsewhere"})
        found["an unknown argument"] = _with(action, "no such argument", 1)
        schema = named(space, action.name)
        for name, part in (schema.parameters.get("properties") or {} if schema else {}).items():
            if name in observation.bound:
                found[f"another value of the bound {name}"] = _with(action, name, ["another"])
            elif part.get("enum") and name in action.arguments:
                found[f"no option of {name}"] = _with(action, name, "no such option")
    return found


def _with(action: Action, name: str, value: Any) -> Action:
    return action.model_copy(update={"arguments": {**action.arguments, name: value}})


def _in_order(
    model: ActionModel, observation: Observation, space: list[ActionSchema], actions: Sequence[Action]
) -> list[str]:
    told = [model.score(observation, space, action) for action in actions]
    return [
        f"{action.name} {action.arguments} scores {told[place]:.2f}, a less likely one {told[place + 1]:.2f}"
        for place, action in enumerate(actions[:-1])
        if not told[place] > told[place + 1]
    ]
