"""`interlock users`: who has access to the page and the API, in which roles, and how they get in."""

from __future__ import annotations

import sys
from typing import TYPE_CHECKING, Annotated, Any

import typer

from interlock.cli.identity import TokenFile, given_token
from interlock.cli.output import console, print_json
from interlock.cli.people import As, AsJson, Owner, Person
from interlock.cli.runs import open_engine
from interlock.errors import UsageError

if TYPE_CHECKING:
    from pathlib import Path

    from interlock.nodes.services import Services
    from interlock.store.tables import User
    from interlock.store.users import Role

app = typer.Typer(no_args_is_help=True, help="Say who has access to the page and the API, and in which roles.")

Roles = Annotated[
    list[str] | None,
    typer.Option("--role", metavar="ROLE", help="author, operator, reviewer or admin; repeatable."),
]
Url = Annotated[
    str, typer.Option("--url", metavar="URL", help="The address of the server, as people type it; for the link.")
]
HERE = "http://127.0.0.1:8642"


@app.command("list")
def list_users(as_json: AsJson = False) -> None:
    """List everybody who has access, with their roles; and who may approve but has none."""
    from interlock.store.people import Roster

    services = open_engine(False).services
    people = services.policies.people.people
    rows = services.users.all()
    outside = sorted(set(people) - {row.name for row in rows})
    if as_json:
        print_json({"users": [user_object(services, row) for row in rows], "without_access": outside})
        return
    for row in rows:
        groups = ", ".join(sorted(Roster(people).roles(row.name)))
        told = [", ".join(row.roles) or "no role", *([f"approves as {groups}"] if groups else []), _standing(row)]
        console().print(f"{row.name}  {'  '.join(told)}", markup=False)
    for name in outside:
        console().print(f"{name}  stands in policies/people.yaml, but has no access", markup=False)
    if not rows:
        console().print("Nobody has access. Give it: interlock users add NAME --role reviewer")


@app.command()
def add(
    name: Person,
    role: Roles = None,
    ask_password: Annotated[
        bool, typer.Option("--ask-password", help="Type a password here instead of making a link.")
    ] = False,
    url: Url = HERE,
    person: As = None,
    token_file: TokenFile = None,
    owner: Owner = False,
    as_json: AsJson = False,
) -> None:
    """Give a person access, and print the one-time link with which they choose a password."""
    from interlock.engine.identity import new_name
    from interlock.web.origins import public

    services = open_engine(False).services
    roles, base = _roles(role), public(url)
    by = _by(services, person, token_file, owner)
    added = new_name(services, name)
    password = _typed(added) if ask_password else None
    services.users.add(added, roles, by=by)
    link = None
    if password is not None:
        services.passwords.set(added, password, by=by)
    else:
        link = _link(services, added, by, base)
    _tell(services, added, as_json, link)


@app.command()
def roles(
    name: Person,
    role: Annotated[
        list[str] | None, typer.Argument(metavar="[ROLE]...", help="All that they hold from now on.")
    ] = None,
    person: As = None,
    token_file: TokenFile = None,
    owner: Owner = False,
    as_json: AsJson = False,
) -> None:
    """Let a person hold exactly these roles, from their next request on; without any, they see nothing."""
    services = open_engine(False).services
    wanted = _roles(role)
    services.users.give(name, wanted, by=_by(services, person, token_file, owner))
    _tell(services, name, as_json)


@app.command()
def password(
    name: Person,
    link: Annotated[bool, typer.Option("--link", help="Print a one-time link instead of asking here.")] = False,
    url: Url = HERE,
    person: As = None,
    token_file: TokenFile = None,
    owner: Owner = False,
    as_json: AsJson = False,
) -> None:
    """Give a person a new password, typed here, or by a one-time link; a new password ends their sign-ins."""
    from interlock.web.origins import public

    base = public(url)
    services = open_engine(False).services
    by = _by(services, person, token_file, owner)
    known = services.users.get(name).name
    if link:
        _tell(services, known, as_json, _link(services, known, by, base))
        return
    services.passwords.set(known, _typed(known), by=by)
    _tell(services, known, as_json)


@app.command()
def disable(
    name: Person, person: As = None, token_file: TokenFile = None, owner: Owner = False, as_json: AsJson = False
) -> None:
    """Shut a person out at once: sign-ins end, and their tokens and password count no more."""
    services = open_engine(False).services
    services.users.disable(name, by=_by(services, person, token_file, owner))
    _tell(services, name, as_json)


@app.command()
def enable(
    name: Person, person: As = None, token_file: TokenFile = None, owner: Owner = False, as_json: AsJson = False
) -> None:
    """Let a person in again, with the roles, tokens and password they had."""
    services = open_engine(False).services
    services.users.enable(name, by=_by(services, person, token_file, owner))
    _tell(services, name, as_json)


def user_object(services: Services, row: User) -> dict[str, Any]:
    """A person with access as JSON, without what proves anything."""
    from interlock.store.people import Roster

    return {
        "name": row.name,
        "roles": row.roles,
        "approves_as": sorted(Roster(services.policies.people.people).roles(row.name)),
        "password": row.password is not None,
        "account": row.account,
        "added_by": row.added_by,
        "created_at": row.created_at,
        "disabled_at": row.disabled_at,
    }


def _by(services: Services, name: str | None, token_file: Path | None, owner: bool) -> str:
    """Who does this, proven as for tokens."""
    from interlock.engine.identity import administering

    secret = None if owner else given_token(services, name, token_file)
    return administering(services, name, secret, owner=owner)


def _roles(words: list[str] | None) -> list[Role]:
    """Roles as they were typed.

    Raises:
        UsageError: a word is none.
    """
    from interlock.store.users import ROLES

    for word in words or ():
        if word not in ROLES:
            raise UsageError(f"{word!r} is no role; there are {', '.join(sorted(ROLES))}.")
    return [role for role in ROLES if role in (words or ())]


def _typed(name: str) -> str:
    """A password that is typed unseen, twice.

    Raises:
        UsageError: there is no terminal.
    """
    if not (sys.stdin.isatty() and sys.stderr.isatty()):
        raise UsageError("a password is typed at a terminal; without one, make a link: --link.")
    from interlock.store.passwords import require

    typed = str(typer.prompt(f"new password of {name}", hide_input=True, confirmation_prompt=True, err=True))
    require(typed, name)
    return typed


def _link(services: Services, name: str, by: str, base: str) -> str:
    return f"{base}/welcome/{services.invitations.issue(name, by=by)}"


def _tell(services: Services, name: str, as_json: bool, link: str | None = None) -> None:
    row = services.users.get(name)
    if as_json:
        print_json(user_object(services, row) | ({"link": link} if link else {}))
        return
    told = console(stderr=True) if link else console()
    told.print(f"{row.name}  {', '.join(row.roles) or 'no role'}  {_standing(row)}", markup=False)
    if link:
        console().print(link, markup=False)
        told.print("It lets them choose a password, once, within 15 minutes. It is not shown again.", markup=False)


def _standing(row: User) -> str:
    """How a person gets in, in words."""
    if row.disabled_at is not None:
        return f"shut out since {row.disabled_at:%Y-%m-%d}"
    return "has a password" if row.password else "no password"
