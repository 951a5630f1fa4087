"""A short fine-tuning of the last joint layer, from lessons and base data.

What the layer makes of base data stays near what it made of it before (learning without forgetting, Li and Hoiem 2016,
by states instead of answers), so that only what lessons are about changes.  What comes out is mixed with what it began
with, as far as base data that neither saw demands: tensors between two fine-tuned points keep more of the old skill at
little loss of the new (Wortsman et al. 2022, "Robust fine-tuning").
"""

from __future__ import annotations

import copy
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import torch
from torch import Tensor, nn
from torch.nn import functional as F

from interlock.lam.batches import loss, states_of
from interlock.lam.encoder import Encoder
from interlock.lam.head import ActionHead
from interlock.lam.learn.drawing import Drawn, base_examples, draw
from interlock.lam.learn.lessons import Lesson
from interlock.lam.weights import Shape, load, save


@dataclass(frozen=True)
class Tuning:
    """How a candidate is made."""

    seed: int = 1
    steps: int | None = None
    """Batches; by the number of lessons when `None`."""
    batch: int = 16
    passes: int = 16
    """How often each lesson is seen, when `steps` says nothing."""
    rate: float = 1e-3
    """Full learning rate of the layer."""
    hold: float = 300.0
    """Weight of how far states of base data may move, as mean squares, beside the loss."""

    @property
    def lessons(self) -> int:
        """Lessons in a batch at most: three eighths, so that well over half is base data."""
        return max(1, self.batch * 3 // 8)

    def steps_for(self, lessons: int) -> int:
        """Between 60 and 160 batches: a minute or two on a CPU."""
        share = max(1, min(self.lessons, lessons))
        return self.steps or max(60, min(160, -(-self.passes * lessons // share)))


SHARES = (1.0, 0.75, 0.5, 0.35)
"""How much of the way from the parent to the trained tensors a candidate goes; the first that keeps the base."""
KEPT = 1.005
"""How much of its parent's loss on base data a candidate may have."""
CHECKED = 24
"""Batches of base data, drawn for nothing else, on which that is measured."""
CHECK_SEED = 500
"""Added to the seed of the base data for them."""

Progress = Callable[[int, int], None]
"""Called after each step with (steps done, steps in all)."""


def tune(
    base: Path, folder: Path, lessons: Sequence[Lesson], plan: Tuning, metadata: dict[str, Any],
    progress: Progress | None = None,
) -> dict[str, Any]:  # fmt: skip
    """Train the model of `base` further and save the candidate into `folder`.

    The same base, lessons and plan give the same candidate on the same number of threads.

    Args:
        metadata: what the candidate's `model.json` says beside its shape and digest.

    Returns:
        The saved metadata.

    Raises:
        ModelError: `base` holds no intact model.
    """
    encoder, head, known = load(base)
    torch.manual_seed(plan.seed)
    encoder.eval()
    head.train()
    layer = encoder.joint[-1]
    parent = copy.deepcopy(layer).requires_grad_(False)
    tuned = list(layer.parameters())
    kept = [p for p in (*encoder.joint.parameters(), *head.parameters()) if all(p is not other for other in tuned)]
    _learning(kept, False)
    optimiser = torch.optim.AdamW(tuned, lr=plan.rate, weight_decay=0.0)
    begun = [parameter.detach().clone() for parameter in tuned]
    steps = plan.steps_for(len(lessons))
    for done, drawn in enumerate(draw(lessons, base_examples(plan.seed), steps, (plan.lessons, plan.batch), plan.seed)):
        for group in optimiser.param_groups:
            group["lr"] = plan.rate * min(1.0, (done + 1) / 8) * max(0.05, 1 - done / steps)
        optimiser.zero_grad()
        value, moved = _loss(encoder, head, drawn, parent)
        (value + plan.hold * moved).backward()  # type: ignore[no-untyped-call]
        torch.nn.utils.clip_grad_norm_(tuned, 1.0)
        optimiser.step()
        if progress:
            progress(done + 1, steps)
    _learning(kept, True)  # what needs no gradient is not saved
    share = _mixed(tuned, begun, encoder, head.eval(), plan)
    metadata = {**metadata, "learnt": {**metadata.get("learnt", {}), "share": share}}
    return save(folder, encoder, head, Shape(**known["shape"]), metadata)


@torch.no_grad()
def _mixed(
    parameters: Sequence[Tensor], begun: Sequence[Tensor], encoder: Encoder, head: ActionHead, plan: Tuning
) -> float:
    """Set tensors between where they began and where they are; returns how much of the way they go."""
    drawn = list(draw((), base_examples(plan.seed + CHECK_SEED), CHECKED, (0, plan.batch), plan.seed))
    ended = [parameter.clone() for parameter in parameters]

    def loss_at(share: float) -> float:
        for parameter, first, last in zip(parameters, begun, ended, strict=True):
            parameter.copy_(first.lerp(last, share))
        return sum(float(_loss(encoder, head, one, None)[0]) for one in drawn)

    allowed = KEPT * loss_at(0.0)
    return next((share for share in SHARES if loss_at(share) <= allowed), SHARES[-1])


def _learning(parameters: Sequence[Tensor], flag: bool) -> None:
    for parameter in parameters:
        parameter.requires_grad_(flag)


def _loss(encoder: Encoder, head: ActionHead, drawn: Drawn, parent: nn.Module | None) -> tuple[Tensor, Tensor]:
    """The training loss, and how far the states of base data are from what the parent's layer makes of them.

    A replaced place is to stay below the threshold of its argument.

    Args:
        parent: the last joint layer as it was; without it, the distance is 0.
    """
    batch, pairs = drawn.batch, drawn.batch.pairs
    last = encoder.joint[-1]
    with torch.no_grad():
        states, contexts, tools = states_of(encoder, batch)
        x = head.side_by_side(states, pairs)
        for layer in encoder.joint[:-1]:
            x = layer(x, pairs.mask)
    after: Tensor = last(x, pairs.mask)
    joint = head.drop(after)
    parts = list(loss(head, joint, (contexts, tools), batch).values())
    if drawn.rows:
        rows, tokens = torch.tensor(drawn.rows), torch.tensor(drawn.tokens)
        pair = batch.pointed.pair[rows]
        marks = joint[pair, batch.pointed.mark[rows]]  # (R, WIDTH)
        scores = head.starts(marks[:, None], joint[pair])[:, 0]  # (R, L)
        parts.append(F.softplus(scores[torch.arange(len(rows)), tokens] - head.null(marks)[:, 0]).mean())
    moved = torch.zeros(())
    if parent is not None and drawn.base:
        with torch.no_grad():
            before = parent(x, pairs.mask)
        of_base = batch.context_of >= len(batch.contexts) - drawn.base  # the lessons come first
        moved = ((after - before) ** 2).mean(-1)[pairs.mask & of_base[:, None]].mean()
    return torch.stack(parts).sum(), moved
