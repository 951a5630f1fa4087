"""Requests for several functions in one breath, and functions that are kept apart from training."""

from __future__ import annotations

from pathlib import Path
from random import Random

import pytest

from interlock.errors import InputError
from interlock.lam.calibrate import PARTS, apart
from interlock.lam.generator.drafts import compose
from interlock.lam.generator.finish import finish
from interlock.lam.generator.scenes import Scenes
from interlock.lam.generator.surfaces import Values
from interlock.lam.generator.together import say_together
from interlock.lam.generator.wordbook import Wordbook, read_apart, read_files, read_wordbook

FILE = """
pools:
  land: [Peru, Chad, Oman, Laos, Fiji]
functions:
- name: land_area
  about: Area of a country.
  parameters:
    land: {type: string, about: The country., values: land}
    unit: {type: string, about: Unit., optional: true, values: [miles, kilometers]}
  requests: ["How large is {land}[ in square {unit}]?"]
- name: land_ruler
  about: Who ruled a country.
  parameters:
    country: {type: string, about: The country., values: land}
    year: {type: integer, about: The year., values: year 1700 2000}
  requests: ["Who ruled {country} in {year}?"]
together:
- of: [land_area, land_ruler]
  requests:
  - "TEXT"
"""


def book(folder: Path, text: str) -> Wordbook:
    (folder / "lands.yaml").write_text(FILE.replace("TEXT", text), encoding="utf-8")
    return read_files([folder / "lands.yaml"])


def said(known: Wordbook, seed: int = 1) -> list[tuple[str, dict[str, object]]]:
    """The calls of one request, as the words are read."""
    entry, random = known.together[0], Random(seed)
    draft = say_together(entry, entry.requests[0], Values(known.pools, random, None))
    assert draft is not None
    example = finish(draft, [], random, plain=True)
    assert example is not None
    return [(call.name, call.arguments) for call in example.calls]


def test_one_value_serves_both_functions(tmp_path: Path) -> None:
    """Paths joined by `&` stand for one place in the text."""
    area, ruler = said(book(tmp_path, "How large is {1.land&2.country}, and who ruled it in {2.year}?"))
    assert area[0] == "land_area"
    assert ruler[0] == "land_ruler"
    assert next(iter(area[1].values())) in ruler[1].values()
    assert len(ruler[1]) == 2


def test_calls_are_numbered_within_their_function(tmp_path: Path) -> None:
    """Two calls of the first, one of the second, whose slots have no number."""
    calls = said(book(tmp_path, "Areas of {1.land#1} and {1.land#2}, and who ruled {2.country} in {2.year}?"))
    assert [name for name, _ in calls] == ["land_area", "land_area", "land_ruler"]
    assert calls[0][1] != calls[1][1]


def test_a_template_that_lacks_a_required_value_is_never_said(tmp_path: Path) -> None:
    """Nobody asked for a year, so there is no such request."""
    known = book(tmp_path, "How large is {1.land}, and who ruled {2.country}?")
    entry = known.together[0]
    assert say_together(entry, entry.requests[0], Values(known.pools, Random(1), None)) is None


def test_an_unknown_slot_is_named(tmp_path: Path) -> None:
    """The message names the slot, the template and the functions."""
    with pytest.raises(InputError, match=r"\{2\.land\} in .* is no parameter of land_area, land_ruler"):
        book(tmp_path, "Who ruled {2.land} in {2.year}?")


def test_an_unknown_function_is_named(tmp_path: Path) -> None:
    """`of` may only name functions of the same file."""
    (tmp_path / "lands.yaml").write_text(FILE.replace("land_ruler]", "land_king]"), encoding="utf-8")
    with pytest.raises(InputError, match="together names land_king, which is no function of this file"):
        read_files([tmp_path / "lands.yaml"])


def test_every_entry_of_the_function_files_can_be_said() -> None:
    """Each template of requests for several functions becomes an example in one of a few draws."""
    known = read_wordbook()
    never = []
    for entry in known.together:
        for template in entry.requests:
            randoms = [Random(f"{template.text}{turn}") for turn in range(6)]
            drafts = [(say_together(entry, template, Values(known.pools, random, None)), random) for random in randoms]
            if not any(draft is not None and finish(draft, [], random) is not None for draft, random in drafts):
                never.append(template.text)
    assert len(never) <= len(known.together) // 50, never


def test_arguments_of_nested_objects_and_lists_of_shares_are_taught() -> None:
    """Functions with either become examples whose calls hold them."""
    known = read_wordbook()
    able = [f for f in known.functions if f.objects]
    assert len(able) > 20
    for function in able:
        made = []
        for turn in range(12):
            random = Random(f"{function.name}{turn}")
            draft = compose(function, random.choice(function.requests), Values(known.pools, random, None))
            made.append(draft and finish(draft, [], random))
        calls = [call for example in made if example for call in example.calls]
        assert any("." in path for call in calls for path in call.arguments), function.name


def test_no_training_sees_a_function_that_is_kept_apart() -> None:
    """Neither their names nor their templates stand in the files that training reads."""
    trained, kept = read_wordbook(), read_apart()
    assert len(kept.functions) >= 80
    assert not {f.name for f in trained.functions} & {f.name for f in kept.functions}
    templates = {t.text for f in trained.functions for t in f.requests}
    assert not templates & {t.text for f in kept.functions for t in f.requests}


def test_each_part_of_a_calibration_has_functions_of_its_own() -> None:
    """What one part fits, another tests on tools that it never saw."""
    parts = [apart(part) for part in PARTS]
    assert all(isinstance(part, Scenes) for part in parts)
    names = [{f.name for f in part.shelf.functions} for part in parts if isinstance(part, Scenes)]
    assert all(len(one) > 8 for one in names)
    assert sum(map(len, names)) == len(set().union(*names)) == len(read_apart().functions)
