"""One JSON request to an endpoint and its answer: bounded in time, size and attempts.

Tried again are only 429, 5xx and a connection that failed, after the pause that the endpoint asks for
(`Retry-After`), else after one that doubles.  Asking a model changes nothing, so a request that may have arrived
can be sent again.  Redirects are not followed and proxies of the environment are not used, since the key goes along.
"""

from __future__ import annotations

import ssl
import time
from collections.abc import Callable
from datetime import UTC, datetime
from email.utils import parsedate_to_datetime
from typing import Any
from urllib.parse import urlsplit

import httpcore

from interlock.digest import compact
from interlock.errors import ModelError, ModelUnavailable
from interlock.lam.endpoint.options import Options
from interlock.lam.strict_json import NotStrict, read_strictly
from interlock.tools.connect.timed import TimedBackend

FIRST_PAUSE, LONGEST_PAUSE = 0.5, 8.0
"""Seconds before the second attempt, and the most before any, unless the endpoint asks for more."""


class Declined(ModelError):
    """The endpoint does not take the request as it is."""

    def __init__(self, message: str, status: int) -> None:
        super().__init__(message)
        self.status = status


class Busy(ModelUnavailable):
    """The endpoint may answer later."""

    def __init__(self, message: str, wait: float | None = None) -> None:
        super().__init__(message)
        self.wait = wait
        """Seconds that it asked to wait."""


def pause_before(attempt: int, wait: float | None) -> float:
    """Seconds to wait before attempt number `attempt` (the second is 2).

    Args:
        wait: what the endpoint asked for.
    """
    doubled = min(FIRST_PAUSE * 2.0 ** (attempt - 2), LONGEST_PAUSE)
    return doubled if wait is None else max(wait, 0.0)


def asked_wait(header: str | None, now: datetime) -> float | None:
    """The seconds of a `Retry-After` header (RFC 9110, 10.2.3), a number or a date; `None` for what is neither."""
    text = (header or "").strip()
    if text.isascii() and text.isdigit() and len(text) < 9:
        return float(text)
    try:
        then = parsedate_to_datetime(text)
    except ValueError:
        return None
    then = then if then.tzinfo else then.replace(tzinfo=UTC)
    return max(0.0, (then - now).total_seconds())


