"""Requests for the tools of Seal-Tools, made by grammar from what their schemas say."""

from __future__ import annotations

import json
import re
from collections.abc import Mapping
from dataclasses import replace
from pathlib import Path
from random import Random
from typing import Any

from interlock.lam.generator.names import known_name, words_of
from interlock.lam.generator.templates import parse
from interlock.lam.generator.wordbook import Function, Slot

_TYPES = {"str": "string", "int": "integer", "float": "number", "bool": "boolean"}
_EXAMPLES = re.compile(r"\((?:e\.g\.,?|for example,?|such as)\s*([^()]*)\)", re.IGNORECASE)
_VERBS = re.compile(
    r"(?:Retrieve|Calculate|Create|Check|Update|Analyze|Add|Generate|Delete|Send|Translate|Get|Perform|Submit|Estimate|"
    r"Find|Search|Run|Set|Optimize|Track|Start|Schedule|Remove|Evaluate|Request|Book|Convert|Cancel|Record|Apply|"
    r"Initiate|Detect|Validate|Make|Identify|Predict|Verify|Register|Report|Control|Simulate|Train|Assess|Compare|Deploy|"
    r"Conduct|Enroll|Determine|Donate|Execute|Monitor|Upload|Count|Play|Assign|Classify|Stop|Adjust|Publish|Process|Scan|"
    r"Work out|Look up|Show|Give|Tell|Order|List|Draw|Solve|Reserve|Open|Close|Turn|Write|Save|Rent|Buy|Pay|"
    r"Modify|Calibrate|Place|Move|Change|Toggle|Plan|Log|Measure|Restore|Transfer|Design|Mark|Join|Download|Solve) "
)
_FETCH = ("Get", "Find", "Look up", "Show me", "Fetch", "Give me", "Retrieve", "Pull up", "Tell me", "I need")
_BY_LAST: Mapping[str, str] = {
    "location": "city", "city": "city", "destination": "city", "origin": "city", "place": "city", "country": "country",
    "nation": "country", "region": "country", "state": "us_state", "date": "date", "deadline": "date", "time": "time",
    "email": "email", "url": "url", "website": "url", "link": "url", "phone": "phone", "author": "author",
    "artist": "artist", "language": "language", "company": "company", "organization": "company",
    "manufacturer": "company", "brand": "brand", "text": "text", "message": "text", "content": "text",
    "description": "text", "sentence": "text", "body": "text", "feedback": "text", "comment": "text", "notes": "text",
    "review": "text", "file": "filename", "path": "filename", "document": "filename", "image": "filename",
    "dataset": "filename", "team": "sport_team", "topic": "topic", "keyword": "topic", "keywords": "topic",
    "query": "topic", "subject": "topic", "color": "color", "species": "animal", "address": "street_address",
    "person": "person", "recipient": "person", "currency": "currency_code", "genre": "genre", "game": "game",
    "movie": "movie", "book": "book", "song": "song", "product": "product", "ingredient": "ingredient",
    "drug": "drug", "medication": "drug", "disease": "disease", "university": "university", "school": "university",
    "profession": "profession", "occupation": "profession", "month": "month", "hotel": "hotel", "museum": "museum",
    "duration": "duration", "participants": "first_name", "username": "first_name", "website_url": "url",
}  # fmt: skip
_PEOPLE = re.compile(r"\b(?:patient|player|user|student|employee|person|customer|client|member|athlete|actor|teacher|"
                     r"owner|candidate|artist|sender|recipient|citizen|applicant|artisan|chef|doctor)\b")  # fmt: skip
_THINGS = (("product", "product"), ("company", "company"), ("organization", "company"), ("drug", "drug"),
           ("medic", "drug"), ("animal", "animal"), ("plant", "plant"), ("city", "city"), ("country", "country"),
           ("file", "filename"), ("team", "sport_team"), ("game", "game"), ("book", "book"), ("movie",
           "movie"), ("film", "movie"),
           ("song", "song"), ("restaurant", "restaurant"), ("hotel", "hotel"), ("food", "food"), ("dish", "food"),
           ("recipe", "food"), ("disease", "disease"), ("chemical", "chemical"), ("university", "university"),
           ("school", "university"), ("museum", "museum"), ("landmark", "landmark"), ("topic", "topic"))  # fmt: skip


