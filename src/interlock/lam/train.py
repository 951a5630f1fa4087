"""Trains the embedded action model on generated requests; stops and goes on with the same result.

Example number i is a function of the seed and i, so the state of a run is: how many batches are done,
the trained tensors, the optimiser and the random generator.  All of it is in the checkpoint.
"""

from __future__ import annotations

import random
import time
from collections.abc import Callable, Iterator
from dataclasses import asdict, dataclass, field, fields, is_dataclass, replace
from pathlib import Path
from typing import Any, TypeVar

import torch
from torch.utils.data import DataLoader, IterableDataset

from interlock.errors import ModelError
from interlock.lam.batches import Batch, chosen_tools, loss, make_batch, read_tools, states_of
from interlock.lam.context import Context, read_context
from interlock.lam.encoder import Encoder
from interlock.lam.examples import Example
from interlock.lam.generator.mixture import Mixture
from interlock.lam.head import ActionHead
from interlock.lam.vocabulary import any_words
from interlock.lam.weights import Shape, load, put_tensors, save, trained_tensors

T = TypeVar("T")

CHECKPOINT = "checkpoint.pt"
_MASK = 103
CHUNK = 12
"""Batches that are drawn together and sorted by length, so that little is padding."""


@dataclass(frozen=True)
class Plan:
    """What a run trains, and how."""

    seed: int = 1
    examples: int = 120_000
    batch: int = 32
    head_rate: float = 6e-4
    encoder_rate: float = 1.5e-4
    warmup: float = 0.03
    mask: float = 0.03
    """Share of words outside the values that are hidden, so that no single verb decides."""
    wrong: float = 0.7
    """How often a wrong tool of an example is read beside the right ones."""
    precision: str = "float32"
    """`float32`, or `bfloat16` where the processor multiplies it faster."""
    data: str | None = None
    """Folder of the public training sets; without it, only what the package itself can write."""
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


