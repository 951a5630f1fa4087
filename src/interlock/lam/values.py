"""Draws written values for the request generator: names, amounts, dates, times, texts, each as people write them."""

from __future__ import annotations

import re
from collections.abc import Sequence
from dataclasses import dataclass
from datetime import date, timedelta
from random import Random

from interlock.lam.wordings.lexicon import Lexicon

_MONTHS = [
    "January",
    "February",
    "March",
    "April",
    "May",
    "June",
    "July",
    "August",
    "September",
    "October",
    "November",
    "December",
]
_DAYS = ["Monday", "Tuesday", "Wednesday", "Thursday", "Friday", "Saturday", "Sunday"]
_SMALL = ["two", "three", "four", "five", "six", "seven", "eight", "nine", "ten"]
_HUNDREDS = (
    "twenty",
    "thirty-five",
    "fifty",
    "eighty",
    "a hundred",
    "two hundred",
    "five hundred",
    "one thousand",
    "two hundred and fifty",
    "three thousand",
    "ninety-nine",
    "forty",
    "twelve hundred",
    "fifteen",
)
_CURRENCY = {
    "EUR": ("€", "EUR", "euros", "euro"),
    "USD": ("$", "USD", "dollars"),
    "GBP": ("£", "GBP", "pounds"),
    "CHF": ("CHF", "CHF", "francs", "Swiss francs"),
}
_QUOTES = (('"', '"'), ('"', '"'), ("'", "'"), ("“", "”"), ("«", "»"))


_VERBED = (
    "is {w} and {w}",
    "has {w} the {w}",
    "wants {w} {w}",
    "will {w} on Friday",
    "{w} {w} {w}",
    "needs {w} for the {w}",
    "was {w} by the {w} {w}",
    "can {w} {n2} {w}",
    "{w} the {w} and {w}",
    "is not {w}",
    "did {w} it",
    "asks for {w} {w}",
)
MADE_UP = {
    "title": (
        "{w}-{w} {w}",
        "{w} {w}-{w}",
        "{w}",
        "{w} {w}",
        "{w} {w} {w}",
        "{w} with {first}",
        "{w} meeting",
        "{w} {w} call",
        "{W} {W}",
    ),
    "query": ("{w}-{w}", "{w}", "{w} {w}", "the {w}", "the {w} {w}", "{W}", "{W} {W}", "{w} {n4}", "{w} {w} {w}"),
    "topic": (
        "{W}",
        "{W} {w}",
        "{W} {w} {w}",
        "{W} {w} {w} {w}",
        "{W} for the {w}",
        "Re: {w} {w}",
        "{W} and {w}",
        "{w} {w}",
        "{W} {n3}",
    ),
    "adjective": ("{w}",),
    "noun": ("{w}", "{w} {w}"),
    "first": ("{W}",),
    "last": ("{W}",),
    "company": (
        "{W} {W}",
        "{W}-{W}",
        "{W}",
        "{W} {W}",
        "{W} {W} Ltd",
        "{W} GmbH",
        "{W} & {W}",
        "the {w}",
        "our {w}",
        "{W} Inc",
        "the {w} {w}",
    ),
    "place": ("{W}", "the {w}", "{n2} {W} Street", "room {n2}", "{w} {w}", "{W} {W}", "the {w} {w}"),
    "account": ("{w}", "{w} {w}", "{W}", "{W} {W}"),
    "field": ("{w} {w}", "{w}-{w}", "{w} number", "{w}", "{w} {w}", "{w} name", "{w} date"),
    "value": (
        "{w}-{w}",
        "{w}",
        "{w} {w}",
        "{W} {W}",
        "{n3}",
        "{n2} {w}",
        "{W} {n2}",
        "{n3}-{n4}",
        "{w} {w} {w}",
        "{n2} {W} Road, {W}",
    ),
    "note_of": ("the {w}", "our {w}", "the {w} {w}", "{W}", "they"),
    "note_does": _VERBED,
    "subject_of": ("the {w}", "our {w}", "the {w} {w}", "my {w}", "{w} {w}"),
    "happens": _VERBED,
    "sentence": (
        "{W} {w} {w}.",
        "{W} the {w} {w} {w}.",
        "{W} {w} at {n1} {w} {w} {w}!",
        "{W} {w} {w} {w}?",
        "{W} {w} for {n2} {w} {w} {w} {w}.",
        "{W}, {w} {w}.",
    ),
    "other_text": ("{W} {w} {w}.", "{W} {w} by {first} {w}.", "{W} {n2} {w}.", "{W} {w}."),
    "other_source": ("{w}",),
    "domain": ("{w}.com", "{w}.org", "{w}-{w}.net", "{w}.{w}.co"),
    "reference": ("{w} {n3}/{n2}", "{w} {n4}", "{W}-{n4}", "{w} {w}", "{w} for {w}", "{n5}", "invoice {n5}"),
    "payment": ("{n4}/{n2}", "{W}-{n4}", "{n5}-{n2}", "{n6}"),
    "id": ("{n3}/{n2}", "{n4}/{n1}", "{W}-{n3}", "{n5}", "{n4}-{n2}", "{W}{n3}", "{n6}"),
}
"""Patterns of made-up entries of a pool; `{w}` is any word, `{W}` one with a capital."""


