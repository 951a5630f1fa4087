"""The language server, installed by npm into a folder outside the repository, where it is wanted."""

from __future__ import annotations

import os
import shutil
import subprocess
from collections.abc import Iterator
from pathlib import Path

import pytest

from tests.schema.judged import ROOT
from tests.schema.language_server import LanguageServer

VERSION = "1.25.0"
"""The version of yaml-language-server that the tests were written against; it runs on Node.js 18 and later."""

WANTED = "INTERLOCK_TEST_LANGUAGE_SERVER"
CACHE = Path(os.environ.get("XDG_CACHE_HOME") or Path.home() / ".cache") / "interlock-tests"


@pytest.fixture(scope="session")
def language_server_program() -> Path:
    """The server's program; skips where it is not wanted, since npm fetches it over the network."""
    if not (os.environ.get(WANTED) or os.environ.get("CI")):
        pytest.skip(f"drives yaml-language-server, which npm fetches; set {WANTED}=1 to run it")
    npm = shutil.which("npm")
    if npm is None or shutil.which("node") is None:
        pytest.skip("drives yaml-language-server, which needs Node.js and npm; neither is fetched by itself")
    folder = CACHE / f"yaml-language-server-{VERSION}"
    program = folder / "node_modules" / "yaml-language-server" / "bin" / "yaml-language-server"
    if not program.is_file():
        folder.mkdir(parents=True, exist_ok=True)
        words = ["install", "--no-audit", "--no-fund", "--no-save", "--ignore-scripts", "--prefix", str(folder)]
        done = subprocess.run(
            [npm, *words, f"yaml-language-server@{VERSION}"], cwd=folder, capture_output=True, text=True, timeout=240,
            check=False,
        )  # fmt: skip
        assert done.returncode == 0, done.stderr
    return program


@pytest.fixture(scope="module")
def server(language_server_program: Path) -> Iterator[LanguageServer]:
    """A running server, whose workspace is the repository."""
    running = LanguageServer(["node", str(language_server_program), "--stdio"], ROOT)
    try:
        yield running
    finally:
        running.close()
