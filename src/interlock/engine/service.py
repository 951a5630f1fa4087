"""Runs from start to end: accept, drive to the next wait, take decisions, cancel.

One process drives a run at a time: it holds the run's lock, which the operating system releases when
the process dies.  Driving is a pure function of what is stored, so it may be repeated at any time.
"""

from __future__ import annotations

import json
from collections.abc import Iterator, Mapping, Sequence
from contextlib import AbstractContextManager
from dataclasses import dataclass
from typing import Any

from jsonschema import Draft202012Validator
from pydantic import ValidationError

from interlock.digest import canonical
from interlock.engine.answers import take
from interlock.engine.driver import Listener, silent
from interlock.engine.forking import fork
from interlock.engine.notifying import Delivered, deliver
from interlock.engine.project import Project, Workflow
from interlock.engine.retrying import retry
from interlock.engine.schedules import Scheduling
from interlock.errors import DecisionRefused, InputError, Refused, RunBusy, UsageError
from interlock.graphs.ahead import awaited_ahead
from interlock.graphs.cards import object_schema
from interlock.graphs.formats import FORMATS
from interlock.graphs.spec import awaited
from interlock.nodes.act import normal_arguments
from interlock.nodes.inputs import complete
from interlock.nodes.wait import payload_fault
from interlock.policies.origins import edited_by
from interlock.source import did_you_mean
from interlock.store.audit_export import written
from interlock.store.chain import Fault, Head
from interlock.store.locks import Hold, held
from interlock.store.people import known_as
from interlock.store.spend import ENDED
from interlock.store.tables import Approval, Entry, Pause, Run

DECISION_PATIENCE = 10.0
"""Seconds a recorded decision waits for the run's present driver to park before it drives the run itself."""

CANCEL_PATIENCE = 3.0
"""Seconds to wait for the process that drives a cancelled run to let go of it."""

EVENT_BYTES = 100_000
"""Bytes of one event's data; what is longer does not belong in a state."""


@dataclass(frozen=True)
class Standing:
    """A run and the questions it waits for."""

    run: Run
    waiting: list[Approval]
    pauses: Sequence[Pause] = ()
    """What it waits for besides people: moments and events."""


