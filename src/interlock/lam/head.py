"""The trained head: looks at a context once for each tool, and says how well it fits and where its arguments stand.

Each tool is a handful of queries, one for the tool and one for each parameter, made from its name and
description.  They attend to each other and to the context (as object queries do in Carion et al. 2020).
Nothing here knows a tool by name: any list of JSON-Schema functions is read the same way.
"""

from __future__ import annotations

from dataclasses import dataclass

import torch
from torch import Tensor, nn
from torch.nn import functional as F

from interlock.lam.context import FEATURES
from interlock.lam.encoder import WIDTH
from interlock.lam.parameters import KINDS

FLAGS = 2
"""Facts about a parameter besides its kind: required, bound."""


@dataclass(frozen=True)
class Scores:
    """What the head says about K tools with up to P parameters over T tokens."""

    tool: Tensor  # (B, K) log-odds of the tool against none
    present: Tensor  # (B, K, P) log-odds that the parameter has a value in the context
    start: Tensor  # (B, K, P, T) where it begins
    asked: Tensor  # (B, K, P, D) what each parameter looks for, for `ActionHead.ends`
    context: Tensor  # (B, T, D) the context it looks at


class Attention(nn.Module):
    """Multi-head attention from `x` to `y`."""

    def __init__(self, width: int, heads: int) -> None:
        super().__init__()
        self.heads = heads
        self.query, self.pair, self.out = nn.Linear(width, width), nn.Linear(width, 2 * width), nn.Linear(width, width)

    def forward(self, x: Tensor, y: Tensor, mask: Tensor) -> Tensor:
        """`x` (B, Q, D), `y` (B, S, D), `mask` (B, S) true where `y` has something."""
        q = self.query(x).unflatten(-1, (self.heads, -1)).transpose(1, 2)
        k, v = self.pair(y).unflatten(-1, (2, self.heads, -1)).unbind(2)
        mixed = F.scaled_dot_product_attention(
            q, k.transpose(1, 2), v.transpose(1, 2), attn_mask=mask[:, None, None, :]
        )
        out: Tensor = self.out(mixed.transpose(1, 2).flatten(2))
        return out


class Block(nn.Module):
    """Queries of one tool among themselves, then against the context, then each alone."""

    def __init__(self, width: int, heads: int, dropout: float) -> None:
        super().__init__()
        self.among, self.against = Attention(width, heads), Attention(width, heads)
        self.alone = nn.Sequential(nn.Linear(width, 2 * width), nn.GELU(), nn.Linear(2 * width, width))
        self.norms = nn.ModuleList(nn.LayerNorm(width) for _ in range(3))
        self.drop = nn.Dropout(dropout)

    def forward(self, x: Tensor, exists: Tensor, context: Tensor, mask: Tensor) -> Tensor:
        """`x` (B, K, Q, D), `exists` (B, K, Q), `context` (B, T, D), `mask` (B, T)."""
        batch, tools, queries, width = x.shape
        flat = self.norms[0](x).view(batch * tools, queries, width)
        x = x + self.drop(self.among(flat, flat, exists.reshape(batch * tools, queries))).view_as(x)
        flat = self.norms[1](x).view(batch, tools * queries, width)
        x = x + self.drop(self.against(flat, context, mask)).view_as(x)
        y: Tensor = x + self.drop(self.alone(self.norms[2](x)))
        return y


class ActionHead(nn.Module):
    """Tool choice, argument presence and argument pointers.

    Args:
        width: width D of the queries.
        blocks: how often the queries look at the context.
    """

    def __init__(self, width: int = 256, blocks: int = 2, heads: int = 4, dropout: float = 0.1) -> None:
        super().__init__()
        self.read = nn.Linear(WIDTH, width)
        self.features = nn.Linear(FEATURES, width, bias=False)
        self.read_norm = nn.LayerNorm(width)
        self.tool, self.parameter = nn.Linear(WIDTH, width), nn.Linear(WIDTH, width)
        self.of_tool = nn.Linear(WIDTH, width, bias=False)
        self.kind = nn.Embedding(len(KINDS), width)
        self.flag = nn.Linear(FLAGS, width, bias=False)
        self.blocks = nn.ModuleList(Block(width, heads, dropout) for _ in range(blocks))
        self.norm = nn.LayerNorm(width)
        self.fits = nn.Sequential(nn.Linear(width, width), nn.GELU(), nn.Dropout(dropout), nn.Linear(width, 1))
        self.present = nn.Sequential(nn.Linear(width, width), nn.GELU(), nn.Linear(width, 1))
        self.start_query, self.end_query = nn.Linear(width, width), nn.Linear(width, width)
        self.start_key, self.end_key = nn.Linear(width, width), nn.Linear(width, width)
        self.end_given = nn.Linear(width, width, bias=False)
        nn.init.zeros_(self.end_given.weight)
        self.drop = nn.Dropout(dropout)

    def forward(self, states: Tensor, features: Tensor, mask: Tensor, tools: Tensor, parameters: Tensor, kinds: Tensor,
                flags: Tensor, exists: Tensor) -> Scores:  # fmt: skip
        """Scores of tools over contexts.

        Args:
            states: (B, T, WIDTH) of the encoder.
            features: (B, T, FEATURES) of the mentions.
            mask: (B, T) true where there is a token.
            tools: (B, K, WIDTH) sentence vectors of the tools.
            parameters: (B, K, P, WIDTH) sentence vectors of their parameters.
            kinds: (B, K, P) place of each parameter's kind in `KINDS`.
            flags: (B, K, P, FLAGS)
            exists: (B, K, P) true where the tool has such a parameter.
        """
        context = self.drop(self.read_norm(self.read(states) + self.features(features)))  # (B, T, D)
        of_tool = self.of_tool(tools)[:, :, None]  # (B, K, 1, D)
        asked = self.parameter(parameters) + of_tool + self.kind(kinds) + self.flag(flags)
        x = torch.cat([self.tool(tools)[:, :, None], asked], dim=2)  # (B, K, 1 + P, D)
        there = torch.cat([torch.ones_like(exists[..., :1]), exists], dim=2)
        for block in self.blocks:
            x = block(x, there, context, mask)
        x = self.norm(x)
        asked, scale = x[:, :, 1:], x.shape[-1] ** -0.5
        hidden = torch.zeros(mask.shape).masked_fill(~mask, -1e4)[:, None, None]  # (B, 1, 1, T)
        start = torch.einsum("bkpd,btd->bkpt", self.start_query(asked), self.start_key(context)) * scale + hidden
        return Scores(self.fits(x[:, :, 0])[..., 0], self.present(asked)[..., 0], start, asked, context)

    def ends(self, asked: Tensor, context: Tensor, begins: Tensor) -> Tensor:
        """Where spans end, given where they begin.

        Args:
            asked: (N, D) of `Scores.asked`.
            context: (N, T, D) of `Scores.context`.
            begins: (N,) first tokens.

        Returns:
            (N, T) scores of last tokens, padding included.
        """
        first = context[torch.arange(len(begins)), begins]  # (N, D)
        query = self.end_query(asked) + self.end_given(first)
        scores: Tensor = torch.einsum("nd,ntd->nt", query, self.end_key(context)) * asked.shape[-1] ** -0.5
        return scores
