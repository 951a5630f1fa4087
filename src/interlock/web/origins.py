"""Where a request was meant for, and where it comes from: names of this server, and writes from its own pages only."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from urllib.parse import urlsplit

from interlock.errors import UsageError

LOOPBACK = ("127.0.0.1", "localhost", "[::1]")

SAFE = frozenset({"GET", "HEAD", "OPTIONS"})
"""Methods that change nothing here."""


@dataclass(frozen=True)
class Origins:
    """The origins under which this server is reached, such as `http://127.0.0.1:8000`; all others are refused.

    A name that somebody points at this machine (DNS rebinding) is none of them.
    """

    own: frozenset[str]

    @property
    def hosts(self) -> frozenset[str]:
        """What the header Host may say."""
        return frozenset(origin.partition("://")[2] for origin in self.own)

    @property
    def secure(self) -> frozenset[str]:
        """The hosts that are reached by https, where cookies never travel in clear text."""
        return frozenset(origin.partition("://")[2] for origin in self.own if origin.startswith("https://"))

    def base(self, host: str) -> str:
        """The address of this server under the name by which it was asked."""
        return f"{'https' if host.lower() in self.secure else 'http'}://{host.lower()}"

    def host_fault(self, hosts: Sequence[str]) -> str | None:
        """Why a request with these Host headers is not for this server; None where it is."""
        if len(hosts) != 1:
            return "a request names its host once"
        return None if hosts[0].lower() in self.hosts else "this server goes by another name"

    def write_fault(self, host: str, headers: Mapping[str, Sequence[str]]) -> str | None:
        """Why a write is not taken from where it comes from; None where it comes from a page of this server.

        What the browser says of the sender decides: `Sec-Fetch-Site`, which no page can forge, else `Origin`
        against Host.  A request that says neither was made by no browser that is known to protect its user, and
        has no business with a cookie.
        """
        sites, origins = headers.get("sec-fetch-site", ()), headers.get("origin", ())
        if len(sites) > 1 or len(origins) > 1:
            return "a request names its origin once"
        if origins and not self._is_own(origins[0], host):
            return "it comes from another site"
        if sites:
            return None if sites[0] in ("same-origin", "none") else "it comes from another site"
        return None if origins else "it does not say where it comes from"

    def _is_own(self, origin: str, host: str) -> bool:
        """Whether an Origin is the very one the request was sent to: another port or scheme is another site."""
        return origin.lower() in self.own and origin.lower().partition("://")[2] == host.lower()


def loopback(port: int) -> Origins:
    """The names that this machine has for itself."""
    return Origins(frozenset(f"http://{name}:{port}" for name in LOOPBACK))


def public(url: str) -> str:
    """The origin of the address that people type, as behind a proxy.

    Raises:
        UsageError: it is no http or https URL of a host alone.
    """
    parts = urlsplit(url)
    try:
        standard = parts.port in (None, {"http": 80, "https": 443}.get(parts.scheme))
    except ValueError:
        parts = parts._replace(netloc="")
        standard = True
    if parts.scheme not in ("http", "https") or not parts.hostname or parts.username or parts.path not in ("", "/"):
        raise UsageError(f"{url!r} is no address of a server; write it like https://approvals.example.org.")
    host = f"[{parts.hostname}]" if ":" in parts.hostname else parts.hostname
    return f"{parts.scheme}://{host}" + ("" if standard else f":{parts.port}")
