"""Mail without a server: one file per key in a Maildir, whatever happens around it."""

from __future__ import annotations

import mailbox
import os
import signal
import subprocess
import sys
from collections.abc import Callable
from email.policy import default
from pathlib import Path

import pytest

from interlock.errors import EffectFailed, EffectNotDone
from interlock.tools.action import Action, ActionContext
from interlock.tools.connect import files, mail
from interlock.tools.connect.keys import name_of

Contexts = Callable[..., ActionContext]

SEND = """
import os, signal, sys
from datetime import UTC, datetime
from pathlib import Path
from interlock.settings import Settings
from interlock.tools.action import ActionContext
from interlock.tools.connect import mail

context = ActionContext("key", "run", Settings(home=Path(sys.argv[1])), datetime(2026, 1, 5, 10, 0, tzinfo=UTC))
message = mail.compose(context, to="anna@example.org", cc=[], subject="Late", body="Hello Anna")
if sys.argv[2] == "wait":
    print("ready", flush=True)
    sys.stdin.readline()
if sys.argv[2] == "die":
    os.replace = lambda *paths: os.kill(os.getpid(), signal.SIGKILL)
print(mail.deliver(message, context).delivery)
"""


def send(context: ActionContext, *, subject: str = "Late", body: str = "Hello Anna") -> mail.Receipt:
    message = mail.compose(context, to="anna@example.org", cc=[], subject=subject, body=body)
    return mail.deliver(message, context)


def delivered(home: Path) -> list[Path]:
    return sorted((home / "outbox" / "new").glob("*")) + sorted((home / "outbox" / "cur").glob("*"))


def test_a_message_is_one_file_any_mail_reader_reads(context: Contexts, home: Path) -> None:
    """The outbox is a Maildir; its one message carries the key's Message-ID and reads back as written."""
    receipt = send(context(mail_from="Interlock <robot@example.org>"), body="Grüße,\n.dot\nFrom here")
    (message,) = mailbox.Maildir(home / "outbox", factory=None)
    assert message["Message-ID"] == receipt.message_id == f"<{name_of('key')}@example.org>"
    assert message["From"] == "Interlock <robot@example.org>"
    parsed = mail._parsed(message.as_bytes())
    assert parsed.policy is default
    assert parsed.get_content() == "Grüße,\n.dot\nFrom here\n"
    assert (home / receipt.delivery).is_file()


def test_a_repeat_adds_no_file(context: Contexts, home: Path) -> None:
    """The same key delivers once, also after a mail reader has moved the message to cur."""
    first = send(context())
    assert send(context()) == first
    (path,) = delivered(home)
    path.rename(home / "outbox" / "cur" / f"{path.name}:2,S")
    assert send(context()).message_id == first.message_id
    assert len(delivered(home)) == 1
    assert mail.probe(context()).answer == "happened"


def test_different_keys_are_different_messages(context: Contexts, home: Path) -> None:
    """Two keys with the same text are two messages; one key with two texts is refused."""
    send(context("one"))
    send(context("two"))
    with pytest.raises(EffectFailed, match="Key two was already used"):
        send(context("two"), body="Something else")
    assert len(delivered(home)) == 2


def test_concurrent_processes_deliver_once(home: Path) -> None:
    """Four processes released together with one key leave one file and report the same delivery."""
    command = [sys.executable, "-c", SEND, str(home), "wait"]
    pipe = subprocess.PIPE
    running = [subprocess.Popen(command, stdin=pipe, stdout=pipe, text=True) for _ in range(4)]
    for process in running:
        assert process.stdout is not None
        assert process.stdout.readline() == "ready\n"
    answers = set()
    for process in running:
        assert process.stdin is not None
        process.stdin.write("go\n")
        process.stdin.flush()
    for process in running:
        answers.add(process.communicate()[0])
        assert process.returncode == 0
    assert len(answers) == len(delivered(home)) == 1


def test_a_kill_before_the_rename_delivers_nothing(context: Contexts, home: Path) -> None:
    """Killed between tmp and new the message did not happen, and the next attempt delivers it once."""
    killed = subprocess.run([sys.executable, "-c", SEND, str(home), "die"], capture_output=True)
    assert killed.returncode == -signal.SIGKILL
    assert len(list((home / "outbox" / "tmp").iterdir())) == 1
    assert mail.probe(context()).answer == "did_not_happen"
    receipt = send(context())
    assert len(delivered(home)) == 1
    assert list((home / "outbox" / "tmp").iterdir()) == []
    found = mail.probe(context())
    assert (found.answer, found.receipt) == ("happened", receipt)


