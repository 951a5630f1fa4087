"""Killed at every boundary, a run that mails over SMTP sends one message, or a person is asked."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import pytest

from tests.crash.harness import Post, Scene, Spawn
from tests.crash.points import DECIDING, SMTP, STARTING, UNACCEPTED

DOUBTFUL = {
    "before the handover": 0,
    "after the handover": 1,
    "before its reply": 1,
    "after its reply": 1,
}
"""Where nobody can know over SMTP, and how many messages the server has; the last two kills are the server's."""


def doubtful(point: str, scene: Scene, post: Post) -> str:
    """Bring a run into doubt at `point`; the id of the question that stands open then."""
    if point in SMTP or point in DECIDING:
        scene.die(point)
    else:
        scene.park()
        post.kills = point
        child = scene.begin("approve")
        post.victim.set_result(child)
        child.died()
    told = scene.do("resume")
    assert told["status"] == "waiting"
    [question] = told["waiting"]
    assert question["kind"] == "doubt"
    assert "Did it happen?" in question["request"]["question"]
    assert question["request"]["because"]
    assert [effect.state for effect in scene.left().effects] == ["in_doubt"]
    return str(question["id"])


@pytest.mark.parametrize("point", [point for point in {**STARTING, **DECIDING, **SMTP} if point not in DOUBTFUL])
def test_one_message_reaches_the_server_wherever_the_outcome_can_be_known(
    point: str, home: Path, spawn: Spawn, post: tuple[Post, dict[str, Any]]
) -> None:
    """Over SMTP a kill anywhere but during the call leaves exactly one accepted message, and nobody is troubled."""
    server, settings = post
    scene = Scene(spawn, home, settings=settings)
    scene.die(point)
    if point == UNACCEPTED:
        assert scene.left().run is None
        scene.park()
    assert scene.recover()["status"] == "done"
    assert len(server.accepted) == 1
    scene.left().check_whole()


@pytest.mark.parametrize("point", DOUBTFUL)
def test_a_doubt_about_smtp_is_asked_and_never_sent_again(
    point: str, home: Path, spawn: Spawn, post: tuple[Post, dict[str, Any]]
) -> None:
    """Where nobody can know, resuming sends nothing, and the answer that it happened ends the run as done."""
    server, settings = post
    scene = Scene(spawn, home, settings=settings)
    question = doubtful(point, scene, server)
    assert len(server.accepted) == DOUBTFUL[point]
    again = scene.do("resume")
    assert [row["id"] for row in again["waiting"]] == [question]
    assert scene.do("respond", happened=True)["status"] == "done"
    assert len(server.accepted) == DOUBTFUL[point]
    left = scene.left()
    left.check_whole()
    assert left.effects[0].result == {"confirmed_by": "reviewer"}


@pytest.mark.parametrize("point", DOUBTFUL)
def test_a_message_that_did_not_happen_is_asked_for_anew(
    point: str, home: Path, spawn: Spawn, post: tuple[Post, dict[str, Any]]
) -> None:
    """The answer that it did not happen leads to a new approval of its own, and then exactly one more message."""
    server, settings = post
    scene = Scene(spawn, home, settings=settings)
    doubtful(point, scene, server)
    told = scene.do("respond", happened=False)
    assert [row["kind"] for row in told["waiting"]] == ["action"]
    assert len(server.accepted) == DOUBTFUL[point]
    assert scene.do("approve")["status"] == "done"
    assert len(server.accepted) == DOUBTFUL[point] + 1
    assert len({message["Message-ID"] for message in server.accepted}) == DOUBTFUL[point] + 1
    left = scene.left()
    left.check_whole()
    assert [effect.state for effect in left.effects] == ["failed", "executed"] or left.effects[1].state == "verified"
    assert [row.kind for row in left.approvals] == ["action", "doubt", "action"]


@pytest.mark.parametrize("happened", [True, False], ids=["happened", "did not happen"])
def test_a_doubt_survives_the_death_of_those_who_ask_and_answer_it(
    happened: bool, home: Path, spawn: Spawn, post: tuple[Post, dict[str, Any]]
) -> None:
    """Killed while the doubt is recorded, asked and answered, there is one question and one answer."""
    server, settings = post
    scene = Scene(spawn, home, settings=settings)
    scene.die("before the handover")
    for point in ("after the doubt", "after the look", "after the question is filed", "before parking"):
        scene.begin("resume", die=point).died()
    for point in ("while answering", "after answering"):
        scene.begin("respond", happened=happened, die=point).died()
    assert scene.recover()["status"] == "done"
    assert len(server.accepted) == (0 if happened else 1)
    left = scene.left()
    left.check_whole()
    assert [row.kind for row in left.approvals].count("doubt") == 1
