"""Plays a Markdown page as a reader would: files are written, commands typed, Python run, output compared.

Each page is one story in one project of its own.  A comment right before a block says what the block is:

    <!-- file: tools/printer.py -->   it is written to that path of the project
    <!-- json: interlock COMMAND -->  it has the shape of what that command prints (keys, and kinds of values)
    <!-- model json: … -->            the same, tried only where the embedded model's weights are
    <!-- output -->                   it shows something that another test holds to the truth
    <!-- not run: REASON -->          it is not tried here; the reasons are counted below

and a comment anywhere on the page says what it is played in:

    <!-- project: examples/NAME -->   a copy of that example, instead of what `interlock init` makes
    <!-- needs: action model -->      the embedded model's weights

`python tests/docs/pages.py PAGE…` plays pages and writes into them what the commands print now; a JSON block only
where it is empty.
"""

from __future__ import annotations

import contextlib
import hashlib
import io
import json
import os
import re
import shlex
import shutil
import subprocess
import sys
import tempfile
from dataclasses import dataclass
from pathlib import Path
from typing import Any
from unittest import mock

import interlock
from interlock.cli.app import main
from interlock.cli.author import make_project
from interlock.cli.checking import check_paths

ROOT = Path(__file__).resolve().parents[2]
NOT_RUN = (
    "takes a minute",
    "needs a network model",
    "starts this suite",
    "asks at the terminal",
    "trains for hours",
    "a pattern",
)
WEIGHTS = (Path(interlock.__file__).parent / "lam" / "weights" / "model.safetensors").is_file()
"""Whether the embedded action model is there; asked without importing torch."""

_FENCE = re.compile(
    r"^(?P<tick>`{3,})(?P<language>[a-z]*)[^\n]*\n(?P<text>.*?)^(?P=tick)[ ]*$", re.MULTILINE | re.DOTALL
)
_COMMENT = re.compile(r"<!-- (?P<word>[a-z ]+?)(?:: (?P<value>[^>]*?))? -->[ ]*\n\Z")
_ID = re.compile(
    r"\b(?:(?P<kind>run|ap|dg|pay|ref|interlock)-)?(?P<hex>[0-9a-f]{64}|[0-9a-f]{40}|[0-9a-f]{32}|(?<=-)[0-9a-f]{10})\b"
)
_VARIES = (
    (re.compile(r"\b\d\d\d\d-\d\d-\d\d \d\d:\d\d\b"), "2026-01-05 09:00"),
    (re.compile(r"\b\d\d\d\d-\d\d-\d\dT\d\d:\d\d:\d\d(?:\.\d+)?(?:\+00:00|Z)?"), "2026-01-05T09:00:00+00:00"),
    (re.compile(r"\b\d\d:\d\d:\d\d\b"), "09:00:00"),
    (re.compile(r"\btoken [0-9a-f]{12}\b"), "token 9f2c61d80a4e"),
    (re.compile(r"\b(\d+ (?:d|h)) \d+ (h|min) left"), r"\1 59 \2 left"),
)
"""What differs from run to run, and what the pages say in its place."""


@dataclass(frozen=True)
class Block:
    """One fenced block, with the comment before it."""

    page: Path
    line: int
    language: str
    text: str
    word: str = ""
    value: str = ""
    start: int = 0
    end: int = 0

    @property
    def place(self) -> str:
        return f"{self.page.relative_to(ROOT)}:{self.line}"


def blocks(page: Path) -> list[Block]:
    """The fenced blocks of a page, in order."""
    text = page.read_text(encoding="utf-8")
    found = []
    for match in _FENCE.finditer(text):
        comment = _COMMENT.search(text[: match.start()])
        found.append(
            Block(
                page=page,
                line=text.count("\n", 0, match.start()) + 1,
                language=match["language"],
                text=match["text"],
                word=comment["word"] if comment else "",
                value=(comment["value"] or "").strip() if comment else "",
                start=match.start("text"),
                end=match.end("text"),
            )
        )
    return found


def said(page: Path, word: str) -> str | None:
    """The value of a page's own comment, such as `project`."""
    match = re.search(rf"<!-- {word}: (.*?) -->", page.read_text(encoding="utf-8"))
    return match[1].strip() if match else None


@dataclass(frozen=True)
class Played:
    """One command of a transcript and what it printed, stdout and stderr as a terminal shows them."""

    command: str
    printed: str
    code: int


