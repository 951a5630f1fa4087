"""Signing in at an OpenID provider: the code flow of OpenID Connect Core 1.0, with PKCE (RFC 7636).

What stands between the way out and the way back is sealed into a cookie of its own, so that a stranger who begins a
sign-in costs no memory here.
"""

from __future__ import annotations

import base64
import hmac
import json
import logging
import secrets
from collections.abc import Mapping
from dataclasses import asdict, dataclass
from datetime import datetime, timedelta
from importlib.util import find_spec
from threading import Lock
from typing import Any
from urllib.parse import urlsplit

from cryptography.exceptions import InvalidTag
from cryptography.hazmat.primitives.ciphers.aead import AESGCM

from interlock.errors import NotAuthenticated, SettingsError
from interlock.settings import Settings
from interlock.store.audit import Clock

LOG = logging.getLogger("interlock.web")

ALGORITHMS = ("RS256", "RS384", "RS512", "PS256", "PS384", "PS512", "ES256", "ES384", "ES512", "EdDSA", "Ed25519")
"""Signatures that are taken: those made with a private key alone, whatever the provider announces."""

LASTING = timedelta(minutes=10)
"""How long somebody may take at the provider."""

KNOWN_FOR = timedelta(hours=1)
"""How long the provider's addresses and keys are kept."""

ASKED_AGAIN = timedelta(seconds=10)
"""Keys are fetched for a key that is not known, at most once in this time."""

LEEWAY = 60
"""Seconds by which the clocks of two machines may differ."""

TIMEOUT = 10.0
"""Seconds to wait for the provider."""

SCOPE = "openid email profile"


@dataclass(frozen=True)
class Flow:
    """One sign-in under way: what the answer must match, and where to go then."""

    state: str
    nonce: str
    verifier: str
    after: str
    until: float

    @classmethod
    def begin(cls, after: str, now: datetime) -> Flow:
        state, nonce, verifier = (secrets.token_urlsafe(48) for _ in range(3))
        return cls(state, nonce, verifier, after, (now + LASTING).timestamp())


@dataclass(frozen=True)
class Arrival:
    """Who came back from the provider."""

    name: str
    account: str
    """Issuer and subject: what stays the same when names and addresses change."""


class Seal:
    """Seals flows into text that nobody else can read or make."""

    def __init__(self, key: bytes) -> None:
        self._cipher = AESGCM(key)

    def close(self, flow: Flow) -> str:
        salt = secrets.token_bytes(12)
        sealed = salt + self._cipher.encrypt(salt, json.dumps(asdict(flow)).encode(), b"flow")
        return base64.urlsafe_b64encode(sealed).decode()

    def open(self, text: str, now: datetime) -> Flow | None:
        """The flow; None where it is none of ours, or too old."""
        try:
            sealed = base64.urlsafe_b64decode(text.encode())
            flow = Flow(**json.loads(self._cipher.decrypt(sealed[:12], sealed[12:], b"flow")))
        except (InvalidTag, ValueError, TypeError):
            return None
        return flow if now.timestamp() < flow.until else None