class Engine:
    """The runs of one project."""

    def __init__(self, project: Project, listener: Listener = silent) -> None:
        self.project = project
        self.services = project.services
        self._listener = listener
        self._driver = project.driver
        if listener is not silent:
            self._driver.listener = listener

    def start(self, workflow: Workflow, values: Mapping[str, Any], requester: str) -> Run:
        """Accept a run; it is stored, not yet driven.

        Raises:
            InputError: the input does not fit the graph.
            DecisionRefused: the requester's name is none, so nobody could be told apart from them.
            StoreUnavailable: nothing can be stored; nothing was started.
        """
        values = complete(workflow.spec, values)
        known_as(requester)
        run = self.services.runs.create(
            spec=workflow.spec.model_dump(mode="json", by_alias=True),
            spec_digest=workflow.spec.digest(),
            input=dict(values),
            requester=requester,
        )
        self._listener({"event": "started", "run": run.id, "graph": run.graph})
        return run

    def fork(self, run_id: str, at: str, edits: Mapping[str, Any], person: str) -> Run:
        """Accept a new run that begins where another was at a position, with these values in place of its own.

        Raises:
            NotFound, Refused, InputError, DecisionRefused, Conflict: see `forking.fork`; nothing was started.
        """
        made = fork(self.project, run_id, at, edits, person)
        self._listener({"event": "forked", "run": made.id, "graph": made.graph, "from": run_id, "at": at})
        return made

    def retry(self, run_id: str, person: str) -> Run:
        """Accept a new run that begins right before the step at which a run failed.

        Raises:
            NotFound, Refused, InputError, DecisionRefused, Conflict: see `retrying.retry`; nothing was started.
        """
        made = retry(self.project, run_id, person)
        self._listener({"event": "forked", "run": made.id, "graph": made.graph, "from": run_id})
        return made

    def standing(self, run_id: str) -> Standing:
        """How a run stands."""
        run = self.services.runs.get(run_id)
        if run.status in ENDED:
            return Standing(run, [])
        family = [each.id for each in self.services.runs.family(run_id)]
        return Standing(run, list(self.services.approvals.waiting_in(family)), self.services.pauses.waiting(family))

    def drive(self, run_id: str, *, patience: float = 0.0) -> Standing:
        """Drive a run until it ends or waits: for a person, a moment or an event.  A child run drives with its root.

        Args:
            patience: seconds to wait for another process that drives it.

        Raises:
            RunBusy: another process drives it.
            StoreUnavailable: the database cannot be used; the run can be resumed.
            ProjectError: the project no longer has what the run needs; mend it and resume.
        """
        run_id = self.services.runs.root(run_id).id
        with self._lease(run_id, patience):
            self._driver.drive(run_id)
            standing = self.standing(run_id)
        if self.project.notices.wanted:
            self.notify()
        self._listener(
            {
                "event": standing.run.status,
                "run": run_id,
                "outcome": standing.run.outcome,
                "output": standing.run.output,
                "error": standing.run.error,
                "approvals": [approval.id for approval in standing.waiting],
                "pauses": [{"event": pause.event, "due_at": pause.due_at} for pause in standing.pauses],
            }
        )
        return standing

    def notify(self) -> Delivered:
        """Deliver what people outside are to be told and is due now; what fails is tried again later.

        Requests whose time has come are escalated or closed before, so that people are told of that too.
        """
        self.services.approvals.expire()
        return deliver(self.project.notices, self.project.settings, self.services.audit, self.services.clock)

    # Events -------------------------------------------------------------------------------------

    def send(self, run_id: str, event: str, payload: Mapping[str, Any], sender: str) -> Pause | None:
        """Give a run an event that it waits for, or will; None where it is kept until the run waits for it.

        Raises:
            Refused: the run has ended, never waits for such an event or does so no more, or too many are unread.
            InputError: the payload fits no wait for this event, or is none that can be kept.
        """
        known_as(sender)
        try:
            size = len(canonical(dict(payload)))
        except (ValueError, TypeError, RecursionError) as error:
            raise InputError(f"the event {event} cannot be kept exactly as JSON: {error}; the run waits on.") from None
        if size > EVENT_BYTES:
            raise InputError(f"the event {event} has {size} bytes; at most {EVENT_BYTES} are taken, the run waits on.")
        run = self.services.runs.root(run_id)
        if run.status in ENDED:
            raise Refused(f"run {run.id} is {run.status}; it takes no more events.")
        waits = awaited(self._driver.graph(run.spec_digest)[1])
        fitting = [step for step in waits if step.event == event]
        if not fitting:
            known = ", ".join(sorted({str(step.event) for step in waits})) or "none"
            raise Refused(f"{run.graph} never waits for the event {event}; it waits for: {known}.")
        family = [each for each in self.services.runs.family(run.id) if each.status not in ENDED]
        open_now, ahead = self._waits_for(event, family)
        faults = [payload_fault(dict(payload), schema) for schema in (*open_now, *ahead)]
        if faults and all(faults):
            raise InputError(f"the event {event} does not fit: {faults[0]}; nothing was changed, the run waits on.")
        ids = [each.id for each in family]
        return self.services.pauses.send(run.id, ids, event, dict(payload), sender, keep=bool(ahead))

    def _waits_for(self, event: str, family: Sequence[Run]) -> tuple[list[dict[str, Any]], list[dict[str, Any]]]:
        """The schemas of the waits for `event` that are open in these runs, and of those they may still come to."""
        self.services.pauses.settle_due()
        waiting = self.services.pauses.waiting([each.id for each in family])
        ahead = []
        for each in family:
            visits = self.services.runs.visits(each.id)
            last = visits[-1] if visits else None
            at, left_by = (last.step, last.left_by) if last else (None, None)
            steps = awaited_ahead(self._driver.graph(each.spec_digest)[1], at, left_by)
            ahead += [object_schema(step.payload) for step in steps if step.event == event]
        return [pause.payload_schema for pause in waiting if pause.event == event], ahead

    def start_due(self) -> list[Run]:
        """Start the runs of the schedules whose moment has come; they are stored, not yet driven."""
        return Scheduling(self.project).start_due()

    def due(self) -> list[str]:
        """The runs that can go on because a moment has come or an event was sent, and those that are to end."""
        found = [*self.services.pauses.settled(), *self.services.runs.overdue()]
        roots = dict.fromkeys(self.services.runs.root(run_id).id for run_id in found)
        return [run_id for run_id in roots if self._driver.pending(run_id)]

    # Decisions ----------------------------------------------------------------------------------

    def approve(
        self,
        approval_id: str,
        person: str,
        *,
        comment: str = "",
        revision: int | None = None,
        answer: Mapping[str, Any] | None = None,
        on_behalf_of: str | None = None,
    ) -> Approval:
        """Approve a request; a form's answer is checked against its fields.

        Raises:
            DecisionRefused: see `Approvals.approve`; also when the answer does not fit the form.
        """
        approval = self.services.approvals.get(approval_id)
        form = approval.request.get("form") if approval.kind == "form" else None
        if answer and not form:
            raise DecisionRefused(f"{approval_id} has no form; change an action with `interlock review edit`.")
        if form:
            answer = _read_form(form, answer or {})
        return self.services.approvals.approve(
            approval_id,
            person,
            comment=comment,
            revision=revision,
            answer=dict(answer or {}),
            on_behalf_of=on_behalf_of,
        )

    def edit(
        self,
        approval_id: str,
        person: str,
        changes: Mapping[str, Any],
        *,
        comment: str = "",
        revision: int | None = None,
        on_behalf_of: str | None = None,
    ) -> Approval:
        """Change arguments of the proposed action: a new proposal, gated again when the run goes on.

        Raises:
            DecisionRefused: nothing changes, an argument does not exist or does not fit, or the person
                may not edit this.
        """
        approval = self.services.approvals.get(approval_id)
        if approval.effect_id is None:
            raise DecisionRefused(f"{approval_id} holds no action to edit; approve or reject it.")
        effect = self.services.ledger.get(approval.effect_id)
        action = self.services.action(effect.action)
        for name in changes:
            if name not in action.arguments.model_fields:
                known = ", ".join(action.arguments.model_fields)
                raise DecisionRefused(f"{action.name} has no argument {name}; it takes {known}.")
        try:
            arguments = normal_arguments(action, {**effect.arguments, **changes})
        except ValidationError as error:
            first = error.errors()[0]
            name = ".".join(str(part) for part in first["loc"])
            raise DecisionRefused(f"{name}: {first['msg']}; {approval_id} is still open.") from None
        if arguments == effect.arguments and not effect.missing:
            raise DecisionRefused(f"this edit changes nothing; {approval_id} is still open.")
        proposal = {
            "arguments": arguments,
            "missing": [],
            "labels": {**effect.labels, **dict.fromkeys(changes, "user")},
            "origins": {**(effect.origins or {}), **dict.fromkeys(changes, edited_by(person))},
            "evidence": {name: item for name, item in effect.evidence.items() if name not in changes},
        }
        self.services.approvals.edit(
            approval_id, person, proposal, comment=comment, revision=revision, on_behalf_of=on_behalf_of
        )
        return self.services.approvals.get(approval_id)

    def answer(
        self,
        approval_id: str,
        person: str,
        body: Any,
        *,
        revision: int | None = None,
        on_behalf_of: str | None = None,
    ) -> Approval:
        """Decide a request by an answer in any dialect; who decides is `person`, whatever the answer says.

        Args:
            body: JSON types, or JSON as bytes, in a form that docs/dialects.md lists.
            revision: the revision that was read; default is the one the answer is read against.
            on_behalf_of: whose vote it is, where they delegated it to `person`.

        Raises:
            NotFound: there is no such request.
            DecisionRefused: the answer has not one plain meaning, or this person, time or revision does not
                allow it; the question stays open.
        """
        return take(self, approval_id, person, body, revision=revision, on_behalf_of=on_behalf_of)

    def cancel(self, run_id: str, person: str) -> Run:
        """Cancel a run: open questions are withdrawn, nothing more is done; what was done stays done.

        Once it is on record, no node of the run begins and no intent is written, whoever drives it.

        Returns:
            the run: `cancelled`, or as it stands where another process is in a node of it and ends it after that.

        Raises:
            Refused: it has ended already.
        """
        run = self.services.runs.get(run_id)
        if run.parent_id:
            raise Refused(f"run {run_id} is part of {run.parent_id}; cancel {self.services.runs.root(run_id).id}.")
        asked = self.services.runs.cancel(run_id, person).cancelled_by or person
        try:
            with self._lease(run_id, CANCEL_PATIENCE):
                return self._driver.end(run_id, "cancelled", outcome="cancelled", actor=asked)
        except RunBusy:
            return self.services.runs.get(run_id)

    # Record -------------------------------------------------------------------------------------

    def history(self, run_id: str, newest: int | None = None) -> list[dict[str, Any]]:
        """Every audit entry about a run, its child runs, their effects and their requests, in order.

        Args:
            newest: only so many of the newest.
        """
        subjects = self.services.approvals.ids_in([each.id for each in self.services.runs.family(run_id)])
        with self.services.database.read() as session:
            return self.services.audit.about(session, run_id, subjects, newest)

    def audit_head(self) -> Head:
        """The head of the audit chain."""
        with self.services.database.read() as session:
            return self.services.audit.head(session)

    def audit_page(self, after: int, limit: int, *, newest: bool = False) -> list[Entry]:
        """The entries of the audit after that number, or, the newest first, before it; 0: from the end asked for."""
        with self.services.database.read() as session:
            return self.services.audit.page(session, after, limit, newest=newest)

    def audit_of(self, subject: str) -> list[Entry]:
        """Every entry of the audit about one thing, in order."""
        with self.services.database.read() as session:
            return self.services.audit.of_subject(session, subject)

    def audit_fault(self, *heads: tuple[int, str] | None) -> Fault | None:
        """The first fault of the audit chain, or None; it must reach and hold the heads that were kept elsewhere."""
        with self.services.database.read() as session:
            return self.services.audit.verify(session, [Head(*head) for head in heads if head is not None])

    def audit_lines(self) -> Iterator[bytes]:
        """Every entry of the audit, as lines of an export."""
        with self.services.database.read() as session:
            yield from written(self.services.audit.links(session))

    def _lease(self, run_id: str, patience: float) -> AbstractContextManager[Hold]:
        """Hold the run: one process drives it at a time."""
        self.services.runs.get(run_id)
        busy = f"run {run_id} is being driven by another process; wait until it has parked."
        return held(self.services.database, self.project.home, f"run {run_id}", busy=busy, patience=patience)