def _examples(about: str) -> list[str]:
    found = _EXAMPLES.search(about)
    if not found:
        return []
    parts = [re.sub(r"^(?:and|or) |['\"]|\.$", "", part.strip()).strip() for part in re.split(r"[,;/]\s", found[1])]
    return [part for part in parts if 0 < len(part) < 40 and "etc" not in part]


def _values(name: str, kind: str, about: str) -> str | tuple[str, ...]:
    """What a parameter may be filled with; empty when nothing sensible is known."""
    words = words_of(name).split()
    last, examples, low = words[-1], _examples(about), about.lower()
    if kind in ("integer", "number"):
        numbers = [float(e) for e in examples if re.fullmatch(r"-?\d+(?:\.\d+)?", e)]
        whole = kind == "integer"
        if last == "year":
            return "year 1950 2026"
        if last == "id":
            return "int 100 99999"
        if last in ("price", "budget", "cost", "amount", "income", "revenue", "salary", "fee", "payment"):
            return "money 20 90000"
        if numbers and max(numbers) > 0:
            low_end = max(1, int(min(numbers) * 0.6)) if whole else min(numbers) * 0.8
            return f"{'int' if whole else 'float'} {low_end} {max(numbers) * 1.7 + whole * 3:.2f}"
        if last == "age":
            return "int 3 90"
        return "int 1 240" if whole else "float 1 400"
    mapped = _BY_LAST.get(last, "")
    if last == "id" or last in ("code", "vin", "token", "key", "sku", "serial") or "identifier" in low:
        head = (words[0] if len(words) > 1 else last)[0].upper()
        return (f"id {head}-9999", f"id {head}{head}9999", "id A99999", f"id {words[0].upper()[:4]}999", "digits 6")[
            len(name) % 5
        ]
    if last == "number":
        return "digits 7"
    if mapped:
        return mapped
    if last in ("name", "title") or len(words) == 1:
        if last == "name" and _PEOPLE.search(low):
            return "person"
        for word, pool in _THINGS:
            if word in words or (last in ("name", "title") and word in low):
                return pool
    examples = [e for e in examples if not re.fullmatch(r"(?:True|False|Yes|No)", e)]
    return tuple(examples) if len(examples) >= 2 else ()


def _piece(slot: Slot, random: Random, first: bool) -> str:
    """Words that give one parameter, beginning with a preposition."""
    words, hole = words_of(slot.path), "{" + slot.path + "}"
    last = words.split()[-1]
    if slot.type == "boolean":
        return hole
    forms = [f"with {_a(words)} of {hole}", f"with the {words} {hole}", f"using {hole} as the {words}",
             f"where the {words} is {hole}",
             f"for {words} {hole}", f"with {words} set to {hole}", f"with {words} {hole}"]  # fmt: skip
    special = {"city": "in", "location": "in", "country": "in", "region": "in", "state": "in", "date": "on",
               "time": "at", "year": "in", "author": "by", "artist": "by", "destination": "to",
               "origin": "from", "email": "to", "recipient": "to", "platform": "on", "genre": "in the genre",
               "topic": "about",
               "budget": "on a budget of",
               "duration": "for", "company": "at", "deadline": "by", "month": "in"}  # fmt: skip
    if last in special and random.random() < 0.65:
        return f"{special[last]} {hole}"
    if last == "type" and random.random() < 0.5:
        return f"of type {hole}"
    if first and slot.type == "string" and random.random() < 0.5:
        return f"for {hole}"
    return random.choice(forms)


def _a(words: str) -> str:
    return ("an " if words[0] in "aeiou" else "a ") + words


