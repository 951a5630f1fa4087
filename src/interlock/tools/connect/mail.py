"""Mail: compose a message, deliver it once, keep drafts, search, and find out about earlier attempts.

With an SMTP server in the settings a message goes there, and a copy is kept in `sent/` of the home: in
`sent/tmp/` from just before the server is told the message, in `sent/new/` once it has accepted it.
Without a server the Maildir `outbox/` is the delivery.  Only the settings' sender is used, there is no
blind copy, and an address needs an ASCII part before the @.
"""

from __future__ import annotations

import email
import unicodedata
from collections.abc import Sequence
from contextlib import suppress
from dataclasses import dataclass
from datetime import datetime
from email.headerregistry import Address
from email.message import EmailMessage
from email.policy import SMTP, default
from email.utils import format_datetime, parseaddr
from pathlib import Path
from typing import Literal

from email_validator import EmailNotValidError, validate_email

from interlock.errors import EffectFailed, EffectNotDone
from interlock.tools.action import ActionContext
from interlock.tools.connect import files, maildir, smtp
from interlock.tools.connect.keys import key_clash, name_of

WIRE = SMTP.clone(cte_type="7bit")
DISK = WIRE.clone(linesep="\n")
DELIVERED_BY = "X-Interlock-Delivery"
FOUND_AT_MOST = 50
SHOWN_AT_MOST = 2000


@dataclass(frozen=True)
class Receipt:
    """That a message was delivered, and how: `smtp host:port`, or its path below the home."""

    message_id: str
    delivery: str


@dataclass(frozen=True)
class Trace:
    """What is known about the message of a key."""

    answer: Literal["happened", "did_not_happen", "unknown"]
    receipt: Receipt | None
    because: str


def compose(context: ActionContext, *, to: str, cc: Sequence[str], subject: str, body: str) -> EmailMessage:
    """The message; its Message-ID comes from the effect's key, its date from the context.

    Raises:
        EffectFailed: the subject holds a line break or control character, or an address or the body
            cannot be written in a message.
    """
    shown, plain = parseaddr(context.settings.mail_from)
    sender = _address(plain, "INTERLOCK_MAIL_FROM", shown)
    if any(unicodedata.category(letter) in {"Cc", "Cs", "Zl", "Zp"} for letter in subject):
        raise EffectFailed("The subject holds a line break or control character; write it in one plain line.")
    message = EmailMessage(policy=WIRE)
    message["From"] = sender
    message["To"] = _address(to, "to")
    if cc:
        message["Cc"] = [_address(each, "cc") for each in cc]
    message["Subject"] = subject
    message["Date"] = format_datetime(context.now)
    message["Message-ID"] = f"<{name_of(context.key)}@{sender.domain}>"
    try:
        message.set_content(body)
    except UnicodeError:
        raise EffectFailed("The body holds characters that have no UTF-8 form; remove them.") from None
    return message


def deliver(message: EmailMessage, context: ActionContext) -> Receipt:
    """Send the message.  A repeat with the same key returns the first receipt and sends nothing.

    The point of no return is the rename into `outbox/new/`, or, over SMTP, the first byte after the
    server's `354`.

    Raises:
        EffectNotDone: certainly not sent; try again.
        EffectFailed: certainly not sent and never will be, or the key stands for another message.
        DeliveryUnknown: over SMTP, the connection broke while the message was handed over.
        OSError: the message of this key stands in the outbox, but cannot be read.
    """
    earlier = _delivered(context)
    if earlier is not None:
        return _first(earlier, message, context)
    if context.settings.smtp_host is not None:
        return _send(message, context)
    path = _keep(context.home / "outbox", message, context)
    return Receipt(_message_id(message), path.relative_to(context.home).as_posix())


def keep_draft(message: EmailMessage, context: ActionContext) -> str:
    """Keep the message in `drafts/` and return its Message-ID; a repeat with the same key adds nothing.

    Raises:
        EffectNotDone: the drafts folder cannot be written; nothing was kept.
        EffectFailed: the key stands for another draft.
    """
    return _message_id(_read(_keep(context.home / "drafts", message, context)))


def probe(context: ActionContext) -> Trace:
    """What became of the message of this key.

    An outbox answers with certainty.  An SMTP server cannot be asked, but the first byte goes to it only
    after a mark stands in `sent/tmp/`: with a mark and no accepted copy its answer is unknown, without
    either nothing was handed over.
    """
    try:
        path = _delivered(context)
        receipt = _receipt(path, context) if path is not None else None
        began = maildir.staged(context.home / "sent", name_of(context.key)).exists()
    except (OSError, EffectNotDone) as error:
        return Trace("unknown", None, f"The outbox cannot be read: {error}")
    if receipt is not None:
        return Trace("happened", receipt, f"The message was delivered: {receipt.delivery}.")
    if began:
        because = "The message was being handed to an SMTP server when the attempt ended; the server cannot be asked."
        return Trace("unknown", None, because)
    return Trace("did_not_happen", None, "No message of this key was delivered, or begun to be handed to a server.")


