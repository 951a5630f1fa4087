"""Generates requests with their right answers: the only data the embedded model is trained and measured on.

One seed and one index give one example, so a training run may stop anywhere and go on.  What a request
says comes from a lexicon (`wordings`): templates and pools of training and of measuring share nothing.
"""

from __future__ import annotations

import json
import re
from collections.abc import Iterator, Sequence
from dataclasses import dataclass, field, replace
from datetime import date, timedelta
from random import Random
from typing import Any

from interlock.lam.candidates import read_value, whole_span
from interlock.lam.examples import Call, Example, Span
from interlock.lam.parameters import Parameter, read_parameters
from interlock.lam.protocol import ActionSchema, Observation
from interlock.lam.values import Writer, Written, plain
from interlock.lam.wordings.lexicon import Lexicon

_SEGMENT = re.compile(r"\[(!?)([^\[\]]*)\]")
_SLOT = re.compile(r"\{(\w+)(?::(\w+))?\}")
_QUESTION = re.compile(r"(?i)(what|how|which|did|do|is|are|am|was|any|could|can)\b")
_DANGLING = "to|on|for|about|regarding|concerning|that|of|with|in|at|the|mentioning|containing|by|and|over|from|against"
_KINDS = ("customer", "order", "invoice")


@dataclass
class _Draft:
    """A request under construction."""

    text: str = ""
    spans: dict[str, tuple[int, int]] = field(default_factory=dict)

    def add(self, written: Written) -> None:
        for name, (start, end) in written.parts.items():
            self.spans[name] = (len(self.text) + start, len(self.text) + end)
        self.text += written.text

    def lead(self, text: str) -> None:
        self.text = text + self.text
        self.spans = {name: (start + len(text), end + len(text)) for name, (start, end) in self.spans.items()}


class Generator:
    """Writes examples in the words of one lexicon over one action space.

    Args:
        words: any words, from which about half of the names and texts are made up; none but the lexicon's
            when empty.
    """

    def __init__(self, lexicon: Lexicon, space: Sequence[ActionSchema], seed: int, words: Sequence[str] = ()) -> None:
        self.words = tuple(words)
        self.lexicon, self.space, self.seed = lexicon, tuple(space), seed
        self.schemas = {schema.name: schema for schema in space}
        self.parameters: dict[str, tuple[Parameter, ...]] = {s.name: read_parameters(s) for s in space}

    def example(self, index: int) -> Example:
        """Example number `index`; the same for the same lexicon, space and seed."""
        random = Random(f"{self.lexicon.name}:{self.seed}:{index}")
        made = None
        while made is None:
            made = _Scene(self, random).build()
        return made

    def examples(self, start: int, count: int) -> Iterator[Example]:
        return (self.example(index) for index in range(start, start + count))


