"""Tools as the model reads them: a row of tokens each, with marks for its parameters and options."""

from __future__ import annotations

import re
from collections import OrderedDict
from collections.abc import Collection, Sequence
from dataclasses import dataclass
from functools import lru_cache
from typing import Any

import torch
from torch import Tensor

from interlock.lam.encoder import Encoder, tokenizer
from interlock.lam.parameters import KINDS, Parameter, read_parameters
from interlock.lam.protocol import ActionSchema

MARKS = 2 + len(KINDS)
"""Kinds of mark: a tool, an option, and one for each kind of parameter."""
FLAGS = 3
"""Facts about a parameter: required, bound, with a default."""
TOOL_PIECES, PARAMETER_PIECES, OPTION_PIECES, ALL_PIECES = 40, 28, 5, 320
_CLS, _SEP, _PARAMETER, _OPTION = 101, 102, 1, 2


@dataclass(frozen=True, eq=False)
class Tool:
    """One action as tokens: `[CLS] name : description [SEP] [P] name : description [O] option … [P] …`."""

    schema: ActionSchema
    parameters: tuple[Parameter, ...]
    ids: Tensor  # (S,) word pieces
    marks: Tensor  # (S,) kind of mark plus one, 0 where there is none
    flags: Tensor  # (S, FLAGS) of the parameter a mark stands for
    places: tuple[int, ...]  # (P,) where each parameter's mark stands; -1 beyond the row
    options: tuple[tuple[int, ...], ...]  # where each of `options_of` a parameter stands; -1 beyond the row


def options_of(parameter: Parameter) -> tuple[Any, ...]:
    """The declared options of a parameter, or of the items of a list."""
    return parameter.options or (parameter.item.options if parameter.item else ())


def is_bound(parameter: Parameter, bound: Collection[str]) -> bool:
    """Whether the graph fixes the argument that a parameter is, or is a part of."""
    return parameter.name in bound or re.split(r"[.\[]", parameter.name)[0] in bound


def words_of(name: str) -> str:
    """A tool or parameter name as words: `email.send`, `sendEmail` and `send_email` read alike."""
    return re.sub(r"[._/\[\]-]+", " ", re.sub(r"(?<=[a-z0-9])(?=[A-Z])", " ", name)).strip().lower()


@lru_cache(maxsize=20_000)
def _pieces(text: str) -> tuple[int, ...]:
    return tuple(tokenizer().encode(text, add_special_tokens=False).ids)


def read_tool(schema: ActionSchema) -> Tool:
    """Tokenise an action; what goes beyond the row is left out, the last parameters first."""
    parameters = read_parameters(schema)
    name = _pieces(words_of(schema.name))[:16]
    ids = [_CLS, *name, *_pieces(": " + schema.description)[: TOOL_PIECES - len(name)], _SEP]
    marks, flags = [1] + [0] * (len(ids) - 1), [[0.0] * FLAGS for _ in ids]
    places: list[int] = []
    options: list[tuple[int, ...]] = []
    for parameter in parameters:
        label = _pieces(words_of(parameter.name))[:10]
        about = _pieces(": " + parameter.description)[: PARAMETER_PIECES - len(label)]
        if len(ids) + 1 + len(label) > ALL_PIECES:
            places.append(-1)
            options.append((-1,) * len(options_of(parameter)))
            continue
        places.append(len(ids))
        ids += [_PARAMETER, *label, *about]
        marks += [3 + KINDS.index(parameter.kind)] + [0] * (len(label) + len(about))
        default = parameter.default is not None or "default" in parameter.description.lower()
        flags += [[float(parameter.required), 0.0, float(default)]] + [[0.0] * FLAGS] * (len(label) + len(about))
        stands: list[int] = []
        for option in options_of(parameter):
            written = _pieces(words_of(str(option)) or str(option))[:OPTION_PIECES]
            if len(ids) + 1 + len(written) > ALL_PIECES:
                stands.append(-1)
                continue
            stands.append(len(ids))
            ids += [_OPTION, *written]
            marks += [2] + [0] * len(written)
            flags += [[0.0] * FLAGS] * (1 + len(written))
        options.append(tuple(stands))
    ids.append(_SEP)
    marks.append(0)
    flags.append([0.0] * FLAGS)
    return Tool(
        schema, parameters, torch.tensor(ids), torch.tensor(marks), torch.tensor(flags), tuple(places), tuple(options)
    )


def with_bound(tool: Tool, bound: Collection[str]) -> Tensor:
    """The flags of a tool (S, FLAGS) where some arguments are fixed by the graph."""
    if not bound:
        return tool.flags
    flags = tool.flags.clone()
    for place, parameter in zip(tool.places, tool.parameters, strict=True):
        if place >= 0 and is_bound(parameter, bound):
            flags[place, 1] = 1.0
    return flags


class Toolbox:
    """Encodes actions by the lower layers and remembers the last `keep` of them."""

    def __init__(self, encoder: Encoder, keep: int = 1024) -> None:
        self.encoder, self.keep = encoder, keep
        self._known: OrderedDict[str, tuple[Tool, Tensor]] = OrderedDict()

    @torch.inference_mode()
    def read(self, space: Sequence[ActionSchema]) -> list[tuple[Tool, Tensor]]:
        """The actions of a space with their states (S, WIDTH), encoding those not met before."""
        found: list[tuple[Tool, Tensor]] = []
        for schema in space:
            key = schema.model_dump_json()
            if key in self._known:
                self._known.move_to_end(key)
            else:
                tool = read_tool(schema)  # one at a time, so that no bit depends on the company
                self._known[key] = tool, self.encoder.alone(tool.ids[None], None)[0]
            found.append(self._known[key])
        while len(self._known) > self.keep:
            self._known.popitem(last=False)
        return found
