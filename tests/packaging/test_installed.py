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

from tests.pages import HERE, INSTALLED, ROOT, Installation, follow

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
    """A folder with both distributions, the wheel not compiled, so that any Python takes it."""
    folder = tmp_path_factory.mktemp("dist")
    with pytest.MonkeyPatch.context() as patch:
        patch.setenv("GOMEMSIM_PURE", "1")
        HERE.printed([sys.executable, "-m", "build", "--outdir", folder, ROOT], folder)
    return folder


def installed(package: Path, python: Path, folder: Path, *options: str | Path) -> Installation:
    """A fresh environment with a package, an empty home and none of our variables."""
    scripts = folder / "venv" / ("Scripts" if os.name == "nt" else "bin")
    (folder / "home").mkdir()
    clean = {k: v for k, v in os.environ.items() if not k.startswith(("PYTHON", "COV_", "VIRTUAL"))}
    clean["GOMEMSIM_PURE"] = "1"
    home = {"HOME": str(folder / "home"), "USERPROFILE": str(folder / "home")}
    found = Installation([scripts / "gomemsim"], scripts / "python", {**clean, **home})
    found.printed([python, "-m", "venv", "venv"], folder)
    found.printed([found.python, "-m", "pip", "install", "-q", *options, package], folder)
    return found


@pytest.mark.parametrize("python", interpreters(), ids=lambda path: path.name)
def test_readme_and_tutorials_run_word_by_word_where_only_the_wheel_is_installed(
    python: Path, built: Path, tmp_path: Path
) -> None:
    """With our libraries on the oldest Python, and with the newest libraries on the newest."""
    pins = ["-c", ROOT / "constraints.txt"] if python == interpreters()[0] else []
    (wheel,) = built.glob("*.whl")
    installation = installed(wheel, python, tmp_path, *pins)
    for page in INSTALLED:
        folder = tmp_path / page.stem
        folder.mkdir()
        follow(page, folder, installation)


def test_the_source_distribution_installs_and_runs(built: Path, tmp_path: Path) -> None:
    (archive,) = built.glob("*.tar.gz")
    installation = installed(archive, interpreters()[0], tmp_path, "-c", ROOT / "constraints.txt")
    quick = [*installation.gomemsim, "run", "quickstart", "--set", "duration=100ms", "-q"]
    assert "results" in installation.printed(quick, tmp_path)
    assert (tmp_path / "results" / "quickstart" / "run.parquet").is_file()
    script = "from importlib.resources import files; print((files('sim') / 'py.typed').is_file())"
    assert installation.printed([installation.python, "-c", script], tmp_path).strip() == "True"
