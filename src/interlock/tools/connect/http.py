"""HTTP for tools: a closed list of hosts and methods, one resolved and pinned address, bounded in size and time.

A tool's file names what it may reach::

    CRM = Api("https://crm.example.org/v1", methods=["GET", "POST"])

    def rename(arguments: Rename, context: ActionContext) -> Renamed:
        answer = CRM.post(context, "/customers/{id}", path={"id": arguments.customer}, json={"name": arguments.name},
                          bearer="secret://crm_token")

What is refused: another host, port, scheme or method than declared; an address that is not public (loopback,
private, link-local, metadata services, and IPv6 addresses that carry such a one), unless `private=True` says
that this service is inside; redirects; more than `most` bytes; longer than `seconds` in all.  The name is
resolved once for a call, every address it has must be public, and the connection goes to that address, so a
name that resolves otherwise a moment later changes nothing.  Proxies of the environment are not used.

A failure before the request was sent is certain (`EffectNotDone`); an answer of 400 to 499 says that it did
not happen; after anything else nobody knows, so the effect is in doubt, unless its key lets it be repeated.
"""

from __future__ import annotations

import json as json_format
import re
import ssl
import time
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any
from urllib.parse import quote, urlencode

import httpcore

from interlock.digest import Json, plain
from interlock.errors import EffectFailed, EffectNotDone, ProjectError
from interlock.tools.action import ActionContext
from interlock.tools.connect.place import Place, addresses, place_of
from interlock.tools.connect.timed import TimedStream, left

MOST = 1_000_000
"""Bytes of an answer that are read."""

SECONDS = 30.0
"""How long one call may take, from the name's resolution to the last byte."""

METHODS = ("GET", "HEAD", "POST", "PUT", "PATCH", "DELETE")
_HEADER = re.compile(r"[A-Za-z0-9-]+")
_LATER = (408, 425, 429, 503)
"""Statuses by which a server says that it has not done it, and may later."""


class AnswerUnknown(ConnectionError):
    """The request was sent, and nobody knows what became of it."""


@dataclass(frozen=True)
class Answer:
    """A response of status 200 to 299."""

    status: int
    headers: Mapping[str, str]
    """By lower-case name."""
    body: bytes

    def json(self) -> Any:
        """The body as JSON.

        Raises:
            AnswerUnknown: it is none; the request was carried out all the same.
        """
        try:
            return json_format.loads(self.body)
        except ValueError:
            raise AnswerUnknown("the server answered with something that is not JSON.") from None


