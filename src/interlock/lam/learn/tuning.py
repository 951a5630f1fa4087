"""A short fine-tuning of the last joint layer, from lessons and base data.

What the layer makes of base data stays near what it made of it before (learning without forgetting, Li and Hoiem 2016,
by states instead of answers), so that only what lessons are about changes.  What comes out is mixed with what it began
with, as far as base data that neither saw demands: tensors between two fine-tuned points keep more of the old skill at
little loss of the new (Wortsman et al. 2022, "Robust fine-tuning").
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import torch
from torch import Tensor
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
    head_rate: float = 3e-4
    encoder_rate: float = 6e-5

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

BEFORE = ("side", "mark", "features", "flags", "same")
"""Parts of the head that are added before the joint layers: they stay, so that nothing below the last layer changes."""

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
    encoder.train()
    head.train()
    before = [p for name, p in head.named_parameters() if name.split(".")[0] in BEFORE]
    kept = [*before, *(p for layer in encoder.joint[:-1] for p in layer.parameters())]
    _learning(kept, False)
    upper, own = list(encoder.joint[-1].parameters()), [p for p in head.parameters() if p.requires_grad]
    optimiser = torch.optim.AdamW(
        [{"params": upper, "lr": plan.encoder_rate, "full": plan.encoder_rate},
         {"params": own, "lr": plan.head_rate, "full": plan.head_rate}], weight_decay=0.01,
    )  # fmt: skip
    begun = [parameter.detach().clone() for parameter in (*upper, *own)]
    steps = plan.steps_for(len(lessons))
    for done, drawn in enumerate(draw(lessons, base_examples(plan.seed), steps, (plan.lessons, plan.batch), plan.seed)):
        for group in optimiser.param_groups:
            group["lr"] = group["full"] * min(1.0, (done + 1) / 8) * max(0.05, 1 - done / steps)
        optimiser.zero_grad()
        value = _loss(encoder, head, drawn)
        value.backward()  # type: ignore[no-untyped-call]
        torch.nn.utils.clip_grad_norm_([*upper, *own], 1.0)
        optimiser.step()
        if progress:
            progress(done + 1, steps)
    _learning(kept, True)  # what needs no gradient is not saved
    share = _mixed([*upper, *own], begun, encoder.eval(), head.eval(), plan)
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
        return sum(float(_loss(encoder, head, one)) for one in drawn)

    allowed = KEPT * loss_at(0.0)
    return next((share for share in SHARES if loss_at(share) <= allowed), SHARES[-1])


def _learning(parameters: Sequence[Tensor], flag: bool) -> None:
    for parameter in parameters:
        parameter.requires_grad_(flag)


def _loss(encoder: Encoder, head: ActionHead, drawn: Drawn) -> Tensor:
    """The training loss, and that a replaced place stays below the threshold of its argument."""
    batch = drawn.batch
    states, contexts, tools = states_of(encoder, batch)
    joint = head.joint(encoder, states, batch.pairs)
    parts = list(loss(head, joint, (contexts, tools), batch).values())
    if drawn.rows:
        rows, tokens = torch.tensor(drawn.rows), torch.tensor(drawn.tokens)
        pair = batch.pointed.pair[rows]
        marks = joint[pair, batch.pointed.mark[rows]]  # (R, WIDTH)
        scores = head.starts(marks[:, None], joint[pair])[:, 0]  # (R, L)
        parts.append(F.softplus(scores[torch.arange(len(rows)), tokens] - head.null(marks)[:, 0]).mean())
    return torch.stack(parts).sum()
