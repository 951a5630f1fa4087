"""Tiny models that have learnt a few answers by heart, with tokenizers of their own: no weights of anybody else."""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path
from typing import Any

import torch
from tokenizers import Tokenizer, decoders, models, pre_tokenizers, trainers
from torch.nn import functional as F
from transformers import LlamaConfig, LlamaForCausalLM, PreTrainedTokenizerFast, Qwen2Config, Qwen2ForCausalLM

PAD, START, END = "<|endoftext|>", "<|im_start|>", "<|im_end|>"
TEMPLATE = (
    "{% for message in messages %}<|im_start|>{{ message.role }}\n{{ message.content }}"
    "{% if loop.first and tools %}\nTools:{% for tool in tools %}\n{{ tool.function | tojson }}{% endfor %}{% endif %}"
    "<|im_end|>\n{% endfor %}{% if add_generation_prompt %}<|im_start|>assistant\n{% endif %}"
)

Lesson = tuple[list[dict[str, Any]], list[dict[str, Any]], str]
"""Messages, tools, and the answer to give."""


def make_tokenizer(texts: Sequence[str]) -> Any:
    """A byte-level BPE tokenizer trained on `texts`, with the chat template of Qwen's shape."""
    made = Tokenizer(models.BPE())
    made.pre_tokenizer = pre_tokenizers.ByteLevel(add_prefix_space=False)
    made.decoder = decoders.ByteLevel()
    trainer = trainers.BpeTrainer(
        vocab_size=800, special_tokens=[PAD, START, END], initial_alphabet=pre_tokenizers.ByteLevel.alphabet(),
        show_progress=False,
    )  # fmt: skip
    made.train_from_iterator(texts, trainer)
    tokenizer = PreTrainedTokenizerFast(tokenizer_object=made, eos_token=END, pad_token=PAD)
    tokenizer.chat_template = TEMPLATE
    return tokenizer


def make_model(kind: str, tokenizer: Any, seed: int = 0) -> Any:
    """A random model of the architecture `llama` or `qwen2`."""
    torch.manual_seed(seed)
    shape = {
        "vocab_size": len(tokenizer), "hidden_size": 64, "intermediate_size": 128, "num_hidden_layers": 2,
        "num_attention_heads": 4, "num_key_value_heads": 2, "max_position_embeddings": 4096, "bos_token_id": None,
        "eos_token_id": tokenizer.eos_token_id, "pad_token_id": tokenizer.pad_token_id,
    }  # fmt: skip
    model = LlamaForCausalLM(LlamaConfig(**shape)) if kind == "llama" else Qwen2ForCausalLM(Qwen2Config(**shape))
    return model.eval()


def learn(model: Any, tokenizer: Any, lessons: Sequence[Lesson], most: int = 400) -> int:
    """Train until each answer is what greedy decoding gives; how many steps that took."""
    rows = []
    for messages, tools, answer in lessons:
        asked = tokenizer.apply_chat_template(messages, tools=tools, add_generation_prompt=True, tokenize=False)
        rows.append((tokenizer.encode(asked), tokenizer.encode(answer + END)))
    width = max(len(asked) + len(answer) for asked, answer in rows)
    ids = torch.full((len(rows), width), tokenizer.pad_token_id)
    wanted = torch.full((len(rows), width), -100)
    for row, (asked, answer) in enumerate(rows):
        ids[row, : len(asked) + len(answer)] = torch.tensor(asked + answer)
        wanted[row, len(asked) - 1 : len(asked) + len(answer) - 1] = torch.tensor(answer)
    optimiser = torch.optim.AdamW(model.parameters(), lr=3e-3)
    model.train()
    for step in range(1, most + 1):
        logits = model(input_ids=ids).logits
        asked_for = wanted != -100
        loss = F.cross_entropy(logits[asked_for], wanted[asked_for])
        if loss < 0.02 and bool((logits.argmax(-1)[asked_for] == wanted[asked_for]).all()):
            model.eval()
            return step
        optimiser.zero_grad()
        loss.backward()  # type: ignore[no-untyped-call]
        optimiser.step()
    raise AssertionError(f"the lessons were not learnt in {most} steps: loss {loss:.3f}")


def save(folder: Path, model: Any, tokenizer: Any) -> Path:
    """Write a folder as `from_pretrained` reads it."""
    model.save_pretrained(folder)
    tokenizer.save_pretrained(folder)
    return folder
