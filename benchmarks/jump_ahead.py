"""What jump-ahead saves a causal model: `python -m benchmarks.jump_ahead --json`.

A randomly initialised Llama of about 17 million parameters answers requests under the grammar of the shipped actions,
once with forced tokens sharing a pass and once with each token masked in a pass of its own.  Both write the same
tokens, which is checked.  The tokenizer is trained on the documentation, so it knows English and JSON, not the answers.
CPU time is that of this process on one thread, in all and without the pass that reads the prompt, which both need.
"""

from __future__ import annotations

import argparse
import json
import statistics
import sys
import time
from collections.abc import Sequence
from dataclasses import replace
from pathlib import Path
from typing import Any

import torch
from tokenizers import Tokenizer, decoders, models, pre_tokenizers, trainers
from transformers import LlamaConfig, LlamaForCausalLM, PreTrainedTokenizerFast

from interlock.lam.causal.decoding import Answer, decode
from interlock.lam.causal.dialects import DIALECTS
from interlock.lam.causal.model import CausalModel
from interlock.lam.causal.tokens import Tokens
from interlock.lam.functions import shipped_space
from interlock.lam.protocol import Observation
from interlock.lam.train import use_threads

ROOT = Path(__file__).parents[1]
SIZE = 8192
"""Tokens of the vocabulary."""
REQUESTS = (
    "Pay 12.50 EUR to Anna Smith for invoice 77.",
    "Send a note to bob@example.org that the roof is done.",
    "Put the dentist on my calendar for tomorrow at 3pm, 45 minutes.",
    "Refund 30 USD of payment P-2201.",
    "Show me order 4711.",
    "What is the balance of the savings account?",
    "Cancel the review with Carl on Friday.",
    "Find my drafts about the garden.",
)


class Timed:
    """A model that tells how much CPU time its first pass took."""

    def __init__(self, model: Any) -> None:
        self.model, self.config = model, model.config
        self.passes, self.first = 0, 0.0

    def __call__(self, **given: Any) -> Any:
        begun = time.process_time()
        out = self.model(**given)
        self.first = time.process_time() - begun if self.passes == 0 else self.first
        self.passes += 1
        return out


def make_model() -> CausalModel:
    """The model, always the same one."""
    made = Tokenizer(models.BPE())
    made.pre_tokenizer = pre_tokenizers.ByteLevel(add_prefix_space=False)
    made.decoder = decoders.ByteLevel()
    trainer = trainers.BpeTrainer(
        vocab_size=SIZE, special_tokens=["<|pad|>", "<|end|>"], show_progress=False,
        initial_alphabet=pre_tokenizers.ByteLevel.alphabet(),
    )  # fmt: skip
    pages = sorted((ROOT / "docs").glob("*.md"))
    made.train_from_iterator((page.read_text(encoding="utf-8") for page in pages), trainer)
    tokenizer = PreTrainedTokenizerFast(tokenizer_object=made, eos_token="<|end|>", pad_token="<|pad|>")
    torch.manual_seed(1)
    config = LlamaConfig(
        vocab_size=SIZE, hidden_size=384, intermediate_size=1024, num_hidden_layers=6, num_attention_heads=6,
        num_key_value_heads=6, max_position_embeddings=4096, initializer_range=0.1, bos_token_id=None, eos_token_id=1,
    )  # fmt: skip
    model = LlamaForCausalLM(config).eval()
    return CausalModel(
        Timed(model), Tokens(tokenizer, SIZE, [1]), DIALECTS["xlam-1"], model_id="random", copy_only=True
    )


def answer(model: CausalModel, text: str, *, skip: bool) -> tuple[Answer, float, float]:
    """One answer, its CPU seconds, and those of them after the prompt was read."""
    timed, space = model.model, shipped_space()[:4]
    seen = Observation(sources={"request": text}, today="2026-03-04")
    timed.passes = 0
    begun = time.process_time()
    question = model._question(seen, space, model._answers(seen, space))
    question = replace(question, everything=question.calls)  # random weights cannot tell when to call nothing
    found = decode(timed, model.tokens, [question], most=512, skip=skip)[0]
    taken = time.process_time() - begun
    return found, taken, taken - timed.first


def measure(repeats: int = 3) -> dict[str, Any]:
    """Passes, tokens and CPU milliseconds of both ways."""
    use_threads(1)
    model = make_model()
    totals: dict[str, list[float]] = {name: [] for name in ("tokens", "skip", "mask", "skip_after", "mask_after")}
    passes = {True: 0, False: 0}
    for text in REQUESTS:
        rounds = [(answer(model, text, skip=True), answer(model, text, skip=False)) for _ in range(repeats)]
        skipped, masked = rounds[0][0][0], rounds[0][1][0]
        assert skipped.tokens == masked.tokens, "jump-ahead has changed the answer"
        totals["tokens"].append(len(skipped.tokens))
        passes = {True: passes[True] + skipped.passes, False: passes[False] + masked.passes}
        for name, way in (("skip", 0), ("mask", 1)):
            totals[name].append(min(taken[way][1] for taken in rounds))
            totals[f"{name}_after"].append(min(taken[way][2] for taken in rounds))
    parameters = sum(weight.numel() for weight in model.model.model.parameters())
    return {
        "parameters": parameters,
        "requests": len(totals["tokens"]),
        "tokens_each": statistics.mean(totals["tokens"]),
        "passes": {"jump_ahead": passes[True], "masked": passes[False]},
        "passes_ratio": round(passes[True] / passes[False], 3),
        "cpu_ms_each": {
            "jump_ahead": round(1000 * statistics.mean(totals["skip"]), 1),
            "masked": round(1000 * statistics.mean(totals["mask"]), 1),
        },
        "cpu_ms_each_after_prompt": {
            "jump_ahead": round(1000 * statistics.mean(totals["skip_after"]), 1),
            "masked": round(1000 * statistics.mean(totals["mask_after"]), 1),
        },
        "times_less_cpu": round(sum(totals["mask"]) / sum(totals["skip"]), 2),
        "times_less_cpu_after_prompt": round(sum(totals["mask_after"]) / sum(totals["skip_after"]), 2),
    }


def main(arguments: Sequence[str] | None = None) -> None:
    """Measure, and print."""
    parser = argparse.ArgumentParser(prog="python -m benchmarks.jump_ahead", description=__doc__)
    parser.add_argument("--repeats", type=int, default=3, help="how often each is timed; the fastest counts")
    parser.add_argument("--json", action="store_true", help="print one JSON object")
    chosen = parser.parse_args(arguments)
    figures = measure(chosen.repeats)
    print(json.dumps(figures) if chosen.json else "\n".join(f"{name}: {value}" for name, value in figures.items()))


if __name__ == "__main__":
    sys.exit(main())
