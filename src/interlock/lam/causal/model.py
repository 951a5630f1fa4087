"""A causal language model as an action model: it writes its calls itself, under a grammar of exactly these actions."""

from __future__ import annotations

import math
from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

from interlock.errors import ModelError
from interlock.lam.causal.copying import Copied
from interlock.lam.causal.decoding import Answer, decode, log_probability
from interlock.lam.causal.dialects import DIALECTS, Dialect, dialect_of
from interlock.lam.causal.grammar import Answers, answers
from interlock.lam.causal.leaves import Free
from interlock.lam.causal.prompts import prompt_of
from interlock.lam.causal.reference import Reference
from interlock.lam.causal.rows import Question
from interlock.lam.causal.schemas import open_arguments
from interlock.lam.causal.tokens import Tokens
from interlock.lam.causal.weights import load_weights
from interlock.lam.confidence.certificate import NOTHING
from interlock.lam.endpoint.checking import head_of
from interlock.lam.endpoint.forms import Place, Written
from interlock.lam.functions import named
from interlock.lam.invented import flat_arguments
from interlock.lam.parameters import faults, read_parameters
from interlock.lam.protocol import Action, ActionSchema, Decision, Observation
from interlock.lam.quoting import quote

Case = tuple[Observation, list[ActionSchema]]


class CausalModel:
    """`ActionModel` over a causal language model in process.

    Args:
        model: the model of transformers, in evaluation mode.
        tokens: its tokenizer.
        copy_only: whether a text or number may only be copied from the context.
        most: tokens that an answer may have.
    """

    backend = "causal"

    def __init__(
        self, model: Any, tokens: Tokens, dialect: Dialect, *, model_id: str, copy_only: bool = False, most: int = 512
    ) -> None:
        self.model, self.tokens, self.dialect = model, tokens, dialect
        self.model_id, self.copy_only, self.most = model_id, copy_only, most
        self.certificates = NOTHING
        """Nothing is certified for these weights, so nothing passes without a person on their word."""

    @classmethod
    def load(cls, reference: Reference) -> CausalModel:
        """The model of a folder.

        Raises:
            ModelError: the folder holds no usable model, or its licence is not accepted.
        """
        model, tokenizer = load_weights(reference)
        name = reference.folder.resolve().name
        template = tokenizer.chat_template if isinstance(tokenizer.chat_template, str) else ""
        dialect = DIALECTS[reference.dialect] if reference.dialect else dialect_of(name, template)
        ends = model.generation_config.eos_token_id if model.generation_config is not None else None
        found = {end for end in (ends if isinstance(ends, list) else [ends]) if end is not None}
        tokens = Tokens(tokenizer, model.config.vocab_size, found)
        copying = "+copy" if reference.copy_only else ""
        return cls(
            model, tokens, dialect, model_id=f"{name}:{dialect.name}:{reference.dtype}{copying}",
            copy_only=reference.copy_only, most=reference.max_tokens,
        )  # fmt: skip

    # -- the protocol ---------------------------------------------------------------------------------

    def decide(self, observation: Observation, action_space: list[ActionSchema], *, risk: float) -> Decision:
        """Choose calls, ask for what is missing, or abstain.

        A required argument is missing when, under `copy_only`, no value of the context fits it, or when what the
        model wrote breaks the schema.  Bound arguments are neither told to the model nor written by it.

        Args:
            risk: how wrong an `act` may be: a call whose probability is below `1 - risk` becomes `ask` (a doubtful
                argument) or `abstain` (a doubtful action).

        Raises:
            ModelError: the model gave no usable answer, or a schema cannot be followed by a grammar.
        """
        return self.decide_all([(observation, action_space)], risk=risk)[0]

    def decide_all(self, cases: Sequence[Case], *, risk: float) -> list[Decision]:
        """Decide many cases in one batch, each as `decide` would alone.

        Raises:
            ModelError: one of them got no usable answer.
        """
        asked = [place for place, (observation, space) in enumerate(cases) if space and observation.sources]
        grammars = {place: self._answers(*cases[place]) for place in asked}
        questions = [self._question(*cases[place], grammars[place]) for place in asked]
        found = dict(zip(asked, decode(self.model, self.tokens, questions, most=self.most), strict=True))
        return [
            self._decision(*case, grammars[place], found[place], risk)
            if place in found
            else Decision(kind="abstain", p_null=1.0, backend=self.backend, model_id=self.model_id)
            for place, case in enumerate(cases)
        ]

    def score(self, observation: Observation, action_space: list[ActionSchema], action: Action) -> float:
        """The natural-log probability that the answer is the one call `action`, in the tokenizer's own tokens.

        `-inf` when the action is not in the space, an argument differs from a bound one, or the grammar has no such
        call: a value of another type, an object whose members stand in another order than in its schema, or under
        `copy_only` a value that does not stand in the context.
        """
        schema = named(action_space, action.name)
        if schema is None or not observation.sources:
            return -math.inf
        properties = schema.parameters.get("properties") or {}
        for name, value in action.arguments.items():
            if name not in properties or (name in observation.bound and observation.bound[name] != value):
                return -math.inf
        # the grammar holds the arguments in the order of the schema
        free = [name for name in properties if name in action.arguments and name not in observation.bound]
        text = self.dialect.write([(action.name, {name: action.arguments[name] for name in free})])
        question = self._question(observation, action_space, self._answers(observation, action_space))
        return log_probability(self.model, self.tokens, question, text.encode())

    # -- its parts ------------------------------------------------------------------------------------

    def _answers(self, observation: Observation, space: Sequence[ActionSchema]) -> Answers:
        leaves = Copied(observation) if self.copy_only else Free()
        return answers(
            [open_arguments(action, observation.bound) for action in space], self.dialect, leaves, self.tokens.special
        )

    def _question(self, observation: Observation, space: Sequence[ActionSchema], grammars: Answers) -> Question:
        told = [open_arguments(action, observation.bound) for action in space]
        prompt = prompt_of(self.dialect, self.tokens, observation, told)
        room = getattr(self.model.config, "max_position_embeddings", None)
        if room is not None and len(prompt) + self.most > room:
            raise ModelError(
                f"the question has {len(prompt)} tokens and its answer may have {self.most}, but the model reads only "
                f"{room}; offer fewer actions, pass less text, or lower max_tokens."
            )
        return Question(prompt, grammars.everything, grammars.calls, self.dialect.nothing.encode(), self.dialect.prose)

    def _decision(
        self, observation: Observation, space: Sequence[ActionSchema], grammars: Answers, answer: Answer, risk: float
    ) -> Decision:
        abstained = Decision(kind="abstain", p_null=answer.p_null, backend=self.backend, model_id=self.model_id)
        calls = [] if answer.nothing else self.dialect.read(answer.text)
        starts = [call.name_at[0] for call in calls if call.name_at] + [len(answer.text)]
        actions, missing = list[Action](), list[str]()
        for number, call in enumerate(calls):
            schema = named(space, call.name)
            if schema is None:
                raise ModelError(f"the model called {call.name}, which is not in its action space.")
            sure = _sureness(call, (starts[number], starts[number + 1]), answer)
            action, lacks, doubted = _action(call, schema, observation, grammars.lacking[call.name], sure, risk)
            if doubted and len(calls) == 1:
                return abstained
            actions.append(action)
            missing += [name for name in lacks if name not in missing]
        if not actions:
            return abstained
        return abstained.model_copy(
            update={"kind": "ask" if missing else "act", "actions": actions, "missing": missing}
        )


