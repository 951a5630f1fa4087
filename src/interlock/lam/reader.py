"""Runs the network of the embedded action model: what it says about one observation and one action space."""

from __future__ import annotations

import math
from collections.abc import Sequence
from contextlib import AbstractContextManager
from dataclasses import dataclass
from functools import cached_property

import torch
from torch import Tensor

from interlock.lam.context import Context, read_context
from interlock.lam.decoding import ParameterScores, ToolScores
from interlock.lam.encoder import Encoder
from interlock.lam.head import ActionHead, pair_up
from interlock.lam.protocol import ActionSchema, Observation
from interlock.lam.toolbox import Tool, Toolbox, with_bound

CLOSELY = 3
"""How many tools of a space are read together with the context; the others are ruled out at a first glance."""

FAR = 8.0
"""How far below the likeliest tool a first glance may put one that is still read together with the context."""

AHEAD, SURE = 2.0, 2.0
"""A tool that a first glance puts so far ahead of all others is read alone first, and they are not read at all where
its log-odds of fitting are so high."""


@dataclass(frozen=True)
class Reading:
    """Everything the network says about one observation and one action space."""

    observation: Observation
    context: Context
    glance: list[float]  # (K,) first glance at each tool
    tools: dict[int, ToolScores]  # of the tools read closely, by their place in the space

    @cached_property
    def log_p(self) -> dict[int, float]:
        """Natural-log probability of each tool read closely, if one is chosen."""
        return {k: tool.fits - self._total for k, tool in self.tools.items()}

    @property
    def log_null(self) -> float:
        """Natural-log probability that none of the tools fits."""
        return -self._total

    @cached_property
    def _total(self) -> float:
        fits = [0.0, *(tool.fits for tool in self.tools.values())]
        return max(fits) + math.log(sum(math.exp(value - max(fits)) for value in fits))


def halves() -> bool:
    """Whether this processor computes faster in bfloat16."""
    return bool(torch.cpu._is_avx512_bf16_supported() or torch.cpu._is_amx_tile_supported())


class Reader:
    """Runs encoder and head over observations and action spaces.

    Args:
        half: compute in bfloat16, which some processors do in half the time.
    """

    def __init__(self, encoder: Encoder, head: ActionHead, *, half: bool = False) -> None:
        self.encoder, self.head, self.half = encoder.eval(), head.eval(), half
        self.toolbox = Toolbox(encoder)

    def precision(self) -> AbstractContextManager[object]:
        return torch.autocast("cpu", dtype=torch.bfloat16, enabled=self.half)

    @torch.inference_mode()
    def read(
        self, observation: Observation, space: Sequence[ActionSchema], also: Sequence[int] = (), closely: int = CLOSELY
    ) -> Reading:
        """The context alone once, then together with the likeliest tools.

        Args:
            also: places of tools that are read closely in any case.
            closely: how many tools are read together with the context.
        """
        context, known = read_context(observation), self.toolbox.read(space)
        with self.precision():
            alone = self.encoder.alone(context.ids[None], None)[0].float()  # (T, WIDTH)
            glance = self.head.likeness(alone.mean(0)[None], torch.stack([states.mean(0) for _, states in known]))[0]
            ranked = sorted(range(len(known)), key=lambda k: -float(glance[k]))
            far = FAR if closely <= CLOSELY else math.inf  # of several tools, any may be meant
            likely = [k for k in ranked[:closely] if float(glance[ranked[0]] - glance[k]) <= far]
            first = likely[:1] if closely <= CLOSELY and not also and _ahead(glance, likely) else []
            scores = self._together(observation, context, alone, known, first)
            if not first or scores[first[0]].fits < SURE:
                rest = sorted({*likely, *also} - {*first})
                scores |= self._together(observation, context, alone, known, rest)
        return Reading(observation, context, glance.tolist(), dict(sorted(scores.items())))

    def _together(
        self, observation: Observation, context: Context, alone: Tensor, known: Sequence[tuple[Tool, Tensor]],
        places: Sequence[int],
    ) -> dict[int, ToolScores]:  # fmt: skip
        """What the head says about the tools at `places`, each read together with the context.

        Args:
            alone: (T, WIDTH) of the context by itself.
        """
        if not places:
            return {}
        tools = [known[k] for k in places]
        pairs = pair_up(
            [(context.ids, context.features)],
            [(tool.ids, tool.marks, with_bound(tool, observation.bound)) for tool, _ in tools],
            [(0, number) for number in range(len(tools))],
        )
        joint = self.head.joint(self.encoder, torch.cat([alone, *(states for _, states in tools)]), pairs).float()
        made = (self._scores(tool, states, len(context.ids)) for (tool, _), states in zip(tools, joint, strict=True))
        return dict(zip(places, made, strict=True))

    def _scores(self, tool: Tool, joint: Tensor, width: int) -> ToolScores:
        """What the head says about one tool.

        Args:
            joint: (L, WIDTH) of the pair, the first `width` being the context's.
        """
        head, context = self.head, joint[:width]
        places = [width + place if place >= 0 else width for place in tool.places]
        marks = joint[places] if places else joint[:0]  # (P, WIDTH)
        null, flags = head.null(marks)[:, 0].tolist(), head.flag(marks).tolist()
        starts = head.starts(marks[None], context[None])[0].tolist() if places else []
        made: list[ParameterScores] = []
        for number, (parameter, place) in enumerate(zip(tool.parameters, tool.places, strict=True)):
            if place < 0:  # beyond the row: never a value
                made.append(ParameterScores(0.0, [-math.inf] * width, [-math.inf] * len(tool.options[number])))
                continue
            options: list[float] = []
            stands = tool.options[number]
            if stands:
                row = head.options(marks[number][None], joint[[width + max(at, 0) for at in stands]][None])[0].tolist()
                options = [score if at >= 0 else -math.inf for score, at in zip(row, stands, strict=True)]
            flag = flags[number] if parameter.kind == "flag" else ()
            made.append(ParameterScores(null[number], starts[number], options, flag))

        @torch.inference_mode()
        def ends(number: int, firsts: Sequence[int]) -> list[list[float]]:
            count = len(firsts)
            if not count:
                return []
            asked = marks[number].expand(count, -1)
            scores = head.ends(asked, context.expand(count, -1, -1), torch.tensor(list(firsts)))
            rows: list[list[float]] = torch.log_softmax(scores, dim=-1).tolist()
            return rows

        return ToolScores(tool.schema, float(head.fits(joint[width])[0]), made, ends)


def _ahead(glance: Tensor, ranked: Sequence[int]) -> bool:
    """Whether a first glance puts one of several tools far ahead."""
    return len(ranked) > 1 and float(glance[ranked[0]] - glance[ranked[1]]) >= AHEAD
