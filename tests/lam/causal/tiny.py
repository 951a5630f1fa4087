"""Tiny causal models with tokenizers of their own: no weights and no vocabulary of anybody else."""

from __future__ import annotations

import json
from collections.abc import Iterable
from pathlib import Path
from typing import Any

import torch
from tokenizers import Tokenizer, decoders, models, pre_tokenizers, trainers
from transformers import LlamaConfig, LlamaForCausalLM, PreTrainedTokenizerFast, Qwen2Config, Qwen2ForCausalLM

from interlock.lam.protocol import ActionSchema

END, PAD, TURN = "<|end|>", "<|pad|>", "<|turn|>"

TOOLS_TEMPLATE = (
    "{% if tools %}<|turn|>tools\n{% for tool in tools %}{{ tool.function | tojson }}\n{% endfor %}<|end|>\n{% endif %}"
    "{% for message in messages %}<|turn|>{{ message.role }}\n{{ message.content }}<|end|>\n{% endfor %}"
    "{% if add_generation_prompt %}<|turn|>assistant\n{% endif %}"
)
"""A chat template of the usual shape."""
HERMES_TEMPLATE = TOOLS_TEMPLATE.replace("tools\n", "tools, to be called between <tool_call> and </tool_call>\n", 1)


def make_tokenizer(texts: Iterable[str], *, template: str | None = None, size: int = 700) -> Any:
    """A byte-level BPE tokenizer trained on `texts`."""
    made = Tokenizer(models.BPE())
    made.pre_tokenizer = pre_tokenizers.ByteLevel(add_prefix_space=False)
    made.decoder = decoders.ByteLevel()
    trainer = trainers.BpeTrainer(
        vocab_size=size, special_tokens=[PAD, END, TURN], initial_alphabet=pre_tokenizers.ByteLevel.alphabet(),
        show_progress=False,
    )  # fmt: skip
    made.train_from_iterator(texts, trainer)
    made.add_tokens(["<tool_call>", "</tool_call>"])  # as Qwen's tokenizers have them: one token, and not special
    tokenizer = PreTrainedTokenizerFast(tokenizer_object=made, eos_token=END, pad_token=PAD)
    tokenizer.chat_template = template
    return tokenizer


def make_model(kind: str, vocabulary: int, seed: int, *, width: int = 64, layers: int = 2) -> Any:
    """A randomly initialised model of the architecture `llama` or `qwen2`; large weights make it choose."""
    torch.manual_seed(seed)
    shape = {
        "vocab_size": vocabulary, "hidden_size": width, "intermediate_size": 2 * width, "num_hidden_layers": layers,
        "num_attention_heads": 4, "num_key_value_heads": 2, "max_position_embeddings": 8192, "initializer_range": 0.3,
        "bos_token_id": None, "eos_token_id": 1, "pad_token_id": 0, "tie_word_embeddings": kind == "qwen2",
    }  # fmt: skip
    model = LlamaForCausalLM(LlamaConfig(**shape)) if kind == "llama" else Qwen2ForCausalLM(Qwen2Config(**shape))
    return model.eval()


def words_of(space: Iterable[ActionSchema]) -> list[str]:
    """Texts that name what an answer to this space is made of."""
    return [json.dumps([{"name": a.name, "arguments": dict.fromkeys(a.parameters["properties"], "x")}]) for a in space]


def save(folder: Path, model: Any, tokenizer: Any) -> Path:
    """Write a folder as `from_pretrained` reads it."""
    model.save_pretrained(folder)
    tokenizer.save_pretrained(folder)
    return folder