class Wire:
    """The requests of one endpoint.

    Args:
        clock: seconds of a clock that only goes forward.
        sleep: waits that many seconds.
        now: the time of day, for a `Retry-After` that is a date.
    """

    def __init__(
        self,
        options: Options,
        *,
        clock: Callable[[], float] = time.monotonic,
        sleep: Callable[[float], None] = time.sleep,
        now: Callable[[], datetime] = lambda: datetime.now(UTC),
    ) -> None:
        self.options, self.clock, self.sleep, self.now = options, clock, sleep, now
        parts = urlsplit(options.url)
        self.host = parts.netloc
        """Whom errors name."""
        self._scheme, self._path = parts.scheme, parts.path.rstrip("/")
        self._trust = ssl.create_default_context() if parts.scheme == "https" else None
        self._name, self._port = parts.hostname or "", parts.port or {"https": 443, "http": 80}[parts.scheme]

    def deadline(self) -> float:
        """When a decision that begins now has to be done."""
        return self.clock() + self.options.seconds

    def ask(self, path: str, body: Any | None, deadline: float) -> dict[str, Any]:
        """The object that the endpoint answers: with POST where there is a body, else with GET.

        Raises:
            ModelUnavailable: out of attempts or of time; trying again later can help.
            Declined: the endpoint does not take this request.
            ModelError: the answer is none that can be used.
        """
        for attempt in range(1, self.options.attempts + 1):
            try:
                return self._once(path, body, deadline)
            except Busy as busy:
                pause = pause_before(attempt + 1, busy.wait)
                if attempt == self.options.attempts:
                    raise ModelUnavailable(f"{busy.message} It was asked {attempt} times; try again later.") from None
                if self.clock() + pause >= deadline:
                    raise ModelUnavailable(
                        f"{busy.message} It would have to wait {pause:.0f} s, and there is no time; try again later."
                    ) from None
                self.sleep(pause)
        raise AssertionError("at least one attempt is made")

    def _once(self, path: str, body: Any | None, deadline: float) -> dict[str, Any]:
        remaining = deadline - self.clock()
        if remaining <= 0:
            raise ModelUnavailable(f"{self.host} did not answer in {self.options.seconds:.0f} s; try again later.")
        headers = {
            "host": self.host, "user-agent": "interlock", "accept": "application/json", "accept-encoding": "identity",
        }  # fmt: skip
        content = None
        if body is not None:
            content, headers["content-type"] = compact(body).encode("utf-8", "replace"), "application/json"
        if self.options.key is not None:
            headers["authorization"] = f"Bearer {self.options.key.get_secret_value()}"
        target = (self._path + path).encode("ascii")
        url = httpcore.URL(scheme=self._scheme, host=self._name, port=self._port, target=target)
        network = TimedBackend(time.monotonic() + remaining)
        limits = dict.fromkeys(("connect", "read", "write", "pool"), remaining)
        try:
            with (
                httpcore.ConnectionPool(ssl_context=self._trust, network_backend=network) as pool,
                pool.stream(
                    "GET" if body is None else "POST", url, headers=list(headers.items()), content=content,
                    extensions={"timeout": limits},
                ) as response,
            ):  # fmt: skip
                return self._read(response)
        except (httpcore.TimeoutException, TimeoutError):
            raise ModelUnavailable(
                f"{self.host} did not answer in {self.options.seconds:.0f} s; try again later."
            ) from None
        except (httpcore.NetworkError, httpcore.ProtocolError, OSError) as error:
            what = f"{type(error).__name__}: {error}" if str(error) else type(error).__name__
            raise Busy(f"{self.host} could not be reached ({what}).") from None

    def _read(self, response: httpcore.Response) -> dict[str, Any]:
        names = {name.decode("ascii").lower(): value.decode("latin-1") for name, value in response.headers}
        body = self._body(response)
        status = response.status
        if status == 429 or status >= 500:
            raise Busy(
                f"{self.host} answered {status}: {self._shown(body)}.", asked_wait(names.get("retry-after"), self.now())
            )
        if 300 <= status < 400:
            raise ModelError(f"{self.host} answered {status}, a redirect, which is not followed; correct the address.")
        if status in (401, 403):
            raise ModelError(f"{self.host} answered {status}: check INTERLOCK_ACTION_MODEL_KEY in the environment.")
        if status != 200:
            raise Declined(f"{self.host} answered {status}: {self._shown(body)}.", status)
        kind = names.get("content-type", "").partition(";")[0].strip().lower()
        if kind != "application/json" or names.get("content-encoding", "identity").lower() != "identity":
            raise ModelError(f"{self.host} answered {kind or 'something'} in place of plain JSON; is it an endpoint?")
        if len(body) > self.options.most:
            raise ModelError(f"{self.host} answered more than {self.options.most} bytes; the rest was not read.")
        try:
            found = read_strictly(body.decode()).value
        except UnicodeDecodeError:
            raise ModelError(f"{self.host} answered what is no UTF-8.") from None
        except NotStrict as fault:
            raise ModelError(f"{self.host} answered what is no strict JSON: {fault}.") from None
        if not isinstance(found, dict):
            raise ModelError(f"{self.host} answered JSON that is no object.")
        return found

    def _body(self, response: httpcore.Response) -> bytes:
        """The body, or its beginning where it is too long: one byte more than `most`."""
        found, size = [], 0
        for chunk in response.iter_stream():
            found.append(chunk[: self.options.most + 1 - size])
            size += len(found[-1])
            if size > self.options.most:
                break
        return b"".join(found)

    def _shown(self, body: bytes) -> str:
        """The beginning of a refusal in one printable line, without the key should the endpoint repeat it."""
        text = body[:2000].decode("utf-8", "replace")
        if self.options.key is not None:
            text = text.replace(self.options.key.get_secret_value(), "…")
        line = " ".join("".join(letter if letter.isprintable() else " " for letter in text).split())
        return line[:200].rstrip(".") or "no reason"
