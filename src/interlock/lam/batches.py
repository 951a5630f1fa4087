"""Turns generated examples into the tensors a training step needs."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

import torch
from torch import Tensor
from torch.nn import functional as F

from interlock.lam.context import FEATURES, Context
from interlock.lam.head import ActionHead, Scores
from interlock.lam.requests import Example
from interlock.lam.toolbox import Toolbox, ToolRows, tool_rows

NOTHING = -100
"""Target of a place that has none."""


@dataclass(frozen=True)
class Batch:
    """B examples over at most T tokens, K tools, P parameters."""

    ids: Tensor  # (B, T)
    mask: Tensor  # (B, T)
    features: Tensor  # (B, T, FEATURES)
    tools: ToolRows
    chosen: Tensor  # (B,) place of the right tool, K where none fits
    present: Tensor  # (B, P) 1 or 0 for the right tool's parameters, NOTHING where it is not asked
    start: Tensor  # (B, P) right first token
    end: Tensor  # (B, P) right last token


def pad_contexts(contexts: Sequence[Context]) -> tuple[Tensor, Tensor, Tensor]:
    """Ids (B, T), mask (B, T) and features (B, T, FEATURES) of contexts of different length."""
    longest = max(len(context.ids) for context in contexts)
    ids = torch.zeros(len(contexts), longest, dtype=torch.long)
    mask = torch.zeros(ids.shape, dtype=torch.bool)
    features = torch.zeros(*ids.shape, FEATURES)
    for row, context in enumerate(contexts):
        count = len(context.ids)
        ids[row, :count], mask[row, :count], features[row, :count] = context.ids, True, context.features
    return ids, mask, features


def make_batch(examples: Sequence[Example], contexts: Sequence[Context], toolbox: Toolbox) -> Batch:
    """Stack examples and their right answers."""
    ids, mask, features = pad_contexts(contexts)
    rows = tool_rows([toolbox.read(e.space) for e in examples], [e.observation.bound for e in examples])
    most, size = rows.exists.shape[2], rows.offered.shape[1]
    chosen = torch.full((len(examples),), size)
    present, start, end = (torch.full((len(examples), most), NOTHING) for _ in range(3))
    for b, (example, context) in enumerate(zip(examples, contexts, strict=True)):
        if example.kind == "abstain":
            continue
        chosen[b] = next(k for k, schema in enumerate(example.space) if schema.name == example.name)
        tool = toolbox.read(example.space)[int(chosen[b])]
        for place, parameter in enumerate(tool.parameters):
            if parameter.name in example.observation.bound:
                continue
            present[b, place] = 0
            span = example.spans.get(parameter.name)
            if span is None:
                continue
            tokens = context.tokens_of(span.source, span.start, span.end)
            if span.whole:
                tokens = (context.markers[span.source],) * 2 if span.source in context.markers else None
            if tokens is None:
                present[b, place] = NOTHING
            else:
                present[b, place], start[b, place], end[b, place] = 1, tokens[0], tokens[1]
    return Batch(ids, mask, features, rows, chosen, present, start, end)


def loss(head: ActionHead, scores: Scores, batch: Batch) -> Tensor:
    """Cross-entropy of the tool (none has log-odds 0), of presence, of span starts and ends."""
    odds = scores.tool.masked_fill(~batch.tools.offered, -1e4)
    odds = torch.cat([odds, torch.zeros_like(odds[:, :1])], dim=1)  # (B, K + 1)
    total = F.cross_entropy(odds, batch.chosen)
    right = batch.chosen.clamp(max=scores.tool.shape[1] - 1)
    rows = torch.arange(len(right))
    asked = batch.present != NOTHING
    if asked.any():
        odds = scores.present[rows, right][asked]
        total = total + F.binary_cross_entropy_with_logits(odds, batch.present[asked].float())
    pointed = batch.start != NOTHING
    if pointed.any():
        total = total + F.cross_entropy(scores.start[rows, right][pointed], batch.start[pointed])
        which, _ = pointed.nonzero(as_tuple=True)  # (N,) the example of each pointed parameter
        ends = head.ends(scores.asked[rows, right][pointed], scores.context[which], batch.start[pointed])
        ends = ends.masked_fill(~batch.mask[which], -1e4)
        total = total + F.cross_entropy(ends, batch.end[pointed])
    return total
