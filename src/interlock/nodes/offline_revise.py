"""Revising a letter as a reviewer asks, as far as rules can follow.

Understood: `shorter`; `replace "X" with "Y"`, `"Y" instead of "X"`; `add "Y"`; `remove "X"`;
`subject: "Y"`.  New text is only ever taken from quotation marks; whatever else a review says changes
nothing.
"""

from __future__ import annotations

import json
import re
from dataclasses import replace

from interlock.nodes.offline_extract import shortened
from interlock.nodes.offline_text import Letter, polish

_QUOTED = '["“]([^"“”]+)["”]'
_SHORTER = re.compile(r"\b(shorter|shorten|brief(er)?|concise|too long)\b", re.IGNORECASE)
_SUBJECT = re.compile(rf"\bsubject\b[^\"“”.\n]*{_QUOTED}", re.IGNORECASE)
_REPLACE = re.compile(rf"\b(?:replace|change)\s+{_QUOTED}\s+(?:with|to|by|into)\s+{_QUOTED}", re.IGNORECASE)
_INSTEAD = re.compile(rf"{_QUOTED}\s+instead of\s+{_QUOTED}", re.IGNORECASE)
_REMOVE = re.compile(rf"\b(?:remove|delete|drop|leave out)\s+{_QUOTED}", re.IGNORECASE)
_ADD = re.compile(rf"\b(?:add|mention|append|include)\b[^\"“”\n]*{_QUOTED}", re.IGNORECASE)


def revise(letter: Letter, review: str) -> Letter:
    """The letter with what the review asks for, polished again; the review may be JSON (a form's answer)."""
    review = _words_of(review)
    if found := _SUBJECT.search(review):
        letter = replace(letter, subject=found[1].strip())
        review = review.replace(found[0], "")
    changes = [(old, new) for old, new in _REPLACE.findall(review)]
    changes += [(old, new) for new, old in _INSTEAD.findall(review)]
    changes += [(old, "") for old in _REMOVE.findall(review)]
    paragraphs, subject = letter.paragraphs, letter.subject
    for old, new in changes:
        paragraphs = tuple(paragraph.replace(old, new) for paragraph in paragraphs)
        subject = (subject.replace(old, new).strip() or subject) if subject else None
    letter = replace(letter, paragraphs=paragraphs, subject=subject)
    if _SHORTER.search(review):
        letter = shortened(letter)
    added = tuple(text.strip() for text in _ADD.findall(review))
    polished = polish(replace(letter, paragraphs=(*letter.paragraphs, *added)).text())
    return replace(polished, subject=letter.subject)


def _words_of(review: str) -> str:
    try:
        found = json.loads(review)
    except ValueError:
        return review
    values = found.values() if isinstance(found, dict) else [found]
    return "\n".join(value for value in values if isinstance(value, str))
