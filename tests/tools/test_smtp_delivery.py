"""Mail over SMTP: delivered once, refused with certainty, or honestly unknown."""

from __future__ import annotations

import email
import shutil
import socket
import ssl
import subprocess
import threading
from collections.abc import Callable
from email.policy import default
from pathlib import Path
from typing import Any

import pytest
from aiosmtpd.smtp import AuthResult

from interlock.errors import EffectFailed, EffectNotDone, InterlockError
from interlock.tools.action import Action, ActionContext
from interlock.tools.connect import mail, smtp
from interlock.tools.connect.keys import name_of

Contexts = Callable[..., ActionContext]
Servers = Callable[..., tuple[Any, dict[str, Any]]]
PASSWORD = "correct-horse-battery"


def send(
    context: ActionContext, *, cc: list[str] | None = None, body: str = "Hello Anna,\n\n.dot\nBye"
) -> mail.Receipt:
    message = mail.compose(context, to="anna@example.org", cc=cc or [], subject="Grüße", body=body)
    return mail.deliver(message, context)


def test_an_accepted_message_arrives_once(post: Servers, context: Contexts) -> None:
    """The server holds one message with the key's Message-ID, and the text arrives letter for letter."""
    server, settings = post()
    receipt = send(context(**settings), cc=["ben@example.org", "anna@example.org"])
    (envelope,) = server.accepted
    message = email.message_from_bytes(envelope.content, policy=default)
    assert receipt.message_id == message["Message-ID"] == f"<{name_of('key')}@localhost>"
    assert receipt.delivery == f"smtp 127.0.0.1:{settings['smtp_port']}"
    assert envelope.rcpt_tos == ["anna@example.org", "ben@example.org"]
    assert message["Subject"] == "Grüße"
    assert message["Date"].datetime == context().now
    assert message.get_content().splitlines() == ["Hello Anna,", "", ".dot", "Bye"]


def test_a_repeat_returns_the_first_receipt(post: Servers, context: Contexts) -> None:
    """The second call with the same key sends nothing and answers what the first answered."""
    server, settings = post()
    first = send(context(**settings))
    assert send(context(**settings)) == first
    assert len(server.accepted) == 1
    assert mail.probe(context(**settings)).receipt == first
    assert mail.search("grüße anna", context())[0]["folder"] == "sent"


def test_a_key_cannot_send_another_message(post: Servers, context: Contexts) -> None:
    """The same key with another text is refused by name and reaches nobody."""
    server, settings = post()
    send(context(**settings))
    with pytest.raises(EffectFailed, match="Key key was already used"):
        send(context(**settings), body="Another text")
    assert len(server.accepted) == 1


@pytest.mark.parametrize(
    ("answers", "error"),
    [
        ({"MAIL": "451 come back"}, EffectNotDone),
        ({"MAIL": "550 not you"}, EffectFailed),
        ({"RCPT ben@example.org": "550 nobody here"}, EffectFailed),
        ({"RCPT ben@example.org": "450 greylisted"}, EffectNotDone),
        ({"RCPT anna@example.org": "450 later", "RCPT ben@example.org": "550 nobody"}, EffectFailed),
        ({"DATA": "421 closing"}, EffectNotDone),
        ({"DATA": "554 no"}, EffectFailed),
        ({".": "452 disk full"}, EffectNotDone),
        ({".": "554 spam"}, EffectFailed),
    ],
)
def test_an_explicit_refusal_is_certain(
    post: Servers, context: Contexts, answers: dict[str, str], error: type[InterlockError]
) -> None:
    """A refusal at any step is as final as its code says, names the server, and leaves no message behind."""
    server, settings = post(answers=answers)
    with pytest.raises(error, match=r"127.0.0.1"):
        send(context(**settings), cc=["ben@example.org"])
    assert server.accepted == []
    assert mail.search("grüße", context()) == []


