"""The only way out of a browser: a proxy on loopback that knows a few places and refuses all others.

It holds for whatever the browser does: navigation, redirects, frames, workers, sockets.  A name is resolved here,
every address looked at, and the connection goes to that address; the browser itself resolves nothing.
"""

from __future__ import annotations

import select
import socket
import threading
from collections.abc import Iterator, Sequence
from contextlib import contextmanager, suppress
from urllib.parse import urlsplit

from interlock.errors import InterlockError
from interlock.tools.connect.place import Place, addresses

_HEAD = 64_000
_CHUNK = 65_536
_CONNECT = 10.0


class Way:
    """The proxy of one browser."""

    def __init__(self, places: Sequence[Place], most: int) -> None:
        self._places = {(place.host.lower(), place.port): place for place in places}
        self._left = most
        self._listener = socket.create_server(("127.0.0.1", 0))
        self._open: set[socket.socket] = set()
        self.refused: list[str] = []
        """Where the browser wanted to go and was not let."""

    @property
    def url(self) -> str:
        """Where the browser finds it."""
        return f"http://127.0.0.1:{self._listener.getsockname()[1]}"

    def serve(self) -> None:
        """Take connections until it is closed."""
        while True:
            try:
                client, _ = self._listener.accept()
            except OSError:
                return
            threading.Thread(target=self._one, args=(client,), name="browser-way", daemon=True).start()

    def close(self) -> None:
        """End it, and every connection."""
        with suppress(OSError):
            self._listener.shutdown(socket.SHUT_RDWR)
        self._listener.close()
        for one in list(self._open):
            with suppress(OSError):
                one.shutdown(socket.SHUT_RDWR)

    def _one(self, client: socket.socket) -> None:
        with client:
            self._open.add(client)
            try:
                self._relay(client)
            except (OSError, ValueError):
                pass  # the browser sees a connection that ended
            finally:
                self._open.discard(client)

    def _relay(self, client: socket.socket) -> None:
        client.settimeout(_CONNECT)
        head = self._head(client)
        line, _, rest = head.partition(b"\r\n")
        method, target, version = line.decode("latin-1").split(" ", 2)
        if method == "CONNECT":
            host, _, port = target.rpartition(":")
            server = self._reach(host.strip("[]"), int(port), "https")
            if server is None:
                client.sendall(b"HTTP/1.1 403 Forbidden\r\ncontent-length: 0\r\n\r\n")
                return
            client.sendall(b"HTTP/1.1 200 OK\r\n\r\n")
            first = b""
        else:
            parts = urlsplit(target)
            server = self._reach(parts.hostname or "", parts.port or 80, parts.scheme)
            if server is None:
                client.sendall(b"HTTP/1.1 403 Forbidden\r\ncontent-length: 0\r\nconnection: close\r\n\r\n")
                return
            path = (parts.path or "/") + (f"?{parts.query}" if parts.query else "")
            # One request a connection: the next one might be for another place.
            kept = [part for part in rest.split(b"\r\n") if not part.lower().startswith((b"connection:", b"proxy-"))]
            fields, _, body = b"\r\n".join(kept).partition(b"\r\n\r\n")
            upgrade = b"connection: Upgrade" if b"\r\nupgrade:" in b"\r\n" + fields.lower() else b"connection: close"
            first = f"{method} {path} {version}\r\n".encode("latin-1") + fields + b"\r\n" + upgrade + b"\r\n\r\n" + body
        with server:
            self._open.add(server)
            try:
                if first:
                    server.sendall(first)
                self._both(client, server)
            finally:
                self._open.discard(server)

    def _head(self, client: socket.socket) -> bytes:
        head = b""
        while b"\r\n\r\n" not in head:
            chunk = client.recv(_CHUNK)
            if not chunk or len(head) > _HEAD:
                raise ValueError("no request")
            head += chunk
        return head

    def _reach(self, host: str, port: int, scheme: str) -> socket.socket | None:
        place = self._places.get((host.lower(), port))
        if place is None or place.scheme != scheme:
            self.refused.append(f"{scheme}://{host}:{port}")
            return None
        try:
            found = addresses(place.host, place.port, private=place.private)
        except InterlockError as error:
            self.refused.append(error.message)
            return None
        for address in found:
            with suppress(OSError):
                return socket.create_connection((address, port), timeout=_CONNECT)
        return None

    def _both(self, client: socket.socket, server: socket.socket) -> None:
        ends = {client: server, server: client}
        client.settimeout(None)
        server.settimeout(None)
        while True:
            ready, _, _ = select.select(list(ends), [], [])
            for one in ready:
                chunk = one.recv(_CHUNK)
                self._left -= len(chunk) if one is server else 0
                if not chunk or self._left < 0:
                    return
                ends[one].sendall(chunk)


@contextmanager
def way(places: Sequence[Place], most: int) -> Iterator[Way]:
    """A running proxy, closed at the end."""
    found = Way(places, most)
    thread = threading.Thread(target=found.serve, name="browser-way", daemon=True)
    thread.start()
    try:
        yield found
    finally:
        found.close()
        thread.join()