def test_the_declared_action_probes_before_and_after(context: Contexts, actions: dict[str, Action]) -> None:
    """`email.send`'s probe says did_not_happen before and happened, with the same result, after."""
    action = actions["email.send"]
    arguments = action.validate({"to": "anna@example.org", "cc": ["ben@example.org"], "subject": "Hi", "body": "Hello"})
    assert action.probe is not None
    assert action.probe(arguments, context()).answer == "did_not_happen"
    result = action.run(arguments, context())
    found = action.probe(arguments, context())
    assert (found.answer, found.result) == ("happened", result)


def test_a_home_that_cannot_be_written_is_certain(context: Contexts, home: Path) -> None:
    """With a file where the home should be nothing is sent or drafted, and the message names the place."""
    home.write_text("a file where the home should be")
    message = mail.compose(context(), to="anna@example.org", cc=[], subject="Hi", body="Hello")
    with pytest.raises(EffectNotDone, match=r"home.*cannot be"):
        mail.deliver(message, context())
    with pytest.raises(EffectNotDone, match=r"home.*cannot be written"):
        mail.keep_draft(message, context())


def test_a_full_disk_leaves_nothing_behind(context: Contexts, home: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """When the file cannot be forced to disk it is taken away, the error is certain, and a repeat works."""

    def full(descriptor: int) -> None:
        raise OSError(28, "No space left on device")

    with monkeypatch.context() as patch:
        patch.setattr(os, "fsync", full)
        with pytest.raises(EffectNotDone, match="No space left on device"):
            send(context())
    assert list(home.rglob("*.eml")) == []
    send(context())
    assert len(delivered(home)) == 1


def test_a_folder_held_by_another_is_certain(context: Contexts, home: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """While another process holds the outbox nothing is sent and the error says to try again."""
    monkeypatch.setattr(files, "LOCK_SECONDS", 0.05)
    with files.held(home / "outbox"), pytest.raises(EffectNotDone, match="in use by another process"):
        send(context())
    assert delivered(home) == []


@pytest.mark.parametrize("subject", ["Hi\nBcc: eve@example.org", "Hi\r\n\r\nbody", "Hi\u2028there", "Hi\x00", "\ud800"])
def test_a_subject_is_one_plain_line(context: Contexts, home: Path, subject: str) -> None:
    """A line break or control character in the subject is refused before anything is written."""
    with pytest.raises(EffectFailed, match="line break or control character"):
        send(context(), subject=subject)
    assert not home.exists()


@pytest.mark.parametrize("to", ["jürgen@example.org", "anna", "anna@example.org\nBcc: eve@example.org", "a@b, c@d", ""])
def test_an_address_is_one_address(context: Contexts, to: str) -> None:
    """What is not one ASCII-named address is refused and named."""
    with pytest.raises(EffectFailed, match=r"^to: "):
        mail.compose(context(), to=to, cc=[], subject="Hi", body="Hello")


def test_a_text_is_never_a_template(context: Contexts) -> None:
    """Braces, percent signs and dollars in subject and body arrive as they are."""
    text = "{0} {to.__class__} %s ${HOME} $(id) `id`"
    message = mail.compose(context(), to="anna@example.org", cc=[], subject=text, body=text)
    assert (message["Subject"], message.get_content()) == (text, text + "\n")


def test_an_international_domain_takes_its_ascii_form(context: Contexts) -> None:
    """A domain with umlauts is written in the form every server understands."""
    message = mail.compose(context(), to="anna@bücher.example", cc=[], subject="Hi", body="Hello")
    assert message["To"] == "anna@xn--bcher-kva.example"


def test_a_draft_is_kept_once_and_not_sent(context: Contexts, home: Path, actions: dict[str, Action]) -> None:
    """`email.draft` twice with one key keeps one file, in drafts, and the outbox stays empty."""
    action = actions["email.draft"]
    arguments = action.validate({"to": "anna@example.org", "subject": "Hi", "body": "Hello"})
    assert action.run(arguments, context()) == action.run(arguments, context())
    assert len(list((home / "drafts" / "new").iterdir())) == 1
    assert delivered(home) == []
    assert mail.probe(context()).answer == "did_not_happen"


def test_search_finds_all_words_in_any_folder(context: Contexts, home: Path, actions: dict[str, Action]) -> None:
    """Every word must occur, in any case, in subject, body or address; broken files are passed over."""
    send(context("one"), subject="Late delivery", body="The parcel is late")
    draft = mail.compose(context("two"), to="ben@example.org", cc=[], subject="Late again", body="The chair")
    mail.keep_draft(draft, context("two"))
    (home / "outbox" / "new" / "broken").write_bytes(b"\xff\xfe\x00 late Date: \n\n\xff")
    search = actions["email.search"]
    assert [found["folder"] for found in mail.search("LATE anna@example.org", context())] == ["outbox"]
    assert [found["folder"] for found in mail.search("late chair", context())] == ["drafts"]
    assert mail.search("late nowhere", context()) == []
    assert len(search.run(search.validate({"query": "the"}), context()).model_dump()["messages"]) == 2
