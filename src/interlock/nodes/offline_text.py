"""Polishing a letter by rules: spelling, capitals, punctuation, spacing, greeting and closing.

A token that is not a plain English word (a number, an amount, an address, a link, an identifier, a word
with a capital in mid-sentence) passes through untouched, and so do quoted and indented paragraphs.

Not covered: grammar, style, word choice, a full stop missing between two sentences.
"""

from __future__ import annotations

import re
from dataclasses import dataclass, replace

from interlock.nodes.offline_spelling import COMMON_SLIPS, corrected

_WORD = re.compile(
    r"""(?P<lead>["'“\u2018(\[]*)(?P<core>[A-Za-z]+(?:['\u2019][A-Za-z]+)?(?:-[A-Za-z]+)*)(?P<trail>[.,;:!?'"”\u2019)\]…]*)"""
)
_HEADER = re.compile(r"(subject|to|cc|bcc|from|date)[ \t]*:[ \t]*(.*)", re.IGNORECASE)
_BULLET = re.compile(r"[ \t]*([-*•\u2013]|[0-9]{1,2}[.)]|[a-z]\))[ \t]+\S")
_VERBATIM = re.compile(r"^([>|]|\t| {4}|```)", re.MULTILINE)
_LABEL = re.compile(r"[A-Za-z][A-Za-z ]{0,30}:[ \t]\S")


def word_set(words: str, mark: str | None = None) -> frozenset[str]:
    """The words of a list in a text, parted by `mark` or by spaces."""
    return frozenset(word.strip() for word in words.split(mark))


_ABBREVIATIONS = word_set(
    """e.g. i.e. eg. ie. approx. no. nr. mr. mrs. ms. dr. prof. st. vs. etc. a.m. p.m. cf. inc. ltd. co. corp. ca.
    min. max. ext. tel. fig. resp. incl. excl. jan. feb. mar. apr. jun. jul. aug. sep. sept. oct. nov. dec."""
)
_DAYS = "monday tuesday wednesday thursday friday saturday sunday"
_MONTHS = "january february april june july august september october november december"
_NATIONS = "english german french spanish italian european american british"
_PROPER = word_set(f"{_DAYS} {_MONTHS} {_NATIONS} {'s '.join(_DAYS.split())}s")
_BEFORE_MONTH = word_set("in of since until by during early late mid next last")

_GREETINGS = ("good morning", "good afternoon", "good evening", "greetings", "hello", "dear", "hey", "hi")
_ADDRESSED = word_set("all team everyone everybody there both folks colleagues again and or")
_NOT_A_NAME = word_set(
    """i you we he she it they can could would will shall should do does did is are was were am have has had just
    please the a an this that these those my your our his her their its not no yes to for of on in at by with
    from about what when where who why how if as so but because thanks thank sorry hope"""
)
_REGARDS = word_set(
    """regards|best regards|kind regards|warm regards|with best regards|with kind regards|best wishes|best|all the best
    |cheers|sincerely|yours sincerely|sincerely yours|yours faithfully|yours truly|yours|respectfully|take care
    |talk soon|see you soon""",
    "|",
)
_THANKS = word_set(
    """thanks|thank you|many thanks|thanks a lot|thanks so much|thank you so much|thank you very much|thanks in advance
    |thank you in advance|with thanks|thanks and regards|thanks and best regards""",
    "|",
)
_QUESTION = re.compile(
    r"((can|could|would|will|shall|should|may|might|do|does|did|have|has|is|are|was|were)"
    r"( (you|we|i|they|he|she|it|anyone|anybody|someone)|n't (you|we|they|he|she|it))"
    r"|(is|are|was|were|does|did|has|will) (this|that|there|these|those|the|your|our|my)"
    r"|(what|when|where|why|how|who|which)('s| is| are| was| were| do| does| did| can| could| will| would| should| many"
    r"| much| long| about))\b",
    re.IGNORECASE,
)
_RUN_ON = re.compile(
    r"(?<!\S)[^\s@/\\_<>=.]*[a-z0-9)][.!?]"
    r"(?=(?:I|We|You|It|They|He|She|This|That|There|The|Your|Our|My|Please|Thanks?|However)(?:['\u2019][a-z]+)?,?\s)"
)
"""A sentence that starts right after another's mark, with a word that no dotted identifier has there."""

