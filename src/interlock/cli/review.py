"""`interlock review`: the approval queue at the terminal."""

from __future__ import annotations

import json
from collections.abc import Iterator
from typing import TYPE_CHECKING, Annotated, Any

import typer

from interlock.cli.batch import conclude_batch, read_batch, seen
from interlock.cli.claiming import OnBehalfOf
from interlock.cli.identity import TokenFile, acting_as
from interlock.cli.output import (
    EXIT_DONE,
    EXIT_FAILED,
    console,
    form_fields,
    next_step,
    print_json,
)
from interlock.cli.runs import open_engine, tell
from interlock.engine.objects import approval_object, left, run_object, vote_object, waiting_objects
from interlock.errors import DrivenElsewhere, RunBusy, UsageError

if TYPE_CHECKING:
    from interlock.engine.service import Engine, Standing
    from interlock.store.tables import Approval

app = typer.Typer(no_args_is_help=True, help="Decide what waits for a person.")

AsJson = Annotated[bool, typer.Option("--json", help="Print JSON.")]
As = Annotated[str, typer.Option("--as", metavar="NAME", help="Who decides.")]
Id = Annotated[str, typer.Argument(metavar="ID", help="Id of the request.")]
Comment = Annotated[str, typer.Option("--comment", help="Why.")]
Sets = Annotated[list[str] | None, typer.Option("--set", metavar="NAME=VALUE", help="One value.")]
Revision = Annotated[int | None, typer.Option("--revision", help="Refuse unless this is the revision you read.")]
Detach = Annotated[bool, typer.Option("--detach", help="Only record the decision; drive the run later.")]


@app.command("list")
def list_requests(as_json: AsJson = False) -> None:
    """List what waits, oldest first."""
    engine = open_engine(as_json)
    found = engine.services.approvals.waiting()
    if as_json:
        print_json({"approvals": waiting_objects(found, engine.services.approvals)})
        return
    if not found:
        console().print("Nothing waits for a decision.")
        return
    claims = engine.services.approvals.claimed(found)
    for row in found:
        time_left = left(row.decide_before, engine.services.clock())
        risk = row.request.get("risk") or row.kind
        notes = [f"{time_left} left", row.run_id]
        notes += [f"claimed by {claims[row.id].person}"] if row.id in claims else []
        notes += ["too few people left"] if row.request.get("shortage") else []
        console().print(f"{row.id}  {risk:<8} {row.request.get('title')}  ({', '.join(notes)})", markup=False)
    console().print(f"Look: interlock review show {found[0].id}")


@app.command()
def show(
    approval_id: Id,
    dialect: Annotated[
        str | None, typer.Option("--dialect", metavar="NAME", help="Print the request as a client of NAME reads it.")
    ] = None,
    as_json: AsJson = False,
) -> None:
    """Show one request: the exact action, why it stopped, and where each value came from."""
    engine = open_engine(as_json)
    engine.services.approvals.expire()
    row = engine.services.approvals.get(approval_id)
    if dialect is not None:
        print_json(in_dialect(row, dialect))
        return
    if as_json:
        approvals = engine.services.approvals
        votes = [vote_object(vote) for vote in approvals.votes(approval_id)]
        inputs = engine.services.ledger.get(row.effect_id).inputs if row.effect_id else None
        print_json(waiting_objects([row], approvals)[0] | {"votes": votes, "inputs": inputs})
        return
    describe(row, engine)


def in_dialect(row: Approval, name: str) -> dict[str, Any]:
    """The request in the dialect of that name."""
    from interlock.nodes.dialects.answer import DIALECTS
    from interlock.nodes.dialects.emit import shown

    for dialect in DIALECTS:
        if dialect == name:
            return shown(row, dialect)
    raise UsageError(f"there is no dialect {name}; there are {', '.join(DIALECTS)}.")


_SETTLED = {"happened": "is answered: it happened", "did_not_happen": "is answered: it did not happen"}
_KINDS = {"action": "action", "question": "something is missing", "doubt": "in doubt", "form": "question"}


