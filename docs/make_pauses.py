"""The table of real pauses in docs/pauses.md: `python docs/make_pauses.py` (a second).

From data/validation.csv, which docs/make_validation.py writes.
"""

from __future__ import annotations

from pathlib import Path
from typing import Final

import pandas as pd
from make_reliability import put

DOCS: Final = Path(__file__).parent
AGREE: Final = {"pause_p50": 0.2, "pause_p99": 0.4}
"""Spread of the repetitions of a real run, relative to their median, up to which an error says
something: what is asked of the simulated ones."""
NAMES: Final = {"pause_p50": "median", "pause_p99": "p99"}


def table() -> str:
    """Errors of pauses by Ps, of all settings and of those whose repetitions agree."""
    rows = []
    found = pd.read_csv(DOCS.parent / "data" / "validation.csv")
    found = found[found["real"] > 0]
    found["error"] = (found["simulated"] / found["real"] - 1).abs()
    for (figure, procs), some in found.groupby(["figure", "gomaxprocs"]):
        if figure not in AGREE:
            continue
        agree = some[some["spread"] <= AGREE[figure]]
        low = (some["simulated"] < some["real"]).mean()
        rows.append(
            {
                "pause": NAMES[figure],
                "GOMAXPROCS": procs,
                "settings": len(some),
                "error": f"{some['error'].median():.0%}",
                "simulated is shorter": f"{low:.0%}",
                f"of them, repetitions agree to {AGREE['pause_p50']:.0%} (p99: 40%)": len(agree),
                "error there": f"{agree['error'].median():.0%}" if len(agree) else "",
            }
        )
    return str(pd.DataFrame(rows).to_markdown(index=False))


if __name__ == "__main__":
    page = DOCS / "pauses.md"
    page.write_text(put(page.read_text(encoding="utf-8"), "pauses", table()), encoding="utf-8")
