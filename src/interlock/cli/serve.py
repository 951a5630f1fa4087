"""`interlock serve`: the page and the API, for people who sign in."""

from __future__ import annotations

import socket
from typing import TYPE_CHECKING, Annotated

import typer

from interlock.cli.observing import log
from interlock.cli.output import console
from interlock.cli.runs import open_engine
from interlock.errors import Conflict, UsageError

if TYPE_CHECKING:
    from interlock.nodes.services import Services

LOOPBACK = ("127.0.0.1", "::1")


def serve(
    port: Annotated[int, typer.Option("--port", min=0, max=65535, help="Port; 0 takes a free one.")] = 8642,
    host: Annotated[
        str, typer.Option("--host", metavar="ADDRESS", help="Address to listen at; default: this machine alone.")
    ] = "127.0.0.1",
    public_url: Annotated[
        str | None,
        typer.Option("--public-url", metavar="URL", help="The address that people type, as behind a proxy with TLS."),
    ] = None,
) -> None:
    """Serve the queue of requests as a page and an API; everybody signs in."""
    from interlock.web.application import make_web
    from interlock.web.origins import Origins, loopback, public
    from interlock.web.server import run

    if host not in LOOPBACK and public_url is None:
        raise UsageError(f"at {host} others can reach this server; say under which name, with --public-url URL.")
    origin = public(public_url) if public_url else None
    engine = open_engine(False)
    log(engine.project.settings)
    with listening(host, port) as listener:
        own = loopback(listener.getsockname()[1]).own | ({origin} if origin else set())
        address = origin or f"http://{host if ':' not in host else f'[{host}]'}:{listener.getsockname()[1]}"
        console().print(f"Serving at {address}. Ctrl-C ends it.", markup=False)
        _open_home(engine.services, address)
        run(make_web(engine, Origins(frozenset(own))), listener)


def _open_home(services: Services, address: str) -> None:
    """In a home in which nobody has access, make its admin, and print the link that is theirs; later, nothing."""
    from interlock.settings import current_person
    from interlock.store.invitations import FIRST_ADMIN
    from interlock.store.users import ROLES

    if services.settings.proxy_header is not None:
        if not services.users.any():
            console().print("Nobody has access yet: interlock users add NAME --role admin --owner")
        return
    if services.credentials.issued() or services.users.any():
        if not services.credentials.issued() and not services.users.can_sign_in():
            console().print("Nobody can sign in yet: interlock users password NAME --link --owner")
        return
    if because := services.credentials.not_owner():
        console().print(f"Nobody has access yet, and no admin is made here, for {because}.", markup=False)
        return
    try:
        link = services.invitations.open_home(ROLES, by=current_person())
    except Conflict:  # another server was faster
        return
    console().print(
        f"Nobody has access yet. This link lets you in as {FIRST_ADMIN}, once, within 15 minutes:\n"
        f"{address}/welcome/{link}",
        markup=False,
    )


def listening(host: str, port: int) -> socket.socket:
    """A socket that listens.

    Raises:
        UsageError: the address is none of this machine's, or taken.
    """
    try:
        family = socket.AF_INET6 if ":" in host else socket.AF_INET
        return socket.create_server((host, port), family=family)
    except (OSError, OverflowError) as error:
        raise UsageError(f"port {port} of {host} cannot be listened at: {error}.") from None
