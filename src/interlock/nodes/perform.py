"""The monitor: the only way to an effect.

It holds an effect alone, recomputes the digest of what it is about to send, consumes the approval and
commits the intent in one transaction, calls the tool, and records what came of it.  Whatever the
graph, the caller or a checkpoint claims, an effect without that authorisation does not happen.
"""

from __future__ import annotations

from dataclasses import dataclass
from datetime import timedelta
from functools import partial
from typing import Literal

from interlock.digest import Json, plain
from interlock.errors import (
    DecidedStricter,
    EffectFailed,
    EffectNotDone,
    InterlockError,
    LimitExceeded,
    Refused,
    RunCancelled,
    StepTimeout,
)
from interlock.graphs.cards import Retry
from interlock.graphs.spec import Performing
from interlock.nodes.binding import binding
from interlock.nodes.context import context_of
from interlock.nodes.forked import same_target
from interlock.nodes.moves import FailureKind
from interlock.nodes.policy_inputs import decided_again
from interlock.nodes.retry import after
from interlock.nodes.services import Place, Services
from interlock.nodes.spans import tool
from interlock.nodes.timeout import NEVER, Deadline, within
from interlock.policies.language import Requirement
from interlock.store.locks import Hold, held
from interlock.store.tables import Effect
from interlock.tools.action import Action, ActionContext, Arguments, Result

FRESH = Requirement().execute_within
"""How long a decision `auto` may wait for its action: what it was decided on (the hour, a balance) changes."""


@dataclass(frozen=True)
class Performed:
    """How it ended: done, failed, doubt (a person must say whether it happened), regate (decide anew)."""

    word: Literal["done", "failed", "doubt", "regate"]
    effect: Effect
    because: str = ""
    kind: FailureKind | None = None
    """For failed: why."""


class _TooLate(EffectNotDone):
    """A read did not answer in time; it changed nothing."""


class _Unwanted(InterlockError):
    """A read was not waited for, since its run is to end; it changed nothing."""

    def __init__(self, cause: RunCancelled | LimitExceeded) -> None:
        super().__init__(cause.message)
        self.cause = cause


def perform(place: Place, retry: Retry, services: Services, deadline: Deadline | None = None) -> Performed:
    """Perform the visit's newest proposal, or find out what became of an earlier attempt.

    Args:
        deadline: for an action that only reads, when each attempt is over; default is the step's timeout.

    Raises:
        Refused: there is no authorisation for exactly this action; nothing was called.
        RunBusy: another process is performing it now.
        RunCancelled, LimitExceeded: the run is to end; nothing more was called.
    """
    newest = services.ledger.latest(place.run, place.step, place.visit)
    if newest is None:
        raise Refused(f"run {place.run} has proposed nothing at {place.step}.")
    busy = f"effect {newest.id} is being performed by another process; nothing was done twice."
    with held(services.database, services.settings.home, f"effect {newest.id}", busy=busy) as hold:
        effect = services.ledger.get(newest.id)
        action = services.action(effect.action)
        if effect.state == "intent":
            effect = services.ledger.doubt(effect, "the process ended between intent and outcome")
        if effect.state == "in_doubt":
            effect, settled = _settle(effect, action, services)
            if settled is not None:
                return settled
        if effect.state in ("executed", "verified"):
            return Performed("done", effect)
        if effect.state == "failed" and not effect.retryable:
            return Performed("failed", effect, effect.error or "", "refused")
        return _attempts(effect, action, place, retry, services, deadline, hold)


def _attempts(
    effect: Effect,
    action: Action,
    place: Place,
    retry: Retry,
    services: Services,
    deadline: Deadline | None,
    hold: Hold,
) -> Performed:
    while True:
        arguments = _read(effect, action)
        sent = plain(arguments.model_dump()) if arguments is not None else None
        assert sent is None or isinstance(sent, dict)
        digest = binding(effect.action, sent or {}, place, services)
        doubted = effect.state == "in_doubt" and action.consequential
        stale = _stale(effect, digest, services)
        if stale and doubted:
            return Performed("doubt", effect, stale)
        if stale and effect.state == "in_doubt":
            effect = services.ledger.failed(effect, stale, retryable=True)
        if stale:
            return Performed("regate", services.ledger.supersede(effect, stale, repeat=True, arguments=sent), stale)
        if arguments is None:
            raise Refused(f"effect {effect.id}: its arguments do not fit {effect.action}.")
        try:
            effect = services.ledger.intend(
                effect,
                digest,
                reads=not action.consequential,
                again=decided_again(effect, services),
                same=same_target(action),
                hold=hold,
            )
        except DecidedStricter as error:
            anew = services.ledger.supersede(effect, error.message, repeat=True, arguments=sent)
            return Performed("regate", anew, error.message)
        context = context_of(effect, services)
        try:
            with tool(effect):
                result = _call(action, arguments, context, deadline or _deadline(action, place, services))
            written = context.secrets.redacted(plain(result.model_dump()))
        except (EffectNotDone, EffectFailed) as error:
            kind, because = _kind(error), context.secrets.text(error.message)
            pause = after(kind, effect.attempt, retry, effect.id)
            again = pause is not None
            if doubted:  # this attempt did nothing, but an earlier one may have
                effect = services.ledger.doubt(effect, because)
                if not again:
                    return Performed("doubt", effect, because)
            else:
                effect = services.ledger.failed(effect, because, retryable=again)
                if not again:
                    return Performed("failed", effect, because, kind)
        except _Unwanted as unwanted:
            services.ledger.failed(effect, unwanted.message, retryable=False)
            raise unwanted.cause from None
        except Exception as error:  # whatever a tool throws, what became of the effect is unknown
            said = f"{type(error).__name__}: {error}" if str(error) else type(error).__name__
            because = context.secrets.text(said)
            effect = services.ledger.doubt(effect, because)
            effect, settled = _settle(effect, action, services)
            if settled is not None:
                return settled
            pause = after("unavailable", effect.attempt, retry, effect.id)
            if pause is None and not action.consequential:  # a read leaves nothing to doubt
                effect = services.ledger.failed(effect, because, retryable=False)
            if pause is None:
                ended: Literal["failed", "doubt"] = "failed" if effect.state == "failed" else "doubt"
                return Performed(ended, effect, because, "unavailable")
        else:
            assert isinstance(written, dict)
            return Performed("done", _verified(services.ledger.executed(effect, written), action, services))
        assert pause is not None
        watch = partial(services.wanted, place.run)
        within(None, partial(services.sleep, pause.total_seconds()), watch=watch)


