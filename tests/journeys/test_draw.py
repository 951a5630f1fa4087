"""`interlock draw` as a user types it: pictures of graphs, of faults, and of runs."""

from __future__ import annotations

import shutil
import xml.etree.ElementTree as ElementTree
from pathlib import Path

import pytest

from tests.journeys.terminal import REPOSITORY, Desk, Terminal

PASSED_BY = "tests/refused/approval_passed_by.yaml"
REFUSED = [file for file in sorted(Path("tests/refused").glob("*.yaml")) if file.read_bytes().startswith(b"# expect: ")]
"""The graphs that hold a fault; the others are steps of theirs."""
SVG = "{http://www.w3.org/2000/svg}"


def classes(svg: str) -> dict[str, list[str]]:
    """The classes of each step in a picture."""
    groups = ElementTree.fromstring(svg).iter(f"{SVG}g")
    return {step: str(group.get("class")).split() for group in groups if (step := group.get("data-step"))}


def test_a_graph_is_drawn_to_stdout(desk: Desk) -> None:
    """By its name or its file a graph becomes an SVG, the same each time."""
    by_name = desk.interlock("draw", "polish_and_send")
    assert by_name.code == 0, by_name
    assert by_name.err == ""
    assert set(classes(by_name.out)) == {"START", "polish", "send", "revise", "END:not_sent", "END:done"}
    assert desk.interlock("draw", "graphs/polish_and_send.yaml").out == by_name.out


def test_a_picture_goes_into_a_file(desk: Desk, tmp_path: Path) -> None:
    """With -o the picture is written, and nothing is printed."""
    picture = tmp_path / "desk.svg"
    done = desk.interlock("draw", "front_desk", "-o", picture)
    assert (done.code, done.out) == (0, "")
    assert picture.read_text(encoding="utf-8") == desk.interlock("draw", "front_desk").out
    assert "is a directory" in desk.interlock("draw", "front_desk", "-o", tmp_path).refused(str(tmp_path)).lower()


def test_a_page_may_bring_the_style(desk: Desk) -> None:
    """Without the stylesheet the picture keeps its colours as attributes."""
    bare = desk.interlock("draw", "front_desk", "--no-style").out
    assert "<style" not in bare
    assert 'fill="#' in bare


def test_other_forms(desk: Desk) -> None:
    """The same graph as Mermaid, as an outline, and as an outline in ASCII."""
    assert desk.interlock("draw", "front_desk", "--format", "mermaid").out.startswith("flowchart TD\n")
    text = desk.interlock("draw", "front_desk", "--format", "text").out
    assert "──▶ END answered" in text
    plain = desk.interlock("draw", "front_desk", "--format", "text", "--ascii").out
    assert plain.isascii()
    assert "--> END answered" in plain


def test_a_plain_terminal_gets_ascii(terminal: Terminal) -> None:
    """Where stdout can show ASCII only, the outline is in ASCII without being asked."""
    terminal.environment["PYTHONIOENCODING"] = "ascii"
    done = terminal.interlock("draw", "front_desk", "--format", "text")
    assert done.code == 0, done
    assert "--> END answered" in done.out


def test_a_graph_with_errors_is_drawn_with_the_path_of_the_first(desk: Desk) -> None:
    """The picture shows what could be read and the counterexample; the exit code is that of findings."""
    done = desk.interlock("draw", PASSED_BY)
    assert done.code == 1
    assert f"interlock check {PASSED_BY}" in done.err
    lit = {step for step, names in classes(done.out).items() if "counterexample" in names}
    assert lit == {"START", "think", "ask", "pay"}
    assert desk.interlock("draw", PASSED_BY, "--finding", "G201").out == done.out
    text = desk.interlock("draw", PASSED_BY, "--format", "text").out
    barred = [line.split()[2] for line in text.splitlines() if line.startswith("┃ ") and line[2] != " "]
    assert barred == ["START", "think", "ask", "pay"]


@pytest.mark.parametrize("file", REFUSED, ids=lambda file: file.stem)
def test_every_refused_graph_is_drawn_or_named(file: Path, desk: Desk) -> None:
    """Whatever is wrong with a file, what could be read is drawn, and a file that holds nothing is named."""
    for form in ("svg", "mermaid", "text"):
        done = desk.interlock("draw", file, "--format", form)
        assert done.code == 1
        assert "Traceback" not in done.err
        assert f"interlock check {file}" in done.err
        if form == "svg" and done.out:
            assert "START" in classes(done.out)


def test_a_path_of_ones_own_is_marked(desk: Desk) -> None:
    """A path is given by its steps; END is any end that its last arrow reaches."""
    done = desk.interlock("draw", "front_desk", "--path", "START,act,answer,END")
    assert done.code == 0, done
    lit = {step for step, names in classes(done.out).items() if "counterexample" in names}
    assert lit == {"START", "act", "answer", "END:answered"}


@pytest.mark.parametrize(
    ("words", "offender", "code"),
    [
        (["nothing"], "nothing", 1),
        (["front_desk", "--format", "png"], "png", 2),
        (["front_desk", "--path", "START,anser"], "anser", 1),
        (["front_desk", "--finding", "G201"], "G201", 1),
        (["front_desk", "--path", "START", "--finding", "G201"], "--finding", 2),
        ([], "GRAPH", 2),
        (["--run", "run-nope"], "run-nope", 1),
        (["--run", "run-nope", "--path", "START"], "--path", 2),
        (["tests/refused/not_yaml.yaml"], "not_yaml", 1),
    ],
    ids=lambda value: " ".join(value)[:40] if isinstance(value, list) else None,
)
def test_a_wrong_command_is_one_sentence(words: list[str], offender: str, code: int, desk: Desk) -> None:
    """What cannot be drawn is named in one sentence."""
    desk.interlock("draw", *words).refused(offender, code)


def test_a_misspelt_step_is_guessed(desk: Desk) -> None:
    """A step that is not there gets the close match."""
    assert "did you mean `answer`" in desk.interlock("draw", "front_desk", "--path", "anser").refused("anser")


def test_a_run_is_drawn_as_far_as_it_has_come(desk: Desk, tmp_path: Path) -> None:
    """The picture of a run is that of the graph it is pinned to, also after the file has changed or is gone."""
    project = tmp_path / "project"
    shutil.copytree(REPOSITORY / "examples" / "pay_invoice", project)
    desk.patch.chdir(project)
    given = [word for pair in ("payee=Northwind", "amount=2000", "invoice=7") for word in ("-i", pair)]
    assert desk.interlock("run", "pay_invoice", *given, "--as", "clerk").code == 3
    [run] = desk.interlock("runs", "list", "--json").json()["runs"]
    picture = desk.interlock("draw", "pay_invoice", "--run", run["id"])
    assert picture.code == 0, picture
    found = classes(picture.out)
    assert found["inspect"] == ["node", "approve", "waiting"]
    assert found["pay"] == ["node", "call"]
    assert 'class="interlock-graph live"' in picture.out
    (project / "graphs" / "pay_invoice.yaml").unlink()
    assert desk.interlock("draw", "--run", run["id"]).out == picture.out
    assert "[waiting]" in desk.interlock("draw", "--run", run["id"], "--format", "text").out
    desk.interlock("draw", "other", "--run", run["id"]).refused("pay_invoice", 2)