_THAN = re.compile(
    r"\b(later|earlier|sooner|better|worse|more|less|fewer|rather|other|faster|slower|higher|lower|bigger|smaller|larger"
    r"|longer|shorter|greater|cheaper) then(?= \w)"
)


@dataclass(frozen=True)
class Letter:
    """A message in its parts.  What is None was not there, and is never made up."""

    paragraphs: tuple[str, ...]
    subject: str | None = None
    greeting: str | None = None
    closing: str | None = None
    signature: tuple[str, ...] = ()

    def text(self) -> str:
        """The message without its subject, its parts parted by blank lines."""
        end = "\n".join(part for part in (self.closing, *self.signature) if part)
        return "\n\n".join(part for part in (self.greeting, *self.paragraphs, end) if part)


def polish(text: str) -> Letter:
    """`text` read as a letter and polished; polishing the result again changes nothing more."""
    letter = read_letter(text)
    for _ in range(4):  # one rule can make room for another, such as a comma that moves to its word
        names = _names(letter)
        paragraphs = tuple(_paragraph(paragraph, names) for paragraph in letter.paragraphs)
        again = read_letter(replace(letter, paragraphs=paragraphs).text())
        again = replace(again, subject=letter.subject)
        if again == letter:
            break
        letter = again
    return replace(letter, subject=letter.subject and polish_line(letter.subject, _names(letter)))


def polish_line(line: str, names: frozenset[str] = frozenset()) -> str:
    """A single line, such as a subject: words (but not `names`) and spacing, no full stop at its end."""
    text = _words(_spacing(" ".join(line.split())), names)
    return text[:-1] if text.endswith(".") and not text.endswith("..") else text


def read_letter(text: str) -> Letter:
    """The parts of a message; greeting and closing come out in their usual form, the rest as it stands."""
    lines = [line.rstrip() for line in text.replace("\r\n", "\n").replace("\r", "\n").strip("\n").split("\n")]
    subject, lines = _take_subject(lines)
    while lines and not lines[0].strip():
        lines = lines[1:]
    greeting, rest = _take_greeting(lines[0]) if lines else (None, "")
    if greeting:
        lines = [rest, *lines[1:]] if rest else lines[1:]
    closing, signature, lines = _take_closing(lines)
    paragraphs = [block.strip("\n") for block in re.split(r"\n\s*\n", "\n".join(lines)) if block.strip()]
    if not closing and paragraphs:
        *earlier, last = sentences(paragraphs[-1]) or [""]
        found = _closing(last)
        if earlier and found and found[1]:
            closing, signature = found[0], (found[1],)
            paragraphs[-1] = paragraphs[-1].rstrip().removesuffix(last).rstrip()
        elif len(paragraphs) > 1 and _is_name(paragraphs[-1]) and paragraphs[-1].istitle():
            signature = (paragraphs.pop(),)
    if closing:
        shown = closing[0].upper() + closing[1:]
        closing = f"{shown}," if signature else f"{shown}." if closing in _THANKS else shown
    return Letter(tuple(paragraphs), subject, greeting, closing, signature)


def sentences(text: str) -> list[str]:
    """The sentences of a text, as they stand; a bullet or labelled line is one."""
    found: list[str] = []
    for line in re.split(r"\n(?=[ \t]*(?:[-*•\u2013]|[0-9]{1,2}[.)])[ \t])", text):
        start = 0
        for match in re.finditer(r"[.!?][\"'”\u2019)]*(?=\s)", line):
            if not _ends_sentence(line[start : match.end()].split()[-1]):
                continue
            found.append(line[start : match.end()].strip())
            start = match.end()
        found.append(line[start:].strip())
    return [sentence for sentence in found if sentence]


def _take_subject(lines: list[str]) -> tuple[str | None, list[str]]:
    """The value of a `Subject:` line among the headers at the top, and the lines without those headers."""
    headers: dict[str, str] = {}
    at = 0
    while at < len(lines) and (match := _HEADER.fullmatch(lines[at].strip())):
        headers[match[1].lower()] = match[2].strip()
        at += 1
    return (headers["subject"] or None, lines[at:]) if "subject" in headers else (None, lines)


