"""One message to an SMTP server, step by step, so that every failure knows what the server knows.

Up to the server's `354` nothing was handed over, and an explicit reply after the final dot is the
server's word: those outcomes are certain.  A connection that breaks in between leaves the outcome
unknown, which is neither `EffectFailed` nor `EffectNotDone`.  The server's host name must be on its
certificate; a TLS setting never falls back to clear text.
"""

from __future__ import annotations

import ipaddress
import re
import smtplib
import ssl
from collections.abc import Iterator, Sequence
from contextlib import contextmanager, suppress

from interlock.errors import EffectFailed, EffectNotDone
from interlock.settings import Settings


class DeliveryUnknown(ConnectionError):
    """The connection broke while the message was handed over: the server may have accepted it."""


def server(settings: Settings) -> str:
    """The configured server as `host:port`."""
    return f"{settings.smtp_host}:{settings.smtp_port}"


@contextmanager
def session(settings: Settings) -> Iterator[smtplib.SMTP]:
    """A greeted, encrypted and authenticated session, as the settings say; closed at the end.

    Raises:
        EffectNotDone: the server cannot be reached or asks to come back later.
        EffectFailed: the server refuses for good, or lacks what the settings ask for.
    """
    with _certain(settings, "the connection"):
        client = _connect(settings)
    try:
        with _certain(settings, "the greeting"):
            client.ehlo_or_helo_if_needed()
        if settings.smtp_security == "starttls":
            with _certain(settings, "STARTTLS"):
                client.starttls(context=ssl.create_default_context())
                client.ehlo_or_helo_if_needed()
        if settings.smtp_user is not None:
            _log_in(client, settings)
        yield client
    finally:
        with suppress(OSError):
            client.quit()
        client.close()


def envelope(client: smtplib.SMTP, settings: Settings, sender: str, recipients: Sequence[str], size: int) -> None:
    """Announce sender and recipients.  All recipients are accepted, or nothing is sent to anybody.

    Raises:
        EffectNotDone: the server refused for now, or hung up.
        EffectFailed: the server refused the sender, the size or a recipient for good.
    """
    options = [f"SIZE={size}"] if client.has_extn("size") else []
    with _certain(settings, "the sender"):
        _accept(client.mail(sender, options), settings, f"the sender {sender}")
    refused: list[tuple[int, str]] = []
    for recipient in recipients:
        with _certain(settings, "a recipient"):
            code, reply = client.rcpt(recipient)
        if not 200 <= code < 300:
            refused.append((code, f"{recipient} ({code} {_shown(reply)})"))
    if refused:
        with suppress(OSError):
            client.rset()
        names = ", ".join(text for _, text in refused)
        message = f"{server(settings)} refused the recipient {names}; the message went to nobody."
        if all(400 <= code < 500 for code, _ in refused):
            raise EffectNotDone(f"{message} It may be tried again later.")
        raise EffectFailed(f"{message} Correct the address.")


def hand_over(client: smtplib.SMTP, settings: Settings, data: bytes) -> None:
    """Send the message (lines end in CRLF) and wait until the server has taken responsibility for it.

    Raises:
        EffectNotDone: the server answered that it has not taken the message, for now.
        EffectFailed: the server answered that it will not take the message.
        DeliveryUnknown: no usable answer came after the first byte of the message was sent.
    """
    with _certain(settings, "DATA"):
        code, reply = client.docmd("DATA")
    if code != 354:
        _accept((code if code >= 400 else 500, reply), settings, "the message")
    try:
        client.send(re.sub(rb"(?m)^\.", b"..", data) + (b"" if data.endswith(b"\r\n") else b"\r\n") + b".\r\n")
        code, reply = client.getreply()
    except (OSError, ValueError) as error:
        raise DeliveryUnknown(
            f"The connection to {server(settings)} broke while the message was handed over "
            f"({type(error).__name__}): whether it was accepted is unknown. "
            "Look for its Message-ID in the server's log or ask the recipient."
        ) from None
    if 200 <= code < 300:
        return
    if not 400 <= code < 600:
        raise DeliveryUnknown(
            f"{server(settings)} gave no usable answer to the message ({code} {_shown(reply)}): whether it was "
            "accepted is unknown. Look for its Message-ID in the server's log or ask the recipient."
        )
    _accept((code, reply), settings, "the message")