def describe(row: Approval, engine: Engine) -> None:
    """A request in plain text, effect first."""
    out, request = console(), row.request
    out.print(f"{request.get('title')}", markup=False, style="bold")
    risk = f"{request['risk']} risk, " if request.get("risk") else ""
    clock = "" if row.kind == "doubt" else f", {left(row.decide_before, engine.services.clock())} left, then refused"
    out.print(f"{risk}{_KINDS[row.kind]}, {row.state}{clock if row.state == 'waiting' else ''}", markup=False)
    out.print(f"run {row.run_id}, step {row.step}, revision {row.revision}", markup=False)
    if request.get("question") and request["question"] != request.get("title"):
        out.print(f"\n{request['question']} {request.get('because', '')}".rstrip(), markup=False)
    for name, value in (request.get("arguments") or {}).items():
        label, words = _whence(name, request)
        out.print(f"\n{name} (from: {label})", markup=False, style="bold")
        if words:
            out.print(f"  {words}", markup=False, style="dim")
        out.print(_legible(value), markup=False)
    for name, value in (request.get("shown") or {}).items():
        out.print(f"\n{name}", markup=False, style="bold")
        out.print(_legible(value), markup=False)
    needed = (request.get("form") or {}).get("required", [])
    for name, field in form_fields(row).items():
        optional = "" if name in needed else ", may be left out"
        out.print(f"\nto answer: {name} ({_wanted(field)}{optional})", markup=False, style="bold")
    if request.get("missing"):
        out.print(f"\nmissing: {', '.join(request['missing'])}", markup=False, style="bold")
    if request.get("reasons"):
        out.print("\nwhy it stopped", style="bold")
        for reason in request["reasons"]:
            out.print(f"  {reason['rule']}: {reason['effect']}, {reason['because']}", markup=False)
    if row.state == "waiting":
        people = engine.services.approvals.may_decide(row)
        if people is not None:
            out.print(f"\nwho may decide: {', '.join(people) or 'nobody is left; cancel the run'}", markup=False)
        for line in _notes(row, engine):
            out.print(line, markup=False)
        out.print(f"\nDecide: {next_step(row)}", markup=False)


def _notes(row: Approval, engine: Engine) -> Iterator[str]:
    """Who votes for whom, who is at work on it, and what became of asking so far."""
    approvals = engine.services.approvals
    for name, delegators in approvals.deputies(row).items():
        yield f"{name} may decide with --on-behalf-of {' or '.join(delegators)}"
    for vote in approvals.votes(row.id):
        behalf = f" on behalf of {vote.on_behalf_of}" if vote.on_behalf_of else ""
        yield f"{vote.person} has voted{behalf}: {vote.verdict}"
    for when in approvals.escalated([row]).values():
        yield f"escalated at {when.isoformat(timespec='minutes')}"
    for claim in approvals.claimed([row]).values():
        yield f"claimed by {claim.person} until {claim.until.isoformat(timespec='minutes')}"
    if row.request.get("shortage"):
        yield str(row.request["shortage"])


def _whence(name: str, request: dict[str, Any]) -> tuple[str, str]:
    """The label of an argument, marked where anybody may have written it, and where it came from in words."""
    label = request.get("provenance", {}).get(name, "default")
    known = request.get("origins", {}).get(name)
    words = known["words"] if known is not None else ""
    return ("untrusted !!", f"untrusted: {words}" if words else "") if label == "untrusted" else (label, words)


def _legible(value: Any) -> str:
    """A value as people read it: text as it is, everything else as JSON."""
    return value if isinstance(value, str) else json.dumps(value, ensure_ascii=False, indent=2)


def _wanted(field: dict[str, Any]) -> str:
    """What a form's field takes, in words."""
    if field.get("enum"):
        return "one of " + ", ".join(map(str, field["enum"]))
    bounds = [f"at least {field['minimum']}"] if "minimum" in field else []
    bounds += [f"at most {field['maximum']}"] if "maximum" in field else []
    bounds += [f"at most {field['maxLength']} characters"] if "maxLength" in field else []
    return ", ".join([str(field.get("format") or field.get("type")), *bounds])


@app.command()
def approve(
    ids: Annotated[
        list[str],
        typer.Argument(metavar="ID…", help="Id of the request; of several that are alike, each as ID@REVISION."),
    ],
    person: As,
    token: TokenFile = None,
    comment: Comment = "",
    answers: Sets = None,
    revision: Revision = None,
    on_behalf_of: OnBehalfOf = None,
    detach: Detach = False,
    as_json: AsJson = False,
) -> None:
    """Agree to a request; `--set` fills the fields of a form.  Several actions that are alike go in one command."""
    from interlock.engine.batches import approve_batch
    from interlock.engine.service import read_changes

    batch = read_batch(ids) if len(ids) > 1 else []
    if batch and (answers or revision is not None):
        raise UsageError("--set and --revision are for one request; of several each is written ID@REVISION.")
    engine = open_engine(False)
    person = acting_as(engine.services, person, token)
    if batch:
        taken = approve_batch(engine, batch, person, comment=comment, on_behalf_of=on_behalf_of)
        conclude_batch(engine, taken, detach, as_json)
    approval_id, read = seen(ids[0])
    row = engine.approve(
        approval_id,
        person,
        comment=comment,
        revision=read if revision is None else revision,
        answer=read_changes(answers or []),
        on_behalf_of=on_behalf_of,
    )
    _conclude(engine, row, detach, as_json)


