"""The training mixture: pure in seed and index, every value readable from its words, every call valid."""

from __future__ import annotations

import json
from collections import Counter
from functools import lru_cache
from pathlib import Path
from random import Random
from typing import Any

import pytest

from interlock.lam.candidates import read_value
from interlock.lam.examples import Call, Example
from interlock.lam.functions import named
from interlock.lam.generator.__main__ import main
from interlock.lam.generator.clashes import clashes
from interlock.lam.generator.mixture import Mixture
from interlock.lam.generator.names import barred, known_name, restyled
from interlock.lam.generator.wordbook import read_wordbook
from interlock.lam.heldout import held_out
from interlock.lam.parameters import faults, read_parameters
from interlock.lam.protocol import ActionSchema

COUNT = 1500


@lru_cache(maxsize=1)
def drawn() -> list[tuple[str, Example]]:
    """Some examples of the sources that need no data."""
    mixture = Mixture(3)
    return [mixture.drawn(index) for index in range(COUNT)]


def nested(call: Call) -> dict[str, Any]:
    """Arguments with dotted paths put together."""
    made: dict[str, Any] = {}
    for path, value in call.arguments.items():
        *heads, last = path.split(".")
        place = made
        for head in heads:
            place = place.setdefault(head, {})
        place[last] = value
    return made


def calls() -> list[tuple[Example, ActionSchema, Call]]:
    """Every call of the examples with the schema it is for."""
    found = []
    for _, example in drawn():
        for call in example.calls:
            schema = named(example.space, call.name)
            assert schema is not None, f"{call.name} is not in its space"
            found.append((example, schema, call))
    return found


def test_an_example_depends_on_seed_and_index_alone() -> None:
    """Drawn in another order and by another mixture of the seed, an example is the same; other seeds differ."""
    again = Mixture(3)
    for index in (40, 7, 333, 7):
        assert again.example(index) == drawn()[index][1]
    assert Mixture(4).example(7) != drawn()[7][1]


def test_every_span_reads_as_the_value() -> None:
    """A value without an option's or flag's words is what the decoder's rules read from its span."""
    read = 0
    for source, (example, schema, call) in zip(["all"] * 10_000, calls(), strict=False):
        parameters = {p.name: p for p in read_parameters(schema)}
        for path, span in call.spans.items():
            text = example.observation.sources[span.source][span.start : span.end]
            assert text == text.strip() != "", (source, example.observation.sources, path)
            parameter = parameters.get(path)
            if parameter is None or parameter.kind in ("option", "flag") or (parameter.item and parameter.item.options):
                continue
            found = read_value(parameter, text, example.observation.today)
            assert found is not None, (text, path)
            assert found[1] == call.arguments[path], (text, path)
            read += 1
    assert read > 1000


def test_calls_are_valid() -> None:
    """What `act` examples call breaks no schema; `ask` examples lack exactly what they say."""
    for example, schema, call in calls():
        wrong = set(faults(schema, nested(call)))
        lacking = {*example.missing, *(path.split(".")[0] for path in example.missing)}
        assert wrong <= lacking, (schema, call, example.observation.sources)
        assert not set(example.missing) & call.arguments.keys()
        assert bool(example.missing) == (example.kind == "ask")


def test_the_kinds_are_mixed_as_told() -> None:
    """Most requests are to act, some need several calls, a fifth are to be left alone."""
    kinds = Counter(example.kind for _, example in drawn())
    assert 0.6 < kinds["act"] / COUNT < 0.72
    assert 0.15 < kinds["abstain"] / COUNT < 0.27
    assert 0.04 < kinds["ask"] / COUNT < 0.12
    several = Counter(len({c.name for c in e.calls}) for _, e in drawn() if e.kind == "act" and len(e.calls) > 1)
    assert several[1] / COUNT > 0.07
    assert sum(count for names, count in several.items() if names > 1) / COUNT > 0.07
    sizes = Counter(len(example.space) for source, example in drawn() if source == "functions")
    assert 0.3 < sizes[1] / sum(sizes.values()) < 0.55


def test_nothing_names_a_tool_that_measuring_uses() -> None:
    """Neither functions nor renamed ones share the words of a barred name."""
    assert len(barred()) > 500
    assert not [f.name for f in read_wordbook().functions if known_name(f.name)]
    for source, example in drawn():
        if source != "office":
            assert not [schema.name for schema in example.space if known_name(schema.name)]


def test_function_names_are_unique() -> None:
    """No two function files describe a function of one name."""
    counts = Counter(function.name for function in read_wordbook().functions)
    assert [name for name, count in counts.items() if count > 1] == []


