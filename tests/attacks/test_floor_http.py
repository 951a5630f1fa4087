"""Security floor, HTTP tools: allow-listed hosts and methods, a resolved and pinned address, no redirects, limits."""

from __future__ import annotations

import socket
from collections.abc import Callable
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

import httpcore
import pytest
from hypothesis import given
from hypothesis import strategies as st

from interlock.errors import EffectFailed, EffectNotDone, ProjectError
from interlock.settings import Settings
from interlock.tools.action import ActionContext
from interlock.tools.connect.http import Api
from interlock.tools.connect.place import public
from tests.servers import serving

INSIDE = [
    "127.0.0.1", "127.9.9.9", "0.0.0.0", "10.1.2.3", "172.16.0.1", "172.31.255.255", "192.168.1.1", "169.254.169.254",
    "100.64.0.1", "198.18.0.1", "224.0.0.1", "255.255.255.255", "::1", "::", "fe80::1", "fc00::1", "fd00:ec2::254",
    "::ffff:127.0.0.1", "::ffff:a9fe:a9fe", "64:ff9b::7f00:1", "64:ff9b::a9fe:a9fe", "2002:7f00:1::", "2002:a00:1::",
    "fe80::1%eth0", "ff02::1", "2001:db8::1", "::127.0.0.1", "::a9fe:a9fe", "64:ff9b:1::7f00:1",
]  # fmt: skip
OUTSIDE = ["93.184.216.34", "8.8.8.8", "2606:2800:220:1:248:1893:25c8:1946", "64:ff9b::808:808", "::ffff:8.8.8.8"]

API = Api("https://api.example.org/v1", methods=["GET"])


@pytest.fixture
def context(tmp_path: Path) -> ActionContext:
    return ActionContext("key", "run", Settings(home=tmp_path), datetime(2026, 1, 5, tzinfo=UTC))


class Network:
    """Names that resolve as the test says, and no connection."""

    def __init__(self, monkeypatch: pytest.MonkeyPatch) -> None:
        self.answers: list[list[str]] = []
        self.asked: list[str] = []
        self.reached: list[str] = []
        monkeypatch.setattr(socket, "getaddrinfo", self._resolve)
        monkeypatch.setattr(httpcore.SyncBackend, "connect_tcp", self._connect)

    def _resolve(self, host: str, port: int, **more: Any) -> list[Any]:
        self.asked.append(host)
        found = self.answers.pop(0)
        return [(socket.AF_INET, socket.SOCK_STREAM, 6, "", (address, port)) for address in found]

    def _connect(self, host: str, *more: Any) -> Any:
        self.reached.append(host)
        raise httpcore.ConnectError("no network in tests")


@pytest.fixture
def network(monkeypatch: pytest.MonkeyPatch) -> Network:
    return Network(monkeypatch)


@pytest.mark.parametrize("address", INSIDE)
def test_an_address_inside_is_not_reached(address: str, network: Network, context: ActionContext) -> None:
    """Loopback, private, link-local, metadata services, and IPv6 addresses that carry one of them."""
    network.answers = [[address]]
    with pytest.raises(EffectFailed, match="not a public address; nothing was sent"):
        API.get(context, "/x")
    assert network.reached == []


@pytest.mark.parametrize("address", OUTSIDE)
def test_a_public_address_is_reached_as_resolved(address: str, network: Network, context: ActionContext) -> None:
    """The connection goes to the address that was looked at, not to the name once more."""
    network.answers = [[address]]
    with pytest.raises(EffectNotDone, match="cannot be reached"):
        API.get(context, "/x")
    assert network.reached == [address]


def test_a_name_that_changes_its_mind_changes_nothing(network: Network, context: ActionContext) -> None:
    """Rebinding: it is resolved once, so there is no second answer to fall for."""
    network.answers = [["93.184.216.34"], ["127.0.0.1"]]
    with pytest.raises(EffectNotDone):
        API.get(context, "/x")
    assert (network.asked, network.reached) == (["api.example.org"], ["93.184.216.34"])


def test_one_address_inside_among_others_is_enough(network: Network, context: ActionContext) -> None:
    """A name with a public and a private address is not tried at all."""
    network.answers = [["93.184.216.34", "10.0.0.5"]]
    with pytest.raises(EffectFailed, match=r"10\.0\.0\.5, which is not a public address"):
        API.get(context, "/x")
    assert network.reached == []


