"""The table in docs/performance.md, from data/speed.csv: `python docs/make_performance.py`."""

from __future__ import annotations

import re
from pathlib import Path
from typing import Final

import pandas as pd

ROOT: Final = Path(__file__).parents[1]
PAGE: Final = ROOT / "docs" / "performance.md"
PART: Final = re.compile(r"(?<=<!-- ledger -->\n).*(?=<!-- end -->)", re.DOTALL)
KEYS: Final = ["build", "benchmark"]


def table(ledger: pd.DataFrame) -> str:
    """The newest row of each benchmark, and how it was compiled beside it."""
    newest = ledger.drop_duplicates(KEYS, keep="last").set_index(KEYS)
    names = newest.index.get_level_values("benchmark").unique()
    builds = [build for build in ("Python", "compiled") if build in newest.index.levels[0]]
    lines = [
        "| command | " + " | ".join(f"CPU s, {b} | times the reference" for b in builds) + " |",
        "|---|" + "--:|" * (2 * len(builds)),
    ]
    for name in names:
        cells = [_cells(newest, build, name) for build in builds]
        lines.append(f"| {name} | " + " | ".join(cells) + " |")
    commits = ", ".join(newest["commit"].unique())
    return "\n".join([*lines, "", f"Commit {commits}."])


def _cells(newest: pd.DataFrame, build: str, name: str) -> str:
    if (build, name) not in newest.index:
        return " | "
    row = newest.loc[(build, name)]
    ratio, noise = row["of_reference"], row["of_reference"] * row["noise"]
    return f"{row['cpu_seconds']:.2f} | {ratio:.2f} ± {noise:.2f}"


if __name__ == "__main__":
    found = table(pd.read_csv(ROOT / "data" / "speed.csv"))
    text = PART.sub(lambda _: f"{found}\n", PAGE.read_text(encoding="utf-8"))
    PAGE.write_text(text, encoding="utf-8")