def _take_greeting(line: str) -> tuple[str | None, str]:
    """A greeting at the start of a line in its usual form, and what follows it on that line."""
    plain = line.strip()
    if re.fullmatch(r"to whom it may concern[ ,.:!]*", plain, re.IGNORECASE):
        return "To whom it may concern,", ""
    for word in _GREETINGS:
        open_end = re.match(
            rf"{word} ((?:[^\W\d_]+ ){{1,2}})(?=(?:can|could|would|will|i|we|please|just|the)\b)", plain, re.I
        )
        if open_end and not any(name.lower() in _NOT_A_NAME for name in open_end[1].split()):
            plain = f"{word} {open_end[1].strip()}, {plain[open_end.end() :]}"
        match = re.match(
            rf"{word}\b[ ,]*((?:(?:mrs?|ms|dr|prof)[.] )*[^,.!:;?]*?)[ ]*(?:([,!:;.])[,!:;. ]*|[-\u2013\u2014]?$)",
            plain,
            re.IGNORECASE,
        )
        if not match:
            continue
        names, mark, rest = match[1].split(), match[2] or ",", plain[match.end() :]
        shaped = all(re.fullmatch(r"[^\W\d_]+(['\u2019.-][^\W\d_]+)*[.]?", name) for name in names)
        if not shaped or len(names) > 4 or any(name.lower() in _NOT_A_NAME for name in names):
            return None, ""
        if rest and (mark not in ",!" or word == "greetings" or rest[0] in ")('"):
            return None, ""
        typed_small = all(name.islower() for name in names)  # otherwise `van der` is meant to be small
        shown = [_capital(name) if typed_small and name not in _ADDRESSED else name for name in names]
        return " ".join([_capital(word), *shown]) + ("!" if mark == "!" else ","), rest
    return None, ""


def _take_closing(lines: list[str]) -> tuple[str | None, tuple[str, ...], list[str]]:
    """The closing phrase near the end, the signature under it, and the lines above."""
    for at in range(len(lines) - 1, max(len(lines) - 8, -1), -1):
        found = _closing(lines[at])
        below = [line.strip() for line in lines[at + 1 :] if line.strip()]
        if found and len(below) <= 5 and (not below or len(below[0].split()) <= 5):
            signed = [found[1], *below] if found[1] else below
            return found[0], tuple(signed[:1] and [_name(signed[0]), *signed[1:]]), lines[:at]
    return None, (), lines


def _closing(line: str) -> tuple[str, str] | None:
    """The phrase and the name (or "") of a closing line; None when it is another line."""
    if len(line) > 80 or not re.fullmatch(r"[^\W\d_](?:[^\W\d_]|[ ,.!;'\u2019\u2013-])*", line.strip()):
        return None
    whole = " ".join(corrected(word) for word in line.strip(" ,.!;\u2013-").lower().split())
    if whole in _REGARDS | _THANKS:
        return whole, ""
    phrase, comma, name = line.strip().partition(",")
    words = [corrected(word) for word in phrase.lower().split()]
    if comma and " ".join(words) in _REGARDS | _THANKS and _is_name(name):
        return " ".join(words), _name(name)
    for cut in range(len(words) - 1, 0, -1):
        name = " ".join(phrase.split()[cut:])
        if " ".join(words[:cut]) in _REGARDS - {"best", "yours"} and not comma and _is_name(name):
            return " ".join(words[:cut]), _name(name)
    return None


def _is_name(text: str) -> bool:
    words = text.strip(" .!").split()
    return 0 < len(words) <= 3 and all(
        re.fullmatch(r"[^\W\d_]+(['\u2019-][^\W\d_]+)*[.]?", word) and word.lower() not in _NOT_A_NAME for word in words
    )


def _name(text: str) -> str:
    """A name with capitals where it has none; anything that is no name as it is."""
    plain = text.strip()
    if not (_is_name(plain) and plain.islower()):
        return plain
    return " ".join(_capital(word) for word in plain.rstrip(".!").split())


def _names(letter: Letter) -> frozenset[str]:
    """Words that are names somewhere in the letter, in small letters: spelled as they are everywhere."""
    found = re.findall(r"[^\W\d_]+", " ".join(filter(None, (letter.greeting, *letter.signature))))
    for paragraph in letter.paragraphs:
        found += re.findall(r"(?<=[a-z,] )[A-Z][a-z]+", paragraph)
    return frozenset(word.lower() for word in found)


