"""The action model of an endpoint: asks, checks what was answered, and decides from what is left of it."""

from __future__ import annotations

import json
import math
from collections.abc import Mapping, Sequence
from threading import Lock
from typing import Any

from interlock.errors import ModelError
from interlock.lam.confidence.certificate import NOTHING
from interlock.lam.endpoint.checking import Checked, NotOffered, check
from interlock.lam.endpoint.forms import Unreadable, Written
from interlock.lam.endpoint.likelihood import Sureness, abstention, joined, sureness
from interlock.lam.endpoint.messages import Message, asked_again, free_space, messages_for
from interlock.lam.endpoint.options import Options, Way
from interlock.lam.endpoint.probing import find_way
from interlock.lam.endpoint.ways import EXTRAS, OPTIONAL, Answer, body_for, read_answer
from interlock.lam.endpoint.wire import Declined, Wire
from interlock.lam.protocol import Action, ActionSchema, Decision, Observation

CHAT = "/chat/completions"


class NotScored(ModelError):
    """This endpoint does not tell how likely a given action is."""


class EndpointModel:
    """`ActionModel` over HTTP; one object may be asked from several threads.

    Args:
        wire: how it is reached; made from `options` unless given.
    """

    backend = "endpoint"

    def __init__(self, options: Options, wire: Wire | None = None) -> None:
        self.options = options
        self.wire = wire or Wire(options)
        self.certificates = NOTHING
        """Nothing: its confidence was never held against what is right, so the gate always asks a person."""
        self._way, self._name = options.way, options.model
        self._left_out: frozenset[str] = frozenset()
        self._finding = Lock()

    @property
    def model_id(self) -> str:
        """The endpoint's name of its model, and where the endpoint is."""
        return f"{self._name or 'model'}@{self.wire.host}"

    # -- the protocol ---------------------------------------------------------------------------------

    def decide(self, observation: Observation, action_space: list[ActionSchema], *, risk: float) -> Decision:
        """The calls that the endpoint's model chooses, or what to ask for, or an abstention.

        Args:
            risk: how wrong an `act` may be.  A call whose probability is below `1 - risk`, or is not told, becomes
                an `ask` that carries the whole call and names the action as what is to be confirmed; with
                `risk=1` the model's own word counts.

        Raises:
            ModelUnavailable: the endpoint cannot be reached or is busy; trying again can help.
            ModelError: it gave no usable answer, repairs included.
        """
        if not action_space or not observation.sources:
            return Decision(kind="abstain", p_null=1.0, backend=self.backend, model_id=self.model_id)
        deadline = self.wire.deadline()
        way = self._find(deadline)
        free = free_space(action_space, observation.bound)
        messages = messages_for(observation, free, way)
        for repair in range(self.options.repairs + 1):
            response = self._ask({**body_for(way, messages, free), "max_tokens": self.options.max_tokens}, deadline)
            checked, faults = list[Checked](), list[str]()
            try:
                answer = read_answer(way, response, free)
                for call in answer.calls:
                    checked.append(check(call, observation, action_space, copy_only=self.options.copy_only))
                    faults += checked[-1].wrong
            except (Unreadable, NotOffered) as fault:
                faults.append(str(fault))
                if repair == self.options.repairs:
                    raise ModelError(f"{self.model_id} gave no usable answer: {fault}") from None
            if not faults or repair == self.options.repairs:
                return self._decision(answer, checked, risk)
            messages = asked_again(messages, faults)
        raise AssertionError("the last answer is decided on or refused")

    def score(self, observation: Observation, action_space: list[ActionSchema], action: Action) -> float:
        """The natural-log probability that the answer is `action` and nothing else, in the wording that is sent.

        `-inf` without asking when the action is not in the space, an argument is unknown, differs from a bound
        one or does not fit its schema, or (with `copy_only`) a value stands nowhere in the context.

        Raises:
            NotScored: the endpoint does not tell the log-probabilities of a prompt (vLLM does), or it is asked by
                `tools`, where only the server knows how a call is written.
            ModelUnavailable: the endpoint cannot be reached or is busy.
        """
        chosen = {k: v for k, v in action.arguments.items() if k not in observation.bound}
        kept = all(observation.bound.get(k) == v for k, v in action.arguments.items() if k in observation.bound)
        try:
            written = Written(action.name, chosen)
            found = check(written, observation, action_space, copy_only=self.options.copy_only)
        except NotOffered:
            return -math.inf
        if not kept or any(name not in found.arguments for name in chosen) or found.wrong:
            return -math.inf
        if not observation.sources:
            return -math.inf
        deadline = self.wire.deadline()
        way = self._find(deadline)
        if way == "tools":
            raise NotScored(f"{self.model_id} is asked by tools, so the text of a call is not known; use a schema.")
        free = free_space(action_space, observation.bound)
        text = json.dumps({"tool_calls": [{"name": action.name, "arguments": chosen}]}, ensure_ascii=False)
        messages = [*messages_for(observation, free, way), {"role": "assistant", "content": text}]
        return self._of_prompt(messages, text, deadline)

    # -- its parts ------------------------------------------------------------------------------------

    def _decision(self, answer: Answer, checked: Sequence[Checked], risk: float) -> Decision:
        sure = sureness(answer.spelt, answer.logprobs)
        if not checked:
            told = abstention(answer.text, answer.logprobs)
            p_null = 1.0 if told is None else told
            return Decision(kind="abstain", p_null=p_null, backend=self.backend, model_id=self.model_id)
        parts = sure or [Sureness(0.0, {})] * len(checked)
        actions = [_action(call, part) for call, part in zip(checked, parts, strict=True)]
        missing = [path for call in checked for path in call.missing]
        if not missing:
            missing = [action.name for action in actions if action.confidence < 1 - risk]
        return Decision(
            kind="ask" if missing else "act", actions=actions, missing=list(dict.fromkeys(missing)),
            p_null=min(1.0, 1 - sure[0].name) if sure else 0.0, backend=self.backend, model_id=self.model_id,
        )  # fmt: skip

    def _find(self, deadline: float) -> Way:
        """The way in use, and the model's name; both are found once and kept."""
        with self._finding:
            if self._name is None:
                self._name = self._only_model(deadline)
            if self._way is None:
                self._way = find_way(lambda body: self._ask(body, deadline))
            return self._way

    def _only_model(self, deadline: float) -> str:
        listed = self.wire.ask("/models", None, deadline).get("data")
        names = [entry.get("id") for entry in listed if isinstance(entry, Mapping)] if isinstance(listed, list) else []
        known = [name for name in names if isinstance(name, str) and name]
        if len(known) != 1:
            told = ", ".join(known[:8]) or "none"
            raise ModelError(f"{self.wire.host} lists {told} as its models; name one: ?model=NAME in the reference.")
        return known[0]

    def _ask(self, body: Mapping[str, Any], deadline: float) -> dict[str, Any]:
        """Send a body with what every request has; fields that the endpoint does not take are left out from then on."""
        whole = {"model": self._name, "temperature": 0, "stream": False, **EXTRAS, **body}
        sent = {name: value for name, value in whole.items() if name not in self._left_out}
        try:
            return self.wire.ask(CHAT, sent, deadline)
        except Declined as declined:
            plain = {name: value for name, value in sent.items() if name not in OPTIONAL}
            if declined.status not in (400, 422) or len(plain) == len(sent):
                raise
            answered = self.wire.ask(CHAT, plain, deadline)
            self._left_out = frozenset(OPTIONAL)
            return answered

    def _of_prompt(self, messages: list[Message], text: str, deadline: float) -> float:
        """Log-probability of the final message, as vLLM tells it with `prompt_logprobs`."""
        body = {
            "messages": messages, "max_tokens": 1, "prompt_logprobs": 0, "add_generation_prompt": False,
            "continue_final_message": True,
        }  # fmt: skip
        try:
            told = self._ask(body, deadline).get("prompt_logprobs")
        except Declined as declined:
            raise NotScored(f"{declined.message} Scores need an endpoint that takes prompt_logprobs.") from None
        found = _ending(told, text) if isinstance(told, list) else None
        if found is None:
            raise NotScored(f"{self.model_id} does not tell the log-probabilities of a prompt; scores need them.")
        return found


def _action(call: Checked, sure: Sureness) -> Action:
    kept = {name: value for name, value in sure.arguments.items() if name in call.arguments}
    return Action(
        name=call.name, arguments=call.arguments, confidence=sure.call, argument_confidence=kept,
        evidence=call.evidence,
    )  # fmt: skip


def _ending(told: Sequence[Any], text: str) -> float | None:
    """The sum over the tokens at the end of a prompt that spell `text`; `None` where they do not."""
    spelt: list[tuple[bytes | None, Any]] = []
    size, wanted = 0, len(text.encode())
    for entry in reversed(told):
        if size >= wanted:
            break
        token = next(iter(entry.values()), None) if isinstance(entry, Mapping) and len(entry) == 1 else None
        decoded = token.get("decoded_token") if isinstance(token, Mapping) else None
        if not isinstance(token, Mapping) or not isinstance(decoded, str):
            return None
        spelt.insert(0, (decoded.encode("utf-8", "replace"), token.get("logprob")))
        size += len(decoded.encode("utf-8", "replace"))
    tokens = joined(spelt)
    return math.fsum(tokens.log_p) if tokens is not None and tokens.text.endswith(text) else None
