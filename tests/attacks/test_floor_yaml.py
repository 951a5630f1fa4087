"""Security floor, YAML: refuse what two readers see differently, type the closed scalars only, name no Python."""

from __future__ import annotations

import sys
from pathlib import Path
from typing import Any

import pytest
import yaml

from interlock.engine.project import Project
from interlock.source import SourceError
from interlock.source.reader import MAX_BYTES, MAX_LEVELS, parse_document
from tests.attacks.house import GRAPHS, PEOPLE, POLICY, THINK, House

FILES = {
    "graphs/pay.yaml": GRAPHS["pay"],
    "nodes/think.yaml": THINK,
    "policies/shop.yaml": POLICY,
    "policies/people.yaml": PEOPLE,
}
"""A file of every kind that a project reads, as it should be."""

BOMB = "\n".join(
    ["a: &a [lol]"]
    + [
        f"{name}: &{name} [{', '.join([f'*{before}'] * 9)}]"
        for before, name in zip("abcdefgh", "bcdefghi", strict=True)
    ]
)

REFUSED: dict[str, tuple[str, str]] = {
    "an alias": ("a: &x 1\nb: *x", "Y010"),
    "an anchor": ("a: &x 1", "Y010"),
    "a bomb of aliases": (BOMB, "Y010"),
    "a tag": ("a: !!str 1", "Y011"),
    "a tag of Python's": ("a: !!python/object/apply:os.system ['touch owned']", "Y011"),
    "a tag that names a module": ("a: !!python/name:os.system", "Y011"),
    "a merge": ("a: {b: 1}\nc: {<<: {d: 1}}", "Y012"),
    "a key twice": ("description: one\ndescription: two", "Y009"),
    "a key twice, deep": ("a: {b: {c: 1, c: 2}}", "Y009"),
    "over 1 MB": (f"a: {'x' * MAX_BYTES}", "Y002"),
    "over 50 levels": (f"a: {'[' * MAX_LEVELS}{']' * MAX_LEVELS}", "Y014"),
    "over 50,000 levels": ("a: " + "[" * 50_000, "Y014"),
    "a second document": ("a: 1\n---\nb: 1", "Y007"),
    "a number too long": ("a: 12345678901234567", "Y015"),
    "a control character": ('a: "\\u202e"', "Y004"),
}


def read(project: Project, file: str) -> Any:
    """Whatever of the project reads the file."""
    drawer = file.split("/")[0]
    if drawer == "graphs":
        return project.workflow(project.root / file)
    return project.cards if drawer == "nodes" else project.policies


@pytest.mark.parametrize("file", FILES)
@pytest.mark.parametrize("name", REFUSED)
def test_every_reader_refuses_it(house: House, file: str, name: str) -> None:
    """In whichever file of a project it stands, the file is refused with its code, and nothing is done."""
    text, code = REFUSED[name]
    house.write(file, f"{FILES[file]}\n{text}\n")
    with pytest.raises(SourceError) as refused:
        read(house.project(), file)
    assert code in [finding.code for finding in refused.value.findings]
    assert not (Path.cwd() / "owned").exists()
    assert not (house.root / "owned").exists()


SCALARS: dict[str, Any] = {
    "12:30": "12:30",
    "on": "on",
    "off": "off",
    "yes": "yes",
    "No": "No",
    "True": "True",
    "NULL": "NULL",
    "~": "~",
    "0x1F": "0x1F",
    "0o17": "0o17",
    "017": "017",
    "1_000": "1_000",
    "1e3": "1e3",
    ".inf": ".inf",
    ".nan": ".nan",
    "+1": "+1",
    "2026-01-05": "2026-01-05",
    "2026-01-05 09:00:00": "2026-01-05 09:00:00",
    "=": "=",
    "'1'": "1",
    "1": 1,
    "-1": -1,
    "1.5": 1.5,
    "true": True,
    "false": False,
    "null": None,
}