class Story:
    """One page's project, and the ids that the page and this run call the same things."""

    def __init__(self, folder: Path, home: Path, project: str | None = None) -> None:
        self.folder = folder
        self.at = folder
        self.environment = {
            "INTERLOCK_HOME": str(home),
            "PATH": os.pathsep.join([str(Path(sys.executable).parent), os.environ["PATH"]]),
            "COLUMNS": "100",
            "NO_COLOR": "1",
        }
        self.code = 0
        self.names: dict[str, Any] = {}
        self._pages: dict[str, str] = {}
        """What the page calls each id of this run."""
        if project is None:
            make_project(folder)
        else:
            shutil.copytree(ROOT / project, folder, ignore=shutil.ignore_patterns("__pycache__", ".interlock"))

    # Blocks -------------------------------------------------------------------------------------

    def play(self, block: Block) -> str:
        """Try one block; returns what should stand in it.

        Raises:
            AssertionError: the block is wrong; the message says where and how.
        """
        if block.word == "json" or (block.word == "model json" and WEIGHTS):
            return self._same_shape(block)
        if block.word == "model json":
            return block.text
        if block.word in ("not run", "output"):
            assert block.word == "output" or block.value in NOT_RUN, f"{block.place}: not a reason: {block.value}"
        elif block.language == "python" and not block.word:
            self._python(block)
        elif block.language == "console":
            return self.transcript(block.text)
        elif block.language == "sh":
            for command in _commands(block.text):
                played = self.type(command)
                self._learn(played.printed)
                assert played.code in (0, 3), f"{block.place}: {command} ended with {played.code}:\n{played.printed}"
        elif block.word != "file":
            known = ("yaml", "text", "mermaid")  # `settle` has put the YAML in its place
            assert block.language in known, f"{block.place}: nothing checks this block ({block.language})"
        return block.text

    def _write(self, path: str, text: str) -> None:
        target = self.folder / path
        target.parent.mkdir(parents=True, exist_ok=True)
        target.write_text(text, encoding="utf-8")

    def settle(self, found: list[Block]) -> None:
        """Write the page's files; graphs, cards and rules go where the first key of each says, and are checked."""
        drawer = {"graph": "graphs", "node": "nodes", "policy": "policies", "people": "policies"}
        for block in found:
            if block.word == "file":
                self._write(block.value, block.text)
        written = [block for block in found if block.language == "yaml" and not block.word]
        for block in written:
            word, _, name = block.text.partition("\n")[0].partition(":")
            assert word in drawer, f"{block.place}: say which file this YAML is"
            self._write(f"{drawer[word]}/{'people' if word == 'people' else name.strip()}.yaml", block.text)
        if written:
            with self.inside():
                report = check_paths([self.folder / "graphs"])
            assert not report.findings, f"{written[0].page.name}: {report.text()}"

    def _python(self, block: Block) -> None:
        code = compile("\n" * block.line + block.text, str(block.page), "exec")
        with self.inside(), contextlib.redirect_stdout(io.StringIO()):
            exec(code, self.names)

    def _same_shape(self, block: Block) -> str:
        played = self.type(block.value)
        lines = [line for line in self._as_page(played.printed).splitlines() if line.startswith("{")]
        got = [json.loads(line) for line in lines]
        assert got, f"{block.place}: {block.value} printed no JSON:\n{played.printed}"
        for one in [json.loads(part) for part in re.split(r"\n(?=\{)", block.text.strip()) if part]:
            alike = [other for other in got if one.get("event") == other.get("event")] or got
            faults = [differences(one, other) for other in alike]
            assert [] in faults, f"{block.place}: {block.value}: {'; '.join(faults[0])}"
        return block.text if block.text.strip() else "\n".join(map(laid_out, got)) + "\n"

    # Commands -----------------------------------------------------------------------------------

    def transcript(self, text: str) -> str:
        """Type every command of a transcript; what the page should show."""
        shown = ""
        for command in [line[2:] for line in text.replace("\\\n", "\\\0").splitlines() if line.startswith("$ ")]:
            played = self.type(command.replace("\0", "\n"))
            shown += f"$ {self._as_page(self._as_here(played.command))}\n{self._as_page(played.printed)}"
        return shown

    def type(self, command: str) -> Played:
        """Carry out one command line; `interlock` alone runs in this process, everything else in a shell."""
        line = self._as_here(command).replace("\\\n", " ")
        words = shlex.split(line, comments=True) if not re.search(r"[|><;&$]", line) else []
        if line.strip() == "echo $?":
            return Played(command, f"{self.code}\n", 0)
        if words[:1] == ["cd"]:
            self.at = (self.at / words[1]).resolve()
            return Played(command, "", 0)
        if words[:1] == ["interlock"]:
            printed, self.code = self._interlock(words)
        else:
            done = subprocess.run(
                ["sh", "-c", line], cwd=self.at, env=os.environ | self.environment, text=True, timeout=120,
                stdout=subprocess.PIPE, stderr=subprocess.STDOUT, stdin=subprocess.DEVNULL, check=False,
            )  # fmt: skip
            printed, self.code = done.stdout, done.returncode
        printed = printed.replace(str(self.folder), ".").replace(self.environment["INTERLOCK_HOME"], ".interlock")
        return Played(command, "".join(line.rstrip() + "\n" for line in printed.splitlines()), self.code)

    def _interlock(self, words: list[str]) -> tuple[str, int]:
        screen = io.StringIO()
        with (
            self.inside(),
            mock.patch.object(sys, "argv", words),
            contextlib.redirect_stdout(screen),
            contextlib.redirect_stderr(screen),
        ):
            try:
                main()
            except SystemExit as ended:
                return screen.getvalue(), int(ended.code or 0)
        return screen.getvalue(), 0

    @contextlib.contextmanager
    def inside(self) -> Any:
        with mock.patch.dict(os.environ, self.environment), contextlib.chdir(self.at):
            yield

    # Ids ----------------------------------------------------------------------------------------

    def _learn(self, text: str) -> None:
        for match in _ID.finditer(text):
            if match[0] not in self._pages:
                kind = f"{match['kind']}-" if match["kind"] else ""
                alike = [own for own in self._pages if own.startswith(kind) and ("-" in own) == bool(kind)]
                made = hashlib.sha256(f"{match['kind'] or 'mac'} {len(alike) + 1}".encode()).hexdigest()
                self._pages[match[0]] = kind + made[: len(match["hex"])]

    def _as_page(self, text: str) -> str:
        """This run's output, with ids and times that do not change from run to run."""
        self._learn(text)
        text = _ID.sub(lambda match: self._pages[match[0]], text)
        for pattern, instead in _VARIES:
            text = pattern.sub(instead, text)
        return text

    def _as_here(self, text: str) -> str:
        """A page's command, with this run's ids; `ap-0000000002` is the second request of the page."""
        ours = {theirs: own for own, theirs in self._pages.items()}

        def here(match: re.Match[str]) -> str:
            if match["kind"] and re.fullmatch(r"0{7}\d{3}", match["hex"]):  # an id of digits only may be real
                of_kind = [own for own in self._pages if own.startswith(match["kind"])]
                return of_kind[int(match["hex"]) - 1]
            return ours.get(match[0], match[0])

        return _ID.sub(here, text)


