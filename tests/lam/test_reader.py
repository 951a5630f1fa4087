"""Which tools of a space are read closely: the likeliest alone where a first glance is sure, else several."""

from __future__ import annotations

import math

import pytest

from interlock.lam import reader
from interlock.lam.protocol import ActionSchema, Observation
from interlock.lam.spans import SpanModel

PLAIN = Observation(sources={"request": "What is my balance?"})
SEVERAL = Observation(sources={"request": "Pay Acme 30 euros; then show invoice 2041 and also my balance."})


def likeliest(model: SpanModel, space: list[ActionSchema]) -> int:
    glance = model.read(PLAIN, space).glance
    return max(range(len(space)), key=lambda place: glance[place])


def test_a_tool_far_ahead_that_fits_is_read_alone(
    model: SpanModel, space: list[ActionSchema], monkeypatch: pytest.MonkeyPatch
) -> None:
    """None of the others is read."""
    monkeypatch.setattr(reader, "AHEAD", -math.inf)
    monkeypatch.setattr(reader, "SURE", -math.inf)
    assert list(model.read(PLAIN, space).tools) == [likeliest(model, space)]


def test_where_it_does_not_fit_the_others_are_read_and_say_the_same(
    model: SpanModel, space: list[ActionSchema], monkeypatch: pytest.MonkeyPatch
) -> None:
    """Read in two steps or in one, the tools are the same and fit alike."""
    monkeypatch.setattr(reader, "AHEAD", math.inf)
    together = model.read(PLAIN, space)
    monkeypatch.setattr(reader, "AHEAD", -math.inf)
    monkeypatch.setattr(reader, "SURE", math.inf)
    apart = model.read(PLAIN, space)
    assert list(apart.tools) == list(together.tools)
    for place, tool in together.tools.items():
        assert apart.tools[place].fits == pytest.approx(tool.fits, abs=0.15)  # bfloat16 rounds by the batch


@pytest.mark.parametrize("asked", ["several calls", "a certain tool"])
def test_nothing_is_left_out_where_more_may_be_meant(
    asked: str, model: SpanModel, space: list[ActionSchema], monkeypatch: pytest.MonkeyPatch
) -> None:
    """A request that sounds like several, or a tool that is asked about: however sure one is, others are read."""
    monkeypatch.setattr(reader, "AHEAD", -math.inf)
    monkeypatch.setattr(reader, "SURE", -math.inf)
    last = len(space) - 1
    reading = model.read(SEVERAL, space) if asked == "several calls" else model.read(PLAIN, space, (last,))
    assert len(reading.tools) > 1
    assert asked == "several calls" or last in reading.tools
