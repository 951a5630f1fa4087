"""Spelling of single lower-case English words, from the dictionary that pyspellchecker packages.

A word is changed only when it is in a short list of common slips, or when it is unknown and one slip
of the fingers away from a known word (two for long words).  Everything doubtful stays as it is: short
unknown words, compounds of known words, British spellings, words of the office that the dictionary is
too old for.
"""

from __future__ import annotations

import math
import string
from functools import cache, lru_cache

COMMON_SLIPS: dict[str, str] = {
    "abt": "about", "accomodate": "accommodate", "accross": "across", "acheive": "achieve", "adn": "and",
    "adress": "address", "agian": "again", "alot": "a lot", "allready": "already", "alredy": "already",
    "adres": "address", "arent": "aren't", "arguement": "argument", "attachement": "attachment",
    "availible": "available", "becuase": "because", "beacuse": "because", "becasue": "because",
    "beleive": "believe", "buisness": "business", "calender": "calendar", "cant": "can't", "comming": "coming",
    "commited": "committed", "commitee": "committee", "couldnt": "couldn't", "definately": "definitely",
    "definitly": "definitely", "didnt": "didn't", "doesnt": "doesn't", "dont": "don't", "enviroment": "environment",
    "everytime": "every time", "foward": "forward", "freind": "friend", "garantee": "guarantee",
    "goverment": "government", "hadnt": "hadn't",
    "hasnt": "hasn't", "havent": "haven't", "hte": "the", "i": "I", "i'd": "I'd", "i'll": "I'll",
    "i'm": "I'm", "i've": "I've", "im": "I'm", "immediatly": "immediately", "infact": "in fact", "isnt": "isn't",
    "ive": "I've", "knowlege": "knowledge", "liason": "liaison", "maintainance": "maintenance",
    "neccessary": "necessary",
    "necesary": "necessary", "noone": "no one", "nto": "not", "occassion": "occasion", "occured": "occurred",
    "occurence": "occurrence", "ofcourse": "of course", "payed": "paid", "pls": "please", "plz": "please",
    "posession": "possession", "prefered": "preferred", "publically": "publicly", "realy": "really",
    "reccomend": "recommend", "recieve": "receive", "recieved": "received", "recomend": "recommend",
    "refered": "referred",
    "regads": "regards", "regrads": "regards", "reguards": "regards",
    "reciept": "receipt", "resheduled": "rescheduled", "seperate": "separate",
    "seperately": "separately", "shouldnt": "shouldn't", "sincerly": "sincerely", "succesful": "successful",
    "taht": "that", "teh": "the", "thats": "that's", "thier": "their", "theres": "there's", "theyre": "they're",
    "thnaks": "thanks", "thx": "thanks", "tihs": "this", "tmrw": "tomorrow", "tommorow": "tomorrow",
    "tommorrow": "tomorrow", "tomorow": "tomorrow", "truely": "truly", "untill": "until", "wasnt": "wasn't",
    "wensday": "Wednesday", "wether": "whether", "wednessday": "Wednesday", "werent": "weren't", "weve": "we've",
    "whats": "what's",
    "wich": "which", "wierd": "weird", "wiht": "with", "withing": "within", "wont": "won't", "wouldnt": "wouldn't",
    "yesturday": "yesterday", "youll": "you'll", "theyll": "they'll", "youre": "you're", "youve": "you've",
}  # fmt: skip
"""Slips that mean one thing only; `ill`, `lets`, `were`, `id` and the like mean two and are not here."""

OFFICE_WORDS = frozenset({
    "async", "autoreply", "backend", "backlog", "bugfix", "checkbox", "config", "covid", "dataset", "deliverable",
    "dropdown", "ecommerce", "emoji", "esign", "fintech", "firmware", "freelancer", "frontend", "gdpr", "hackathon",
    "hotfix", "iban", "inbox", "kickoff", "lifecycle", "login", "logout", "malware", "metadata", "middleware",
    "multitask", "offsite", "ok", "onboard", "onboarding", "onsite", "opex", "outbox", "paywall", "postgres",
    "prepaid", "preorder", "rebrand", "repo", "roadmap", "rollback", "rollout", "saas", "screenshot", "signoff",
    "signup", "smartphone", "startup", "subtask", "swift", "tablet", "teammate", "timesheet", "todo", "upsell", "usb",
    "voicemail", "webhook", "webinar", "website", "whiteboard", "wifi", "workflow", "workspace",
})  # fmt: skip
"""Words of the office that the dictionary is too old for."""

_BRITISH = (("our", "or"), ("ours", "ors"), ("oured", "ored"), ("ouring", "oring"), ("ourable", "orable"),
            ("ourite", "orite"), ("ise", "ize"), ("ised", "ized"), ("ises", "izes"), ("ising", "izing"),
            ("isation", "ization"), ("yse", "yze"), ("ysed", "yzed"), ("ysing", "yzing"), ("tre", "ter"),
            ("tres", "ters"), ("ogue", "og"), ("ogues", "ogs"), ("elled", "eled"), ("elling", "eling"),
            ("eller", "eler"), ("ence", "ense"), ("ences", "enses"), ("mme", "m"), ("mmes", "ms"), ("que", "ck"),
            ("ques", "cks"), ("fil", "fill"), ("dgement", "dgment"))  # fmt: skip