def write_sets(folder: Path) -> Path:
    """Small files in the form of the permissive sets."""
    for name in ("seal_tools", "snips", "clinc", "metatool"):
        (folder / name).mkdir()
    tool = {
        "api_name": "getTideTable", "api_description": "Retrieve the tide table of a harbour", "field": "Sea/Tides",
        "parameters": {
            "harbour": {"type": "str", "description": "The harbour (e.g., Dover, Brest, Cuxhaven)"},
            "days": {"type": "int", "description": "Number of days"},
        },
        "required": ["harbour"],
    }  # fmt: skip
    (folder / "seal_tools" / "tool.jsonl").write_text(json.dumps(tool) + "\n", encoding="utf-8")
    rows = [
        {"intent": "GetWeather", "data": [{"text": f"weather no {number} in "}, {"text": "Haigler", "entity": "city"}]}
        for number in range(400)
    ]
    lines = "\n".join(json.dumps(row) for row in rows)
    (folder / "snips" / "GetWeather.jsonl").write_text(lines, encoding="utf-8")
    said = [{"text": f"flip a coin {n} times", "intent": "flip_coin"} for n in range(400)]
    said += [{"text": f"call mum {n}", "intent": "make_call"} for n in range(400)]
    said += [{"text": f"how is glue made {n}", "intent": "oos"} for n in range(400)]
    (folder / "clinc" / "train.jsonl").write_text("\n".join(json.dumps(row) for row in said), encoding="utf-8")
    (folder / "metatool" / "plugin_des.json").write_text(json.dumps({"Maps": "Shows maps.", "Jokes": "Tells jokes."}))
    table = "Query,Tool\n" + "".join(f"Show map {n},Maps\nJoke {n} please,Jokes\n" for n in range(400))
    (folder / "metatool" / "all_clean_data.csv").write_text(table, encoding="utf-8")
    return folder


def test_rows_kept_for_measuring_are_never_used(tmp_path: Path) -> None:
    """Requests of the public sets come into the mixture only where the rule does not hold them out."""
    mixture = Mixture(1, write_sets(tmp_path))
    assert set(mixture.sources) == {"functions", "office", "schemas", "spoken", "intents", "choices"}
    rows = [mixture.drawn(index) for index in range(4000)]
    templates = [(source, e.template) for source, e in rows]
    assert {source for source, _ in templates} == set(mixture.sources)
    assert not [s.name for source, e in rows if source != "office" for s in e.space if known_name(s.name)]
    left = [f"weather no {n} in Haigler" for n in range(400) if held_out(f"weather no {n} in Haigler")]
    for pattern in ("flip a coin {} times", "how is glue made {}", "Joke {} please"):
        left += [pattern.format(n) for n in range(400) if held_out(pattern.format(n))]
    assert len(left) > 40
    said = "\n".join(example.observation.sources["request"].lower().rstrip(".?") + "\n" for _, example in rows)
    assert [text for text in left if f"{text.lower()}\n" in said] == []


def test_seal_schemas_get_requests_by_grammar(tmp_path: Path) -> None:
    """A schema's description and the examples in it make requests with the values they name."""
    mixture = Mixture(1, write_sets(tmp_path))
    made = [e for e in (mixture.drawn(i) for i in range(600)) if e[0] == "schemas" and e[1].kind == "act"]
    harbours = {c.arguments.get("harbour") for _, e in made for c in e.calls} - {None}
    assert {str(h).lower() for h in harbours} <= {"dover", "brest", "cuxhaven"}
    assert harbours


def test_the_check_finds_what_measuring_uses(tmp_path: Path) -> None:
    """A row that repeats a request and a tool name of the mixture is told; others are not."""
    example = next(e for s, e in drawn() if s == "functions" and e.kind == "act")
    row = {
        "question": [[{"role": "user", "content": example.observation.sources["request"].upper()}]],
        "function": [{"name": example.space[0].name}],
    }
    (tmp_path / "simple.jsonl").write_text(json.dumps(row), encoding="utf-8")
    names, requests = clashes(tmp_path, [example])
    assert len(names) == 1
    assert len(requests) == 1
    assert clashes(tmp_path, [e for _, e in drawn() if e.kind == "ask"][:5])[1] == []


def test_the_command_shows_counts_and_refuses(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    """`--show` marks spans, `--count` counts schemas and requests, an empty folder is refused in a sentence."""
    assert main(["--seed", "2", "--show", "3", "--kind", "act"]) == 0
    assert "⟦" in capsys.readouterr().out
    assert main(["--seed", "2", "--count", "200"]) == 0
    report = json.loads(capsys.readouterr().out)
    assert report["distinct_requests"] > 180
    assert report["distinct_schemas"] > 300
    assert main(["--check-against", str(tmp_path)]) == 1
    assert "There are no *.jsonl files" in capsys.readouterr().err


def test_names_change_style_and_keep_their_words() -> None:
    """A restyled name reads as the same words, but for its domain or an ending."""
    styles = {restyled("send_money", "bank", Random(number)) for number in range(60)}
    assert {"send_money", "sendMoney", "bank.send_money", "SendMoney"} <= styles
