"""The people there are: one spelling of each name, and the roles that each holds."""

from __future__ import annotations

import re
import unicodedata
from collections.abc import Mapping, Sequence

from interlock.errors import DecisionRefused

PERSON = re.compile(r"[\w.@+-]{1,64}")


class Roster:
    """Who holds which roles, as `policies/people.yaml` says now."""

    def __init__(self, people: Mapping[str, Sequence[str]]) -> None:
        self._roles = {known_as(name): frozenset(roles) for name, roles in people.items()}

    def __contains__(self, name: str) -> bool:
        return name in self._roles

    def roles(self, name: str) -> frozenset[str]:
        """The roles of a person; nobody else holds any."""
        return self._roles.get(name, frozenset())

    def holders(self, roles: frozenset[str]) -> list[str]:
        """The people who hold all of `roles`; of none, everybody who is named."""
        return sorted(name for name, held in self._roles.items() if held >= roles)


def known_as(name: str) -> str:
    """One spelling of a name: writing it in other letters of the same look makes nobody a second person.

    Raises:
        DecisionRefused: it is no name.
    """
    written = unicodedata.normalize("NFKC", name).casefold()
    if not PERSON.fullmatch(written):
        raise DecisionRefused(f"{name!r} is no person's name; use letters, digits and . _ @ + - (at most 64).")
    return written


def roles_text(roles: frozenset[str]) -> str:
    """Roles in a sentence: `finance and legal`."""
    return " and ".join(sorted(roles))