def _template(about: str, slots: list[Slot], random: Random) -> str:
    verb, _, rest = about.rstrip(".").partition(" ")
    rest = re.sub(r"\s*\([^)]*\)", "", rest)
    rest = re.sub(r",? (?:based on|given|using|by|for a (?:given|specific|particular)) .*$", "", rest) or rest
    needed = [slot for slot in slots if slot.required]
    extra = [slot for slot in slots if not slot.required and random.random() < 0.7]
    random.shuffle(extra)
    if random.random() < 0.3:
        random.shuffle(needed)
    if verb == "Retrieve" and random.random() < 0.85:
        verb = random.choice(_FETCH)
    small = verb if verb.startswith("I ") else verb.lower()
    if random.random() < 0.22 and needed:
        stated = ". ".join(f"The {words_of(s.path)} is {{{s.path}}}" for s in needed)
        more = "".join(f"[, {_piece(s, random, False)}]" for s in extra)
        return f"{(random.choice(('', 'Please ')) and 'Please ' + small) or verb} {rest}{more}. {stated}."
    pieces = ""
    for place, slot in enumerate(needed):
        joint = " " if place == 0 else random.choice((" and ", ", ", " ")) if place == len(needed) - 1 else ", "
        pieces += joint + _piece(slot, random, place == 0)
    pieces += "".join(f"[{random.choice((',', ''))} {_piece(s, random, False)}]" for s in extra)
    if random.random() < 0.14:
        listed = ", ".join(f"{words_of(s.path)}: {{{s.path}}}" for s in needed)
        return f"{verb} {rest}" + (
            f" ({listed})" if random.random() < 0.4 else f". {listed[:1].upper()}{listed[1:]}" if listed else ""
        )
    forms = [f"{verb} {rest}{pieces}.", f"{verb} {rest}{pieces}"]
    if not verb.startswith("I "):
        wanted = small.replace("show me", "see").replace("give me", "get").replace("tell me", "know")
        forms += [f"(Can|Could) you {small} {rest}{pieces}?", f"Please {small} {rest}{pieces}.",
                  f"I (want|need|would like|have) to {wanted} {rest}{pieces}."]  # fmt: skip
    return random.choice(forms)


def read_schemas(path: Path, pools: Mapping[str, Any], each: int = 6) -> list[Function]:
    """The tools of a Seal-Tools file whose parameters can be filled sensibly, with `each` templates of requests."""
    found: dict[str, Function] = {}
    for line in path.read_text(encoding="utf-8").splitlines():
        row = json.loads(line)
        name, about = str(row["api_name"]), str(row["api_description"])
        if name in found or known_name(name) or not _VERBS.match(about) or len(about) > 140 or "{" in about:
            continue
        required = set(row.get("required") or ())
        slots: list[Slot] = []
        for path_, entry in row["parameters"].items():
            kind = _TYPES.get(entry["type"], "string")
            values = _values(path_, kind, entry["description"]) if kind != "boolean" else ()
            if values or kind == "boolean":
                slots.append(Slot(path_, kind, entry["description"], path_ in required, values))
        kept = {slot.path for slot in slots}
        if required - kept or any("." in path_ for path_ in kept):
            continue
        random = Random(name)
        texts = dict.fromkeys(re.sub(r"[|\[\]]{2,}", "", _template(about, slots, random)) for _ in range(each))
        found[name] = Function(
            name, str(row["field"]).split("/")[0], (about,), tuple(slots), tuple(parse(text) for text in texts)
        )
    return list(found.values())


def with_plain_requests(function: Function, each: int = 1) -> Function:
    """`function` with templates more that are made by grammar from its description, where that begins with a verb."""
    about, random = function.abouts[0], Random(function.name)
    if not _VERBS.match(about) or not 12 < len(about) < 110 or any(sign in about for sign in "{[(|"):
        return function
    slots = [slot for slot in function.slots if slot.required or slot.type != "boolean"]
    made = tuple(parse(_template(about, slots, random)) for _ in range(each))
    return replace(function, requests=(*function.requests, *made))
