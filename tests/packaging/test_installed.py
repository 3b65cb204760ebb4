"""Wheel and source distribution work in a clean environment, far from the repository.

Tried on the oldest and the newest Python of those that pyproject.toml promises and that are here.
"""

from __future__ import annotations

import os
import shutil
import subprocess
import sys
import tomllib
from pathlib import Path

import pytest

ROOT = Path(__file__).parents[2]
PROJECT = tomllib.loads((ROOT / "pyproject.toml").read_text(encoding="utf-8"))["project"]
PREFIX = "Programming Language :: Python :: 3."
MINORS = sorted(int(c.removeprefix(PREFIX)) for c in PROJECT["classifiers"] if c.startswith(PREFIX))
pytestmark = [pytest.mark.slow, pytest.mark.timeout(1500)]


def interpreters() -> list[Path]:
    """The oldest and the newest of the promised Pythons that can be found."""
    found = [path for minor in MINORS if (path := _find(minor))]
    return sorted({found[0], found[-1]}) if found else [Path(sys.executable)]


def _find(minor: int) -> Path | None:
    name = f"python3.{minor}"
    managed = sorted((Path.home() / ".pyenv" / "versions").glob(f"3.{minor}.*/bin/{name}"))
    candidates = [*managed, *filter(None, [shutil.which(name)])]
    return next((Path(path) for path in candidates if _works(Path(path))), None)


def _works(python: Path) -> bool:
    line = [python, "-c", "import venv, ensurepip"]
    done = subprocess.run(line, capture_output=True, check=False)
    return done.returncode == 0


@pytest.fixture(scope="module")
def built(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A folder with both distributions."""
    folder = tmp_path_factory.mktemp("dist")
    typed([sys.executable, "-m", "build", "--outdir", folder, ROOT], folder)
    return folder


def typed(command: list[str | Path], folder: Path) -> str:
    """Run a command in a folder, with nothing of this environment; what it prints."""
    clean = {k: v for k, v in os.environ.items() if not k.startswith(("PYTHON", "COV_"))}
    done = subprocess.run(
        command, cwd=folder, env=clean, capture_output=True, text=True, check=False
    )
    assert done.returncode == 0, done.stderr[-3000:]
    return done.stdout


@pytest.mark.parametrize("kind", ["*.whl", "*.tar.gz"])
@pytest.mark.parametrize("python", interpreters(), ids=lambda path: path.name)
def test_installed_is_enough(python: Path, kind: str, built: Path, tmp_path: Path) -> None:
    if kind == "*.tar.gz" and python != interpreters()[0]:
        pytest.skip("the source distribution is tried on the oldest Python")
    typed([python, "-m", "venv", "venv"], tmp_path)
    scripts = tmp_path / "venv" / ("Scripts" if os.name == "nt" else "bin")
    (package,) = built.glob(kind)
    pins: list[str | Path] = ["-c", ROOT / "constraints.txt"] if python == interpreters()[0] else []
    typed([scripts / "python", "-m", "pip", "install", "-q", *pins, package], tmp_path)
    command = scripts / "gomemsim"
    assert "quickstart" in typed([command, "examples"], tmp_path)
    told = typed([command, "run", "quickstart", "--set", "duration=100ms", "-q"], tmp_path)
    assert "results" in told
    assert (tmp_path / "results" / "quickstart" / "run.parquet").is_file()
    typed([command, "init", "mine"], tmp_path)
    typed([command, "fit", "service.gctrace", "-o", "mine.yaml", "-q"], tmp_path / "mine")
    typed([command, "run", "mine.yaml", "--set", "duration=100ms", "-q"], tmp_path / "mine")
    script = "from importlib.resources import files; print((files('sim') / 'py.typed').is_file())"
    assert typed([scripts / "python", "-c", script], tmp_path).strip() == "True"
