"""What holds for every test: no network but loopback, no settings from outside, a home of its own.

Processes that a test starts are not watched; they inherit the settings.
"""

from __future__ import annotations

import ipaddress
import itertools
import os
import socket
import sys
from typing import Any

import pytest

os.environ["HF_HUB_OFFLINE"] = "1"  # read when transformers is first imported

_number = itertools.count()
_connect, _connect_ex = socket.socket.connect, socket.socket.connect_ex


class NetworkRefused(OSError):
    """A test tried to reach another machine."""


def _here(family: int, address: Any) -> None:
    """Raises:
    NetworkRefused: the address is not of this machine's loopback.
    """
    if family not in (socket.AF_INET, socket.AF_INET6) or address[0] in ("", "localhost"):
        return
    host = str(address[0])
    try:
        here = ipaddress.ip_address(host.partition("%")[0]).is_loopback
    except ValueError:
        here = False
    if not here:
        raise NetworkRefused(f"tests reach no other machine, but this one wanted {host}")


def _checked(real: Any) -> Any:
    def connect(self: socket.socket, address: Any) -> Any:
        _here(self.family, address)
        return real(self, address)

    return connect


@pytest.fixture(autouse=True, scope="session")
def _no_network() -> Any:
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(socket.socket, "connect", _checked(_connect))
        patch.setattr(socket.socket, "connect_ex", _checked(_connect_ex))
        yield


@pytest.fixture(autouse=True)
def _own_home(monkeypatch: pytest.MonkeyPatch, tmp_path_factory: pytest.TempPathFactory) -> None:
    """No setting of whoever runs the tests counts, and nothing is written into a project's home."""
    for name in [name for name in os.environ if name.startswith("INTERLOCK_")]:
        monkeypatch.delenv(name)
    monkeypatch.setenv("INTERLOCK_HOME", str(tmp_path_factory.getbasetemp() / f"home-{next(_number)}"))


def pytest_collection_modifyitems(items: list[pytest.Item]) -> None:
    """Files with slow tests come first, so that no process is left with them when the others have ended."""
    slow = {item.path for item in items if item.get_closest_marker("slow")}
    items.sort(key=lambda item: item.path not in slow)


def pytest_sessionfinish() -> None:
    """Stop what the tests of this process started; a worker may end without the interpreter's own clean-up."""
    if (postgres := sys.modules.get("tests.postgres")) is not None:
        postgres.stop()
