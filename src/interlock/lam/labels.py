"""What the words beside a value say about which parameter it is for: `height of 5`, `ASIN 'B07'`, `3 for a`."""

from __future__ import annotations

import re
from functools import lru_cache

from interlock.lam.parameters import Parameter

BEFORE, AFTER = 48, 14
"""Characters before and after a value in which its label is looked for."""
_STOP = re.compile(r"[.!?;](?:\s|$)|\n|[,)]\s|\b(?:and|or|with|from|to|for|by)\b", re.IGNORECASE)
_EMPTY = frozenset(
    {"the", "and", "for", "name", "value", "number", "list", "type", "data", "input", "first", "second", "param", "str"}
)
_SHAPES = (
    (re.compile(r"\byear\b"), re.compile(r"(?:1[5-9]|20|21)\d\d")),
    (
        re.compile(r"\bzip\b|\bzipcode\b|postal|postcode"),
        re.compile(r"[A-Z]{0,2}\d[\dA-Z]{1,5}(?:[- ]\d?[\dA-Z]{2,4})?"),
    ),
    (re.compile(r"e-?mail"), re.compile(r"[^@\s]+@[^@\s]+")),
    (re.compile(r"\burl\b|\blink\b|website"), re.compile(r"(?:https?://)?[\w-]+(?:\.[\w-]+)+(?:/\S*)?")),
    (re.compile(r"\b(?:asin|isbn|sku|vin|iban|issn|doi)\b"), re.compile(r"(?=\D*\d)\S(?:.*\S)?")),
    (re.compile(r"\bip\b"), re.compile(r"\d{1,3}(?:\.\d{1,3}){3}")),
    (re.compile(r"\bphone\b"), re.compile(r"\+?[\d\s().-]{7,20}")),
    (re.compile(r"\b(?:lat|latitude|lon|long|longitude|lng)\b"), re.compile(r"-?\d{1,3}(?:\.\d+)?")),
)


@lru_cache(maxsize=4096)
def _words(name: str) -> tuple[str, ...]:
    spaced = re.sub(r"(?<=[a-z0-9])(?=[A-Z])", " ", name)
    return tuple(word for word in re.split(r"[^a-z0-9]+", spaced.lower()) if word and word not in _EMPTY)


def _is_label(word: str, name: str) -> bool:
    """Whether a word of the text is a word of a name, in another form or shortened."""
    if len(name) < 3 or len(word) < 3:
        return word == name
    return word.startswith(name[: max(3, min(len(name), 5))]) and (len(name) <= 5 or word[:5] == name[:5])


def labelled(parameter: Parameter, text: str, start: int, end: int) -> bool:
    """Whether a word of the parameter's name stands right beside a value, with no other value's words between."""
    names = _words(parameter.name)
    before = text[max(0, start - BEFORE) : start]
    cut = max((match.end() for match in _STOP.finditer(before) if not _only_filler(before[match.end() :])), default=0)
    near = re.findall(r"[^\W_]+", before[cut:].lower())[-4:]
    if any(_is_label(word, name) for word in near for name in names if len(name) > 1):
        return True
    if len(names) == 1 and len(names[0]) == 1:  # `x = 5`, `5 for a`
        letter = re.escape(names[0])
        ahead = re.search(rf"(?<![A-Za-z]){letter}\s*(?:=|:|is|equals|of)?\s*$", before, re.IGNORECASE)
        return (
            bool(ahead) or re.match(rf"\s+(?:for|as)\s+{letter}\b", text[end : end + AFTER], re.IGNORECASE) is not None
        )
    return False


def _only_filler(text: str) -> bool:
    return re.fullmatch(r"\W*", text) is not None


def misshapen(parameter: Parameter, text: str) -> bool:
    """Whether a text cannot be what the name of its parameter says: a year without digits, an address without `@`."""
    name = " ".join(_words(parameter.name))
    return any(named.search(name) and not shape.fullmatch(text.strip()) for named, shape in _SHAPES)
