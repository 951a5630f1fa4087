"""Where a tool may go: one declared scheme, host and port, and addresses that are looked at before they are used."""

from __future__ import annotations

import ipaddress
import socket
from dataclasses import dataclass
from urllib.parse import urlsplit

from interlock.errors import EffectFailed, EffectNotDone, ProjectError

_LOCAL_NAT64 = ipaddress.IPv6Network("64:ff9b:1::/48")
"""RFC 8215: what it leads to is up to the network that one is in; older Pythons take it for public."""

_PORTS = {"https": 443, "http": 80}


@dataclass(frozen=True)
class Place:
    """One service: whom a connection goes to, and below which path everything lies."""

    url: str
    scheme: str
    host: str
    port: int
    root: str
    """The path, without a slash at its end."""
    private: bool
    """Whether it stands on this machine or in a private network."""
    ca_file: str | None = None
    """Certificates to trust in place of the system's."""

    @property
    def authority(self) -> str:
        """The value of the `Host` header."""
        host = f"[{self.host}]" if ":" in self.host else self.host
        return host if self.port == _PORTS[self.scheme] else f"{host}:{self.port}"


def place_of(url: str, *, private: bool, ca_file: str | None = None) -> Place:
    """The place that a URL names.

    Raises:
        ProjectError: it is not one fixed http or https address.
    """
    try:
        parts = urlsplit(url)
        port = parts.port or _PORTS.get(parts.scheme, 0)
    except ValueError:
        raise ProjectError(f"{url!r} is no URL; write https://HOST/PATH.") from None
    if (
        parts.scheme not in _PORTS
        or not parts.hostname
        or parts.query
        or parts.fragment
        or "@" in parts.netloc
        or any(not "!" <= letter <= "~" or letter == "\\" for letter in url)
    ):
        raise ProjectError(f"{url!r} must be https://HOST[:PORT][/PATH], without user, query or fragment.")
    if parts.scheme == "http" and not private:
        raise ProjectError(f"{url}: plain http is for private services only; use https, or say private=True.")
    return Place(url, parts.scheme, parts.hostname, port, parts.path.rstrip("/"), private, ca_file)


def addresses(host: str, port: int, *, private: bool) -> list[str]:
    """The addresses that a name has now; the connection goes to one of them, and the name is not asked again.

    Raises:
        EffectNotDone: it cannot be resolved; nothing was sent.
        EffectFailed: one of them is not public, and the service was not declared to stand inside.
    """
    try:
        found = socket.getaddrinfo(host, port, type=socket.SOCK_STREAM)
    except (OSError, UnicodeError) as error:
        raise EffectNotDone(f"the name {host} cannot be resolved ({error}); nothing was sent.") from None
    known = list(dict.fromkeys(str(item[4][0]) for item in found))
    inside = [address for address in known if not public(address)]
    if inside and not private:
        raise EffectFailed(
            f"{host} is {inside[0]}, which is not a public address; nothing was sent. If this service stands "
            "inside, say private=True in the tool."
        )
    if not known:
        raise EffectNotDone(f"{host} has no address; nothing was sent.")
    return known


def public(address: str) -> bool:
    """Whether an IP address is one of the public internet, also when IPv6 carries an IPv4 one inside."""
    found = ipaddress.ip_address(address.partition("%")[0])
    if isinstance(found, ipaddress.IPv6Address):
        if found in _LOCAL_NAT64:
            return False
        inner = [found.ipv4_mapped, found.sixtofour, *(found.teredo or ())]
        if int(found) >> 32 in (0, 0x0064FF9B << 64):  # IPv4-compatible, RFC 4291; NAT64, RFC 6052
            inner.append(ipaddress.IPv4Address(int(found) & 0xFFFFFFFF))
        if any(carried is not None and not public(str(carried)) for carried in inner):
            return False
    return found.is_global and not found.is_multicast
