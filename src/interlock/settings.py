"""Settings: one prefix (`INTERLOCK_`), a `.env` file, and where each value came from."""

from __future__ import annotations

import getpass
import re
from decimal import Decimal
from pathlib import Path
from typing import Annotated, Literal

from pydantic import BaseModel, ConfigDict, Field, SecretStr, ValidationError
from pydantic_settings import BaseSettings, SettingsConfigDict

from interlock.errors import SettingsError


class Price(BaseModel):
    """What a chat model costs, in USD per million tokens."""

    model_config = ConfigDict(frozen=True, extra="forbid")

    input: Decimal = Field(ge=0)
    output: Decimal = Field(ge=0)


NotifiedEvent = Literal[
    "approval.requested",
    "approval.escalated",
    "approval.approved",
    "approval.rejected",
    "approval.expired",
    "approval.superseded",
]
"""What can be told to people outside."""

FREE_PROVIDERS = ("offline", "scripted", "ollama", "hf")
"""Providers that run on this machine and cost nothing a token."""


class Settings(BaseSettings):
    """What can be set from outside; every field has a working default."""

    model_config = SettingsConfigDict(env_prefix="INTERLOCK_", env_file=".env", extra="ignore", frozen=True)

    home: Path = Path(".interlock")
    """Where state lives: database, outbox, calendars, locks."""

    database_url: str | None = None
    """Where runs are stored; default is SQLite in `home`."""

    checkpoint_key: SecretStr | None = None
    """Key that seals checkpoints, 64 hex digits, and behind it earlier ones that still open; without one, in clear."""

    checkpoint_key_file: Path | None = None
    """File that holds it instead."""

    busy_timeout: float = 30.0
    """Seconds to wait for another process that writes to the database."""

    audit_head_file: Path | None = None
    """A file outside the home that gets the head of the audit after each commit; default is none."""

    token: SecretStr | None = None
    """Your own token, which proves who you are where names are not taken at their word."""

    proxy_addresses: list[str] = []
    """Addresses and networks of proxies in front of the server, as a JSON list; nobody else's headers are believed."""

    proxy_header: str | None = None
    """Name of the header in which such a proxy says who makes a request, and has them signed in; default is none."""

    proxy_secret: SecretStr | None = None
    """What the proxy sends in `X-Interlock-Proxy-Secret` to prove itself; needed where it stands on this machine."""

    oidc_issuer: str | None = None
    """URL of the OpenID provider that signs people in; default is none."""

    oidc_client_id: str | None = None
    oidc_client_secret: SecretStr | None = None

    oidc_claim: str = "email"
    """The claim that names a person here; `email` counts only where the provider says that it is verified."""

    unknown_people: Literal["refuse", "create"] = "refuse"
    """What becomes of whom a proxy or provider signs in and nobody here knows; `create` gives them no role."""

    model: str = "offline"
    """Provider string of the chat model that reason nodes use by default."""

    model_timeout: float = 60.0
    """Seconds one chat model call may take."""

    prices: dict[str, Price] = {}
    """USD per million tokens by provider string, as JSON: `{"openai:NAME": {"input": 0.5, "output": 1.5}}`."""

    action_model: str | None = None
    """Which action model: a folder of weights, `hf:FOLDER`, or the URL of an endpoint; default is the packaged one."""

    action_model_seal: str | None = None
    """The only seal of calibration and certificates that the embedded model may have; default is any true one."""

    action_model_key: SecretStr | None = None
    """Key that is sent to an action model behind an endpoint; none is sent without it."""

    secrets: Path | None = None
    """Folder of secrets, a file each; default is `secrets` in `home`."""

    browser: Path | None = None
    """The Chromium that web pages are opened with; default is one of the system, or Playwright's own."""

    smtp_host: str | None = None
    """SMTP server; without one, mail goes to a Maildir outbox under `home`."""

    smtp_port: int = 25
    smtp_user: str | None = None
    smtp_password: SecretStr | None = None
    smtp_security: Annotated[str, Field(pattern="^(none|starttls|tls)$")] = "none"
    smtp_timeout: float = 30.0
    """Seconds to wait for the SMTP server at each step."""

    mail_from: str = "interlock@localhost"
    """Sender address of outgoing mail."""

    notify_webhook: str | None = None
    """URL that is told when something waits for a person; each message is signed with `notify_secret`."""

    notify_secret: SecretStr | None = None
    """Key of the webhook's signatures: `whsec_` and base64, or any text of 24 characters or more."""

    notify_private: bool = False
    """Whether the webhook may stand on this machine or in a private network."""

    notify_mail: list[str] = []
    """Addresses that are written to when something waits for a person, as a JSON list."""

    notify_events: list[NotifiedEvent] = ["approval.requested", "approval.escalated", "approval.expired"]
    """What is told, as a JSON list."""

    log_format: Literal["text", "json"] = "text"
    """How `serve` and `work` write their log: lines for people, or a JSON object a line."""

    log_level: Literal["DEBUG", "INFO", "WARNING", "ERROR"] = "INFO"
    """From which level on."""

    trace_content: bool = False
    """Whether spans, and what LangSmith is sent, carry what people and models wrote."""

    def price(self, provider: str) -> Price | None:
        """What a token of `provider` costs; None when it is not known."""
        if provider.split(":")[0] in FREE_PROVIDERS:
            return Price(input=Decimal(0), output=Decimal(0))
        return self.prices.get(provider)

    @property
    def database(self) -> str:
        """The SQLAlchemy URL of the database in use."""
        return self.database_url or f"sqlite:///{self.home.absolute() / 'interlock.db'}"


def load_settings(**overrides: object) -> Settings:
    """Read the settings from the environment and `.env`.

    Raises:
        SettingsError: a value does not fit its type; the message names the variable.
    """
    try:
        return Settings(**overrides)  # type: ignore[arg-type]  # pydantic validates the overrides
    except ValidationError as error:
        first = error.errors()[0]
        name = "INTERLOCK_" + "_".join(str(part) for part in first["loc"]).upper()
        raise SettingsError(f"{name}: {first['msg']}. Correct it in the environment or in .env.") from None


def current_person() -> str:
    """The login name of whoever runs this process, as a name for the record.

    It proves nothing: `engine.identity.acting` says where it counts.
    """
    try:
        name = getpass.getuser()
    except (KeyError, OSError):
        name = ""
    return re.sub(r"[^\w.@+-]", "_", name)[:64] or "unknown"
