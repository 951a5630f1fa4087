"""Web pages as actions: opened, filled and submitted by the labels on them.

::

    browser: portal
    origins: [https://portal.example.org]
    pages: {order: https://portal.example.org/orders/new}
    hidden_that_vary: [csrf_token]

makes `portal.open`, `portal.click`, `portal.fill`, `portal.select`, which only read, and `portal.submit`, which is
blind.  Each answers what the page is by then, and `did`: all that was done so far, which the next one is given and
does again.  What is submitted is therefore all of it an argument that people see and an approval is bound to.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from pathlib import Path

from pydantic import Field

from interlock.digest import Json, digest
from interlock.errors import EffectFailed, EffectNotDone, ProjectError
from interlock.source import Document, Finding, validate
from interlock.tools.action import Action, ActionContext, Arguments, EffectClass, Result, Risk
from interlock.tools.connect.browser import Browser, Move, Shown, origin_of
from interlock.tools.connect.http import AnswerUnknown
from interlock.tools.connect.pictures import REFERENCE, keep, picture
from interlock.tools.connect.place import Place, place_of
from interlock.tools.toolsets.declared import NAME, Declared, Fault
from interlock.tools.toolsets.schemas import Schema
from interlock.tools.toolsets.shapes import Shape, Slot, shape_of

MOST_MOVES = 60
"""Things that may be done on the way to one submission."""


class BrowserFields(Declared):
    """Web pages that are opened, filled and submitted."""

    browser: str = Field(pattern=NAME, description="Family of the actions.")
    description: str = Field(default="", description="What the pages are for.")
    origins: list[str] = Field(
        min_length=1, description="Where the browser may go, as in `https://portal.example.org`."
    )
    private: bool = Field(default=False, description="Whether they stand on this machine or in a private network.")
    pages: dict[str, str] = Field(min_length=1, description="Addresses that can be opened, by a name of their own.")
    hidden_that_vary: list[str] = Field(
        default=[], description="Hidden fields whose values differ each time, such as a token against forgery."
    )
    risk: Risk = Field(default="high", description="Risk of submitting, shown to reviewers.")
    submit_title: str = Field(default="", max_length=200, description="What submitting does, in one line.")
    seconds: float = Field(default=60, gt=0, le=600, description="How long one thing on a page may take.")


_MOVE: Schema = {
    "type": "object",
    "properties": {
        "do": {"enum": ["open", "fill", "select", "click"]},
        "on": {"type": "string", "maxLength": 2000},
        "value": {"type": "string", "maxLength": 20_000},
    },
    "required": ["do", "on", "value"],
    "additionalProperties": False,
}
_DID: Schema = {
    "type": "array",
    "items": _MOVE,
    "minItems": 1,
    "maxItems": MOST_MOVES,
    "description": "What was done on the page so far; `did` of the step before.",
}
_FORM: Schema = {
    "type": "string",
    "pattern": "^sha256:[0-9a-f]{64}$",
    "description": "The form as it was seen; `form` of the step before.",
}
_SCREENSHOT: Schema = {
    "type": "string",
    "pattern": f"^{REFERENCE.pattern}$",
    "description": "The page as it was seen; `screenshot` of the step before.",
}
_LABEL: Schema = {"type": "string", "minLength": 1, "maxLength": 500}


class Element(Result):
    role: str
    name: str
    value: str | None
    options: list[str]


class Did(Result):
    do: str
    on: str
    value: str


class View(Result):
    """A page after what was done on it; its texts are anybody's."""

    url: str
    title: str
    did: list[Did]
    elements: list[Element]
    text: str
    form: str
    screenshot: str


class Submitted(Result):
    """The page that came after a form was sent."""

    status: int
    url: str
    title: str
    text: str
    screenshot: str


def read(document: Document, path: Path) -> tuple[list[Action], list[Finding]]:
    """The five actions of a file, and what is wrong with it."""
    fields, findings = validate(BrowserFields, document, "C")
    if fields is None or findings:
        return [], findings
    try:
        places = _places(fields)
    except Fault as fault:
        return [], [document.finding("C006", str(fault), fault.at)]
    return list(_actions(fields, places)), []


def _places(fields: BrowserFields) -> tuple[Place, ...]:
    found = []
    for index, url in enumerate(fields.origins):
        try:
            place = place_of(url, private=fields.private)
        except ProjectError as error:
            raise Fault(error.message.rstrip("."), "origins", index) from None
        if place.root or url.endswith("/"):
            raise Fault(f"an origin has no path; write {origin_of(place)}", "origins", index)
        found.append(place)
    for name, url in fields.pages.items():
        if not any(url == origin_of(place) or url.startswith(f"{origin_of(place)}/") for place in found):
            raise Fault(f"the page {url} is at none of the origins", "pages", name)
    return tuple(found)


def _label(name: str, text: str) -> Slot:
    return Slot(name, _LABEL | {"description": text})


