"""The tables of docs/accuracy.md and of the README: `python docs/make_accuracy.py` (minutes)."""

from __future__ import annotations

import re
import subprocess
import sys
from pathlib import Path
from typing import Final

ROOT: Final = Path(__file__).parents[1]
COMMAND: Final = ("accuracy", "configs/hbsteady.yaml", "configs/garbage64.yaml", "--quiet")
TABLES: Final = re.compile(r"(?<=<!-- tables -->\n).*?(?=<!-- end of tables -->)", re.DOTALL)


def put(page: Path, text: str) -> None:
    """Replace what stands between the markers of a page."""
    old = page.read_text(encoding="utf-8")
    page.write_text(TABLES.sub(lambda _: f"\n{text.strip()}\n\n", old), encoding="utf-8")


if __name__ == "__main__":
    printed = subprocess.run(
        [sys.executable, "-m", "sim", *COMMAND],
        cwd=ROOT,
        capture_output=True,
        text=True,
        check=True,
    ).stdout
    put(ROOT / "docs" / "accuracy.md", printed)
    put(ROOT / "README.md", printed.split("###")[0])
