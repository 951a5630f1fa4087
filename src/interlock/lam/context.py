"""The observation as the model reads it: one row of tokens, with where each stands in which source."""

from __future__ import annotations

from dataclasses import dataclass

import torch
from torch import Tensor

from interlock.lam.candidates import whole_span
from interlock.lam.encoder import tokenizer
from interlock.lam.mentions import MENTION_KINDS, find_mentions
from interlock.lam.protocol import Observation

FEATURES = 2 * len(MENTION_KINDS) + 4
REQUEST_TOKENS, ALL_TOKENS, LEAST = 320, 480, 24
_CLS, _SEP = 101, 102


@dataclass(frozen=True)
class Context:
    """Tokens of all sources in one row: `[CLS] request [SEP] name : text [SEP] …`.

    The first token of a source's name is its marker: pointing there means the whole source.
    """

    sources: dict[str, str]
    ids: Tensor  # (T,) word pieces
    features: Tensor  # (T, FEATURES) which kinds of mention begin at or cover a token, and where it stands
    source: tuple[str | None, ...]  # (T,) the source a token is a character span of, None for the others
    starts: tuple[int, ...]  # (T,) first character
    ends: tuple[int, ...]  # (T,) character after the last
    first: Tensor  # (T,) true where a word begins, so a span may
    last: Tensor  # (T,) true where a word ends, so a span may
    markers: dict[str, int]  # source to the token that stands for all of it
    cut: dict[str, int]  # source to its last token, where the source goes on beyond the row

    def tokens_of(self, source: str, start: int, end: int) -> tuple[int, int] | None:
        """First and last token of a span of characters; `None` when it is beyond the row."""
        found = [
            t for t, name in enumerate(self.source) if name == source and self.ends[t] > start and self.starts[t] < end
        ]
        return (found[0], found[-1]) if found else None

    def characters_of(self, first: int, last: int) -> tuple[str, int, int] | None:
        """The span of characters from one token to another, or a whole source for its marker."""
        for name, place in self.markers.items():
            if first == place == last:
                return name, *whole_span(self.sources[name])
        source = self.source[first]
        if source is None or self.source[last] != source or last < first:
            return None
        if self.cut.get(source) == last:
            return source, self.starts[first], whole_span(self.sources[source])[1]
        return source, self.starts[first], self.ends[last]


def read_context(observation: Observation) -> Context:
    """Tokenise an observation; the request first, long sources shortened to share the row."""
    coder = tokenizer()
    others = [name for name in observation.sources if name != "request"]
    ids, starts, ends, features = [_CLS], [0], [0], [[0.0] * FEATURES]
    source: list[str | None] = [None]
    markers: dict[str, int] = {}
    cut: dict[str, int] = {}
    room = ALL_TOKENS
    for name in (["request"] if "request" in observation.sources else []) + others:
        text = observation.sources[name]
        if name != "request":
            label = coder.encode(name.replace(".", " ").replace("_", " ") + " :", add_special_tokens=False).ids[:12]
            markers[name] = len(ids)
            for place, piece in enumerate(label):
                ids.append(piece)
                source.append(None)
                starts.append(0)
                ends.append(0)
                features.append([0.0] * (FEATURES - 2) + [float(place == 0), 0.0])
        share = (
            REQUEST_TOKENS
            if name == "request"
            else max(LEAST, (room - len(ids)) // max(1, len(others) - len(markers) + 1))
        )
        encoded = coder.encode(text[: 8 * share], add_special_tokens=False)
        kept = min(len(encoded.ids), share, max(1, ALL_TOKENS + LEAST - len(ids) - 1))
        marks = find_mentions(text[: 8 * share])
        for place in range(kept):
            start, end = encoded.offsets[place]
            row = [0.0] * FEATURES
            for mark in marks:
                if mark.start < end and start < mark.end:
                    row[2 * MENTION_KINDS.index(mark.kind) + (start > mark.start)] = 1.0
            row[-4], row[-3] = float(text[start].isupper()), float(name == "request")
            row[-1] = float("\n" in text[max(0, start - 2) : start])
            ids.append(encoded.ids[place])
            source.append(name)
            starts.append(start)
            ends.append(end)
            features.append(row)
        if kept and (kept < len(encoded.ids) or len(text) > 8 * share):
            cut[name] = len(ids) - 1
        ids.append(_SEP)
        source.append(None)
        starts.append(0)
        ends.append(0)
        features.append([0.0] * FEATURES)
        if len(ids) >= ALL_TOKENS:
            break
    first, last = _word_edges(observation.sources, source, starts, ends)
    for place in markers.values():
        first[place] = last[place] = True
    return Context(
        sources=dict(observation.sources), ids=torch.tensor(ids), features=torch.tensor(features), source=tuple(source),
        starts=tuple(starts), ends=tuple(ends), first=torch.tensor(first), last=torch.tensor(last),
        markers=markers, cut=cut,
    )  # fmt: skip


def _word_edges(
    sources: dict[str, str], source: list[str | None], starts: list[int], ends: list[int]
) -> tuple[list[bool], list[bool]]:
    """Where spans may begin and end: not inside a run of letters and digits."""
    first, last = [False] * len(source), [False] * len(source)
    for place, name in enumerate(source):
        if name is None:
            continue
        text, start, end = sources[name], starts[place], ends[place]
        first[place] = start == 0 or not (text[start - 1].isalnum() and text[start].isalnum())
        last[place] = end >= len(text) or not (text[end - 1].isalnum() and text[end].isalnum())
    return first, last