class Batches(IterableDataset[Batch]):
    """The batches of a plan from number `done` on, the same whoever reads them."""

    def __init__(self, plan: Plan, done: int = 0) -> None:
        self.plan, self.done = plan, done

    def __iter__(self) -> Iterator[Batch]:
        plan, done = self.plan, self.done
        mixture = Mixture(plan.seed, Path(plan.data) if plan.data else None, any_words())
        for chunk in range(done // CHUNK, (plan.batches + CHUNK - 1) // CHUNK):
            size = CHUNK * plan.batch
            chance = random.Random(plan.seed * 1_000_003 + chunk)
            rows = []
            for index in range(chunk * size, (chunk + 1) * size):
                example = mixture.example(index)
                context = masked(read_context(example.observation), example, plan.mask, chance)
                rows.append((example, context, read_tools(chosen_tools(example, plan.wrong, chance))))
            rows.sort(key=lambda row: len(row[1].ids) + max(len(tool.ids) for tool in row[2]))
            groups = [rows[first : first + plan.batch] for first in range(0, size, plan.batch)]
            chance.shuffle(groups)
            for place, group in enumerate(groups):
                if done <= chunk * CHUNK + place < plan.batches:
                    examples, contexts, tools = (list(part) for part in zip(*group, strict=True))
                    yield make_batch(examples, contexts, tools)


def masked(context: Context, example: Example, share: float, chance: random.Random) -> Context:
    """`context` with some word pieces of the request outside its values replaced by `[MASK]`."""
    if example.kind == "abstain" or share <= 0:
        return context
    spans = [span for call in example.calls for span in call.spans.values() if span.source == "request"]
    ids = context.ids.clone()
    for place, source in enumerate(context.source):
        inside = any(span.start < context.ends[place] and context.starts[place] < span.end for span in spans)
        if source == "request" and not inside and chance.random() < share:
            ids[place] = _MASK
    return replace(context, ids=ids)


def moved(value: T, device: torch.device) -> T:
    """A batch with all its tensors on a device."""
    if isinstance(value, torch.Tensor):
        return value.to(device)  # type: ignore[return-value]
    if is_dataclass(value) and not isinstance(value, type):
        return type(value)(**{f.name: moved(getattr(value, f.name), device) for f in fields(value)})
    return value


def rate(plan: Plan, step: int) -> float:
    """Share of the full learning rate at a step: a linear rise, then a linear fall to a hundredth."""
    rise = max(1, int(plan.batches * plan.warmup))
    return min((step + 1) / rise, max(0.01, (plan.batches - step) / max(1, plan.batches - rise)))


@dataclass
class _Run:
    """What a training changes."""

    encoder: Encoder
    head: ActionHead
    optimiser: torch.optim.Optimizer
    done: int = 0
    seconds: float = 0.0

    def keep(self, path: Path, plan: Plan) -> None:
        state = {"plan": repr(plan), "done": self.done, "seconds": self.seconds,
                 "tensors": trained_tensors(self.encoder, self.head), "optimiser": self.optimiser.state_dict(),
                 "random": torch.get_rng_state()}  # fmt: skip
        torch.save(state, path.with_suffix(".part"))
        path.with_suffix(".part").replace(path)

    def restore(self, path: Path, plan: Plan) -> None:
        if not path.is_file():
            raise ModelError(f"There is no checkpoint {path} to resume; train without --resume.")
        state = torch.load(path, weights_only=True)
        if state["plan"] != repr(plan):
            raise ModelError(
                f"The checkpoint {path} belongs to another plan; give the same seed, number of examples and data."
            )
        put_tensors(self.encoder, self.head, state["tensors"])
        self.optimiser.load_state_dict(state["optimiser"])
        torch.set_rng_state(state["random"].cpu())
        self.done, self.seconds = int(state["done"]), float(state["seconds"])


def step(run: _Run, plan: Plan, batch: Batch, device: torch.device) -> float:
    """One step of the optimiser; returns the loss."""
    for group in run.optimiser.param_groups:
        group["lr"] = group["full"] * rate(plan, run.done)
    half = plan.precision == "bfloat16"
    with torch.autocast(device.type, dtype=torch.bfloat16, enabled=half):
        states, contexts, tools = states_of(run.encoder, batch)
        joint = run.head.joint(run.encoder, states, batch.pairs)
        value = torch.stack(list(loss(run.head, joint, (contexts, tools), batch).values())).sum()
    run.optimiser.zero_grad()
    value.backward()  # type: ignore[no-untyped-call]
    torch.nn.utils.clip_grad_norm_([p for g in run.optimiser.param_groups for p in g["params"]], 1.0)
    run.optimiser.step()
    return float(value.detach())


def begin(plan: Plan, encoder: Encoder, head: ActionHead, device: torch.device) -> _Run:
    """A run that has done nothing yet, in training mode on `device`."""
    encoder.to(device).train()
    head.to(device).train()
    tuned = [p for p in encoder.parameters() if p.requires_grad]
    optimiser = torch.optim.AdamW(
        [{"params": tuned, "lr": plan.encoder_rate, "full": plan.encoder_rate},
         {"params": list(head.parameters()), "lr": plan.head_rate, "full": plan.head_rate}], weight_decay=0.01,
    )  # fmt: skip
    return _Run(encoder, head, optimiser)


def train(
    folder: Path, plan: Plan, *, start: Path | None = None, resume: bool = False, progress: Progress | None = None,
    stop_after: int | None = None, device: str = "cpu",
) -> dict[str, Any] | None:  # fmt: skip
    """Train a model and save it into `folder`.

    Args:
        start: folder of a trained model to begin with instead of an untrained head.
        resume: go on from the folder's checkpoint.
        stop_after: leave off after so many batches, with a checkpoint, as a killed run would.
        device: where torch computes, `cpu` or `cuda`.

    Returns:
        The saved metadata, or `None` when the run was left off.

    Raises:
        ModelError: there is no checkpoint to resume, or it belongs to another plan.
    """
    torch.manual_seed(plan.seed)
    encoder, head, begun_with = *plan.shape.build(), None
    if start is not None:
        encoder, head, earlier = load(start)
        encoder.train_lower(plan.shape.lower)
        begun_with = {"model_id": earlier["model_id"], "trained": earlier["trained"]}
    place = torch.device(device)
    run = begin(plan, encoder, head, place)
    folder.mkdir(parents=True, exist_ok=True)
    if resume:
        run.restore(folder / CHECKPOINT, plan)
    loader = DataLoader(
        Batches(plan, run.done), batch_size=None, num_workers=1, prefetch_factor=8, generator=torch.Generator()
    )
    begun = time.monotonic() - run.seconds
    for batch in loader:
        value = step(run, plan, moved(batch, place), place)
        run.done, run.seconds = run.done + 1, time.monotonic() - begun
        if progress:
            progress(run.done, plan.batches, value)
        left_off = stop_after is not None and run.done >= stop_after
        if run.done % plan.save_every == 0 or left_off:
            run.keep(folder / CHECKPOINT, plan)
        if left_off and run.done < plan.batches:
            return None
    figures = {
        **asdict(plan), "examples": plan.batches * plan.batch, "data": plan.data is not None, "device": place.type,
        "training_seconds": round(run.seconds), "begun_with": begun_with,
    }  # fmt: skip
    document = save(folder, encoder.cpu(), head.cpu(), plan.shape, {"trained": figures, "licence": "Apache-2.0"})
    (folder / CHECKPOINT).unlink(missing_ok=True)
    return document