@pytest.mark.parametrize(
    "attack",
    ["http://169.254.169.254/", "//evil.example/", "/../../admin", "@evil.example/", "\\evil.example", "/x#y", "/x?y=z",
     "..", "%2e%2e", "\r\nHost: evil.example", "{", "", "."],
)  # fmt: skip
def test_what_is_put_into_a_path_stays_one_segment_of_it(attack: str, context: ActionContext) -> None:
    """No value of an argument makes it another host, another path or another header."""
    with serving() as server:
        inside = Api(server.url + "/v1", private=True)
        if attack.strip(".") == "":
            with pytest.raises(EffectFailed, match="nothing was sent"):
                inside.get(context, "/customers/{id}/orders", path={"id": attack})
            assert server.asked == []
            return
        inside.get(context, "/customers/{id}/orders", path={"id": attack})
        (asked,) = server.asked
    assert asked.target.count("/") == 4
    assert asked.target.startswith("/v1/customers/")
    assert asked.target.endswith("/orders")
    assert asked.headers["host"] == f"127.0.0.1:{server.port}"


@pytest.mark.parametrize(
    "headers",
    [{"Host": "evil.example"}, {"host": "x"}, {"Content-Length": "1"}, {"Transfer-Encoding": "chunked"},
     {"Authorization": "Basic x"}, {"X": "a\r\nY: b"}, {"X\r\nY": "b"}, {"X": "ä"}],
)  # fmt: skip
def test_a_header_changes_neither_host_nor_length(headers: dict[str, str], context: ActionContext) -> None:
    """Nor does a line break make it two."""
    with serving() as server:
        with pytest.raises(EffectFailed, match="nothing was sent"):
            Api(server.url, private=True).get(context, "/x", headers=headers)
        assert server.asked == []


def test_another_method_is_refused(context: ActionContext) -> None:
    """What was declared to read only reads."""
    with serving() as server:
        with pytest.raises(EffectFailed, match="DELETE is not among the methods"):
            Api(server.url, private=True).call(context, "DELETE", "/x")
        assert server.asked == []


def test_a_redirect_inside_is_not_followed(context: ActionContext) -> None:
    """A public service cannot send us to a private one."""
    with serving() as inside, serving() as server:
        server.replies = [(302, {"Location": inside.url + "/secrets"}, b"")]
        with pytest.raises(EffectFailed, match="redirects are not followed"):
            Api(server.url, private=True).get(context, "/x")
        assert inside.asked == []


def test_proxies_of_the_environment_are_not_used(context: ActionContext, monkeypatch: pytest.MonkeyPatch) -> None:
    """What resolves and connects is this process, whatever the environment says."""
    with serving() as proxy, serving() as server:
        for name in ("HTTP_PROXY", "http_proxy", "ALL_PROXY"):
            monkeypatch.setenv(name, proxy.url)
        Api(server.url, private=True).get(context, "/x")
        assert (len(proxy.asked), len(server.asked)) == (0, 1)


@given(st.ip_addresses(v=4))
def test_an_address_in_disguise_is_judged_by_what_it_carries(address: Any) -> None:
    """However IPv6 wraps an IPv4 address, it is public only when that is."""
    number = int(address)
    wrapped: list[Callable[[int], str]] = [
        lambda n: f"::ffff:{n >> 16:x}:{n & 0xFFFF:x}",
        lambda n: f"64:ff9b::{n >> 16:x}:{n & 0xFFFF:x}",
        lambda n: f"2002:{n >> 16:x}:{n & 0xFFFF:x}::",
    ]
    if not public(str(address)):
        assert not any(public(wrap(number)) for wrap in wrapped)


@pytest.mark.parametrize("host", ["2130706433", "0x7f000001", "0177.0.0.1", "127.1", "[::ffff:7f00:1]", "localhost"])
def test_no_way_of_writing_an_address_hides_it(host: str, context: ActionContext) -> None:
    """Decimal, octal, hexadecimal and short forms are resolved as the system would, and then looked at."""
    with pytest.raises((EffectFailed, EffectNotDone), match="nothing was sent"):
        Api(f"https://{host}/v1", methods=["GET"]).get(context, "/x")


@pytest.mark.parametrize(
    "url",
    ["https://@127.0.0.1/", "https://:p@example.org/", "https://example.org\\@127.0.0.1/", "https://exa mple.org/",
     "https://example.org/\r\nx", "https://ex\u00e4mple.org/", "https://example.org/?x", "https://[::1"],
)  # fmt: skip
def test_an_address_that_readers_could_read_otherwise_is_refused(url: str) -> None:
    """Users, backslashes, blanks and characters beyond ASCII have led readers of one URL to two hosts."""
    with pytest.raises(ProjectError):
        Api(url, methods=["GET"])