def _deadline(action: Action, place: Place, services: Services) -> Deadline:
    """The end of an attempt that begins now; an action that changes something is never given up on."""
    step = place.spec.steps[place.step]
    if action.consequential or not isinstance(step, Performing):
        return NEVER
    if step.timeout is None:  # it runs in this thread, which some tools are bound to
        return NEVER
    return Deadline(step.timeout, place.step, watch=partial(services.wanted, place.run))


def _call(action: Action, arguments: Arguments, context: ActionContext, deadline: Deadline) -> Result:
    if action.consequential:
        return action.run(arguments, context)
    try:
        return deadline.within(lambda: action.run(arguments, context))
    except StepTimeout as late:
        raise _TooLate(late.message) from None
    except (RunCancelled, LimitExceeded) as over:
        raise _Unwanted(over) from None


def _kind(error: EffectNotDone | EffectFailed) -> FailureKind:
    if isinstance(error, _TooLate):
        return "timeout"
    return "unavailable" if error.retryable else "refused"


def _read(effect: Effect, action: Action) -> Arguments | None:
    """The arguments as the action reads them now; None when they no longer fit."""
    try:
        return action.validate(effect.arguments)
    except ValueError:
        return None


def _stale(effect: Effect, digest: str, services: Services) -> str | None:
    """Why the decision no longer holds, or None."""
    if effect.digest != digest:
        return "the action, its rules or its workflow changed after the decision" if effect.digest else None
    if effect.state == "gated" and effect.approval_id is None and services.clock() - effect.updated_at > FRESH:
        return "the decision is old, so the rules are asked again"
    if effect.approval_id and effect.state in ("approved", "failed"):
        approval = services.approvals.get(effect.approval_id)
        if approval.execute_before is not None and services.clock() > approval.execute_before:
            return f"approval {approval.id} had to be used by {approval.execute_before.isoformat()}"
    return None


def _settle(effect: Effect, action: Action, services: Services) -> tuple[Effect, Performed | None]:
    """Decide a doubt without acting: the row as it stands now, and how it ended; None when another attempt is safe."""
    match action.effect:
        case "read" | "idempotent":
            return effect, None
        case "keyed":
            started = effect.intent_at or effect.created_at
            if action.key_ttl is not None and services.clock() - started > timedelta(seconds=action.key_ttl):
                return effect, Performed("doubt", effect, "the provider no longer knows the key")
            return effect, None
        case "queryable":
            return _probed(effect, action, services)
        case "blind":
            return effect, Performed("doubt", effect, effect.error or "nobody can look")


def _probed(effect: Effect, action: Action, services: Services) -> tuple[Effect, Performed | None]:
    found = _probe(effect, action, services)
    if found.answer == "unknown":
        return effect, Performed("doubt", effect, found.because or effect.error or "")
    if found.answer == "did_not_happen":
        return services.ledger.failed(effect, "a look showed that it did not happen", retryable=True), None
    effect = services.ledger.verified(services.ledger.executed(effect, found.result))
    return effect, Performed("done", effect)


def _verified(effect: Effect, action: Action, services: Services) -> Effect:
    if action.probe is None or _probe(effect, action, services).answer != "happened":
        return effect
    return services.ledger.verified(effect)


@dataclass(frozen=True)
class _Seen:
    """What a look showed, as it may be written down."""

    answer: Literal["happened", "did_not_happen", "unknown"]
    result: dict[str, Json]
    because: str


def _probe(effect: Effect, action: Action, services: Services) -> _Seen:
    assert action.probe is not None
    context = context_of(effect, services)
    try:
        found = action.probe(action.validate(effect.arguments), context)
    except (OSError, ValueError, InterlockError) as error:
        return _Seen("unknown", {}, context.secrets.text(f"the probe failed: {error}"))
    result = context.secrets.redacted(plain(found.result.model_dump())) if found.result else {}
    assert isinstance(result, dict)
    return _Seen(found.answer, result, context.secrets.text(found.because))
