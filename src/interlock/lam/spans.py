"""The embedded action model: chooses a tool or none, and points to each argument in the context."""

from __future__ import annotations

import math
from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

import torch
from torch import Tensor

from interlock.lam.assignment import assign
from interlock.lam.candidates import Candidate, option_of, read_value, typed_candidates
from interlock.lam.confidence import UNCALIBRATED, Calibration, Signals
from interlock.lam.context import Context, read_context
from interlock.lam.encoder import Encoder
from interlock.lam.head import ActionHead
from interlock.lam.mentions import CURRENCIES, find_mentions
from interlock.lam.parameters import Parameter, faults
from interlock.lam.phrases import phrase, without_stop
from interlock.lam.protocol import Action, ActionSchema, Decision, Observation
from interlock.lam.toolbox import Tool, Toolbox, tool_rows

POINTERS = 8
"""How many starts and ends of a free text are combined."""


@dataclass(frozen=True)
class Reading:
    """Everything the model computes about one observation and one action space."""

    observation: Observation
    context: Context
    tools: list[Tool]
    log_p: list[float]  # (K + 1,) of each tool and, last, of none
    odds: list[float]  # (K,)
    present: Tensor  # (K, P)
    start: Tensor  # (K, P, T)
    asked: Tensor  # (K, P, D)
    states: Tensor  # (T, D)


@dataclass(frozen=True)
class Filled:
    """Arguments found for one tool."""

    arguments: dict[str, Any]
    chosen: dict[str, Candidate]
    confidence: dict[str, float]
    missing: list[str]

    @property
    def weakest(self) -> float:
        return min(self.confidence.values(), default=1.0)


