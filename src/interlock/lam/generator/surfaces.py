"""Values as people write them: numbers, dates, names, lists, options, flags."""

from __future__ import annotations

import re
from collections.abc import Mapping
from dataclasses import dataclass
from datetime import date, timedelta
from random import Random
from typing import Any

from interlock.lam.generator.names import words_of
from interlock.lam.generator.wordbook import Slot

READ: Any = object()
"""Stands for the value that the decoder's rules read from the words."""

_ONES = """zero one two three four five six seven eight nine ten eleven twelve thirteen fourteen fifteen sixteen
seventeen eighteen nineteen""".split()  # noqa: SIM905  # a list of words reads best as text
_TENS = ["twenty", "thirty", "forty", "fifty", "sixty", "seventy", "eighty", "ninety"]
_MONTHS = """January February March April May June July August September October November
December""".split()  # noqa: SIM905  # a list of words reads best as text
_DAYS = ["Monday", "Tuesday", "Wednesday", "Thursday", "Friday", "Saturday", "Sunday"]
_MONEY_BEFORE = re.compile(r"[$€£¥₹]$|\b(?:USD|EUR|GBP)\s$")
_MONEY_AFTER = re.compile(r"\s?(?:dollar|euro|pound|yen|rupee|USD|EUR|GBP|JPY|INR|CAD|AUD|bucks|[$€£¥])", re.IGNORECASE)
_PERCENT_AFTER = re.compile(r"\s?(?:%|percent|per cent)")
_FRACTION = re.compile(r"\b(?:fraction|decimal|0 to 1|between 0 and 1|0 and 1)\b")
_UNIT_AFTER = re.compile(r"-?\s?(?:minute|hour|day|second|week|month|year|night|min\b|hr)")
_OPENED = "\"'\u201c\u2018"
_TITLES = frozenset({"book", "movie", "song", "game", "museum", "album"})


@dataclass(frozen=True)
class Part:
    """Characters of a surface that stand for one parameter."""

    path: str
    start: int
    end: int
    value: Any = READ


@dataclass(frozen=True)
class Surface:
    """Written words and the parameters they give."""

    text: str
    parts: tuple[Part, ...]


