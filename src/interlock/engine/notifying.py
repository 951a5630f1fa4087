"""Telling people outside that something waits for them: a signed webhook, and mail.

Webhooks follow Standard Webhooks 1.0: the headers `webhook-id` (the same for every attempt),
`webhook-timestamp` (seconds since 1970) and `webhook-signature` (`v1,` and the base64 of the HMAC-SHA256
over `id.timestamp.body`).  A receiver that answers 200 to 299 has it; anything else is tried again later.
"""

from __future__ import annotations

import base64
import binascii
import hashlib
import hmac
import json
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from urllib.parse import parse_qsl, urlsplit

from interlock.errors import EffectFailed, EffectNotDone, ProjectError, SettingsError
from interlock.settings import Settings
from interlock.store.audit import Audit, Clock
from interlock.store.notices import Notices
from interlock.store.tables import Notice
from interlock.tools.action import ActionContext
from interlock.tools.connect import mail
from interlock.tools.connect.http import Api

SECONDS = 10.0
"""How long a receiver may take to answer."""

SHORTEST_KEY = 24
"""Bytes of a signing key, as Standard Webhooks asks for."""


@dataclass(frozen=True)
class Delivered:
    """How many notices were delivered, will be tried again, and were given up."""

    sent: int = 0
    again: int = 0
    given_up: int = 0


def channels(settings: Settings) -> Mapping[str, Sequence[str]]:
    """The places to be told, by kind of channel.

    Raises:
        SettingsError: the webhook has no usable key or address.
    """
    if settings.notify_webhook:
        signing_key(settings)
        _receiver(settings.notify_webhook, settings)
    return {
        "webhook": [settings.notify_webhook] if settings.notify_webhook else [],
        "mail": settings.notify_mail,
    }


def deliver(notices: Notices, settings: Settings, audit: Audit, clock: Clock) -> Delivered:
    """Deliver what is due now, once each; what fails is tried again later."""
    sent = again = given_up = 0
    while taken := notices.take():
        for notice in taken:
            context = ActionContext(key=notice.id, run="", settings=settings, now=clock())
            try:
                if notice.channel == "webhook":
                    post(notice, context)
                else:
                    write(notice, context)
            except (EffectNotDone, EffectFailed, SettingsError, OSError) as error:
                said = error.message if isinstance(error, EffectNotDone | EffectFailed | SettingsError) else str(error)
                if notices.failed(notice, context.secrets.text(said), audit):
                    again += 1
                else:
                    given_up += 1
            else:
                notices.sent(notice)
                sent += 1
    return Delivered(sent, again, given_up)


def post(notice: Notice, context: ActionContext) -> None:
    """Send one notice to the webhook.

    Raises:
        EffectNotDone, EffectFailed, OSError: it did not take it, or nobody knows whether it did.
        SettingsError: it cannot be signed or addressed.
    """
    body = json.dumps(notice.payload, ensure_ascii=False, separators=(",", ":")).encode()
    moment = str(int(context.now.timestamp()))
    headers = {
        "content-type": "application/json",
        "webhook-timestamp": moment,
        "webhook-signature": sign(signing_key(context.settings), notice.id, moment, body),
    }
    query = dict(parse_qsl(urlsplit(notice.target).query, keep_blank_values=True))
    _receiver(notice.target, context.settings).post(context, "", query=query, content=body, headers=headers)


def sign(key: bytes, notice_id: str, moment: str, body: bytes) -> str:
    """The value of `webhook-signature`."""
    signed = hmac.new(key, f"{notice_id}.{moment}.".encode() + body, hashlib.sha256).digest()
    return "v1," + base64.b64encode(signed).decode()


def signing_key(settings: Settings) -> bytes:
    """The key of the webhook's signatures.

    Raises:
        SettingsError: there is none, or it is too short.
    """
    text = settings.notify_secret.get_secret_value() if settings.notify_secret else ""
    key = text.encode()
    if text.startswith("whsec_"):
        try:
            key = base64.b64decode(text.removeprefix("whsec_"), validate=True)
        except binascii.Error:
            raise SettingsError("INTERLOCK_NOTIFY_SECRET: what follows whsec_ is not base64.") from None
    if len(key) < SHORTEST_KEY:
        raise SettingsError(
            f"INTERLOCK_NOTIFY_SECRET needs {SHORTEST_KEY} bytes or more, so that the webhook can be signed."
        )
    return key


def write(notice: Notice, context: ActionContext) -> None:
    """Send one notice by mail; a repeat of the same notice is the same message.

    Raises:
        EffectNotDone, EffectFailed, OSError: it was not sent, or nobody knows whether it was.
    """
    data = notice.payload["data"]
    title = " ".join(str(data["title"]).split())
    lines = [
        title,
        "",
        f"{notice.event.removeprefix('approval.')}: {data['approval']} of run {data['run']}, step {data['step']}",
        f"decide before {data['decide_before']}",
        "",
        f"Look:    interlock review show {data['approval']}",
    ]
    shown = "".join(letter if letter.isprintable() else " " for letter in title)[:150]
    message = mail.compose(
        context, to=notice.target, cc=[], subject=f"[interlock] {shown}", body="\n".join(lines) + "\n"
    )
    mail.deliver(message, context)


def _receiver(url: str, settings: Settings) -> Api:
    address, _, _ = url.partition("?")
    try:
        return Api(address, methods=["POST"], private=settings.notify_private, seconds=SECONDS, key_header="webhook-id")
    except ProjectError as error:
        hint = "" if settings.notify_private else " For a receiver inside, set INTERLOCK_NOTIFY_PRIVATE=true."
        raise SettingsError(f"INTERLOCK_NOTIFY_WEBHOOK: {error.message}{hint}") from None