class _Scene:
    """One attempt at one example."""

    def __init__(self, generator: Generator, random: Random) -> None:
        self.generator, self.lexicon, self.random = generator, generator.lexicon, random
        self.today: str | None = None
        if random.random() < 0.95:
            self.today = (date(2024, 1, 1) + timedelta(days=random.randint(0, 1800))).isoformat()
        self.write = Writer(self.lexicon, random, self.today, generator.words)
        self.draft = _Draft()
        self.sources: dict[str, str] = {}
        self.spans: dict[str, Span] = {}
        self.bound: dict[str, Any] = {}
        self.template = ""

    def build(self) -> Example | None:
        chance, name = self.random.random(), self.random.choice(tuple(self.lexicon.requests))
        if self.generator.words and self.random.random() < 0.2:  # the actions with the longest texts, for training
            name = self.random.choice(("email.send", "email.send", "email.draft", "payments.transfer"))
        if chance < 0.11:
            return self._outside(self.random.choice(self.lexicon.outside))
        if chance < 0.24:
            return self._outside(self.random.choice(self.lexicon.near))
        if chance < 0.29:
            return self._negated(name)
        if chance < 0.39:
            return self._goal(name)
        return self._request(name, dropping=chance > 0.82, moving=0.57 < chance < 0.73)

    # -- kinds of example ---------------------------------------------------------------------------

    def _request(self, name: str, dropping: bool, moving: bool) -> Example | None:
        parameters = self.generator.parameters[name]
        template = self._expand(self.random.choice(self.lexicon.requests[name]))
        present = {self._argument(slot[0]) for slot in _SLOT.findall(template)}
        out: set[str] = set()
        required = [p.name for p in parameters if p.required]
        held = [p.name for p in parameters if p.required and re.search(rf"\[[^\]]*\{{{self._slot(p.name)}\b", template)]
        if held and dropping:
            out = set(self.random.sample(held, min(len(held), self.random.choice((1, 1, 1, 2, 3)))))
        absent = [argument for argument in required if argument not in present]
        moved: set[str] = set()
        if moving or (absent and self.random.random() < 0.6):
            pool = [p.name for p in parameters if p.name not in ("kind", "currency") and p.name not in out]
            moved = set(self.random.sample(pool, min(len(pool), self.random.choice((1, 1, 2, 3))))) | set(absent)
        unbound: set[str] = set()
        if self.random.random() < 0.08:
            unbound = set(self.random.sample(required, self.random.randint(1, len(required))))
        if not self._compose(parameters, template, out | moved | unbound):
            return None
        for argument in sorted(moved - self.draft.spans.keys() - unbound):
            self._to_source(argument)
        for argument in sorted(unbound - self.draft.spans.keys()):
            self._bind(argument, parameters)
        self._dress(imperative=not template.startswith("*"))
        return self._finish(name)

    def _goal(self, name: str) -> Example | None:
        parameters = self.generator.parameters[name]
        self.template = self._expand(self.random.choice(self.lexicon.goals[name]))
        self._render(self.template)
        required = [p.name for p in parameters if p.required]
        chance = self.random.random()
        given = (
            set(required)
            if chance < 0.75
            else set(self.random.sample(required, self.random.randint(0, len(required) - 1)))
        )
        given |= {"kind"} & set(required)  # the words of a goal may name the kind, so it is never the missing one
        for argument in sorted(given - self.draft.spans.keys()):
            if self.random.random() < (0.7 if argument != "kind" else 1.0):
                self._bind(argument, parameters)
            else:
                self._to_source(argument)
        if name.startswith("email") and "body" in self.bound and self.random.random() < 0.5:
            self.sources[self.write.pick("source_body")] = str(self.bound["body"])
        return self._finish(name, subset=0.5)

    def _negated(self, name: str) -> Example | None:
        templates = [t for t in (*self.lexicon.requests[name], *self.lexicon.goals[name]) if not t.startswith("*")]
        template = self._expand(self.random.choice(templates))
        if re.match(r"(The|A|It|What|How|Which|Please|There|Kindly)\b", template) or " but " in template:
            return None
        if not self._compose(self.generator.parameters[name], template[0].lower() + template[1:], set()):
            return None
        self.draft.lead(self.random.choice(self.lexicon.negations))
        return self._abstain(full=0.6)

    def _outside(self, template: str) -> Example | None:
        self.template = self._expand(template)
        self._render(self.template)
        if self.random.random() < 0.3:
            self.draft.lead(self._expand_filler(self.random.choice(self.lexicon.chatter)))
        if self.random.random() < 0.25:
            self.draft.text = self.draft.text.rstrip(".!?")
        if self.random.random() < 0.2:
            self.sources["draft"] = self.write.sentences()
        if self.random.random() < 0.25:
            chosen = self.random.choice(tuple(self.generator.schemas))
            for argument in self.generator.parameters[chosen]:
                if argument.required:
                    self._bind(argument.name, self.generator.parameters[chosen])
        return self._abstain(full=0.4)

    # -- text ----------------------------------------------------------------------------------------

    def _slot(self, argument: str) -> str:
        return "money" if argument in ("amount", "currency") else argument

    def _argument(self, slot: str) -> str:
        return "amount" if slot == "money" else slot

    def _expand(self, template: str) -> str:
        while True:
            made = re.sub(r"\(([^()]*)\)", lambda m: self.random.choice(m[1].split("|")), template, count=1)
            if made == template:
                return made
            template = made

    def _expand_filler(self, template: str) -> str:
        part = _Scene(self.generator, self.random)
        part.today, part.write = self.today, self.write
        part._render(part._expand(template))
        return part.draft.text

    def _compose(self, parameters: tuple[Parameter, ...], template: str, out: set[str]) -> bool:
        """Render `template` without the segments that hold an argument of `out`; False if it cannot be."""
        optional = {p.name for p in parameters if not p.required}
        names = {p.name for p in parameters}
        pieces: list[tuple[str, bool]] = []  # (text, whether it may change places)
        position = 0
        for match in _SEGMENT.finditer(template):
            pieces.append((template[position : match.start()], False))
            position = match.end()
            inside = {self._argument(slot) for slot, _ in _SLOT.findall(match[2])} & names
            dropped = bool(inside & out) or (bool(inside) and inside <= optional and self.random.random() < 0.5)
            piece = self._vaguely(match[2], inside) if dropped else match[2]
            pieces.append((piece, not match[1] and len(match[2].split()) > 1))
        pieces.append((template[position:], False))
        for place in range(1, len(pieces) - 2, 2):
            follows = pieces[place + 2] if place + 2 < len(pieces) else ("", False)
            if pieces[place][1] and follows[1] and not pieces[place + 1][0].strip() and self.random.random() < 0.25:
                pieces[place], pieces[place + 2] = follows, pieces[place]
        made = "".join(text for text, _ in pieces).lstrip("*")
        made = re.sub(r"[ \t]+", " ", made)
        made = re.sub(r" ([,.;:?!])", r"\1", made)
        made = re.sub(r"([,;:])(?=[,;.])", "", made)
        made = re.sub(r"(^|\n)[,;:. ]+", r"\1", made).strip()
        made = re.sub(r"[,;]+$", "", made)
        if self.random.random() < 0.8:
            made = re.sub(rf"(?:\s(?:{_DANGLING}))+(?=[.,]|$)", "", made)
        self.template = template
        if {self._argument(slot) for slot, _ in _SLOT.findall(made)} & out or not made:
            return False
        if made[0] in ":,." or not re.search(r"[a-z]{3}", made):
            return False
        self._render(made)
        return True

    def _vaguely(self, segment: str, inside: set[str]) -> str:
        """A segment whose value is left out: nothing, or words that stand in without giving it."""
        bare = _SLOT.fullmatch(segment.strip()) is not None
        if len(inside) != 1 or self.random.random() > (0.8 if bare else 0.15):
            return ""
        slot = self._slot(next(iter(inside)))
        choices = self.lexicon.vague.get(slot)
        if not choices or (slot in ("subject", "body", "note") and not bare):
            return ""
        return _SLOT.sub(self.write.person_for(self.random.choice(choices)), segment, count=1)

    def _render(self, pattern: str) -> None:
        kind = self.random.choice(_KINDS)
        position = 0
        for match in _SLOT.finditer(pattern):
            self.draft.text += pattern[position : match.start()]
            position = match.end()
            self.draft.add(self._written(match[1], match[2] or "", kind))
        self.draft.text += pattern[position:]

    def _written(self, slot: str, style: str, kind: str) -> Written:
        write = self.write
        if slot.startswith("_") or style == "plain":
            return Written(self._filler(slot.lstrip("_"), style), {})
        if slot == "money":
            return write.money()
        if slot == "day":
            return write.day(preposition=style == "on")
        if slot == "minutes":
            return write.minutes(adjective=style == "adj")
        if slot == "kind":
            return plain("kind", write.pick(kind))
        text = self._text(slot, style)
        return write.quoted(slot, text) if style == "q" else plain(slot, text)

    def _text(self, argument: str, style: str = "") -> str:
        write = self.write
        if argument == "subject":
            return write.about() if not style and self.random.random() < 0.6 else write.topic()
        if argument == "body":
            if style == "clause":
                return write.clause()
            text = write.sentences()
            return " ".join(text.split()) if style == "q" and self.random.random() < 0.8 else text
        if argument == "note":
            return write.fill("{note_of} {note_does}") if style == "clause" else write.note()
        if argument == "payee":
            return write.fill("{company}" if self.random.random() < 0.65 else "{first} {last}")
        makers = {"to": write.address, "cc": write.addresses, "start": write.start, "amount": write.number}
        return makers[argument]() if argument in makers else write.pick(argument)

    def _filler(self, name: str, style: str) -> str:
        write = self.write
        if name == "person":
            return write.fill(self.random.choice(("{first}", "{first} {last}", "{first}")))
        if name in ("number", "year"):
            return str(self.random.randint(2, 99) if name == "number" else self.random.randint(2024, 2031))
        made = {"topic": write.topic, "email": write.address, "start": write.start}
        text = made[name]() if name in made else ""
        if name == "day":
            text = write.day(preposition=style == "on").text
        elif name == "money":
            text = write.money().text
        elif name == "minutes":
            text = write.minutes().text
        text = text or write.pick(name)
        return write.quoted("", text).text if style == "q" else text

    def _dress(self, imperative: bool) -> None:
        """Polite words before and after, a sentence of small talk, a final stop."""
        ends_in_text = any(
            end == len(self.draft.text) for name, (_, end) in self.draft.spans.items() if name in ("body", "note")
        )
        free_end = max((end for _, end in self.draft.spans.values()), default=0) == len(self.draft.text)
        if not ends_in_text and self.random.random() < 0.18:
            self.draft.text += self.random.choice(self.lexicon.closings)
        if not (ends_in_text and not free_end) and not self.draft.text.endswith((".", "!", "?", "\n")):
            closed = ends_in_text and ("\n" in self.draft.text or self._sentence_at_end())
            if self.random.random() < 0.6 and not closed:
                self.draft.text += "?" if _QUESTION.match(self.draft.text) else "."
        if imperative and self.random.random() < 0.5:
            self.draft.lead(self.random.choice(self.lexicon.openings))
        elif self.random.random() < 0.7 and self.draft.text:
            self.draft.text = self.draft.text[0].upper() + self.draft.text[1:]
        if self.random.random() < 0.15:
            self.draft.lead(self._chatter())

    def _chatter(self) -> str:
        if self.generator.words and self.random.random() < 0.4:
            return self.write.chat()
        return self._expand_filler(self.random.choice(self.lexicon.chatter))

    def _sentence_at_end(self) -> bool:
        """Whether the request ends in a text value that is a sentence, with a capital and its own stop or none."""
        text = self.draft.text
        return any(
            end == len(text) and text[start].isupper()
            for name, (start, end) in self.draft.spans.items()
            if name in ("body", "note")
        )

    # -- other sources ---------------------------------------------------------------------------------

    def _value_text(self, argument: str) -> str:
        if argument == "day":
            return self.write.day().text
        if argument == "minutes":
            return self.write.minutes().text
        if argument == "currency":
            return self.random.choice(("EUR", "USD", "GBP", "CHF"))
        if argument == "kind":
            return self.random.choice(_KINDS)
        return self._text(argument, "q" if argument == "subject" else "")

    def _to_source(self, argument: str) -> None:
        details = self.lexicon.details.get("money" if argument == "amount" else argument)
        if details and self.random.random() < 0.35:
            name = self.random.choice(("history", "message", "thread", "context", "letter_in"))
            if name not in self.sources:
                part = _Draft()
                outer, self.draft = self.draft, part
                self._render(self.random.choice(details))
                self.draft = outer
                self.sources[name] = part.text
                self.spans |= {key: Span(name, *span) for key, span in part.spans.items() if key not in outer.spans}
                return
        name = self.write.pick(f"source_{argument}")
        if name in self.sources:
            return
        text = self._value_text(argument)
        self.sources[name] = text
        self.spans[argument] = Span(name, *whole_span(text), whole=True)

    def _bind(self, argument: str, parameters: tuple[Parameter, ...]) -> None:
        parameter = next(p for p in parameters if p.name == argument)
        found = read_value(parameter, self._value_text(argument), self.today or "2026-01-05")
        if found is not None:
            self.bound[argument] = found[1]

    # -- the answer --------------------------------------------------------------------------------------

    def _space(self, name: str | None, full: float) -> tuple[ActionSchema, ...]:
        every = list(self.generator.space)
        size = len(every) if self.random.random() < full else self.random.choice((1, 1, 2, 3, 4, 5, 7))
        chosen = self.random.sample(every, min(size, len(every)))
        if name is not None and name not in {schema.name for schema in chosen}:
            chosen[self.random.randrange(len(chosen))] = self.generator.schemas[name]
        return tuple(chosen)

    def _all_sources(self) -> dict[str, str]:
        if self.random.random() < 0.12:
            self.sources.setdefault(self.write.pick("other_source"), self.write.pick("other_text"))
        names = list(self.sources)
        self.random.shuffle(names)
        return {"request": self.draft.text, **{name: self.sources[name] for name in names}}

    def _abstain(self, full: float) -> Example:
        observation = Observation(sources=self._all_sources(), bound=self.bound, today=self.today)
        return Example(observation, self._space(None, full), "abstain", template=self.template)

    def _finish(self, name: str, subset: float = 0.35) -> Example | None:
        spans = {argument: Span("request", *span) for argument, span in self.draft.spans.items()}
        spans |= {argument: span for argument, span in self.spans.items() if argument not in spans}
        sources = self._all_sources()
        known = {p.name: p for p in self.generator.parameters[name]}
        spans = {argument: span for argument, span in spans.items() if argument in known and argument not in self.bound}
        arguments: dict[str, Any] = {}
        for argument, span in spans.items():
            found = read_value(known[argument], sources[span.source][span.start : span.end], self.today)
            if found is None:
                return None
            arguments[argument] = found[1]
        arguments |= self.bound
        missing = tuple(p.name for p in known.values() if p.required and p.name not in arguments)
        observation = Observation(sources=sources, bound=self.bound, today=self.today)
        example = Example(
            observation,
            self._space(name, subset),
            "ask" if missing else "act",
            (Call(name, arguments, spans),),
            missing,
            self.template,
        )
        if self.random.random() < 0.07:  # the right action is not in the space
            space = tuple(schema for schema in example.space if schema.name != name)
            return Example(observation, space, "abstain", template=self.template) if space else None
        return example


def utterance(example: Example) -> str:
    """The request in lower case without punctuation, to compare splits by."""
    return " ".join(re.findall(r"\w+", example.observation.sources["request"].lower()))


def to_json(example: Example) -> str:
    """An example as one JSON line, for people to read."""
    plain_space = [schema.name for schema in example.space]
    row = {
        "kind": example.kind,
        "name": example.name,
        "arguments": example.arguments,
        "missing": example.missing,
        "sources": example.observation.sources,
        "bound": example.observation.bound,
        "space": plain_space,
    }
    return json.dumps(row, ensure_ascii=False)


__all__ = ["Example", "Generator", "Span", "replace", "to_json", "utterance"]
