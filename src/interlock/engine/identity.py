"""Who acts: a name that is proven by a token, or taken at its word where proof would protect nothing."""

from __future__ import annotations

from interlock.errors import DecisionRefused, NotAuthenticated, Refused
from interlock.nodes.services import Services
from interlock.policies.lookalikes import lookalike
from interlock.settings import current_person
from interlock.store.people import Roster, known_as

ADMIN = "admin"
"""The role whose holders issue and revoke tokens."""


def acting(services: Services, name: str | None = None, token: str | None = None) -> str:
    """The name under which somebody acts here; without `name`, the one that the token or the login has.

    In a single-user home (`Credentials.needed`) a name is taken at its word, but for those of other people who have
    access to its page.  Everywhere else it counts only with that person's token: `token`, or the one of the settings.

    Raises:
        NotAuthenticated: no token, none that is valid, or another person's; or a token where none can be valid.
        DecisionRefused: it is no person's name.
    """
    token = token or configured(services)
    because = services.credentials.needed()
    if because is None and token is None:
        return at_its_word(services, name or current_person())
    if because is None:
        raise NotAuthenticated(
            f"a token is given, but none was ever issued in the home {services.settings.home}: is INTERLOCK_HOME "
            "right? In a home of your own, act without a token."
        )
    if token is None:
        raise NotAuthenticated(f"{_needs(name)}, for {because}. {_next_step(services)}")
    return services.credentials.check(token.strip(), claimed=name).person


def administering(services: Services, name: str | None = None, token: str | None = None, *, owner: bool = False) -> str:
    """Who may give access, issue and revoke tokens: whoever proves to be an admin, or the owner of the home.

    The owner comes in by saying so, and without asking while there is no token yet that could prove anything.
    Owning the home is owning its files (`Credentials.not_owner`), and so shuts nobody out who lost every token.

    Raises:
        NotAuthenticated: see `acting`; or the login does not own the home.
        Refused: the person is no admin.
    """
    if owner or not services.credentials.issued():
        if because := services.credentials.not_owner():
            raise NotAuthenticated(f"only the owner of the home {services.settings.home} can do this: {because}.")
        return known_as(current_person() if owner else at_its_word(services, name or current_person()))
    person = acting(services, name, token)
    user = services.users.find(known_as(person))
    if ADMIN not in roles_of(services, person) and (user is None or ADMIN not in user.roles):
        raise Refused(
            f"{person} does not hold the role {ADMIN}, neither here nor in policies/people.yaml; somebody who does, or "
            "the owner of the home with --owner, can do this."
        )
    return person


def at_its_word(services: Services, name: str) -> str:
    """A name that proof would protect nothing of: not that of somebody who signs in here, unless it is the login's own.

    Raises:
        NotAuthenticated: it is.
        DecisionRefused: it is no person's name.
    """
    if services.users.find(known_as(name)) is not None and known_as(name) != known_as(current_person()):
        raise NotAuthenticated(
            f"{name} is somebody who signs in here; let them decide on the page, or act with their token. "
            "A token: interlock people token NAME."
        )
    return name


def roles_of(services: Services, person: str) -> frozenset[str]:
    """The roles that a person holds; none where they stand in no file."""
    return Roster(services.policies.people.people).roles(known_as(person))


def new_name(services: Services, name: str) -> str:
    """A name that somebody may be given a token, or a place in the file, under.

    Raises:
        DecisionRefused: it is no person's name, or it looks like another person's.
    """
    known = {*services.policies.people.people, *(row.name for row in services.users.all())}
    if other := lookalike(name, known):
        raise DecisionRefused(f"{name!r} looks like {other}, who is somebody else here; choose another name.")
    return known_as(name)


def configured(services: Services) -> str | None:
    """The token of the settings, or None."""
    secret = services.settings.token
    return secret.get_secret_value() if secret else None


def _needs(name: str | None) -> str:
    return f"{name} is a name that needs proof" if name else "who you are needs proof"


def _next_step(services: Services) -> str:
    if services.credentials.issued():
        return "Set INTERLOCK_TOKEN, or add --token-file FILE. A new token: interlock people token NAME."
    return "Or give people tokens: interlock people token NAME."
