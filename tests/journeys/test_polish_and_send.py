"""The main job as a user types it, with the embedded models: run, decide, done."""

from __future__ import annotations

from pathlib import Path

import pytest

from tests.journeys.terminal import GRAPH, Desk, Terminal

DRAFT = "hi anna,\n\nthe delivry is late, sorry. it comes on friday.\n\nbob\n"


@pytest.fixture
def draft(tmp_path: Path) -> Path:
    """A draft as somebody typed it."""
    path = tmp_path / "draft.txt"
    path.write_text(DRAFT, encoding="utf-8")
    return path


def inputs(draft: Path) -> list[str]:
    return ["-i", "request=Polish my email and send it.", "-i", f"draft=@{draft}", "-i", "to=anna@example.org"]


@pytest.mark.slow
def test_the_printed_command_of_the_reviewer_finishes_the_run(terminal: Terminal, desk: Desk, draft: Path) -> None:
    """`run` exits 3 with a command that works word for word once NAME is a name, and one polished message is out."""
    waiting = terminal.interlock("run", GRAPH, *inputs(draft), "--as", "author")
    assert waiting.code == 3, waiting
    assert terminal.outbox() == []
    assert desk.interlock("review", "approve", waiting.request, "--as", "author").refused("author")
    done = terminal.shell(waiting.decide.replace("NAME", "reviewer"))
    assert done.code == 0, done
    [message] = terminal.outbox()
    assert message["To"] == "anna@example.org"
    body = message.get_content()
    assert "The delivery is late" in body
    assert "delivry" not in body
    assert message["Message-ID"] in done.out

    [run] = desk.interlock("runs", "list", "--json").json()["runs"]
    assert (run["status"], run["outcome"], run["requester"]) == ("done", "done", "author")
    shown = desk.interlock("runs", "show", run["id"], "--json").json()
    assert [(visit["step"], visit["outcome"]) for visit in shown["visits"]] == [("polish", "done"), ("send", "done")]
    [effect] = shown["effects"]
    assert (effect["action"], effect["state"]) == ("email.send", "verified")
    assert effect["arguments"]["body"].strip() == body.strip()
    assert [row["state"] for row in shown["approvals"]] == ["consumed"]
    assert desk.interlock("review", "approve", waiting.request, "--as", "bob").refused("consumed")


@pytest.mark.slow
def test_rejected_revised_edited_and_approved(terminal: Terminal, desk: Desk, draft: Path) -> None:
    """A rejection revises, an edit asks somebody else, and what the last approver saw is what is sent, once."""
    accepted = desk.interlock("run", GRAPH, *inputs(draft), "--as", "author", "--detach")
    assert accepted.code == 0, accepted
    run = accepted.out.split()[0]
    assert accepted.out.strip().endswith(f"interlock runs resume {run}")
    first = terminal.interlock("runs", "resume", run)
    assert first.code == 3, first
    second = terminal.interlock("review", "reject", first.request, "--as", "bob", "--comment", "Please shorten it.")
    assert second.code == 0, second
    assert second.request != first.request
    third = terminal.interlock("review", "edit", second.request, "--set", "subject=Friday", "--as", "carol")
    assert third.code == 0, third
    assert desk.interlock("review", "approve", third.request, "--as", "carol").refused("carol")
    assert terminal.outbox() == []
    done = terminal.interlock("review", "approve", third.request, "--as", "bob", "--json")
    assert done.code == 0, done
    assert done.json()["run"]["status"] == "done"
    [message] = terminal.outbox()
    assert message["Subject"] == "Friday"
    shown = desk.interlock("runs", "show", run, "--json").json()
    steps = [(visit["step"], visit["outcome"]) for visit in shown["visits"]]
    assert steps == [("polish", "done"), ("send", "rejected"), ("revise", "done"), ("send", "done")]
    assert [effect["state"] for effect in shown["effects"]] == ["rejected", "superseded", "verified"]