def search(query: str, context: ActionContext) -> list[dict[str, str]]:
    """Sent messages and drafts that hold every word of `query` in subject, body or addresses.

    Newest first, at most 50; each with message_id, folder, date, from, to, cc, subject and the first 2000
    characters of its body.  Upper and lower case are the same; a file that is no message is passed over.

    Raises:
        EffectNotDone: a folder cannot be read.
    """
    words = query.casefold().split()
    found: list[tuple[datetime | None, dict[str, str]]] = []
    for folder in ("outbox", "sent", "drafts"):
        try:
            paths = maildir.paths(context.home / folder)
        except OSError as error:
            raise _unreadable(context.home / folder, error) from None
        for path in paths:
            # Any program may have put a file here, and the parser raises many things on a broken one.
            with suppress(OSError, ValueError, LookupError, AttributeError, TypeError):
                message = _read(path)
                row = _row(folder, message)
                body = _text(message)
                text = "\n".join([row["subject"], row["from"], row["to"], row["cc"], body]).casefold()
                if all(word in text for word in words):
                    date = message["Date"].datetime if message["Date"] is not None else None
                    found.append((date, row | {"body": body[:SHOWN_AT_MOST]}))
    found.sort(key=lambda pair: pair[0].timestamp() if pair[0] else 0.0, reverse=True)
    return [row for _, row in found[:FOUND_AT_MOST]]


def _send(message: EmailMessage, context: ActionContext) -> Receipt:
    settings, folder, name = context.settings, context.home / "sent", name_of(context.key)
    data = message.as_bytes(policy=WIRE)
    receipt = Receipt(_message_id(message), f"smtp {smtp.server(settings)}")
    sender = message["From"].addresses[0].addr_spec
    with smtp.session(settings) as client:
        smtp.envelope(client, settings, sender, _recipients(message), len(data))
        copy = f"{DELIVERED_BY}: {receipt.delivery}\n".encode() + message.as_bytes(policy=DISK)
        mark = maildir.stage(folder, name, copy)
        try:
            smtp.hand_over(client, settings, data)
        except (EffectNotDone, EffectFailed):
            files.discard(mark)
            raise
        # The server has accepted: a copy that cannot be kept must not make the sending look undone.
        with suppress(OSError, EffectNotDone):
            maildir.publish(folder, name)
    return receipt


def _keep(folder: Path, message: EmailMessage, context: ActionContext) -> Path:
    name = name_of(context.key)
    with files.held(folder):
        try:
            path = maildir.find(folder, name)
        except OSError as error:
            raise _unreadable(folder, error) from None
        if path is None:
            maildir.stage(folder, name, message.as_bytes(policy=DISK))
            return maildir.publish(folder, name)
    _first(path, message, context)
    return path


def _delivered(context: ActionContext) -> Path | None:
    try:
        name = name_of(context.key)
        return maildir.find(context.home / "outbox", name) or maildir.find(context.home / "sent", name)
    except OSError as error:
        raise _unreadable(context.home, error) from None


def _first(path: Path, message: EmailMessage, context: ActionContext) -> Receipt:
    """The receipt of the message at `path`, if it says the same as `message`."""
    if _content(_read(path)) != _content(_parsed(message.as_bytes(policy=DISK))):
        raise key_clash(context.key, f"the message in {path.relative_to(context.home).as_posix()}")
    return _receipt(path, context)


def _receipt(path: Path, context: ActionContext) -> Receipt:
    message = _read(path)
    delivery = str(message[DELIVERED_BY] or path.relative_to(context.home).as_posix())
    return Receipt(_message_id(message), delivery)


def _address(text: str, where: str, shown: str = "") -> Address:
    """`text` as a header address; an international domain takes its ASCII form."""
    try:
        plain = validate_email(text, check_deliverability=False, test_environment=True, allow_quoted_local=True)
    except EmailNotValidError:
        # Names without a dot, such as interlock@localhost, are addresses within a house.
        plain = None
    address = text if plain is None else plain.ascii_email
    try:
        if address is None:
            raise ValueError("not ASCII before the @")
        address.encode("ascii")
        parsed = Address(display_name=shown, addr_spec=address)
    except (ValueError, IndexError, email.errors.MessageError):
        raise EffectFailed(f"{where}: {text!r} cannot be written as a mail address; correct it.") from None
    if not parsed.username or not parsed.domain:
        raise EffectFailed(f"{where}: {text!r} is not a mail address; write it as name@example.org.")
    return parsed


def _recipients(message: EmailMessage) -> list[str]:
    """Every address that gets the message, each once."""
    everyone = [*message["To"].addresses, *(message["Cc"].addresses if message["Cc"] is not None else ())]
    return list(dict.fromkeys(address.addr_spec for address in everyone))


def _content(message: EmailMessage) -> tuple[list[str], str, str]:
    """What makes two messages the same for their readers."""
    return _recipients(message), str(message["Subject"]), _text(message)


def _row(folder: str, message: EmailMessage) -> dict[str, str]:
    headers = ("Message-ID", "Date", "From", "To", "Cc", "Subject")
    return {"folder": folder} | {header.lower().replace("-", "_"): str(message[header] or "") for header in headers}


def _text(message: EmailMessage) -> str:
    part = message.get_body(("plain",))
    return str(part.get_content()) if part is not None else ""


def _message_id(message: EmailMessage) -> str:
    return str(message["Message-ID"]).strip()


def _read(path: Path) -> EmailMessage:
    return _parsed(path.read_bytes())


def _parsed(data: bytes) -> EmailMessage:
    return email.message_from_bytes(data, policy=default)


def _unreadable(path: Path, error: OSError) -> EffectNotDone:
    return EffectNotDone(f"{path} cannot be read ({error.strerror}); nothing was changed. Give access to it.")