@dataclass(frozen=True)
class _Sure:
    """How sure a model is of a call and its parts: products over the free tokens that wrote them."""

    whole: float
    name: float
    arguments: dict[str, float]


def _sureness(call: Written, place: Place, answer: Answer) -> _Sure:
    spans, called = _Spans(answer), 1 - answer.p_null
    arguments = {name: spans.probability(at) for name, at in call.argument_at.items()}
    return _Sure(spans.probability(place) * called, spans.probability(call.name_at or place) * called, arguments)


def _action(
    call: Written, schema: ActionSchema, observation: Observation, lacking: Sequence[str], sure: _Sure, risk: float
) -> tuple[Action, list[str], bool]:
    """A written call as an action, what it lacks, and whether the choice of the action itself is in doubt."""
    properties = schema.parameters.get("properties") or {}
    bound = {name: value for name, value in observation.bound.items() if name in properties}
    arguments = {**call.arguments, **bound}
    broken = [path for path in faults(schema, arguments) if head_of(path, properties) not in lacking]
    lacks = [*lacking, *(path or schema.name for path in broken)]
    dropped, doubted = {head_of(path, properties) for path in broken} - bound.keys(), False
    if not lacks and sure.whole < 1 - risk:
        weakest = min(sure.arguments, key=lambda name: sure.arguments[name], default=None)
        doubted = weakest is None or sure.name < sure.arguments[weakest]
        lacks = [schema.name if doubted or weakest is None else weakest]
        dropped = set() if doubted or weakest is None else {weakest}
    kept = {name: value for name, value in arguments.items() if name not in dropped}
    parameters = {parameter.name: parameter for parameter in read_parameters(schema)}
    given = {name: value for name, value in kept.items() if name not in bound}
    found = {path: quote(parameters[path], value, observation) for path, value in flat_arguments(schema, given).items()}
    action = Action(
        name=schema.name, arguments=kept, confidence=min(1.0, sure.whole),
        argument_confidence={name: sure.arguments[name] for name in kept if name in sure.arguments},
        evidence={path: evidence for path, evidence in found.items() if evidence is not None},
    )  # fmt: skip
    return action, lacks, doubted


class _Spans:
    """The tokens of an answer by the characters that they wrote."""

    def __init__(self, answer: Answer) -> None:
        written, place = b"".join(answer.pieces), 0
        self._tokens = list[tuple[int, int, float]]()
        characters = [0] * (len(written) + 1)  # of each byte, the characters that end before it
        for number, byte in enumerate(written):
            characters[number + 1] = characters[number] + ((byte & 0xC0) != 0x80)
        for piece, log_p in zip(answer.pieces, answer.log_p, strict=True):
            self._tokens.append((characters[place], characters[place + len(piece)], log_p))
            place += len(piece)

    def probability(self, place: Place) -> float:
        """Product over the free tokens that wrote these characters, or a part of them."""
        start, end = place
        return math.exp(min(0.0, sum(p for first, last, p in self._tokens if first < end and last > start)))
