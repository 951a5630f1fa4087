"""A real OpenID provider on loopback: its own keys, discovery, the code flow with PKCE; it lies where it is told."""

from __future__ import annotations

import base64
import hashlib
import hmac
import json
import secrets
import threading
from collections.abc import Callable
from dataclasses import dataclass, field
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from typing import Any
from urllib.parse import parse_qs, urlencode, urlsplit

from joserfc import jwt
from joserfc.jwk import RSAKey

CLIENT, SECRET = "interlock-client", "the client's own secret"

FAY = {"email": "fay@example.org", "email_verified": True, "sub": "1"}


@dataclass
class Issuer:
    """Signs in whoever it is told, without asking; `now` is its clock."""

    now: Callable[[], float]
    claims: dict[str, Any] = field(default_factory=lambda: dict(FAY))
    changed: dict[str, Any] = field(default_factory=dict)
    """Claims of the ID token that are not as they should be; None leaves one out."""
    forge: Callable[[dict[str, Any]], str] | None = None
    """Makes the ID token in place of a signature with the key that is published."""
    asked: list[str] = field(default_factory=list)
    metadata: dict[str, Any] = field(default_factory=dict)
    """What its description says otherwise than it is."""
    codes: dict[str, dict[str, str]] = field(default_factory=dict)

    def __post_init__(self) -> None:
        self.rotate()
        issuer = self

        class Handler(BaseHTTPRequestHandler):
            def do_GET(self) -> None:
                issuer._get(self)

            def do_POST(self) -> None:
                issuer._post(self)

            def log_message(self, *args: Any) -> None:
                """Nothing is written down."""

        self._server = ThreadingHTTPServer(("127.0.0.1", 0), Handler)
        self.url = f"http://127.0.0.1:{self._server.server_port}"
        threading.Thread(target=self._server.serve_forever, daemon=True).start()

    def close(self) -> None:
        self._server.shutdown()
        self._server.server_close()

    def rotate(self) -> None:
        """A new key, published in place of the one before."""
        self.key = RSAKey.generate_key(2048, {"kid": secrets.token_hex(4), "use": "sig"})

    def id_token(self, claims: dict[str, Any]) -> str:
        """The claims under the key that is published."""
        return jwt.encode({"alg": "RS256", "kid": self.key.kid}, claims, self.key)

    def _get(self, to: BaseHTTPRequestHandler) -> None:
        parts = urlsplit(to.path)
        self.asked.append(parts.path)
        if parts.path == "/.well-known/openid-configuration":
            _answer(to, {
                "issuer": self.url, "authorization_endpoint": f"{self.url}/authorize",
                "token_endpoint": f"{self.url}/token", "jwks_uri": f"{self.url}/keys",
                "id_token_signing_alg_values_supported": ["RS256", "HS256", "none"],
            } | self.metadata)  # fmt: skip
        elif parts.path == "/keys":
            _answer(to, {"keys": [self.key.as_dict(private=False)]})
        elif parts.path == "/authorize":
            asked = {name: values[0] for name, values in parse_qs(parts.query).items()}
            code = secrets.token_hex(8)
            self.codes[code] = asked
            to.send_response(302)
            to.send_header("Location", f"{asked['redirect_uri']}?{urlencode({'code': code, 'state': asked['state']})}")
            to.end_headers()
        else:
            _answer(to, {}, 404)

    def _post(self, to: BaseHTTPRequestHandler) -> None:
        form = parse_qs(to.rfile.read(int(to.headers["Content-Length"])).decode())
        sent = {name: values[0] for name, values in form.items()}
        asked = self.codes.pop(sent.get("code", ""), None)
        client = base64.b64encode(f"{CLIENT}:{SECRET}".encode()).decode()
        verifier = hashlib.sha256(sent.get("code_verifier", "").encode()).digest()
        challenge = base64.urlsafe_b64encode(verifier).rstrip(b"=")
        right = (
            asked is not None
            and to.headers.get("Authorization") == f"Basic {client}"
            and (asked["client_id"], asked["response_type"], asked["redirect_uri"])
            == (CLIENT, "code", sent["redirect_uri"])
            and (asked["code_challenge_method"], asked["code_challenge"]) == ("S256", challenge.decode())
            and sent["grant_type"] == "authorization_code"
            and "openid" in asked["scope"].split()
        )
        if asked is None or not right:
            _answer(to, {"error": "invalid_grant"}, 400)
            return
        now = int(self.now())
        claims = {"iss": self.url, "aud": CLIENT, "iat": now, "exp": now + 300, "nonce": asked["nonce"]} | self.claims
        told = {name: value for name, value in (claims | self.changed).items() if value is not None}
        token = (self.forge or self.id_token)(told)
        _answer(to, {"access_token": "x", "token_type": "Bearer", "expires_in": 300, "id_token": token})


def _answer(to: BaseHTTPRequestHandler, value: dict[str, Any], status: int = 200) -> None:
    body = json.dumps(value).encode()
    to.send_response(status)
    to.send_header("Content-Type", "application/json")
    to.send_header("Content-Length", str(len(body)))
    to.end_headers()
    to.wfile.write(body)


def unsigned(claims: dict[str, Any]) -> str:
    """An ID token that says it needs no signature."""
    return f"{_part({'alg': 'none'})}.{_part(claims)}."


def by_public_key(issuer: Issuer) -> Callable[[dict[str, Any]], str]:
    """Makes ID tokens whose HMAC key is the provider's public key, which everybody has."""

    def forged(claims: dict[str, Any]) -> str:
        text = f"{_part({'alg': 'HS256', 'kid': issuer.key.kid})}.{_part(claims)}"
        mac = hmac.new(issuer.key.as_pem(private=False), text.encode(), hashlib.sha256).digest()
        return f"{text}.{base64.urlsafe_b64encode(mac).rstrip(b'=').decode()}"

    return forged


def _part(value: dict[str, Any]) -> str:
    return base64.urlsafe_b64encode(json.dumps(value).encode()).rstrip(b"=").decode()
