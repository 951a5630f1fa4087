"""The trained head: reads a context and one tool together, and says how well they fit and where the arguments stand.

A tool is a row of tokens with a mark for each parameter and option, so the upper layers of the encoder compare
its words with those of the context.  Nothing here knows a tool by name: any list of JSON-Schema functions is
read the same way.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

import torch
from torch import Tensor, nn
from torch.nn import functional as F

from interlock.lam.context import FEATURES
from interlock.lam.encoder import WIDTH, Encoder
from interlock.lam.toolbox import FLAGS, MARKS

SUMMARY = 128
"""Width of what contexts and tools are compared by before any is read closely."""
_PLAIN = 1012
"""Word pieces below this number are marks, signs and letters, which are the same in unrelated texts."""


@dataclass(frozen=True, eq=False)
class Pairs:
    """N pairs of a context and a tool, each one row of at most L tokens: the context, then the tool."""

    gather: Tensor  # (N, L) place of each token's state among all states, the last one being nothing
    mask: Tensor  # (N, L)
    ids: Tensor  # (N, L) word pieces
    side: Tensor  # (N, L) 0 context, 1 tool
    features: Tensor  # (N, L, FEATURES) of the mentions, on the context's side
    marks: Tensor  # (N, L)
    flags: Tensor  # (N, L, FLAGS)


def pair_up(
    contexts: Sequence[tuple[Tensor, Tensor]], tools: Sequence[tuple[Tensor, Tensor, Tensor]],
    pairs: Sequence[tuple[int, int]],
) -> Pairs:  # fmt: skip
    """Lay out pairs whose states come from `states_of` over the same contexts and tools.

    Args:
        contexts: ids (T,) and features (T, FEATURES) of each.
        tools: ids (S,), marks (S,) and flags (S, FLAGS) of each.
        pairs: which context goes with which tool.
    """
    before_context = [0]
    for ids, _ in contexts:
        before_context.append(before_context[-1] + len(ids))
    before_tool = [before_context[-1]]
    for ids, _, _ in tools:
        before_tool.append(before_tool[-1] + len(ids))
    longest = max(len(contexts[c][0]) + len(tools[t][0]) for c, t in pairs)
    shape = (len(pairs), longest)
    gather = torch.full(shape, before_tool[-1])
    mask, ids = torch.zeros(shape, dtype=torch.bool), torch.zeros(shape, dtype=torch.long)
    side, marks = torch.zeros(shape, dtype=torch.long), torch.zeros(shape, dtype=torch.long)
    features, flags = torch.zeros(*shape, FEATURES), torch.zeros(*shape, FLAGS)
    for row, (c, t) in enumerate(pairs):
        first, second = len(contexts[c][0]), len(tools[t][0])
        last = first + second
        gather[row, :first] = torch.arange(before_context[c], before_context[c] + first)
        gather[row, first:last] = torch.arange(before_tool[t], before_tool[t] + second)
        mask[row, :last], side[row, first:last] = True, 1
        ids[row, :first], features[row, :first] = contexts[c]
        ids[row, first:last], marks[row, first:last], flags[row, first:last] = tools[t]
    return Pairs(gather, mask, ids, side, features, marks, flags)


def same_words(pairs: Pairs) -> Tensor:
    """(N, L) 1 where a word piece also stands on the other side of its pair, else 0."""
    plain = pairs.mask & (pairs.ids >= _PLAIN)
    equal = pairs.ids[:, :, None] == pairs.ids[:, None, :]
    across = pairs.side[:, :, None] != pairs.side[:, None, :]
    return ((equal & across & plain[:, None, :]).any(2) & plain).float()


class ActionHead(nn.Module):
    """Tool choice, argument pointers and options.

    Args:
        width: width D of queries and keys.
    """

    def __init__(self, width: int = 256, dropout: float = 0.1) -> None:
        super().__init__()
        self.side, self.mark = nn.Embedding(2, WIDTH), nn.Embedding(1 + MARKS, WIDTH, padding_idx=0)
        self.features, self.flags = nn.Linear(FEATURES, WIDTH, bias=False), nn.Linear(FLAGS, WIDTH, bias=False)
        self.same = nn.Parameter(torch.zeros(WIDTH))
        for part in (self.side, self.mark, self.features, self.flags):
            nn.init.normal_(part.weight, std=0.02)
        self.drop = nn.Dropout(dropout)
        self.fits = nn.Sequential(nn.Linear(WIDTH, width), nn.GELU(), nn.Dropout(dropout), nn.Linear(width, 1))
        self.null = nn.Sequential(nn.Linear(WIDTH, width), nn.GELU(), nn.Linear(width, 1))
        self.flag = nn.Sequential(nn.Linear(WIDTH, width), nn.GELU(), nn.Linear(width, 2))
        self.start_query, self.end_query = nn.Linear(WIDTH, width), nn.Linear(WIDTH, width)
        self.start_key, self.end_key = nn.Linear(WIDTH, width), nn.Linear(WIDTH, width)
        self.end_given = nn.Linear(WIDTH, width, bias=False)
        nn.init.zeros_(self.end_given.weight)
        self.option_query, self.option_key = nn.Linear(WIDTH, width), nn.Linear(WIDTH, width)
        self.option_alone = nn.Linear(WIDTH, 1)
        self.summary_context, self.summary_tool = nn.Linear(WIDTH, SUMMARY), nn.Linear(WIDTH, SUMMARY)

    def side_by_side(self, states: Tensor, pairs: Pairs) -> Tensor:
        """What the joint layers read (N, L, WIDTH); `states` (M, WIDTH) are those of contexts and tools alone."""
        x = torch.cat([states, torch.zeros_like(states[:1])])[pairs.gather]
        x = x + self.side(pairs.side) + self.mark(pairs.marks) + self.features(pairs.features)
        made: Tensor = x + self.flags(pairs.flags) + same_words(pairs)[..., None] * self.same
        return made

    def joint(self, encoder: Encoder, states: Tensor, pairs: Pairs) -> Tensor:
        """States (N, L, WIDTH) of pairs read together; `states` (M, WIDTH) are those of contexts and tools alone."""
        joint: Tensor = self.drop(encoder.together(self.side_by_side(states, pairs), pairs.mask))
        return joint

    def starts(self, marks: Tensor, context: Tensor) -> Tensor:
        """Where arguments begin: `marks` (N, P, WIDTH), `context` (N, T, WIDTH), scores (N, P, T)."""
        query, key = self.start_query(marks), self.start_key(context)
        scores: Tensor = torch.einsum("npd,ntd->npt", query, key) * key.shape[-1] ** -0.5
        return scores

    def ends(self, marks: Tensor, context: Tensor, begins: Tensor) -> Tensor:
        """Where spans end, given where they begin.

        Args:
            marks: (N, WIDTH) of the parameters.
            context: (N, T, WIDTH)
            begins: (N,) first tokens.

        Returns:
            (N, T) scores of last tokens, padding included.
        """
        first = context[torch.arange(len(begins)), begins]  # (N, WIDTH)
        query, key = self.end_query(marks) + self.end_given(first), self.end_key(context)
        scores: Tensor = torch.einsum("nd,ntd->nt", query, key) * key.shape[-1] ** -0.5
        return scores

    def options(self, marks: Tensor, options: Tensor) -> Tensor:
        """How well options fit: `marks` (N, WIDTH) of their parameters, `options` (N, O, WIDTH), scores (N, O)."""
        query, key = self.option_query(marks), self.option_key(options)
        alone: Tensor = self.option_alone(options)[..., 0]
        scores: Tensor = alone + torch.einsum("nd,nod->no", query, key) * key.shape[-1] ** -0.5
        return scores

    def likeness(self, contexts: Tensor, tools: Tensor) -> Tensor:
        """First glance at C contexts and K tools by their mean states (·, WIDTH): (C, K) scores."""
        first = F.normalize(self.summary_context(contexts), dim=-1)
        made: Tensor = 16.0 * first @ F.normalize(self.summary_tool(tools), dim=-1).T
        return made
