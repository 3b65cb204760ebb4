"""The tables of docs/reliability.md: `python docs/make_reliability.py` (a second).

They are data/fuzz.csv and data/reliability.csv, which `make fuzz` and `make faults` make.
"""

from __future__ import annotations

import re
from pathlib import Path
from typing import Final

from generate.reliability import befallen, fuzzed

PAGE: Final = Path(__file__).parent / "reliability.md"


def put(text: str, name: str, made: str) -> str:
    """The page with what stands between the marks of a table replaced."""
    between = re.compile(rf"(?<=<!-- {name} -->\n).*?(?=<!-- end -->)", re.DOTALL)
    return between.sub(lambda _: f"\n{made}\n\n", text, count=1)


if __name__ == "__main__":
    page = PAGE.read_text(encoding="utf-8")
    page = put(put(page, "fuzzed", fuzzed()), "befallen", befallen())
    PAGE.write_text(page, encoding="utf-8")