@app.command()
def edit(
    approval_id: Id,
    person: As,
    token: TokenFile = None,
    changes: Sets = None,
    comment: Comment = "",
    revision: Revision = None,
    on_behalf_of: OnBehalfOf = None,
    detach: Detach = False,
    as_json: AsJson = False,
) -> None:
    """Change the action: a new proposal that is gated again, for somebody else to approve."""
    from interlock.engine.service import read_changes

    if not changes:
        raise UsageError("an edit needs at least one --set NAME=VALUE.")
    engine = open_engine(False)
    person = acting_as(engine.services, person, token)
    row = engine.edit(
        approval_id, person, read_changes(changes), comment=comment, revision=revision, on_behalf_of=on_behalf_of
    )
    _conclude(engine, row, detach, as_json)


@app.command()
def reject(
    approval_id: Id,
    person: As,
    token: TokenFile = None,
    comment: Comment = "",
    revision: Revision = None,
    on_behalf_of: OnBehalfOf = None,
    detach: Detach = False,
    as_json: AsJson = False,
) -> None:
    """Refuse the action; a reason is required."""
    engine = open_engine(False)
    person = acting_as(engine.services, person, token)
    row = engine.services.approvals.reject(
        approval_id, person, comment=comment, revision=revision, on_behalf_of=on_behalf_of
    )
    _conclude(engine, row, detach, as_json)


@app.command()
def respond(
    approval_id: Id,
    person: As,
    token: TokenFile = None,
    happened: Annotated[
        bool | None, typer.Option("--happened/--did-not-happen", help="Did the action in doubt happen?")
    ] = None,
    comment: Comment = "",
    revision: Revision = None,
    on_behalf_of: OnBehalfOf = None,
    detach: Detach = False,
    as_json: AsJson = False,
) -> None:
    """Settle an action in doubt: did it happen?"""
    if happened is None:
        raise UsageError("say --happened or --did-not-happen.")
    engine = open_engine(False)
    person = acting_as(engine.services, person, token)
    row = engine.services.approvals.respond(
        approval_id, person, happened=happened, comment=comment, revision=revision, on_behalf_of=on_behalf_of
    )
    _conclude(engine, row, detach, as_json)


@app.command()
def answer(
    approval_id: Id,
    person: As,
    file: Annotated[typer.FileBinaryRead, typer.Option("--file", metavar="FILE", help="The answer; - for stdin.")],
    token: TokenFile = None,
    revision: Revision = None,
    detach: Detach = False,
    as_json: AsJson = False,
) -> None:
    """Decide by an answer in JSON, as a client of LangChain, Agent Inbox, AG-UI or Pydantic AI sends it."""
    from interlock.nodes.dialects.read import MOST_BYTES

    engine = open_engine(False)
    person = acting_as(engine.services, person, token)
    row = engine.answer(approval_id, person, file.read(MOST_BYTES + 1), revision=revision)
    _conclude(engine, row, detach, as_json)


def drive_on(engine: Engine, run_id: str) -> Standing:
    """Drive a run after a decision, waiting for its present driver to park."""
    from interlock.engine.service import DECISION_PATIENCE

    return engine.drive(run_id, patience=DECISION_PATIENCE)


def _conclude(engine: Engine, row: Approval, detach: bool, as_json: bool) -> None:
    """Drive the run on after a decision, tell how both stand, and exit: 1 only when the run failed."""
    if detach:
        standing = engine.standing(row.run_id)
    else:
        try:
            standing = drive_on(engine, row.run_id)
        except (RunBusy, DrivenElsewhere):
            standing = engine.standing(row.run_id)  # the decision is stored; the run's driver goes on with it
    if as_json:
        told = {"approval": approval_object(engine.services.approvals.get(row.id)), "run": run_object(standing.run)}
        print_json(told | {"approvals": [approval_object(item) for item in standing.waiting]})
    else:
        votes, needed = len(engine.services.approvals.votes(row.id)), row.requirement.get("count", 1)
        if row.state == "waiting" and votes < needed:
            console().print(f"{row.id}: {votes} of {needed} agree.")
        else:
            decision = (row.answer or {}).get("decision", row.state)
            console().print(f"{row.id} {_SETTLED.get(decision) or f'is {decision}'}.")
        tell(standing)
    raise typer.Exit(EXIT_FAILED if standing.run.status == "failed" else EXIT_DONE)
