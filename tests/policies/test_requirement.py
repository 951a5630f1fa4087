"""Requirements put together: whoever met the stricter one has met both, escalation included."""

from __future__ import annotations

from datetime import timedelta

import pytest
from hypothesis import given
from hypothesis import strategies as st
from pydantic import ValidationError

from interlock.policies.language import Escalation, Requirement

ROLES = ("finance", "legal", "managers")
HOUR = timedelta(hours=1)
HOURS = st.integers(2, 8).map(lambda hours: hours * HOUR)
SOME = [[first] for first in ROLES] + [["finance", "legal"], ["finance", "managers"], ["legal", "managers"]]
SETS = st.sampled_from([[], *SOME])


@st.composite
def requirements(draw: st.DrawFn) -> Requirement:
    roles, within = draw(SETS), draw(HOURS)
    further = draw(st.none() | st.sampled_from(SOME)) if roles else None
    escalate = Escalation(after=draw(st.integers(1, int(within / HOUR) - 1)) * HOUR, role=further) if further else None
    return Requirement(
        count=draw(st.integers(1, 3)), role=roles or None, within=within, execute_within=draw(HOURS), escalate=escalate
    )


def may_vote(requirement: Requirement, held: frozenset[str], after: timedelta) -> bool:
    """Whether somebody with these roles may vote so long after the question."""
    further = requirement.escalate
    reached = further is not None and after >= further.after and held >= further.roles
    return after <= requirement.within and (held >= requirement.roles or reached)


HELD = st.sampled_from([[], *SOME, [*ROLES]]).map(frozenset)
AFTER = st.integers(0, 9).map(lambda hours: hours * HOUR)


@given(requirements(), requirements(), HELD, AFTER)
def test_the_stricter_of_two_satisfies_both(
    one: Requirement, other: Requirement, held: frozenset[str], after: timedelta
) -> None:
    """No vote counts for it that does not count for each, and no fewer are needed."""
    both = one.stricter(other)
    assert both.satisfies(one)
    assert both.satisfies(other)
    assert both.count == max(one.count, other.count)
    assert both.execute_within == min(one.execute_within, other.execute_within)
    if may_vote(both, held, after):
        assert may_vote(one, held, after)
        assert may_vote(other, held, after)


@given(requirements(), requirements(), HELD, AFTER)
def test_what_satisfies_takes_no_weaker_vote(
    one: Requirement, other: Requirement, held: frozenset[str], after: timedelta
) -> None:
    """Within the time of both, whoever may vote for the one may vote for the other."""
    if one.satisfies(other) and after <= other.within and may_vote(one, held, after):
        assert one.count >= other.count
        assert may_vote(other, held, after)


@given(requirements(), requirements(), requirements())
def test_the_order_does_not_matter(one: Requirement, other: Requirement, third: Requirement) -> None:
    """Two put together are the same either way, and each is as strict as itself."""
    assert one.stricter(other) == other.stricter(one)
    assert one.stricter(one).satisfies(one)
    assert one.satisfies(one)
    assert one.stricter(other).stricter(third).satisfies(one)


@pytest.mark.parametrize(
    ("written", "why"),
    [
        ({"escalate": {"after": "1h", "role": "managers"}}, "without one anybody may agree already"),
        ({"role": "finance", "within": "1h", "escalate": {"after": "1h", "role": "managers"}}, "the end of `within`"),
        ({"role": "finance", "escalate": {"after": "0s", "role": "managers"}}, "lies between now and"),
        ({"role": "finance", "escalate": {"after": "1h", "role": []}}, "at least 1 item"),
        ({"role": "finance", "escalate": {"after": "1h"}}, "Field required"),
        ({"role": "finance", "escalate": {"after": "1h", "role": "managers", "count": 1}}, "Extra inputs"),
    ],
)
def test_an_escalation_that_says_nothing_is_refused(written: dict[str, object], why: str) -> None:
    """One that adds nobody, comes too late, or would lower how many must agree."""
    with pytest.raises(ValidationError, match=why):
        Requirement.model_validate(written)


def test_a_requirement_reads_back_as_it_was_written() -> None:
    """Also with roles in a list."""
    for role in ("managers", ["legal", "managers"]):
        written = {"count": 2, "role": "finance", "within": "8h", "execute_within": "15m",
                   "escalate": {"after": "90m", "role": role}}  # fmt: skip
        assert Requirement.model_validate(written).model_dump(mode="json") == written