class Provider:
    """One OpenID provider; its addresses and keys are fetched when first needed."""

    def __init__(self, issuer: str, client_id: str, client_secret: str | None, claim: str, clock: Clock) -> None:
        self.issuer = issuer
        self._client_id = client_id
        self._client_secret = client_secret
        self._claim = claim
        self._clock = clock
        self._lock = Lock()
        self._metadata: Mapping[str, Any] = {}
        self._keys: Mapping[str, Any] = {}
        self._read_at: datetime | None = None
        self._keys_at: datetime | None = None

    @property
    def name(self) -> str:
        """The provider as people know it."""
        return urlsplit(self.issuer).netloc

    def way(self, flow: Flow, back: str) -> str:
        """The address at the provider where somebody signs in.

        Raises:
            NotAuthenticated: the provider cannot be asked.
        """
        with self._client(back) as client:
            url, _ = client.create_authorization_url(
                self._metadata_now()["authorization_endpoint"],
                state=flow.state, nonce=flow.nonce, code_verifier=flow.verifier,
            )  # fmt: skip
        return str(url)

    def arrive(self, flow: Flow, answer: Mapping[str, str], back: str) -> Arrival:
        """Who signed in there, by what the browser brought back.

        Raises:
            NotAuthenticated: nobody did, or it cannot be proven; the reason is for the log.
        """
        if not hmac.compare_digest(answer.get("state", ""), flow.state):
            raise NotAuthenticated("the state is not the one that was sent")
        if "iss" in answer and answer["iss"] != self.issuer:  # RFC 9207
            raise NotAuthenticated("another issuer answers")
        if "error" in answer or not answer.get("code"):
            raise NotAuthenticated(f"the provider says {answer.get('error', 'nothing')[:60]!r}")
        return self._arrival(self._claims(self._token(flow, answer["code"], back), flow.nonce))

    def _token(self, flow: Flow, code: str, back: str) -> Mapping[str, Any]:
        from authlib.common.errors import AuthlibBaseError
        from httpx import HTTPError

        try:
            with self._client(back) as client:
                token = client.fetch_token(
                    self._metadata_now()["token_endpoint"],
                    code=code, code_verifier=flow.verifier, grant_type="authorization_code",
                )  # fmt: skip
        except (AuthlibBaseError, HTTPError, ValueError) as error:
            raise NotAuthenticated(f"the provider gives no token: {type(error).__name__}") from None
        if not isinstance(token.get("id_token"), str):
            raise NotAuthenticated("the provider gives no ID token")
        return dict(token)

    def _claims(self, token: Mapping[str, Any], nonce: str) -> Mapping[str, Any]:
        """The claims of the ID token, once its signature, issuer, audience, times and nonce are right."""
        from authlib.oidc.core import CodeIDToken
        from joserfc import jwt
        from joserfc.errors import InvalidKeyIdError, JoseError
        from joserfc.jwk import KeySet

        try:
            try:
                decoded = jwt.decode(token["id_token"], KeySet.import_key_set(self._keys_now()), list(ALGORITHMS))
            except InvalidKeyIdError:
                keys = KeySet.import_key_set(self._keys_now(anew=True))
                decoded = jwt.decode(token["id_token"], keys, list(ALGORITHMS))
            must = {
                "iss": {"essential": True, "value": self.issuer},
                "aud": {"essential": True, "value": self._client_id},
                "sub": {"essential": True},
                "nonce": {"essential": True, "value": nonce},
            }
            known = {"nonce": nonce, "client_id": self._client_id, "access_token": token.get("access_token")}
            claims = CodeIDToken(decoded.claims, decoded.header, must, known)
            claims.validate(now=int(self._clock().timestamp()), leeway=LEEWAY)
        except (JoseError, ValueError, TypeError, KeyError) as error:
            raise NotAuthenticated(f"the ID token is refused: {type(error).__name__} {error}"[:200]) from None
        return dict(claims)

    def _arrival(self, claims: Mapping[str, Any]) -> Arrival:
        name, subject = claims.get(self._claim), claims.get("sub")
        if not isinstance(name, str) or not name or not isinstance(subject, str) or not subject:
            raise NotAuthenticated(f"the ID token has no {self._claim}")
        if self._claim == "email" and claims.get("email_verified") is not True:
            raise NotAuthenticated("the provider does not say that the email address is verified")
        return Arrival(name, f"{self.issuer} {subject}")

    def _client(self, back: str) -> Any:
        from authlib.integrations.httpx_client import OAuth2Client

        return OAuth2Client(
            self._client_id, self._client_secret, scope=SCOPE, redirect_uri=back, code_challenge_method="S256",
            token_endpoint_auth_method="client_secret_basic" if self._client_secret else "none",
            timeout=TIMEOUT, follow_redirects=False, trust_env=False,
        )  # fmt: skip

    def _metadata_now(self) -> Mapping[str, Any]:
        with self._lock:
            now = self._clock()
            if self._read_at is None or now - self._read_at >= KNOWN_FOR:
                found = self._fetch(f"{self.issuer.rstrip('/')}/.well-known/openid-configuration")
                if found.get("issuer") != self.issuer:
                    raise NotAuthenticated("the provider goes by another name than INTERLOCK_OIDC_ISSUER")
                for name in ("authorization_endpoint", "token_endpoint", "jwks_uri"):
                    if not isinstance(found.get(name), str) or not is_safe(found[name]):
                        raise NotAuthenticated(f"the provider has no {name} that can be used")
                self._metadata, self._read_at = found, now
            return self._metadata

    def _keys_now(self, *, anew: bool = False) -> Any:
        metadata = self._metadata_now()
        with self._lock:
            now, age = self._clock(), timedelta.max
            if self._keys_at is not None:
                age = now - self._keys_at
            if age >= (ASKED_AGAIN if anew else KNOWN_FOR):
                self._keys, self._keys_at = self._fetch(metadata["jwks_uri"]), now
            return self._keys

    def _fetch(self, url: str) -> Mapping[str, Any]:
        from httpx import Client, HTTPError

        try:
            with Client(timeout=TIMEOUT, follow_redirects=False, trust_env=False) as client:
                answer = client.get(url)
                answer.raise_for_status()
                found = answer.json()
        except (HTTPError, ValueError) as error:
            raise NotAuthenticated(f"the provider cannot be asked: {type(error).__name__}") from None
        if not isinstance(found, dict):
            raise NotAuthenticated("the provider answers no object")
        return found


def read_provider(settings: Settings, clock: Clock) -> Provider | None:
    """The provider that the settings name; None without one.

    Raises:
        SettingsError: its URL cannot be used, the client has no id, or the extra is not installed.
    """
    issuer, client_id, secret = settings.oidc_issuer, settings.oidc_client_id, settings.oidc_client_secret
    if issuer is None:
        return None
    if not is_safe(issuer):
        raise SettingsError(f"INTERLOCK_OIDC_ISSUER: {issuer!r} is no https URL, as https://login.example.org is.")
    if not client_id:
        raise SettingsError("INTERLOCK_OIDC_ISSUER needs INTERLOCK_OIDC_CLIENT_ID, which the provider gave you.")
    if not (find_spec("authlib") and find_spec("httpx")):
        raise SettingsError('INTERLOCK_OIDC_ISSUER needs an extra: pip install "interlock[oidc]".')
    return Provider(issuer, client_id, secret.get_secret_value() if secret else None, settings.oidc_claim, clock)


def is_safe(url: str) -> bool:
    """Whether what is sent to a URL is read by nobody on the way: by https, or on this machine."""
    parts = urlsplit(url)
    local = parts.hostname in ("127.0.0.1", "localhost", "::1")
    secret = parts.scheme == "https" or (parts.scheme == "http" and local)
    return bool(parts.hostname) and not parts.username and secret