def test_one_refused_recipient_stops_the_message_for_all(post: Servers, context: Contexts) -> None:
    """When one of two recipients is refused the transaction is reset and the other gets nothing either."""
    server, settings = post(answers={"RCPT ben@example.org": "550 nobody here"})
    with pytest.raises(EffectFailed, match=r"ben@example.org \(550 nobody here\)"):
        send(context(**settings), cc=["ben@example.org"])
    assert server.seen == ["MAIL", "RCPT anna@example.org", "RCPT ben@example.org", "RSET"]


def test_a_refused_message_can_be_sent_later(post: Servers, context: Contexts) -> None:
    """After a temporary refusal the same key delivers the message once."""
    server, settings = post(answers={".": "452 disk full"})
    with pytest.raises(EffectNotDone):
        send(context(**settings))
    server.answers.clear()
    send(context(**settings))
    assert len(server.accepted) == 1


@pytest.mark.parametrize("behaviour", [{"hangs_up": True}, {"is_silent": True}])
def test_a_lost_answer_is_unknown(post: Servers, context: Contexts, behaviour: dict[str, bool]) -> None:
    """No reply to the final dot is neither done nor not done, and the probe says so under any settings."""
    server, settings = post(**behaviour)
    effect = context(**settings | {"smtp_timeout": 0.5})
    with pytest.raises(smtp.DeliveryUnknown, match="whether it was accepted is unknown") as caught:
        send(effect)
    assert not isinstance(caught.value, InterlockError)
    assert len(server.accepted) == 1
    assert mail.probe(effect).answer == "unknown"
    assert mail.probe(context()).answer == "unknown"


def test_nobody_listening_is_certain(context: Contexts) -> None:
    """A refused connection means the message was not sent and may be tried again."""
    with socket.create_server(("127.0.0.1", 0)) as listener:
        port = listener.getsockname()[1]
    with pytest.raises(EffectNotDone, match="cannot be reached"):
        send(context(smtp_host="127.0.0.1", smtp_port=port))


@pytest.mark.parametrize(
    ("greeting", "error"),
    [(b"554 no service\r\n", EffectFailed), (b"421 busy\r\n", EffectNotDone), (b"", EffectNotDone)],
)
def test_an_unfriendly_greeting_is_certain(context: Contexts, greeting: bytes, error: type[InterlockError]) -> None:
    """A server that turns the caller away, or hangs up at once, has taken no message."""
    with socket.create_server(("127.0.0.1", 0)) as listener:

        def turn_away() -> None:
            connection, _ = listener.accept()
            with connection:
                connection.sendall(greeting)

        thread = threading.Thread(target=turn_away)
        thread.start()
        with pytest.raises(error):
            send(context(smtp_host="127.0.0.1", smtp_port=listener.getsockname()[1], smtp_timeout=5.0))
        thread.join()


@pytest.mark.parametrize("place", [{"smtp_host": "a..b"}, {"smtp_host": "127.0.0.1", "smtp_port": 70000}])
def test_an_impossible_server_is_certain(context: Contexts, place: dict[str, Any]) -> None:
    """A host or port that no server can have means nothing was sent, and the setting is named."""
    with pytest.raises((EffectFailed, EffectNotDone), match="INTERLOCK_SMTP_HOST"):
        send(context(**place))


def test_a_home_that_cannot_be_written_sends_nothing(post: Servers, context: Contexts, home: Path) -> None:
    """Without a place for the copy the server is never told the message."""
    server, settings = post()
    home.write_text("a file where the home should be")
    with pytest.raises(EffectNotDone, match="cannot be"):
        send(context(**settings))
    assert server.accepted == []