def _paragraph(text: str, names: frozenset[str]) -> str:
    if _VERBATIM.search(text):
        return text
    text = _words(_spacing(text), names)
    last = text.rsplit("\n", 1)[-1]
    signed = last != text and _is_name(last) and last.istitle()
    if len(text.split()) < 3 or _BULLET.match(last) or _LABEL.match(last) or signed:
        return text
    token = last.split()[-1]
    if re.search(r"[@/\\_=<>#]|www[.]", token) or not re.search(r"[^\W_][)\"'”\u2019\]]*$", token):
        return text
    question = _QUESTION.match(sentences(text)[-1].lstrip("\"'“\u2018("))
    return text + ("?" if question else ".")


def _spacing(text: str) -> str:
    """Single spaces, none before a mark, one after a comma between words."""
    text = "\n".join(re.sub(r"(?<=\S)[ \t]+", " ", line).strip(" \t") for line in text.split("\n"))
    text = re.sub(r"(?<=[^\W_])[ ]+([,;:!?]+|[.])(?=\s|$)", r"\1", text)
    text = _RUN_ON.sub(r"\g<0> ", text)
    text = _THAN.sub(r"\1 than", text)
    return re.sub(
        r"(?<!\S)[A-Za-z'\u2019]{2,}(?:[,;][A-Za-z'\u2019]{2,})+(?=[.,;:!?]*(?:\s|$))",
        lambda match: re.sub(r"([,;])", r"\1 ", match[0]),
        text,
    )


def _words(text: str, names: frozenset[str]) -> str:
    """Spelling, capitals and doubled marks, word by word; spaces and line ends stay."""
    pieces = re.split(r"(\s+)", text)
    tokens = pieces[::2]
    starts, listed = True, False
    for at, token in enumerate(tokens):
        if at == 0 or "\n" in pieces[2 * at - 1]:
            listed = bool(_BULLET.match(" ".join(tokens[at : at + 2])))
            starts = starts and not listed
        match = _WORD.fullmatch(token)
        if match:
            before = tokens[at - 1].lower() if at else ""
            after = tokens[at + 1] if at + 1 < len(tokens) else ""
            core = _word(match["core"], names, starts=starts, near=(before, after))
            pieces[2 * at] = match["lead"] + core + _marks(match["trail"])
        if token:
            starts = _ends_sentence(pieces[2 * at]) and not (listed and _BULLET.match(token + " x"))
    return "".join(pieces)


def _word(core: str, names: frozenset[str], *, starts: bool, near: tuple[str, str]) -> str:
    small = core.lower().replace("\u2019", "'")
    slip = COMMON_SLIPS.get(small)
    if core.islower():
        fixed = slip or (core if small in names or "'" in small or "-" in small else corrected(core))
        if fixed in _PROPER or (fixed in ("march", "may") and _is_month(fixed, near)):
            fixed = _capital(fixed)
    elif starts and slip and core[1:].islower():
        fixed = slip
    else:
        return core
    fixed = fixed.replace("'", "\u2019") if "\u2019" in core else fixed
    return _capital(fixed) if starts else fixed


def _is_month(word: str, near: tuple[str, str]) -> bool:
    """`5 may`, `march 3rd`, `in march`; not `you may`, `we march`."""
    before, after = near
    dated = bool(re.match(r"[0-9]{1,4}(st|nd|rd|th)?\b", before) or re.match(r"[0-9]{1,4}(st|nd|rd|th)?\b", after))
    return (
        dated or (word == "march" and before in _BEFORE_MONTH) or (word == "may" and before in ("in", "since", "until"))
    )


def _marks(trail: str) -> str:
    trail = re.sub(r"([!?,;:])\1+", r"\1", trail)
    return re.sub(r"(?<![.])[.]{2}(?![.])", ".", re.sub(r"[.]{4,}", "...", trail))


def _ends_sentence(token: str) -> bool:
    bare = token.rstrip("\"'”\u2019)]")
    if not bare.endswith((".", "!", "?")) or bare.endswith(".."):
        return False
    return bare.lower().lstrip("(\"'“\u2018[") not in _ABBREVIATIONS and not re.fullmatch(
        r"[(\"'“\u2018]*[A-Za-z][.]", bare
    )


def _capital(word: str) -> str:
    return word[:1].upper() + word[1:]