@pytest.mark.parametrize("text", SCALARS)
def test_only_the_closed_scalars_have_a_type(text: str) -> None:
    """Whole and decimal numbers, `true`, `false` and `null`; everything else is the text that was written."""
    value = parse_document(f"a: {text}\nb: [{text}]", "file").data
    assert [value["a"], *value["b"]] == [SCALARS[text]] * 2
    assert type(value["a"]) is type(SCALARS[text])


def test_the_usual_reader_sees_something_else() -> None:
    """The attack works where nothing stands in its way: `safe_load` reads a time as a number, and the last key wins."""
    assert yaml.safe_load("a: 12:30") == {"a": 750}
    assert yaml.safe_load("a: on") == {"a": True}
    assert yaml.safe_load("then: deny\nthen: auto") == {"then": "auto"}


STRICT = {
    "a number as text": ("graphs/pay.yaml", "version: 1", 'version: "1"'),
    "true as a number": ("graphs/pay.yaml", "version: 1", "version: true"),
    "a decimal as a whole number": ("graphs/pay.yaml", "version: 1", "version: 1.0"),
    "an unknown key": ("graphs/pay.yaml", "version: 1", "version: 1\nowner: eve"),
    "a list for a text": ("nodes/think.yaml", "goal: Think.", "goal: [Think.]"),
    "a text as a number": ("nodes/think.yaml", "repairs: 0", "repairs: '0'"),
    "an unknown word": ("policies/shop.yaml", "then: auto", "then: allow"),
    "a count as text": ("policies/shop.yaml", "one: {count: 1,", "one: {count: '1',"),
    "on for true": ("policies/shop.yaml", "amount: {le: 1000}}, then: auto", "amount: on}, then: auto"),
    "roles as a text": ("policies/people.yaml", "fay: [finance]", "fay: finance"),
}


@pytest.mark.parametrize("name", STRICT)
def test_then_the_types_are_strict(house: House, name: str) -> None:
    """What was read is validated without any conversion: a value of another type is a fault with its place."""
    file, old, new = STRICT[name]
    house.change(file, old, new)
    with pytest.raises(SourceError, match=file):
        read(house.project(), file)


PYTHON = [
    ("graphs/pay.yaml", "call: shop.pay", "call: canary.run"),
    ("graphs/pay.yaml", "call: shop.pay", 'call: "canary:run"'),
    ("graphs/pay.yaml", "call: shop.pay", "call: os.system"),
    ("graphs/think.yaml", "{node: think,", "{node: canary,"),
    ("graphs/think.yaml", "{node: think,", '{node: "canary:run",'),
    ("graphs/think.yaml", "{node: think,", "{node: ../canary.py,"),
    ("nodes/think.yaml", "repairs: 0", "repairs: 0\nactions: [canary.run]"),
    ("nodes/think.yaml", "output: {text: {type: string}}", "output: {text: {type: canary.Run}}"),
    ("policies/shop.yaml", "applies_to: [shop.pay,", 'applies_to: ["canary:run",'),
    ("policies/shop.yaml", "amount: {type: int}", "amount: {type: canary.run}"),
]


@pytest.mark.parametrize(("file", "old", "new"), PYTHON, ids=[new for _, _, new in PYTHON])
def test_no_file_names_python(house: House, file: str, old: str, new: str) -> None:
    """Names come from the drawers: a module's path is an unknown name, and the module is never imported."""
    house.write("canary.py", "from pathlib import Path\nPath(__file__).with_name('owned').touch()\n\ndef run(): ...\n")
    sys.path.insert(0, str(house.root))
    try:
        house.change(file, old, new)
        with pytest.raises(SourceError):
            read(house.project(), "graphs/think.yaml" if file == "nodes/think.yaml" else file)
    finally:
        sys.path.remove(str(house.root))
    assert "canary" not in sys.modules
    assert not (house.root / "owned").exists()