@pytest.mark.filterwarnings("ignore:Requiring AUTH while not requiring TLS")
def test_the_log_in_is_checked(post: Servers, context: Contexts) -> None:
    """The right password sends; a wrong one is refused for good and never shown."""

    def check(server: Any, session: Any, envelope: Any, mechanism: str, data: Any) -> AuthResult:
        return AuthResult(success=data.password == PASSWORD.encode(), handled=False)

    server, settings = post(options={"authenticator": check, "auth_required": True, "auth_require_tls": False})
    login = settings | {"smtp_user": "interlock"}
    with pytest.raises(EffectFailed, match="refused the log-in") as caught:
        send(context(**login, smtp_password="wrong-" + PASSWORD))
    assert PASSWORD not in str(caught.value)
    with pytest.raises(EffectFailed, match="without INTERLOCK_SMTP_PASSWORD"):
        send(context(**login))
    with pytest.raises(EffectFailed, match="ASCII") as caught:
        send(context(**login, smtp_password="pässword"))
    assert "pässword" not in str(caught.value)
    assert server.accepted == []
    send(context(**login, smtp_password=PASSWORD))
    assert len(server.accepted) == 1


def test_a_server_without_log_in_is_certain(post: Servers, context: Contexts) -> None:
    """Credentials for a server that takes none are a setting to correct, not a doubt."""
    _, settings = post()
    with pytest.raises(EffectFailed, match="nothing was sent"):
        send(context(**settings, smtp_user="interlock", smtp_password=PASSWORD))


def test_a_password_never_travels_in_clear() -> None:
    """Only a loopback address may be given the password without encryption."""
    assert [host for host in ("127.0.0.1", "::1", "localhost", "mail.example.org") if smtp._is_loopback(host)] == [
        "127.0.0.1",
        "::1",
        "localhost",
    ]


def test_starttls_never_falls_back(post: Servers, context: Contexts) -> None:
    """A server that offers no STARTTLS gets nothing when the settings ask for it."""
    server, settings = post()
    with pytest.raises(EffectFailed, match="STARTTLS"):
        send(context(**settings, smtp_security="starttls"))
    assert server.seen == []


@pytest.fixture
def certificate(tmp_path: Path) -> Path:
    """A self-made certificate for 127.0.0.1, with its key in the same file."""
    if shutil.which("openssl") is None:
        pytest.skip("no openssl to make a certificate with")
    made = tmp_path / "server.pem"
    request = ["openssl", "req", "-x509", "-newkey", "ec", "-pkeyopt", "ec_paramgen_curve:prime256v1", "-nodes"]
    subject = ["-subj", "/CN=127.0.0.1", "-addext", "subjectAltName=IP:127.0.0.1", "-days", "2"]
    subprocess.run(
        [*request, *subject, "-keyout", made, "-out", tmp_path / "cert.pem"], check=True, capture_output=True
    )
    made.write_text(made.read_text() + (tmp_path / "cert.pem").read_text())
    return made


@pytest.mark.parametrize("security", ["starttls", "tls"])
def test_encryption_needs_a_trusted_certificate(
    post: Servers, context: Contexts, certificate: Path, security: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    """An unknown certificate stops the message for good; the same one, trusted, lets it through."""
    tls = ssl.create_default_context(ssl.Purpose.CLIENT_AUTH)
    tls.load_cert_chain(certificate)
    server, settings = post(options={"tls_context" if security == "starttls" else "ssl_context": tls})
    with pytest.raises(EffectFailed, match="is not trusted"):
        send(context(**settings, smtp_security=security))
    assert server.accepted == []
    monkeypatch.setenv("SSL_CERT_FILE", str(certificate.parent / "cert.pem"))
    send(context(**settings, smtp_security=security))
    assert len(server.accepted) == 1


def test_the_declared_action_probes_its_own_sending(
    post: Servers, context: Contexts, actions: dict[str, Action]
) -> None:
    """`email.send` delivers over SMTP and its probe finds the accepted copy."""
    _, settings = post()
    action = actions["email.send"]
    arguments = action.validate({"to": "anna@example.org", "subject": "Hi", "body": "Hello", "cc": []})
    effect = context(**settings)
    assert action.probe is not None
    assert action.probe(arguments, effect).answer == "did_not_happen"
    result = action.run(arguments, effect)
    found = action.probe(arguments, effect)
    assert (found.answer, found.result) == ("happened", result)
