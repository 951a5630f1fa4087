"""Other policy engines as one more voice in a decision; of all voices the strictest wins.

A policy file names the engine, and beside it the file with the engine's own text::

    policy: payments_cedar
    version: 1
    applies_to: [payments.transfer]
    engine: cedar
    source: payments.cedar
    inputs:
      amount: {type: decimal}
      payee_from: {type: provenance}

The engine is given the declared inputs and nothing else.  Whatever goes wrong (an input of another type,
an error, no answer in time, a word that is not known) denies, so an engine can make a decision stricter
and never looser.  What it may say nobody can tell beforehand: the analyses look at the rules alone.

An engine of one's own is a class with `read`, plugged in by an entry point::

    [project.entry-points."interlock.policy_engines"]
    opa = "our_shop.opa:Opa"
"""

from __future__ import annotations

import re
import threading
from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import dataclass, field
from decimal import Decimal
from functools import lru_cache
from importlib.metadata import entry_points
from typing import Any, Literal, Protocol

from interlock.policies.comparing import Undecidable, typed
from interlock.policies.decide import Verdict, approve, auto, decide, deny, strictest
from interlock.policies.language import Policy, Requirement

GROUP = "interlock.policy_engines"
"""The entry points by which engines of other packages are found."""

PATIENCE = 2.0
"""Seconds that an engine may take over one decision."""


@dataclass(frozen=True)
class Request:
    """What an engine is asked: may this action happen?"""

    action: str
    inputs: Mapping[str, bool | int | Decimal | str]
    """The declared inputs of the policy that are known, each of its declared type; labels are text."""


@dataclass(frozen=True)
class Answer:
    """What one rule of an engine says."""

    effect: Literal["auto", "approve", "deny"]
    because: str
    rule: str = "-"
    requires: str = ""
    """For approve, who must agree: `ROLE:COUNT`, `:COUNT`, or the name of an approval of any policy file."""


class Ruling(Protocol):
    """A text of the engine, read once."""

    @property
    def requires(self) -> Sequence[str]:
        """Whatever an answer may require, as `Answer.requires` has it."""

    def decide(self, request: Request) -> Sequence[Answer]:
        """What each rule that holds says; none at all denies."""


class Engine(Protocol):
    """A policy engine."""

    def read(self, text: str) -> Ruling:
        """Read a text.

        Raises:
            EngineFault: it cannot be read, or the engine is not there; the message says why.
        """


class EngineFault(Exception):
    """An engine or its text cannot be used."""

    def __init__(self, message: str, hint: str | None = None) -> None:
        super().__init__(message)
        self.hint = hint


def _cedar() -> Engine:
    from interlock.policies.cedar import Cedar

    return Cedar()


BUILT_IN: dict[str, Callable[[], Engine]] = {"cedar": _cedar}


def engines() -> list[str]:
    """The names that `engine` may have here."""
    return sorted({*BUILT_IN, *(point.name for point in entry_points(group=GROUP))})


def engine(name: str) -> Engine:
    """The engine of that name.

    Raises:
        EngineFault: there is none, or several, or it cannot be loaded.
    """
    if name in BUILT_IN:
        return BUILT_IN[name]()
    points = entry_points(group=GROUP, name=name)
    if len(points) != 1:
        many = "several packages bring" if points else "no package brings"
        raise EngineFault(f"{many} the engine `{name}`")
    try:
        found: Engine = next(iter(points)).load()()
    except Exception as error:  # another package's code
        raise EngineFault(f"the engine `{name}` cannot be loaded: {error}") from None
    return found


@lru_cache(maxsize=256)
def ruling(name: str, text: str) -> Ruling:
    """A text, read by the engine of that name.

    Raises:
        EngineFault: either cannot be used.
    """
    try:
        return engine(name).read(text)
    except EngineFault:
        raise
    except Exception as error:  # another package's code
        raise EngineFault(f"the engine `{name}` cannot read it: {error}") from None