class SpanModel:
    """`ActionModel` in process: no network, no key, a value only from a span of the context.

    Args:
        threads: CPU threads for a decision; torch's own setting when `None`.
    """

    backend = "spans"

    def __init__(
        self, encoder: Encoder, head: ActionHead, *, model_id: str, calibration: Calibration = UNCALIBRATED,
        thresholds: dict[str, float | None] | None = None, threads: int | None = None,
    ) -> None:  # fmt: skip
        self.encoder, self.head = encoder.eval(), head.eval()
        self.toolbox = Toolbox(encoder)
        self.model_id, self.calibration = model_id, calibration
        self.thresholds = thresholds or {}
        """Act-threshold of each risk class as calibrated; `None` where a person must always be asked."""
        if threads is not None:
            torch.set_num_threads(threads)

    # -- the protocol ---------------------------------------------------------------------------------

    def decide(self, observation: Observation, action_space: list[ActionSchema], *, risk: float) -> Decision:
        """Choose one call, ask for what is missing, or abstain.

        Bound arguments of the chosen action are part of its `arguments`, without evidence.

        Args:
            risk: how wrong an `act` may be: a call whose calibrated probability of being right is below
                `1 - risk` becomes `ask` (a doubtful argument) or `abstain` (a doubtful tool).
        """
        if not action_space or not observation.sources:
            return Decision(kind="abstain", p_null=1.0, backend=self.backend, model_id=self.model_id)
        reading = self.read(observation, action_space)
        p_null = min(1.0, math.exp(reading.log_p[-1]))
        place = max(range(len(reading.tools)), key=lambda k: reading.log_p[k])
        abstained = Decision(kind="abstain", p_null=p_null, backend=self.backend, model_id=self.model_id)
        if reading.log_p[place] <= reading.log_p[-1]:
            return abstained
        tool, filled = reading.tools[place], self.fill(reading, place)
        signals = self.signals(reading, place, filled)
        confidence = self.calibration.probability(signals)
        kind, dropped, missing = "act", set[str](), list(filled.missing)
        broken = [name for name in faults(tool.schema, filled.arguments) if name not in missing]
        if missing or broken:
            kind, dropped, missing = "ask", {name for name in broken if name not in observation.bound}, missing + broken
        elif confidence < 1 - risk:
            if not filled.confidence or signals.probability < filled.weakest:
                return abstained
            weakest = min(filled.confidence, key=lambda name: filled.confidence[name])
            kind, dropped, missing = "ask", {weakest}, [weakest]
        action = Action(
            name=tool.schema.name,
            arguments={name: value for name, value in filled.arguments.items() if name not in dropped},
            confidence=confidence,
            argument_confidence={name: value for name, value in filled.confidence.items() if name not in dropped},
            evidence={n: c.evidence(observation.sources) for n, c in filled.chosen.items() if n not in dropped},
        )
        return Decision(
            kind="act" if kind == "act" else "ask", actions=[action],
            missing=[name or tool.schema.name for name in missing],
            p_null=p_null, backend=self.backend, model_id=self.model_id,
        )  # fmt: skip

    def score(self, observation: Observation, action_space: list[ActionSchema], action: Action) -> float:
        """Natural-log probability of `action`: its tool, each argument's presence and span, and each absence.

        `-inf` when the action is not in the space, an argument is unknown or differs from a bound one, or
        a value is no span of the context under a named rule.
        """
        names = [schema.name for schema in action_space]
        if action.name not in names or not observation.sources:
            return -math.inf
        reading = self.read(observation, action_space)
        place = names.index(action.name)
        tool, total = reading.tools[place], reading.log_p[place]
        known = {parameter.name for parameter in tool.parameters}
        for name, value in action.arguments.items():
            if name not in known or (name in observation.bound and observation.bound[name] != value):
                return -math.inf
        for number, parameter in enumerate(tool.parameters):
            if parameter.name in observation.bound:
                continue
            odds = float(reading.present[place, number])
            if parameter.name not in action.arguments:
                total += _log_sigmoid(-odds)
                continue
            value = action.arguments[parameter.name]
            scored = self._offers(reading, place, number, parameter, value)
            ways = [log_p for candidate, log_p in scored if candidate.value == value]
            if not ways:
                return -math.inf
            total += _log_sigmoid(odds) + min(0.0, _log_sum(ways))
        return total

    # -- its parts ------------------------------------------------------------------------------------

    @torch.inference_mode()
    def read(self, observation: Observation, action_space: Sequence[ActionSchema]) -> Reading:
        """Run encoder and head once over the observation and all tools."""
        context, tools = read_context(observation), self.toolbox.read(action_space)
        rows = tool_rows([tools], [observation.bound])
        mask = torch.ones(1, len(context.ids), dtype=torch.bool)
        states = self.encoder(context.ids[None], mask)  # (1, T, D)
        scores = self.head(
            states, context.features[None], mask, rows.tools, rows.parameters, rows.kinds, rows.flags, rows.exists
        )
        odds = scores.tool[0]  # (K,)
        log_p = torch.log_softmax(torch.cat([odds, torch.zeros(1)]), dim=0)
        return Reading(
            observation,
            context,
            tools,
            log_p.tolist(),
            odds.tolist(),
            scores.present[0],
            scores.start[0],
            scores.asked[0],
            scores.context[0],
        )

    def signals(self, reading: Reading, place: int, filled: Filled) -> Signals:
        """What the calibrator sees of a call."""
        others = [odds for k, odds in enumerate(reading.odds) if k != place] + [0.0]
        return Signals(
            reading.odds[place] - max(others),
            math.exp(reading.log_p[place]),
            filled.weakest,
            len(reading.tools),
            len(filled.chosen),
        )

    def fill(self, reading: Reading, place: int) -> Filled:
        """Arguments of tool number `place`: one span each at most, none overlapping."""
        observation, tool = reading.observation, reading.tools[place]
        free = [(n, p) for n, p in enumerate(tool.parameters) if p.name not in observation.bound]
        offers: list[list[tuple[Candidate, float]]] = []
        for number, parameter in free:
            odds = float(reading.present[place, number])
            scored = self._offers(reading, place, number, parameter)
            offers.append([(candidate, odds + log_p) for candidate, log_p in scored])
        picked = [taken[0] if taken else None for taken in assign(offers)]
        chosen: dict[str, Candidate] = {}
        confidence: dict[str, float] = {}
        for (number, parameter), offer, choice in zip(free, offers, picked, strict=True):
            if choice is not None:
                candidate, gain = offer[choice]
                odds = float(reading.present[place, number])
                chosen[parameter.name] = candidate
                confidence[parameter.name] = min(1.0, math.exp(_log_sigmoid(odds) + gain - odds))
        names = {parameter.name for parameter in tool.parameters}
        arguments = {name: candidate.value for name, candidate in chosen.items()}
        arguments |= {name: value for name, value in observation.bound.items() if name in names}
        missing = [p.name for p in tool.parameters if p.required and p.name not in arguments]
        missing += [name for name in _unread_currency(tool, chosen, arguments, observation) if name not in missing]
        return Filled(arguments, chosen, confidence, missing)

    def _offers(
        self, reading: Reading, place: int, number: int, parameter: Parameter, value: Any = None
    ) -> list[tuple[Candidate, float]]:
        """Candidates of a parameter with the log-probability of their span.

        Args:
            value: a value that must be among them if it is a text of the context.
        """
        context, today = reading.context, reading.observation.today
        start = reading.start[place, number]
        if parameter.kind == "text" or (parameter.kind == "list" and parameter.item and parameter.item.kind == "text"):
            return self._pointed(reading, place, number, parameter, value)
        spans: list[tuple[Candidate, int, int]] = []
        for candidate in typed_candidates(parameter, context.sources, today):
            tokens = context.tokens_of(candidate.source, candidate.start, candidate.end)
            if tokens:
                spans.append((candidate, *tokens))
            marker = context.markers.get(candidate.source)
            whole = (candidate.source, candidate.start, candidate.end)
            if marker is not None and context.characters_of(marker, marker) == whole:
                spans.append((candidate, marker, marker))
        ends = self._ends(reading, place, number, {first for _, first, _ in spans})
        best: dict[Candidate, float] = {}
        for candidate, first, last in spans:
            logit = float(start[first]) + ends[first][last]
            best[candidate] = max(logit, best.get(candidate, -math.inf))
        total = _log_sum(list(best.values()))
        return [(candidate, logit - total) for candidate, logit in best.items()]

    @torch.inference_mode()
    def _ends(
        self, reading: Reading, place: int, number: int, begins: set[int], only: Tensor | None = None
    ) -> dict[int, list[float]]:
        """Log-probability of each last token for each first token; `only` (T,) says which may be last."""
        firsts = sorted(begins)
        if not firsts:
            return {}
        count = len(firsts)
        asked = reading.asked[place, number].expand(count, -1)
        scores = self.head.ends(asked, reading.states.expand(count, -1, -1), torch.tensor(firsts))  # (N, T)
        if only is not None:
            scores = scores.masked_fill(~only, -1e4)
        return dict(zip(firsts, torch.log_softmax(scores, dim=-1).tolist(), strict=True))

    def _pointed(
        self, reading: Reading, place: int, number: int, parameter: Parameter, value: Any
    ) -> list[tuple[Candidate, float]]:
        """Free spans by their ends: the likeliest, and those that read as `value`."""
        context, today = reading.context, reading.observation.today
        start = reading.start[place, number].masked_fill(~context.first, -1e4)
        begins: list[float] = torch.log_softmax(start, dim=0).tolist()
        count = min(POINTERS, len(begins))
        quotes = _quotations(context)
        pairs = {(first, last) for _, _, _, first, last in quotes}
        if isinstance(value, str):
            for source, text in context.sources.items():
                at = text.find(value) if value else -1
                while at >= 0:
                    tokens = context.tokens_of(source, at, at + len(value))
                    pairs |= {tokens} if tokens else set()
                    at = text.find(value, at + 1)
            pairs |= {(marker, marker) for marker in context.markers.values()}
        likely = sorted(range(len(begins)), key=lambda place: -begins[place])[:count]
        ends = self._ends(reading, place, number, {*likely, *(first for first, _ in pairs)}, context.last)
        for first in likely:
            after = range(first, len(begins))
            pairs |= {(first, last) for last in sorted(after, key=lambda t: -ends[first][t])[:count]}
        best: dict[tuple[str, int, int], tuple[Candidate, float]] = {}
        for first, last in sorted(pairs):
            span = context.characters_of(first, last)
            if span is None:
                continue
            source, left, right = span
            right = without_stop(context.sources[source], left, right)
            left, right = phrase(context.sources[source], left, right)
            span = source, left, right
            if not _keeps_quotes(span, quotes):
                continue
            found = read_value(parameter, context.sources[source][left:right], today)
            whole = any(span == quote[:3] for quote in quotes)
            # a quotation ends where its mark says, wherever inside it the pointer would rather stop
            log_p = begins[first] + (max(ends[first][first : last + 1]) if whole else ends[first][last])
            if found is not None and (span not in best or best[span][1] < log_p):
                best[span] = (Candidate(source, left, right, *found), log_p)
        return list(best.values())


