"""The example of docs/plugins.md works as it stands."""

from __future__ import annotations

import re
import subprocess
import sys
from pathlib import Path

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


def test_the_example_runs_is_listed_and_conforms(tmp_path: Path) -> None:
    files = dict(FILE.findall(PAGE.read_text()))
    assert list(files) == ["mine.py", "program.yaml", "config.yaml", "test_mine.py"]
    for name, text in files.items():
        (tmp_path / name).write_text(text)
    trace = python(tmp_path, "-m", "sim", "run", "config.yaml", "--gctrace", "--quiet")
    assert trace.startswith("gc 1 @")
    listed = python(tmp_path, "-m", "sim", "policies", "mine.py")
    assert re.search(r"^pacer +early +Go 1.27's pacer, but .*\(part\)$", listed, re.MULTILINE)
    assert re.search(r"^distribution +power-of-two .*\(low, doublings\)$", listed, re.MULTILINE)
    python(tmp_path, "-m", "pytest", "-q", "-p", "no:cacheprovider", "test_mine.py")
