"""Keys under which programs repeat writes: one change, whoever crashed where; over each backend."""

from __future__ import annotations

import threading

import pytest

from interlock.errors import Conflict
from interlock.store.answered import KEPT, LEASE, Answers, Attempt, BeingAnswered, Kept, OtherRequest
from interlock.store.audit import Audit
from interlock.store.runs import Runs
from tests.store.stores import SPEC, Stores

ASKED = ("anna", "POST /api/runs", "key-1", "sha256:a")


@pytest.fixture
def answers(stores: Stores) -> Answers:
    """The keys of a database, and runs whose audit notes them."""
    answers = Answers(stores.database, stores.clock)
    stores.runs = Runs(stores.database, Audit(b"key", stores.clock, answers.heard), stores.clock)
    return answers


def begun(answers: Answers, *asked: str) -> Attempt:
    attempt = answers.begin(*(asked or ASKED))
    assert isinstance(attempt, Attempt)
    return attempt


def create(stores: Stores, requester: str = "anna") -> str:
    return stores.runs.create(spec=SPEC, spec_digest="sha256:s", input={}, requester=requester).id


def test_the_answer_is_given_again(answers: Answers) -> None:
    """The same person, route, key and body get the answer of the first time; any other is another key."""
    answers.finish(begun(answers), 201, '{"id": "run-1"}')
    assert answers.begin(*ASKED) == Kept(201, '{"id": "run-1"}')
    for other in (("fay", *ASKED[1:]), (ASKED[0], "POST /api/else", *ASKED[2:]), (*ASKED[:2], "key-2", ASKED[3])):
        begun(answers, *other)
    with pytest.raises(OtherRequest):
        answers.begin(*ASKED[:3], "sha256:b")


def test_one_at_a_time(answers: Answers) -> None:
    """While it is being answered it is not begun again; another body is told apart even then."""
    begun(answers)
    with pytest.raises(BeingAnswered):
        answers.begin(*ASKED)
    with pytest.raises(OtherRequest):
        answers.begin(*ASKED[:3], "sha256:b")


def test_what_was_refused_may_be_tried_again(answers: Answers, stores: Stores) -> None:
    """A key under which nothing changed is forgotten; one whose change was made is not."""
    answers.drop(begun(answers))
    attempt = begun(answers)
    with answers.under(attempt):
        create(stores)
    answers.drop(attempt)
    with pytest.raises(BeingAnswered):
        answers.begin(*ASKED)


def test_a_crash_after_the_change_repeats_nothing(answers: Answers, stores: Stores) -> None:
    """The key names what was changed from the same transaction on, so the next try only answers."""
    with answers.under(begun(answers)):
        run = create(stores)
    stores.clock.advance(LEASE)
    again = begun(answers)
    assert (again.number, again.subject) == (2, run)


def test_a_crash_before_the_change_leaves_it_to_the_next(answers: Answers, stores: Stores) -> None:
    """A key that names no change is begun again once its lease is over; the first, late, then changes nothing."""
    late = begun(answers)
    stores.clock.advance(LEASE)
    again = begun(answers)
    assert again.subject is None
    with answers.under(again):
        run = create(stores)
    with answers.under(late), pytest.raises(Conflict, match="changed nothing"):
        create(stores)
    assert [each.id for each in stores.runs.list()] == [run]
    answers.finish(late, 500, "late")
    answers.drop(late)
    answers.finish(again, 201, "first")
    assert answers.begin(*ASKED) == Kept(201, "first")


def test_a_change_that_is_not_kept_notes_no_key(answers: Answers, stores: Stores) -> None:
    """Rolled back together: the row of the run and the note of the key."""

    def cut_off() -> None:
        with stores.database.write() as session:
            stores.runs._store(session, stores.runs._new(SPEC, "sha256:s", {}, "anna", "run-lost"), SPEC)
            raise Conflict

    attempt = begun(answers)
    with answers.under(attempt), pytest.raises(Conflict):
        cut_off()
    stores.clock.advance(LEASE)
    assert begun(answers).subject is None
    assert stores.runs.find("run-lost") is None


def test_only_the_persons_own_change_in_that_block_counts(answers: Answers, stores: Stores) -> None:
    """What clocks, workers and other people change meanwhile is none of the key's."""
    attempt = begun(answers)
    with answers.under(attempt):
        create(stores, requester="somebody")
        other = threading.Thread(target=create, args=(stores,))
        other.start()
        other.join()
    create(stores)
    stores.clock.advance(LEASE)
    assert begun(answers).subject is None


def test_keys_are_forgotten_after_a_day(answers: Answers, stores: Stores) -> None:
    """So the table holds what one day brings, and an old key is a new one."""
    answers.finish(begun(answers), 201, "first")
    stores.clock.advance(KEPT)
    assert answers.begin(*ASKED) == Kept(201, "first")
    stores.clock.advance(LEASE)
    assert begun(answers).number == 1
