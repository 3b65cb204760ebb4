"""The table of docs/steps.md: `chrt -r 1 python docs/make_steps.py` (a minute, needs Go).

Every program of docs/steps does a fixed amount of work, so that what it allocates and collects does
not hang on how busy the machine is. Each runs three times for real and once simulated.
"""

from __future__ import annotations

import json
import tempfile
from pathlib import Path
from typing import Any, Final

import pandas as pd
from make_reliability import put

from sim.config import load
from sim.simulation import simulate
from sim.truth.recorded import RecordedFigures, read_recorded, simulated
from sim.truth.toolchain import find_go
from sim.truth.twin import build_twin, run_twin
from sim.units import MiB

DOCS: Final = Path(__file__).parent
TABLE: Final = DOCS.parent / "data" / "steps.csv"
REPETITIONS: Final = 3
ALLOCATED: Final = "/gc/heap/allocs:bytes"
FIGURES: Final = ("allocated MiB", "cycles", "marked MiB", "peak MiB", "took ms")


def real_runs(config: Any, executable: Path, folder: Path) -> pd.DataFrame:
    """What the twin measured, run by run."""
    rows = []
    for number in range(REPETITIONS):
        log = folder / str(number) / "app.p1.gogc100.limnone.r0.gctrace"
        log.parent.mkdir(parents=True)
        run_twin(executable, config, log)
        facts = json.loads(log.with_suffix(".json").read_text(encoding="utf-8"))
        ((figures,),) = read_recorded(log.parent).values()
        allocated = facts["end"][ALLOCATED] - facts["start"][ALLOCATED]
        rows.append(_row(allocated, figures, facts["latency_ns"]["100"]))
    return pd.DataFrame(rows, columns=list(FIGURES))


def simulated_run(config: Any) -> pd.DataFrame:
    """The same of a simulated run."""
    result = simulate(config)
    requests = result.requests
    longest = float((requests["end_ns"] - requests["arrival_ns"]).max())
    filled = sum(store.size for store in config.program.stores.values() if store.filled)
    allocated = float(result.samples[ALLOCATED].iloc[-1]) - filled
    return pd.DataFrame([_row(allocated, simulated(result), longest)], columns=list(FIGURES))


def _row(allocated: float, figures: RecordedFigures, longest_ns: float) -> list[float]:
    return [
        allocated / MiB,
        figures.gc_cycles,
        figures.marked_heap / MiB,
        figures.peak_heap / MiB,
        longest_ns / 1e6,
    ]


def compare() -> pd.DataFrame:
    """One row for each program and figure."""
    executable, rows = build_twin(find_go()), []
    for path in sorted((DOCS / "steps").glob("*.yaml")):
        config = load(path)
        with tempfile.TemporaryDirectory() as folder:
            real = real_runs(config, executable, Path(folder))
        ours = simulated_run(config).iloc[0]
        for figure in FIGURES:
            runs = real[figure]
            spread = (runs.max() - runs.min()) / runs.median() if runs.median() else 0.0
            rows.append((path.stem, figure, runs.median(), ours[figure], spread))
        print(path.stem, real.median().round(1).to_dict(), ours.round(1).to_dict(), flush=True)
    return pd.DataFrame(rows, columns=["program", "figure", "real", "simulated", "real_spread"])


def as_markdown(table: pd.DataFrame) -> str:
    """Programs by figures: real, and simulated beside it."""
    cells = table.assign(
        cell=[f"{row.real:.4g} / {row.simulated:.4g}" for row in table.itertuples()]
    )
    wide = cells.pivot_table(index="program", columns="figure", values="cell", aggfunc="first")
    return str(wide[list(FIGURES)].to_markdown())


if __name__ == "__main__":
    found = compare()
    found.round(4).to_csv(TABLE, index=False)
    page = DOCS / "steps.md"
    page.write_text(put(page.read_text(encoding="utf-8"), "steps", as_markdown(found)))