_FIELD = _label("field", "Label of the field.")
_SO_FAR = Slot("did", _DID)
_VERBS: dict[str, tuple[str, list[Slot]]] = {
    "fill": (
        "Write into a field of the page.",
        [
            _SO_FAR,
            _FIELD,
            Slot("value", {"type": "string", "maxLength": 20_000, "description": "What to write into it."}),
        ],
    ),
    "select": (
        "Choose an option of a field of the page, or tick a box.",
        [_SO_FAR, _FIELD, _label("option", "The option; `checked` or `unchecked` for a box.")],
    ),
    "click": (
        "Follow a link of the page, or press something that sends nothing.",
        [_SO_FAR, _label("element", "Label of the element.")],
    ),
    "submit": (
        "Press the button that sends the form.",
        [_SO_FAR, _label("button", "Label of the button."), Slot("form", _FORM), Slot("screenshot", _SCREENSHOT)],
    ),
}
"""What each verb beside `open` is, and what it takes."""


def _actions(fields: BrowserFields, places: tuple[Place, ...]) -> Iterator[Action]:
    pages: Schema = {"enum": sorted(fields.pages), "description": "Which page."}
    verbs = {"open": ("Open a page and see what is on it.", [Slot("page", pages)]), **_VERBS}
    for verb, (description, slots) in verbs.items():
        shape = shape_of(f"{fields.browser} {verb}", slots)
        submits = verb == "submit"
        effect: EffectClass = "blind" if submits else "read"
        yield Action(
            name=f"{fields.browser}.{verb}",
            description=description,
            arguments=shape.model,
            result=Submitted if submits else View,
            effect=effect,
            risk=fields.risk if submits else "low",
            run=_Doing(verb, fields, places, shape),
            targets=("did", "button") if submits else (),
            title=(fields.submit_title or "{button}") if submits else "",
            records=() if submits else ("did", "form", "screenshot"),
            declared_as=digest({"origins": list(fields.origins), "pages": dict(fields.pages)}),
        )


class _Doing:
    """One of the five verbs."""

    def __init__(self, verb: str, fields: BrowserFields, places: tuple[Place, ...], shape: Shape) -> None:
        self._verb = verb
        self._fields = fields
        self._places = places
        self._shape = shape

    def __call__(self, arguments: Arguments, context: ActionContext) -> Result:
        """Do it in a browser of its own.

        Raises:
            EffectNotDone: the browser or the page cannot be had now; nothing was sent.
            EffectFailed: the page does not have what was named, is another one by now, or refused.
            AnswerUnknown: the form was sent, and what became of it is not known.
        """
        values = self._shape.sent(arguments)
        browser = Browser(
            name=self._fields.browser,
            places=self._places,
            seconds=self._fields.seconds,
            volatile=tuple(self._fields.hidden_that_vary),
            program=context.settings.browser,
        )
        moves = [*self._before(values.get("did")), *self._own(values)]
        if self._verb != "submit":
            return _view(browser.show(moves), moves, context)
        if picture(context.home, str(values["screenshot"])) is None:
            raise EffectFailed(
                "the picture that people were shown is not there; nothing was sent. Look at the page anew."
            )
        shown, status = browser.submit(moves, str(values["button"]), str(values["form"]))
        return _submitted(shown, status, context)

    def _before(self, did: Json) -> list[Move]:
        moves = [Move(**move) for move in did] if isinstance(did, list) else []  # type: ignore[arg-type]
        known = set(self._fields.pages.values())
        for place, move in enumerate(moves):
            if (move.do == "open") != (place == 0) or (move.do == "open" and move.on not in known):
                raise EffectFailed(
                    "what was done begins with one of the declared pages, opened once; nothing was sent."
                )
        return moves

    def _own(self, values: Mapping[str, Json]) -> list[Move]:
        match self._verb:
            case "open":
                return [Move("open", self._fields.pages[str(values["page"])])]
            case "fill":
                return [Move("fill", str(values["field"]), str(values["value"]))]
            case "select":
                return [Move("select", str(values["field"]), str(values["option"]))]
            case "click":
                return [Move("click", str(values["element"]))]
        return []


def _view(shown: Shown, moves: list[Move], context: ActionContext) -> View:
    return View(
        url=shown.url,
        title=shown.title[:200],
        did=[Did(do=move.do, on=move.on, value=move.value) for move in moves],
        elements=[
            Element(role=one.role, name=one.name, value=one.value, options=list(one.options))
            for one in shown.seen.elements
        ],
        text=shown.seen.text,
        form=shown.seen.form,
        screenshot=keep(context.home, shown.picture),
    )


def _submitted(shown: Shown, status: int, context: ActionContext) -> Submitted:
    try:
        screenshot = keep(context.home, shown.picture)
    except EffectNotDone as error:  # the form was sent; that its picture is not kept changes nothing about it
        raise AnswerUnknown(error.message.replace("nothing was done", "the form was sent")) from None
    return Submitted(status=status, url=shown.url, title=shown.title[:200], text=shown.seen.text, screenshot=screenshot)