def decided(
    policies: Iterable[Policy], action: str, inputs: Mapping[str, Any], requirements: Mapping[str, Requirement]
) -> Verdict | None:
    """What all policies say of `action`, rules and engines, the strictest first; None when none applies.

    Args:
        inputs: values by input name; an input that is absent is unknown.
        requirements: the named approvals of all policy files.
    """
    everyone = list(policies)
    asked = [policy for policy in everyone if policy.engine is not None and policy.covers(action)]
    if not asked:
        return decide(everyone, action, inputs, requirements)
    ruled = decide([policy for policy in everyone if policy.engine is None], action, inputs, requirements)
    voices = [voice(policy, action, inputs, requirements) for policy in asked]
    return strictest([*([ruled] if ruled is not None else []), *voices])


def voice(
    policy: Policy,
    action: str,
    inputs: Mapping[str, Any],
    requirements: Mapping[str, Requirement],
    patience: float = PATIENCE,
) -> Verdict:
    """What the engine of one policy says; anything but a clear answer in time denies."""
    name = f"{policy.policy}/{policy.engine}"
    try:
        known = {
            key: typed(key, declared, inputs[key])
            for key, declared in policy.inputs.items()
            if inputs.get(key) is not None
        }
    except Undecidable as error:
        return deny(name, f"the engine cannot be asked: {error}")
    try:
        answers = _in_time(lambda: list(_ask(policy, Request(action, known))), patience)
        said = [_verdict(policy, answer, requirements) for answer in answers]
    except Exception as error:  # whatever another engine throws, nothing is clear
        return deny(name, f"the engine gave no answer: {error or type(error).__name__}")
    return strictest(said) if said else deny(name, "no rule of the engine permits the action")


def _ask(policy: Policy, request: Request) -> Sequence[Answer]:
    if policy.engine is None or policy.text is None:
        raise EngineFault("its text was not read")
    return ruling(policy.engine, policy.text).decide(request)


@dataclass
class _Outcome:
    """What a thread came to."""

    value: list[Answer] | None = None
    error: BaseException | None = None
    done: threading.Event = field(default_factory=threading.Event)


def _in_time(work: Callable[[], list[Answer]], patience: float) -> list[Answer]:
    """What `work` gives.

    Raises:
        TimeoutError: it took too long, and goes on by itself.
        Exception: whatever it raised.
    """
    outcome = _Outcome()

    def run() -> None:
        try:
            outcome.value = work()
        except BaseException as error:  # handed to the caller
            outcome.error = error
        finally:
            outcome.done.set()

    threading.Thread(target=run, name="interlock-engine", daemon=True).start()
    if not outcome.done.wait(patience):
        raise TimeoutError(f"it took longer than {patience:g} s")
    if outcome.error is not None:
        raise EngineFault(str(outcome.error) or type(outcome.error).__name__)
    assert outcome.value is not None
    return outcome.value


def _verdict(policy: Policy, answer: Answer, requirements: Mapping[str, Requirement]) -> Verdict:
    """An answer as a verdict; an effect that is no word of ours, or an approval nobody can give, denies."""
    name = f"{policy.policy}/{answer.rule}"
    match answer.effect:
        case "auto":
            return auto(name, answer.because)
        case "approve":
            try:
                return approve(name, answer.because, required(answer.requires, requirements))
            except ValueError as error:
                return deny(name, str(error))
        case _:
            return deny(name, answer.because)


def required(requires: str, requirements: Mapping[str, Requirement]) -> Requirement:
    """Who must agree: `finance:2`, `:2` for anybody, or the name of an approval of any policy file.

    Raises:
        ValueError: it says nothing of the kind.
    """
    if match := re.fullmatch(r"([a-z][a-z0-9_]*)?:([1-9]|1[0-9]|20)", requires):
        return Requirement(role=match[1] or None, count=int(match[2]))
    if requires not in requirements:
        raise ValueError(f"{requires!r} is neither ROLE:COUNT nor the name of a declared approval")
    return requirements[requires]
