"""`interlock review delegate`, `delegations` and `revoke`: votes given to somebody else for a time."""

from __future__ import annotations

from datetime import datetime
from typing import Annotated

import typer

from interlock.cli.identity import TokenFile, acting_as
from interlock.cli.output import console, print_json
from interlock.cli.runs import open_engine
from interlock.engine.objects import delegation_object
from interlock.errors import UsageError

AsJson = Annotated[bool, typer.Option("--json", help="Print JSON.")]


def delegate(
    person: Annotated[str, typer.Option("--as", metavar="NAME", help="Whose votes they are: you.")],
    to: Annotated[str, typer.Option("--to", metavar="NAME", help="Who may vote on your behalf.")],
    until: Annotated[str, typer.Option("--until", metavar="TIME", help="When it ends: 2026-12-24T18:00+01:00.")],
    begins: Annotated[str | None, typer.Option("--from", metavar="TIME", help="When it begins; default: now.")] = None,
    role: Annotated[
        str | None, typer.Option("--role", metavar="ROLE", help="Only for this role; default: every role you hold.")
    ] = None,
    token: TokenFile = None,
    as_json: AsJson = False,
) -> None:
    """Let somebody vote on your behalf for a time; they cannot pass it on."""
    engine = open_engine(False)
    person = acting_as(engine.services, person, token)
    row = engine.services.approvals.delegations.give(
        person, to, begins_at=_moment(begins, "--from") if begins else engine.services.clock(),
        ends_at=_moment(until, "--until"), role=role,
    )  # fmt: skip
    if as_json:
        print_json({"delegation": delegation_object(row)})
    else:
        console().print(
            f"{row.id}: {row.delegate} may vote on behalf of {row.delegator} ({row.role or 'every role'}) "
            f"from {_text(row.begins_at)} until {_text(row.ends_at)}.", markup=False
        )  # fmt: skip


def delegations(as_json: AsJson = False) -> None:
    """List the delegations there were and are, oldest first."""
    from interlock.store.delegations import standing

    engine = open_engine(False)
    rows = engine.services.approvals.delegations.all()
    if as_json:
        print_json({"delegations": [delegation_object(row) for row in rows]})
        return
    if not rows:
        console().print("Nobody has delegated anything.")
    for row in rows:
        console().print(f"{row.id}  {standing(row, engine.services.clock())}", markup=False)


def revoke(
    delegation_id: Annotated[str, typer.Argument(metavar="ID", help="Id of the delegation.")],
    person: Annotated[str, typer.Option("--as", metavar="NAME", help="Who delegated, or their delegate.")],
    token: TokenFile = None,
    as_json: AsJson = False,
) -> None:
    """End a delegation now."""
    engine = open_engine(False)
    person = acting_as(engine.services, person, token)
    row = engine.services.approvals.delegations.revoke(delegation_id, person)
    if as_json:
        print_json({"delegation": delegation_object(row)})
    else:
        console().print(f"{row.id} is revoked; {row.delegate} votes for {row.delegator} no more.", markup=False)


def _moment(text: str, option: str) -> datetime:
    """A time as it is typed; one without a zone is of this machine's.

    Raises:
        UsageError: it is none.
    """
    try:
        return datetime.fromisoformat(text).astimezone()
    except ValueError:
        raise UsageError(
            f"{option} takes a time such as 2026-12-24T18:00 or 2026-12-24T18:00+01:00, not {text!r}."
        ) from None


def _text(moment: datetime) -> str:
    return moment.isoformat(timespec="minutes")
