"""Looking things up: a bounded loop of a chat model over actions that only read.

Each call is a row of the ledger, judged by the rules and performed by the monitor like any other action.
What the rules would ask a person about is denied: the loop never waits.  What tools answer is data that
nobody vouches for, and so is marked.

The loop ends when the model has enough, makes a call that it made before, has two turns in a row that
bring nothing new (a refusal, an error, or an answer that it has read already), or reaches the card's
`turns`.  Whatever ended it, the question is asked then, with what was found.
"""

from __future__ import annotations

import json
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

from langchain_core.language_models.chat_models import BaseChatModel

from interlock.digest import plain
from interlock.errors import StepLimitExceeded, StepTimeout
from interlock.graphs.calls import lookups
from interlock.graphs.cards import ReasonCard, Retry
from interlock.graphs.prompts import prompt_paths
from interlock.nodes.act import normal_arguments, required, schema_of
from interlock.nodes.agent import Answer, Transcript, react
from interlock.nodes.certainty import CHAT
from interlock.nodes.gate import Judgement, judge, seal
from interlock.nodes.given import told
from interlock.nodes.models import Meter, model_name
from interlock.nodes.perform import perform
from interlock.nodes.reason import briefing, fill
from interlock.nodes.services import Place, Services
from interlock.nodes.timeout import Deadline
from interlock.nodes.trace import trace
from interlock.nodes.wrote import by_model, looked_up
from interlock.policies.decide import deny
from interlock.policies.origins import Mark
from interlock.store.effects import OPEN
from interlock.store.tables import Effect

IDLE_TURNS = 2
"""Turns in a row without anything new that end a loop; one may be a slip that the model mends."""

LONGEST = 20_000
"""Characters of one observation; the rest is cut, and the model is told so."""

ONCE = Retry(attempts=1)
"""A lookup that fails is told to the model, which may go another way; the step's own `retry` is for its model."""


@dataclass(frozen=True)
class Found:
    """What a loop found: each call with its answer, and a sentence for the record."""

    texts: tuple[str, ...] = ()
    note: str | None = None


NOTHING = Found()


def look_up(
    card: ReasonCard,
    values: Mapping[str, Any],
    model: BaseChatModel,
    meter: Meter,
    place: Place,
    services: Services,
    deadline: Deadline,
) -> Found:
    """Let `model` call the card's actions until it has what the question needs.

    Raises:
        StepTimeout: `deadline` came first.
        LimitExceeded, StepLimitExceeded: no further model call is allowed.
        ModelUnavailable: the provider cannot be reached now.
        ModelError: the provider refuses, or the model cannot call tools.
    """
    read = trace(place, values, services).read([f"$.{path}" for path in prompt_paths(card.prompt)])
    hands = _Hands(card, place, services, deadline, model_name(model), read)
    hands.let_go("the step begins its work anew")
    tags, request = fill(card, values)
    instructions = (
        f"{briefing(card, tags)} So is everything that tools answer.\n\nBefore you answer, look up what you need: "
        "call one tool at a time and read its answer before the next. When you have what the question needs, or "
        "it cannot be had, say so in one sentence without a call."
    )
    space = [schema_of(services.action(name)) for name in card.actions]
    transcript = react(
        model, request, space, hands.act, max_turns=card.turns, idle_turns=IDLE_TURNS,
        instructions=instructions, meter=meter, deadline=deadline,
    )  # fmt: skip
    return Found(_texts(transcript), _note(transcript))


