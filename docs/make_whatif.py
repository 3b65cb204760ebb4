"""The commands in docs/whatif.md and README.md with their output: `python docs/make_whatif.py`.

Every block that shows the output of a `$ gomemsim` command gets that of today, from the log that
`gomemsim init` brings; where the last line is `...`, as many lines of it as before.
docs/whatif-accuracy.md, -more.md, -apps.md and -programs.md are the output of one command each.
Names of pages as arguments make only these.
"""

from __future__ import annotations

import re
import shlex
import shutil
import subprocess
import sys
from pathlib import Path
from tempfile import TemporaryDirectory
from typing import Final

ROOT: Final = Path(__file__).parents[1]
PAGES: Final = (ROOT / "docs" / "whatif.md", ROOT / "README.md")
ACCURACY: Final = {
    "tests/golden/real": ROOT / "docs" / "whatif-accuracy.md",
    "tests/golden/real-more": ROOT / "docs" / "whatif-accuracy-more.md",
    "tests/golden/real-apps": ROOT / "docs" / "whatif-accuracy-apps.md",
    "data/real-programs": ROOT / "docs" / "whatif-accuracy-programs.md",
}
LOG: Final = ROOT / "data" / "logs" / "service.gctrace"
BLOCK: Final = re.compile(r"```console\n\$ gomemsim (.*)\n((?:(?!\$ |```).*\n)+)```")


def output(arguments: str, folder: Path) -> str:
    """What the command prints in a folder."""
    done = subprocess.run(
        [sys.executable, "-m", "sim", *shlex.split(arguments)],
        cwd=folder,
        capture_output=True,
        text=True,
        check=True,
    )
    return done.stdout


def rendered(match: re.Match[str]) -> str:
    """A block with the output of its command, which finds the log beside it."""
    with TemporaryDirectory() as folder:
        shutil.copy(LOG, folder)
        told = output(match[1], Path(folder))
    if match[2].endswith("...\n"):
        kept = match[2].count("\n") - 1
        told = "".join([*told.splitlines(keepends=True)[:kept], "...\n"])
    return f"```console\n$ gomemsim {match[1]}\n{told}```"


if __name__ == "__main__":
    asked = set(sys.argv[1:]) or {page.name for page in (*PAGES, *ACCURACY.values())}
    for page in PAGES:
        if page.name in asked:
            page.write_text(BLOCK.sub(rendered, page.read_text(encoding="utf-8")), encoding="utf-8")
    for runs, page in ACCURACY.items():
        if page.name in asked:
            page.write_text(output(f"whatif --check {runs} --quiet", ROOT), encoding="utf-8")
