"""The built wheel, installed by itself: what is in it, and that it does the main job."""

from __future__ import annotations

import ast
import os
import re
import subprocess
import sys
import sysconfig
import tomllib
import venv
import zipfile
from importlib.metadata import packages_distributions
from pathlib import Path

import pytest

ROOT = Path(__file__).resolve().parents[2]
DRAWERS = ("graphs", "nodes", "tools", "policies")
WEIGHTS = (ROOT / "src" / "interlock" / "lam" / "weights" / "model.safetensors").is_file()
MAX_BYTES = 30_000_000

pytestmark = pytest.mark.xdist_group("wheel")


def run(*command: str | Path, at: Path, expect: int = 0, **environment: str) -> str:
    """What a command prints, stdout and stderr; fails when it ends otherwise than expected."""
    clean = {name: value for name, value in os.environ.items() if not name.startswith(("INTERLOCK_", "PYTHON"))}
    done = subprocess.run(
        [str(word) for word in command], cwd=at, env=clean | {"NO_COLOR": "1"} | environment, text=True, timeout=240,
        stdout=subprocess.PIPE, stderr=subprocess.STDOUT, stdin=subprocess.DEVNULL, check=False,
    )  # fmt: skip
    assert done.returncode == expect, f"{command} ended with {done.returncode}:\n{done.stdout}"
    return done.stdout