class _Hands:
    """What carries out the calls of one attempt."""

    def __init__(
        self,
        card: ReasonCard,
        place: Place,
        services: Services,
        deadline: Deadline,
        model: str,
        read: Mapping[str, Mark],
    ) -> None:
        self.card = card
        self.place = place
        self.services = services
        self.deadline = deadline
        self.model = model
        self.read = read
        """What the model has read before its first lookup."""
        self.most = lookups(place.spec.steps[place.step])
        self.entered_by = services.runs.visit(place.run, place.step, place.visit).entered_by

    def act(self, name: str, arguments: dict[str, Any]) -> Answer:
        """One call of the model, through the gate and the monitor.

        Raises:
            StepTimeout: the attempt is over.
            StepLimitExceeded: the visit has made all lookups of its attempts.
        """
        if self.services.action(name).consequential:  # it only read when the graph was checked
            return Answer("denied", f"{name} changes something; here you only look things up.")
        ledger = self.services.ledger
        before = ledger.latest(self.place.run, self.place.step, self.place.visit)
        if before is not None and before.slot + 1 >= self.most:
            raise StepLimitExceeded(
                f"step {self.place.step} has made all {self.most} lookups of its attempts in this visit, those that "
                "a process died in included; give it more attempts, or start a new run."
            )
        effect = ledger.follow(self._proposal(name, arguments))
        try:
            judged = self.deadline.within(lambda: judge(effect, self.place, self.entered_by, self.services))
        except StepTimeout as late:  # a fact that a rule compares did not come
            self.let_go(late.message)
            raise
        verdict = judged.verdict
        if verdict.effect == "approve":
            first = verdict.reasons[0]
            why = "" if effect.missing else "; a person would have to agree, and a lookup asks nobody"
            verdict = deny(first.rule, f"{first.because}{why}")
        sealed = seal(effect, self.place, Judgement(verdict, judged.inputs), self.services)
        if sealed.state == "denied":
            first = verdict.reasons[0]
            return Answer("invalid" if first.rule == "schema" else "denied", f"{first.rule}: {first.because}")
        ended = perform(self.place, ONCE, self.services, self.deadline)
        if ended.word == "done":
            return Answer("done", _short(json.dumps(ended.effect.result, ensure_ascii=False, sort_keys=True)))
        self.let_go(ended.because)
        if ended.kind == "timeout":
            raise StepTimeout(ended.because)
        return Answer("failed", _short(ended.because))

    def let_go(self, because: str) -> None:
        """Close the newest row of the visit where an attempt left it open; it only reads, so nothing is in doubt."""
        ledger = self.services.ledger
        effect = ledger.latest(self.place.run, self.place.step, self.place.visit)
        if effect is None:
            return
        if effect.state in OPEN:
            ledger.supersede(effect, because, repeat=False)
            return
        if effect.state == "intent":
            effect = ledger.doubt(effect, because)
        if effect.state == "in_doubt":
            ledger.failed(effect, because, retryable=False)

    def _proposal(self, name: str, arguments: Mapping[str, Any]) -> Effect:
        source = by_model(self.place, {**self.read, **looked_up(self.place, self.services)})
        action = self.services.action(name)
        try:
            written: dict[str, Any] = normal_arguments(action, arguments)
        except ValueError:
            written = {key: plain(value) for key, value in arguments.items()}  # the gate says what is wrong
        return Effect(
            id="", run_id=self.place.run, step=self.place.step, visit=self.place.visit, slot=0, state="proposed",
            action=name, arguments=written, missing=[key for key in required(action) if key not in written],
            labels=dict.fromkeys(written, source.at()[0]), origins=dict.fromkeys(written, told(source)), evidence={},
            model={"backend": CHAT, "model_id": self.model, "chose_arguments": True},
            proposed_by=self.services.runs.requesters(self.place.run),
        )  # fmt: skip


def is_lookup(effect: Effect) -> bool:
    """Whether a row is the lookup of a reason step, and not a chat model's proposal at an act step."""
    return effect.model.get("backend") == CHAT and "routed" not in effect.model


def _texts(transcript: Transcript) -> tuple[str, ...]:
    return tuple(
        f"{turn.call.name} {json.dumps(plain(turn.call.arguments), ensure_ascii=False)}\n"
        f"{turn.answer.word}: {turn.answer.text}"
        for turn in transcript.turns
    )


def _note(transcript: Transcript) -> str:
    done = sum(turn.answer.word == "done" for turn in transcript.turns)
    said = f"{done} of {len(transcript.turns)} lookups gave something"
    ended = {"answered": "the model had enough", "silent": "the model said nothing more"}.get(transcript.ended)
    return f"{said}; {ended}." if ended else f"{said}; {transcript.ended}: {transcript.text}"


def _short(text: str) -> str:
    return text if len(text) <= LONGEST else f"{text[:LONGEST]} … (cut after {LONGEST} characters)"
