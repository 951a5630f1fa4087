"""Who acts: a name that is proven by a token, or taken at its word where proof would protect nothing."""

from __future__ import annotations

from interlock.errors import NotAuthenticated
from interlock.nodes.services import Services
from interlock.settings import current_person
from interlock.store.people import known_as


def acting(services: Services, name: str | None = None, token: str | None = None) -> str:
    """The name under which somebody acts here; without `name`, the one that the token or the login has.

    In a single-user home (`Credentials.needed`) a name is taken at its word.  Everywhere else it counts only
    with that person's token: `token`, or the one of the settings.

    Raises:
        NotAuthenticated: no token, none that is valid, or another person's; or a token where none can be valid.
        DecisionRefused: it is no person's name.
    """
    token = token or configured(services)
    because = services.credentials.needed()
    if because is None and token is None:
        known_as(name or current_person())
        return name or current_person()
    if because is None:
        raise NotAuthenticated(
            f"a token is given, but none was ever issued in the home {services.settings.home}: is INTERLOCK_HOME "
            "right? In a home of your own, act without a token."
        )
    if token is None:
        raise NotAuthenticated(f"{_needs(name)}, for {because}. {_next_step(services)}")
    return services.credentials.check(token.strip(), claimed=name).person


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