@pytest.fixture(scope="module")
def wheel(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """The wheel of the working tree."""
    folder = tmp_path_factory.mktemp("dist")
    run(sys.executable, "-m", "build", "--wheel", "--no-isolation", "--outdir", folder, ROOT, at=folder)
    [built] = folder.glob("*.whl")
    return built


@pytest.fixture(scope="module")
def installed(wheel: Path, tmp_path_factory: pytest.TempPathFactory) -> Path:
    """The `bin` of a fresh environment with the wheel; its dependencies are those of the tests, listed behind it."""
    folder = tmp_path_factory.mktemp("environment")
    venv.create(folder, with_pip=False)
    python = folder / "bin" / "python"
    run(sys.executable, "-m", "pip", "--disable-pip-version-check", "--python", python, "install", "--quiet",
        "--no-deps", "--no-index", wheel, at=folder)  # fmt: skip
    [packages] = folder.glob("lib/python*/site-packages")
    # A path in a .pth file is only appended: .pth files inside it, such as the editable install's, are not read.
    (packages / "dependencies.pth").write_text(sysconfig.get_path("purelib") + "\n")
    return folder / "bin"


def test_the_wheel_holds_the_program_and_its_starter(wheel: Path) -> None:
    """The package, its type marker, the dictionary of drawers and the licence are in it; tests are not."""
    with zipfile.ZipFile(wheel) as archive:
        names = set(archive.namelist())
    for drawer in DRAWERS:
        wanted = {f"interlock/starter/{drawer}/{path.name}" for path in (ROOT / drawer).glob("*.[py]*")}
        assert wanted
        assert wanted <= names
    assert "interlock/py.typed" in names
    assert any(name.endswith("licenses/LICENSE") for name in names)
    assert {name.partition("/")[0] for name in names} == {"interlock", wheel.name.rsplit("-py3", 1)[0] + ".dist-info"}
    assert not [name for name in names if "test_" in name or name.endswith(".pyc") or "__pycache__" in name]
    assert wheel.stat().st_size < MAX_BYTES


def test_the_wheel_holds_every_file_of_the_package(wheel: Path) -> None:
    """Nothing that stands under `src/interlock` is left out."""
    source = ROOT / "src"
    own = {str(path.relative_to(source)) for path in (source / "interlock").rglob("*") if path.is_file()}
    with zipfile.ZipFile(wheel) as archive:
        missing = own - set(archive.namelist())
    assert not [name for name in missing if "__pycache__" not in name]


@pytest.mark.skipif(not WEIGHTS, reason="the embedded action model's weights are not there")
def test_the_wheel_holds_the_weights(wheel: Path) -> None:
    """The embedded action model comes with the package."""
    with zipfile.ZipFile(wheel) as archive:
        assert {"interlock/lam/weights/model.safetensors", "interlock/lam/weights/model.json"} <= set(
            archive.namelist()
        )


def test_every_import_is_a_declared_dependency() -> None:
    """Whatever the package imports is asked for in its metadata or by an extra, or comes with what is."""
    project = tomllib.loads((ROOT / "pyproject.toml").read_text(encoding="utf-8"))["project"]
    extras = [name for extra, names in project["optional-dependencies"].items() if extra != "dev" for name in names]
    declared = {re.split(r"[<>=~\[; ]", name)[0].lower() for name in [*project["dependencies"], *extras]}
    comes_with = {"sqlalchemy": "sqlmodel", "tokenizers": "transformers"}
    owners = {
        module: {name.lower().replace("_", "-") for name in of} for module, of in packages_distributions().items()
    }
    foreign = set()
    for path in (ROOT / "src" / "interlock").rglob("*.py"):
        for node in ast.walk(ast.parse(path.read_text(encoding="utf-8"))):
            names = [alias.name for alias in node.names] if isinstance(node, ast.Import) else []
            names += [node.module] if isinstance(node, ast.ImportFrom) and node.module and not node.level else []
            foreign |= {name.partition(".")[0] for name in names}
    foreign -= {*sys.stdlib_module_names, "interlock"}
    undeclared = {
        name: owners.get(name, set())
        for name in sorted(foreign)
        if comes_with.get(name, name) not in declared and not owners.get(name, set()) & declared
    }
    assert undeclared == {}


def test_the_installed_program_is_the_wheels(installed: Path, tmp_path: Path) -> None:
    """What is imported stands in the new environment, not in the repository, and tells its version."""
    where = run(installed / "python", "-c", "import interlock; print(interlock.__file__)", at=tmp_path).strip()
    assert Path(where).is_relative_to(installed.parent)
    assert re.fullmatch(r"\d+\.\d+\.\d+\n", run(installed / "interlock", "--version", at=tmp_path))


def test_a_new_project_passes_its_checks(installed: Path, tmp_path: Path) -> None:
    """`interlock init` makes a project from the packaged starter, and its workflows and its own test pass."""
    told = run(installed / "interlock", "init", "x", at=tmp_path)
    assert "interlock check graphs" in told
    project = tmp_path / "x"
    assert {path.name for path in project.iterdir()} >= {*DRAWERS, "README.md", "tests"}
    checked = run(installed / "interlock", "check", "graphs", at=project)
    assert checked.count(": ok; ") == len(list((project / "graphs").glob("*.yaml")))
    assert "passed" in run(installed / "python", "-P", "-m", "pytest", "-q", "tests", at=project)


@pytest.mark.skipif(not WEIGHTS, reason="the embedded action model's weights are not there")
def test_the_main_job_is_done_from_the_wheel(installed: Path, tmp_path: Path) -> None:
    """A draft is polished, waits for a person with exit code 3, and once approved stands in the outbox."""
    interlock = installed / "interlock"
    run(interlock, "init", "x", at=tmp_path)
    project = tmp_path / "x"
    (project / "draft.txt").write_text("hello anna, i am sorry that your order will come later then we promissed .\n")
    waits = run(
        interlock, "run", "polish_and_send", "-i", "draft=@draft.txt", "-i", "to=anna@example.org", "--as", "author",
        at=project, expect=3,
    )  # fmt: skip
    request = re.search(r"\bap-[0-9a-f]{10}\b", waits)
    assert request, waits
    assert not (project / ".interlock" / "outbox" / "new").exists()
    run(interlock, "review", "approve", request[0], "--as", "reviewer", at=project)
    [message] = (project / ".interlock" / "outbox" / "new").iterdir()
    text = message.read_text()
    assert "To: anna@example.org" in text
    assert "later than we promised" in text.replace("=\n", "")
