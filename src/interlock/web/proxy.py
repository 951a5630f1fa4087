"""A proxy in front of the server: where its word on who makes a request, and from which address, is believed."""

from __future__ import annotations

import hmac
import ipaddress
import logging
import re
from dataclasses import dataclass

from starlette.requests import Request

from interlock.errors import SettingsError
from interlock.settings import Settings
from interlock.web.problems import Problem

LOG = logging.getLogger("interlock.web")

SECRET_HEADER = "x-interlock-proxy-secret"

Network = ipaddress.IPv4Network | ipaddress.IPv6Network

SHORTEST_SECRET = 24
"""Characters of the secret that a proxy proves itself with."""


@dataclass(frozen=True)
class Proxy:
    """Where the proxy stands, and what it says."""

    networks: tuple[Network, ...]
    header: str | None
    """In which it says who makes a request; None: people sign in here."""
    secret: str | None

    def names(self, request: Request) -> str | None:
        """Whom the proxy says makes a request; None where it says nobody.

        Raises:
            Problem: 403, somebody else says it, or says it twice, or does not prove to be the proxy.
        """
        said = request.headers.getlist(self.header or "")
        if not said:
            return None
        if not self.stands_before(request) or not self._proves(request):
            LOG.warning("refused the header %s of %s, who is not the proxy", self.header, _peer(request))
            raise Problem(403, f"The header {self.header} is believed of the proxy alone.")
        if len(said) > 1:
            raise Problem(403, f"The header {self.header} stands twice.")
        return said[0].strip() or None

    def stands_before(self, request: Request) -> bool:
        """Whether a request came straight from an address of the proxy."""
        try:
            address = ipaddress.ip_address(_peer(request))
        except ValueError:
            return False
        return any(address in network for network in self.networks)

    def address(self, request: Request) -> str:
        """Who made a request: what the proxy added last to `X-Forwarded-For`, or whoever connected."""
        forwarded = ",".join(request.headers.getlist("x-forwarded-for")).rpartition(",")[2].strip()
        if not self.stands_before(request):
            return _peer(request)
        try:
            return str(ipaddress.ip_address(forwarded))
        except ValueError:
            return _peer(request)

    def _proves(self, request: Request) -> bool:
        if self.secret is None:
            return True
        given = request.headers.getlist(SECRET_HEADER)
        return len(given) == 1 and hmac.compare_digest(given[0].encode(), self.secret.encode())


def read_proxy(settings: Settings) -> Proxy:
    """The proxy that the settings name; without any, nobody is believed.

    Raises:
        SettingsError: an address is none, or everybody's; or the header could come from others than the proxy.
    """
    networks = tuple(_network(each) for each in settings.proxy_addresses)
    secret = settings.proxy_secret.get_secret_value() if settings.proxy_secret else None
    if secret is not None and len(secret) < SHORTEST_SECRET:
        raise SettingsError(f"INTERLOCK_PROXY_SECRET has fewer than {SHORTEST_SECRET} characters; take a random one.")
    header = settings.proxy_header
    if header is None:
        return Proxy(networks, None, secret)
    if not re.fullmatch(r"[A-Za-z0-9-]{1,64}", header) or header.lower() in ("authorization", "cookie", "host"):
        raise SettingsError(f"INTERLOCK_PROXY_HEADER: {header!r} is no name of such a header, as X-Forwarded-User is.")
    if not networks:
        raise SettingsError("INTERLOCK_PROXY_HEADER needs INTERLOCK_PROXY_ADDRESSES: of whom the header is believed.")
    if secret is None and any(network.is_loopback for network in networks):
        raise SettingsError(
            "INTERLOCK_PROXY_ADDRESSES names this machine, which all of its logins are; set INTERLOCK_PROXY_SECRET, "
            "and let the proxy send it."
        )
    return Proxy(networks, header, secret)


def _network(text: str) -> Network:
    try:
        network = ipaddress.ip_network(text)
    except ValueError:
        raise SettingsError(f"INTERLOCK_PROXY_ADDRESSES: {text!r} is no address and no network.") from None
    if network.prefixlen == 0:
        raise SettingsError(f"INTERLOCK_PROXY_ADDRESSES: {text!r} is everybody; name the proxy's own address.")
    return network


def _peer(request: Request) -> str:
    return request.client.host if request.client else "unknown"
