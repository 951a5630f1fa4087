"""Tools as the head reads them: sentence vectors of names and descriptions, encoded once and kept."""

from __future__ import annotations

import re
from collections.abc import Collection, Sequence
from dataclasses import dataclass

import torch
from torch import Tensor

from interlock.lam.encoder import WIDTH, Encoder
from interlock.lam.head import FLAGS
from interlock.lam.parameters import KINDS, Parameter, read_parameters
from interlock.lam.protocol import ActionSchema


@dataclass(frozen=True)
class Tool:
    """One action, encoded."""

    schema: ActionSchema
    parameters: tuple[Parameter, ...]
    vector: Tensor  # (WIDTH,)
    vectors: Tensor  # (P, WIDTH)


def words_of(name: str) -> str:
    """A tool or parameter name as words: `email.send`, `sendEmail` and `send_email` read alike."""
    return re.sub(r"[._/-]+", " ", re.sub(r"(?<=[a-z0-9])(?=[A-Z])", " ", name)).strip().lower()


class Toolbox:
    """Encodes actions by the pretrained encoder and remembers up to `keep` of them."""

    def __init__(self, encoder: Encoder, keep: int = 4096) -> None:
        self.encoder, self.keep = encoder, keep
        self._known: dict[str, Tool] = {}

    def read(self, space: Sequence[ActionSchema]) -> list[Tool]:
        """The actions of a space, encoding those not met before."""
        keys = [schema.model_dump_json() for schema in space]
        new = [(key, schema) for key, schema in zip(keys, space, strict=True) if key not in self._known]
        if new:
            if len(self._known) + len(new) > self.keep:
                self._known.clear()
                new = list(zip(keys, space, strict=True))
            texts: list[str] = []
            for _, schema in new:
                texts.append(f"{words_of(schema.name)}: {schema.description}")
                texts += [f"{words_of(p.name)}: {p.description}" for p in read_parameters(schema)]
            vectors, place = self.encoder.sentences(texts), 0
            for key, schema in new:
                parameters = read_parameters(schema)
                after = place + 1 + len(parameters)
                self._known[key] = Tool(schema, parameters, vectors[place], vectors[place + 1 : after])
                place = after
        return [self._known[key] for key in keys]


@dataclass(frozen=True)
class ToolRows:
    """K tools for each of B contexts, padded, as `ActionHead.forward` takes them."""

    tools: Tensor  # (B, K, WIDTH)
    parameters: Tensor  # (B, K, P, WIDTH)
    kinds: Tensor  # (B, K, P)
    flags: Tensor  # (B, K, P, FLAGS)
    exists: Tensor  # (B, K, P)
    offered: Tensor  # (B, K) true where there is a tool


def tool_rows(rows: Sequence[Sequence[Tool]], bound: Sequence[Collection[str]]) -> ToolRows:
    """Stack the tools of each context.

    Args:
        rows: the action space of each context.
        bound: the names of the arguments fixed for each context.
    """
    size, most = max(map(len, rows)), max([1] + [len(tool.parameters) for row in rows for tool in row])
    shape = (len(rows), size, most)
    tools, parameters = torch.zeros(*shape[:2], WIDTH), torch.zeros(*shape, WIDTH)
    kinds, flags = torch.zeros(shape, dtype=torch.long), torch.zeros(*shape, FLAGS)
    exists, offered = torch.zeros(shape, dtype=torch.bool), torch.zeros(shape[:2], dtype=torch.bool)
    for b, row in enumerate(rows):
        for k, tool in enumerate(row):
            count = len(tool.parameters)
            tools[b, k], offered[b, k] = tool.vector, True
            if count:
                parameters[b, k, :count], exists[b, k, :count] = tool.vectors, True
                kinds[b, k, :count] = torch.tensor([KINDS.index(p.kind) for p in tool.parameters])
                flags[b, k, :count] = torch.tensor(
                    [[float(p.required), float(p.name in bound[b])] for p in tool.parameters]
                )
    return ToolRows(tools, parameters, kinds, flags, exists, offered)
