"""The table of errors in README.md and docs/accuracy.md: `python docs/make_errors.py` (a second).

It is data/errors.csv, which `gomemsim evaluate --write` makes.
"""

from __future__ import annotations

import re
from pathlib import Path
from typing import Final

from generate.errors import brief

ROOT: Final = Path(__file__).parents[1]
PAGES: Final = (ROOT / "README.md", ROOT / "docs" / "accuracy.md")
TABLES: Final = re.compile(r"(?<=<!-- tables -->\n).*?(?=<!-- end of tables -->)", re.DOTALL)


def put(page: Path, text: str) -> None:
    """Replace what stands between the markers of a page."""
    old = page.read_text(encoding="utf-8")
    page.write_text(TABLES.sub(lambda _: f"\n{text.strip()}\n\n", old), encoding="utf-8")


if __name__ == "__main__":
    for page in PAGES:
        put(page, brief())
