"""Trains the embedded action model on generated requests; stops and goes on with the same result.

Example number i is a function of the seed and i, so the state of a run is: how many batches are done,
the trained tensors, the optimiser and the random generator.  All of it is in the checkpoint.
"""

from __future__ import annotations

import random
import re
import time
from collections.abc import Callable, Iterator
from dataclasses import dataclass, field, replace
from functools import lru_cache
from pathlib import Path
from typing import Any

import torch

from interlock.errors import ModelError
from interlock.lam.batches import Batch, loss, make_batch
from interlock.lam.candidates import option_of
from interlock.lam.context import Context, read_context
from interlock.lam.encoder import Encoder, tokenizer
from interlock.lam.functions import shipped_space
from interlock.lam.head import ActionHead
from interlock.lam.mentions import find_mentions
from interlock.lam.protocol import ActionSchema
from interlock.lam.requests import Example, Generator
from interlock.lam.toolbox import Toolbox
from interlock.lam.weights import Shape, load, put_tensors, save, trained_tensors
from interlock.lam.wordings.lexicon import read_lexicon

CHECKPOINT = "checkpoint.pt"
_MASK = 103
CHUNK = 8
"""Batches that are drawn together and sorted by length, so that little is padding."""


@dataclass(frozen=True)
class Plan:
    """What a run trains, and how."""

    seed: int = 1
    examples: int = 25_600
    batch: int = 32
    head_rate: float = 1e-3
    encoder_rate: float = 6e-4
    warmup: float = 0.04
    mask: float = 0.06
    """Share of words outside the values that are hidden, so that no single verb decides."""
    tools: int = 5
    """How many tools most requests are shown with."""
    save_every: int = 200
    """Batches between checkpoints."""
    shape: Shape = field(default_factory=Shape)

    @property
    def batches(self) -> int:
        return max(1, self.examples // self.batch)


def use_threads(count: int) -> None:
    """Let torch use `count` CPU threads; another count rounds otherwise, so it is part of a training's recipe."""
    torch.set_num_threads(count)


Progress = Callable[[int, int, float], None]
"""Called after each batch with (batches done, batches in all, its loss)."""


def batches(plan: Plan, space: list[ActionSchema], toolbox: Toolbox, done: int = 0) -> Iterator[Batch]:
    """Batches from number `done` on."""
    generator = Generator(read_lexicon("training"), space, plan.seed, any_words())
    for chunk in range(done // CHUNK, (plan.batches + CHUNK - 1) // CHUNK):
        size = CHUNK * plan.batch
        chance = random.Random(plan.seed * 1_000_003 + chunk)
        pairs = [
            (example, masked(read_context(example.observation), example, plan.mask, chance))
            for example in generator.examples(chunk * size, size)
        ]
        pairs.sort(key=lambda pair: len(pair[1].ids))
        groups = [pairs[first : first + plan.batch] for first in range(0, size, plan.batch)]
        chance.shuffle(groups)
        for place, group in enumerate(groups):
            # a batch is as wide as its widest example, so a whole batch is narrowed or none of it
            most = len(space) if chance.random() < 0.1 else plan.tools
            group = [(narrowed(example, most, chance), context) for example, context in group]
            if done <= chunk * CHUNK + place < plan.batches:
                yield make_batch([e for e, _ in group], [c for _, c in group], toolbox)


@lru_cache(maxsize=1)
def any_words() -> tuple[str, ...]:
    """Whole words of the encoder's vocabulary that are no mention and no option of the shipped actions.

    The words of the held-out names and texts are left out, so that measuring meets none of them here.
    """
    measured = {
        word
        for pool in read_lexicon("heldout").pools.values()
        for word in re.findall(r"[a-z]+", " ".join(pool).lower())
    }
    known = sorted(tokenizer().get_vocab().items(), key=lambda pair: pair[1])
    plain = [
        word for word, place in known if place > 1995 and word.isascii() and word.isalpha() and 3 <= len(word) <= 11
    ]
    kinds = ("customer", "order", "invoice", "EUR", "USD", "GBP", "CHF")
    return tuple(
        word for word in plain if word not in measured and not find_mentions(word) and option_of(word, kinds) is None
    )


def narrowed(example: Example, most: int, chance: random.Random) -> Example:
    """`example` with at most `most` tools: fewer tools a request is more requests an hour."""
    if len(example.space) <= most:
        return example
    kept = chance.sample(example.space, most)
    if example.name is not None and all(schema.name != example.name for schema in kept):
        kept[0] = next(schema for schema in example.space if schema.name == example.name)
    return replace(example, space=tuple(kept))


def masked(context: Context, example: Example, share: float, chance: random.Random) -> Context:
    """`context` with some word pieces of the request outside its values replaced by `[MASK]`."""
    if example.kind == "abstain" or share <= 0:
        return context
    ids, spans = context.ids.clone(), [span for span in example.spans.values() if span.source == "request"]
    for place, source in enumerate(context.source):
        inside = any(span.start < context.ends[place] and context.starts[place] < span.end for span in spans)
        if source == "request" and not inside and chance.random() < share:
            ids[place] = _MASK
    return replace(context, ids=ids)


def rate(plan: Plan, step: int) -> float:
    """Share of the full learning rate at a step: a linear rise, then a linear fall to a fiftieth."""
    rise = max(1, int(plan.batches * plan.warmup))
    return min((step + 1) / rise, max(0.02, (plan.batches - step) / max(1, plan.batches - rise)))


def train(
    folder: Path,
    plan: Plan,
    *,
    start: Path | None = None,
    resume: bool = False,
    progress: Progress | None = None,
    stop_after: int | None = None,
) -> dict[str, Any] | None:
    """Train a model and save it into `folder`.

    Args:
        start: folder of a trained model to begin with instead of an untrained head.
        resume: go on from the folder's checkpoint.
        stop_after: leave off after so many batches, with a checkpoint, as a killed run would.

    Returns:
        The saved metadata, or `None` when the run was left off.

    Raises:
        ModelError: there is no checkpoint to resume, or it belongs to another plan.
    """
    torch.manual_seed(plan.seed)
    encoder, head, begun_with = *plan.shape.build(), None
    if start is not None:
        encoder, head, earlier = load(start)
        begun_with = {"model_id": earlier["model_id"], "trained": earlier["trained"]}
    encoder.train()
    head.train()
    space = shipped_space()
    toolbox = Toolbox(encoder)
    toolbox.read(space)  # all at once: encoded in other company, the last bits of a vector differ
    tuned = [p for p in encoder.parameters() if p.requires_grad]
    optimiser = torch.optim.AdamW(
        [{"params": tuned, "lr": plan.encoder_rate, "full": plan.encoder_rate},
         {"params": list(head.parameters()), "lr": plan.head_rate, "full": plan.head_rate}], weight_decay=0.01,
    )  # fmt: skip
    folder.mkdir(parents=True, exist_ok=True)
    done, seconds = 0, 0.0
    if resume:
        done, seconds = _restore(folder / CHECKPOINT, plan, encoder, head, optimiser)
    begun = time.monotonic()
    for batch in batches(plan, space, toolbox, done):
        for group in optimiser.param_groups:
            group["lr"] = group["full"] * rate(plan, done)
        states = encoder(batch.ids, batch.mask)
        rows = batch.tools
        scores = head(
            states, batch.features, batch.mask, rows.tools, rows.parameters, rows.kinds, rows.flags, rows.exists
        )
        value = loss(head, scores, batch)
        optimiser.zero_grad()
        value.backward()  # type: ignore[no-untyped-call]
        torch.nn.utils.clip_grad_norm_([*tuned, *head.parameters()], 1.0)
        optimiser.step()
        done += 1
        if progress:
            progress(done, plan.batches, float(value.detach()))
        left_off = stop_after is not None and done >= stop_after
        if done % plan.save_every == 0 or left_off:
            _keep(folder / CHECKPOINT, plan, encoder, head, optimiser, done, seconds + time.monotonic() - begun)
        if left_off and done < plan.batches:
            return None
    figures = {
        "seed": plan.seed,
        "examples": plan.batches * plan.batch,
        "batch": plan.batch,
        "rates": [plan.encoder_rate, plan.head_rate],
        "training_seconds": round(seconds + time.monotonic() - begun),
        "begun_with": begun_with,
        "space": sorted(s.name for s in space),
    }
    document = save(folder, encoder, head, plan.shape, {"trained": figures, "licence": "Apache-2.0"})
    (folder / CHECKPOINT).unlink(missing_ok=True)
    return document


def _keep(
    path: Path,
    plan: Plan,
    encoder: Encoder,
    head: ActionHead,
    optimiser: torch.optim.Optimizer,
    done: int,
    seconds: float,
) -> None:
    state = {"plan": repr(plan), "done": done, "seconds": seconds, "tensors": trained_tensors(encoder, head),
             "optimiser": optimiser.state_dict(), "random": torch.get_rng_state()}  # fmt: skip
    torch.save(state, path.with_suffix(".part"))
    path.with_suffix(".part").replace(path)


def _restore(
    path: Path, plan: Plan, encoder: Encoder, head: ActionHead, optimiser: torch.optim.Optimizer
) -> tuple[int, float]:
    if not path.is_file():
        raise ModelError(f"There is no checkpoint {path} to resume; train without --resume.")
    state = torch.load(path, weights_only=True)
    if state["plan"] != repr(plan):
        raise ModelError(f"The checkpoint {path} belongs to another plan; give the same seed and number of examples.")
    put_tensors(encoder, head, state["tensors"])
    optimiser.load_state_dict(state["optimiser"])
    torch.set_rng_state(state["random"])
    return int(state["done"]), float(state["seconds"])