def _connect(settings: Settings) -> smtplib.SMTP:
    host, port, wait = settings.smtp_host or "", settings.smtp_port, settings.smtp_timeout
    if settings.smtp_security == "tls":
        return smtplib.SMTP_SSL(host, port, timeout=wait, context=ssl.create_default_context())
    return smtplib.SMTP(host, port, timeout=wait)


def _log_in(client: smtplib.SMTP, settings: Settings) -> None:
    if settings.smtp_password is None:
        raise EffectFailed("INTERLOCK_SMTP_USER is set without INTERLOCK_SMTP_PASSWORD; nothing was sent.")
    if settings.smtp_security == "none" and not _is_loopback(settings.smtp_host or ""):
        raise EffectFailed(
            f"The password for {server(settings)} would travel in clear text; nothing was sent. "
            "Set INTERLOCK_SMTP_SECURITY to starttls or tls."
        )
    with _certain(settings, "the log-in"):
        client.login(settings.smtp_user or "", settings.smtp_password.get_secret_value())


def _is_loopback(host: str) -> bool:
    try:
        return ipaddress.ip_address(host.strip("[]")).is_loopback
    except ValueError:
        return host.casefold() == "localhost"


@contextmanager
def _certain(settings: Settings, stage: str) -> Iterator[None]:
    """Failures before anything was handed over: none of them leaves a doubt."""
    try:
        yield
    except ssl.SSLCertVerificationError as error:
        raise EffectFailed(
            f"The certificate of {server(settings)} is not trusted ({error.verify_message}); nothing was sent. "
            "Correct INTERLOCK_SMTP_HOST, or name the authority in SSL_CERT_FILE."
        ) from None
    except smtplib.SMTPAuthenticationError as error:
        if 400 <= error.smtp_code < 500:
            raise EffectNotDone(f"{server(settings)} cannot check the log-in now; nothing was sent.") from None
        raise EffectFailed(
            f"{server(settings)} refused the log-in ({error.smtp_code}); nothing was sent. "
            "Check INTERLOCK_SMTP_USER and INTERLOCK_SMTP_PASSWORD."
        ) from None
    except smtplib.SMTPResponseException as error:
        _accept((error.smtp_code, error.smtp_error), settings, stage)
        raise EffectNotDone(f"{server(settings)} answered {stage} out of turn; nothing was sent.") from None
    except (smtplib.SMTPServerDisconnected, TimeoutError):
        message = f"{server(settings)} hung up or fell silent at {stage}; nothing was sent, try again."
        raise EffectNotDone(message) from None
    except smtplib.SMTPException as error:
        raise EffectFailed(
            f"{server(settings)}: {error}; nothing was sent. Check INTERLOCK_SMTP_SECURITY and the log-in."
        ) from None
    except OSError as error:
        reason = error.strerror or type(error).__name__
        raise EffectNotDone(
            f"{server(settings)} cannot be reached ({reason}); nothing was sent. "
            "Check INTERLOCK_SMTP_HOST and INTERLOCK_SMTP_PORT, or try again."
        ) from None
    except (ValueError, OverflowError):
        # Raised by a value that cannot be sent at all; its text may hold the password, so it is not shown.
        raise EffectFailed(
            f"A setting cannot be used for {stage}; nothing was sent. Check INTERLOCK_SMTP_HOST, _PORT, _USER "
            "and _PASSWORD: the last two must be ASCII."
        ) from None


def _accept(answer: tuple[int, bytes | str], settings: Settings, what: str) -> None:
    """Return when the server said yes; otherwise raise its refusal, as final as its code says."""
    code, reply = answer
    if 200 <= code < 300:
        return
    message = f"{server(settings)} refused {what} ({code} {_shown(reply)}); nothing was sent."
    if 500 <= code < 600:
        raise EffectFailed(message)
    raise EffectNotDone(f"{message} It may be tried again later.")


def _shown(reply: bytes | str) -> str:
    """A server's reply as one short printable line."""
    text = reply.decode("ascii", "replace") if isinstance(reply, bytes) else reply
    return " ".join("".join(letter if letter.isprintable() else " " for letter in text).split())[:200]