_ENDINGS = ("s", "'s", "ly", "ness", "less", "able")
_BEGINNINGS = ("re", "pre", "non", "sub", "multi", "anti", "over", "inter")
_COMMON = 300  # occurrences in the dictionary's corpus from which a word is offered as a correction
_LONGEST = 24  # letters of a word that is looked at
_VERY_COMMON = 2000  # the same for a correction by two slips


@cache
def _frequencies() -> dict[str, int]:
    from spellchecker import SpellChecker  # reading its dictionary takes a fifth of a second

    return dict(SpellChecker(language="en").word_frequency.dictionary)


@cache
def _by_shape() -> dict[tuple[str, int], list[str]]:
    """Very common words by first letter and length."""
    found: dict[tuple[str, int], list[str]] = {}
    for word, frequency in _frequencies().items():
        if frequency >= _VERY_COMMON and word.isalpha():
            found.setdefault((word[0], len(word)), []).append(word)
    return found


@lru_cache(maxsize=10_000)
def corrected(word: str) -> str:
    """A lower-case word as it is probably meant; the word itself when that is not clear."""
    if word in COMMON_SLIPS:
        return COMMON_SLIPS[word]
    if not 4 <= len(word) <= _LONGEST or not word.isascii() or not word.isalpha() or _known(word):
        return word
    compound = _is_compound(word, shortest=4)
    near = [] if compound else [(_likeness(word, other), other) for other in _one_slip(word)]
    if near:
        return max(near)[1]
    if len(word) < 7 or _is_compound(word, shortest=3):
        return word
    far = [(_frequencies()[other], other) for other in _two_slips(word)]
    return max(far)[1] if far else word


def _known(word: str) -> bool:
    words = _frequencies()
    if word in words or word in OFFICE_WORDS:
        return True
    for ending in _ENDINGS:
        stem = word.removesuffix(ending)
        if stem != word and len(stem) >= 3 and (words.get(stem, 0) >= _COMMON or stem in OFFICE_WORDS):
            return True
    for beginning in _BEGINNINGS:
        stem = word.removeprefix(beginning)
        if stem != word and len(stem) >= 4 and words.get(stem, 0) >= _COMMON:
            return True
    return any(
        word.endswith(british) and words.get(word.removesuffix(british) + american, 0) >= 50
        for british, american in _BRITISH
    )


def _is_compound(word: str, *, shortest: int) -> bool:
    words = _frequencies()
    return any(
        words.get(word[:cut], 0) >= _COMMON and words.get(word[cut:], 0) >= _COMMON
        for cut in range(shortest, len(word) - shortest + 1)
    )


def _one_slip(word: str) -> set[str]:
    """Common words that one slip turned into `word`; the first letter is taken to be right."""
    words, found = _frequencies(), set()
    for at in range(1, len(word) + 1):
        head, tail = word[:at], word[at:]
        found |= {head + letter + tail for letter in string.ascii_lowercase}
        if tail and (len(word) >= 5 or tail[0] == head[-1]):
            found.add(head + tail[1:])
            if len(word) >= 6:  # in a shorter word another letter makes another word
                found |= {head + letter + tail[1:] for letter in string.ascii_lowercase}
        if len(tail) > 1:
            found.add(head + tail[1] + tail[0] + tail[2:])
    return {other for other in found if words.get(other, 0) >= _COMMON and other.isalpha()}


def _likeness(word: str, other: str) -> float:
    """How probably `other` was meant: its frequency, and how easily that slip happens."""
    if len(word) == len(other):
        vowel = any(a != b and {a, b} <= set("aeiou") for a, b in zip(word, other, strict=True))
        easily = 3.0 if sorted(word) == sorted(other) else 2.5 if vowel else 0.0
    else:
        longer, shorter = (word, other) if len(word) > len(other) else (other, word)
        doubled = any(
            longer[:at] + longer[at + 1 :] == shorter and longer[at] == longer[at - 1] for at in range(1, len(longer))
        )
        easily = 3.0 if doubled else 2.0
    return math.log10(_frequencies()[other]) + easily + (word[-1] == other[-1])


def _two_slips(word: str) -> list[str]:
    shapes = _by_shape()
    near = (other for size in range(len(word) - 2, len(word) + 3) for other in shapes.get((word[0], size), []))
    return [other for other in near if len(set(word) ^ set(other)) <= 4 and _distance(word, other) <= 2]


def _distance(left: str, right: str) -> int:
    """Edits (insert, delete, replace, swap neighbours) between two words: optimal string alignment."""
    before: list[int] = []
    row = list(range(len(right) + 1))
    for i, a in enumerate(left, 1):
        earlier, before, row = before, row, [i]
        for j, b in enumerate(right, 1):
            cost = min(before[j] + 1, row[j - 1] + 1, before[j - 1] + (a != b))
            if i > 1 and j > 1 and a == right[j - 2] and left[i - 2] == b:
                cost = min(cost, earlier[j - 2] + 1)
            row.append(cost)
    return row[-1]