def _commands(text: str) -> list[str]:
    lines = text.replace("\\\n", "\\\0").splitlines()
    return [line.replace("\0", "\n") for line in lines if line.strip() and not line.lstrip().startswith("#")]


def differences(shown: Any, got: Any, at: str = "") -> list[str]:
    """How the shape of two JSON values differs: keys, and kinds of values where neither is null."""
    if isinstance(shown, dict) and isinstance(got, dict):
        # Objects whose keys are data (arguments, labels) are shown by example.
        free = at.rsplit(".", 1)[-1] in FREE
        faults = [] if free else [f"{at or 'it'} lacks `{key}`" for key in sorted(got.keys() - shown.keys())]
        faults += [] if free else [f"{at or 'it'} has no `{key}`" for key in sorted(shown.keys() - got.keys())]
        return faults + [
            fault for key in shown.keys() & got.keys() for fault in differences(shown[key], got[key], f"{at}.{key}")
        ]
    if isinstance(shown, list) and isinstance(got, list):
        return differences(shown[0], got[0], f"{at}[]") if shown and got else []
    numbers = (int, float)
    if shown is None or got is None or type(shown) is type(got):
        return []
    if isinstance(shown, numbers) and isinstance(got, numbers) and not isinstance(shown, bool | type(got)):
        return []
    return [f"{at} is {type(got).__name__}, not {type(shown).__name__}"]


def laid_out(value: Any, indent: int = 0) -> str:
    """JSON that breaks a line only where it would be too long; of a long list the first two."""
    flat = json.dumps(value, ensure_ascii=False)
    if len(flat) + indent <= 112 or not isinstance(value, dict | list) or not value:
        return flat
    inner = " " * (indent + 2)
    if isinstance(value, list):
        parts = [laid_out(item, indent + 2) for item in value[:2]]
        return "[\n" + ",\n".join(inner + part for part in parts) + "\n" + " " * indent + "]"
    parts = [f"{json.dumps(key)}: {laid_out(item, indent + 2)}" for key, item in value.items()]
    rows: list[str] = []
    for part in parts:  # short entries share a line
        if rows and "\n" not in rows[-1] + part and len(rows[-1]) + len(part) + indent <= 110:
            rows[-1] += f", {part}"
        else:
            rows.append(part)
    return "{\n" + ",\n".join(inner + row for row in rows) + "\n" + " " * indent + "}"


FREE = (
    "input",
    "output",
    "arguments",
    "provenance",
    "evidence",
    "inputs",
    "shown",
    "form",
    "result",
    "answer",
    "data",
    "by_action",
)


def play(page: Path, folder: Path) -> list[tuple[Block, str]]:
    """Play a page; each block with what should stand in it."""
    story = Story(folder / "project", folder / "home", said(page, "project"))
    found = blocks(page)
    story.settle(found)
    return [(block, story.play(block)) for block in found]


def rewrite(page: Path) -> None:
    """Play a page and write into it what its commands print now."""
    with tempfile.TemporaryDirectory() as folder:
        played = play(page, Path(folder))
    text = page.read_text(encoding="utf-8")
    for block, wanted in reversed(played):
        text = text[: block.start] + wanted + text[block.end :]
    page.write_text(text, encoding="utf-8")


if __name__ == "__main__":
    for name in sys.argv[1:]:
        rewrite(Path(name).resolve())