def _read_form(form: Mapping[str, Any], answer: Mapping[str, Any]) -> dict[str, Any]:
    """The answer as the form's types; text from a command line becomes numbers and booleans where asked."""
    read: dict[str, Any] = {}
    for name, value in answer.items():
        wanted = form["properties"].get(name, {}).get("type")
        if isinstance(value, str) and wanted in ("integer", "number", "boolean", "array", "object"):
            try:
                value = json.loads(value)
            except ValueError:
                like = "true or false" if wanted == "boolean" else f"{wanted}, as JSON"
                raise DecisionRefused(f"{name} takes {like}, not {value!r}; the question is still open.") from None
        read[name] = value
    missing = [name for name in form["required"] if name not in read]
    for name in read:
        if name not in form["properties"]:
            close = did_you_mean(name, form["properties"])
            hint = f"did you mean {close}?" if close else f"it has {', '.join(form['properties']) or 'no fields'}."
            raise DecisionRefused(f"the form has no field {name}; {hint} The question is still open.")
    if missing:
        raise DecisionRefused(f"{missing[0]} is missing: add --set {missing[0]}=...; the question is still open.")
    for fault in Draft202012Validator(dict(form), format_checker=FORMATS).iter_errors(read):
        raise DecisionRefused(f"the form does not accept this: {fault.message}; the question is still open.")
    return read


def read_changes(pairs: list[str]) -> dict[str, Any]:
    """`name=value` pairs as arguments; a value that starts like a JSON list or object is read as JSON.

    Raises:
        UsageError: a pair has no `=`, or its JSON is broken.
    """
    changes: dict[str, Any] = {}
    for pair in pairs:
        name, found, text = pair.partition("=")
        if not found or not name:
            raise UsageError(f"--set takes name=value, not {pair!r}.")
        if text[:1] in ("[", "{"):
            try:
                changes[name] = json.loads(text)
            except ValueError:
                raise UsageError(f"--set {name}: the value starts like JSON but is none.") from None
        else:
            changes[name] = text
    return changes
