"""The state of a run at one position, and the form that begins a new run there with other values."""

import json
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Annotated, Any

from fastapi import APIRouter, Request
from fastapi.responses import HTMLResponse, RedirectResponse, Response

from interlock.engine.forking import answered_keys, edit_faults
from interlock.engine.states import Position, State, States, difference
from interlock.errors import InputError, Refused
from interlock.graphs.spec import keys_of
from interlock.policies.provenance import rank
from interlock.web.decisions import read_form
from interlock.web.desk.compared import pieces, told
from interlock.web.desk.runs import TONES
from interlock.web.parts import Body, Parts
from interlock.web.problems import Problem
from interlock.web.rights import Visitor, needs

SET = "set."
"""What the name of each field of the form begins with, before its key."""


@dataclass(frozen=True)
class Field:
    """One key of the form."""

    key: str
    text: str
    """As it stands in the form."""
    is_text: bool
    """Whether it is read as it stands; else as JSON."""
    label: str = ""
    words: str = ""
    kept: str = ""
    """Why it cannot be set; empty where it can."""
    fault: str = ""

    @property
    def rows(self) -> int:
        return min(max(self.text.count("\n") + 1, len(self.text) // 80 + 1), 12)


def routes(parts: Parts) -> APIRouter:
    """Positions of a run, and forks."""
    router, engine = APIRouter(), parts.engine

    @router.get("/runs/{run_id}/at/{position}")
    def state(run_id: str, position: str, who: Annotated[Visitor, needs("runs.read")]) -> Response:
        """What the run held there, where each value came from, and what had changed."""
        return HTMLResponse(_state_page(parts, who, run_id, position))

    @router.get("/runs/{run_id}/fork")
    def form(run_id: str, request: Request, who: Annotated[Visitor, needs("runs.fork")]) -> Response:
        """The form, at a position; without one, at the last."""
        at = request.query_params.get("at") or States(engine.project).positions(run_id)[-1].name
        found = States(engine.project).at(run_id, at)
        return HTMLResponse(_fork_page(parts, who, run_id, found, _fields(parts, run_id, found)))

    @router.post("/runs/{run_id}/fork")
    def fork(run_id: str, request: Request, body: Body, who: Annotated[Visitor, needs("runs.fork")]) -> Response:
        """Begin the new run, or show the form again with what is wrong."""
        sent = read_form(request.headers.get("content-type", ""), body)
        found = States(engine.project).at(run_id, sent.get("at", ""))
        fields = _fields(parts, run_id, found)
        edits, faults = _edits(fields, sent)
        spec = engine.project.pinned(parts.services.runs.get(run_id).spec_digest).spec
        faults |= edit_faults(engine.project, spec, {key: value for key, value in edits.items() if key not in faults})
        problem = ""
        if not faults:
            try:
                made = engine.fork(run_id, found.position.name, edits, who.name)
            except (InputError, Refused) as error:
                problem = error.message
            else:
                parts.driving.go_on(made.id)
                return RedirectResponse(f"/runs/{made.id}", 303)
        again = [
            Field(f.key, sent.get(SET + f.key, f.text), f.is_text, f.label, f.words, f.kept, faults.get(f.key, ""))
            for f in fields
        ]
        return HTMLResponse(_fork_page(parts, who, run_id, found, again, problem), 422)

    return router


def _state_page(parts: Parts, who: Visitor, run_id: str, name: str) -> str:
    states, run = States(parts.engine.project), parts.services.runs.get(run_id)
    positions = states.positions(run_id)
    place = next((number for number, each in enumerate(positions) if each.name == name), None)
    here = states.at(run_id, name)  # which tells of a position that there is none of
    assert place is not None
    before = states.at(run_id, positions[place - 1].name) if place else None
    changes = difference(before, here) if before else []
    return parts.templates.page(
        "desk/state.html",
        who,
        here="/runs",
        run=run,
        tone=TONES[run.status],
        position=here.position,
        positions=positions,
        told=words_of(here.position),
        before=positions[place - 1].name if place else None,
        after=positions[place + 1].name if place + 1 < len(positions) else None,
        changes=[{"key": each.key, "pieces": pieces(each.before, each.after), "known": each.known} for each in changes],
        values=_values(here),
        forks=who.may("runs.fork") and not run.parent_id,
    )


def words_of(position: Position) -> str:
    """A position in words."""
    if position.waits:
        return f"waited in {position.step} for {position.waits}"
    if position.name == "0":
        return "accepted, not begun"
    return f"left {position.step}: {position.outcome}" if position.outcome else f"entered {position.step}"


def _values(state: State) -> list[dict[str, Any]]:
    """Every key with its value, its label and where it came from; those that were forgotten say so."""
    found = []
    for key in sorted({*state.values, *state.forgotten}):
        source = state.sources.get(key)
        label, words = _source(state, key)
        untrusted = source is not None and rank(source.at()[0]) < rank("record")
        row: dict[str, Any] = {"key": key, "label": label, "words": words, "untrusted": untrusted}
        forgotten = state.forgotten.get(key)
        found.append(
            row | {"text": told(state.values.get(key)), "forgotten": forgotten.position if forgotten else None}
        )
    return found


def _source(state: State, key: str) -> tuple[str, str]:
    source = state.sources.get(key)
    if source is None:
        return "", ""
    label, origin = source.at()
    return label, origin.words()


def _fields(parts: Parts, run_id: str, state: State) -> list[Field]:
    """A field for each key of the graph, with the value that the state holds."""
    project = parts.engine.project
    spec = project.pinned(parts.services.runs.get(run_id).spec_digest).spec
    answers, first = answered_keys(spec), state.position.visits == 0
    found = []
    for key in keys_of(spec):
        if first and key not in spec.input:
            continue  # nothing is written yet but the input
        value = state.values.get(key)
        declared = spec.input[key].type if key in spec.input else None
        label, words = _source(state, key)
        kept = "People answered this; nobody sets it for them." if key in answers else ""
        found.append(Field(key, told(value), isinstance(value, str) or declared == "string", label, words, kept))
    return found


def _edits(fields: list[Field], sent: Mapping[str, str]) -> tuple[dict[str, Any], dict[str, str]]:
    """The values that were changed, by key, and what cannot be read of them.

    Raises:
        Problem: a field is none of the form's.
    """
    edits: dict[str, Any] = {}
    faults: dict[str, str] = {}
    known = {SET + field.key for field in fields}
    for name in sent:
        if name.startswith(SET) and name not in known:
            raise Problem(400, f"The run has no key {name.removeprefix(SET)[:60]!r} at this position.")
    for field in fields:
        text = sent.get(SET + field.key)
        if text is None or text == _as_sent(field.text) or field.kept:
            continue
        if field.is_text:
            edits[field.key] = text
        elif not text.strip():
            faults[field.key] = "it has no value now; leave it as it was, or write one as JSON"
        else:
            try:
                edits[field.key] = json.loads(text)
            except (ValueError, RecursionError) as error:
                faults[field.key] = f"this is no JSON: {str(error)[:120]}; a text stands in double quotes"
    return edits, faults


def _as_sent(text: str) -> str:
    """A text as a browser sends it back, and `read_form` reads it."""
    return text.replace("\r\n", "\n").replace("\r", "\n")


def _fork_page(parts: Parts, who: Visitor, run_id: str, state: State, fields: list[Field], problem: str = "") -> str:
    run = parts.services.runs.get(run_id)
    return parts.templates.page(
        "desk/fork.html",
        who,
        here="/runs",
        run=run,
        position=state.position,
        told=words_of(state.position),
        positions=[(each.name, words_of(each)) for each in States(parts.engine.project).positions(run_id)],
        fields=fields,
        faults=[field for field in fields if field.fault],
        problem=problem,
    )
