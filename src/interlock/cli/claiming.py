"""`interlock review claim` and `release`: who is at work on a request."""

from __future__ import annotations

from typing import Annotated

import typer

from interlock.cli.identity import TokenFile, acting_as
from interlock.cli.output import console, print_json
from interlock.cli.runs import open_engine
from interlock.engine.objects import claim_object
from interlock.errors import UsageError

Id = Annotated[str, typer.Argument(metavar="ID", help="Id of the request.")]
As = Annotated[str, typer.Option("--as", metavar="NAME", help="Who claims it.")]
AsJson = Annotated[bool, typer.Option("--json", help="Print JSON.")]
OnBehalfOf = Annotated[
    str | None, typer.Option("--on-behalf-of", metavar="NAME", help="Whose vote it is, who delegated it to you.")
]


def claim(
    approval_id: Id,
    person: As,
    token: TokenFile = None,
    lease: Annotated[str, typer.Option("--lease", metavar="SPAN", help="How long: 30m, 2h.")] = "30m",
    take_over: Annotated[bool, typer.Option("--take-over", help="Take it from whoever holds it.")] = False,
    on_behalf_of: OnBehalfOf = None,
    as_json: AsJson = False,
) -> None:
    """Keep others from deciding a request while you look at it; it lapses by itself."""
    from pydantic import TypeAdapter, ValidationError

    from interlock.policies.declared import Duration

    try:
        span = TypeAdapter(Duration).validate_python(lease)
    except ValidationError:
        raise UsageError(f"--lease takes a span such as 30m or 2h, not {lease!r}.") from None
    engine = open_engine(False)
    person = acting_as(engine.services, person, token)
    found = engine.services.approvals.claim(
        approval_id, person, lease=span, take_over=take_over, on_behalf_of=on_behalf_of
    )
    if as_json:
        print_json({"claim": claim_object(found)})
    else:
        console().print(f"{approval_id} is {found.person}'s until {found.until.isoformat(timespec='minutes')}.")


def release(approval_id: Id, person: As, token: TokenFile = None, as_json: AsJson = False) -> None:
    """Give a claim back before it lapses."""
    engine = open_engine(False)
    person = acting_as(engine.services, person, token)
    engine.services.approvals.release(approval_id, person)
    if as_json:
        print_json({"claim": None})
    else:
        console().print(f"{approval_id} is released.")