def number_words(count: int) -> str:
    """A number below a thousand in words."""
    if count < 20:
        return _ONES[count]
    if count < 100:
        return _TENS[count // 10 - 2] + (f"-{_ONES[count % 10]}" if count % 10 else "")
    rest = f" and {number_words(count % 100)}" if count % 100 else ""
    return f"{_ONES[count // 100]} hundred{rest}"


def listed(items: list[str], random: Random) -> str:
    """Items as a written list, the first first and the last last."""
    if any("," in item or " and " in item for item in items):
        return (" and " if len(items) == 2 else "; ").join(items)
    chance = random.random()
    if len(items) == 1:
        return items[0]
    if chance < 0.4:
        return ", ".join(items[:-1]) + " and " + items[-1]
    if chance < 0.7:
        return ", ".join(items[:-1]) + (", and " if len(items) > 2 else " and ") + items[-1]
    return (", " if chance < 0.95 else ",").join(items)


class Values:
    """Writes values for one request.

    Args:
        today: ISO date that relative dates count from; none are written without it.
    """

    def __init__(self, pools: Mapping[str, tuple[str, ...]], random: Random, today: str | None) -> None:
        self.pools, self.random, self.today = pools, random, today
        self.length = random.randint(2, 6)
        """How many numbers most lists of one request have: vectors that belong together are of one length."""

    def write(self, slot: Slot, before: str = "", after: str = "") -> Surface:
        """Words for a value of `slot`.

        Args:
            before: the text that stands before, by which currency signs and quotes are not doubled.
            after: the text that follows.
        """
        random = self.random
        if slot.type == "boolean":
            value = random.random() < 0.7 if len(slot.says) != 1 else next(iter(slot.says))
            if slot.has_default and isinstance(slot.default, bool) and random.random() < 0.7:
                value = (not slot.default) if (not slot.default) in slot.says or not slot.says else value
            words = random.choice(slot.says.get(value) or (f"{'with' if value else 'without'} {words_of(slot.path)}",))
            return Surface(words, (Part(slot.path, 0, len(words), value),))
        if slot.enum and slot.type != "array":
            option = random.choice(slot.enum)
            if slot.default == option and random.random() < 0.6:
                option = random.choice(slot.enum)
            words = random.choice(slot.says.get(option) or (str(option).replace("_", " "),))
            return Surface(words, (Part(slot.path, 0, len(words), option),))
        if slot.type == "array":
            return self._list(slot, before, after)
        return self._scalar(slot.path, slot.values, slot.type, slot.about, before, after)

    def _list(self, slot: Slot, before: str, after: str) -> Surface:
        count = self.random.choice((1, 2, 2, 2, 3, 3, 3, 4, 4, 5))
        if slot.items != "string":
            count = self.length if self.random.random() < 0.85 else self.random.randint(2, 8)
        if slot.enum:
            options = self.random.sample(slot.enum, min(count, len(slot.enum)))
            items = [self.random.choice(slot.says.get(o) or (str(o).replace("_", " "),)) for o in options]
            if any(item != str(option) for item, option in zip(items, options, strict=True)):
                text = listed(items, self.random)
                return Surface(text, (Part(slot.path, 0, len(text), options),))
        else:
            items = []
            for _ in range(count * 3):
                made = self._plain_item(slot)
                if made not in items or slot.items != "string":
                    items.append(made)
                if len(items) == count:
                    break
        text = listed(items, self.random)
        if not _edge(before).isalnum() and slot.items != "string" and self.random.random() < 0.25:
            text = f"[{', '.join(items)}]"
            return Surface(text, (Part(slot.path, 1, len(text) - 1),))
        return Surface(text, (Part(slot.path, 0, len(text)),))

    def _plain_item(self, slot: Slot) -> str:
        for _ in range(6):
            made = self._scalar(slot.path, slot.values, slot.items, slot.about, "'", "'")
            text = made.text[made.parts[0].start : made.parts[0].end]
            if "," not in text and " and " not in text:
                return text
        return text

    def scalar_text(self, values: str | tuple[str, ...]) -> str:
        """A bare value, for small talk and other text nobody reads values from."""
        return self._scalar("", values, "string", "", "'", "'").text

    def _scalar(
        self, path: str, values: str | tuple[str, ...], type: str, about: str, before: str, after: str
    ) -> Surface:
        random = self.random
        if not isinstance(values, str):
            return _whole(path, random.choice(values))
        if values in self.pools:
            text = random.choice(self.pools[values])
            if "{" in text:
                text = re.sub(r"\{(\w+)\}", lambda found: self.scalar_text(found[1]), text)
            if values in _TITLES and random.random() < 0.3 and _edge(before) not in _OPENED:
                return _quoted(path, text, random)
            return _whole(path, text)
        kind, *bounds = values.split()
        makers = {"date": self.date, "time": self.time, "datetime": self.moment, "email": self.email,
                  "phone": self.phone, "url": self.url}  # fmt: skip
        if kind in makers:
            return _whole(path, makers[kind]())
        if kind in ("int", "year", "digits", "id"):
            return _whole(path, self._count(kind, bounds, type))
        if kind == "float":
            return _whole(path, self._decimal(float(bounds[0]), float(bounds[1])))
        if kind == "money":
            return self._money(path, bounds, type, before, after)
        if kind in ("percent", "fraction"):
            return self._share(path, kind, about, type, after)
        if kind == "duration":
            return self._duration(path, type, about, after)
        return self._text(path, before)

    # -- numbers --------------------------------------------------------------------------------------

    def _count(self, kind: str, bounds: list[str], type: str) -> str:
        random = self.random
        if kind == "digits":
            return str(random.randint(1, 9)) + "".join(random.choice("0123456789") for _ in range(int(bounds[0]) - 1))
        if kind == "id":
            letters = {"A": "ABCDEFGHJKLMNPQRSTUVWXYZ", "9": "0123456789", "a": "abcdefghjkmnpqrstuvwxyz"}
            pattern = " ".join(bounds)
            fixed = re.match(r"[A-Za-z]{2,}(?=[-_/ ]|9)", pattern)
            if fixed and not set(fixed[0]) <= {"A"}:
                return fixed[0] + self._count("id", [pattern[fixed.end() :] or "9"], type)
            return "".join(random.choice(letters[sign]) if sign in letters else sign for sign in pattern)
        count = random.randint(int(float(bounds[0])), int(float(bounds[1])))
        if count > 1000 and random.random() < 0.5 and kind == "int":
            count = round(count, -2) or count
        if kind == "year" or type == "string":
            return str(count)
        if 0 <= count <= 100 and random.random() < (0.3 if count <= 12 else 0.05):
            return number_words(count)
        if count >= 1000 and random.random() < (0.5 if count >= 10_000 else 0.3):
            if count % 1_000_000 == 0 and random.random() < 0.5:
                return f"{count // 1_000_000} million"
            return f"{count:,}"
        return str(count)

    def _decimal(self, low: float, high: float) -> str:
        random = self.random
        value = random.uniform(low, high)
        if high - low > 4 and random.random() < 0.4:
            return str(round(value))
        places = random.choice((1, 1, 2)) if high - low > 2 else random.choice((1, 2, 2))
        made = f"{value:.{places}f}"
        return f"{float(made):,.{places}f}" if value >= 1000 and random.random() < 0.5 else made

    def _money(self, path: str, bounds: list[str], type: str, before: str, after: str) -> Surface:
        random = self.random
        amount = random.uniform(float(bounds[0]), float(bounds[1]))
        if type == "integer" or random.random() < 0.6:
            amount = round(amount, -2 if amount > 2000 else -1 if amount > 200 else 0)
            plain = f"{int(amount):,}" if amount >= 1000 and random.random() < 0.6 else str(int(amount))
            if amount >= 1000 and amount % 1000 == 0 and random.random() < 0.12 and type != "string":
                plain = f"{int(amount) // 1000}k"
        else:
            plain = f"{amount:,.2f}" if random.random() < 0.5 else f"{amount:.2f}"
        if _MONEY_BEFORE.search(before) or _MONEY_AFTER.match(after) or random.random() < 0.2 or _edge(before) == "'":
            return _whole(path, plain)
        if random.random() < 0.7:
            sign = random.choice("$$$$$€£")
            return Surface(sign + plain, (Part(path, 1, 1 + len(plain)),))
        word = random.choice((" dollars", " dollars", " USD", " euros", " pounds"))
        return Surface(plain + word, (Part(path, 0, len(plain)),))

    def _share(self, path: str, kind: str, about: str, type: str, after: str) -> Surface:
        random = self.random
        count = random.choice((random.randint(1, 30), random.randint(1, 95), 5 * random.randint(1, 15)))
        signed = bool(_PERCENT_AFTER.match(after))
        if kind == "fraction" and not signed and (not _FRACTION.search(about.lower()) or random.random() < 0.5):
            return _whole(path, f"{count / 100:.2f}".rstrip("0"))
        written = str(count) if type == "integer" or random.random() < 0.75 else f"{count}.{random.choice('255575')}"
        if signed:
            end = _PERCENT_AFTER.match(after)
            return Surface(written, (Part(path, 0, len(written) + (end.end() if end and kind == "fraction" else 0)),))
        return _whole(path, written + random.choice(("%", "%", "%", " percent", " %")))

    def _duration(self, path: str, type: str, about: str, after: str) -> Surface:
        random = self.random
        if _UNIT_AFTER.match(after):
            return _whole(path, str(random.choice((5, 10, 15, 20, 30, 45, 60, 90, 2, 3))))
        minutes = random.choice((5, 10, 15, 20, 25, 30, 45, 50, 90))
        hours = random.choice((2, 3, 4, 5, 6, 8))
        about = about.lower() + " " + words_of(path)
        if type == "string" or "minute" in about or "second" in about:
            return _whole(path, random.choice((f"{minutes} minutes", f"{hours} hours", "an hour", f"{minutes} min",
                                               f"{number_words(minutes)} minutes")))  # fmt: skip
        if "hour" in about:
            return _whole(path, random.choice((f"{hours} hours", f"{number_words(hours)} hours", "an hour")))
        if "week" in about:
            return _whole(path, f"{hours} weeks")
        if "day" in about:
            return _whole(path, random.choice((f"{hours} days", "a week", f"{hours} days")))
        return _whole(path, str(minutes))

    # -- days and times -------------------------------------------------------------------------------

    def date(self) -> str:
        random = self.random
        start = date.fromisoformat(self.today) if self.today else date(random.randint(2018, 2029), 1, 1)
        day = start + timedelta(days=random.randint(1, 330))
        month, chance = _MONTHS[day.month - 1], random.random()
        if chance < 0.4:
            return day.isoformat()
        if self.today and chance < 0.6:
            return random.choice((
                "tomorrow", "today", f"next {random.choice(_DAYS)}", random.choice(_DAYS), "the day after tomorrow",
                f"{month} {day.day}", f"{month} {ordinal(day.day)}", f"in {random.randint(2, 9)} days",
                f"the {ordinal(day.day)} of {month}",
            ))  # fmt: skip
        if chance < 0.66 and day.day > 12:
            return f"{day.month:02d}/{day.day:02d}/{day.year}"
        return random.choice((
            f"{month} {day.day}, {day.year}", f"{day.day} {month} {day.year}",
            f"{month} {ordinal(day.day)}, {day.year}",
            f"the {ordinal(day.day)} of {month} {day.year}", f"{month[:3]} {day.day}, {day.year}",
        ))  # fmt: skip

    def time(self) -> str:
        hour, minute = self.random.randint(6, 22), self.random.choice((0, 0, 0, 15, 30, 30, 45))
        half, short = ("am" if hour < 12 else "pm"), (hour - 1) % 12 + 1
        clock = f"{short}:{minute:02d}" if minute else str(short)
        return self.random.choice((f"{hour:02d}:{minute:02d}", f"{clock} {half}", f"{clock}{half}",
                                   f"{clock} {half.upper()}", "noon" if hour == 12 else f"{clock} {half}"))  # fmt: skip

    def moment(self) -> str:
        start = date.fromisoformat(self.today) if self.today else date(self.random.randint(2018, 2029), 1, 1)
        day = start + timedelta(days=self.random.randint(1, 330))
        hour, minute = self.random.randint(6, 22), self.random.choice((0, 15, 30, 45))
        clock = f"{hour:02d}:{minute:02d}"
        return self.random.choice((f"{day} {clock}", f"{day}T{clock}:00", f"{day} {clock}:00",
                                   f"{_MONTHS[day.month - 1]} {day.day}, {day.year} at {self.time()}"))  # fmt: skip

    # -- words ----------------------------------------------------------------------------------------

    def email(self) -> str:
        first, last = (word.lower() for word in (self._pick("first_name"), self._pick("last_name")))
        name = self.random.choice(
            (f"{first}.{last}", f"{first}{last[0]}", first, f"{first}_{last}", f"{first[0]}{last}")
        )
        name = re.sub(r"[^a-z._]", "", name)
        return (
            f"{name}@{self.random.choice(('example', 'mail', 'northwind', 'contoso', 'lakeside', 'acme', 'post'))}"
            + (self.random.choice((".com", ".org", ".net", ".io", ".co.uk", ".de")))
        )

    def phone(self) -> str:
        digits = "".join(self.random.choice("23456789") for _ in range(3))
        last = "".join(self.random.choice("0123456789") for _ in range(4))
        return self.random.choice((f"+1-{digits}-555-{last}", f"{digits}-555-{last}", f"({digits}) 555-{last}",
                                   f"+44 20 7946 {last}", f"+1{digits}555{last}", f"{digits}555{last}"))  # fmt: skip

    def url(self) -> str:
        word = re.sub(r"[^a-z]", "", self._pick("topic").lower())[:12] or "example"
        site = self.random.choice(
            (f"www.{word}.com", f"{word}.org", "example.com", f"blog.{word}.net", "news.example.org")
        )
        tail = self.random.choice(("", "", "/articles/42", "/index.html", f"/{word}", "/about", "/feed.xml"))
        return f"https://{site}{tail}"

    def _text(self, path: str, before: str) -> Surface:
        text = self.scalar_text("sentence")
        if _edge(before) in _OPENED:
            return _whole(path, text.rstrip("."))
        if self.random.random() < 0.7 or not before.endswith((": ", ":\n")):
            return _quoted(path, text, self.random)
        return _whole(path, text)

    def _pick(self, pool: str) -> str:
        return self.random.choice(self.pools[pool])


def ordinal(count: int) -> str:
    """`1st`, `22nd`, `13th`."""
    ending = "th" if 10 <= count % 100 <= 20 else {1: "st", 2: "nd", 3: "rd"}.get(count % 10, "th")
    return f"{count}{ending}"


def _edge(before: str) -> str:
    return before[-1] if before else " "


def _whole(path: str, text: str) -> Surface:
    return Surface(text, (Part(path, 0, len(text)),))


def _quoted(path: str, text: str, random: Random) -> Surface:
    first, last = random.choice((('"', '"'), ('"', '"'), ("'", "'"), ("“", "”")))
    if first in text:
        first, last = "“", "”"
    return Surface(f"{first}{text}{last}", (Part(path, 1, 1 + len(text)),))