Quotation = tuple[str, int, int, int, int]
"""Source, first character, character after the last, first token, last token."""


def _quotations(context: Context) -> list[Quotation]:
    found: list[Quotation] = []
    for source, text in context.sources.items():
        for mention in find_mentions(text) if len(text) < 4000 else ():
            tokens = context.tokens_of(source, mention.start, mention.end) if mention.kind == "quoted" else None
            if tokens:
                found.append((source, mention.start, mention.end, *tokens))
    return found


def _keeps_quotes(span: tuple[str, int, int], quotes: Sequence[Quotation]) -> bool:
    """Whether a span takes quotations whole: it neither cuts one nor is the beginning of one."""
    source, left, right = span
    for name, start, end, _, _ in quotes:
        inside = start <= left < end, start < right <= end
        if name == source and (inside[0] != inside[1] or (left == start and right < end)):
            return False
    return True


def _unread_currency(
    tool: Tool, chosen: dict[str, Candidate], arguments: dict[str, Any], observation: Observation
) -> list[str]:
    """Currency parameters left to their default although another currency stands beside the amount."""
    found = []
    for parameter in tool.parameters:
        if (
            parameter.kind != "option"
            or parameter.name in arguments
            or not set(map(str, parameter.options)) & set(CURRENCIES)
        ):
            continue
        for candidate in chosen.values():
            text = observation.sources[candidate.source]
            for mention in find_mentions(text):
                near = (
                    mention.end <= candidate.start <= mention.end + 1
                    or candidate.end <= mention.start <= candidate.end + 1
                )
                word = text[mention.start : mention.end]
                if (
                    mention.kind == "currency"
                    and near
                    and option_of(word, parameter.options) is None
                    and parameter.name not in found
                ):
                    found.append(parameter.name)
    return found


def _log_sigmoid(x: float) -> float:
    return -math.log1p(math.exp(-x)) if x > -30 else x


def _log_sum(values: Sequence[float]) -> float:
    if not values:
        return -math.inf
    top = max(values)
    return top + math.log(sum(math.exp(value - top) for value in values))
