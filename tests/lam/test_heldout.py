"""The rows that are only measured."""

from __future__ import annotations

from interlock.lam.heldout import held_out


def test_about_one_row_in_sixteen_is_held_out_and_always_the_same() -> None:
    """The rule is a function of the text alone and keeps about a sixteenth."""
    rows = [f"play song number {number}" for number in range(4000)]
    kept = [row for row in rows if held_out(row)]
    assert kept == [row for row in rows if held_out(row)]
    assert 190 <= len(kept) <= 310


def test_white_space_around_a_row_does_not_move_it() -> None:
    """A sentence with a line end after it stands on the same side as without."""
    assert all(held_out(f"  {text}\n") == held_out(text) for text in (f"row {n}" for n in range(200)))
