"""Saying less by extraction: a subject, a summary, a shorter message, out of sentences that are there.

A sentence weighs as much as its rarer words do (how often the text uses them, Luhn 1958), more when it
stands early or holds a figure.  Nothing is reworded and nothing invented.
"""

from __future__ import annotations

import math
import re
from collections import Counter
from dataclasses import replace

from interlock.nodes.offline_text import Letter, sentences, word_set

NO_SUBJECT = "(no subject)"
_STOP = word_set(
    """a an the this that these those my your our his her their its i you we he she it they me him us them and or
    but so if as than then because while of to for on in at by with from about into over after before until be
    is are was were been being am have has had do does did will would can could shall should may might must not
    no yes just also very please there here what when where who which how why let know want wanted hope hello hi
    dear thanks thank get got any some all more"""
)
_LEAD_IN = re.compile(
    r"(?:(?:please|also|hello|sorry|unfortunately|and|so|but|hi)\b,? |"
    r"(?:i|we) (?:just )?(?:wanted|want|would like|have(?= an? )|am writing|are writing|'m writing)(?: to)?"
    r"(?: (?:let you know|inform you|tell you|confirm|say|ask|share|remind you|follow up))*"
    r"(?: (?:that|about|if|whether|on|with you))*,? |"
    r"(?:i|we)(?: am| are|'m|'re) (?:very |so )?(?:sorry|afraid|happy|glad|pleased|delighted)"
    r"(?: to (?:tell you|let you know|inform you|say|confirm|announce|report))?(?: (?:that|about|but))?,? |"
    r"(?:this is|just a|a) (?:short |quick |brief )?(?:note|reminder)"
    r"(?: (?:that|to say that|to let you know that|about))* |"
    r"(?:can|could|would|will|may) (?:you|we|i) (?:please )?|"
    r"i(?:'m| am) writing (?:to \w+ )?(?:about|because of|because|regarding) )",
    re.IGNORECASE,
)
_CLAUSE_END = re.compile(
    r"[,;:](?=\s)| [-\u2013\u2014] | \(| (?:because|which|so that|but|and (?:i|we|it|they)) ", re.IGNORECASE
)
_LOOSE_END = word_set(
    """a an the of to for on in at by with from about and or but so that which who if as is are was were be will
    would can could your my our their his her its this these those it they we you i has have had not into over
    until before after than because when where please it's we're there"""
)


def key_sentences(text: str, count: int) -> list[str]:
    """The `count` heaviest sentences of a text, in its own order."""
    found = [sentence for block in re.split(r"\n\s*\n", text) for sentence in sentences(block)]
    found = [" ".join(sentence.split()) for sentence in found if re.search(r"\w", sentence)]
    often = Counter(word for sentence in found for word in _keywords(sentence))
    ranked = sorted(range(len(found)), key=lambda at: (-_weight(found[at], often, at), at))
    return [found[at] for at in sorted(ranked[:count])]


def subject_of(letter: Letter, longest: int = 8) -> str:
    """The letter's own subject, or else its heaviest sentence cut to `longest` words at a sensible place."""
    if letter.subject:
        return letter.subject
    heaviest = key_sentences("\n\n".join(letter.paragraphs), 1)
    if not heaviest:
        return NO_SUBJECT
    sentence = re.sub(r"^[ \t]*([-*•>\u2013]|[0-9]{1,2}[.)])[ \t]+", "", heaviest[0])
    while (match := _LEAD_IN.match(sentence)) and len(sentence[match.end() :].split()) >= 2:
        sentence = sentence[match.end() :]
    clause = re.split(
        r"[,;:](?=\s)| [-\u2013\u2014] | \(| (?:because|which|so that|but|and (?:i|we|it|they)) ", sentence
    )[0]
    words = (clause if len(clause.split()) >= 3 else sentence).split()
    cut = words if len(words) <= longest + 2 else words[:longest]
    if len(cut) < len(words):
        loose = [at for at in range(4, len(cut)) if at >= len(cut) - 3 and cut[at].lower() in _LOOSE_END]
        cut = cut[: loose[0]] if loose else cut
    line = " ".join(cut).strip("\"'“”,;:.!? ")
    return line[:1].upper() + line[1:] if line else NO_SUBJECT


def summary_of(letter: Letter, count: int = 2) -> str:
    """The letter's `count` heaviest sentences as one paragraph."""
    return " ".join(key_sentences("\n\n".join(letter.paragraphs), count))


def shortened(letter: Letter) -> Letter:
    """The letter with the heavier half of its sentences, greeting and closing kept."""
    total = sum(len(sentences(paragraph)) for paragraph in letter.paragraphs)
    kept = key_sentences("\n\n".join(letter.paragraphs), max(1, total // 2))
    return replace(letter, paragraphs=(" ".join(kept),) if kept else ())


def keywords(text: str) -> set[str]:
    """The words of a text that carry meaning, in small letters and without a plural s."""
    return set(_keywords(text))


def _keywords(text: str) -> list[str]:
    words = re.findall(r"[a-z][a-z'-]+", text.lower())
    return [word.removesuffix("'s").removesuffix("s") if len(word) > 3 else word for word in words if word not in _STOP]


def _weight(sentence: str, often: Counter[str], position: int) -> float:
    words = _keywords(sentence)
    if not words:
        return 0.0
    weight = sum(often[word] for word in words) / math.sqrt(len(words))
    return (
        weight
        * (1.5 if re.search(r"\d", sentence) else 1.0)
        * (0.6 if re.match(r"(if|when|please|thank)", sentence, re.IGNORECASE) else 1.0)
        / (1 + 0.3 * position)
    )
