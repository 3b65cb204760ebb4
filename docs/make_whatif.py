"""The commands in docs/whatif.md with their output: `python docs/make_whatif.py`.

Every block of the page that begins with `$ gomemsim` is run again and gets its output of today;
docs/whatif-accuracy.md, -more.md and -apps.md are the output of one command each. Names of pages as
arguments make only these.
"""

from __future__ import annotations

import re
import shlex
import subprocess
import sys
from pathlib import Path
from typing import Final

ROOT: Final = Path(__file__).parents[1]
PAGE: Final = ROOT / "docs" / "whatif.md"
ACCURACY: Final = {
    "tests/golden/real": ROOT / "docs" / "whatif-accuracy.md",
    "tests/golden/real-more": ROOT / "docs" / "whatif-accuracy-more.md",
    "tests/golden/real-apps": ROOT / "docs" / "whatif-accuracy-apps.md",
}
BLOCK: Final = re.compile(r"```console\n\$ gomemsim (.*)\n(?:.*\n)*?```")


def output(arguments: str) -> str:
    """What the command prints."""
    done = subprocess.run(
        [sys.executable, "-m", "sim", *shlex.split(arguments)],
        cwd=ROOT,
        capture_output=True,
        text=True,
        check=True,
    )
    return done.stdout


def rendered(match: re.Match[str]) -> str:
    """A block with the output of its command."""
    return f"```console\n$ gomemsim {match[1]}\n{output(match[1])}```"


if __name__ == "__main__":
    asked = set(sys.argv[1:]) or {PAGE.name, *(page.name for page in ACCURACY.values())}
    if PAGE.name in asked:
        PAGE.write_text(BLOCK.sub(rendered, PAGE.read_text(encoding="utf-8")), encoding="utf-8")
    for runs, page in ACCURACY.items():
        if page.name in asked:
            page.write_text(output(f"whatif --check {runs} --quiet"), encoding="utf-8")