@dataclass(frozen=True)
class Written:
    """A text with the parts of it that are argument values: argument name to (start, end) in the text."""

    text: str
    parts: dict[str, tuple[int, int]]


def plain(name: str, text: str) -> Written:
    return Written(text, {name: (0, len(text))})


class Writer:
    """Writes values in the words of one lexicon.

    Args:
        random: the only source of chance; the same seed writes the same values.
        today: ISO date that relative dates are meant from, `None` to write absolute dates only.
        words: any words, to make up half of the names and texts of; a model that has met only the pools
            learns their entries by heart instead of where a value stands.
    """

    def __init__(self, lexicon: Lexicon, random: Random, today: str | None, words: Sequence[str] = ()) -> None:
        self.lexicon, self.random, self.today, self.words = lexicon, random, today, words

    def pick(self, pool: str) -> str:
        """One entry of a pool with its inner slots filled, or one made up."""
        if self.words and pool in MADE_UP and self.random.random() < 0.55:
            return self._made_up(self.random.choice(MADE_UP[pool]))
        return self.fill(self.random.choice(self.lexicon.pools[pool]))

    def fill(self, pattern: str) -> str:
        def one(match: re.Match[str]) -> str:
            name = match[1]
            if re.fullmatch(r"n\d", name):
                return str(self.random.randint(10 ** (int(name[1]) - 1), 10 ** int(name[1]) - 1))
            return str(self.random.randint(1, 9)) if name == "d1" else self.pick(name)

        return re.sub(r"\{(\w+)\}", one, pattern)

    def _made_up(self, pattern: str) -> str:
        def one(match: re.Match[str]) -> str:
            if match[1] in {"w", "W"}:
                word = self.random.choice(self.words)
                return word.capitalize() if match[1] == "W" else word
            return self.fill(match[0])

        return re.sub(r"\{(\w+)\}", one, pattern)

    def chat(self) -> str:
        """A sentence about nothing that was asked, made of any words, perhaps with a mention in it."""
        mention = self.random.choice(
            (
                "",
                "",
                self.address(),
                self.money().text,
                self.day().text,
                self.start(),
                self.pick("id"),
                self.pick("company"),
            )
        )
        words = [self.random.choice(self.words) for _ in range(self.random.randint(2, 6))]
        words.insert(self.random.randint(1, len(words)), mention)
        text = " ".join(word for word in words if word)
        return text[0].upper() + text[1:] + self.random.choice((". ", ". ", "! ", ": ", ", "))

    def person_for(self, words: str) -> str:
        """Vague words with a name filled in where they ask for one."""
        return words.replace("{_person}", self.pick("first"))

    def address(self) -> str:
        first, last = self.pick("first").lower(), re.sub(r"[^a-z]", "", self.pick("last").lower())
        number = str(self.random.randint(1, 99)) if self.random.random() < 0.15 else ""
        form = self.random.choice(
            (
                f"{first}.{last}",
                first,
                f"{first[0]}.{last}",
                f"{first}_{last}",
                f"{first}{number}",
                self.random.choice(("info", "office", "billing", "support", "sales", "hello")),
            )
        )
        return f"{form}@{self.pick('domain')}"

    def topic(self) -> str:
        chance = self.random.random()
        if chance < 0.4:
            return self.pick("topic")
        made = f"{self.pick('adjective')} {self.pick('noun')}"
        made = (
            made
            if chance < 0.75
            else f"{self.pick('noun')} {self.random.choice(('for', 'and', 'of'))} {self.pick('company')}"
        )
        return made if self.random.random() < 0.4 else made[0].upper() + made[1:]

    def about(self) -> str:
        """A subject inside a sentence: `the new contract`."""
        form = self.random.choice(
            ("the {adjective} {noun}", "our {noun}", "the {noun}", "the {noun} of {company}", "{noun} and {noun}")
        )
        return self.fill(form)

    def clause(self) -> str:
        made = self.fill("{subject_of} {happens}")
        return made if self.random.random() < 0.65 else f"{made} and {self.fill('{subject_of} {happens}')}"

    def sentences(self) -> str:
        count = self.random.choice((1, 1, 2, 2, 3))
        made = [self._sentence() for _ in range(count)]
        text = " ".join(made)
        chance = self.random.random()
        if chance < 0.3:
            text = f"{self.pick('greeting')}\n\n{text}"
        elif chance < 0.4:
            text = f"{self.pick('greeting')} {text}"
        if self.random.random() < 0.4:
            text = f"{text}\n\n{self.pick('farewell')}"
        elif self.random.random() < 0.1 and text[-1] in ".":
            text = text[:-1]
        return text

    def _sentence(self) -> str:
        if self.random.random() < 0.5:
            return self.pick("sentence")
        made = self.fill("{subject_of} {happens}")
        return made[0].upper() + made[1:] + "."

    def note(self) -> str:
        made = self.fill("{note_of} {note_does}")
        return made[0].upper() + made[1:] + self.random.choice((".", ".", ""))

    def quoted(self, name: str, text: str) -> Written:
        left, right = self.random.choice(_QUOTES)
        if (left == "'" and "'" in text) or '"' in text:
            left, right = "“", "”"
        return Written(f"{left}{text}{right}", {name: (1, 1 + len(text))})

    def number(self) -> str:
        chance, pick = self.random.random(), self.random
        if chance < 0.45:
            return str(pick.choice((pick.randint(1, 99), pick.randint(10, 999), pick.randint(1, 60) * 50)))
        if chance < 0.7:
            return f"{pick.randint(1, 900)}.{pick.randint(1, 9)}{pick.randint(0, 9)}"
        if chance < 0.82:
            return f"{pick.randint(1, 30)},{pick.randint(0, 999):03d}" + pick.choice(("", f".{pick.randint(10, 99)}"))
        return f"{pick.randint(1, 20)}k" if chance < 0.86 else pick.choice(_HUNDREDS)

    def money(self, bare: bool = False) -> Written:
        number = self.number()
        if bare or self.random.random() < 0.2:
            return plain("amount", number)
        symbol = self.random.choice(_CURRENCY[self.random.choice(tuple(_CURRENCY))])
        if len(symbol) == 1 and number[0].isdigit():
            text = self.random.choice(
                (f"{symbol}{number}", f"{symbol}{number}", f"{number} {symbol}", f"{symbol} {number}")
            )
        elif symbol.isupper() and number[0].isdigit() and self.random.random() < 0.4:
            text = f"{symbol} {number}"
        else:
            text = f"{number} {symbol}"
        amount, currency = text.index(number), text.index(symbol)
        return Written(text, {"amount": (amount, amount + len(number)), "currency": (currency, currency + len(symbol))})

    def day(self, preposition: bool = False) -> Written:
        """A date, after `on` where English wants it when `preposition` is asked for."""
        pick = self.random
        base = date.fromisoformat(self.today) if self.today else date(2026, 5, 20)
        then = base + timedelta(days=pick.randint(1, 300))
        month, suffix = (
            _MONTHS[then.month - 1],
            {1: "st", 2: "nd", 3: "rd"}.get(then.day % 10 if not 10 < then.day < 14 else 0, "th"),
        )
        absolute = (
            then.isoformat(),
            f"{then.day} {month} {then.year}",
            f"{month} {then.day}, {then.year}",
            f"{then.day:02d}.{then.month:02d}.{then.year}",
            f"the {then.day}{suffix} of {month} {then.year}",
            f"{month[:3]} {then.day}, {then.year}",
            f"{_DAYS[then.weekday()]}, {then.day} {month} {then.year}",
        )
        yearless = (
            f"{then.day} {month}",
            f"{month} {then.day}{suffix}",
            f"the {then.day}{suffix} of {month}",
            f"{month} {then.day}",
            f"{then.day} {month[:3]}",
        )
        free = (
            "tomorrow",
            "today",
            "the day after tomorrow",
            "next " + pick.choice(_DAYS),
            "this " + pick.choice(_DAYS),
            "in " + pick.choice((*_SMALL[:4], "10", "3")) + " days",
            pick.choice(("in two weeks", "in a week", "in 3 weeks")),
            "tomorrow",
        )
        weekday = pick.choice(_DAYS)
        chance = pick.random()
        if self.today is None or chance < 0.3:
            text, on = pick.choice(absolute), True
        elif chance < 0.55:
            text, on = pick.choice(yearless), True
        elif chance < 0.75:
            text, on = weekday, True
        else:
            text, on = pick.choice(free), False
        lead = "on " if preposition and on and pick.random() < 0.93 else ""
        return Written(lead + text, {"day": (len(lead), len(lead) + len(text))})

    def start(self) -> str:
        pick = self.random
        hour, minute = pick.randint(7, 20), pick.choice((0, 0, 15, 30, 30, 45, 5, 50))
        half, small = ("am" if hour < 12 else "pm"), (hour - 1) % 12 + 1
        forms = [
            f"{hour:02d}:{minute:02d}",
            f"{hour}:{minute:02d}",
            f"{small}:{minute:02d} {half}",
            f"{small}.{minute:02d}{half}",
            f"{small}:{minute:02d}{half.upper()}",
        ]
        if minute == 0:
            forms += [
                f"{small} {half}",
                f"{small}{half}",
                f"{small} {half}",
                "noon",
                f"{small} in the {'morning' if hour < 12 else 'afternoon' if hour < 18 else 'evening'}",
            ]
        if minute == 30 and hour >= 12:
            spoken = small if small > 9 else ["", "one", *_SMALL][small]
            forms.append(f"half past {spoken} in the {'afternoon' if hour < 18 else 'evening'}")
        return pick.choice(forms)

    def minutes(self, adjective: bool = False) -> Written:
        pick = self.random
        if adjective:
            text = pick.choice(
                ("30-minute", "45-minute", "one-hour", "two-hour", "90-minute", "20 minute", "15-minute")
            )
            return Written(f"a {text}", {"minutes": (2, 2 + len(text))})
        count = pick.choice((10, 15, 20, 25, 30, 40, 45, 50, 60, 75, 90, 120))
        return plain(
            "minutes",
            pick.choice(
                (
                    f"{count} minutes",
                    f"{count} min",
                    "an hour",
                    "half an hour",
                    "two hours",
                    "1.5 hours",
                    "an hour and a half",
                    f"{count} minutes",
                    "3 hours",
                    "1 hour and 30 minutes",
                    "one hour",
                    "1 hour",
                    "thirty minutes",
                    "2 hours",
                )
            ),
        )

    def addresses(self) -> str:
        made = [self.address() for _ in range(self.random.choice((1, 1, 2, 2, 3)))]
        return made[0] if len(made) == 1 else ", ".join(made[:-1]) + self.random.choice((" and ", ", ")) + made[-1]
