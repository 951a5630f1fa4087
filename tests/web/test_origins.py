"""Which requests are for this server, and which writes come from its own pages."""

from __future__ import annotations

import pytest

from interlock.errors import UsageError
from interlock.web.origins import Origins, loopback, public

OWN = loopback(8642)
HERE, THERE = "http://127.0.0.1:8642", "https://evil.example"


@pytest.mark.parametrize("host", ["127.0.0.1:8642", "localhost:8642", "LOCALHOST:8642", "[::1]:8642"])
def test_this_machines_own_names_are_taken(host: str) -> None:
    """Whatever name of loopback is typed."""
    assert OWN.host_fault([host]) is None


@pytest.mark.parametrize(
    "hosts",
    [
        ["evil.example"],
        ["evil.example:8642"],
        ["127.0.0.1"],
        ["127.0.0.1:80"],
        ["127.0.0.1:8642.evil.example"],
        ["evil.example@127.0.0.1:8642"],
        ["0.0.0.0:8642"],
        ["127.0.0.1:8642", "127.0.0.1:8642"],
        [""],
        [],
    ],
)
def test_every_other_name_is_refused(hosts: list[str]) -> None:
    """A name that was pointed at this machine is another site, and so is the right name with another port."""
    assert OWN.host_fault(hosts) is not None


ALLOWED = [
    {"sec-fetch-site": ["same-origin"]},
    {"sec-fetch-site": ["none"]},
    {"sec-fetch-site": ["same-origin"], "origin": [HERE]},
    {"origin": [HERE]},
]
REFUSED = [
    {},
    {"referer": [HERE]},
    {"sec-fetch-site": ["cross-site"]},
    {"sec-fetch-site": ["same-site"]},
    {"sec-fetch-site": [""]},
    {"sec-fetch-site": ["same-origin", "cross-site"]},
    {"sec-fetch-site": ["cross-site"], "origin": [HERE]},
    {"sec-fetch-site": ["same-origin"], "origin": [THERE]},
    {"origin": [THERE]},
    {"origin": ["null"]},
    {"origin": [""]},
    {"origin": [HERE, THERE]},
    {"origin": ["https://127.0.0.1:8642"]},
    {"origin": ["http://127.0.0.1:8643"]},
    {"origin": ["http://localhost:8642"]},
    {"origin": ["http://127.0.0.1:8642.evil.example"]},
]


@pytest.mark.parametrize("headers", ALLOWED, ids=str)
def test_a_write_from_an_own_page_is_taken(headers: dict[str, list[str]]) -> None:
    """Sec-Fetch-Site where the browser sends it, else Origin."""
    assert OWN.write_fault("127.0.0.1:8642", headers) is None


@pytest.mark.parametrize("headers", REFUSED, ids=str)
def test_a_write_from_anywhere_else_is_refused(headers: dict[str, list[str]]) -> None:
    """Another site, another port, another scheme, another name of this machine, two answers, or none."""
    assert OWN.write_fault("127.0.0.1:8642", headers) is not None


@pytest.mark.parametrize(
    ("url", "origin"),
    [
        ("https://approvals.example.org", "https://approvals.example.org"),
        ("https://Approvals.example.org:443/", "https://approvals.example.org"),
        ("http://desk:8080", "http://desk:8080"),
        ("http://[fd00::1]:80", "http://[fd00::1]"),
    ],
)
def test_a_public_address_is_an_origin(url: str, origin: str) -> None:
    """As browsers write it in Origin: small letters, and no port where it is the scheme's own."""
    assert public(url) == origin
    assert Origins(frozenset({origin})).host_fault([origin.partition("://")[2]]) is None


@pytest.mark.parametrize(
    "url", ["", "approvals.example.org", "ftp://x", "https://", "https://u@x", "https://x/path", "https://x:port"]
)
def test_what_is_no_address_is_refused(url: str) -> None:
    """A path, a login or no scheme is told at the start, not found out later."""
    with pytest.raises(UsageError, match="is no address of a server"):
        public(url)
