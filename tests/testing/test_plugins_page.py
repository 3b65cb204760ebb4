"""The example of docs/plugins.md works as it stands."""

from __future__ import annotations

import re
import subprocess
import sys
from pathlib import Path

import pytest

from sim.cli import main
from sim.registry import REGISTRIES

ROOT = Path(__file__).parents[2]
PAGE = ROOT / "docs" / "plugins.md"
FILE = re.compile(r"`(\S+\.(?:py|yaml))`[^`\n]*:?\n\n```\w+\n(.*?)```", re.DOTALL)


def python(folder: Path, *arguments: str) -> str:
    done = subprocess.run(
        [sys.executable, *arguments],
        capture_output=True,
        text=True,
        check=False,
        cwd=folder,
        env={"PYTHONPATH": f"{ROOT}:{folder}", "PYTHONDONTWRITEBYTECODE": "1"},
    )
    assert done.returncode == 0, done.stdout + done.stderr
    return done.stdout


def typed(capsys: pytest.CaptureFixture[str], *arguments: str) -> str:
    with pytest.raises(SystemExit) as end:
        main(arguments)
    out, err = capsys.readouterr()
    assert not end.value.code, err
    return out


def test_the_example_runs_is_listed_and_conforms(
    tmp_path: Path, capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    files = dict(FILE.findall(PAGE.read_text()))
    assert list(files) == ["mine.py", "program.yaml", "config.yaml", "test_mine.py"]
    for name, text in files.items():
        (tmp_path / name).write_text(text)
    monkeypatch.chdir(tmp_path)
    for registry in REGISTRIES.values():
        monkeypatch.setattr(registry, "_classes", dict(registry._classes))
    assert typed(capsys, "run", "config.yaml", "--gctrace", "--quiet").startswith("gc 1 @")
    listed = typed(capsys, "policies", "mine.py")
    assert re.search(r"^pacer +early +Go 1.27's pacer, but .*\(part\)$", listed, re.MULTILINE)
    assert re.search(r"^distribution +power-of-two .*\(low, doublings\)$", listed, re.MULTILINE)
    python(tmp_path, "-m", "pytest", "-q", "-p", "no:cacheprovider", "test_mine.py")
