"""The tables of docs/many-ps.md: `python docs/make_many_ps.py` (a minute and a half of CPU time).

A JSON API with 700 requests a second for each P, simulated on up to 64 Ps, and small heaps on 64,
parts of which are lists; beside it what logs that others have published show on as many.
"""

from __future__ import annotations

from pathlib import Path
from statistics import mean, median
from typing import Final

import pandas as pd
from make_reliability import put

from sim.config import load
from sim.examples import examples
from sim.formats.gctrace import GCTraceLine, parse
from sim.simulation import simulate

PAGE: Final = Path(__file__).parent / "many-ps.md"
PROCS: Final = (2, 4, 8, 16, 36, 64)
SETTLED: Final = 2
"""Cycles before which the heap grows to its size."""
SMALL_HEAP: Final = 8 << 20
"""Bytes of what lives in the small heap."""
LISTED: Final = (0, 1, 10, 50, 100)
"""Percent of it that is a linked list; a table leads to the rest."""
PUBLISHED: Final = {
    "issue-19393": "golang/go issue 19393, Go 1.8, 16 Ps, heap of 23 GiB",
    "issue-14420": "golang/go issue 14420, Go 1.6, 36 Ps, a million goroutines",
    "issue-73581": "golang/go issue 73581, no Green Tea, 64 Ps, heap of 10 to 23 MB",
}
"""Files in data/published, and what is in them: lines that others have published."""


def row(lines: list[GCTraceLine]) -> dict[str, str]:
    """Who marks, as shares of all Ps while marking lasts, and pauses."""
    share = {
        kind: mean(getattr(one, f"cpu_{kind}") / (one.concurrent_mark * one.procs) for one in lines)
        for kind in ("background", "idle", "assist")
    }
    return {
        "cycles": str(len(lines)),
        "marking ms": f"{median(one.concurrent_mark for one in lines) / 1e6:.3g}",
        **{kind: f"{value:.1%}" for kind, value in share.items()},
        "first pause us": f"{median(one.stw_sweep_termination for one in lines) / 1e3:.0f}",
        "second pause us": f"{median(one.stw_mark_termination for one in lines) / 1e3:.0f}",
    }


def lines_of(text: str) -> list[GCTraceLine]:
    """The cycles of a log."""
    return [found.line for found in parse(text.splitlines())]


def published(name: str) -> list[GCTraceLine]:
    """The cycles of a published log."""
    path = PAGE.parents[1] / "data" / "published" / f"{name}.gctrace"
    return lines_of(path.read_text(encoding="utf-8"))


def simulated(procs: int) -> list[GCTraceLine]:
    """A second of the API on so many Ps."""
    sets = [f"GOMAXPROCS={procs}", "duration=1s"]
    sets.append(f"workload.load.api.arrivals.poisson={700 * procs}/s")
    return lines_of(simulate(load(examples("workloads")["json-api"], sets)).gctrace())[SETTLED:]


def small_heap(listed: int) -> list[GCTraceLine]:
    """Half a second of a service on 64 Ps, with so many percent of its entries in a list."""
    sizes = {"table": SMALL_HEAP * (100 - listed) // 100, "list": SMALL_HEAP * listed // 100}
    stores = {
        name: {"size": f"{size}B", "of": "entry", "replacement": "oldest", "structure": name}
        for name, size in sizes.items()
        if size
    }
    work = {"cpu": "100us", "allocate": "64KiB", "of": "other"}
    renew = [
        {"work": {"cpu": "5us", "allocate": "1KiB", "of": "entry", "into": name}} for name in stores
    ]
    workload = {
        "name": "small",
        "mixes": {"entry": [{"size": "64B"}], "other": [{"size": "128B", "pointers": 2}]},
        "stores": stores,
        "goroutines": {"get": {"steps": [{"work": work}, *renew]}},
        "load": {"gets": {"goroutine": "get", "arrivals": {"poisson": "20000/s"}}},
    }
    config = load({"workload": workload, "GOMAXPROCS": 64, "duration": "500ms"})
    return lines_of(simulate(config).gctrace())[SETTLED:]


if __name__ == "__main__":
    ours = pd.DataFrame([{"Ps": procs, **row(simulated(procs))} for procs in PROCS])
    small = pd.DataFrame(
        [{"in lists": f"{listed}%", **row(small_heap(listed))} for listed in LISTED]
    )
    theirs = pd.DataFrame(
        [{"log": told, **row(published(name))} for name, told in PUBLISHED.items()]
    )
    page = put(PAGE.read_text(encoding="utf-8"), "simulated", ours.to_markdown(index=False))
    page = put(page, "small", small.to_markdown(index=False))
    PAGE.write_text(put(page, "published", theirs.to_markdown(index=False)), encoding="utf-8")
