"""`interlock people`: who there is, and the tokens that prove it."""

from __future__ import annotations

from datetime import datetime, timedelta
from typing import TYPE_CHECKING, Annotated, Any

import typer

from interlock.cli.identity import TokenFile, given_token
from interlock.cli.output import console, print_json
from interlock.cli.runs import open_engine
from interlock.errors import NotFound

if TYPE_CHECKING:
    from interlock.nodes.services import Services
    from interlock.store.tables import Credential

app = typer.Typer(no_args_is_help=True, help="Say who there is, and give people the tokens that prove it.")

AsJson = Annotated[bool, typer.Option("--json", help="Print JSON.")]
As = Annotated[str | None, typer.Option("--as", metavar="NAME", help="Who does this; default: you.")]
Owner = Annotated[bool, typer.Option("--owner", help="As the owner of the home's files, not by a token.")]
Person = Annotated[str, typer.Argument(metavar="NAME", help="Name of the person.")]


@app.command("list")
def list_people(as_json: AsJson = False) -> None:
    """List the people of policies/people.yaml, and everybody who was given a token."""
    from interlock.store.people import known_as

    services = open_engine(False).services
    roles = {known_as(name): list(held) for name, held in services.policies.people.people.items()}
    tokens: dict[str, list[Credential]] = {name: [] for name in roles}
    for row in services.credentials.all():
        tokens.setdefault(row.person, []).append(row)
    if as_json:
        print_json(
            {
                "proof": services.credentials.needed() is not None,
                "people": [
                    {"name": name, "roles": roles.get(name, []), "tokens": [token_object(row) for row in rows]}
                    for name, rows in sorted(tokens.items())
                ],
            }
        )
        return
    now = services.clock()
    for name, rows in sorted(tokens.items()):
        console().print(f"{name}  {', '.join(roles.get(name, [])) or 'no role'}", markup=False)
        for row in rows:
            console().print(f"  {row.id}  {_standing(row, now)}{f'  {row.note}' if row.note else ''}", markup=False)
    if not services.credentials.issued():
        console().print("Nobody has a token. Give one: interlock people token NAME")


@app.command()
def add(
    name: Person,
    role: Annotated[list[str] | None, typer.Option("--role", metavar="ROLE", help="A role; repeatable.")] = None,
) -> None:
    """Write a person and their roles into policies/people.yaml."""
    from interlock.engine.identity import new_name
    from interlock.policies.people import add_person

    engine = open_engine(False)
    person = new_name(engine.services, name)
    path = add_person(engine.project.root / "policies", person, role or [])
    console().print(f"{person} stands in {path}. Next: interlock check, then interlock people token {person}")


@app.command()
def token(
    name: Person,
    days: Annotated[int, typer.Option("--days", min=1, max=3650, help="Days until it expires.")] = 90,
    note: Annotated[str, typer.Option("--note", metavar="TEXT", help="What it is for, as in: laptop.")] = "",
    person: As = None,
    token_file: TokenFile = None,
    owner: Owner = False,
    as_json: AsJson = False,
) -> None:
    """Give a person a token; it is printed once, and only its hash is kept."""
    from interlock.engine.identity import administering, new_name, roles_of

    services = open_engine(False).services
    first = not services.credentials.issued()
    secret = None if owner else given_token(services, person, token_file)
    by = administering(services, person, secret, owner=owner)
    issued, made = services.credentials.issue(
        new_name(services, name), by=by, lasting=timedelta(days=days), note=note, first=first
    )
    if as_json:
        print_json({"token": made} | token_object(issued))
        return
    told = console(stderr=True)
    if not roles_of(services, issued.person):
        told.print(f"{issued.person} holds no role in policies/people.yaml.", markup=False)
    if first:
        told.print("This is the first token of this home: from now on --as needs one.", markup=False)
    told.print(f"token {issued.id} of {issued.person}, until {issued.expires_at:%Y-%m-%d %H:%M} UTC", markup=False)
    console().print(made, markup=False)
    told.print("It is not shown again. Use it: INTERLOCK_TOKEN, or --token-file FILE", markup=False)


@app.command()
def revoke(
    what: Annotated[str, typer.Argument(metavar="TOKEN_ID|NAME", help="Id of a token, or whose tokens all go.")],
    person: As = None,
    token_file: TokenFile = None,
    owner: Owner = False,
    as_json: AsJson = False,
) -> None:
    """Make tokens worthless from now on: one by its id, or all of a person's. Anybody may revoke their own."""
    from interlock.engine.identity import acting, administering

    services = open_engine(False).services
    secret = None if owner else given_token(services, person, token_file)
    rows = _meant(services, what)
    if not rows:
        raise NotFound(f"there is no token {what}, and nobody of that name has one; see: interlock people list")
    if owner or {row.person for row in rows} != {acting(services, person, secret)}:
        by = administering(services, person, secret, owner=owner)
    else:
        by = rows[0].person
    revoked = [services.credentials.revoke(row.id, by=by) for row in rows]
    if as_json:
        print_json({"tokens": [token_object(row) for row in revoked]})
        return
    for row in revoked:
        console().print(f"token {row.id} of {row.person} is revoked.", markup=False)


def _meant(services: Services, what: str) -> list[Credential]:
    """The tokens that an id or a person's name means; those that are revoked already only by their id."""
    rows = services.credentials.all()
    return [row for row in rows if row.id == what] or [
        row for row in rows if row.person == what.casefold() and row.revoked_at is None
    ]


def token_object(row: Credential) -> dict[str, Any]:
    """A token as JSON, without what proves anything."""
    return {
        "id": row.id,
        "person": row.person,
        "note": row.note,
        "issued_by": row.issued_by,
        "created_at": row.created_at,
        "expires_at": row.expires_at,
        "revoked_at": row.revoked_at,
        "last_used_at": row.last_used_at,
    }


def _standing(row: Credential, now: datetime) -> str:
    """How a token stands, in words."""
    if row.revoked_at is not None:
        return f"revoked {row.revoked_at:%Y-%m-%d}"
    if now >= row.expires_at:
        return f"expired {row.expires_at:%Y-%m-%d}"
    used = f"last used {row.last_used_at:%Y-%m-%d}" if row.last_used_at else "never used"
    return f"until {row.expires_at:%Y-%m-%d}, {used}"