@dataclass(frozen=True)
class Api:
    """One service: where it is, and what may be asked of it.

    Raises:
        ProjectError: the declaration is not one of a fixed http or https address.
    """

    base: str
    methods: Sequence[str] = ("GET",)
    private: bool = False
    """Whether it stands on this machine or in a private network; then plain http is allowed too."""
    seconds: float = SECONDS
    most: int = MOST
    key_header: str = "Idempotency-Key"
    """The header that carries the effect's key, so that a provider drops a repeat; empty for none."""
    ca_file: str | None = None
    """Certificates to trust in place of the system's."""
    place: Place = field(init=False, repr=False)

    def __post_init__(self) -> None:
        object.__setattr__(self, "place", place_of(self.base, private=self.private, ca_file=self.ca_file))
        unknown = [method for method in self.methods if method not in METHODS]
        if unknown or not self.methods:
            raise ProjectError(f"{self.base}: methods are some of {', '.join(METHODS)}, not {unknown or 'none'}.")

    def get(self, context: ActionContext, template: str, **more: Any) -> Answer:
        """`call` with GET."""
        return self.call(context, "GET", template, **more)

    def post(self, context: ActionContext, template: str, **more: Any) -> Answer:
        """`call` with POST."""
        return self.call(context, "POST", template, **more)

    def call(
        self,
        context: ActionContext,
        method: str,
        template: str,
        *,
        path: Mapping[str, str | int] | None = None,
        query: Mapping[str, Any] | None = None,
        json: Json | None = None,
        content: bytes | None = None,
        headers: Mapping[str, str] | None = None,
        bearer: str | None = None,
    ) -> Answer:
        """One request, and its answer.

        Args:
            template: the path below the base, a constant of the tool, such as `/customers/{id}`.
            path: what stands in its braces; each is one segment, whatever it holds.
            query: parameters of the URL.
            json: what is sent as JSON.
            content: what is sent as it is; give its `content-type` among the headers.
            bearer: `secret://name` of the token to send.

        Raises:
            EffectNotDone: not reached, or the server will do it later; certainly nothing happened.
            EffectFailed: refused here or by the server, for good.
            AnswerUnknown: sent, but no usable answer came.
        """
        if method not in self.methods:
            raise EffectFailed(f"{method} is not among the methods declared for {self.base}; nothing was sent.")
        sent = {"host": self.place.authority, "user-agent": "interlock", "accept": "application/json"}
        body = content
        if json is not None:
            body = json_format.dumps(plain(json), ensure_ascii=False).encode()
            sent["content-type"] = "application/json"
        sent |= self._checked(headers or {})
        if method not in ("GET", "HEAD") and self.key_header:
            sent[self.key_header] = context.key
        if bearer is not None:
            sent["authorization"] = f"Bearer {context.secret(bearer)}"
        target = self._target(template, path or {}, query or {})
        deadline = time.monotonic() + self.seconds
        network = _Pinned(self.private, deadline)
        limits = {"connect": self.seconds, "read": self.seconds, "write": self.seconds, "pool": self.seconds}
        try:
            with httpcore.ConnectionPool(
                ssl_context=ssl.create_default_context(cafile=self.ca_file), network_backend=network
            ) as pool:
                url = httpcore.URL(scheme=self.place.scheme, host=self.place.host, port=self.place.port, target=target)
                with pool.stream(
                    method, url, headers=list(sent.items()), content=body, extensions={"timeout": limits}
                ) as response:
                    return self._read(response, method)
        except (EffectNotDone, EffectFailed, AnswerUnknown):
            raise
        except (httpcore.NetworkError, httpcore.TimeoutException, httpcore.ProtocolError, OSError) as error:
            raise self._broken(error, network.sent) from None

    def _target(self, template: str, path: Mapping[str, str | int], query: Mapping[str, Any]) -> bytes:
        target = self.place.root + ("/" + template.lstrip("/") if template else "") or "/"
        for name, value in path.items():
            segment = quote(str(value), safe="")
            if segment.strip(".") == "":
                raise EffectFailed(f"{name} is {value!r}, which is no segment of a path; nothing was sent.")
            target = target.replace("{" + name + "}", segment)
        if "{" in target or "}" in target:
            raise EffectFailed(f"the path {template} has braces that nothing fills; nothing was sent.")
        known = [(name, plain(value)) for name, value in query.items() if value is not None]
        return (target + (f"?{urlencode(known, doseq=True)}" if known else "")).encode("ascii")

    def _checked(self, headers: Mapping[str, str]) -> dict[str, str]:
        """Headers that a tool may set: none that says whom the request is for or how long it is."""
        for name, value in headers.items():
            if not _HEADER.fullmatch(name) or any(ord(letter) < 32 or ord(letter) > 126 for letter in value):
                raise EffectFailed(f"the header {name!r} cannot be sent as it is; nothing was sent.")
            if name.lower() in ("host", "content-length", "transfer-encoding", "connection", "authorization"):
                raise EffectFailed(f"a tool does not set the header {name}; nothing was sent.")
        return {name.lower(): value for name, value in headers.items()}

    def _read(self, response: httpcore.Response, method: str) -> Answer:
        reads, status = method in ("GET", "HEAD"), response.status
        found, size = [], 0
        for chunk in response.iter_stream():
            found.append(chunk)
            size += len(chunk)
            if size > self.most and status >= 300:
                break  # what it says more is not shown anyway
            if size > self.most and reads:
                raise EffectFailed(f"{self.base} answered more than {self.most} bytes; nothing was changed.")
            if size > self.most:
                raise AnswerUnknown(f"{self.base} answered more than {self.most} bytes; the rest was not read.")
        body = b"".join(found)
        if 200 <= status < 300:
            names = {name.decode("ascii").lower(): value.decode("latin-1") for name, value in response.headers}
            return Answer(status, names, body)
        said = f"{self.base} answered {status}"
        if 300 <= status < 400:
            raise EffectFailed(f"{said}, a redirect; redirects are not followed. Correct the address in the tool.")
        if status in _LATER:
            raise EffectNotDone(f"{said}: not now; it may be tried again.")
        if 400 <= status < 500:
            raise EffectFailed(f"{said}: {_shown(body)}; it did not happen.")
        if reads:
            raise EffectNotDone(f"{said}; it may be tried again.")
        raise AnswerUnknown(f"{said}; whether it happened is not known.")

    def _broken(self, error: Exception, sent: bool) -> Exception:
        """What a broken connection means: certain as long as nothing was sent."""
        what = f"{type(error).__name__}: {error}" if str(error) else type(error).__name__
        if not sent:
            return EffectNotDone(f"{self.base} cannot be reached ({what}); nothing was sent.")
        return AnswerUnknown(f"the connection to {self.base} broke after the request was sent ({what}).")


class _Pinned(httpcore.NetworkBackend):
    """Resolves once, checks every address, connects to the first that answers, and keeps the time."""

    def __init__(self, private: bool, deadline: float) -> None:
        self._private = private
        self._deadline = deadline
        self._inner = httpcore.SyncBackend()
        self.sent = False
        """Whether a byte of a request may have left."""

    def connect_tcp(
        self,
        host: str,
        port: int,
        timeout: float | None = None,
        local_address: str | None = None,
        socket_options: Iterable[Any] | None = None,
    ) -> httpcore.NetworkStream:
        last: Exception = EffectNotDone(f"{host} has no address; nothing was sent.")
        for address in addresses(host, port, private=self._private):
            try:
                stream = self._inner.connect_tcp(address, port, left(self._deadline), local_address, socket_options)
                return TimedStream(stream, self._deadline, self._writes)
            except (httpcore.ConnectError, httpcore.ConnectTimeout) as error:
                last = error
        raise last

    def _writes(self) -> None:
        self.sent = True

    def sleep(self, seconds: float) -> None:
        raise NotImplementedError  # only retries of the pool sleep, and it makes none


def _shown(body: bytes) -> str:
    """The beginning of a refusal, in one printable line."""
    text = body[:400].decode("utf-8", "replace")
    return " ".join("".join(letter if letter.isprintable() else " " for letter in text).split())[:200] or "no reason"
