"""The reader of the drawer `nodes/`: one card a file, which says what a step does when it runs."""

from __future__ import annotations

import re
from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field
from pathlib import Path

from interlock.graphs.cards import ActCard, Card, ReasonCard, RouteCard
from interlock.graphs.spec import OUTCOMES
from interlock.nodes.functions import inspect_functions
from interlock.source import Document, Finding, SourceError, hint_for, read_document, validate
from interlock.tools.action import Action

KINDS = ("reason", "act", "route")
RESERVED = ("none", *OUTCOMES["route"])
"""Words that no label may be: the outcomes that every route has, and what a chat model says when none fits."""

_DOLLAR = re.compile(r"\$(?:\$|[a-z]|(?=[A-Za-z_{]))")


@dataclass(frozen=True)
class CardDrawer(Mapping[str, Card]):
    """The cards of a drawer by node name, and the file of each."""

    cards: Mapping[str, Card]
    documents: Mapping[str, Document] = field(default_factory=dict, repr=False)

    def __getitem__(self, name: str) -> Card:
        return self.cards[name]

    def __iter__(self) -> Iterator[str]:
        return iter(self.cards)

    def __len__(self) -> int:
        return len(self.cards)


def read_cards(folder: Path) -> CardDrawer:
    """The cards of a drawer; a missing folder has none.

    Raises:
        SourceError: a card cannot be used (codes N…, Y…).
    """
    drawer, findings = inspect_cards(folder)
    if any(finding.fatal for finding in findings):
        raise SourceError(findings, drawer.documents.values())
    return drawer


def inspect_cards(folder: Path) -> tuple[CardDrawer, list[Finding]]:
    """The cards that can be used, and what is wrong with the others."""
    cards: dict[str, Card] = {}
    documents: dict[str, Document] = {}
    findings: list[Finding] = []
    for path in sorted(folder.iterdir()) if folder.is_dir() else []:
        if path.suffix not in (".yaml", ".yml"):
            continue
        try:
            document = read_document(path)
        except SourceError as error:
            findings += error.findings
            continue
        card, faults = _card(document)
        findings += faults
        if card is not None and card.node in cards:
            message = f"the node `{card.node}` is declared twice; first in {documents[card.node].file}"
            findings.append(document.finding("N004", message, ("node",)))
        elif card is not None:
            cards[card.node], documents[card.node] = card, document
    functions, faults = inspect_functions(folder)
    findings += faults
    first = {name: document.file for name, document in documents.items()}
    for declared in functions:
        name = declared.function.name
        if name in first:
            message = f"the node `{name}` is declared twice; first in {first[name]}"
            findings.append(Finding(code="N004", message=message, file=str(declared.path), line=declared.line))
        else:
            cards[name], first[name] = declared.function.card(), str(declared.path)
    return CardDrawer(cards, documents), findings


def card_findings(drawer: CardDrawer, actions: Mapping[str, Action]) -> list[Finding]:
    """The cards against the actions there are: each that a card names exists, and stands there once."""
    findings = []
    for name, card in drawer.cards.items():
        if not isinstance(card, ActCard | ReasonCard):
            continue
        document = drawer.documents[name]
        for index, action in enumerate(card.actions):
            at = ("actions", index)
            if action not in actions:
                findings.append(
                    document.finding("N005", f"unknown action `{action}`", at, hint=hint_for(action, actions))
                )
            elif action in card.actions[:index]:
                findings.append(document.finding("N005", f"the action `{action}` stands twice", at))
    return findings


def _dollars(card: ReasonCard, document: Document) -> list[Finding]:
    """Dollar signs in a prompt that look like a name and are none."""
    found = []
    for match in _DOLLAR.finditer(card.prompt):
        if len(match[0]) == 1:
            mark = document.within(("prompt",), match.start(), 1)
            message = "this `$` names no value"
            hint = "write $name or $name.field in small letters, and $$ for a dollar sign"
            found.append(document.finding("N007", message, mark, hint=hint))
    return found


def _labels(card: RouteCard, document: Document) -> list[Finding]:
    """Labels that are outcomes of every route already."""
    return [
        document.finding("N010", f"no label may be called `{label}`", ("labels", label), key=True, hint=_TAKEN)
        for label in card.labels
        if label in RESERVED
    ]


_TAKEN = f"{', '.join(RESERVED[:-1])} and {RESERVED[-1]} mean something else already"


def _card(document: Document) -> tuple[Card | None, list[Finding]]:
    kind = document.data.get("kind")
    if kind == "reason":
        card, faults = validate(ReasonCard, document, "N")
        return card, faults + (_dollars(card, document) if card is not None else [])
    if kind == "act":
        return validate(ActCard, document, "N")
    if kind == "route":
        route, faults = validate(RouteCard, document, "N")
        return route, faults + (_labels(route, document) if route is not None else [])
    if "kind" not in document.data:
        return None, [document.finding("N002", "the key `kind` is missing", hint="one of `reason`, `act`, `route`")]
    return None, [
        document.finding("N003", f"unknown kind of node `{kind}`", ("kind",), hint=hint_for(str(kind), KINDS))
    ]
